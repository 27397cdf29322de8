import copy
import re

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from landscape.core.errors import RequestError
from landscape.geometry.parameters import ParameterSpace
from landscape.networks.architectures import RESNET_DEPTHS, architecture_names, build_network

SMALL = ("mlp", "convnet", "resnet20", "resnet20-conv", "resnet20-noshort")


def on_meta(name: str, input_shape: tuple[int, ...] = (3, 32, 32), classes: int = 10) -> nn.Module:
    with torch.device("meta"):
        return build_network(name, input_shape, classes)


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def resnet_size(depth: int, channels: int, classes: int) -> int:
    """The table of He et al. (2016), section 4.2: 2n layers of each width, two numbers per channel for batch norm."""
    blocks = (depth - 2) // 6
    size = 9 * channels * 16 + 2 * 16
    for width_in, width in ((16, 16), (16, 32), (32, 64)):
        size += 9 * width_in * width + (2 * blocks - 1) * 9 * width * width + 2 * blocks * 2 * width
    return size + 64 * classes + classes


def test_names() -> None:
    assert architecture_names()[:5] == ("mlp", "convnet", "vgg16", "resnet20", "resnet20-conv")
    assert len(architecture_names()) == 3 + 5 * 3


@pytest.mark.parametrize(("depth", "size"), [(20, 269_722), (110, 1_727_962)])
def test_known_sizes(depth: int, size: int) -> None:
    assert resnet_size(depth, 3, 10) == size
    assert count(on_meta(f"resnet{depth}")) == size


@pytest.mark.parametrize("depth", RESNET_DEPTHS)
def test_sizes_follow_the_formula(depth: int) -> None:
    expected = resnet_size(depth, 1, 7)
    assert count(on_meta(f"resnet{depth}", (1, 8, 8), 7)) == expected
    assert count(on_meta(f"resnet{depth}-noshort", (1, 8, 8), 7)) == expected
    # Two 1 x 1 convolutions with batch norm: 16 to 32 and 32 to 64 channels.
    assert (
        count(on_meta(f"resnet{depth}-conv", (1, 8, 8), 7)) == expected + 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64
    )


@pytest.mark.parametrize("depth", RESNET_DEPTHS)
def test_the_depth_counts_the_layers_with_weights(depth: int) -> None:
    network = on_meta(f"resnet{depth}")
    assert sum(isinstance(module, nn.Conv2d | nn.Linear) for module in network.modules()) == depth


def test_vgg_has_sixteen_layers_less_two() -> None:
    # The two hidden linear layers of the original are left out, as usual for small images.
    network = on_meta("vgg16")
    assert sum(isinstance(module, nn.Conv2d | nn.Linear) for module in network.modules()) == 14
    assert count(network) == 14_728_266


@pytest.mark.parametrize("name", architecture_names())
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (2, 9, 13), (1, 1, 5)])
def test_any_image_size_passes(name: str, shape: tuple[int, ...]) -> None:
    # On the meta device only shapes are computed, so even the deep ones are quick.
    network = on_meta(name, shape, 7).eval()
    assert network(torch.empty(3, *shape, device="meta")).shape == (3, 7)


def test_flat_features_pass_through_the_mlp() -> None:
    assert build_network("mlp", (6,), 3)(torch.zeros(2, 6)).shape == (2, 3)
    assert ParameterSpace.of(on_meta("mlp", (1, 8, 8))) == ParameterSpace.of(on_meta("mlp", (64,)))


@pytest.mark.parametrize("name", ["mlp", "convnet", "vgg16", "resnet20-conv"])
def test_the_seed_decides_the_start(name: str) -> None:
    def build(seed: int) -> dict[str, Tensor]:
        torch.manual_seed(seed)
        return build_network(name, (1, 8, 8), 10).state_dict()

    first, again, other = build(3), build(3), build(4)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first[next(iter(first))], other[next(iter(other))])


def test_the_start_is_that_of_he() -> None:
    torch.manual_seed(0)
    network = build_network("vgg16", (3, 32, 32), 10)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            fan_in = module.weight[0].numel()
            # Of at least 1,728 normal numbers, the deviation is known to within 10% by far.
            assert module.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.1)
        if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            assert not module.bias.any()


@pytest.mark.parametrize("name", SMALL)
def test_points_may_be_evaluated_by_functional_call_and_vmap(name: str) -> None:
    torch.manual_seed(1)
    network = build_network(name, (2, 5, 7), 3).double().eval()
    before = copy.deepcopy(network.state_dict())
    inputs = torch.randn(4, 2, 5, 7, dtype=torch.float64)
    space = ParameterSpace.of(network)
    theta = space.flatten(dict(network.named_parameters()))
    points = theta + 0.1 * torch.randn(3, len(theta), dtype=torch.float64)
    together = vmap(lambda point: functional_call(network, space.unflatten(point), (inputs,)))(points)
    for point, outputs in zip(points, together, strict=True):
        alone = functional_call(network, space.unflatten(point), (inputs,))
        torch.testing.assert_close(outputs, alone, rtol=1e-9, atol=1e-9)
    assert all(torch.equal(network.state_dict()[key], before[key]) for key in before)


@pytest.mark.parametrize("name", SMALL)
def test_gradients_reach_every_parameter(name: str) -> None:
    torch.manual_seed(1)
    network = build_network(name, (2, 5, 7), 3)
    network(torch.randn(4, 2, 5, 7)).pow(2).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_zero_padding_adds_the_input_and_convolution_and_none_do_not() -> None:
    block = build_network("resnet20", (3, 8, 8), 10).get_submodule("layer2.0").eval()
    nn.init.zeros_(block.get_parameter("bn2.weight"))
    inputs = torch.rand(2, 16, 5, 7)
    outputs = block(inputs)
    assert outputs.shape == (2, 32, 3, 4)
    torch.testing.assert_close(outputs[:, 8:24], inputs[:, :, ::2, ::2])
    assert not outputs[:, :8].any()
    assert not outputs[:, 24:].any()
    plain = build_network("resnet20-noshort", (3, 8, 8), 10).get_submodule("plain2.0").eval()
    nn.init.zeros_(plain.get_parameter("bn2.weight"))
    assert not plain(inputs).any()


@pytest.mark.parametrize(
    ("name", "shape", "classes", "message"),
    [
        (
            "resnet20-cov",
            (3, 8, 8),
            10,
            "There is no architecture named 'resnet20-cov'; did you mean 'resnet20-conv'?",
        ),
        (
            "vgg16",
            (64,),
            10,
            "The network vgg16 needs images of shape [channels, height, width]; the inputs have shape [64].",
        ),
        ("convnet", (8, 8), 10, "the inputs have shape [8, 8]. Choose mlp for these data."),
        ("convnet", (1, 8, 8), 1, "A classifier with 1 outputs is asked for; give at least 2 classes."),
        ("mlp", (0,), 3, "The input shape [0] is empty; give positive sizes such as 3, 32, 32."),
        ("mlp", (), 3, "The input shape [] is empty"),
    ],
)
def test_what_cannot_be_built_gets_a_sentence(
    name: str, shape: tuple[int, ...], classes: int, message: str
) -> None:
    with pytest.raises(RequestError, match=re.escape(message)):
        build_network(name, shape, classes)
