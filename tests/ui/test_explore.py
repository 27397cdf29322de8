import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from landscape.core.files import load_result
from landscape.figures import FigureStyle
from landscape.service.store import Store
from landscape.ui.exhibits import list_exhibits
from landscape.ui.exports import render
from landscape.ui.labels import label_exhibits
from tests.figures.synthetic import basins, line_result, plane_result
from tests.ui.builders import put_result, put_shipped


def shown(test) -> dict:
    """What the chart was given."""
    (chart,) = test.get("bidi_component")
    return json.loads(chart.proto.json)


def test_nothing_yet(open_page):
    test = open_page("explore")
    assert not test.exception
    assert not test.error
    assert test.title[0].value == "Explore"
    assert test.button("to_workbench").label == "Open the Workbench"


def test_an_example_comes_first_with_its_poster_and_its_finding(open_page, shipped, home):
    put_shipped(shipped, {"ring": plane_result(nll=basins, title="Three of a kind")})
    put_result(home, line_result())
    test = open_page("explore")
    assert not test.exception
    assert test.title[0].value == "Three of a kind"
    assert r"Between them the loss rises\." in [text.value for text in test.markdown]
    chart = shown(test)
    assert chart["poster"].startswith("data:image/webp;base64,")
    assert chart["alt"].startswith("Contour map of train loss over a plane")
    assert chart["library"].startswith("/landscape/plotly-")
    assert [trace["type"] for trace in json.loads(chart["figure"])["data"]].count("contour") >= 1


def test_the_address_says_what_is_shown(open_page, home):
    put_result(home, plane_result(nll=basins))
    key = put_result(home, plane_result(columns=11, nll=basins, title="The other"))
    test = open_page(
        "explore", result=key[:12], view="Surface", measure="Error", split="Test", scale="Log", at="2.3,1.9"
    )
    assert not test.exception
    assert test.title[0].value == "The other"
    chart = shown(test)
    assert "surface" in [trace["type"] for trace in json.loads(chart["figure"])["data"]]
    assert "test error" in chart["alt"]
    assert chart["probe"]["kind"] == "surface"
    assert (chart["probe"]["x"], chart["probe"]["y"]) == (2.3, 1.9)
    assert np.isfinite(chart["probe"]["z"])


def test_clip_belongs_to_its_measure(open_page, home):
    put_result(home, plane_result(nll=basins))
    test = open_page("explore")
    options = test.select_slider("clip_loss").options
    assert options[0] == "none"
    test.select_slider("clip_loss").set_value(options[3]).run()
    assert "share the top colour" in " ".join(caption.value for caption in test.caption)
    test.segmented_control("measure").set_value("error").run()
    assert not test.exception
    assert test.select_slider("clip_error").value == "none"


def test_a_clip_is_not_taken_along_to_another_result(open_page, home):
    put_result(home, plane_result(nll=basins))
    key = put_result(home, plane_result(columns=11, nll=basins, title="The other"))
    limit = open_page("explore", result=key[:12]).select_slider("clip_loss").options[3]
    test = open_page("explore", result=key[:12], clip_loss=limit)
    assert test.select_slider("clip_loss").value == limit, "a link keeps its clip"
    test.segmented_control("view").set_value("surface").run()
    assert test.select_slider("clip_loss").value == limit
    test.selectbox("shown").select_index(1).run()
    assert not test.exception
    assert not test.warning
    assert test.title[0].value != "The other"
    assert test.select_slider("clip_loss").value == "none"
    assert "clip_loss" not in test.query_params


def test_results_with_one_title_can_be_told_apart(open_page, home):
    put_result(home, plane_result(nll=basins))
    put_result(home, plane_result(columns=11, nll=basins))
    test = open_page("explore")
    options = test.selectbox("shown").options
    assert len(set(options)) == 2
    assert any("9 x 7 points" in option for option in options)
    assert any("11 x 7 points" in option for option in options)
    before = shown(test)["figure"]
    test.selectbox("shown").select_index(1).run()
    chosen = shown(test)["figure"]
    assert chosen != before
    test.segmented_control("measure").set_value("error").run()
    test.segmented_control("measure").set_value("loss").run()
    assert not test.exception
    assert test.selectbox("shown").index == 1
    assert shown(test)["figure"] == chosen


