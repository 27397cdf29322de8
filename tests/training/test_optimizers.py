from typing import get_args

import numpy as np
import pytest
import torch
from torch import nn

from landscape.core.training_requests import Optimizer, TrainRequest, why_unused
from landscape.networks.architectures import build_network
from landscape.training.optimizer_tensors import optimizer_tensors
from landscape.training.optimizers import (
    LBFGS_PAIRS,
    build_optimizer,
    keeps_state,
    reset_state,
    set_rate,
    take_step,
)
from tests import reference_training as naive
from tests.conftest import TinyNet, tiny_data

OPTIMIZERS = get_args(Optimizer)
HESSIAN = np.array([[3.0, 1.1], [1.1, 0.7]])
CENTRE = np.array([0.4, -1.3])
START = np.array([1.7, 0.9])
RATES = [0.11, 0.07, 0.13, 0.05, 0.02, 0.09, 0.0]
DECAY = 0.03


class Quadratic(nn.Module):
    """1/2 (theta - c)^T H (theta - c) in float64."""

    def __init__(self) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(START))

    def loss(self) -> torch.Tensor:
        away = self.theta - torch.tensor(CENTRE)
        return away @ torch.tensor(HESSIAN) @ away / 2


def gradients_of(module, loss):
    def gradients():
        module.zero_grad()
        value = loss()
        value.backward()
        return value.detach()

    return gradients


def descend(request, rates):
    """Our path and the losses that came back."""
    module = Quadratic()
    optimizer = build_optimizer(request, module)
    path, losses = [module.theta.detach().numpy().copy()], []
    for rate in rates:
        set_rate(optimizer, rate)
        losses.append(float(take_step(optimizer, gradients_of(module, module.loss))))
        path.append(module.theta.detach().numpy().copy())
    return np.stack(path), losses


def gradient(w):
    return HESSIAN @ (w - CENTRE)


def decayed(w):
    return gradient(w) + DECAY * w


TWINS = {
    "sgd": lambda: naive.descend(naive.momentum_rule(0.0, nesterov=False), decayed, START, RATES),
    "momentum": lambda: naive.descend(naive.momentum_rule(0.8, nesterov=False), decayed, START, RATES),
    "nesterov": lambda: naive.descend(naive.momentum_rule(0.8, nesterov=True), decayed, START, RATES),
    "adagrad": lambda: naive.descend(naive.adagrad_rule(), decayed, START, RATES),
    "rmsprop": lambda: naive.descend(naive.rmsprop_rule(), decayed, START, RATES),
    "adam": lambda: naive.descend(naive.adam_rule(), decayed, START, RATES),
    "adamw": lambda: naive.descend(naive.adam_rule(decoupled=DECAY), gradient, START, RATES),
    "lbfgs": lambda: naive.descend(naive.lbfgs_rule(), decayed, START, RATES),
    "sam": lambda: naive.descend(
        naive.momentum_rule(0.8, nesterov=True),
        lambda w: naive.uphill(gradient, 0.07)(w) + DECAY * w,
        START,
        RATES,
    ),
}


def numbers_of(name: str, **numbers: float) -> dict[str, float]:
    """Those numbers that an optimiser takes; a request refuses the others."""
    request = TrainRequest(optimizer=name)
    return {field: value for field, value in numbers.items() if why_unused(request, field) is None}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_step_is_that_of_the_definition(name):
    request = TrainRequest(
        optimizer=name, weight_decay=DECAY, **numbers_of(name, momentum=0.8, sam_radius=0.07)
    )
    path, losses = descend(request, RATES)
    expected = TWINS[name]()
    np.testing.assert_allclose(path, expected, rtol=1e-12, atol=1e-14)
    before = [(w - CENTRE) @ HESSIAN @ (w - CENTRE) / 2 for w in expected[:-1]]
    np.testing.assert_allclose(losses, before, rtol=1e-12)


def test_nesterov_without_momentum_is_plain_sgd():
    paths = [
        descend(TrainRequest(optimizer=name, weight_decay=DECAY, **numbers_of(name, momentum=0.0)), RATES)[0]
        for name in ("sgd", "nesterov", "momentum")
    ]
    assert np.array_equal(paths[0], paths[1])
    assert np.array_equal(paths[0], paths[2])


