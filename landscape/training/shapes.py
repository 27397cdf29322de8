"""Shapes of the learning rate: factors of the highest rate, by position. Positions count from 0, steps from 1."""

import math
from typing import assert_never

from landscape.core.training_requests import Phase, Schedule, TrainingFields

WARMUP_START = 0.1  # Carbonnelle and De Vleeschouwer (2019), released code: from a tenth of the rate
FINAL_FACTOR = 0.01  # Garipov et al. (2018), released code: where the late linear fall ends


def shape_factor(
    shape: Schedule, position: int, length: int, *, request: TrainingFields, steps_per_epoch: int
) -> float:
    """The factor of the highest rate at one position of a cycle.

    `step` is drop_factor after each drop: at positions from 50% and from 75% of the length (Huang et al. 2017,
    section 4), or after every drop_epochs. `exponential` is exp(-k t) and `inverse-time` 1 / (1 + k t) with t in
    epochs, fractions of an epoch included. `cosine` is half a period (Huang et al. 2017, equation 2). `late-linear`
    is set per epoch.

    Args:
        shape: Which one; not `recipe`.
        position: From 0 to length - 1.
        length: Steps of the cycle.
        request: Drops, decay and phase.
        steps_per_epoch: For what counts in epochs.

    Returns:
        A number in [0, 1].
    """
    match shape:
        case "constant" | "recipe":
            return 1.0
        case "step":
            return request.drop_factor ** _drops(position, length, request.drop_epochs, steps_per_epoch)
        case "exponential":
            return math.exp(-request.decay * position / steps_per_epoch)
        case "inverse-time":
            return 1 / (1 + request.decay * position / steps_per_epoch)
        case "cosine":
            return cosine(position, length, phase=request.phase)
        case "late-linear":
            return late_linear(position // steps_per_epoch * steps_per_epoch / length)
        case _:
            assert_never(shape)


def cosine(position: int, length: int, *, phase: Phase = "paper") -> float:
    """(cos(pi * position / length) + 1) / 2; the released code of Huang et al. (2017) is one position ahead."""
    return (math.cos(math.pi * (position + (phase == "reference")) / length) + 1) / 2


def late_linear(share: float, final: float = FINAL_FACTOR) -> float:
    """1 up to half of the training, then linear to `final` at nine tenths, then constant.

    Garipov et al. (2018) and Izmailov et al. (2018), released code.

    Args:
        share: How much of the training lies behind, in [0, 1].
        final: The last factor.

    >>> round(late_linear(140 / 200), 12)
    0.505
    """
    if share <= 0.5:
        return 1.0
    if share <= 0.9:
        return 1 - (1 - final) * (share - 0.5) / 0.4
    return final


def warmup_factor(position: int, length: int) -> float:
    """Linear from a tenth at position 0 to 1 at position `length`; 1 from there on."""
    return WARMUP_START + (1 - WARMUP_START) * position / length if position < length else 1.0


def triangle(step: int, period: int, *, high: float, low: float, phase: Phase) -> float:
    """The rate of fast geometric ensembling: `high` at both ends of a cycle, `low` in its middle.

    t(i) = ((i - 1) mod c + 1) / c; alpha = (1 - 2t) high + 2t low up to t = 1/2, then back (Garipov et al. 2018). In
    the released code (phase `reference`) t is one step behind, so the lowest rate comes after the collection.

    Args:
        step: i, from 1.
        period: c, in steps, even.
        high: alpha_1.
        low: alpha_2.
        phase: Which of the two.
    """
    t = ((step - 1) % period + (phase == "paper")) / period
    return (1 - 2 * t) * high + 2 * t * low if t <= 0.5 else (2 - 2 * t) * low + (2 * t - 1) * high


def sawtooth(step: int, period: int, *, high: float, low: float) -> float:
    """The rate of stochastic weight averaging: from near `high` down to `low` at the end of each cycle.

    alpha(i) = (1 - t) high + t low with t = ((i - 1) mod c + 1) / c (Izmailov et al. 2018, section 3.1).
    """
    t = ((step - 1) % period + 1) / period
    return (1 - t) * high + t * low


def _drops(position: int, length: int, every: int | None, steps_per_epoch: int) -> int:
    if every is not None:
        return position // (every * steps_per_epoch)
    # In whole numbers: a fraction such as 0.75 * length would round differently for some lengths.
    return int(2 * position >= length) + int(4 * position >= 3 * length)
