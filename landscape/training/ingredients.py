"""What a run is made of beside its request, and how it is laid out on the device."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from landscape.core.errors import RequestError
from landscape.core.requests import TrainRequest
from landscape.core.seeds import seed_for
from landscape.networks.architectures import build_network
from landscape.networks.batch_norm import own_batch_norms
from landscape.networks.tasks import Data, Examples
from landscape.training.starts import Start

# Told steps done, steps in all, and a note.
Progress = Callable[[int, int, str], None]

# benchmarks/records/training-cpu.json: a quarter faster for resnet20 on a CPU than the default layout
LAYOUT = torch.channels_last


@dataclass(frozen=True, kw_only=True, eq=False)
class Ingredients:
    """What a run is made of beside its request.

    Attributes:
        data: Both splits, on any device.
        device: Where to train.
        start: Where to begin, or None for a random start.
        teachers: Networks to distil from.
        build: Makes a network of the user's own, under a seed; None for the registry's.
    """

    data: Data
    device: torch.device
    start: Start | None = None
    teachers: Sequence[nn.Module] = ()
    build: Callable[[], nn.Module] | None = None


def build_module(request: TrainRequest, ingredients: Ingredients) -> nn.Module:
    """A fresh network in training mode on the device; the seed of the request decides its weights.

    The global random state is set by it.
    """
    torch.manual_seed(seed_for(request.seed, "start"))
    data = ingredients.data
    module = (
        build_network(request.architecture, data.input_shape, len(data.classes))
        if ingredients.build is None
        else ingredients.build()
    )
    # torch's stub of `to` lacks the call with a memory format alone.
    return module.to(ingredients.device).to(memory_format=LAYOUT).train()  # pyright: ignore[reportCallIssue]


def laid_out(data: Data, device: torch.device) -> Data:
    """The data on a device, with images channels last in memory, so that no step rearranges them."""
    data = data.to(device)
    return replace(data, train=_examples_laid_out(data.train), test=_examples_laid_out(data.test))


def check_precision(request: TrainRequest, device: torch.device) -> None:
    """Refuse rounded activations where they would only be slower.

    Raises:
        RequestError: bfloat16 is asked for on a CPU.
    """
    if request.precision == "bfloat16" and device.type != "cuda":
        raise RequestError(
            "The precision bfloat16 is for graphics cards, and this run is on the CPU, where it is several times "
            "slower; use float32."
        )


def _examples_laid_out(examples: Examples) -> Examples:
    if examples.inputs.ndim != 4:
        return examples
    return Examples(examples.inputs.contiguous(memory_format=LAYOUT), examples.targets)


def check_batch_norms(module: nn.Module) -> None:
    """Refuse to average a network whose batch-norm statistics could not be re-estimated in the end.

    Raises:
        RequestError: A batch-norm layer has a forward of its own.
    """
    own = own_batch_norms(module)
    if own:
        raise RequestError(
            f"The layer {own[0]!r} is a batch norm with a forward of its own, whose statistics cannot be re-estimated "
            "for the mean of many iterates; choose a recipe that does not average."
        )
