import csv
import html
import re

import numpy as np
import pytest

from landscape.core.errors import RequestError, StoreError
from landscape.core.files import load_result
from landscape.figures import FORMATS, FigureStyle, alt_text, caption, save_figure, save_training, to_bytes
from landscape.figures.formats import MEDIA_TYPES
from tests.figures.synthetic import history, line_result, plane_result, with_values

MAGIC = {
    "png": b"\x89PNG",
    "svg": b"<?xml",
    "pdf": b"%PDF",
    "html": b"<!DOCTYPE html>",
    "csv": b"# A plane",
    "nc": b"\x89HDF",
    "webp": b"RIFF",
}


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_is_written_by_its_suffix(suffix, tmp_path):
    path = tmp_path / f"plane.{suffix.upper()}"
    save_figure(plane_result(), path)
    assert path.read_bytes().startswith(MAGIC[suffix])
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_formats_have_media_types():
    assert set(MEDIA_TYPES) == set(FORMATS)


def test_an_unknown_format_is_refused_with_the_known_ones(tmp_path):
    words = "There is no figure format named 'jpg'; .*csv, html, nc, pdf, png, svg, webp"
    with pytest.raises(RequestError, match=words):
        save_figure(plane_result(), tmp_path / "plane.jpg")
    with pytest.raises(RequestError, match=r"There is no figure format named 'csv'; .*pdf, png, svg, webp"):
        save_training(history(), tmp_path / "run.csv")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_may_not_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        save_figure(line_result(), tmp_path / "file" / "line.csv")


def test_bytes_leave_no_file_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for suffix in FORMATS:
        to_bytes(line_result(), f".{suffix}")
    assert not list(tmp_path.iterdir())


def test_netcdf_is_the_result_itself(tmp_path):
    result = with_values(plane_result(), np.inf, beta=2, alpha=3)
    save_figure(result, tmp_path / "plane.nc")
    assert load_result(tmp_path / "plane.nc").identical(result)


def read_table(text: str) -> tuple[list[str], dict[str, list[float]]]:
    lines = text.splitlines()
    comments = [line for line in lines if line.startswith("#")]
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    return comments, {name: [float(row[name]) for row in rows] for name in rows[0]}


def test_the_table_of_a_plane_reads_back_bit_for_bit():
    result = plane_result(nll=lambda x, y: (x + 10 * y) / 3)
    result = with_values(with_values(result, np.nan, beta=0, alpha=1), np.inf, beta=6, alpha=8)
    comments, columns = read_table(to_bytes(result, "csv").decode())
    assert list(columns) == [
        "alpha", "beta", "norm", "train_nll", "train_loss", "train_error", "test_nll", "test_loss", "test_error",
    ]  # fmt: skip
    for split in ("train", "test"):
        for measure in ("nll", "loss", "error"):
            expected = result[measure].sel(split=split).values.reshape(-1)
            np.testing.assert_array_equal(columns[f"{split}_{measure}"], expected)
    x, y = np.array(columns["alpha"]), np.array(columns["beta"])
    finite = np.isfinite(columns["train_nll"])
    np.testing.assert_array_equal(np.array(columns["train_nll"])[finite], ((x + 10 * y) / 3)[finite])
    text = "\n".join(comments)
    assert "nll: nat per example" in text
    assert "batch norm: recalibrate" in text
    assert "command: python -m landscape plane" in text
    assert "alpha = 5.0, beta = 1.0 (sha256 bbbb" in text
    assert "complete: 62 of 63 points so far" in text


def test_the_table_says_nan_and_inf():
    result = with_values(with_values(line_result(), np.nan, t=0), np.inf, t=1)
    text = to_bytes(result, "csv").decode()
    rows = [line for line in text.splitlines() if not line.startswith("#")]
    assert rows[1].endswith("nan,nan,nan,nan,nan,nan")
    assert rows[2].endswith("inf,inf,inf,inf,inf,inf")


def test_the_table_of_a_line_has_place_and_distance():
    result = line_result()
    _, columns = read_table(to_bytes(result, "csv").decode())
    assert list(columns)[:3] == ["t", "distance", "norm"]
    np.testing.assert_array_equal(columns["t"], result["t"].values)
    np.testing.assert_array_equal(columns["distance"], result["distance"].values)
    np.testing.assert_array_equal(columns["test_error"], result["error"].sel(split="test").values)


def test_a_title_of_two_lines_stays_a_comment():
    text = to_bytes(line_result(title="first\n=second"), "csv").decode()
    assert text.startswith("# first =second\n")


@pytest.mark.parametrize(
    "style", [FigureStyle(), FigureStyle(view="surface", dark=True)], ids=["map", "surface"]
)
def test_the_page_stands_alone_and_tells_everything(style):
    result = plane_result(title="<script>alert(1)</script>")
    text = to_bytes(result, "html", style).decode()
    head = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"(?:src|href)\s*=", head)
    assert not re.search(r"<script[^>]*\ssrc=", text)
    assert "default-src 'none'" in head
    assert "<script>alert(1)" not in text
    assert html.escape(caption(result, style)) in head
    assert f'aria-label="{html.escape(alt_text(result, style))}"' in head
    assert "python -m landscape plane" in head
    assert "standard &lt;b&gt;@last&lt;/b&gt; &amp; $x$" in head
    assert '"modeBarButtonsToRemove": ["sendChartToCloud"' in text


def test_a_training_is_saved(tmp_path):
    for suffix in ("png", "svg", "pdf", "webp"):
        save_training(history(), tmp_path / f"run.{suffix}", title="run")
        assert (tmp_path / f"run.{suffix}").read_bytes().startswith(MAGIC[suffix])


def test_the_caption_travels_with_the_picture():
    text = to_bytes(line_result(), "svg").decode()
    assert "The straight line in weight space" in text
