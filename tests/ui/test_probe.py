import math

import numpy as np
import pytest

from landscape.ui.probe import interpolate, read_point
from tests.figures.synthetic import line_result, plane_result

COLUMNS, ROWS = np.array([-1.0, 0.5, 1.0, 4.0, 9.0]), np.array([2.0, 3.0, 7.0])


def test_interpolation_is_exact_for_what_is_linear_along_each_axis():
    def truth(x, y):
        return 3 + x + 10 * y - 2 * x * y

    grid = truth(*np.meshgrid(COLUMNS, ROWS))
    for x, y in [(-1, 2), (9, 7), (0.7, 6.9), (4, 2.5), (8.99, 3)]:
        assert interpolate(COLUMNS, ROWS, grid, x, y) == pytest.approx(truth(x, y), abs=1e-12)


@pytest.mark.parametrize("hole", [math.nan, math.inf])
def test_nothing_is_interpolated_through_a_hole(hole):
    grid = np.ones((3, 5))
    grid[1, 2] = hole
    for x, y in [(0.7, 2.5), (2.0, 5.0), (1.0, 3.0)]:
        assert math.isnan(interpolate(COLUMNS, ROWS, grid, x, y))
    assert interpolate(COLUMNS, ROWS, grid, 6.0, 5.0) == 1.0
    assert interpolate(COLUMNS, ROWS, grid, 0.5, 3.0) == 1.0, "the hole's edge is the other one's node"


@pytest.mark.parametrize(("x", "y"), [(-1.01, 3), (9.01, 3), (0, 1.99), (0, 7.01)])
def test_nothing_is_known_outside(x, y):
    assert math.isnan(interpolate(COLUMNS, ROWS, np.ones((3, 5)), x, y))


def test_a_plane_is_read_with_rows_and_columns_the_right_way_round():
    result = plane_result(columns=9, rows=7)  # nll = alpha + 10 beta
    reading = read_point(result, 2.3, 1.9, split="train")
    assert reading.interpolated["nll"] == pytest.approx(2.3 + 19)
    assert reading.node == (2.5, 2.0)
    assert reading.at_node["nll"] == pytest.approx(2.5 + 20)
    assert reading.inside
    assert list(reading.distances.values()) == pytest.approx(
        [math.hypot(2.3, 0.9), math.hypot(2.7, 0.9), math.hypot(0.3, 1.6)]
    )


def test_the_nearest_node_is_one_that_has_been_evaluated():
    result = plane_result(columns=9, rows=7).copy(deep=True)
    for name in ("nll", "loss", "error"):
        result[name].loc[{"alpha": 2.5, "beta": 2.0}] = np.nan
    reading = read_point(result, 2.51, 2.01, split="test")
    assert reading.node == (2.5, 2.625)
    assert math.isnan(reading.interpolated["loss"])


def test_where_nothing_has_been_evaluated_there_is_no_node():
    result = plane_result().copy(deep=True)
    for name in ("nll", "loss", "error"):
        result[name][:] = np.nan
    reading = read_point(result, 1.0, 1.0, split="train")
    assert reading.node is None
    assert reading.at_node == {}


def test_a_line_is_read_at_t_whatever_the_height_of_the_click():
    result = line_result(points=18)  # from -0.4 to 1.3, so 0.1 apart; nll = 1 + t + 4 t (1 - t); length 7.5
    reading = read_point(result, 0.3, 999.0, split="train")
    assert reading.node == (pytest.approx(0.3), 0.0)
    assert reading.at_node["nll"] == pytest.approx(1 + 0.3 + 4 * 0.3 * 0.7)
    assert reading.interpolated["nll"] == pytest.approx(reading.at_node["nll"])
    assert list(reading.distances.values()) == pytest.approx([0.3 * 7.5, 0.7 * 7.5])
    assert not read_point(result, 1.5, 0.0, split="train").inside
