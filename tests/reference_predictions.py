"""Naive twins of what is computed from predictions: slow, short, straight from the definitions."""

import copy
import math

import numpy as np
import torch
from torch import nn

# Batch-norm statistics -------------------------------------------------------------------------------------------


def whole_sample_statistics(
    module: nn.Module, inputs: torch.Tensor
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Mean and population variance of the inputs of every batch-norm layer, all calls together; float64.

    Layer by layer over the whole sample: each layer normalises by the statistics of the call at hand.
    """
    module = copy.deepcopy(module).double().eval()
    seen: dict[str, list[torch.Tensor]] = {}

    def normalise(name):
        def hook(layer, args, _):
            (x,) = args
            by_channel = x.transpose(0, 1).flatten(1)
            seen.setdefault(name, []).append(by_channel)
            shape = [1, -1] + [1] * (x.ndim - 2)
            mean = by_channel.mean(1).view(shape)
            variance = (by_channel - by_channel.mean(1, keepdim=True)).square().mean(1).view(shape)
            return (x - mean) / (variance + layer.eps).sqrt() * layer.weight.view(shape) + layer.bias.view(
                shape
            )

        return hook

    for name, layer in module.named_modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.register_forward_hook(normalise(name))
    with torch.no_grad():
        module(inputs.double())
    found = {}
    for name, calls in seen.items():
        values = torch.cat(calls, 1).numpy()
        found[name] = values.mean(1), ((values - values.mean(1, keepdims=True)) ** 2).mean(1)
    return found


# Ensembles -------------------------------------------------------------------------------------------------------


def softmax(logits) -> list[list[float]]:
    rows = []
    for row in np.asarray(logits, dtype=np.float64):
        powers = [math.exp(z - max(row)) for z in row]
        rows.append([power / sum(powers) for power in powers])
    return rows


def ensemble_quality(members, targets, bins: int) -> dict[str, float]:
    """Error, nll, calibration error and Brier score of the mean of softmax outputs; one example after the other."""
    each = [softmax(logits) for logits in members]
    count = len(targets)
    wrong = nll = brier = 0.0
    in_bin: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for n, target in enumerate(targets):
        mean = [sum(p[n][k] for p in each) / len(each) for k in range(len(each[0][n]))]
        chosen = mean.index(max(mean))
        wrong += chosen != target
        nll -= math.log(mean[target])
        brier += sum((p - (k == target)) ** 2 for k, p in enumerate(mean))
        for b in range(bins):
            if b / bins < max(mean) <= (b + 1) / bins or (b == bins - 1 and max(mean) > 1):
                in_bin[b].append((max(mean), chosen == target))
    ece = 0.0
    for held in in_bin:
        if held:
            accuracy = sum(right for _, right in held) / len(held)
            confidence = sum(c for c, _ in held) / len(held)
            ece += len(held) / count * abs(accuracy - confidence)
    return {"error": wrong / count, "nll": nll / count, "ece": ece, "brier": brier / count}


# Diversity -------------------------------------------------------------------------------------------------------


def pearson(a, b) -> float | None:
    """Pearson's correlation; None if one of the two is constant."""
    a, b = list(map(float, a)), list(map(float, b))
    if len(set(a)) == 1 or len(set(b)) == 1:
        return None
    mean_a, mean_b = math.fsum(a) / len(a), math.fsum(b) / len(b)
    covariance = math.fsum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    spread = math.fsum((x - mean_a) ** 2 for x in a) * math.fsum((y - mean_b) ** 2 for y in b)
    return covariance / math.sqrt(spread)


def correlation(p, q, variant: str) -> float:
    """Of two networks' probabilities (N, K)."""
    p, q = np.asarray(p), np.asarray(q)
    match variant:
        case "per class":
            found = [pearson(p[:, k], q[:, k]) for k in range(p.shape[1])]
        case "flattened":
            found = [pearson(p.reshape(-1), q.reshape(-1))]
        case _:
            found = [pearson(p[n], q[n]) for n in range(len(p))]
    kept = [value for value in found if value is not None]
    return sum(kept) / len(kept) if kept else math.nan


def disagreement(logits_a, logits_b) -> float:
    pairs = zip(np.argmax(logits_a, 1), np.argmax(logits_b, 1), strict=True)
    return sum(a != b for a, b in pairs) / len(logits_a)
