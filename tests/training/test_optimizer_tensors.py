import copy
from typing import get_args

import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from landscape.core.errors import CheckpointError
from landscape.core.training_requests import Optimizer, TrainRequest
from landscape.training.optimizer_tensors import load_optimizer_tensors, optimizer_tensors
from landscape.training.optimizers import LBFGS_PAIRS, build_optimizer, innermost, set_rate, take_step
from tests.conftest import TinyNet, tiny_data

OPTIMIZERS = get_args(Optimizer)
RECIPES = ("standard", "layca")


def fresh_module(seed=3) -> nn.Module:
    torch.manual_seed(seed)
    return TinyNet().to(memory_format=torch.channels_last)


def step(optimizer, module, rates):
    data = tiny_data()

    def gradients():
        module.zero_grad()
        loss = nn.functional.cross_entropy(module(data.train.inputs), data.train.targets)
        loss.backward()
        return loss.detach()

    for rate in rates:
        set_rate(optimizer, rate)
        take_step(optimizer, gradients)


def request_of(name, recipe="standard") -> TrainRequest:
    return TrainRequest(optimizer=name, recipe=recipe)


def trained(name, recipe="standard", steps=3):
    module = fresh_module()
    optimizer = build_optimizer(request_of(name, recipe), module)
    step(optimizer, module, [0.03, 0.011, 0.02][:steps])
    return module, optimizer


def through_a_file(tensors):
    return load(save(tensors))


@pytest.mark.parametrize("steps", [0, 1, 3, LBFGS_PAIRS + 3])
@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_to_the_same_bits(name, recipe, steps):
    # After a rate of 0 L-BFGS learns nothing from the next gradient, and goes by what it remembers.
    rates = [0.03, 0.011, 0.0] * 6
    module = fresh_module()
    optimizer = build_optimizer(request_of(name, recipe), module)
    step(optimizer, module, rates[:steps])
    stored = through_a_file(optimizer_tensors(optimizer, module))
    other = fresh_module(seed=8)
    other.load_state_dict(module.state_dict())
    resumed = build_optimizer(request_of(name, recipe), other)
    load_optimizer_tensors(resumed, other, stored)
    # Right after loading the state must be saved alike, and what came back must not depend on what was stored.
    again = optimizer_tensors(resumed, other)
    assert again.keys() == stored.keys()
    assert all(torch.equal(again[key], stored[key]) for key in stored)
    for tensor in stored.values():
        tensor.zero_()
    step(optimizer, module, rates[steps : steps + 3])
    step(resumed, other, rates[steps : steps + 3])
    assert all(
        torch.equal(tensor, other.state_dict()[key]) and tensor.isfinite().all()
        for key, tensor in module.state_dict().items()
    )


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_state_matters(name, recipe):
    # Else the test above could not fail.
    module, optimizer = trained(name, recipe)
    other = copy.deepcopy(module)
    forgetful = build_optimizer(request_of(name, recipe), other)
    step(optimizer, module, [0.02] * 2)
    step(forgetful, other, [0.02] * 2)
    same = torch.equal(module.head.weight, other.head.weight)
    assert same == (name == "sgd")


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_tensors_are_plain_copies_named_by_parameter(name, recipe):
    module, optimizer = trained(name, recipe)
    tensors = optimizer_tensors(optimizer, module)
    assert all(tensor.is_contiguous() and tensor.device.type == "cpu" for tensor in tensors.values())
    places = [tensor.untyped_storage().data_ptr() for tensor in tensors.values()]
    assert len(set(places)) == len(places)
    names = {name for name, _ in module.named_parameters()}
    assert {key.partition("/")[2] for key in tensors} <= names
    before = {key: tensor.clone() for key, tensor in tensors.items()}
    step(optimizer, module, [0.02])
    assert all(torch.equal(tensors[key], before[key]) for key in tensors)


def test_names():
    module, optimizer = trained("adam")
    tensors = optimizer_tensors(optimizer, module)
    assert tensors["step/head.weight"].item() == 3
    assert tensors["exp_avg/first.weight"].shape == (5, 2, 3, 3)
    module, optimizer = trained("nesterov", "layca")
    names = optimizer_tensors(optimizer, module)
    assert list(names) == [f"momentum_buffer/{layer}.weight" for layer in ("first", "second", "head")]
    module, optimizer = trained("lbfgs")
    tensors = optimizer_tensors(optimizer, module)
    assert tensors["n_iter:int/first.weight"].item() == 3
    assert tensors["ro:list/first.weight"].item() == 1
    assert tensors["ro:0/first.weight"].dtype == torch.float32
    assert "ro:1/first.weight" not in tensors
    assert tensors["prev_loss:float/first.weight"].dtype == torch.float64
    assert not any(key.startswith("al") for key in tensors)


