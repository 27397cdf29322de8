import copy

import numpy as np
import pytest
import torch
from torch import nn

from landscape.core.errors import RequestError
from landscape.networks.evaluator import Evaluator, Points
from landscape.networks.recalibration import recalibrated
from landscape.networks.strategies import Strategy
from tests import reference, reference_predictions
from tests.conftest import PlainNet, TinyNet, tiny_checkpoint, tiny_data, tiny_task


class TwoNorms(nn.Module):
    """Batch norms one after the other, each used once: eval mode can reproduce recalibration exactly."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3)
        self.norm1 = nn.BatchNorm2d(4)
        self.second = nn.Conv2d(4, 3, 2, stride=2)
        self.norm2 = nn.BatchNorm2d(3)
        self.head = nn.Linear(3 * 1 * 2, 5)
        self.norm3 = nn.BatchNorm1d(5)
        self.last = nn.Linear(5, 3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        hidden = torch.tanh(self.norm1(self.first(inputs)))
        hidden = torch.relu(self.norm2(self.second(hidden))).flatten(1)
        return self.last(self.norm3(self.head(hidden)))


def module_of(network=TwoNorms, seed=3) -> nn.Module:
    module = network()
    tiny_checkpoint(seed, network).load_into(module)
    return module


@pytest.mark.parametrize("network", [TwoNorms, TinyNet])  # TinyNet has a norm that is called twice in a pass
@pytest.mark.parametrize("batch", [5, 8, 250])  # 37 examples: the last batch is short, or there is one alone
def test_statistics_are_those_of_the_whole_sample(network, batch):
    module, inputs = module_of(network), tiny_data().train.inputs
    buffers = recalibrated(module.double(), inputs.double(), batch=batch)
    for name, (mean, variance) in reference_predictions.whole_sample_statistics(module, inputs).items():
        np.testing.assert_allclose(buffers[f"{name}.running_mean"], mean, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(buffers[f"{name}.running_var"], variance, rtol=1e-11)
    assert set(buffers) == {name for name, _ in module.named_buffers()}


def test_evaluation_mode_with_these_buffers_is_the_evaluators_recalibration():
    checkpoint, data = tiny_checkpoint(3, TwoNorms), tiny_data()
    module = module_of()
    module.load_state_dict(recalibrated(module, data.train.inputs, batch=8), strict=False)
    evaluator = Evaluator(
        tiny_task(TwoNorms),
        recalibrate=True,
        device=torch.device("cpu"),
        strategy=Strategy("contiguous", 8, 1),
    )
    (expected,) = evaluator.evaluate(
        Points(checkpoint.theta[None], {n: b[None] for n, b in checkpoint.buffers.items()})
    )
    found = reference.evaluate_point(module, data, recalibrate=False)
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6)
    before = reference.evaluate_point(module_of(), data, recalibrate=False)
    assert not np.allclose(before[:, 0], expected[:, 0], rtol=1e-2)


def test_calls_with_maps_of_different_sizes_count_by_their_values():
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(2)

        def forward(self, inputs):
            return self.norm(self.norm(inputs)[:, :, ::2, ::3])

    module, inputs = Shared(), 3 * tiny_data().train.inputs + 1
    buffers = recalibrated(module.double(), inputs.double(), batch=7)
    ((mean, variance),) = reference_predictions.whole_sample_statistics(module, inputs).values()
    np.testing.assert_allclose(buffers["norm.running_mean"], mean, rtol=1e-12)
    np.testing.assert_allclose(buffers["norm.running_var"], variance, rtol=1e-12)


def test_other_buffers_and_layers_that_are_not_called_keep_theirs():
    class Aside(TwoNorms):
        def __init__(self) -> None:
            super().__init__()
            self.unused = nn.BatchNorm1d(2)
            self.register_buffer("scale", torch.tensor(1.5))

    module = Aside()
    module.unused.running_mean.fill_(7.0)
    module.norm1.num_batches_tracked.fill_(12)
    buffers = recalibrated(module, tiny_data().train.inputs)
    assert buffers["unused.running_mean"].tolist() == [7.0, 7.0]
    assert buffers["scale"] == 1.5
    assert buffers["norm1.num_batches_tracked"] == 12
    assert recalibrated(PlainNet(), tiny_data().train.inputs) == {}


def test_a_module_that_is_itself_a_batch_norm_and_one_under_two_names():
    inputs = tiny_data().train.inputs
    alone = recalibrated(nn.BatchNorm2d(2), inputs, batch=5)
    np.testing.assert_allclose(alone["running_mean"], inputs.mean((0, 2, 3)), rtol=1e-5)

    twice = nn.Sequential(nn.BatchNorm2d(2), nn.ReLU())
    twice.again = twice[0]
    assert set(recalibrated(twice, inputs)) == {name for name, _ in twice.named_buffers()}


class Fragile(TwoNorms):
    """Raises in mid-forward where its weights are large."""

    def forward(self, inputs):
        if self.last.weight.abs().max() > 100:
            self.norm1(self.first(inputs))
            raise FloatingPointError("weights too large")
        return super().forward(inputs)


def test_the_callers_module_is_not_changed_even_by_a_network_that_raises():
    module = Fragile().train()
    for large in (False, True):
        with torch.no_grad():
            module.last.weight[0, 0] = 1e3 if large else 0.5
        state = copy.deepcopy(module.state_dict())
        if large:
            with pytest.raises(FloatingPointError):
                recalibrated(module, tiny_data().train.inputs, batch=8)
        else:
            recalibrated(module, tiny_data().train.inputs, batch=8)
        assert all(torch.equal(state[name], tensor) for name, tensor in module.state_dict().items())
        assert all(layer.training for layer in module.modules())
        assert all(parameter.requires_grad for parameter in module.parameters())
        assert type(module.norm1) is nn.BatchNorm2d


def test_a_batch_norm_of_ones_own_is_refused():
    class Mine(nn.BatchNorm2d):
        def forward(self, inputs):
            return 2 * super().forward(inputs)

    with pytest.raises(
        RequestError, match="The layer '0' is a batch norm with a forward of its own, which cannot"
    ):
        recalibrated(nn.Sequential(Mine(2)), tiny_data().train.inputs)
