import math
from typing import get_args

import numpy as np
import pytest
import torch
from torch import nn

from landscape.core.training_requests import Optimizer, TrainRequest
from landscape.networks.architectures import build_network
from landscape.training.layca import kernels, layer_factors, rotate
from landscape.training.optimizers import build_optimizer, set_rate, take_step
from tests import reference_training as naive
from tests.conftest import TinyNet, tiny_data

RATES = [0.21, 0.05, 0.13, 0.0, 0.37, 0.08]
PROFILE = 0.3


class Quadratic(nn.Module):
    """1/2 w^T H w in float64 over three kernels and two vectors, with a random positive Hessian."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(11)

        def draw(*shape):
            return nn.Parameter(torch.randn(*shape, generator=generator, dtype=torch.float64))

        self.first, self.offset, self.second = draw(3, 2), draw(4), draw(2, 1, 2, 2)
        self.third, self.scale = draw(1, 5), draw(3)
        factor = torch.randn(26, 26, generator=generator, dtype=torch.float64)
        self.hessian = factor @ factor.T / 26 + 0.1 * torch.eye(26, dtype=torch.float64)

    # Places of the three kernels in the flat vector.
    layers = (slice(0, 6), slice(10, 18), slice(18, 23))

    def flat(self) -> torch.Tensor:
        return torch.cat([parameter.reshape(-1) for parameter in self.parameters()])

    def gradients(self) -> torch.Tensor:
        self.zero_grad()
        w = self.flat()
        loss = w @ self.hessian @ w / 2
        loss.backward()
        return loss.detach()


def layca(name, module, **fields):
    request = TrainRequest(recipe="layca", optimizer=name, layer_profile=PROFILE, **fields)
    return build_optimizer(request, module)


def twin_path(name, module):
    rules = {
        "sgd": lambda: naive.momentum_rule(0.0, nesterov=False),
        "momentum": lambda: naive.momentum_rule(0.9, nesterov=False),
        "nesterov": lambda: naive.momentum_rule(0.9, nesterov=True),
        "sam": lambda: naive.momentum_rule(0.9, nesterov=True),
        "adagrad": naive.adagrad_rule,
        "rmsprop": naive.rmsprop_rule,
        "adam": naive.adam_rule,
        "adamw": naive.adam_rule,
        "lbfgs": naive.lbfgs_rule,
    }
    hessian = module.hessian.numpy()
    trained = np.zeros(26)
    for layer in module.layers:
        trained[layer] = 1

    def gradient(w):
        return hessian @ w * trained

    return naive.layca_path(
        rules[name](),
        naive.uphill(gradient, 0.05) if name == "sam" else gradient,
        module.flat().detach().numpy(),
        RATES,
        module.layers,
        [(1 - PROFILE) ** (5 * (2 - i) / 2) for i in range(3)],
    )


@pytest.mark.parametrize("name", get_args(Optimizer))
def test_every_optimiser_is_turned_by_the_definition(name):
    module = Quadratic()
    expected = twin_path(name, module)
    optimizer = layca(name, module)
    for rate, w in zip(RATES, expected[1:], strict=True):
        set_rate(optimizer, rate)
        take_step(optimizer, module.gradients)
        np.testing.assert_allclose(module.flat().detach(), w, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", get_args(Optimizer))
def test_norms_are_kept_and_all_else_is_frozen(name):
    module = Quadratic()
    before = {key: tensor.detach().clone() for key, tensor in module.named_parameters()}
    optimizer = layca(name, module)
    set_rate(optimizer, 0.2)
    for _ in range(30):
        take_step(optimizer, module.gradients)
    for key in ("first", "second", "third"):
        after = module.get_parameter(key).detach()
        assert after.norm().item() == pytest.approx(before[key].norm().item(), rel=1e-12)
        assert not torch.equal(after, before[key])
    for key in ("offset", "scale"):
        assert torch.equal(module.get_parameter(key), before[key])


def test_norms_stay_in_float32_over_many_steps():
    torch.manual_seed(2)
    module = TinyNet().to(memory_format=torch.channels_last)
    norms = [kernel.double().norm().item() for kernel in kernels(module)]
    frozen = {name: p.clone() for name, p in module.named_parameters() if p.ndim == 1}
    data = tiny_data()
    optimizer = layca("nesterov", module)

    def gradients():
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(module(data.train.inputs), data.train.targets)
        loss.backward()
        return loss.detach()

    losses = []
    for _ in range(300):
        set_rate(optimizer, 3**-4)
        losses.append(take_step(optimizer, gradients).item())
    np.testing.assert_allclose([k.double().norm().item() for k in kernels(module)], norms, rtol=1e-6)
    assert all(torch.equal(module.get_parameter(name), tensor) for name, tensor in frozen.items())
    assert losses[-1] < 0.5 * losses[0]
    # The gradients of frozen parameters do not add up either.
    assert module.norm.bias.grad.abs().max() < 1


def cosine(a, b):
    return (a.reshape(-1) @ b.reshape(-1) / (a.norm() * b.norm())).item()


def kernel_and_step(seed=4):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(5, 2, 3, 3, generator=generator, dtype=torch.float64) for _ in range(2)]


@pytest.mark.parametrize("rho", [3**-3, 0.5, 4.0])
def test_the_angle_is_the_arc_tangent_of_the_rate(rho):
    kernel, step = kernel_and_step()
    after = rotate(kernel, step, rho=rho)
    assert after.norm().item() == pytest.approx(kernel.norm().item(), rel=1e-12)
    assert math.acos(cosine(kernel, after)) == pytest.approx(math.atan(rho), rel=1e-10)
    assert 1 - cosine(kernel, after) == pytest.approx(1 - 1 / math.sqrt(1 + rho**2), rel=1e-10)
    expected = naive.turned(kernel.reshape(-1).numpy(), step.reshape(-1).numpy(), rho)
    np.testing.assert_allclose(after.reshape(-1), expected, rtol=1e-11)


def test_the_cosine_distance_at_the_usual_rate():
    kernel, step = kernel_and_step()
    assert 1 - cosine(kernel, rotate(kernel, step, rho=3**-3)) == pytest.approx(6.8517e-4, abs=5e-9)


@pytest.mark.parametrize("scale", [1e-5, 0.3, 1e6])
def test_the_length_of_the_step_does_not_matter(scale):
    kernel, step = kernel_and_step()
    torch.testing.assert_close(
        rotate(kernel, scale * step, rho=0.1), rotate(kernel, step, rho=0.1), rtol=1e-11, atol=1e-14
    )


def test_a_step_along_the_kernel_moves_nothing():
    kernel, step = kernel_and_step()
    assert torch.equal(rotate(kernel, -0.8 * kernel, rho=0.1), kernel)
    assert torch.equal(rotate(kernel, torch.zeros_like(kernel), rho=0.1), kernel)
    assert torch.equal(rotate(kernel, step, rho=0.0), kernel)
    assert torch.equal(rotate(kernel, step * math.inf, rho=0.0), kernel)
    assert torch.equal(rotate(torch.zeros_like(kernel), step, rho=0.1), torch.zeros_like(kernel))
    # The shortest step that counts, to both sides.
    step = step - (step * kernel).sum() / kernel.square().sum() * kernel
    assert torch.equal(rotate(kernel, 0.99e-7 * step / step.norm(), rho=0.1), kernel)
    assert not torch.equal(rotate(kernel, 1.01e-7 * step / step.norm(), rho=0.1), kernel)


def test_tiny_gradients_still_point_the_way():
    # As a difference of float32 weights a step of 1e-6 beside weights of 1 would have one digit or none.
    module = nn.Linear(9, 7, bias=False)
    generator = torch.Generator().manual_seed(6)
    w, s = (torch.randn(7, 9, generator=generator) for _ in range(2))
    with torch.no_grad():
        module.weight.copy_(w)
    optimizer = layca("sgd", module)
    set_rate(optimizer, 0.5)

    def gradients():
        module.weight.grad = 1e-6 * s
        return torch.zeros(())

    take_step(optimizer, gradients)
    expected = naive.turned(w.reshape(-1).double().numpy(), s.reshape(-1).double().numpy(), 0.5)
    np.testing.assert_allclose(module.weight.detach().reshape(-1), expected, rtol=1e-5, atol=1e-6)


def test_the_profile_rises_or_falls_over_the_layers():
    rising = layer_factors(7, 0.6)
    assert rising[0] == pytest.approx(0.01024, rel=1e-12)
    assert rising[-1] == 1
    assert rising[3] == pytest.approx(0.4**2.5, rel=1e-12)
    assert list(rising) == sorted(rising)
    assert layer_factors(7, -0.6) == rising[::-1]
    assert layer_factors(5, 0.0) == (1,) * 5
    assert layer_factors(1, 0.6) == layer_factors(1, -0.6) == (1,)


def test_kernels_are_those_of_all_convolutions_and_dense_layers():
    module = build_network("resnet20-conv", (3, 32, 32), 10)
    names = {parameter: name for name, parameter in module.named_parameters()}
    chosen = [names[kernel] for kernel in kernels(module)]
    expected = [
        f"{name}.weight" for name, layer in module.named_modules() if isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    assert sorted(chosen) == sorted(expected)
    assert chosen == [name for name in names.values() if name in chosen]


@pytest.mark.parametrize("name", ["nesterov", "adamw", "lbfgs"])
def test_the_weight_decay_of_the_request_changes_nothing(name):
    ends = []
    for weight_decay in (0.0, 1e-4):  # a request refuses any other
        module = Quadratic()
        optimizer = layca(name, module, weight_decay=weight_decay)
        for rate in RATES:
            set_rate(optimizer, rate)
            take_step(optimizer, module.gradients)
        ends.append(module.flat().detach())
    assert torch.equal(*ends)
