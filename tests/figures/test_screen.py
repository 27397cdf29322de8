import numpy as np
import pytest

from landscape.core.errors import ResultError
from landscape.figures import PLOTLY_CONFIG, FigureStyle, draw, draw_training
from landscape.figures.theme import COLOR_SCALES
from tests.figures.synthetic import basins, history, line_result, plane_result, with_values

STYLES = [
    FigureStyle(),
    FigureStyle(view="surface", dark=True, colors="magma"),
    FigureStyle(measure="error", split="test", colors="cividis"),
    FigureStyle(measure="nll", scale="linear", clip=20.0),
    FigureStyle(colors="published", dark=True),
    FigureStyle(view="surface", colors="published", clip=9.0),
]


def traces(figure, kind):
    return [trace for trace in figure.data if trace.type == kind]


def named(figure, name):
    (found,) = [trace for trace in figure.data if trace.name == name]
    return found


def test_values_stand_at_their_coordinates_on_a_grid_that_is_not_square():
    (contour,) = traces(draw(plane_result(), FigureStyle(measure="nll", scale="linear")), "contour")
    x, y = np.asarray(contour.x), np.asarray(contour.y)
    assert np.asarray(contour.z).shape == (7, 9)
    np.testing.assert_allclose(np.asarray(contour.z), x[None, :] + 10 * y[:, None], rtol=1e-12)


def test_the_colour_is_the_logarithm_and_its_ticks_are_losses():
    (contour,) = traces(draw(plane_result(), FigureStyle()), "contour")
    result = plane_result()
    np.testing.assert_allclose(contour.z, np.log10(result["loss"].sel(split="train").values), rtol=1e-12)
    ticks = dict(zip(contour.colorbar.ticktext, contour.colorbar.tickvals, strict=True))
    assert ticks["10"] == pytest.approx(1.0)
    assert contour.colorbar.title.text == "train loss (nats), log scale"


def test_the_split_is_the_one_asked_for():
    (contour,) = traces(
        draw(plane_result(), FigureStyle(split="test", measure="nll", scale="linear")), "contour"
    )
    assert contour.z[0][0] == pytest.approx(-1.5 + 7.5 + 0.5)


def test_axes_are_lengths_drawn_to_the_same_scale():
    figure = draw(plane_result(), FigureStyle())
    assert figure.layout.yaxis.scaleanchor == "x"
    assert figure.layout.yaxis.scaleratio == 1
    assert figure.layout.xaxis.title.text == "alpha: weight-space length, A → B"
    assert figure.layout.yaxis.title.text == "beta: length across, towards C"


def test_checkpoints_are_told_apart_by_shape_and_letter_and_carry_their_names():
    figure = draw(plane_result(), FigureStyle())
    marks = traces(figure, "scatter")
    assert [mark.marker.symbol for mark in marks] == ["circle", "square", "diamond"]
    assert [mark.text[0] for mark in marks] == ["<b>A</b>", "<b>B</b>", "<b>C</b>"]
    assert [(mark.x[0], mark.y[0]) for mark in marks] == [(0.0, 1.0), (5.0, 1.0), (2.0, 3.5)]
    assert marks[0].name == "A: snapshot@690"


def test_user_text_is_escaped():
    figure = draw(plane_result(title="<i>t</i> & $y$"), FigureStyle())
    assert figure.layout.title.text == "&lt;i&gt;t&lt;/i&gt; &amp; &#36;y&#36;"
    mark = traces(figure, "scatter")[2]
    assert mark.name == "C: standard &lt;b&gt;@last&lt;/b&gt; &amp; &#36;x&#36;"
    assert "<b>@last" not in mark.hovertext[0]


def test_the_pointer_reads_place_measures_and_nearest_checkpoint():
    (contour,) = traces(draw(plane_result(), FigureStyle()), "contour")
    # row 0, column 2 is alpha 0.5, beta 0.75: nll 8, loss + 1/8, error 8%; A is at (0, 1)
    assert contour.text[0][2] == (
        "alpha 0.5, beta 0.75<br>cross-entropy 8<br>loss 8.125<br>error 8%<br>0.559 from A"
    )
    assert contour.hovertemplate == "%{text}<extra></extra>"


def test_a_mark_says_when_its_own_evaluation_differs():
    result = plane_result(batch_norm="stored")
    result["own_nll"][:, 1] = 0.25
    marks = traces(draw(result, FigureStyle()), "scatter")
    assert "evaluated by itself: cross-entropy 0.25" in marks[1].hovertext[0]
    assert "evaluated by itself" not in marks[0].hovertext[0]


