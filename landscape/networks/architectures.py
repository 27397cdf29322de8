"""The registry of architectures: a name to a network."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import nn

from landscape.core.errors import RequestError, unknown_name
from landscape.networks.resnet import ResNet, Shortcuts
from landscape.networks.small import ConvNet, Mlp
from landscape.networks.vgg import Vgg

RESNET_DEPTHS = (20, 32, 44, 56, 110)  # He et al. (2016), table 6
RESNET_SUFFIXES: dict[str, Shortcuts] = {"": "zero-padding", "-conv": "convolution", "-noshort": "none"}


@dataclass(frozen=True)
class Architecture:
    """How to build a network.

    Attributes:
        inputs: `images` takes (channels, height, width) and any height and width; `any` flattens what it is given.
        build: (channels, classes) for `images`, (features, classes) for `any`, to a network.
    """

    inputs: Literal["images", "any"]
    build: Callable[[int, int], nn.Module]


def _resnet(depth: int, shortcuts: Shortcuts) -> Architecture:
    return Architecture("images", lambda channels, classes: ResNet(depth, channels, classes, shortcuts))


ARCHITECTURES: dict[str, Architecture] = {
    "mlp": Architecture("any", Mlp),
    "convnet": Architecture("images", ConvNet),
    "vgg16": Architecture("images", Vgg),
    **{
        f"resnet{depth}{suffix}": _resnet(depth, shortcuts)
        for depth in RESNET_DEPTHS
        for suffix, shortcuts in RESNET_SUFFIXES.items()
    },
}


def architecture_names() -> tuple[str, ...]:
    """All names, small networks first."""
    return tuple(ARCHITECTURES)


def find_architecture(name: str) -> Architecture:
    """The row of the registry.

    Raises:
        RequestError: There is no such name; the message offers the nearest one.
    """
    if name not in ARCHITECTURES:
        raise RequestError(
            f"{unknown_name('architecture', name, ARCHITECTURES)} A network of your own is known to Python alone: pass "
            "task=… there."
        )
    return ARCHITECTURES[name]


def build_network(architecture: str, input_shape: tuple[int, ...], classes: int) -> nn.Module:
    """A fresh network with the start of He et al. (2015): weights normal with variance 2 / fan-in, biases zero.

    The global random state decides the weights: call it under `torch.manual_seed`. Under `torch.device("meta")` no
    memory is taken.

    Args:
        architecture: A name from `architecture_names`.
        input_shape: Shape of one input: (channels, height, width), or (features,) for `mlp`.
        classes: Number of outputs, at least 2.

    Returns:
        A network in training mode, float32; inputs (B, *input_shape) give logits (B, classes).

    Raises:
        RequestError: The name is unknown, or the network cannot take such inputs.
    """
    row = find_architecture(architecture)
    if classes < 2:
        raise RequestError(f"A classifier with {classes} outputs is asked for; give at least 2 classes.")
    if not input_shape or min(input_shape) < 1:
        raise RequestError(
            f"The input shape {list(input_shape)} is empty; give positive sizes such as 3, 32, 32."
        )
    if row.inputs == "images" and len(input_shape) != 3:
        raise RequestError(
            f"The network {architecture} needs images of shape [channels, height, width]; the inputs have shape "
            f"{list(input_shape)}. Choose mlp for these data."
        )
    network = row.build(input_shape[0] if row.inputs == "images" else math.prod(input_shape), classes)
    _start(network)
    return network


def _start(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
