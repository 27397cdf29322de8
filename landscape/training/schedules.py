"""Learning rates and the steps at which checkpoints are kept. Steps count from 1; a step is one optimiser update."""

import math
from typing import assert_never

from landscape.core.errors import RequestError
from landscape.core.requests import TrainRequest


def learning_rate(step: int, request: TrainRequest, steps: int) -> float:
    """The learning rate of one step.

    `standard` is step decay: a tenth for steps that begin at or after 50% of the steps, a hundredth from 75%
    (Huang et al. 2017, section 4). `snapshot` with P steps per cycle is
    alpha_0 / 2 * (cos(pi * ((step - 1) mod P) / P) + 1) (the same, equation 2), set at every step. Its phase
    `reference` is the authors' released code, one step ahead: never alpha_0, and exactly 0 in a cycle's last step.

    Args:
        step: From 1 to `steps`.
        request: Recipe, phase, cycles and the highest rate.
        steps: Length of the whole training.

    Returns:
        A rate in [0, request.learning_rate], per step.

    Raises:
        RequestError: The steps of a snapshot run do not divide into its cycles.
    """
    match request.recipe:
        case "standard":
            # In whole numbers: a fraction such as 0.75 * steps would round differently for some lengths.
            decays = int(2 * (step - 1) >= steps) + int(4 * (step - 1) >= 3 * steps)
            return request.learning_rate * 0.1**decays
        case "snapshot":
            length = cycle_length(request, steps)
            position = (step - 1) % length + (1 if request.phase == "reference" else 0)
            return request.learning_rate / 2 * (math.cos(math.pi * position / length) + 1)
        case _:
            assert_never(request.recipe)


def cycle_length(request: TrainRequest, steps: int) -> int:
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


def checkpoint_steps(request: TrainRequest, steps: int) -> tuple[int, ...]:
    """The steps after which a checkpoint is kept, beside the one at the start; increasing, the last is `steps`.

    `snapshot`: after the last step of each cycle, before the rate rises. `standard`: at k * steps / cycles for
    k = 1 ... cycles, rounded to the nearest step (halves up) where that is not whole.

    Raises:
        RequestError: There are fewer steps than checkpoints, or the cycles do not divide a snapshot run.
    """
    if request.cycles > steps:
        raise RequestError(
            f"{request.cycles} checkpoints do not fit into {steps} steps; ask for at most {steps}, "
            "or train for more epochs."
        )
    match request.recipe:
        case "snapshot":
            length = cycle_length(request, steps)
            return tuple(range(length, steps + 1, length))
        case "standard":
            # floor(k * steps / cycles + 1/2) in whole numbers
            count = request.cycles
            return tuple((2 * k * steps + count) // (2 * count) for k in range(1, count + 1))
        case _:
            assert_never(request.recipe)


def is_restart(step: int, request: TrainRequest, steps: int) -> bool:
    """Whether this step opens a new cycle; the first step of all does not."""
    return request.recipe == "snapshot" and step > 1 and (step - 1) % cycle_length(request, steps) == 0


def checkpoint_label(step: int, request: TrainRequest, steps_per_epoch: int) -> str:
    """What people call the checkpoint after a step: `start`, `snapshot 3`, `epoch 30`, or `step 345`."""
    if step == 0:
        return "start"
    if request.recipe == "snapshot":
        return f"snapshot {step // cycle_length(request, request.epochs * steps_per_epoch)}"
    epoch, rest = divmod(step, steps_per_epoch)
    return f"step {step}" if rest else f"epoch {epoch}"
