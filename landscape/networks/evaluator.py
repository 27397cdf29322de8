"""Loss and error of many points in weight space: the one hot loop.

The network is built afresh from its task, so nobody's module is touched; parameters and buffers of each point are
passed in through `torch.func.functional_call`. Data lies on the device once, already cut into batches.
"""

# Shapes: N points · P parameters · B examples of one batch · S splits (train, test) · M measures (nll, error)

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from landscape.core.errors import RequestError, unknown_name
from landscape.core.requests import Device
from landscape.geometry.parameters import ParameterSpace
from landscape.networks.batch_norm import (
    forward_pooled,
    forward_with,
    moments,
    refuse_own_batch_norms,
    replace_batch_norms,
    vmapped_moments,
    waiting_bytes,
)
from landscape.networks.strategies import Strategy
from landscape.networks.tasks import Examples, Task


@dataclass(frozen=True, eq=False)
class Points:
    """Points to evaluate: parameters (N, P) float32, and each buffer with a leading dimension N."""

    theta: Tensor
    buffers: Mapping[str, Tensor]

    def __len__(self) -> int:
        """N."""
        return len(self.theta)


class Evaluator:
    """Mean loss and error of any number of points, on the train and the test split of one task.

    The same point gives the same bits, whatever the points beside it: every batch is cut the same way. (With
    several points at once, a group that is not full is filled up with copies, for the same reason.)

    Args:
        task: Network, data, loss and error. The data are copied to the device.
        recalibrate: Re-estimate batch-norm statistics at every point, on the whole training split as one batch.
        device: Where to compute.
        strategy: Layout, batch size and points at once; see `strategies.py`.

    Raises:
        RequestError: Recalibration is asked for, and a batch-norm layer has a forward of its own.
    """

    def __init__(self, task: Task, *, recalibrate: bool, device: torch.device, strategy: Strategy) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = task.build()
        if recalibrate:
            refuse_own_batch_norms(network)
        self.space = ParameterSpace.of(network)
        self.strategy = strategy
        self.device = device
        self._memory_format = (
            torch.channels_last if strategy.layout == "channels-last" else torch.contiguous_format
        )
        self._pass = _Pass(
            network.eval().to(device), task, recalibrate=recalibrate, together=strategy.points > 1
        )
        self._pass.requires_grad_(False)
        self._train = self._cut(task.data.train)
        self._test = self._cut(task.data.test)

    def evaluate(self, points: Points) -> np.ndarray:
        """Mean loss (nats for cross-entropy) and error (fraction) of each point: (N, S, M) float64.

        A loss that is not finite is +inf ("diverged"), and an example whose outputs are not finite counts as wrong.
        """
        at_once = self.strategy.points
        rows = []
        with torch.inference_mode(), full_precision(self.device):
            for low in range(0, len(points), at_once):
                index = torch.arange(low, low + at_once).clamp(max=len(points) - 1)
                sums = self._evaluate_group(points, index)
                rows.append(sums[: len(points) - low])
        sums = torch.cat(rows).double().cpu().numpy()
        counts = np.array([self._train.count, self._test.count], dtype=np.float64)
        values = sums / counts[None, :, None]
        values[..., 0][~np.isfinite(values[..., 0])] = np.inf
        return values

    def waiting_bytes(self) -> int:
        """Memory that the batches hold while they wait at the widest batch-norm layer; 0 without recalibration.

        Counted twice, because a shortcut may be alive beside the layer's inputs.
        """
        if not self._pass.recalibrate:
            return 0
        return self.strategy.points * waiting_bytes(self._pass.network, self._pass.layers, self._train.inputs)

    def _evaluate_group(self, points: Points, index: Tensor) -> Tensor:
        theta = points.theta[index].to(self.device)
        buffers = {name: buffer[index].to(self.device) for name, buffer in points.buffers.items()}

        def one(parameters: Mapping[str, Tensor], buffers: Mapping[str, Tensor]) -> Tensor:
            state = {f"network.{name}": tensor for name, tensor in {**parameters, **buffers}.items()}
            return functional_call(self._pass, state, (self._train, self._test))

        if self.strategy.points > 1:
            return vmap(one)(self.space.unflatten(theta), buffers)
        parameters = {name: self._lay_out(tensor) for name, tensor in self.space.unflatten(theta[0]).items()}
        return one(parameters, {name: buffer[0] for name, buffer in buffers.items()})[None]

    def _cut(self, examples: Examples) -> "_Batches":
        size = self.strategy.batch or len(examples)
        inputs = [self._lay_out(piece.to(self.device)) for piece in examples.inputs.split(size)]
        return _Batches(inputs, list(examples.targets.to(self.device).split(size)), len(examples))

    def _lay_out(self, tensor: Tensor) -> Tensor:
        return (
            tensor.contiguous(memory_format=self._memory_format) if tensor.ndim == 4 else tensor.contiguous()
        )


@dataclass(frozen=True, eq=False)
class _Batches:
    inputs: Sequence[Tensor]
    targets: Sequence[Tensor]
    count: int


class _Pass(nn.Module):
    """One point: a pass over the training split, then one over the test split.

    A module, so that `functional_call` swaps the parameters once around both, whatever order the batches run in.
    """

    def __init__(self, network: nn.Module, task: Task, *, recalibrate: bool, together: bool) -> None:
        super().__init__()
        self.measure = vmapped_moments if together else moments
        self.network = network
        self.layers = replace_batch_norms(network)
        self.recalibrate = recalibrate and bool(self.layers)
        self.task = task

    def forward(self, train: _Batches, test: _Batches) -> Tensor:
        """Sums of losses and of errors, (S, M) float64."""
        if self.recalibrate:
            outputs, statistics = forward_pooled(self.network, self.layers, train.inputs, self.measure)
            test_outputs = forward_with(self.network, self.layers, statistics, test.inputs)
        else:
            outputs, test_outputs = map(self.network, train.inputs), map(self.network, test.inputs)
        return torch.stack([self._sum(outputs, train), self._sum(test_outputs, test)])

    def _sum(self, outputs, batches: _Batches) -> Tensor:
        totals = []
        for output, targets in zip(outputs, batches.targets, strict=True):
            diverged = ~torch.isfinite(output).flatten(1).all(1)
            losses = self.task.losses(output, targets).double()
            errors = torch.where(diverged, 1.0, self.task.errors(output, targets).double())
            totals.append(torch.stack([losses.sum(), errors.sum()]))
        return torch.stack(totals).sum(0)


def full_precision(device: torch.device) -> AbstractContextManager[None]:
    """Within, float32 means float32, and a graphics card gives the same bits each time."""
    # By default cuDNN rounds the inputs of a float32 convolution to TF32, three decimal digits.
    if device.type != "cuda":
        return nullcontext()
    return torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)


def choose_device(device: str) -> torch.device:
    """The device that `auto`, `cpu` or `cuda` stands for on this machine.

    Raises:
        RequestError: The name is another one, or CUDA is asked for and there is none.
    """
    if device not in get_args(Device):
        raise RequestError(unknown_name("device", device, get_args(Device)))
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cuda" and not torch.cuda.is_available():
        raise RequestError(
            "CUDA is asked for, but this machine has no usable CUDA device; use --device cpu or auto."
        )
    return torch.device(device)
