"""Naive twins: slow, short, straight from the definitions. Nothing here imports the code that it checks."""

import copy
import math

import numpy as np
import torch
from torch import nn

# Evaluation, lines and planes ------------------------------------------------------------------------------------


def evaluate_point(module: nn.Module, data, *, recalibrate: bool) -> np.ndarray:
    """Mean cross-entropy and error on train and test, float64, one batch each: (splits, measures).

    Recalibration by its definition: normalise with the statistics of the whole training split, layer by layer.
    """
    module = copy.deepcopy(module).double().eval()
    inputs = {name: data.split(name).inputs.double() for name in ("train", "test")}
    if recalibrate:
        both = torch.cat([inputs["train"], inputs["test"]])
        count = len(inputs["train"])

        def normalise(layer, args, _):
            (x,) = args
            train = x[:count]
            dims = [d for d in range(x.ndim) if d != 1]
            shape = [1, -1] + [1] * (x.ndim - 2)
            mean = train.mean(dims).view(shape)
            std = ((train - mean).square().mean(dims).view(shape) + layer.eps).sqrt()
            return (x - mean) / std * layer.weight.view(shape) + layer.bias.view(shape)

        for layer in module.modules():
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                layer.register_forward_hook(normalise)
        with torch.no_grad():
            outputs = module(both)
        logits = {"train": outputs[:count], "test": outputs[count:]}
    else:
        with torch.no_grad():
            logits = {name: module(x) for name, x in inputs.items()}
    rows = []
    for name, z in logits.items():
        y = data.split(name).targets
        log_p = z - z.logsumexp(1, keepdim=True)
        rows.append(
            [-log_p[torch.arange(len(y)), y].mean().item(), (z.argmax(1) != y).double().mean().item()]
        )
    return np.array(rows)


def mixed_module(build, checkpoints, coefficients, buffers_of: int | None) -> nn.Module:
    """The network at sum_k c_k theta_k, tensor by tensor; buffers of one checkpoint, or mixed where None."""
    module = build().double()
    states = [checkpoint.state_dict() for checkpoint in checkpoints]
    state = {}
    parameters = {name for name, _ in module.named_parameters()}
    for name, tensor in module.state_dict().items():
        if name in parameters or (buffers_of is None and tensor.is_floating_point()):
            state[name] = sum(c * s[name].double() for c, s in zip(coefficients, states, strict=True))
        else:
            state[name] = states[buffers_of or 0][name]
    module.load_state_dict(state)
    return module


# Training --------------------------------------------------------------------------------------------------------


def snapshot_rates(alpha_0: float, total: int, cycles: int) -> list[float]:
    """Huang et al. (2017), equation 2: the rate of every iteration t = 1 ... T."""
    length = math.ceil(total / cycles)
    return [alpha_0 / 2 * (math.cos(math.pi * ((t - 1) % length) / length) + 1) for t in range(1, total + 1)]


def snapshot_rates_as_released(alpha_0: float, epochs: int, batches: int, cycles: int) -> list[float]:
    """The released code: epochs e within a cycle, batches i within an epoch, both from 1."""
    epochs_per_cycle = epochs // cycles
    rates = []
    for e in range(1, epochs + 1):
        for i in range(1, batches + 1):
            current = ((e - 1) % epochs_per_cycle) * batches + i
            rates.append(0.5 * alpha_0 * (1 + math.cos(math.pi * current / (epochs_per_cycle * batches))))
    return rates


def step_decay_rates(alpha_0: float, total: int) -> list[float]:
    """A tenth once half of the steps are taken, a hundredth once three quarters are."""
    rates = []
    for taken in range(total):
        rate = alpha_0
        if taken / total >= 0.5:
            rate *= 0.1
        if taken / total >= 0.75:
            rate *= 0.1
        rates.append(rate)
    return rates


def late_linear_rate(rate: float, low: float, epoch: int, start: int) -> float:
    """Izmailov et al. (2018), released code: the rate of an epoch, counted from 0, of the first `start` epochs."""
    t = epoch / start
    if t <= 0.5:
        return rate
    if t <= 0.9:
        return rate * (1 - (1 - low / rate) * (t - 0.5) / 0.4)
    return low


def fge_rates(high: float, low: float, steps: int, cycle: int) -> list[float]:
    """Garipov et al. (2018): the triangle of every iteration i = 1 ... steps."""
    rates = []
    for i in range(1, steps + 1):
        t = ((i - 1) % cycle + 1) / cycle
        if t <= 1 / 2:
            rates.append((1 - 2 * t) * high + 2 * t * low)
        else:
            rates.append((2 - 2 * t) * low + (2 * t - 1) * high)
    return rates


def fge_rates_as_released(high: float, low: float, epochs: int, batches: int, cycle: int) -> list[float]:
    """The released code: epochs e and batches i from 0, the cycle in epochs."""
    rates = []
    for e in range(epochs):
        for i in range(batches):
            t = ((e % cycle) + i / batches) / cycle
            rates.append(
                high * (1 - 2 * t) + low * 2 * t if t < 0.5 else high * (2 * t - 1) + low * (2 - 2 * t)
            )
    return rates


def swa_rates(high: float, low: float, steps: int, cycle: int) -> list[float]:
    """Izmailov et al. (2018), section 3.1: the sawtooth of every iteration i = 1 ... steps."""
    rates = []
    for i in range(1, steps + 1):
        t = ((i - 1) % cycle + 1) / cycle
        rates.append((1 - t) * high + t * low)
    return rates


def exponential_average(vectors: list[np.ndarray], decay: float) -> np.ndarray:
    """beta * old + (1 - beta) * new from zero, divided at the end by 1 - beta^k: the debiased average, by its sum."""
    count = len(vectors)
    total = sum((1 - decay) * decay ** (count - 1 - k) * vector for k, vector in enumerate(vectors))
    return total / (1 - decay**count)


def train_plainly(
    module: nn.Module, examples, batches, rates, *, momentum, weight_decay, restarts=()
) -> list[torch.Tensor]:
    """The usual loop. Returns the flat parameters after each step; `restarts` are steps that forget the momentum."""
    optimizer = torch.optim.SGD(
        module.parameters(), lr=1.0, momentum=momentum, nesterov=True, weight_decay=weight_decay, fused=True
    )
    visited = []
    for step, (batch, rate) in enumerate(zip(batches, rates, strict=True), start=1):
        if step in restarts:
            optimizer.state.clear()
        optimizer.param_groups[0]["lr"] = rate
        loss = nn.functional.cross_entropy(module(examples.inputs[batch]), examples.targets[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        visited.append(torch.cat([p.detach().reshape(-1) for p in module.parameters()]))
    return visited


def crop_and_flip(image_HWC: np.ndarray, row: int, column: int, flip: bool, border: int) -> np.ndarray:
    """One image: a frame of zeros, a window cut out at (row, column), mirrored or not."""
    height, width, channels = image_HWC.shape
    framed = np.zeros((height + 2 * border, width + 2 * border, channels), image_HWC.dtype)
    framed[border : border + height, border : border + width] = image_HWC
    window = framed[row : row + height, column : column + width]
    return window[:, ::-1] if flip else window
