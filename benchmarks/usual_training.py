"""Training as everybody writes it, to compare with: a DataLoader, transforms one by one, or nothing but the steps."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from landscape.core.requests import TrainRequest
from landscape.networks.architectures import build_network
from landscape.networks.datasets import load_data
from landscape.networks.handwritten_digits import load_digits
from landscape.networks.raw_data import RawData, RawSplit, normalise, numbered_classes
from landscape.networks.tasks import Data
from landscape.networks.torchvision_shim import import_datasets
from landscape.training.batches import CROP_BORDER

Source = Literal["digits", "random"]
Way = Callable[[], None]

RANDOM_COUNT = 2048


def raw_of(source: Source) -> RawData:
    """The images as a person's files would hold them."""
    if source == "digits":
        return load_digits()
    generator = np.random.default_rng(0)

    def split(count: int) -> RawSplit:
        images = generator.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8)
        return RawSplit(images, np.arange(count) % 10)

    return RawData(split(RANDOM_COUNT), split(64), numbered_classes(10))


def data_of(source: Source) -> Data:
    """The same images as our tensors."""
    if source == "digits":
        return load_data("digits")
    return normalise(raw_of(source), name=source, source=source)


class Photographs(Dataset[tuple[Any, int]]):
    """Images of bytes, transformed one by one, as torchvision's data sets and examples do it."""

    def __init__(self, split: RawSplit, data: Data, *, crop: bool) -> None:
        import_datasets()
        from torchvision import transforms

        scaled = (split.values * (255 / split.values.max())).astype(np.uint8)
        images = np.ascontiguousarray(scaled.transpose(0, 2, 3, 1))
        # A gray picture has no axis of channels.
        self._images = images[..., 0] if images.shape[-1] == 1 else images
        self._labels = split.labels.tolist()
        moves = [
            transforms.RandomCrop(data.input_shape[1:], padding=CROP_BORDER),
            transforms.RandomHorizontalFlip(),
        ]
        self._transform = transforms.Compose(
            [*(moves if crop else []), transforms.ToTensor(), transforms.Normalize(data.mean, data.std)]
        )

    def __len__(self) -> int:
        """Number of images."""
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        """A picture as a tensor, and its class."""
        return self._transform(Image.fromarray(self._images[index])), self._labels[index]


def loader_steps(
    request: TrainRequest,
    data: Data,
    dataset: Dataset[Any],
    device: torch.device,
    steps: int,
    *,
    workers: int,
) -> Way:
    """So many steps over a shuffling DataLoader, reading the loss at each."""
    module = fresh_network(request, data).to(device)
    optimizer = usual_optimizer(module, request)
    loader = DataLoader(
        dataset,
        batch_size=request.batch_size,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        # A process that was itself spawned would spawn its workers, too, and not fork them as a script does on Linux.
        multiprocessing_context="fork" if workers else None,
    )

    def take_steps() -> None:
        taken = 0
        while taken < steps:
            for inputs, targets in loader:
                take_step(module, optimizer, inputs.to(device), targets.to(device)).item()
                taken += 1
                if taken == steps:
                    break

    return take_steps


def bare_steps(request: TrainRequest, data: Data, device: torch.device, steps: int) -> Way:
    """Nothing but the steps, on one batch that lies in memory, in PyTorch's own layout."""
    module = fresh_network(request, data).to(device)
    optimizer = usual_optimizer(module, request)
    return repeated_steps(request, data, module, optimizer, steps, layout=torch.contiguous_format)


def repeated_steps(
    request: TrainRequest,
    data: Data,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    steps: int,
    *,
    layout: torch.memory_format,
) -> Way:
    """So many steps of a network on its device, all on one batch."""
    device = next(module.parameters()).device
    inputs = data.train.inputs[: request.batch_size].to(device, memory_format=layout)
    targets = data.train.targets[: request.batch_size].to(device)

    def take_steps() -> None:
        for _ in range(steps):
            take_step(module, optimizer, inputs, targets)

    return take_steps


def take_step(module: nn.Module, optimizer: torch.optim.Optimizer, inputs: Tensor, targets: Tensor) -> Tensor:
    """Forward, backward, update; returns the loss."""
    loss = functional.cross_entropy(module(inputs), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def fresh_network(request: TrainRequest, data: Data) -> nn.Module:
    """The network of a request, always with the same weights."""
    torch.manual_seed(0)
    return build_network(request.architecture, data.input_shape, len(data.classes))


def usual_optimizer(module: nn.Module, request: TrainRequest) -> torch.optim.SGD:
    """SGD with Nesterov momentum as PyTorch builds it unasked."""
    return torch.optim.SGD(
        module.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=request.weight_decay
    )