def test_missing_diverged_and_clipped_are_told_apart():
    result = with_values(
        with_values(plane_result(), np.nan, beta=0, alpha=8), np.inf, beta=6, alpha=slice(0, 2)
    )
    figure = draw(result, FigureStyle(measure="nll", scale="linear", clip=40.0))
    missing, diverged = named(figure, "not evaluated (1)"), named(figure, "diverged (2)")
    assert missing.fillpattern.shape != diverged.fillpattern.shape
    # every cell that touches the node: 5.5 to 6.5, 0.75 to 1.375
    assert (min(missing.x[:4]), max(missing.x[:4])) == (5.5, 6.5)
    assert (min(missing.y[:4]), max(missing.y[:4])) == (0.75, 1.375)
    assert max(diverged.x[:4]) == 0.5
    (contour,) = traces(figure, "contour")
    z = np.asarray(contour.z, dtype=float)
    assert np.isnan(z[0, 8])
    assert np.isnan(z[6, :2]).all()
    assert np.isnan(z).sum() == 3
    assert contour.connectgaps is False
    assert contour.colorbar.ticktext[-1] == "> 40"
    assert "cross-entropy diverged" in contour.text[6][0]
    assert "cross-entropy not evaluated" in contour.text[0][8]


def test_a_complete_figure_has_no_hatches():
    figure = draw(plane_result(), FigureStyle())
    assert len(figure.data) == 4


def test_a_partial_result_shows_its_finest_complete_part_in_the_frame_of_the_whole():
    full = plane_result(columns=17, rows=9)
    partial = with_values(full, np.nan, beta=slice(1, None, 2))
    figure = draw(partial, FigureStyle())
    (contour,) = traces(figure, "contour")
    assert np.asarray(contour.z).shape == (5, 17)
    np.testing.assert_array_equal(contour.y, full["beta"].values[::2])
    assert list(figure.layout.yaxis.range) == [0.75, 4.5]
    assert "85 of 153 points so far" in figure.layout.title.subtitle.text


def test_an_empty_result_says_so_and_shows_the_checkpoints():
    empty = with_values(plane_result(), np.nan)
    for view in ("contour", "surface"):
        figure = draw(empty, FigureStyle(view=view))
        assert figure.layout.annotations[0].text == "No point has been evaluated yet."


def test_the_surface_has_the_same_values_up_to_the_clip():
    result = with_values(plane_result(), np.inf, beta=6, alpha=8)
    figure = draw(result, FigureStyle(view="surface", measure="nll", scale="linear", clip=20.0))
    (surface,) = traces(figure, "surface")
    x, y = np.asarray(surface.x), np.asarray(surface.y)
    expected = np.minimum(x[None, :] + 10 * y[:, None], 20.0)
    expected[6, 8] = np.nan
    np.testing.assert_allclose(np.asarray(surface.z, dtype=float), expected, rtol=1e-12)
    assert np.nanmax(np.asarray(surface.surfacecolor, dtype=float)) > 20
    assert figure.layout.annotations[0].text == "holes: 1 diverged"
    assert figure.layout.scene.zaxis.ticktext[-1] == "> 20"


def test_needles_stand_on_the_value_of_the_checkpoint():
    figure = draw(plane_result(), FigureStyle(view="surface", measure="nll", scale="linear"))
    needles = [trace for trace in traces(figure, "scatter3d") if trace.mode == "lines+markers"]
    assert [needle.z[0] for needle in needles] == pytest.approx([10.0, 15.0, 37.0])
    heads = [trace for trace in traces(figure, "scatter3d") if trace.mode == "markers+text"]
    assert [head.marker.symbol for head in heads] == ["circle", "square", "diamond"]


def test_the_box_has_the_proportions_of_the_plane():
    ratio = draw(plane_result(), FigureStyle(view="surface")).layout.scene.aspectratio
    assert ratio.x / ratio.y == pytest.approx(8.0 / 3.75)


def test_a_line_shows_both_splits_its_checkpoints_and_its_barrier():
    result = line_result()
    figure = draw(result, FigureStyle(measure="nll"))
    train, test = named(figure, "train nll"), named(figure, "test nll")
    np.testing.assert_array_equal(train.x, result["t"].values)
    np.testing.assert_array_equal(train.y, result["nll"].sel(split="train").values)
    np.testing.assert_array_equal(test.y, result["nll"].sel(split="test").values)
    assert train.line.dash != test.line.dash
    a, b = named(figure, "A: snapshot@690"), named(figure, "B: snapshot@1380")
    assert (a.x[0], a.y[0]) == (0.0, 1.0)
    assert (b.x[0], b.y[0]) == (1.0, 2.0)
    assert figure.layout.xaxis.title.text == "t  (0 = A, 1 = B)"
    assert figure.layout.yaxis.title.text == "cross-entropy (nats)"
    assert figure.layout.annotations[0].text.startswith("train: barrier 0.99 at t = 0.45<br>test: ")


