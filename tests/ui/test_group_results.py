"""Explore with the results of whole groups: fan, ensemble, diversity, search."""

import json

import numpy as np
import pytest

from landscape.core.files import save_result
from landscape.core.requests import FanRequest
from landscape.figures import FigureStyle, draw
from landscape.service.claims import Claims
from landscape.service.jobs import Jobs
from landscape.service.library import list_checkpoints
from landscape.service.store import Store
from landscape.ui.chart import Click
from landscape.ui.data_tables import data_table
from landscape.ui.pairs import DrawnMatrix, find_pairs, pair_at, probe_of_pair
from tests.figures.synthetic_groups import diversity_result, ensemble_result, fan_result, search_result
from tests.ui.builders import put_result, put_run, with_checkpoints_of
from tests.ui.test_explore import shown

RESULTS = {
    "fan": fan_result, "ensemble": ensemble_result, "diversity": diversity_result, "search": search_result,
}  # fmt: skip


@pytest.mark.parametrize("study", RESULTS)
def test_every_study_is_drawn_with_its_caption_recipe_and_data(open_page, home, study):
    put_result(home, RESULTS[study]())
    test = open_page("explore", data="true")
    assert not test.exception
    assert not test.error
    assert shown(test)["alt"]
    assert json.loads(shown(test)["figure"])["data"]
    assert test.dataframe[0].value[""].tolist()[0] == "data"
    assert test.dataframe[-1].value.size >= 10


CONTROLS = {
    "fan": ("fan_measure", "nll", "Cross-entropy"),
    "ensemble": ("quality", "ece", "Calibration error"),
    "diversity": ("matrix", "disagreement", "Disagreement"),
}


@pytest.mark.parametrize("study", CONTROLS)
def test_a_control_changes_the_picture_and_a_link_restores_it(open_page, home, study):
    put_result(home, RESULTS[study]())
    key, value, words = CONTROLS[study]
    test = open_page("explore")
    before = shown(test)["figure"]
    test.segmented_control(key).set_value(value).run()
    assert not test.exception
    changed = shown(test)["figure"]
    assert changed != before
    assert shown(open_page("explore", **{key: words}))["figure"] == changed


@pytest.mark.parametrize(
    ("study", "keys"),
    [
        ("fan", {"fan_measure", "predictions_split", "ranges", "scale"}),
        ("ensemble", {"quality", "order", "predictions_split", "scale"}),
        ("diversity", {"matrix", "variant", "pairs", "predictions_split", "scale"}),
        ("search", {"scale"}),
    ],
)
def test_each_study_has_the_controls_that_fit(open_page, home, study, keys):
    put_result(home, RESULTS[study]())
    test = open_page("explore")
    assert {control.key for control in test.segmented_control} == keys


def test_where_there_is_one_group_there_is_nothing_to_choose_between_groups(open_page, home):
    put_result(home, diversity_result(groups={"": 4}))
    test = open_page("explore")
    assert not test.exception
    assert "pairs" not in {control.key for control in test.segmented_control}


def test_disagreement_has_no_variants(open_page, home):
    put_result(home, diversity_result())
    test = open_page("explore", matrix="Disagreement")
    assert "variant" not in {control.key for control in test.segmented_control}


def test_predictions_are_first_shown_on_the_test_images(open_page, home):
    put_result(home, ensemble_result())
    test = open_page("explore")
    assert test.segmented_control("predictions_split").value == "test"
    assert "test" in shown(test)["alt"]


# Pairs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pairs", ["within", "all"])
def test_every_cell_knows_its_pair(pairs):
    result = diversity_result()
    drawn = find_pairs(draw(result, FigureStyle(pairs=pairs)), result)
    starts = [0] if pairs == "all" else [0, 5]
    assert [part.panel for part in drawn] == list(range(len(starts)))
    for part, start in zip(drawn, starts, strict=True):
        assert isinstance(part, DrawnMatrix)
        count = len(part.pairs)
        for row in range(count):
            for column in range(count):
                click = Click(column + 0.3, row - 0.4, part.panel)
                expected = None if row == column else (start + row, start + column)
                assert pair_at(drawn, click) == expected
                if expected:
                    probe = {"kind": "cell", "panel": part.panel, "row": row, "column": column}
                    assert probe_of_pair(drawn, expected) == probe
        assert pair_at(drawn, Click(count + 0.1, 0, part.panel)) is None


def test_the_nearest_curve_of_the_clicked_panel_is_meant():
    result = fan_result(holes=False)  # nll of pair p: 1 + p (1 - t) + 4 t (1 - t)
    figure = draw(result, FigureStyle(measure="nll"))
    drawn = find_pairs(figure, result)
    assert [part.pair for part in drawn] == [(0, 4), (1, 4), (2, 4), (3, 4), (5, 7), (6, 7)]
    t = 0.2
    for number, pair in enumerate([(0, 4), (1, 4), (2, 4), (3, 4)]):
        height = 1 + number * (1 - t) + 4 * t * (1 - t)
        assert pair_at(drawn, Click(t, height + 0.2, 0)) == pair
    # In the second group the same place belongs to the pairs 4 and 5.
    assert pair_at(drawn, Click(t, 1 + 5 * (1 - t) + 4 * t * (1 - t), 1)) == (6, 7)
    probe = probe_of_pair(drawn, (6, 7))
    assert figure.data[probe["trace"]].name.startswith("2: ")
    assert probe_of_pair(drawn, (7, 6)) is None


def test_other_figures_have_no_pairs():
    result = ensemble_result()
    assert find_pairs(draw(result, FigureStyle()), result) == ()