def test_the_first_step_of_adam_is_the_rate():
    path, _ = descend(TrainRequest(optimizer="adam", weight_decay=0.0), [0.013])
    np.testing.assert_allclose(np.abs(path[1] - path[0]), 0.013, rtol=1e-7)


def test_adagrad_falls_with_the_root_of_the_steps():
    module = Quadratic()
    optimizer = build_optimizer(
        TrainRequest(optimizer="adagrad", learning_rate=0.3, weight_decay=0.0), module
    )
    gradients = gradients_of(module, lambda: module.theta @ torch.tensor([2.5, -0.7], dtype=torch.float64))
    for step in range(1, 8):
        before = module.theta.detach().clone()
        take_step(optimizer, gradients)
        np.testing.assert_allclose((module.theta - before).abs().detach(), 0.3 / step**0.5, rtol=1e-9)


@pytest.mark.parametrize("weight_decay", [0.0, 0.2])
def test_lbfgs_reaches_the_minimum_of_a_quadratic(weight_decay):
    request = TrainRequest(optimizer="lbfgs", weight_decay=weight_decay)
    path, _ = descend(request, [1.0] * 25)
    minimum = np.linalg.solve(HESSIAN + weight_decay * np.eye(2), HESSIAN @ CENTRE)
    # torch stays where a step would gain less than 1e-9, which is this near for the lowest eigenvalue of 0.27.
    np.testing.assert_allclose(path[-1], minimum, atol=1e-4)


def test_lbfgs_keeps_few_pairs():
    hessian = torch.diag(torch.linspace(1, 9, 23, dtype=torch.float64))
    module = Quadratic()
    module.theta = nn.Parameter(torch.linspace(-1, 2, 23, dtype=torch.float64))
    start = module.theta.detach().numpy().copy()
    optimizer = build_optimizer(TrainRequest(optimizer="lbfgs", weight_decay=0.0), module)
    set_rate(optimizer, 0.3)
    for _ in range(17):
        take_step(optimizer, gradients_of(module, lambda: module.theta @ hessian @ module.theta / 2))
    twin = naive.descend(naive.lbfgs_rule(LBFGS_PAIRS), lambda w: hessian.numpy() @ w, start, [0.3] * 17)
    np.testing.assert_allclose(module.theta.detach(), twin[-1], rtol=1e-9, atol=1e-12)


def test_a_restart_multiplies_the_old_momentum_by_the_new_rate():
    # Two cycles of ten steps, alpha_0 = 0.2, on x^2 / 2 from 1: the step after the restart in both conventions.
    rates = naive_cosine(0.2, 10, 20)

    class Bowl(nn.Module):
        def __init__(self):
            super().__init__()
            self.x = nn.Parameter(torch.ones((), dtype=torch.float64))

    module = Bowl()
    optimizer = build_optimizer(TrainRequest(optimizer="momentum", momentum=0.9, weight_decay=0.0), module)
    path = [1.0]
    for rate in rates[:11]:
        set_rate(optimizer, rate)
        take_step(optimizer, gradients_of(module, lambda: module.x**2 / 2))
        path.append(module.x.item())
    assert path[11] - path[10] == pytest.approx(0.2964, abs=5e-5)
    textbook = naive.descend(naive.textbook_momentum_rule(0.9), lambda x: x, 1.0, rates[:11])
    assert textbook[11] - textbook[10] == pytest.approx(0.1767, abs=5e-5)


def naive_cosine(highest, length, steps):
    return [highest / 2 * (np.cos(np.pi * (step % length) / length) + 1) for step in range(steps)]


def tiny_gradients(module):
    data = tiny_data()
    return gradients_of(
        module, lambda: nn.functional.cross_entropy(module(data.train.inputs), data.train.targets)
    )


def tiny_module():
    torch.manual_seed(3)
    return TinyNet().to(memory_format=torch.channels_last)


def weights_of(module):
    return torch.cat([parameter.detach().reshape(-1) for parameter in module.parameters()])


