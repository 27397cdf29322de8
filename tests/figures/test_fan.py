import numpy as np
import pytest

from landscape.figures import FigureStyle, draw, draw_print
from landscape.figures.fan import drawn_places
from landscape.figures.theme import sequence_colors
from tests.figures.synthetic import fan_result, with_values

TEST_ERROR = FigureStyle(measure="error", split="test")


def curves(figure, axis=None):
    found = [trace for trace in figure.data if trace.mode == "lines+markers"]
    return found if axis is None else [trace for trace in found if trace.yaxis == axis]


def test_one_panel_per_group_and_one_curve_per_earlier_checkpoint_where_its_numbers_are():
    result = fan_result()
    figure = draw(result, TEST_ERROR)
    assert len(curves(figure, "y")) == 4
    assert len(curves(figure, "y2")) == 2
    for pair, curve in enumerate(curves(figure)):
        expected = result["error"].sel(split="test").values[pair]
        np.testing.assert_array_equal(curve.x, result["t"].values)
        np.testing.assert_array_equal(
            np.asarray(curve.y, dtype=float), np.where(np.isfinite(expected), expected, np.nan)
        )
        assert curve.connectgaps is False
    titles = [note.text for note in figure.layout.annotations]
    assert titles[:2] == ["<b>cyclic</b>", "<b>&lt;i&gt;NoCycle&lt;/i&gt; &amp; &#36;x&#36;</b>"]
    assert titles[2] == "t  (0 = earlier checkpoint, 1 = last one)"


def test_curves_are_coloured_early_to_late_and_numbered():
    figure = draw(fan_result(), TEST_ERROR)
    assert [curve.line.color for curve in curves(figure, "y")] == sequence_colors("viridis", 4, dark=False)
    numbers = [trace for trace in figure.data if trace.mode == "text"]
    assert [list(trace.text) for trace in numbers] == [
        ["<b>1</b>", "<b>2</b>", "<b>3</b>", "<b>4</b>"],
        ["<b>1</b>", "<b>2</b>"],
    ]
    assert list(numbers[0].textfont.color) == sequence_colors("viridis", 4, dark=False)


def test_both_ends_of_every_line_are_marked_with_the_value_of_the_checkpoint():
    figure = draw(fan_result(), TEST_ERROR)
    starts, others = (
        [trace for trace in figure.data if trace.mode == "markers" and trace.yaxis == axis]
        for axis in ("y", "y2")
    )
    # nll at t = 0 is 1 + pair, half more on test, error a hundredth of it
    np.testing.assert_allclose(starts[0].y, [0.015, 0.025, 0.035, 0.045], rtol=1e-12)
    np.testing.assert_allclose(others[0].y, [0.055, 0.065], rtol=1e-12)
    ends = [trace for trace in figure.data if trace.mode == "markers+text"]
    assert [list(trace.text) for trace in ends] == [["<b>5</b>"], ["<b>3</b>"]]
    assert [trace.y[0] for trace in ends] == pytest.approx([0.015, 0.015])


def test_panels_share_one_range_unless_each_shall_have_its_own():
    shared = draw(fan_result(), TEST_ERROR).layout
    assert list(shared.yaxis.range) == list(shared.yaxis2.range)
    assert shared.yaxis2.matches == "y"
    assert shared.yaxis2.showticklabels is False
    own = draw(fan_result(), FigureStyle(measure="error", split="test", ranges="own")).layout
    assert list(own.yaxis.range) != list(own.yaxis2.range)
    assert own.yaxis2.matches is None
    assert own.yaxis2.showticklabels is True


def test_the_pointer_reads_line_place_measures_and_distance():
    curve = curves(draw(fan_result(), TEST_ERROR), "y")[1]
    assert curve.text[6] == (
        "<b>2: cyclic@200</b> → cyclic@500<br>test, t = 0.45<br>cross-entropy 3.04<br>loss 3.165<br>error 3.04%<br>"
        "3.58 from the last checkpoint"
    )
    assert "error diverged" in curve.text[4]
    gap = curves(draw(fan_result(), TEST_ERROR), "y")[2]
    assert "error not evaluated" in gap.text[7]


