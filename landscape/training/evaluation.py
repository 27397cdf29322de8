"""A network's loss and accuracy over whole splits, as training records them."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn import functional

from landscape.networks.tasks import Data, Examples

METRICS = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
BATCH_SIZE = 250  # ours: channels-last networks run fastest on a CPU at 64 to 250 examples


def evaluate_splits(module: nn.Module, data: Data) -> dict[str, float]:
    """Loss and accuracy of both splits in evaluation mode; the module's own mode is put back.

    Batch-norm layers use their running averages, as they stand at this step of training.

    Returns:
        The names in `METRICS`: cross-entropy in nats per example without penalty, accuracies as fractions.
    """
    values = (*evaluate_split(module, data.train), *evaluate_split(module, data.test))
    return dict(zip(METRICS, values, strict=True))


def evaluate_split(module: nn.Module, examples: Examples) -> tuple[float, float]:
    """Mean cross-entropy (nats) and accuracy (fraction) of one split; see `evaluate_splits`."""
    loss = correct = torch.zeros((), dtype=torch.float64, device=examples.inputs.device)
    with _evaluation_mode(module), torch.inference_mode():
        pieces = zip(examples.inputs.split(BATCH_SIZE), examples.targets.split(BATCH_SIZE), strict=True)
        for inputs, targets in pieces:
            outputs = module(inputs)
            loss = loss + functional.cross_entropy(outputs, targets, reduction="sum").double()
            correct = correct + outputs.argmax(1).eq(targets).sum()
    return float(loss) / len(examples), float(correct) / len(examples)


@contextmanager
def _evaluation_mode(module: nn.Module) -> Iterator[None]:
    was_training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(was_training)
