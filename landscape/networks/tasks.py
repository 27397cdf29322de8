"""What a network is asked to do: data on the device, a loss, a definition of error."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from landscape.core.errors import DataError
from landscape.core.requests import Split
from landscape.core.seeds import seed_for


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs and targets of one split, already normalised, on one device. First dimension: examples."""

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        """Number of examples."""
        return len(self.inputs)

    def to(self, device: torch.device | str) -> "Examples":
        """The same examples on another device."""
        return Examples(self.inputs.to(device), self.targets.to(device))


@dataclass(frozen=True, kw_only=True, eq=False)
class Data:
    """A data set as tensors.

    Attributes:
        name: What people call it, e.g. "digits" or "CIFAR-10 (JPEG)".
        digest: Hex SHA-256 of the content (raw values, labels and class names), the same wherever the files lie.
        train: Training split: float32 (N, channels, height, width), int64 (N,) for images.
        test: Test split.
        classes: Class names, ordered as the labels.
        mean: Channel means of the training split, subtracted from both; in units of [0, 1].
        std: Channel standard deviations of the training split, divided by.
        source: Where it was read: a path, or a sentence for what comes with the package.
    """

    name: str
    digest: str
    train: Examples
    test: Examples
    classes: tuple[str, ...]
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    source: str = ""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input, e.g. (3, 32, 32)."""
        return tuple(self.train.inputs.shape[1:])

    def split(self, name: Split) -> Examples:
        """The named split."""
        return self.train if name == "train" else self.test

    def sample(self, *, train: int | None, test: int | None, seed: int) -> "Data":
        """A subset with the class proportions of each split, reproducible from the seed; None keeps all.

        Raises:
            DataError: More examples are asked for than there are.
        """
        return replace(
            self, train=_sample(self.train, train, seed, "train"), test=_sample(self.test, test, seed, "test")
        )

    def to(self, device: torch.device | str) -> "Data":
        """The same data on another device."""
        return replace(self, train=self.train.to(device), test=self.test.to(device))


@dataclass(frozen=True, eq=False)
class Task:
    """Everything an evaluation needs beside the weights; users may make their own.

    Attributes:
        name: The architecture's name, or what the user calls the network.
        build: Makes a fresh module; its parameters define the space. Called under a fixed seed.
        data: The data set.
        losses: (outputs, targets) to the loss of each example, (B,), in nats for cross-entropy.
        errors: (outputs, targets) to the error of each example, (B,), in [0, 1].
    """

    name: str
    build: Callable[[], nn.Module]
    data: Data
    losses: Callable[[Tensor, Tensor], Tensor] = lambda outputs, targets: functional.cross_entropy(
        outputs, targets, reduction="none"
    )
    errors: Callable[[Tensor, Tensor], Tensor] = lambda outputs, targets: (
        outputs.argmax(1).ne(targets).float()
    )


def _sample(examples: Examples, count: int | None, seed: int, split: str) -> Examples:
    if count is None or count == len(examples):
        return examples
    if count > len(examples):
        raise DataError(
            f"{count} {split} examples are asked for, but the data set has {len(examples)}; ask for fewer, or for all."
        )
    generator = torch.Generator().manual_seed(seed_for(seed, f"sample {split}"))
    targets = examples.targets.cpu()
    # Random order within each class, then every class in turn by its relative rank: any prefix is stratified.
    shuffled = torch.randperm(len(targets), generator=generator)
    by_class = shuffled[torch.argsort(targets[shuffled], stable=True)]
    counts = torch.bincount(targets)
    starts = torch.cat([torch.zeros(1, dtype=torch.long), counts.cumsum(0)[:-1]])
    sorted_targets = targets[by_class]
    rank = (torch.arange(len(targets)) - starts[sorted_targets] + 0.5) / counts[sorted_targets]
    chosen = by_class[torch.argsort(rank, stable=True)[:count]].sort().values
    chosen = chosen.to(examples.inputs.device)
    return Examples(examples.inputs[chosen], examples.targets[chosen])
