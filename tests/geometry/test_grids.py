import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape.geometry.grids import axis, coarse_to_fine, levels, split_into_chunks


def test_axis_has_its_ends_and_its_margin():
    np.testing.assert_allclose(axis(-2.0, 4.0, 4), [-2, 0, 2, 4])
    np.testing.assert_allclose(axis(-2.0, 4.0, 3, margin=0.5), [-5, 1, 7])


@given(st.integers(2, 70), st.integers(2, 40))
def test_every_point_comes_once_and_each_level_is_a_full_grid(rows, columns):
    groups = coarse_to_fine(rows, columns)
    assert sorted(np.concatenate(groups).tolist()) == list(range(rows * columns))
    done = np.zeros((rows, columns), dtype=bool)
    for group in groups:
        done.reshape(-1)[group] = True
        # what is finished after each level is a rectangle of rows times columns, so a picture can be drawn from it
        assert np.array_equal(done, np.outer(done.any(1), done.any(0)))
        assert done[0, 0]
        assert done[-1, -1]


def test_the_first_level_is_a_handful_of_points():
    for count in (5, 11, 25, 41, 51, 101):
        assert 5 <= (levels(count) == 0).sum() <= 10


def test_levels_halve_the_stride():
    assert levels(9).tolist() == [0, 1, 0, 1, 0, 1, 0, 1, 0]
    assert levels(2).tolist() == [0, 0]
    assert levels(12).tolist() == [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0]


def test_chunks_keep_the_order_and_never_span_two_groups():
    groups = [np.arange(5), np.arange(5, 7)]
    assert [chunk.tolist() for chunk in split_into_chunks(groups, 2)] == [[0, 1], [2, 3], [4], [5, 6]]


@pytest.mark.parametrize("count", [2, 3, 7])
def test_small_axes_have_one_level(count):
    assert (levels(count) == 0).all()
