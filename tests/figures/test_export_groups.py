import csv
import io
import re

import numpy as np
import pytest
from PIL import Image

from landscape.core.files import load_result
from landscape.core.requests import SearchRequest
from landscape.figures import FORMATS, FigureStyle, alt_text, save_figure, to_bytes
from landscape.figures.page import provenance_rows
from tests.figures.synthetic import diversity_result, ensemble_result, fan_result, search_result
from tests.figures.synthetic_parts import provenance
from tests.figures.test_export import MAGIC
from tests.figures.test_print import pdf_objects

RESULTS = {
    "fan": fan_result(),
    "ensemble": ensemble_result(),
    "diversity": diversity_result(),
    "search": search_result(),
}
MANY = {f"recipe <{number}>": 12 for number in range(9)}
TEST = FigureStyle(split="test")


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("study", RESULTS)
def test_every_study_leaves_in_every_format(study, suffix, tmp_path):
    path = tmp_path / f"{study}.{suffix}"
    save_figure(RESULTS[study], path, FigureStyle(split="test", dark=suffix in ("webp", "svg"), width=3.5))
    assert path.read_bytes().startswith(MAGIC[suffix] if suffix != "csv" else b"# ")
    if suffix == "nc":
        assert load_result(path).identical(RESULTS[study])


@pytest.mark.parametrize("study", RESULTS)
def test_print_is_vector_with_embedded_truetype_fonts(study):
    objects = pdf_objects(to_bytes(RESULTS[study], "pdf", TEST))
    assert not re.search(rb"/Subtype\s*/Image", objects)
    assert b"/FontFile2" in objects
    assert b"/Type3" not in objects
    assert "<image" not in to_bytes(RESULTS[study], "svg", TEST).decode()


@pytest.mark.parametrize("study", RESULTS)
def test_the_poster_has_its_width_and_its_paper(study):
    poster = Image.open(io.BytesIO(to_bytes(RESULTS[study], "webp", FigureStyle(dark=True))))
    assert poster.width == 1200
    assert sum(poster.convert("RGB").getpixel((2, 2))) < 90


def rows_of(result):
    lines = to_bytes(result, "csv").decode().splitlines()
    comments = [line for line in lines if line.startswith("#")]
    return comments, list(csv.DictReader(line for line in lines if not line.startswith("#")))


def test_the_table_of_a_fan_has_a_row_per_point():
    result = fan_result()
    comments, rows = rows_of(result)
    assert len(rows) == 6 * 13
    for split in ("train", "test"):
        for measure in ("nll", "loss", "error"):
            found = [float(row[f"{split}_{measure}"]) for row in rows]
            np.testing.assert_array_equal(found, result[measure].sel(split=split).values.reshape(-1))
    row = rows[13 * 4 + 2]  # the fifth line is the first of the second group
    assert (row["first"], row["last"]) == ("<i>NoCycle</i> & $x$@100", "<i>NoCycle</i> & $x$@300")
    assert float(row["t"]) == result["t"].values[2]
    assert float(row["length"]) == 9.5
    assert rows[13 + 4]["train_nll"] == "inf"
    assert rows[2 * 13 + 7]["test_error"] == "nan"
    assert "# examples: 1437 train, 360 test" in comments
    assert "# complete: 77 of 78 points so far" in comments


def test_the_table_of_an_ensemble_has_a_row_per_predictor():
    result = ensemble_result()
    comments, rows = rows_of(result)
    kinds = [(row["group"], row["kind"], row["order"]) for row in rows]
    assert kinds.count(("cyclic", "ensemble", "last")) == kinds.count(("cyclic", "ensemble", "first")) == 5
    assert kinds.count(("cyclic", "member", "")) == 5
    assert kinds.count(("cyclic", "average", "")) == 1
    assert len(rows) == 5 + 5 + 5 + 1 + 3 + 3 + 3 + 1
    (row,) = [row for row in rows if (row["group"], row["order"], row["size"]) == ("cyclic", "first", "2")]
    chosen = result.sel(order="first", size=2).isel(group=0)
    for quality in ("error", "nll", "ece", "brier"):
        assert float(row[f"test_{quality}"]) == float(chosen[quality].sel(split="test"))
    assert float(row["epochs"]) == 16.0
    (member,) = [row for row in rows if row["checkpoint"] == "cyclic@200"]
    assert (member["test_nll"], member["epochs"]) == ("inf", "16.0")
    assert rows[-1]["test_error"] == "nan"
    assert any("ece: expected calibration error" in line for line in comments)


