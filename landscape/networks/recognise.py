"""Which architecture a set of named tensors belongs to, from names and shapes alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn

from landscape.core.errors import CheckpointError
from landscape.networks.architectures import (
    ARCHITECTURES,
    architecture_names,
    build_network,
    find_architecture,
)

Shapes = dict[str, tuple[int, ...]]

# A counter that no forward pass reads; files from before it existed are as good.
COUNTER = "num_batches_tracked"


def recognise(tensors: Mapping[str, Tensor]) -> tuple[str, tuple[int, ...] | None, int]:
    """The architecture that named tensors fit, every name and every shape of it.

    Args:
        tensors: A state dict; only names and shapes are read.

    Returns:
        Architecture, input shape, and number of classes. Convolutional networks take images of any size, so their
        input shape is None (`build_skeleton` needs none); that of `mlp` is (features,).

    Raises:
        CheckpointError: No architecture fits; the message names the nearest one and the first tensor that differs.
    """
    shapes = _shapes(tensors)
    if not shapes:
        raise CheckpointError("The file holds no tensors; expected the state dict of a network.")
    for architecture in architecture_names():
        width, classes = _sizes(architecture, shapes)
        if _layout(architecture, width, classes) == shapes:
            return architecture, (width,) if ARCHITECTURES[architecture].inputs == "any" else None, classes
    raise CheckpointError(_describe_nearest(shapes))


def build_skeleton(architecture: str, tensors: Mapping[str, Tensor]) -> nn.Module:
    """A network on the meta device, with channels (or features) and classes read from the tensors.

    Raises:
        RequestError: There is no such architecture.
        CheckpointError: A tensor is missing, of another shape, or too many.
    """
    find_architecture(architecture)
    shapes = _shapes(tensors)
    width, classes = _sizes(architecture, shapes)
    layout = _layout(architecture, width, classes)
    if layout != shapes:
        raise CheckpointError(
            f"The tensors do not fit {architecture}: {_first_difference(layout, shapes)}; "
            "choose the architecture that they were trained with."
        )
    return _build(architecture, width, classes)


@dataclass(frozen=True)
class _Ends:
    first: str
    last: str


# Sizes for the first look at an architecture; any would do.
PROBE = (3, 10)


def _shapes(tensors: Mapping[str, Tensor]) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items() if not name.endswith(COUNTER)}


def _build(architecture: str, width: int, classes: int) -> nn.Module:
    shape = (width,) if ARCHITECTURES[architecture].inputs == "any" else (width, 1, 1)
    with torch.device("meta"):
        return build_network(architecture, shape, classes)


@cache
def _layout(architecture: str, width: int, classes: int) -> Shapes:
    return _shapes(_build(architecture, width, classes).state_dict())


@cache
def _ends(architecture: str) -> _Ends:
    weights = [name for name, shape in _layout(architecture, *PROBE).items() if len(shape) > 1]
    return _Ends(weights[0], weights[-1])


def _sizes(architecture: str, shapes: Shapes) -> tuple[int, int]:
    """Channels or features, and classes, as the first and the last weight have them."""
    ends = _ends(architecture)
    first, last = shapes.get(ends.first, ()), shapes.get(ends.last, ())
    width = first[1] if len(first) > 1 and first[1] > 0 else PROBE[0]
    classes = last[0] if len(last) == 2 and last[0] > 1 else PROBE[1]
    return width, classes


def _describe_nearest(shapes: Shapes) -> str:
    layouts = {name: _layout(name, *_sizes(name, shapes)) for name in architecture_names()}

    def fit(architecture: str) -> float:
        layout = layouts[architecture]
        return sum(shapes.get(name) == shape for name, shape in layout.items()) / max(
            len(layout), len(shapes)
        )

    nearest = max(layouts, key=fit)
    if fit(nearest) == 0:
        name, shape = next(iter(shapes.items()))
        return (
            f"The tensors fit no known architecture (the first is {name!r} of shape {list(shape)}); "
            f"known are {', '.join(layouts)}."
        )
    return (
        f"The tensors fit no known architecture; the nearest is {nearest}, "
        f"but {_first_difference(layouts[nearest], shapes)}."
    )


def _first_difference(layout: Shapes, shapes: Shapes) -> str:
    for name, shape in layout.items():
        if name not in shapes:
            return f"{name!r} of shape {list(shape)} is missing"
        if shapes[name] != shape:
            return f"{name!r} has shape {list(shapes[name])} instead of {list(shape)}"
    return f"it has no tensor {next(name for name in shapes if name not in layout)!r}"
