import numpy as np
import pytest

from landscape.commands.findings import finding, spread
from tests.figures.synthetic import line_result, plane_result, with_values


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
        "the train loss nowhere rises above the straight line between its end values of 2.1 and 1.1 nats."
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
