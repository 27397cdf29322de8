"""What a recipe does at each step: the learning rate, the checkpoints that are kept, restarts, averaging. No torch."""

import math
from collections.abc import Mapping, Sequence
from typing import assert_never

import msgspec
import numpy as np

from landscape.core.errors import RequestError
from landscape.core.training_requests import FAMILIES, TrainingFields, TrainRequest
from landscape.training.plans import Kept, Plan, equal_steps, label_of, rates_of_cycles, with_warmup
from landscape.training.shapes import late_linear, sawtooth, triangle

# Of the epochs: Garipov et al. (2018), Izmailov et al. (2018), released code.
FGE_START, SWA_START = 0.8, 0.75
FGE_RATIO = (
    5  # of the highest to the lowest rate: 0.05 and 0.01 in the released code of Garipov et al. (2018)
)
FGE_PERIOD, SWA_PERIOD = 4, 1  # epochs; the same
MOST_SGDR_CYCLES = 4  # ours: with growth 2 the last cycle then takes half of the epochs
SEEDS_APART = (
    1000  # ours: networks of families share their seeds with no run of a small seed, nor with each other
)


def plan_of(request: TrainingFields, steps_per_epoch: int) -> Plan:
    """The plan of a run; of a family, that of its members one after the other.

    Raises:
        RequestError: Cycles do not divide the steps, or there are fewer steps than checkpoints; the sentence names
            what would fit.
    """
    match request.recipe:
        case "standard" | "layca":
            return _equally_spaced(request, steps_per_epoch)
        case "ema":
            return _averaging_always(request, steps_per_epoch)
        case "snapshot":
            return _snapshot(request, steps_per_epoch)
        case "sgdr":
            return _sgdr(request, steps_per_epoch)
        case "fge":
            return _fge(request, steps_per_epoch)
        case "swa":
            return _swa(request, steps_per_epoch)
        case "single-cycle" | "independent":
            return _family(request, steps_per_epoch)
        case _:
            assert_never(request.recipe)


def members(request: TrainRequest) -> tuple[TrainRequest, ...]:
    """The runs of a family, each a request of its own; the request itself for any other recipe.

    `single-cycle`: each network has its share of the epochs in one cosine cycle (or another schedule).
    `independent`: each is a `standard` run of all epochs. Member k (from 0) has the seed 1000 * (seed + 1) + k.

    Raises:
        RequestError: The epochs of a single-cycle family do not divide among its networks.
    """
    if request.recipe not in FAMILIES:
        return (request,)
    epochs = request.epochs
    if request.recipe == "single-cycle":
        if epochs % request.cycles:
            below = epochs // request.cycles * request.cycles
            choices = " or ".join(str(c) for c in (below, below + request.cycles) if c)
            raise RequestError(
                f"{request.cycles} networks share {epochs} epochs, which do not divide among them; "
                f"use {choices} epochs."
            )
        epochs //= request.cycles
    return tuple(
        msgspec.structs.replace(
            request,
            recipe="snapshot" if request.recipe == "single-cycle" else "standard",
            cycles=1,
            epochs=epochs,
            seed=SEEDS_APART * (request.seed + 1) + k,
        )
        for k in range(request.cycles)
    )


def cycle_length(request: TrainingFields, steps: int) -> int:
    """Number of steps in each cycle of a snapshot run.

    The paper's ceiling would leave a short last cycle that ends far from rate 0, and the released code loses its
    phase, so only a whole number of steps per cycle is accepted.

    Raises:
        RequestError: The steps do not divide into the cycles; the sentence names the nearest lengths that do.
    """
    if steps % request.cycles == 0:
        return steps // request.cycles
    steps_per_epoch, rest = divmod(steps, request.epochs)
    if rest or not steps_per_epoch:
        kind, number, unit, length = "steps", steps, request.cycles, f"{steps} do not divide"
    else:
        kind, number = "epochs", request.epochs
        unit = request.cycles // math.gcd(request.cycles, steps_per_epoch)
        length = f"{request.epochs} epochs of {steps_per_epoch} steps are {steps}"
    below = number // unit * unit
    choices = " or ".join(str(choice) for choice in (below, below + unit) if choice)
    raise RequestError(
        f"{request.cycles} cycles need a number of steps divisible by {request.cycles}; {length}. "
        f"Use {choices} {kind}."
    )