def test_equal_results_are_told_apart_by_their_keys(home):
    ids = [
        put_result(home, plane_result(title="Same")),
        put_result(home, plane_result(columns=11, title="Same")),
    ]
    same = Store(home).find(ids[0])
    exhibits = [replace(exhibit, path=same) for exhibit in list_exhibits(home, shipped=home.path / "none")]
    labels = label_exhibits(exhibits)
    assert all(label.endswith(name) for name, label in labels.items())
    assert len(set(labels.values())) == 2


def test_a_point_is_read_out_and_cleared(open_page, home):
    put_result(home, plane_result())  # nll = alpha + 10 beta
    test = open_page("explore", at="2.3,1.9")
    values = test.table[0].value
    assert values["interpolated"][0] == "21.3"
    assert values["nearest node"][0] == "22.5"
    assert "distance" in test.table[1].value.columns
    test.button("clear_point").click().run()
    assert not test.exception
    assert "at" not in test.query_params
    assert "distance" not in test.table[0].value.columns


@pytest.mark.parametrize("nonsense", ["a,b", "1", "nan,1", "1,2,3", "inf,1", ""])
def test_nonsense_in_the_address_is_no_point(open_page, home, nonsense):
    put_result(home, plane_result())
    test = open_page("explore", at=nonsense, view="hologram", clip_loss="-5")
    assert not test.exception
    assert not test.error
    assert shown(test)["probe"] is None


def test_a_result_that_is_gone_is_said_to_be_gone(open_page, home):
    put_result(home, plane_result())
    test = open_page("explore", result="![x](http://y)")
    assert r"There is no result \!\[x\]" in test.warning[0].value
    assert test.title


def test_a_damaged_result_is_one_sentence(open_page, home):
    key = put_result(home, plane_result())
    path = Store(home).find(key)
    path.write_bytes(path.read_bytes()[:2000])
    test = open_page("explore")
    assert not test.exception
    assert "is damaged; delete it and compute the result again" in test.error[0].value


def test_a_damaged_index_of_examples_is_one_sentence(open_page, shipped):
    shipped.mkdir()
    (shipped / "index.json").write_text("{")
    test = open_page("explore")
    assert "cannot be read" in test.error[0].value


def test_the_recipe_has_the_command_line_and_every_digest(open_page, home):
    put_result(home, line_result())
    test = open_page("explore")
    assert test.code[0].value == "python -m landscape line A B --points 51"
    assert list(test.dataframe[1].value["digest"]) == ["a" * 64, "b" * 64]
    assert json.loads(test.code[1].value)["points"] == 13


def test_the_data_are_shown_on_demand(open_page, home):
    put_result(home, plane_result())
    test = open_page("explore")
    before = len(test.dataframe)
    test.toggle("data").set_value(True).run()
    assert not test.exception
    assert len(test.dataframe) == before + 1
    assert test.dataframe[-1].value.shape == (7, 9)


def test_a_title_of_unknown_origin_is_only_text(open_page, home):
    put_result(home, line_result(title="![x](http://evil.example/a.png) <b>"))
    test = open_page("explore")
    assert test.title[0].value == r"\!\[x\]\(http\://evil\.example/a\.png\) \<b\>"


@pytest.mark.parametrize(
    ("kind", "magic"),
    [
        ("png", b"\x89PNG"),
        ("svg", b"<?xml"),
        ("pdf", b"%PDF"),
        ("html", b"<!DOCTYPE html>"),
        ("nc", b"\x89HDF"),
    ],
)
def test_exports_begin_as_their_kind_does(home, kind, magic):
    key = put_result(home, line_result())
    assert render(Store(home).find(key), FigureStyle(), kind)().startswith(magic)


def test_exported_numbers_are_the_results_own(home, tmp_path):
    key = put_result(home, plane_result())
    path = Store(home).find(key)
    (tmp_path / "again.nc").write_bytes(render(path, FigureStyle(), "nc")())
    xr.testing.assert_identical(load_result(tmp_path / "again.nc"), load_result(path))
    assert render(path, FigureStyle(), "csv")().count(b"\n") >= 7 * 9
