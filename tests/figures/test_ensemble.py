import numpy as np
import pytest

from landscape.figures import FigureStyle, caption, draw, draw_print
from landscape.figures.ensemble import ensemble_picture
from tests.figures.synthetic import ensemble_result

TEST = FigureStyle(split="test")
SHORT = {"cyclic": 5, "NoCycle": 3}


def lines(figure):
    return [trace for trace in figure.data if trace.mode == "lines+markers"]


def marks(figure, words):
    return [trace for trace in figure.data if trace.mode == "markers" and trace.name.endswith(words)]


@pytest.mark.parametrize("order", ["last", "first"])
@pytest.mark.parametrize("quality", ["error", "nll", "ece", "brier"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_one_curve_per_group_over_the_number_of_its_members(quality, order, split):
    result = ensemble_result()
    style = FigureStyle(split=split, quality=quality, order=order, scale="log")
    figure = draw(result, style)
    chosen = result[quality].sel(split=split, order=order).values
    for group, (curve, count) in enumerate(zip(lines(figure), (5, 3), strict=True)):
        assert list(curve.x) == list(range(1, count + 1))
        np.testing.assert_allclose(10 ** np.asarray(curve.y), chosen[group, :count], rtol=1e-12)
    assert figure.layout.xaxis.title.text == f"ensemble size m ({order} m networks)"
    assert figure.layout.yaxis.title.text.startswith(split)


def test_members_alone_stand_where_they_join():
    result = ensemble_result()
    alone = result["member_error"].sel(split="test").values
    last = marks(draw(result, TEST), "members alone")[0]
    first = marks(draw(result, FigureStyle(split="test", order="first")), "members alone")[0]
    axis = ensemble_picture(result, TEST).axis
    np.testing.assert_allclose(last.y, np.minimum(alone[:5][::-1], axis.high), rtol=1e-12)
    np.testing.assert_allclose(first.y, np.minimum(alone[:5], axis.high), rtol=1e-12)
    assert list(last.x) == [1, 2, 3, 4, 5]


def test_the_average_of_weights_has_a_place_of_its_own():
    result = ensemble_result()
    figure = draw(result, TEST)
    (average,) = marks(figure, "weights averaged")  # the other group has none
    assert average.x[0] < 0.6
    assert average.y[0] == pytest.approx(0.25)
    assert figure.layout.xaxis.ticktext[0] == "weights<br>averaged"
    assert list(figure.layout.xaxis.ticktext[1:]) == ["1", "2", "3", "4", "5"]
    result["average_error"][:] = np.nan
    for quality in ("nll", "ece", "brier"):
        result[f"average_{quality}"][:] = np.nan
    bare = draw(result, TEST)
    assert not marks(bare, "weights averaged")
    assert "weights<br>averaged" not in bare.layout.xaxis.ticktext


def test_the_pointer_reads_all_qualities_and_the_cost():
    figure = draw(ensemble_result(), TEST)
    assert lines(figure)[0].text[2] == (
        "<b>cyclic</b>, ensemble: last 3 of 5<br>error 10%<br>cross-entropy 0.4<br>calibration error 2%<br>"
        "Brier score 0.2<br>40 epochs of training<br>3 forward passes per example"
    )
    first = lines(draw(ensemble_result(), FigureStyle(split="test", order="first")))[0]
    assert first.text[1].endswith("16 epochs of training<br>2 forward passes per example")
    (average,) = marks(figure, "weights averaged")
    assert average.text[0].startswith(
        "<b>cyclic</b>, weights averaged: mean of the weights of 5<br>error 25%"
    )
    assert average.text[0].endswith("1 forward pass per example")
    alone = marks(figure, "members alone")[0]
    assert alone.text[0].startswith("<b>cyclic</b>, alone: cyclic@500<br>error 34%")
    assert "cross-entropy diverged" in alone.text[3]  # member 1 joins as the fourth


def test_epochs_that_are_not_known_are_left_out():
    result = ensemble_result()
    result["epochs"][:] = np.nan
    assert "epochs" not in lines(draw(result, TEST))[0].text[0]


def test_a_member_that_diverged_or_lies_far_above_is_an_arrow_at_the_top():
    result = ensemble_result()
    figure = draw(result, FigureStyle(split="test", quality="nll"))
    axis = ensemble_picture(result, FigureStyle(split="test", quality="nll")).axis
    alone = marks(figure, "members alone")[0]
    assert alone.marker.symbol[3] == "arrow-bar-up-open"
    assert alone.y[3] == pytest.approx(axis.high)
    result["average_error"][:, 0] = 0.9  # as of networks with starts of their own
    (average,) = marks(draw(result, TEST), "weights averaged")
    assert average.marker.symbol == "arrow-bar-up"
    assert "1 mean of weights lies above the axis" in caption(result, TEST)
    result["member_error"][:, 0] = 0.99
    assert "1 member alone and 1 mean of weights lie above" in caption(result, TEST)
    far = marks(draw(result, TEST), "members alone")[0]
    assert far.marker.symbol[4] == "arrow-bar-up-open"
    assert max(draw(result, TEST).layout.yaxis.range) < 0.6


def test_few_short_names_stand_beside_their_curves_and_more_in_a_legend():
    figure = draw(ensemble_result(SHORT), TEST)
    names = [trace for trace in figure.data if trace.mode == "text"]
    assert [trace.text[0] for trace in names] == ["<b>cyclic</b>", "<b>NoCycle</b>"]
    assert [trace.textfont.color for trace in names] == [line.line.color for line in lines(figure)]
    assert not any(line.showlegend for line in lines(figure))
    many = draw(ensemble_result({f"recipe {number}": 12 for number in range(9)}), TEST)
    assert [line.showlegend for line in lines(many)] == [True] * 9
    assert not [trace for trace in many.data if trace.mode == "text"]
    assert len({(line.line.color, line.line.dash) for line in lines(many)}) == 9
    assert len({line.marker.symbol for line in lines(many)}) == 9
    long = draw(ensemble_result(), TEST)
    assert [line.name for line in lines(long)] == ["cyclic", "&lt;i&gt;NoCycle&lt;/i&gt; &amp; &#36;x&#36;"]
    assert all(line.showlegend for line in lines(long))


def test_a_single_group_without_a_name_needs_neither():
    figure = draw(ensemble_result({"": 4}), TEST)
    assert not any(trace.showlegend for trace in figure.data if trace.mode == "lines+markers")
    assert not [trace for trace in figure.data if trace.mode == "text"]
    assert draw(ensemble_result({"alone": 1}), TEST).data


def test_many_sizes_are_thinned_on_the_axis():
    texts = draw(ensemble_result({"long": 40}), TEST).layout.xaxis.ticktext
    assert texts[:3] == ("1", "5", "9")


def test_the_conditions_name_bins_and_statistics():
    def below(**style):
        return draw(ensemble_result(), FigureStyle(split="test", **style)).layout.title.subtitle.text

    assert below(quality="ece") == (
        "360 test examples of digits · 11 bins · batch norm of each network · faint: members alone"
    )
    assert "bins" not in below()
    recalibrated = draw(ensemble_result(batch_norm="recalibrate"), TEST).layout.title.subtitle.text
    assert "batch norm recalibrated" in recalibrated


def test_in_print_the_same_numbers_are_drawn():
    result = ensemble_result(SHORT)
    figure = draw_print(result, TEST)
    axes = figure.axes[0]
    curves = [line for line in axes.lines if len(line.get_xdata()) in (3, 5) and line.get_linestyle() == "-"]
    expected = result["error"].sel(split="test", order="last").values
    np.testing.assert_allclose(curves[0].get_ydata(), expected[0], rtol=1e-12)
    np.testing.assert_allclose(curves[1].get_ydata(), expected[1, :3], rtol=1e-12)
    assert [text.get_text() for text in axes.texts] == ["cyclic", "NoCycle"]
    assert axes.get_xticklabels()[0].get_text() == "weights\naveraged"
    assert not figure.legends
    many = draw_print(ensemble_result({f"recipe {number}": 12 for number in range(9)}), TEST)
    assert len(many.legends[0].get_texts()) == 9