def test_a_pair_of_networks_is_read_out_and_cleared(open_page, home):
    put_result(home, diversity_result())
    test = open_page("explore", pair="1,3")
    assert not test.exception
    values = dict(test.table[0].value.itertuples(index=False))
    assert values["Correlation, per class"] == "0.76"  # 0.8 - 0.02 * 2
    assert values["Correlation, per example"] == "0.66"
    assert values["Disagreement"] == "12%"
    assert values["Error of the first"] == "11%"
    assert shown(test)["probe"] == {"kind": "cell", "panel": 0, "row": 1, "column": 3}
    test.button("clear_point").click().run()
    assert not test.exception
    assert "pair" not in test.query_params
    assert shown(test)["probe"] is None


def test_a_pair_without_a_number_is_said_to_have_none(open_page, home):
    put_result(home, diversity_result())
    values = dict(open_page("explore", pair="0,1").table[0].value.itertuples(index=False))
    assert values["Correlation, flattened"] == "–"  # noqa: RUF001  # an en dash stands for no value


def test_a_line_of_a_fan_is_read_out(open_page, home):
    put_result(home, fan_result(holes=False))
    test = open_page("explore", pair="5,7", predictions_split="Train")
    assert not test.exception
    table = test.table[0].value.set_index("")
    # nll of pair 4 is 1 + 4 (1 - t) + 4 t (1 - t): a barrier of 1 above the straight line; t = 0.5 is not on the grid.
    t = np.linspace(-0.3, 1.2, 13)
    height = (4 * t * (1 - t)).max()
    assert table.loc["Cross-entropy", "at t = 0"] == "5"
    assert float(table.loc["Cross-entropy", "barrier"]) == pytest.approx(height, rel=1e-3)
    assert "9.5 apart in weight space" in " ".join(text.value for text in test.caption).replace("\\", "")
    assert shown(test)["probe"]["kind"] == "curve"


@pytest.mark.parametrize("nonsense", ["1", "1,1", "1,99", "-1,2", "a,b", "nan,1"])
@pytest.mark.parametrize("study", ["fan", "diversity"])
def test_nonsense_in_the_address_is_no_pair(open_page, home, study, nonsense):
    put_result(home, RESULTS[study]())
    test = open_page("explore", pair=nonsense)
    assert not test.exception
    assert shown(test)["probe"] is None


def test_the_way_to_the_line_names_the_checkpoints_as_the_workbench_does(open_page, home, monkeypatch):
    run = put_run(home.runs / "run-1", steps=(0, 40, 90))
    entries = [(entry.digest, entry.reference) for entry in list_checkpoints(home)]
    put_result(home, with_checkpoints_of(diversity_result(), entries))
    went = []
    monkeypatch.setattr("landscape.ui.pair_readout.go_to", lambda name, **query: went.append((name, query)))
    test = open_page("explore", pair="2,1")
    test.button("line_between").click().run()
    assert went == [
        (
            "workbench",
            {
                "question": "Line through two",
                "checkpoint_A": "run-1 · step 90",
                "checkpoint_B": "run-1 · step 40",
            },
        )
    ]
    assert run.complete
    test = open_page("explore", pair="1,4")
    assert test.button("line_between").disabled
    assert "no longer in the Library" in " ".join(text.value for text in test.caption)


# Ensembles and searches -------------------------------------------------------------------------------------------


def test_ensembles_are_summed_up(open_page, home):
    put_result(home, ensemble_result())
    table = open_page("explore").table[0].value
    assert table.columns.tolist() == ["", "best alone", "together", "averaged"]
    assert table.iloc[0].tolist() == ["cyclic (5)", "30%", "6%", "25%"]
    assert table.iloc[1].tolist()[1:] == ["40%", "11%", "–"]  # noqa: RUF001  # an en dash stands for no value


def test_a_search_lists_its_best_trials(open_page, home):
    put_result(home, search_result())
    test = open_page("explore")
    table = test.table[0].value
    assert table["trial"].tolist()[0] == "4"
    assert table["error"].tolist()[0] == "3.1%"
    assert not test.warning
    words = " ".join(text.value for text in test.caption)
    assert "The best 3 together make 2.7%" in words


def test_a_best_on_the_edge_of_its_range_is_a_warning(open_page, home):
    put_result(home, search_result(best_rate=0.99))
    assert "upper end of the searched range" in open_page("explore").warning[0].value


def test_tables_hold_the_numbers_of_the_figure():
    words, frame = data_table(fan_result(holes=False), FigureStyle(measure="error", split="test"))
    assert frame.shape == (13, 6)
    assert "error, test" in words
    _, frame = data_table(ensemble_result(), FigureStyle(split="test"))
    assert frame.loc[1].tolist() == pytest.approx([0.3, 0.31])
    _, frame = data_table(diversity_result(), FigureStyle(split="test", variant="flattened"))
    assert frame.iloc[2, 3] == pytest.approx(0.73)
    _, frame = data_table(search_result(), FigureStyle())
    assert frame.loc[4, "validation error"] == pytest.approx(0.031)
    assert frame.loc[4, "stages"] == 3


def test_a_result_of_a_group_that_is_not_complete_is_drawn(open_page, home):
    job = Jobs(home).submit(FanRequest(checkpoints=("a@1", "b@1", "c@1"), points=13))
    Claims(home).claim()
    Store(home).link(job.key, "e" * 64)
    save_result(fan_result(), home.result_folder("e" * 64) / "partial.nc")
    test = open_page("workbench", job=job.id)
    assert not test.exception
    assert shown(test)["alt"]
