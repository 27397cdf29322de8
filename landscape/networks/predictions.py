"""What a network says of every example: its outputs on both splits, in evaluation mode."""

# Shapes: N examples · K classes

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from landscape.core.errors import RequestError
from landscape.core.requests import Split
from landscape.networks.batch_norm import (
    forward_pooled,
    forward_with,
    refuse_own_batch_norms,
    replace_batch_norms,
    waiting_bytes,
)
from landscape.networks.checkpoints import Checkpoint
from landscape.networks.evaluator import full_precision
from landscape.networks.recalibration import BATCH_SIZE
from landscape.networks.tasks import Data, Examples, Task

# Whose batch-norm statistics: the checkpoint's own, or those of the training sample (`recalibration.py`).
Statistics = Literal["stored", "recalibrate"]


@dataclass(frozen=True, eq=False)
class Predictions:
    """Outputs before the softmax on both splits, float32, (N, K) each; examples in the order of the data."""

    train: np.ndarray
    test: np.ndarray

    def split(self, name: Split) -> np.ndarray:
        """The named split's."""
        return self.train if name == "train" else self.test


class Predictor:
    """Asks checkpoints of one network for their predictions, in batches of a fixed size and without augmentation.

    The network is built afresh from its task, so nobody's module is touched.

    Args:
        task: The network and its data, which are copied to the device.
        statistics: `stored` or `recalibrate`.
        device: Where to compute.

    Raises:
        RequestError: The targets are no classes, or recalibration is asked for and a batch-norm layer has a forward of
            its own.
    """

    def __init__(self, task: Task, *, statistics: Statistics, device: torch.device) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            # A copy: weights are written into it, and the task may hand out one and the same module.
            network = copy.deepcopy(task.build())
        if statistics == "recalibrate":
            refuse_own_batch_norms(network)
        self._task = task
        self._classes = _count_classes(task.data)
        self._device = device
        self._network = network.eval().to(device).requires_grad_(False)
        self._layers = replace_batch_norms(self._network) if statistics == "recalibrate" else []
        self._layout = _fastest_layout(self._network, task.data.train.inputs[:2].to(device))
        self._network.to(memory_format=self._layout)  # pyright: ignore[reportCallIssue]
        self._train = self._cut(task.data.train)
        self._test = self._cut(task.data.test)

    def predict(self, checkpoint: Checkpoint) -> Predictions:
        """The outputs of one checkpoint.

        Raises:
            RequestError: The outputs are not one number for each class.
        """
        state = checkpoint.state_dict()
        with torch.inference_mode(), full_precision(self._device):
            for name, tensor in (*self._network.named_parameters(), *self._network.named_buffers()):
                tensor.copy_(state[name])
            if self._layers:
                train, statistics = forward_pooled(self._network, self._layers, self._train)
                test = list(forward_with(self._network, self._layers, statistics, self._test))
            else:
                train, test = (
                    [self._network(batch) for batch in split] for split in (self._train, self._test)
                )
            return Predictions(self._joined(train), self._joined(test))

    def waiting_bytes(self) -> int:
        """Memory that the batches hold while they wait for one another; 0 where statistics are stored."""
        return waiting_bytes(self._network, self._layers, self._train)

    def _cut(self, examples: Examples) -> Sequence[Tensor]:
        inputs = examples.inputs.to(self._device)
        if inputs.ndim == 4:
            inputs = inputs.contiguous(memory_format=self._layout)
        return inputs.split(BATCH_SIZE)

    def _joined(self, outputs: Sequence[Tensor]) -> np.ndarray:
        for each in outputs:
            if each.ndim != 2 or each.shape[1] < self._classes:
                raise RequestError(
                    f"The network {self._task.name} gives outputs of shape {list(each.shape)}, but predictions are "
                    f"compared class by class; give a network with one output for each of the {self._classes} classes."
                )
        return torch.cat(list(outputs)).float().cpu().numpy()


def _count_classes(data: Data) -> int:
    targets = torch.cat([data.train.targets.flatten(), data.test.targets.flatten()])
    if data.train.targets.ndim != 1 or targets.is_floating_point():
        raise RequestError(
            f"The targets of {data.name!r} are no class numbers, but predictions are compared class by class; choose "
            "data with one class for each example."
        )
    return max(len(data.classes), int(targets.max()) + 1)


def _fastest_layout(network: nn.Module, inputs: Tensor) -> torch.memory_format:
    """Channels-last for images, which is faster or as fast (measured), unless the network relies on the other order."""
    if inputs.ndim != 4:
        return torch.contiguous_format
    try:
        with torch.inference_mode():
            network.to(memory_format=torch.channels_last)(  # pyright: ignore[reportCallIssue]
                inputs.contiguous(memory_format=torch.channels_last)
            )
    except RuntimeError:  # what `view` raises
        return torch.contiguous_format
    return torch.channels_last