def test_axes_say_what_they_are():
    layout = draw(fan_result(), FigureStyle(split="test")).layout
    assert layout.yaxis.title.text == "test loss (nats)"
    assert layout.yaxis2.title.text is None
    assert "360 test examples of digits · weight decay 0.0001" in layout.title.subtitle.text
    assert "77 of 78 points so far" in layout.title.subtitle.text
    log = draw(fan_result(), FigureStyle(measure="nll", scale="log")).layout
    assert "log scale" in log.title.subtitle.text
    ticks = dict(zip(log.yaxis.ticktext, log.yaxis.tickvals, strict=True))
    assert ticks["1"] == pytest.approx(0.0)


def test_an_unfinished_fan_draws_the_finest_complete_stride_of_each_curve():
    result = with_values(fan_result(holes=False), np.nan, pair=slice(None), t=slice(1, None, 2))
    result = with_values(result, np.nan, pair=3, t=[2, 6, 10])
    figure = draw(result, TEST_ERROR)
    np.testing.assert_array_equal(curves(figure)[0].x, result["t"].values[::2])
    np.testing.assert_array_equal(curves(figure)[3].x, result["t"].values[[0, 4, 8, 12]])
    assert len(curves(figure)[3].text) == 4


def test_where_no_stride_is_complete_all_points_are_drawn():
    values = np.arange(9.0)
    values[0] = np.nan
    np.testing.assert_array_equal(drawn_places(values), np.arange(9))


def test_nothing_evaluated_yet_is_an_empty_fan():
    empty = with_values(fan_result(), np.nan, pair=slice(None))
    for source in ("own", "rebuilt"):
        for measure in ("nll", "loss", "error"):
            empty[f"{source}_{measure}"][:] = np.nan
    assert draw(empty).data
    assert draw_print(empty).axes


def test_the_clip_ends_the_axis():
    layout = draw(fan_result(), FigureStyle(measure="nll", clip=2.5)).layout
    assert layout.yaxis.range[1] < 2.8


def test_nine_groups_of_twelve_fill_a_grid():
    many = fan_result({f"run {number}": 12 for number in range(9)}, holes=False)
    figure = draw(many, TEST_ERROR)
    assert len(curves(figure)) == 99
    domains = {tuple(figure.layout[f"yaxis{n or ''}"].domain) for n in ["", *range(2, 10)]}
    assert len(domains) == 3
    assert figure.layout.height > 1000
    assert len(draw_print(many, FigureStyle(width=3.25)).axes) == 9
    assert len(draw(many, FigureStyle(columns=1)).layout.annotations) == 10


def test_one_group_without_a_name_has_one_panel_without_a_title():
    figure = draw(fan_result({"": 4}), TEST_ERROR)
    assert [note.text for note in figure.layout.annotations] == ["t  (0 = earlier checkpoint, 1 = last one)"]
    assert len(curves(figure)) == 3


def test_in_print_curves_stand_where_their_numbers_are_and_share_a_range():
    result = fan_result()
    first, second = draw_print(result, TEST_ERROR).axes
    lines = [line for line in first.lines if len(line.get_xdata()) == 13]
    assert len(lines) == 4
    for pair, line in enumerate(lines):
        expected = result["error"].sel(split="test").values[pair]
        np.testing.assert_array_equal(line.get_ydata(), np.where(np.isfinite(expected), expected, np.nan))
    assert first.get_ylim() == second.get_ylim()
    assert (first.get_title(), second.get_title()) == ("cyclic", r"<i>NoCycle</i> & \$x\$")
    assert first.get_ylabel() == "test error"
    assert [text.get_text() for text in first.texts] == ["1", "2", "3", "4", "5"]
    own = draw_print(result, FigureStyle(measure="error", split="test", ranges="own")).axes
    assert own[0].get_ylim() != own[1].get_ylim()
