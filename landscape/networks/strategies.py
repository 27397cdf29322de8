"""How to evaluate a point fastest: measured on the actual network and data, checked against the plain way.

Nothing is taken for granted: channels-last wins on convolutions and does nothing for a linear network; many points
at once are several times faster for small linear networks and several times slower for small convolutions on a CPU.
"""

import time
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec
import numpy as np
import torch

Layout = Literal["contiguous", "channels-last"]

# A candidate must agree with the plain float32 answer this well to be used: rounding differs by about 1e-6.
AGREEMENT = 1e-4
# No further candidate is tried after so many seconds, or after this share of the time that the work will take (within
# the longest): a slow network with many points is worth more than the first of the list.
TUNING_SECONDS = 2.0
TUNING_SHARE = 0.03
LONGEST_TUNING_SECONDS = 30.0
# A candidate is measured twice at least, because other programs disturb it, and then again within this share of the
# time that the work will take.
MEASURING_SHARE = 0.002
LONGEST_MEASURING_SECONDS = 0.1
# Ours: a first call takes up to about twice as long as the next.
HOPELESS = 3.0
# Seconds per point above which several points at once are not tried: what they save is the overhead of small calls,
# and what they cost on larger networks is time and memory, several times over (grouped convolutions on a CPU).
OVERHEAD_BOUND = 0.02


class Strategy(msgspec.Struct, frozen=True):
    """Layout of images and filters, examples per batch (0: the whole split), points evaluated at once."""

    layout: Layout = "contiguous"
    batch: int = 0
    points: int = 1

    def __str__(self) -> str:
        """In words, for provenance."""
        batch = f"batches of {self.batch}" if self.batch else "each split as one batch"
        return f"{self.layout}, {batch}, {self.points} point{'s' if self.points > 1 else ''} at once"


def candidates(*, images: bool, parameters: int, device: torch.device) -> list[Strategy]:
    """Strategies worth timing, the likeliest first."""
    if device.type == "cuda":
        layouts: list[Layout] = ["channels-last", "contiguous"] if images else ["contiguous"]
        loops = [Strategy(layout, batch, 1) for layout in layouts for batch in (0, 2048, 512)]
    elif images:
        loops = [Strategy("channels-last", batch, 1) for batch in (128, 512, 256, 0, 64)]
        loops += [Strategy("contiguous", batch, 1) for batch in (128, 0)]
    else:
        loops = [Strategy("contiguous", batch, 1) for batch in (0, 256)]
    # Many copies of a large network neither fit a cache nor need help to fill a device.
    together = [Strategy("contiguous", 0, points) for points in (8, 32)] if parameters <= 500_000 else []
    return loops + together


def fastest(
    options: Iterable[Strategy],
    evaluate: Callable[[Strategy, int], np.ndarray],
    *,
    seconds: float = TUNING_SECONDS,
    points: int = 0,
) -> Strategy:
    """The option with the least time per point among those that agree with the plain one.

    An option that the network cannot run (it relies on the order of values in memory, or decides by the values of
    its inputs, which many points at once do not allow) is passed over, as is one that runs out of memory.

    Args:
        options: Strategies in the order in which they are tried.
        evaluate: (strategy, number of points) to the values of copies of one point, first dimension: points.
        seconds: Time after which no further option is tried; at least one always is.
        points: Number of points that the choice is made for. Where they take long, more time is spent on it.
    """
    plain = evaluate(Strategy(), 1)[0]
    best, least = Strategy(), np.inf
    begin = time.perf_counter()
    for option in options:
        if option.points > 1 and least > OVERHEAD_BOUND:
            continue
        each = _seconds_per_point(option, evaluate, plain, least, points)
        if each < least:
            best, least = option, each
        work = points * least if points else 0.0
        if time.perf_counter() - begin > max(seconds, min(TUNING_SHARE * work, LONGEST_TUNING_SECONDS)):
            break
    return best


def _seconds_per_point(
    option: Strategy,
    evaluate: Callable[[Strategy, int], np.ndarray],
    plain: np.ndarray,
    least: float,
    points: int,
) -> float:
    """Seconds per point; infinite where the option does not work, is hopeless from the start, or does not agree."""
    # The first call pays for allocations and plans; one that is hopeless even so is not tried again.
    start = time.perf_counter()
    try:
        values = evaluate(option, option.points)
    except RuntimeError:
        return np.inf
    first = (time.perf_counter() - start) / option.points
    if first > HOPELESS * least or not np.allclose(values, plain[None], rtol=AGREEMENT, atol=AGREEMENT):
        return np.inf
    enough = min(MEASURING_SHARE * points * first, LONGEST_MEASURING_SECONDS)
    times: list[float] = []
    while len(times) < 2 or sum(times) + min(times) < enough:
        start = time.perf_counter()
        evaluate(option, option.points)
        times.append(time.perf_counter() - start)
    return min(times) / option.points  # the least: something else may run beside us
