"""Batch norm whose statistics are those of a whole sample, exactly, in one pass, for any module.

The statistics of a layer depend on the layers before it, so "re-estimate them on the training sample" has one exact
meaning: as if the whole sample were one batch. Running it as one batch is slow on a CPU, where nothing stays in the
cache. Instead every batch runs in a greenlet of its own. At a batch-norm layer each one leaves the mean and variance
of its activations and waits; when the last has arrived the pooled statistics are formed and all go on. Between two
such layers a batch stays in the cache, and the training loss comes out of the same pass.

The usual way (one pass in training mode, averaging the statistics of the batches) differs: deeper layers then see
inputs normalised by their own batch, and unbiased batch variances are averaged. Science: Izmailov et al. (2018),
section 3; Garipov et al. (2018), appendix.
"""

# Shapes: B examples of one batch · C channels

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeGuard

import torch
from greenlet import getcurrent, greenlet
from torch import Tensor, nn
from torch.nn import functional

from landscape.core.errors import RequestError

# Where statistics are used: a layer, and which of its calls within one forward pass (layers may be shared).
Site = tuple[int, int]
Moments = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class _Arrival:
    """What a batch leaves at a batch-norm layer."""

    site: Site
    mean: Tensor
    variance: Tensor
    count: int


@dataclass
class Statistics:
    """Pooled mean and (population) variance of each batch-norm call, by site. Float32, (C,) each."""

    moments: dict[Site, Moments] = field(default_factory=dict)


class PooledBatchNorm(nn.Module):
    """Stands in for a batch-norm layer, under the same parameter and buffer names.

    With no source of statistics it uses its buffers, as the layer does in eval mode.
    """

    weight: Tensor | None
    bias: Tensor | None
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, layer: nn.modules.batchnorm._BatchNorm, number: int) -> None:
        super().__init__()
        self.eps = layer.eps
        self.number = number
        self.register_parameter("weight", layer.weight)
        self.register_parameter("bias", layer.bias)
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            self.register_buffer(name, getattr(layer, name))
        self.source: Callable[[int, Tensor], Moments] | None = None

    def forward(self, inputs: Tensor) -> Tensor:
        """Normalise (B, C, ...) by the pooled statistics, or by the buffers."""
        if self.source is None:
            mean, variance = self.running_mean, self.running_var
        else:
            mean, variance = self.source(self.number, inputs)
        return functional.batch_norm(inputs, mean, variance, self.weight, self.bias, False, 0.0, self.eps)


def replace_batch_norms(network: nn.Module) -> list[PooledBatchNorm]:
    """Put a `PooledBatchNorm` in place of every batch-norm layer that keeps running statistics.

    The network is changed in place; the evaluator does this to a private copy. A layer that stands under two names
    is replaced by one stand-in under both.
    """
    stand_ins: dict[nn.Module, PooledBatchNorm] = {}
    for parent in list(network.modules()):
        for name, child in list(
            parent._modules.items()
        ):  # named_children passes over a second name for one layer
            if child is not None and _is_plain_batch_norm(child):
                if child not in stand_ins:
                    stand_ins[child] = PooledBatchNorm(child, len(stand_ins))
                setattr(parent, name, stand_ins[child])
    return list(stand_ins.values())


def own_batch_norms(network: nn.Module) -> list[str]:
    """Names of batch-norm layers that do something of their own, so that nothing may stand in for them."""
    return [
        name
        for name, layer in network.named_modules()
        if isinstance(layer, nn.modules.batchnorm._BatchNorm) and type(layer).forward not in _TORCH_FORWARDS
    ]


def refuse_own_batch_norms(network: nn.Module) -> None:
    """Refuse a network whose batch-norm layers do something of their own, which pooled statistics would pass over.

    Raises:
        RequestError: There is such a layer.
    """
    own = own_batch_norms(network)
    if own:
        raise RequestError(
            f"The layer {own[0]!r} is a batch norm with a forward of its own, which cannot be recalibrated; "
            "choose the policy stored or interpolate."
        )


