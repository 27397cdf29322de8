"""Batch-norm statistics of averaged weights: re-estimated on a whole sample as one batch, as buffers.

The mean of several networks' weights has activations of its own, so the statistics that any of them collected do not
fit it, nor does the mean of their statistics (Izmailov et al. 2018, section 3).
"""

# Shapes: B examples of one batch · C channels

import copy

import torch
from torch import Tensor, nn

from landscape.networks.batch_norm import (
    Moments,
    PooledBatchNorm,
    Statistics,
    forward_pooled,
    moments,
    refuse_own_batch_norms,
    replace_batch_norms,
)
from landscape.networks.evaluator import full_precision

BATCH_SIZE = 250  # ours: channels-last networks run fastest on a CPU at 64 to 250 examples


def recalibrated(module: nn.Module, inputs: Tensor, *, batch: int = BATCH_SIZE) -> dict[str, Tensor]:
    """The buffers that a network has once its batch-norm statistics are those of the whole sample.

    Exactly as if the sample were one batch in training mode: every example counts the same, however the batches are
    cut, and deeper layers see inputs that were normalised by the statistics of the whole sample. Variances are those
    of the population, which is what training mode normalises by. All else is as in evaluation mode. A layer that is
    called several times in one pass gets the statistics of all its calls together.

    Args:
        module: The network with its parameters loaded; it is copied, and not changed.
        inputs: The sample, (N, ...), on the module's device, in the layout that suits the network.
        batch: Examples that pass through the network together. All batches wait for one another at every layer, so
            the activations of the whole sample at the widest layer must fit into memory.

    Returns:
        A copy of every buffer under the name that `named_buffers` gives it. Only the running means and variances of
        layers that are called differ from the module's; `num_batches_tracked` is kept.

    Raises:
        RequestError: A batch-norm layer has a forward of its own.
    """
    refuse_own_batch_norms(module)
    # Within a holder, so that a module that is itself a batch norm has a parent to be replaced in.
    holder = nn.Sequential(copy.deepcopy(module)).eval()
    layers = replace_batch_norms(holder)
    counts: list[int] = []

    def measure(activations: Tensor) -> Moments:
        counts.append(activations.numel() // activations.shape[1])
        return moments(activations)

    with torch.no_grad(), full_precision(inputs.device):
        batches = inputs.split(batch)
        _, statistics = forward_pooled(holder, layers, batches, measure)
        # All batches reach one call of a layer before any reaches the next, so the counts stand call by call.
        by_call = torch.tensor(counts, dtype=torch.float64).reshape(-1, len(batches)).sum(1)
        for layer in layers:
            _set_statistics(layer, statistics, by_call)
    return {name.partition(".")[2]: buffer.detach().clone() for name, buffer in holder.named_buffers()}


def _set_statistics(layer: PooledBatchNorm, statistics: Statistics, counts: Tensor) -> None:
    calls = [place for place, (number, _) in enumerate(statistics.moments) if number == layer.number]
    if not calls:
        return
    found = list(statistics.moments.values())
    shares = (counts[calls] / counts[calls].sum()).to(layer.running_mean.device)[:, None]
    means = torch.stack([found[place][0].double() for place in calls])
    variances = torch.stack([found[place][1].double() for place in calls])
    mean = (shares * means).sum(0)
    layer.running_mean.copy_(mean)
    layer.running_var.copy_((shares * (variances + (means - mean).square())).sum(0))