def test_the_table_of_a_diversity_result_has_a_row_per_ordered_pair():
    result = diversity_result()
    _, rows = rows_of(result)
    assert len(rows) == 64
    for variant in ("per class", "flattened", "per example"):
        found = [float(row[f"test_correlation_{variant.replace(' ', '_')}"]) for row in rows]
        expected = result["correlation"].sel(split="test", variant=variant).values.reshape(-1)
        np.testing.assert_array_equal(found, expected)
    found = [float(row["train_disagreement"]) for row in rows]
    np.testing.assert_array_equal(found, result["disagreement"].sel(split="train").values.reshape(-1))
    assert (rows[3]["checkpoint"], rows[3]["other"]) == ("cyclic@100", "cyclic@400")
    assert (rows[5]["group"], rows[5]["other_group"]) == ("cyclic", "<i>NoCycle</i> & $x$")


def test_the_table_of_a_search_has_a_row_per_trial():
    result = search_result()
    comments, rows = rows_of(result)
    assert [row["trial"] for row in rows] == [str(number) for number in range(11)]
    assert rows[4]["run"] == "runs/trial-4"
    assert rows[4]["learning_rate"] == "0.04"
    assert rows[4]["validation_error_12"] == "0.031"
    assert rows[1]["validation_loss_1"] == "inf"
    assert rows[3]["validation_error_12"] == "nan"
    assert "# examples: 1150 train, 0 test, 287 validation" in comments
    assert not any("batch norm" in line for line in comments)


def test_names_cannot_end_a_row_early_nor_be_taken_for_a_formula():
    _, rows = rows_of(fan_result({"=SUM(A1) #2,\n3": 2}))
    assert rows[0]["group"] == "'=SUM(A1) 2, 3"
    assert len(rows) == 13


@pytest.mark.parametrize("study", RESULTS)
def test_the_page_stands_alone(study):
    result = RESULTS[study]
    text = to_bytes(result.assign_attrs(title="<script>alert(1)</script>"), "html", TEST).decode()
    head = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"(?:src|href)\s*=", head)
    assert "<script>alert(1)" not in text
    assert f"python -m landscape {study}" in head


def test_provenance_names_many_checkpoints_by_group_and_number_and_works_without_any():
    rows = dict(provenance_rows(fan_result(MANY, holes=False)))
    assert rows["checkpoint recipe <8> 12"].startswith("recipe <8>@1200 (convnet, step 690), sha256 ")
    assert len([name for name in rows if name.startswith("checkpoint")]) == 108
    search = dict(provenance_rows(search_result()))
    assert search["checkpoint best 2"].startswith("trial-0-stage-3 (convnet")
    assert "batch norm" not in search
    assert search["examples"] == "1,150 train, 0 test, 287 validation"
    without = search_result()
    without.attrs["provenance"] = provenance(SearchRequest(), (), samples={})
    assert not [name for name, _ in provenance_rows(without) if name.startswith("checkpoint")]
    assert "checkpoint 3" in dict(provenance_rows(diversity_result({"": 4})))


def test_drawing_leaves_the_result_alone():
    for result in RESULTS.values():
        before = result.copy(deep=True)
        for suffix in ("html", "png", "csv"):
            to_bytes(result, suffix, TEST)
        assert alt_text(result)
        assert result.identical(before)