def waiting_bytes(network: nn.Module, layers: Sequence[PooledBatchNorm], batches: Sequence[Tensor]) -> int:
    """Memory that batches hold while they wait for one another at the widest batch-norm layer; 0 without such layers.

    Counted twice, because a shortcut may be alive beside the layer's inputs.
    """
    widest = 0

    def look(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        nonlocal widest
        widest = max(widest, inputs[0].nbytes)

    handles = [layer.register_forward_pre_hook(look) for layer in layers]
    if layers:
        with torch.inference_mode():
            network(batches[0])
    for handle in handles:
        handle.remove()
    return 2 * widest * sum(len(batch) for batch in batches) // len(batches[0])


_TORCH_FORWARDS = (nn.modules.batchnorm._BatchNorm.forward, nn.SyncBatchNorm.forward)


def _is_plain_batch_norm(layer: nn.Module) -> TypeGuard[nn.modules.batchnorm._BatchNorm]:
    return (
        isinstance(layer, nn.modules.batchnorm._BatchNorm)
        and type(layer).forward in _TORCH_FORWARDS
        and layer.running_mean is not None
    )


def moments(activations: Tensor) -> Moments:
    """Mean and population variance per channel of (B, C, ...); ten times as fast as `var_mean` on channels-last."""
    mean, variance = torch.batch_norm_update_stats(activations, None, None, 0.0)
    return mean, variance


def vmapped_moments(activations: Tensor) -> Moments:
    """The same where points are mapped over: the quick operator has no batching rule."""
    dimensions = [dimension for dimension in range(activations.ndim) if dimension != 1]
    variance, mean = torch.var_mean(activations, dim=dimensions, unbiased=False)
    return mean, variance


def forward_pooled(
    network: Callable[[Tensor], Tensor],
    layers: Sequence[PooledBatchNorm],
    batches: Sequence[Tensor],
    measure: Callable[[Tensor], Moments] = moments,
) -> tuple[list[Tensor], Statistics]:
    """Outputs of every batch, as if all were one batch in training mode; and the statistics that this used."""
    statistics = Statistics()
    hub = getcurrent()
    calls: dict[greenlet, Counter[int]] = {}

    def leave_and_wait(layer: int, inputs: Tensor) -> Moments:
        current = getcurrent()
        site = (layer, calls[current][layer])
        calls[current][layer] += 1
        return hub.switch(_Arrival(site, *measure(inputs), inputs.numel() // inputs.shape[1]))

    workers = [greenlet(network, parent=hub) for _ in batches]
    calls.update({worker: Counter() for worker in workers})
    with _source(layers, leave_and_wait):
        try:
            answers = [worker.switch(batch) for worker, batch in zip(workers, batches, strict=True)]
            while isinstance(answers[0], _Arrival):
                site = answers[0].site
                statistics.moments[site] = _pool(answers)
                answers = [worker.switch(statistics.moments[site]) for worker in workers]
        finally:
            for worker in workers:
                # A network that raised leaves the others waiting in mid-forward; end them so that nothing is held.
                if not worker.dead:
                    worker.throw()
    return answers, statistics


def forward_with(
    network: Callable[[Tensor], Tensor],
    layers: Sequence[PooledBatchNorm],
    statistics: Statistics,
    batches: Sequence[Tensor],
) -> Iterator[Tensor]:
    """Outputs of every batch under given statistics, one at a time."""
    for batch in batches:
        calls: Counter[int] = Counter()

        def look_up(layer: int, _: Tensor, calls: Counter[int] = calls) -> Moments:
            site = (layer, calls[layer])
            calls[layer] += 1
            return statistics.moments[site]

        with _source(layers, look_up):
            outputs = network(batch)
        yield outputs


@contextmanager
def _source(layers: Sequence[PooledBatchNorm], source: Callable[[int, Tensor], Moments]) -> Iterator[None]:
    for layer in layers:
        layer.source = source
    try:
        yield
    finally:
        for layer in layers:
            layer.source = None


def _pool(arrivals: Sequence[_Arrival]) -> Moments:
    # Chan's formula in float64: the mean of the variances plus the variance of the means, weighted by counts.
    counts = torch.tensor([arrival.count for arrival in arrivals], dtype=torch.float64)
    shares = (counts / counts.sum()).to(arrivals[0].mean.device)[:, None]
    means = torch.stack([arrival.mean.double() for arrival in arrivals])
    variances = torch.stack([arrival.variance.double() for arrival in arrivals])
    mean = (shares * means).sum(0)
    variance = (shares * (variances + (means - mean).square())).sum(0)
    dtype = arrivals[0].mean.dtype
    return mean.to(dtype), variance.to(dtype)
