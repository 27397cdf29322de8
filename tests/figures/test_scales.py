import numpy as np
import pytest

from landscape.core.errors import RequestError
from landscape.figures.scales import axis_kind, value_axis
from landscape.figures.style import FigureStyle
from tests.figures.synthetic import basins, plane_result

VALUES = np.array([[0.02, 0.5, np.nan], [3.0, 40.0, np.inf]])


def test_log_positions_are_decimal_logarithms_and_keep_nan_and_inf():
    axis = value_axis(VALUES, FigureStyle())
    np.testing.assert_allclose(axis.position(VALUES), np.log10(VALUES), rtol=1e-12)
    assert axis.limits == pytest.approx((np.log10(0.02), np.log10(40)))


def test_every_power_of_ten_is_a_level():
    axis = value_axis(VALUES, FigureStyle())
    for power in (-1, 0, 1):
        assert np.min(np.abs(axis.levels - power)) < 1e-9
    assert len(axis.levels) <= 19


def test_ticks_print_values_at_their_positions():
    ticks = {text: place for place, text in value_axis(VALUES, FigureStyle()).ticks}
    assert ticks["1"] == pytest.approx(0)
    assert ticks["10"] == pytest.approx(1)
    assert ticks["0.1"] == pytest.approx(-1)


def test_logarithmic_axes_of_any_length_have_ticks_enough():
    for high in (0.03, 0.05, 0.09, 0.2, 0.4, 3.0, 1e3, 1e9):
        ticks = value_axis(np.array([0.025, high]), FigureStyle()).ticks
        assert 3 <= len(ticks) <= 11


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_the_clip_is_the_last_level_and_has_an_open_tick(scale):
    axis = value_axis(VALUES, FigureStyle(clip=5.0, scale=scale))
    assert axis.above == 1
    assert axis.levels[-1] == pytest.approx(float(axis.position(5.0)))
    assert axis.ticks[-1] == (pytest.approx(float(axis.position(5.0))), "> 5")
    assert axis.limits[1] == pytest.approx(float(axis.position(5.0)) + axis.size)


def test_a_clip_above_everything_changes_nothing():
    assert value_axis(VALUES, FigureStyle(clip=1000.0)) == value_axis(VALUES, FigureStyle())


def test_heights_end_at_the_clip_and_diverged_points_have_none():
    axis = value_axis(VALUES, FigureStyle(clip=5.0))
    heights = axis.capped(VALUES)
    assert heights[1, 1] == pytest.approx(np.log10(5))
    assert np.isnan(heights[0, 2])
    assert np.isnan(heights[1, 2])


def test_floor_and_clip_fix_the_range_whatever_the_values_are():
    style = FigureStyle(floor=0.001, clip=100.0)
    first, second = value_axis(VALUES, style), value_axis(VALUES[:1, :2], style)
    assert (first.low, first.high, first.limits) == (second.low, second.high, second.limits)


def test_error_is_linear_and_in_percent():
    values = np.array([0.0, 0.012, 0.25])
    axis = value_axis(values, FigureStyle(measure="error"))
    assert axis.kind == "linear"
    assert axis.ticks[0] == (0.0, "0%")
    assert {text: place for place, text in axis.ticks}["10%"] == pytest.approx(0.1)


def test_zero_on_a_logarithmic_axis_is_drawn_below_the_smallest_positive_value():
    axis = value_axis(np.array([0.0, 0.01, 0.5]), FigureStyle(measure="error", scale="log"))
    assert axis.low == pytest.approx(0.005)
    assert np.isfinite(axis.position(0.0))


@pytest.mark.parametrize("values", [[3.0, 3.0], [0.0, 0.0], [np.nan, np.inf], []])
@pytest.mark.parametrize("scale", ["log", "linear"])
@pytest.mark.parametrize("colors", ["viridis", "published"])
def test_constant_or_empty_values_still_have_an_axis(values, scale, colors):
    axis = value_axis(np.array(values), FigureStyle(scale=scale, colors=colors))
    assert axis.limits[0] < axis.limits[1]
    assert np.isfinite(axis.levels).all()
    assert all(np.isfinite(place) for place, _ in axis.ticks)


def test_published_levels_are_those_of_the_formula():
    values = plane_result(41, 31, nll=basins)["loss"][0].values
    axis = value_axis(values, FigureStyle(colors="published"))
    # Garipov et al. (2018), released code: min + exp(a + k (ln(max - min) - a) / N), a = -5, N = 7, max = 5
    low = values.min()
    gamma = (np.log(5.0 - low) + 5) / 7
    levels = low + np.exp(-5 + gamma * np.arange(1, 8))
    np.testing.assert_allclose(axis.position(levels), axis.levels, rtol=1e-9)
    assert axis.ticks[-1] == (pytest.approx(7), "> 5")


def test_published_levels_of_the_error_are_computed_in_percent():
    errors = np.array([0.05, 0.1, 0.6])
    axis = value_axis(errors, FigureStyle(colors="published", measure="error"))
    gamma = (np.log(40 - 5) + 1) / 7
    percent = 5 + np.exp(-1 + gamma * np.arange(1, 8))
    np.testing.assert_allclose(axis.position(percent / 100), axis.levels, rtol=1e-9)


def test_auto_is_log_for_planes_and_linear_for_errors_and_lines():
    assert axis_kind(FigureStyle(), study="plane") == "log"
    assert axis_kind(FigureStyle(measure="error"), study="plane") == "linear"
    assert axis_kind(FigureStyle(), study="line") == "linear"
    assert axis_kind(FigureStyle(scale="log"), study="line") == "log"
    assert axis_kind(FigureStyle(colors="published"), study="line") == "linear"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"measure": "los"}, "There is no measure named 'los'; did you mean 'loss'"),
        ({"split": "validation"}, "There is no split named 'validation'"),
        ({"view": "3d"}, "There is no view named '3d'"),
        ({"scale": "ln"}, "There is no scale named 'ln'"),
        ({"colors": "jet"}, "There is no colour scale named 'jet'"),
        ({"clip": 0.0}, "The clip is 0.0; give a positive number"),
        ({"floor": float("nan")}, "The floor is nan; give a positive number"),
        ({"floor": 2.0, "clip": 1.0}, "The floor 2 is not below the clip 1"),
        ({"width": 0.2}, "The width is 0.2 inches; give a number between 1 and 50"),
    ],
)
def test_impossible_styles_are_refused_in_a_sentence(fields, words):
    with pytest.raises(RequestError, match=words):
        FigureStyle(**fields)
