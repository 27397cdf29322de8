"""How many threads the steps of a network are worth; a rule on sizes, since a measurement would decide about bits."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

# Ours: every layer waits for the last of its threads, several times a step. On two quiet cores a second thread gains
# from 2e7 on, and above this 1.5 to 1.7 times; with one other busy program it loses up to 5 times below, 2 times above.
OPERATIONS_PER_LAYER = 1e8


@contextmanager
def threads_for(module: nn.Module, inputs_B: Tensor) -> Iterator[None]:
    """Within, torch computes with one thread if a batch is too small to be worth more, else with as many as before.

    Args:
        module: The network, on the device of the inputs; it is left as it was.
        inputs_B: A batch (B, ...), of which one example is looked at.
    """
    before = torch.get_num_threads()
    if operations(module, inputs_B[:1]) * len(inputs_B) < OPERATIONS_PER_LAYER * len(_layers(module)):
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def operations(module: nn.Module, inputs_B: Tensor) -> int:
    """Multiplications and additions of a forward pass in the layers whose weights are matrices or kernels."""
    total = 0

    def count(layer: nn.Module, _: object, outputs: object) -> None:
        nonlocal total
        if isinstance(
            outputs, Tensor
        ):  # recurrent layers and the like return several; their work is not counted
            total += 2 * outputs.numel() * layer.weight[0].numel()  # pyright: ignore[reportIndexIssue, reportOperatorIssue]

    handles = [layer.register_forward_hook(count) for layer in _layers(module)]
    was_training = module.training
    module.eval()
    try:
        with torch.no_grad():
            module(inputs_B)
    finally:
        module.train(was_training)
        for handle in handles:
            handle.remove()
    return total


def _layers(module: nn.Module) -> list[nn.Module]:
    weights = {layer: getattr(layer, "weight", None) for layer in module.modules()}
    return [layer for layer, weight in weights.items() if isinstance(weight, Tensor) and weight.ndim > 1]
