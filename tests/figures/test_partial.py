import numpy as np
import pytest
import xarray as xr

from landscape.core.results import check_result
from landscape.figures.partial import complete_subgrid, drawn_part, stride_indices
from tests.figures.synthetic import line_result, plane_result, with_values


def only(result: xr.Dataset, **kept: list[int]) -> xr.Dataset:
    """A copy in which only the given rows and columns have been evaluated."""
    masked = with_values(result, np.nan)
    for measure in ("nll", "loss", "error"):
        masked[measure][kept] = result[measure][kept]
    return masked


def test_a_complete_result_is_its_own_finest_subgrid():
    result = plane_result()
    xr.testing.assert_identical(complete_subgrid(result), result)


@pytest.mark.parametrize("stride", [1, 2, 4, 8])
def test_the_finest_complete_stride_is_found_with_its_coordinates(stride):
    full = plane_result(columns=19, rows=12)
    rows, columns = stride_indices(12, stride), stride_indices(19, stride)
    found = complete_subgrid(only(full, beta=rows, alpha=columns))
    xr.testing.assert_identical(found, full.isel(beta=rows, alpha=columns))
    assert rows[-1] == 11
    assert columns[-1] == 18


def test_rows_and_columns_may_have_different_strides():
    full = plane_result(columns=17, rows=7)
    found = complete_subgrid(only(full, beta=[0, 2, 4, 6], alpha=list(range(0, 17, 4))))
    assert found["loss"].shape == (2, 4, 5)


def test_one_more_point_than_the_level_changes_nothing():
    full = plane_result(columns=17, rows=9)
    coarse = only(full, beta=list(range(0, 9, 2)), alpha=list(range(0, 17, 2)))
    more = coarse.copy(deep=True)
    for measure in ("nll", "loss", "error"):
        more[measure][:, 1, 1] = full[measure][:, 1, 1]
    xr.testing.assert_identical(complete_subgrid(more), complete_subgrid(coarse))


def test_a_missing_corner_gives_the_result_back_with_its_holes():
    result = with_values(plane_result(), np.nan, beta=0, alpha=0)
    xr.testing.assert_identical(complete_subgrid(result), result)


def test_a_point_is_missing_if_one_split_is():
    result = plane_result()
    result["nll"][1, 3, 3] = np.nan
    assert complete_subgrid(result)["loss"].shape == (2, 4, 9)


def test_diverged_is_evaluated():
    result = with_values(plane_result(), np.inf, beta=3, alpha=3)
    assert complete_subgrid(result).sizes == result.sizes


def test_lines_too():
    full = line_result(points=14)
    found = complete_subgrid(only(full, t=stride_indices(14, 4)))
    np.testing.assert_array_equal(found["t"], full["t"][[0, 4, 8, 12, 13]])
    check_result(found)


def test_a_few_holes_are_drawn_as_holes():
    nearly = with_values(plane_result(), np.nan, beta=2, alpha=2)
    half = with_values(plane_result(), np.nan, beta=slice(1, None, 2))
    assert drawn_part(nearly).sizes == nearly.sizes
    assert drawn_part(half).sizes["beta"] == 4