def _equally_spaced(request: TrainingFields, steps_per_epoch: int) -> Plan:
    steps = request.epochs * steps_per_epoch
    rates = with_warmup(request, steps_per_epoch, steps, rates_of_cycles(request, steps_per_epoch, (steps,)))
    kept = {
        step: Kept("snapshot", label_of(step, steps_per_epoch))
        for step in equal_steps(0, steps, request.cycles)
    }
    return Plan(steps_per_epoch=steps_per_epoch, rates=rates, kept={0: Kept("start", "start"), **kept})


def _averaging_always(request: TrainingFields, steps_per_epoch: int) -> Plan:
    plan = _equally_spaced(request, steps_per_epoch)
    return Plan(
        steps_per_epoch=steps_per_epoch,
        rates=plan.rates,
        kept=plan.kept,
        averaged=frozenset(range(1, plan.steps + 1)),
        average_kept=frozenset(plan.kept) - {0},
    )


def _snapshot(request: TrainingFields, steps_per_epoch: int) -> Plan:
    steps = request.epochs * steps_per_epoch
    equal_steps(0, steps, request.cycles)  # refuses more snapshots than steps
    lengths = (cycle_length(request, steps),) * request.cycles
    return _in_cycles(request, steps_per_epoch, lengths)


def _sgdr(request: TrainingFields, steps_per_epoch: int) -> Plan:
    period = request.period or _sgdr_period(request.epochs, request.growth)
    epochs = [period]
    while sum(epochs) < request.epochs:
        epochs.append(epochs[-1] * request.growth)
    if sum(epochs) != request.epochs:
        below = sum(epochs[:-1])
        choices = " or ".join(str(choice) for choice in (below, sum(epochs)) if choice)
        raise RequestError(
            f"Cycles of {', '.join(map(str, epochs))} epochs (period {period}, growth {request.growth}) do not fill "
            f"{request.epochs} epochs; use {choices} epochs, or leave the period out."
        )
    return _in_cycles(request, steps_per_epoch, tuple(count * steps_per_epoch for count in epochs))


def _sgdr_period(epochs: int, growth: int) -> int:
    for cycles in range(MOST_SGDR_CYCLES, 0, -1):
        shares = sum(growth**k for k in range(cycles))
        if epochs % shares == 0:
            return epochs // shares
    raise AssertionError  # one cycle fills any number of epochs


def _in_cycles(request: TrainingFields, steps_per_epoch: int, lengths: tuple[int, ...]) -> Plan:
    ends = np.cumsum(lengths)
    rates = rates_of_cycles(request, steps_per_epoch, lengths)
    kept = {int(end): Kept("snapshot", f"snapshot {number}") for number, end in enumerate(ends, start=1)}
    return Plan(
        steps_per_epoch=steps_per_epoch,
        rates=with_warmup(request, steps_per_epoch, int(ends[-1]), rates),
        kept={0: Kept("start", "start"), **kept},
        restarts=frozenset(int(end) + 1 for end in ends[:-1]),
    )