def test_the_layout_of_the_parameter_is_taken_over():
    module, optimizer = trained("adam")
    resumed = build_optimizer(request_of("adam"), module)
    load_optimizer_tensors(resumed, module, optimizer_tensors(optimizer, module))
    parameter = module.first.weight
    for key in ("exp_avg", "exp_avg_sq"):
        assert resumed.state[parameter][key].stride() == parameter.stride() != (18, 9, 3, 1)


def test_wrappers_see_the_loaded_state():
    module, optimizer = trained("sam", "layca")
    resumed = build_optimizer(request_of("sam", "layca"), module)
    load_optimizer_tensors(resumed, module, optimizer_tensors(optimizer, module))
    assert innermost(resumed).state is resumed.state
    assert torch.equal(
        innermost(resumed).state[module.head.weight]["momentum_buffer"],
        optimizer.state[module.head.weight]["momentum_buffer"],
    )


def test_a_parameter_that_was_never_stepped_has_no_state():
    module = fresh_module()
    optimizer = build_optimizer(request_of("rmsprop"), module)
    module.first(tiny_data().train.inputs).square().mean().backward()
    take_step(optimizer, lambda: torch.zeros(()))
    tensors = optimizer_tensors(optimizer, module)
    assert set(tensors) == {"step/first.weight", "square_avg/first.weight"}
    resumed = build_optimizer(request_of("rmsprop"), module)
    load_optimizer_tensors(resumed, module, tensors)
    assert optimizer_tensors(resumed, module).keys() == tensors.keys()


def refused(name, tensors, recipe="standard"):
    """The error of loading, after which the optimiser must be as it was."""
    module = fresh_module()
    optimizer = build_optimizer(request_of(name, recipe), module)
    before = optimizer_tensors(optimizer, module)
    with pytest.raises(CheckpointError) as caught:
        load_optimizer_tensors(optimizer, module, tensors)
    after = optimizer_tensors(optimizer, module)
    assert after.keys() == before.keys()
    assert all(torch.equal(after[key], before[key]) for key in before)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "missing", "part"),
    [
        ("adam", "exp_avg_sq/second.bias", "'exp_avg_sq' of the parameter 'second.bias'"),
        ("nesterov", "momentum_buffer/norm.bias", "'momentum_buffer' of the parameter 'norm.bias'"),
        ("adagrad", "step/head.weight", "'step' of the parameter 'head.weight'"),
        ("lbfgs", "old_dirs:0/first.weight", "'old_dirs:0' of the parameter 'first.weight'"),
        ("lbfgs", "prev_loss:float/first.weight", "'prev_loss' of the parameter 'first.weight'"),
    ],
)
def test_a_missing_tensor(name, missing, part):
    module, optimizer = trained(name)
    tensors = optimizer_tensors(optimizer, module)
    del tensors[missing]
    message = refused(name, tensors)
    assert f"The optimiser state lacks {part}; go on from a checkpoint that was saved with this" in message


def test_no_state_at_all():
    assert "lacks 'momentum_buffer' of the parameter 'first.weight'" in refused("nesterov", {})


@pytest.mark.parametrize(
    ("name", "key", "shapes"),
    [
        ("nesterov", "momentum_buffer/first.weight", r"has shape [7]; expected [5, 2, 3, 3]"),
        ("adam", "step/head.bias", r"has shape [7]; expected []"),
        ("lbfgs", "d/first.weight", r"has shape [7]; expected [358]"),
        ("lbfgs", "n_iter:int/first.weight", r"has shape [7]; expected []"),
    ],
)
def test_another_shape(name, key, shapes):
    module, optimizer = trained(name)
    tensors = {**optimizer_tensors(optimizer, module), key: torch.ones(7)}
    assert shapes in refused(name, tensors)


def test_the_state_of_another_optimiser_or_network():
    module, optimizer = trained("adam")
    tensors = optimizer_tensors(optimizer, module)
    message = refused("nesterov", tensors)
    assert "holds 'step/first.weight', which the optimiser of this request does not keep" in message
    assert "holds 'step/first.weight'" in refused("sgd", tensors)
    module, optimizer = trained("nesterov")
    tensors = optimizer_tensors(optimizer, module)
    assert "holds 'momentum_buffer/norm.weight'" in refused("nesterov", tensors, "layca")
    tensors["momentum_buffer/tail.weight"] = torch.ones(3)
    assert "holds 'momentum_buffer/tail.weight'" in refused("nesterov", tensors)
