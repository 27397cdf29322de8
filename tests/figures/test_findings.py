import numpy as np
import pytest

from landscape.figures.findings import finding, spread
from tests.figures.synthetic import (
    diversity_result,
    ensemble_result,
    fan_result,
    line_result,
    plane_result,
    search_result,
    with_values,
)


def test_a_line_says_how_high_its_barrier_is_and_where():
    result = line_result(points=18)  # t = 0.5 is on the grid, where 4 t (1 - t) is 1
    first, last = result["checkpoint"].values
    assert finding(result) == (
        f"Between {first} and {last} the train loss rises 1 nats above the straight line between its end values "
        "(most at t = 0.50), and the test error reaches 3.1%, against 1.5% and 2.5% at the ends."
    )


def test_a_line_without_a_barrier_says_so():
    result = line_result(nll=lambda t: 2 - t)
    assert finding(result).endswith(
        "the train loss nowhere rises above the straight line between its end values of 2.1 and 1.1 nats; the test "
        "error is 2.5% and 1.5% at the ends."
    )


def test_a_line_that_diverges_says_where():
    result = with_values(line_result(points=18), np.inf, t=8)  # t = 0.4
    assert finding(result).endswith("the network diverges at t = 0.40.")


def test_a_plane_tells_the_values_at_its_checkpoints_and_at_their_mean():
    result = plane_result()
    text = finding(result)
    mean = result.sel(alpha=7 / 3, beta=5.5 / 3, method="nearest")
    assert f"and {float(mean['loss'].sel(split='train')):.2g} at the grid point nearest to their mean" in text
    assert text.endswith(f"and {float(mean['error'].sel(split='test')):.1%} there.")


@pytest.mark.parametrize(
    ("measure", "words"), [("loss", "from 6.6 to 52 nats"), ("error", "from 6.5% to 52.0%")]
)
def test_the_spread_is_from_lowest_to_highest(measure, words):
    assert spread(plane_result(), measure=measure, split="test") == words


def test_a_fan_tells_how_high_the_test_error_goes_in_each_group():
    result = fan_result()
    t = result["t"].values
    inside = result["error"].sel(split="test").values[4:, (t >= 0) & (t <= 1)]
    assert finding(result) == (
        "On the lines from earlier checkpoints to the last one the test error diverges in cyclic (last checkpoint: "
        f"1.5%) and reaches {inside.max():.1%} in <i>NoCycle</i> & $x$ (last checkpoint: 1.5%)."
    )
    assert "the test error is not known yet (last" in finding(
        with_values(fan_result({"": 3}), np.nan, pair=slice(None))
    )


def test_an_ensemble_is_told_beside_its_last_member_and_the_mean_of_the_weights():
    assert finding(ensemble_result()) == (
        "The ensemble errs on 6.0% of the test examples in cyclic with 5 networks (the last alone on 30.0%, the "
        "mean of the weights on 25.0%) and 11.0% of the test examples in <i>NoCycle</i> & $x$ with 3 networks (the "
        "last alone on 31.0%)."
    )
    many = finding(ensemble_result({f"recipe {number}": 2 + 2 * number for number in range(6)}))
    assert many.startswith("Of 6 groups the best ensemble errs on ")
    assert "in recipe 3 with 8 networks" in many
    assert "recipe 2" not in many


def test_a_comparison_of_predictions_tells_the_means_over_pairs():
    assert finding(diversity_result(holes=False)) == (
        "The test predictions of two checkpoints correlate by 0.76 on average in cyclic (two of them disagree "
        "about 12.0% of the examples) and 0.77 on average in <i>NoCycle</i> & $x$ (two of them disagree about "
        "11.3% of the examples)."
    )
    assert "the matrix of all pairs compares them" in finding(diversity_result({"a": 1, "b": 1}))


def test_a_search_tells_its_best_trial():
    assert finding(search_result()) == (
        "The best of 11 trials has a validation error of 3.1%, with learning rate 0.04, weight decay 2.31e-06 and "
        "label smoothing 0.109."
    )
    result = search_result()
    result["validation_error"][:] = np.nan
    assert finding(result) == "None of 11 trials has a validation error."