def _fge(request: TrainingFields, steps_per_epoch: int) -> Plan:
    period = request.period or FGE_PERIOD
    start = _second_phase(request, FGE_START, period)
    left = request.epochs - start
    if left % period:
        below = start + left // period * period
        choices = " or ".join(str(choice) for choice in (below, below + period) if choice > start)
        raise RequestError(
            f"Cycles of {period} epochs do not fill the {left} epochs that FGE has after epoch {start}; "
            f"use {choices} epochs in all, or another period or start_epoch."
        )
    high = request.high_rate if request.high_rate is not None else request.learning_rate / 2
    low = request.low_rate if request.low_rate is not None else high / FGE_RATIO
    _check_order(high, low)
    first, cycle = start * steps_per_epoch, period * steps_per_epoch
    # What would come after the last collection is not trained: nothing of it would be kept.
    count = left // period
    second = [
        triangle(step, cycle, high=high, low=low, phase=request.phase)
        for step in range(1, cycle * (count - 1) + cycle // 2 + 1)
    ]
    kept = {first + cycle * k + cycle // 2: Kept("snapshot", f"FGE {k + 1}") for k in range(count)}
    whole = rates_of_cycles(request, steps_per_epoch, (request.epochs * steps_per_epoch,))
    return _two_phases(request, steps_per_epoch, whole[:first], second, kept)


def _swa(request: TrainingFields, steps_per_epoch: int) -> Plan:
    period = request.period or SWA_PERIOD
    start = _second_phase(request, SWA_START, period)
    if (request.epochs - start) % period:
        below = start + (request.epochs - start) // period * period
        choices = " or ".join(str(choice) for choice in (below, below + period) if choice > start)
        raise RequestError(
            f"Cycles of {period} epochs do not fill the {request.epochs - start} epochs that SWA has after epoch "
            f"{start}; use {choices} epochs in all, or another period or start_epoch."
        )
    low = request.low_rate if request.low_rate is not None else request.learning_rate / 2
    high = request.high_rate if request.high_rate is not None else low
    _check_order(high, low)
    first, steps = start * steps_per_epoch, request.epochs * steps_per_epoch
    cycle = period * steps_per_epoch
    if request.schedule == "recipe":
        # The first phase falls to the rate of the second one, as in the authors' released code.
        opening = [
            request.learning_rate * late_linear(step // steps_per_epoch / start, low / request.learning_rate)
            for step in range(first)
        ]
    else:
        opening = rates_of_cycles(request, steps_per_epoch, (steps,))[:first]
    second = [sawtooth(step, cycle, high=high, low=low) for step in range(1, steps - first + 1)]
    # The network before the second phase is the first of the mean, as in the authors' released code; random weights
    # would spoil it.
    is_trained = first > 0 or request.start_from is not None
    averaged = range(first if is_trained else cycle, steps + 1, cycle)
    # Iterates that are in the mean, the last of them among them; there may be fewer than are asked for.
    places = equal_steps(0, len(averaged) - 1, min(request.cycles, len(averaged) - 1))
    kept = {step: Kept("snapshot", label_of(step, steps_per_epoch)) for step in (averaged[i] for i in places)}
    kept |= {steps: Kept("snapshot", label_of(steps, steps_per_epoch))}
    plan = _two_phases(request, steps_per_epoch, opening, second, kept)
    return Plan(
        steps_per_epoch=steps_per_epoch,
        rates=plan.rates,
        kept=plan.kept,
        averaged=frozenset(averaged),
        average_kept=frozenset({steps}),
    )


def _two_phases(
    request: TrainingFields,
    steps_per_epoch: int,
    first: Sequence[float] | np.ndarray,
    second: Sequence[float],
    kept: Mapping[int, Kept],
) -> Plan:
    rates = np.concatenate([np.asarray(first, np.float64), np.asarray(second, np.float64)])
    # Warm-up belongs to the first phase; a second one alone goes on from a network that is trained.
    rates[: len(first)] = with_warmup(request, steps_per_epoch, len(first), rates[: len(first)])
    between = {len(first): Kept("between", label_of(len(first), steps_per_epoch))} if len(first) else {}
    return Plan(
        steps_per_epoch=steps_per_epoch, rates=rates, kept={0: Kept("start", "start"), **between, **kept}
    )


def _family(request: TrainingFields, steps_per_epoch: int) -> Plan:
    fields = {name: getattr(request, name) for name in TrainRequest.__struct_fields__}
    plans = [plan_of(member, steps_per_epoch) for member in members(TrainRequest(**fields))]
    ends = np.cumsum([plan.steps for plan in plans])
    kept = {int(end): Kept("snapshot", f"network {number}") for number, end in enumerate(ends, start=1)}
    return Plan(
        steps_per_epoch=steps_per_epoch,
        rates=np.concatenate([plan.rates for plan in plans]),
        kept={0: Kept("start", "start"), **kept},
        restarts=frozenset(int(end) + 1 for end in ends[:-1]),
    )


def _check_order(high: float, low: float) -> None:
    if low > high:
        raise RequestError(
            f"The low_rate {low:g} is above the high_rate {high:g}; give a low_rate of at most that, or raise the "
            "high_rate."
        )


def _second_phase(request: TrainingFields, share: float, period: int) -> int:
    """The epoch after which the second phase begins; by default a share of the epochs, with whole cycles behind it."""
    if request.start_from is not None:
        return 0
    if request.start_epoch is not None:
        return request.start_epoch
    # Halves up; the share is a rounded binary number, which must not turn a half into less.
    cycles = max(1, math.floor((1 - share) * request.epochs / period + 0.5 + 1e-9))
    if cycles * period > request.epochs:
        raise RequestError(
            f"A cycle of {period} epochs does not fit into {request.epochs} epochs; use at least {period} epochs."
        )
    return request.epochs - cycles * period
