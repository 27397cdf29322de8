import numpy as np
import pytest

from landscape.core.search_measures import share_of_range
from landscape.figures import FigureStyle, draw, draw_print
from landscape.figures.search import SettingAxis
from tests.figures.synthetic import search_result


def lines(figure):
    return {trace.name: trace for trace in figure.data if trace.mode == "lines+markers"}


def marks(figure, start, axis="y2"):
    (found,) = [
        trace
        for trace in figure.data
        if trace.mode == "markers" and trace.name.startswith(start) and trace.yaxis == axis
    ]
    return found


def test_every_trial_is_a_line_across_its_settings_to_its_error():
    result = search_result()
    figure = draw(result)
    found = lines(figure)
    assert len(found) == 11
    line = found["trial 8"]
    shares = [
        share_of_range(*map(float, row))
        for row in zip(
            result["value"].values[8], result["low"].values, result["high"].values, [1, 1, 0], strict=True
        )
    ]
    np.testing.assert_allclose(line.y[:3], shares, rtol=1e-12)
    low, high = figure.layout.yaxis2.range
    assert line.y[3] == pytest.approx((0.4 / 3 + 0.08 - low) / (high - low))
    assert list(line.x) == [0, 1, 2, 3]


def test_stages_are_told_apart_and_the_best_is_a_star_on_top():
    figure = draw(search_result())
    found = lines(figure)
    assert (found["trial 8"].line.dash, found["trial 3"].line.dash, found["trial 7"].line.dash) == (
        "solid",
        "dash",
        "dot",
    )
    assert list(found)[-1] == "trial 4"
    assert found["trial 4"].marker.symbol == "star"
    assert found["trial 4"].line.width > found["trial 8"].line.width
    assert list(marks(figure, "best").x) == [found["trial 4"].y[0]]
    assert list(marks(figure, "best").y) == [pytest.approx(0.031)]
    assert [marks(figure, start).marker.symbol for start in ("12 epochs", "4 epochs", "1 epoch")] == [
        "circle",
        "diamond-open",
        "triangle-down-open",
    ]
    entries = [trace.name for trace in figure.data if trace.showlegend]
    assert entries == [
        "12 epochs (3)",
        "4 epochs (3)",
        "1 epoch (3)",
        "failed (2)",
        "best (trial 4)",
    ]


def test_trials_without_an_error_end_at_the_last_setting_with_a_cross():
    figure = draw(search_result())
    for name in ("trial 1", "trial 2"):
        line = lines(figure)[name]
        assert len(line.x) == 3
        assert line.marker.symbol == "x"
        assert list(line.marker.size) == [0, 0, 9]
    assert len(marks(figure, "failed").x) == 2
    assert "validation error diverged" in lines(figure)["trial 1"].text[0]
    assert "no stage reached" in lines(figure)["trial 2"].text[0]


def test_the_pointer_reads_state_settings_error_and_epochs():
    assert lines(draw(search_result()))["trial 4"].text[0] == (
        "<b>trial 4: complete</b><br>learning rate 0.04<br>weight decay 2.31e-06<br>label smoothing 0.109<br>"
        "validation error 3.1%<br>validation loss 0.093<br>after 12 epochs"
    )


def test_better_trials_stand_out_more():
    figure = draw(search_result())
    best = lines(figure)["trial 4"].line.color
    assert best == "rgb(68,1,84)"
    assert lines(draw(search_result(), FigureStyle(dark=True)))["trial 4"].line.color == "rgb(253,231,37)"
    assert lines(figure)["trial 10"].line.color != best


def test_the_error_stands_over_each_setting_with_its_range():
    result = search_result()
    figure = draw(result)
    complete = marks(figure, "12 epochs", "y3")
    expected = np.log(result["value"].values[[0, 8], 1] / 1e-6) / np.log(1e4)
    np.testing.assert_allclose(complete.x, expected, rtol=1e-12)
    assert figure.layout.xaxis2.title.text == "learning<br>rate"
    assert figure.layout.yaxis2.title.text == "validation error"
    assert figure.layout.yaxis3.showticklabels is False
    ticks = dict(zip(figure.layout.xaxis2.ticktext, figure.layout.xaxis2.tickvals, strict=True))
    assert ticks["0.001"] == 0
    assert ticks["1"] == pytest.approx(1)
    borders = {(shape.x0, shape.xref) for shape in figure.layout.shapes if shape.x0 == shape.x1}
    assert {(0, "x2"), (1, "x2"), (0, "x4"), (1, "x4")} <= borders


def test_a_best_at_the_end_of_its_range_is_told():
    def borders(result):
        shapes = draw(result).layout.shapes
        return [shape for shape in shapes if shape.xref == "x2" and shape.line.dash == "solid"]

    assert not borders(search_result())
    (border,) = borders(search_result(best_rate=0.93))
    assert border.x0 == 1
    below = draw(search_result(best_rate=0.93)).layout.title.subtitle.text
    assert below == (
        "11 trials on digits · 3 complete, 6 pruned, 2 failed · best 3.1% · best at an end of the range: learning rate"
    )


@pytest.mark.parametrize(
    ("axis", "most", "texts"),
    [
        (SettingAxis("x", 1e-3, 1.0, True, None), 5, ["0.001", "0.01", "0.1", "1"]),
        (SettingAxis("x", 1e-6, 1e-2, True, None), 3, ["1e-6", "0.0001", "0.01"]),
        (SettingAxis("x", 1e-7, 1.0, True, None), 5, ["1e-7", "1e-5", "0.001", "1"]),
        (SettingAxis("x", 0.0, 0.3, False, None), 5, ["0", "0.05", "0.15", "0.25", "0.3"]),
        (SettingAxis("x", 0.85, 0.99, False, None), 3, ["0.85", "0.9", "0.99"]),
    ],
)
def test_both_ends_of_a_range_have_a_tick(axis, most, texts):
    found = axis.ticks(most)
    assert len(found) <= most
    assert [text for _, text in found] == texts
    assert [share for share, _ in found] == sorted(share for share, _ in found)
    assert min(np.diff([share for share, _ in found])) > 0.09


def test_a_search_without_any_error_can_be_drawn():
    result = search_result()
    result["validation_error"][:] = np.nan
    result["validation_loss"][:] = np.nan
    figure = draw(result)
    assert not [trace for trace in figure.data if trace.name.startswith("best")]
    assert draw_print(result).axes
    assert "best" not in figure.layout.title.subtitle.text


def test_one_setting_and_many_trials():
    result = search_result(60).isel(parameter=[0])
    assert len(lines(draw(result))) == 60
    assert len(draw_print(result, FigureStyle(width=3.25)).axes) == 2


def test_names_of_settings_are_escaped():
    result = search_result().assign_coords(parameter=["a<b>_$x$", "weight_decay", "label_smoothing"])
    assert "a&lt;b&gt;<br>&#36;x&#36;" in draw(result).layout.xaxis2.title.text
    assert draw_print(result).axes[1].get_xlabel() == r"a<b> \$x\$"


def test_in_print_the_same_trials_are_drawn():
    figure = draw_print(search_result(), FigureStyle(scale="log"))
    parallel, rate, *_ = figure.axes
    assert len([line for line in parallel.lines if len(line.get_xdata()) in (3, 4)]) == 11
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == [
        "12 epochs (3)",
        "4 epochs (3)",
        "1 epoch (3)",
        "failed (2)",
        "best (trial 4)",
    ]
    (star,) = [line for line in rate.lines if line.get_marker() == "*"]
    assert star.get_ydata()[0] == pytest.approx(np.log10(0.031))
    assert rate.get_xlabel() == "learning rate"
