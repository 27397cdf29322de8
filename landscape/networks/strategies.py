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
# Seconds after which no further candidate is tried: a choice worth more than that is made early in the list.
TUNING_SECONDS = 2.0
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
) -> Strategy:
    """The option with the least time per point among those that agree with the plain one.

    Args:
        options: Strategies in the order in which they are tried.
        evaluate: (strategy, number of points) to the values of copies of one point, first dimension: points.
        seconds: Time after which no further option is tried; at least one always is.
    """
    plain = evaluate(Strategy(), 1)[0]
    best, least = Strategy(), np.inf
    begin = time.perf_counter()
    for option in options:
        if option.points > 1 and least > OVERHEAD_BOUND:
            continue
        # The first call pays for allocations and plans; one that is hopeless even so is not tried again.
        start = time.perf_counter()
        try:
            values = evaluate(option, option.points)
        except torch.OutOfMemoryError:
            continue
        if (time.perf_counter() - start) / option.points > HOPELESS * least:
            continue
        times = []
        for _ in range(2):  # the lesser of two: something else may run beside us
            start = time.perf_counter()
            values = evaluate(option, option.points)
            times.append(time.perf_counter() - start)
        each = min(times) / option.points
        agrees = np.allclose(values, plain[None], rtol=AGREEMENT, atol=AGREEMENT)
        if agrees and each < least:
            best, least = option, each
        if time.perf_counter() - begin > seconds:
            break
    return best
