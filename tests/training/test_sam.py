import copy

import numpy as np
import pytest
import torch
from torch import nn

from landscape.training.sam import Sam, held_statistics
from tests.conftest import TinyNet, tiny_data

HESSIAN = torch.tensor([[2.3, -0.6, 0.1], [-0.6, 1.1, 0.4], [0.1, 0.4, 0.5]], dtype=torch.float64)
RADIUS = 0.13


class Bowl(nn.Module):
    """1/2 w^T H w, with w in two parameters of two and one numbers, and a third parameter that nothing uses."""

    def __init__(self) -> None:
        super().__init__()
        self.pair = nn.Parameter(torch.tensor([0.7, -1.9], dtype=torch.float64))
        self.single = nn.Parameter(torch.tensor([0.3], dtype=torch.float64))
        self.unused = nn.Parameter(torch.tensor([5.0], dtype=torch.float64))

    def loss(self) -> torch.Tensor:
        w = torch.cat([self.pair, self.single])
        return w @ HESSIAN @ w / 2


def sam(module, **options) -> Sam:
    inner = torch.optim.SGD(module.parameters(), **{"lr": 0.1, "momentum": 0.9, "nesterov": True, **options})
    return Sam(inner, module, radius=RADIUS)


class Looks:
    """A closure that records the losses and the weights it is called at."""

    def __init__(self, module, loss, *, fail_at: int = 0) -> None:
        self.module, self.loss, self.fail_at = module, loss, fail_at
        self.losses, self.weights = [], []

    def __call__(self) -> torch.Tensor:
        self.module.zero_grad()
        value = self.loss()
        if len(self.losses) + 1 == self.fail_at:
            raise ArithmeticError("no loss")
        value.backward()
        self.losses.append(value.item())
        self.weights.append([parameter.detach().clone() for parameter in self.module.parameters()])
        return value.detach()


def test_the_second_look_is_uphill_by_the_radius():
    module = Bowl()
    looks = Looks(module, module.loss)
    w = torch.cat([module.pair, module.single]).detach()
    loss = sam(module).step(looks)
    g = HESSIAN @ w
    away = torch.cat(looks.weights[1][:2]) - w
    assert away.norm().item() == pytest.approx(RADIUS, rel=1e-12)
    torch.testing.assert_close(away / RADIUS, g / g.norm(), rtol=1e-12, atol=0)
    assert loss.item() == looks.losses[0]
    gain = RADIUS * g.norm() + RADIUS**2 * (g @ HESSIAN @ g) / (2 * g.norm() ** 2)
    assert looks.losses[1] - looks.losses[0] == pytest.approx(gain.item(), rel=1e-12)
    # The first step of Nesterov momentum is 1.9 times the rate times the gradient.
    second = HESSIAN @ (w + RADIUS * g / g.norm())
    torch.testing.assert_close(
        torch.cat([module.pair, module.single]).detach(), w - 0.1 * 1.9 * second, rtol=1e-12, atol=0
    )
    assert module.unused.item() == 5.0


def test_weights_come_back_to_the_bit():
    # Sizes at which adding and subtracting again loses the last digits.
    module = nn.Linear(31, 7)
    before = copy.deepcopy(module.state_dict())
    looks = Looks(module, lambda: module(torch.linspace(-3, 3, 62).reshape(2, 31)).square().sum())
    optimizer = sam(module, lr=0.0)
    for _ in range(3):
        optimizer.step(looks)
    assert not torch.equal(looks.weights[1][0], looks.weights[0][0])
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_a_gradient_of_zero_is_no_division_by_zero():
    module = Bowl()
    with torch.no_grad():
        module.pair.zero_()
        module.single.zero_()
    looks = Looks(module, module.loss)
    sam(module).step(looks)
    assert looks.losses == [0.0, 0.0]
    assert module.pair.tolist() == [0.0, 0.0]


def test_a_network_without_gradients_stays():
    module = Bowl()
    before = copy.deepcopy(module.state_dict())
    sam(module).step(lambda: torch.zeros(()))
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def network_and_looks(fail_at=0, average=0.1):
    torch.manual_seed(7)
    module = TinyNet().train()
    module.norm.momentum = average
    data = tiny_data()
    looks = Looks(
        module,
        lambda: nn.functional.cross_entropy(module(data.train.inputs), data.train.targets),
        fail_at=fail_at,
    )
    return module, looks


@pytest.mark.parametrize("average", [0.1, None])
def test_running_statistics_are_those_of_the_first_pass(average):
    module, looks = network_and_looks(average=average)
    plain, plain_looks = network_and_looks(average=average)
    plain_looks()
    sam(module, lr=0.0).step(looks)
    assert looks.losses[1] > looks.losses[0]
    for name, buffer in plain.named_buffers():
        assert torch.equal(module.get_buffer(name), buffer), name
    # The next first pass counts again.
    sam(module, lr=0.0).step(looks)
    assert module.norm.num_batches_tracked.item() == 2


def test_layers_without_running_statistics_stay_without():
    module = nn.Sequential(nn.BatchNorm1d(3, track_running_stats=False), nn.BatchNorm1d(3))
    with held_statistics(module):
        assert [layer.track_running_stats for layer in module] == [False, False]
    assert [layer.track_running_stats for layer in module] == [False, True]


def test_the_held_second_pass_still_normalises_by_the_batch():
    module = nn.BatchNorm1d(2, affine=False).train()
    inputs = torch.tensor([[1.0, 5.0], [3.0, 9.0]])
    with held_statistics(module):
        outputs = module(inputs)
    np.testing.assert_allclose(outputs.mean(0), [0, 0], atol=1e-6)
    assert module.running_mean.tolist() == [0.0, 0.0]
    assert module.num_batches_tracked.item() == 0


def test_everything_is_put_back_after_an_exception():
    module, looks = network_and_looks(fail_at=2)
    before = copy.deepcopy(dict(module.named_parameters()))
    with pytest.raises(ArithmeticError, match="no loss"):
        sam(module).step(looks)
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.named_parameters())
    assert module.norm.track_running_stats
    assert module.shared_norm.track_running_stats


def test_rate_and_state_are_those_of_the_inner_optimiser():
    module = Bowl()
    optimizer = sam(module)
    optimizer.param_groups[0]["lr"] = 0.37
    assert optimizer.inner.param_groups[0]["lr"] == 0.37
    optimizer.step(Looks(module, module.loss))
    assert optimizer.state is optimizer.inner.state
    assert module.pair in optimizer.state
    optimizer.zero_grad()
    assert module.pair.grad is None
