import math

import numpy as np
import pytest

from landscape.core.errors import DataError, RequestError
from landscape.core.requests import TrainRequest
from landscape.networks.datasets import data_names, load_data
from landscape.service import plans
from landscape.service.plans import planned_rates, steps_per_epoch_of


def test_the_rates_are_those_of_the_recipe():
    request = TrainRequest(recipe="snapshot", cycles=2, epochs=6, learning_rate=0.3)
    epochs, rates, marks = planned_rates(request, 7)
    position = np.arange(42)
    np.testing.assert_allclose(epochs, position / 7, rtol=0, atol=1e-12)
    # Huang et al. (2017), equation 2, with two cycles of 21 steps
    expected = [0.15 * (math.cos(math.pi * (step % 21) / 21) + 1) for step in position]
    np.testing.assert_allclose(rates, expected, rtol=0, atol=1e-12)
    assert [(mark.epoch, mark.kind) for mark in marks] == [(0, "start"), (3, "snapshot"), (6, "snapshot")]


def test_the_networks_of_a_family_come_one_after_the_other():
    planned = planned_rates(TrainRequest(recipe="independent", cycles=3, epochs=4), 5)
    assert len(planned.rates) == 60
    assert [mark.label for mark in planned.marks if mark.kind == "snapshot"] == [
        "network 1", "network 2", "network 3",
    ]  # fmt: skip


def test_what_does_not_fit_is_refused():
    with pytest.raises(RequestError, match="6 cycles need a number of steps divisible by 6"):
        planned_rates(TrainRequest(recipe="snapshot", cycles=6, epochs=7), 23)


def test_steps_of_known_data_are_known_without_opening_them():
    assert {name.casefold() for name in data_names()} == set(plans._EXAMPLES)
    count = len(load_data("digits").train)
    assert steps_per_epoch_of(TrainRequest(batch_size=50)) == math.ceil(count / 50)
    assert steps_per_epoch_of(TrainRequest(data="Digits:noise=0.2/3", batch_size=50)) == math.ceil(count / 50)
    assert steps_per_epoch_of(TrainRequest(data="CIFAR10", batch_size=128)) == 391
    assert steps_per_epoch_of(TrainRequest(optimizer="lbfgs")) == 1


@pytest.mark.parametrize("data", ["digits:validation=0.2", "/somewhere/mine.npz", "d" * 64])
def test_other_data_must_be_opened_to_know(data):
    assert steps_per_epoch_of(TrainRequest(data=data)) is None


def test_an_impossible_modifier_of_the_data_is_refused():
    with pytest.raises(DataError, match="noise"):
        steps_per_epoch_of(TrainRequest(data="digits:noise=many"))
