import numpy as np
import pytest

from landscape.core.measures import Barrier, barrier, line_barrier
from tests.figures.synthetic import line_result, with_values


def test_barrier_of_the_double_well_is_one():
    t = np.linspace(0, 1, 5)
    # (x^2 - 1)^2 from x = -1 to 1
    assert barrier(t, ((2 * t - 1) ** 2 - 1) ** 2, ends=(0.0, 0.0)) == Barrier(1.0, 0.5)


def test_a_straight_line_between_unequal_ends_has_no_barrier():
    t = np.linspace(0, 1, 9)
    assert barrier(t, 3 + 2 * t, ends=(3.0, 5.0)) == Barrier(0.0, 0.0)


def test_a_valley_has_no_barrier_and_points_outside_do_not_count():
    t = np.array([-0.5, 0.0, 0.5, 1.0, 1.5])
    assert barrier(t, np.array([99.0, 1.0, 0.2, 1.0, 99.0]), ends=(1.0, 1.0)).height == 0


def test_missing_points_are_left_out_and_infinite_ones_are_infinite():
    t = np.array([0.25, 0.5, 0.75])
    assert barrier(t, np.array([2.0, np.nan, 1.5]), ends=(1.0, 1.0)) == Barrier(1.0, 0.25)
    assert barrier(t, np.array([2.0, np.inf, 1.5]), ends=(1.0, 1.0)) == Barrier(np.inf, 0.5)


def test_without_ends_nothing_is_known():
    assert np.isnan(barrier(np.array([0.5]), np.array([1.0]), ends=(np.nan, 1.0)).height)


@pytest.mark.parametrize("split", ["train", "test"])
def test_line_barrier_takes_its_ends_from_the_checkpoints(split):
    # 1 + t + 4 t (1 - t): the barrier is 1 at t = 0.5; neither 0 nor 1 nor 0.5 is on this grid
    result = line_result(points=13)
    t = result["t"].values
    inside = t[(t > 0) & (t < 1)]
    expected = np.max(4 * inside * (1 - inside))
    assert line_barrier(result, measure="loss", split=split).height == pytest.approx(expected, abs=1e-12)


def test_line_barrier_of_an_unfinished_result():
    result = with_values(line_result(), np.nan, t=slice(None))
    assert line_barrier(result, measure="nll", split="train") == Barrier(0.0, 0.0)