def test_a_logarithmic_line_prints_losses():
    axis = draw(
        line_result(nll=lambda t: np.exp(5 * t)), FigureStyle(measure="nll", scale="log")
    ).layout.yaxis
    assert dict(zip(axis.ticktext, axis.tickvals, strict=True))["10"] == pytest.approx(1.0)


def test_an_error_line_is_in_percent():
    assert draw(line_result(), FigureStyle(measure="error")).layout.yaxis.ticktext[0] == "0%"


def test_a_curve_is_broken_where_it_is_missing_or_infinite():
    result = with_values(with_values(line_result(31), np.nan, t=5), np.inf, t=20)
    figure = draw(result, FigureStyle())
    train = named(figure, "train loss")
    assert np.flatnonzero(np.isnan(np.asarray(train.y, dtype=float))).tolist() == [5, 20]
    assert train.connectgaps is False
    assert "gaps: 1 not evaluated, 1 diverged" in figure.layout.annotations[0].text
    assert "loss diverged" in train.text[20]


def test_the_pointer_on_a_line_reads_the_distance_in_weight_space():
    train = named(draw(line_result(), FigureStyle()), "train loss")
    assert train.text[0].endswith("<br>3 from A")  # t = -0.4 of a line of length 7.5
    assert train.text[-1].endswith("<br>2.25 from B")


@pytest.mark.parametrize("style", STYLES, ids=range(len(STYLES)))
@pytest.mark.parametrize("result", [plane_result(nll=basins), line_result()], ids=["plane", "line"])
def test_every_style_draws_and_keeps_the_reader_where_he_is(style, result):
    figure = draw(result, style)
    assert figure.layout.uirevision == "landscape"
    assert figure.layout.template.layout.paper_bgcolor == "rgba(0,0,0,0)"
    assert figure.to_json()


def test_drawing_leaves_the_result_alone():
    result = plane_result()
    before = result.copy(deep=True)
    draw(result, FigureStyle(clip=10.0))
    draw(result, FigureStyle(view="surface", clip=10.0))
    assert result.identical(before)


def test_no_scale_holds_a_colour_that_streamlit_rewrites():
    for stops in COLOR_SCALES.values():
        assert [place for place, _ in stops] == sorted(place for place, _ in stops)
        assert all(color.startswith("rgb(") for _, color in stops)


def test_the_recommended_configuration_sends_nothing_away():
    assert "sendChartToCloud" in PLOTLY_CONFIG["modeBarButtonsToRemove"]
    assert PLOTLY_CONFIG["displaylogo"] is False
    assert PLOTLY_CONFIG["toImageButtonOptions"]["format"] == "svg"


def test_what_is_no_result_is_refused():
    with pytest.raises(ResultError, match="expected one of line, plane"):
        draw(plane_result().assign_attrs(study="volume"))


def test_training_shows_three_panels_with_checkpoints():
    figure = draw_training(history(), title="run <1>")
    curves = [trace for trace in figure.data if trace.mode == "lines"]
    marks = [trace for trace in figure.data if trace.mode == "markers"]
    assert [trace.yaxis for trace in curves] == ["y", "y2", "y3"]
    assert [trace.name for trace in marks] == ["train, checkpoints", "test, checkpoints"] * 2
    np.testing.assert_array_equal(curves[0].y, history()["learning_rate"])
    np.testing.assert_array_equal(marks[3].y, history()["checkpoint_test_accuracy"])
    assert figure.layout.yaxis2.type == "log"
    assert figure.layout.yaxis3.tickformat == ".0%"
    assert figure.layout.title.text == "run &lt;1&gt;"


def test_a_long_training_is_thinned_by_means_but_not_its_learning_rate():
    long = history(steps=4500, cycles=5)
    rate, loss, _ = [trace for trace in draw_training(long).data if trace.mode == "lines"]
    assert loss.name == "train, mean of 3 steps"
    np.testing.assert_allclose(loss.y, long["train_loss"].reshape(-1, 3).mean(axis=1), rtol=1e-12)
    np.testing.assert_array_equal(rate.y, long["learning_rate"][::3])


def test_an_empty_history_is_an_empty_figure():
    assert len(draw_training({}).data) == 0
