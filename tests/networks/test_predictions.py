import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from landscape.core.errors import RequestError
from landscape.networks import predictions as module_under_test
from landscape.networks.checkpoints import Checkpoint
from landscape.networks.predictions import Predictor
from landscape.networks.tasks import Task
from tests import reference
from tests.conftest import PlainNet, TinyNet, tiny_checkpoint, tiny_data, tiny_task

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(
        module_under_test, "BATCH_SIZE", 8
    )  # 37 and 11 examples: several batches, the last ones short


def predicted(network=TinyNet, statistics="stored", seed=3):
    return Predictor(tiny_task(network), statistics=statistics, device=CPU).predict(
        tiny_checkpoint(seed, network)
    )


def losses_of(predictions, data) -> np.ndarray:
    rows = []
    for name in ("train", "test"):
        z = torch.from_numpy(predictions.split(name)).double()
        y = data.split(name).targets
        rows.append([nn.functional.cross_entropy(z, y).item(), (z.argmax(1) != y).double().mean().item()])
    return np.array(rows)


@pytest.mark.parametrize("network", [TinyNet, PlainNet])
@pytest.mark.parametrize("statistics", ["stored", "recalibrate"])
def test_predictions_equal_the_naive_twin(network, statistics):
    found = predicted(network, statistics)
    assert found.train.shape == (37, 3)
    assert found.test.shape == (11, 3)
    assert found.train.dtype == found.test.dtype == np.float32
    module = network()
    tiny_checkpoint(3, network).load_into(module)
    expected = reference.evaluate_point(module, tiny_data(), recalibrate=statistics == "recalibrate")
    np.testing.assert_allclose(losses_of(found, tiny_data()), expected, rtol=2e-5, atol=1e-6)
    if statistics == "stored":
        with torch.no_grad():
            np.testing.assert_allclose(
                found.test, module.eval()(tiny_data().test.inputs), rtol=1e-4, atol=1e-5
            )


def test_a_checkpoint_has_the_same_bits_whichever_was_asked_before():
    predictor = Predictor(tiny_task(), statistics="recalibrate", device=CPU)
    first = predictor.predict(tiny_checkpoint(1))
    predictor.predict(tiny_checkpoint(2))
    again = predictor.predict(tiny_checkpoint(1))
    assert np.array_equal(first.train, again.train)
    assert np.array_equal(first.test, again.test)


def test_a_network_that_relies_on_the_order_in_memory_will_do():
    class Viewing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(2, 4, 3)
            self.head = nn.Linear(4 * 3 * 5, 3)

        def forward(self, inputs):
            return self.head(torch.relu(self.first(inputs)).view(len(inputs), -1))

    module = Viewing()
    found = Predictor(Task("mine", Viewing, tiny_data()), statistics="recalibrate", device=CPU).predict(
        Checkpoint.from_module(module)
    )
    with torch.no_grad():
        np.testing.assert_allclose(found.test, module(tiny_data().test.inputs), rtol=1e-4, atol=1e-5)


def test_inputs_that_are_no_images_will_do():
    data = tiny_data()
    flat = replace(
        data,
        train=replace(data.train, inputs=data.train.inputs.flatten(1)),
        test=replace(data.test, inputs=data.test.inputs.flatten(1)),
    )
    predictor = Predictor(Task("flat", PlainNet, flat), statistics="stored", device=CPU)
    found = predictor.predict(tiny_checkpoint(3, PlainNet))
    np.testing.assert_allclose(found.test, predicted(PlainNet).test, rtol=1e-5, atol=1e-6)
    assert predictor.waiting_bytes() == 0


def test_waiting_batches_are_counted_at_the_widest_layer():
    # 5 channels of 5 x 7 floats for each of 37 examples, twice
    assert Predictor(tiny_task(), statistics="recalibrate", device=CPU).waiting_bytes() == 2 * 37 * 5 * 35 * 4


class Fragile(TinyNet):
    def forward(self, inputs):
        if self.head.weight.abs().max() > 100:
            raise FloatingPointError("weights too large")
        return super().forward(inputs)


@pytest.mark.parametrize("statistics", ["stored", "recalibrate"])
def test_the_users_module_is_left_alone_even_if_the_task_hands_it_out_and_it_raises(statistics):
    mine = Fragile().train()
    before = copy.deepcopy(mine.state_dict())
    state = torch.random.get_rng_state()
    predictor = Predictor(Task("mine", lambda: mine, tiny_data()), statistics=statistics, device=CPU)
    good = tiny_checkpoint(1)
    expected = predictor.predict(good)
    with pytest.raises(FloatingPointError):
        predictor.predict(replace(good, theta=good.theta * 1e4))
    assert np.array_equal(predictor.predict(good).test, expected.test)
    assert all(torch.equal(tensor, before[name]) for name, tensor in mine.state_dict().items())
    assert all(layer.training for layer in mine.modules())
    assert all(parameter.requires_grad for parameter in mine.parameters())
    assert type(mine.norm) is nn.BatchNorm2d
    assert torch.equal(torch.random.get_rng_state(), state)


def test_outputs_that_are_no_classes_are_refused():
    class Maps(PlainNet):
        def forward(self, inputs):
            return super().forward(inputs)[:, :, None]

    class Few(PlainNet):
        def forward(self, inputs):
            return super().forward(inputs)[:, :2]

    for network, shape in ((Maps, r"\[8, 3, 1\]"), (Few, r"\[8, 2\]")):
        predictor = Predictor(tiny_task(network), statistics="stored", device=CPU)
        with pytest.raises(
            RequestError,
            match=rf"outputs of shape {shape}, .*; give a network with one output for each of the 3",
        ):
            predictor.predict(tiny_checkpoint(3, PlainNet))


def test_a_batch_norm_of_ones_own_is_refused_where_statistics_are_re_estimated():
    class Mine(nn.BatchNorm2d):
        def forward(self, inputs):
            return 2 * super().forward(inputs)

    class Net(TinyNet):
        def __init__(self):
            super().__init__()
            self.norm = Mine(5)

    with pytest.raises(RequestError, match="'norm' is a batch norm with a forward of its own, which cannot"):
        Predictor(tiny_task(Net), statistics="recalibrate", device=CPU)
    found = Predictor(tiny_task(Net), statistics="stored", device=CPU).predict(tiny_checkpoint(3))
    assert not np.allclose(found.test, predicted().test)


def test_targets_that_are_no_classes_are_refused():
    data = tiny_data()
    for targets in (data.train.targets.float(), data.train.targets[:, None]):
        wrong = replace(data, train=replace(data.train, targets=targets))
        with pytest.raises(
            RequestError, match=r"The targets of 'tiny' are no class numbers, .*; choose data with one"
        ):
            Predictor(Task("mine", TinyNet, wrong), statistics="stored", device=CPU)