@pytest.mark.parametrize("recipe", ["standard", "layca"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_rate_of_zero_moves_nothing(name, recipe):
    module = tiny_module()
    optimizer = build_optimizer(TrainRequest(optimizer=name, recipe=recipe), module)
    set_rate(optimizer, 0.01)
    for _ in range(2):
        take_step(optimizer, tiny_gradients(module))
    before = weights_of(module)
    set_rate(optimizer, 0.0)
    for _ in range(2):
        take_step(optimizer, tiny_gradients(module))
    assert torch.equal(weights_of(module), before)
    set_rate(optimizer, 0.01)
    take_step(optimizer, tiny_gradients(module))
    assert not torch.equal(weights_of(module), before)


@pytest.mark.parametrize("recipe", ["standard", "layca"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_reset_optimiser_is_a_fresh_one(name, recipe):
    request = TrainRequest(optimizer=name, recipe=recipe, learning_rate=0.01)
    module = tiny_module()
    optimizer = build_optimizer(request, module)
    for _ in range(3):
        take_step(optimizer, tiny_gradients(module))
    reset_state(optimizer)
    other = tiny_module()
    other.load_state_dict(module.state_dict())
    fresh = build_optimizer(request, other)
    for _ in range(2):
        take_step(optimizer, tiny_gradients(module))
        take_step(fresh, tiny_gradients(other))
        assert torch.equal(weights_of(module), weights_of(other))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_whether_there_is_state_is_known_beforehand(name, momentum):
    request = TrainRequest(optimizer=name, **numbers_of(name, momentum=momentum))
    module = tiny_module()
    optimizer = build_optimizer(request, module)
    take_step(optimizer, tiny_gradients(module))
    assert keeps_state(request) == bool(optimizer_tensors(optimizer, module))


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("nesterov", lambda p: torch.optim.SGD(p, 0.05, 0.9, 0, 1e-3, nesterov=True, foreach=False)),
        ("adagrad", lambda p: torch.optim.Adagrad(p, 0.05, weight_decay=1e-3, foreach=False)),
        ("rmsprop", lambda p: torch.optim.RMSprop(p, 0.05, weight_decay=1e-3, foreach=False)),
        ("adam", lambda p: torch.optim.Adam(p, 0.05, weight_decay=1e-3, foreach=False)),
        ("adamw", lambda p: torch.optim.AdamW(p, 0.05, weight_decay=1e-3, foreach=False)),
    ],
)
def test_the_fast_step_is_the_plain_one_up_to_rounding(name, plain):
    ours, theirs = (build_network("convnet", (3, 8, 8), 10) for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    ours, theirs = (network.to(memory_format=torch.channels_last) for network in (ours, theirs))
    request = TrainRequest(optimizer=name, learning_rate=0.05, weight_decay=1e-3)
    optimizer, other = build_optimizer(request, ours), plain(theirs.parameters())
    generator = torch.Generator().manual_seed(4)
    for _ in range(6):
        for mine, its in zip(ours.parameters(), theirs.parameters(), strict=True):
            mine.grad = torch.empty_like(mine).copy_(torch.randn(mine.shape, generator=generator))
            its.grad = mine.grad.clone()
        take_step(optimizer, lambda: torch.zeros(()))
        other.step()
    torch.testing.assert_close(weights_of(ours), weights_of(theirs), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_memory_layout_does_not_matter(name):
    ends = []
    for layout in (torch.channels_last, torch.contiguous_format):
        module = tiny_module().to(memory_format=layout).double()
        inputs = tiny_data().train.inputs.double()
        gradients = gradients_of(
            module,
            lambda net=module, x=inputs: nn.functional.cross_entropy(net(x), tiny_data().train.targets),
        )
        optimizer = build_optimizer(TrainRequest(optimizer=name, learning_rate=0.01), module)
        for _ in range(3):
            take_step(optimizer, gradients)
        ends.append(weights_of(module))
    torch.testing.assert_close(ends[0], ends[1], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_layer_may_come_in_later(name):
    module = tiny_module()
    optimizer = build_optimizer(TrainRequest(optimizer=name, learning_rate=0.01), module)
    head = module.head.weight.detach().clone()
    take_step(optimizer, gradients_of(module, lambda: module.first(tiny_data().train.inputs).square().mean()))
    take_step(optimizer, tiny_gradients(module))
    assert not torch.equal(module.head.weight, head)
