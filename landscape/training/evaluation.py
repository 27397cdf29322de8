"""A network's loss and accuracy over whole splits, as training records them."""

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
        The names in `METRICS`: losses in nats per example without penalty, accuracies as fractions.
    """
    was_training = module.training
    module.eval()
    try:
        train_loss, train_accuracy = _evaluate(module, data.train)
        test_loss, test_accuracy = _evaluate(module, data.test)
    finally:
        module.train(was_training)
    return dict(zip(METRICS, (train_loss, train_accuracy, test_loss, test_accuracy), strict=True))


def _evaluate(module: nn.Module, examples: Examples) -> tuple[float, float]:
    loss = correct = torch.zeros((), dtype=torch.float64, device=examples.inputs.device)
    with torch.inference_mode():
        pieces = zip(examples.inputs.split(BATCH_SIZE), examples.targets.split(BATCH_SIZE), strict=True)
        for inputs, targets in pieces:
            outputs = module(inputs)
            loss = loss + functional.cross_entropy(outputs, targets, reduction="sum").double()
            correct = correct + outputs.argmax(1).eq(targets).sum()
    return float(loss) / len(examples), float(correct) / len(examples)
