import math

import numpy as np
import pytest

from landscape.core.search_measures import (
    at_boundary,
    best_trial,
    boundary_warnings,
    last_values,
    share_of_range,
    stages_reached,
)
from tests.figures.synthetic import search_result


def naive_end(errors):
    """The number of stages reached and the last value, trial by trial, from the definition."""
    found = []
    for row in errors:
        known = [(stage, value) for stage, value in enumerate(row) if not math.isnan(value)]
        found.append((known[-1][0] + 1, known[-1][1]) if known else (0, math.nan))
    return found


@pytest.mark.parametrize("trials", [5, 11, 23])
def test_each_trial_ends_in_the_last_stage_it_reached(trials):
    result = search_result(trials)
    expected = naive_end(result["validation_error"].values)
    assert stages_reached(result).tolist() == [stage for stage, _ in expected]
    np.testing.assert_array_equal(last_values(result, "validation_error"), [value for _, value in expected])
    np.testing.assert_array_equal(
        last_values(result, "validation_loss"), [3 * value for _, value in expected]
    )


def test_the_best_came_furthest_first_and_has_the_lowest_error_then():
    result = search_result()
    result["validation_error"][7, 0] = 0.001  # lower, but after a single epoch
    assert best_trial(result) == 4
    result["validation_error"][4, 2] = np.inf
    assert best_trial(result) == 0


def test_of_equal_errors_the_lowest_loss_is_the_best():
    result = search_result()
    result["validation_error"][[0, 4, 8], 2] = 0.05
    result["validation_loss"][[0, 4, 8], 2] = [0.3, 0.2, 0.1]
    assert best_trial(result) == 8


def test_without_a_finite_error_there_is_no_best():
    result = search_result()
    result["validation_error"][:] = np.nan
    assert best_trial(result) is None
    assert boundary_warnings(result) == []
    result["validation_error"][3, 0] = np.inf
    assert best_trial(result) is None


@pytest.mark.parametrize(
    ("value", "in_log", "expected"),
    [
        (0.05, False, True), (0.0501, False, False), (0.95, False, True), (0.94, False, False),
        (0.05, True, False), (0.0015, True, False), (0.0014, True, True), (0.71, True, True), (0.7, True, False),
    ],
)  # fmt: skip
def test_a_boundary_is_five_percent_of_the_range_in_the_logarithm_where_it_was_drawn_so(
    value, in_log, expected
):
    low, high = (1e-3, 1.0) if in_log else (0.0, 1.0)
    # 1e-3 to 1 is three decades: within 0.15 decades of an end, below 0.0014125 or above 0.70795
    assert at_boundary(value, low, high, in_log) is expected


def test_the_share_of_the_range_is_that_of_the_logarithm():
    assert share_of_range(1e-4, 1e-6, 1e-2, in_log=True) == pytest.approx(0.5, abs=1e-12)
    assert share_of_range(0.9, 0.5, 1.0, in_log=False) == pytest.approx(0.8, abs=1e-12)


def test_a_best_inside_its_ranges_warns_of_nothing():
    assert boundary_warnings(search_result()) == []


@pytest.mark.parametrize(
    ("rate", "sentence"),
    [
        (
            0.93,
            "The best learning rate, 0.93, lies at the upper end of the searched range 0.001:1; search again in a "
            "wider range, such as --learning-rates 0.001:10.",
        ),
        (
            0.00102,
            "The best learning rate, 0.00102, lies at the lower end of the searched range 0.001:1; search again in a "
            "wider range, such as --learning-rates 0.0001:1.",
        ),
    ],
)
def test_a_best_at_an_end_names_setting_value_range_and_what_to_do(rate, sentence):
    assert boundary_warnings(search_result(best_rate=rate)) == [sentence]


def test_linear_ranges_are_widened_by_their_length_but_not_below_nothing():
    result = search_result()
    result["value"][4, 2] = 0.299
    assert boundary_warnings(result)[0].endswith("such as --label-smoothings 0:0.6.")
    result["value"][4, 2] = 0.001
    (sentence,) = boundary_warnings(result)
    assert "at the lower end of the searched range 0:0.3, below which there is nothing; leave" in sentence
    result["low"][2], result["value"][4, 2] = 0.1, 0.101
    assert boundary_warnings(result)[0].endswith("such as --label-smoothings 0:0.3.")
