import json

import pytest

from landscape.core.files import save_result
from landscape.figures.formats import FORMATS
from landscape.figures.style import FigureStyle
from tests.figures.synthetic import plane_result

MAGIC = {
    "png": b"\x89PNG",
    "svg": b"<?xml",
    "pdf": b"%PDF",
    "html": b"<!DOCTYPE",
    "nc": b"\x89HDF",
    "webp": b"RIFF",
}


@pytest.fixture
def plane_file(tmp_path):
    save_result(plane_result(), tmp_path / "plane.nc")
    return tmp_path / "plane.nc"


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_suffix_names_the_format(call, plane_file, suffix):
    out = plane_file.parent / "new" / f"plane.{suffix}"
    result = call("figure", plane_file, "--out", out)
    assert result.exit_code == 0
    assert result.stdout == f"Drawn: {out}\n"
    assert out.read_bytes().startswith(MAGIC.get(suffix, b""))
    assert out.stat().st_size > 500


def test_every_field_of_the_style_is_an_option(call, plane_file, monkeypatch):
    from landscape import figures

    drawn = []
    monkeypatch.setattr(
        figures, "save_figure", lambda result, path, style: drawn.append(style), raising=False
    )
    result = call(
        *(
            "figure",
            plane_file,
            "--out",
            "x.pdf",
            "--measure",
            "error",
            "--split",
            "test",
            "--view",
            "surface",
        ),
        *("--scale", "linear", "--clip", "0.9", "--floor", "0.1", "--dark", "--colors", "magma"),
        *("--title", "Mine", "--width", "3.5"),
    )
    assert result.exit_code == 0
    assert drawn == [
        FigureStyle(
            measure="error", split="test", view="surface", scale="linear", clip=0.9, floor=0.1, dark=True,
            colors="magma", title="Mine", width=3.5,
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--out", "x.jpeg"), "There is no file format named 'jpeg'; "),
        (("--out", "x.pdf", "--measure", "los"), "There is no measure named 'los'; did you mean 'loss'?"),
        (
            ("--out", "x.pdf", "--view", "contuor"),
            "There is no view named 'contuor'; did you mean 'contour'?",
        ),
        (("--out", "x.pdf", "--colors", "jet"), "There is no colour scale named 'jet'; "),
        (("--out", "x.pdf", "--clip", "0"), "The clip is 0.0; give a positive number"),
        (("--out", "x.pdf", "--width", "0"), "The width is 0.0 inches; give a number between 1 and 50."),
        ((), "Missing option '--out'. See `python -m landscape figure --help`."),
    ],
)
def test_a_wrong_style_is_one_sentence(refuse, plane_file, words, sentence):
    assert refuse("figure", plane_file, *words).startswith(sentence)


def test_missing_and_damaged_results_are_explained(refuse, plane_file, tmp_path):
    missing = refuse("figure", tmp_path / "gone.nc", "--out", tmp_path / "x.png")
    assert missing == f"There is no result file {tmp_path / 'gone.nc'}; check the path."
    plane_file.write_bytes(plane_file.read_bytes()[:2000])
    message = refuse("figure", plane_file, "--out", tmp_path / "x.png")
    assert (
        "is not a readable NetCDF file (cut short, or another format); compute the result again." in message
    )
    (tmp_path / "text.nc").write_text(json.dumps({}))
    assert "is not a readable NetCDF file" in refuse(
        "figure", tmp_path / "text.nc", "--out", tmp_path / "x.png"
    )
