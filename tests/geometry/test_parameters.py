import pytest
import torch

from landscape.core.errors import CheckpointError
from landscape.geometry.parameters import ParameterSpace
from tests.conftest import TinyNet


def test_flatten_and_unflatten_are_inverse():
    module = TinyNet()
    space = ParameterSpace.of(module)
    tensors = dict(module.named_parameters())
    theta = space.flatten(tensors)
    assert theta.shape == (space.dimension,) == (sum(p.numel() for p in module.parameters()),)
    for name, tensor in space.unflatten(theta).items():
        assert torch.equal(tensor, tensors[name])


def test_unflatten_keeps_leading_dimensions():
    space = ParameterSpace.of(TinyNet())
    thetas = torch.arange(3.0 * space.dimension).reshape(3, -1)
    pieces = space.unflatten(thetas)
    assert pieces["first.weight"].shape == (3, 5, 2, 3, 3)
    assert torch.equal(pieces["first.weight"][1], space.unflatten(thetas[1])["first.weight"])


def test_roles_tell_weights_biases_and_norms_apart():
    space = ParameterSpace.of(TinyNet())
    roles = dict(zip(space.names, space.roles, strict=True))
    assert roles["first.weight"] == "weight"
    assert roles["second.bias"] == "bias"
    assert roles["norm.weight"] == roles["shared_norm.bias"] == "norm"


def test_offsets_point_at_each_tensor():
    space = ParameterSpace.of(TinyNet())
    theta = torch.arange(float(space.dimension))
    at = dict(zip(space.names, space.offsets, strict=True))
    assert space.unflatten(theta)["head.bias"][0] == at["head.bias"]


def test_missing_and_misshapen_tensors_are_named():
    space = ParameterSpace.of(TinyNet())
    tensors = dict(TinyNet().named_parameters())
    with pytest.raises(
        CheckpointError, match=r"The parameter 'norm.weight' is missing; expected a tensor of shape \[5\]"
    ):
        space.flatten({name: tensor for name, tensor in tensors.items() if name != "norm.weight"})
    with pytest.raises(CheckpointError, match=r"'head.bias' has shape \[4\]; expected \[3\]"):
        space.flatten(tensors | {"head.bias": torch.zeros(4)})
