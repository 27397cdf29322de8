"""Requests that make networks: one training run in any recipe, and a search over its settings."""

import math
from typing import Literal, get_args

from landscape.core.errors import RequestError
from landscape.core.request_base import (
    Request,
    check_choice,
    check_counts,
    check_types,
    check_weight_decay,
    default_of,
    is_between,
)

Recipe = Literal["standard", "snapshot", "single-cycle", "independent", "sgdr", "fge", "swa", "ema", "layca"]
Schedule = Literal["recipe", "constant", "step", "exponential", "inverse-time", "cosine", "late-linear"]
Optimizer = Literal["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "lbfgs", "sam"]
Objective = Literal["cross-entropy", "mean-squared-error"]
Precision = Literal["float32", "bfloat16"]
Phase = Literal["paper", "reference"]
Momentum = Literal["keep", "reset"]
Augmentation = Literal["none", "crop-flip"]

RECIPES: tuple[Recipe, ...] = get_args(Recipe)
# Recipes that train several networks from their own starts; `cycles` is their number.
FAMILIES: tuple[Recipe, ...] = ("single-cycle", "independent")
# Recipes whose second phase has a rate of its own, after a first phase or from another run's checkpoint.
CONTINUATIONS: tuple[Recipe, ...] = ("fge", "swa")

# Which recipes a field means something to; a field that is not listed means something to all. A value that would be
# ignored is refused: otherwise two requests with different keys would be one training.
USED_BY: dict[str, tuple[Recipe, ...]] = {
    "cycles": ("standard", "snapshot", "single-cycle", "independent", "swa", "ema", "layca"),
    "phase": ("snapshot", "single-cycle", "sgdr", "fge"),
    "restart_momentum": ("snapshot", "sgdr"),
    "period": ("sgdr", "fge", "swa"),
    "growth": ("sgdr",),
    "start_from": ("standard", "snapshot", "sgdr", "fge", "swa", "ema", "layca"),
    "start_epoch": CONTINUATIONS,
    "high_rate": CONTINUATIONS,
    "low_rate": CONTINUATIONS,
    "average_decay": ("ema",),
    "layer_profile": ("layca",),
}


# What `recipe` stands for as a schedule.
OWN_SCHEDULE: dict[Recipe, Schedule] = {
    "standard": "step",
    "snapshot": "cosine",
    "single-cycle": "cosine",
    "independent": "step",
    "sgdr": "cosine",
    "fge": "step",
    "swa": "late-linear",
    "ema": "step",
    "layca": "step",
}
_SCHEDULES_OF: dict[str, tuple[Schedule, ...]] = {
    "phase": ("cosine",),
    "decay": ("exponential", "inverse-time"),
    "drop_epochs": ("step",),
    "drop_factor": ("step",),
}
_OPTIMIZERS_OF: dict[str, tuple[Optimizer, ...]] = {
    "momentum": ("momentum", "nesterov", "sam"),
    "sam_radius": ("sam",),
}


class TrainingFields(Request, frozen=True, kw_only=True):
    """What determines one training run.

    Attributes:
        data: A data set's name (`digits`, `CIFAR10`, ...), a path, or a digest. `digits:noise=0.2` gives a fifth of
            the training labels another class; `digits:validation=0.2` holds a fifth of the training split out and
            uses it in place of the test split.
        architecture: A name of the registry, e.g. `convnet`, `resnet20`, `resnet20-conv`, `resnet20-noshort`.
        recipe: `standard` lets the rate fall and keeps checkpoints at equal steps (NoCycle); `snapshot` is one
            cosine cycle per snapshot (Huang et al. 2017, eq. 2); `single-cycle` trains fresh networks, one cosine
            cycle each, in the budget of one; `independent` trains each with the full budget; `sgdr` lets cycles grow
            (Loshchilov and Hutter 2017); `fge` and `swa` train as `standard`, then collect (Garipov et al. 2018)
            or average (Izmailov et al. 2018) under a rate of their own; `ema` keeps an exponential average beside
            the iterates; `layca` turns every layer by a controlled angle (Carbonnelle and De Vleeschouwer 2019).
        cycles: Number of checkpoints kept after the start: one per cosine cycle, one per network, or at equal steps
            (swa: of the second phase, and no more than it averages).
        epochs: Passes over the training split; for `single-cycle` of all networks together, for `independent` of
            each.
        learning_rate: The highest rate (alpha_0; rho of `layca`), per step; where 0.1 suits momentum, 0.001 suits
            adam, adamw and rmsprop, 0.01 adagrad, 1 lbfgs, and 0.04 layca.
        schedule: Shape of the rate from 1 downwards, within each cycle where there are several: `recipe` is the
            recipe's own (a cosine for snapshot, single-cycle and sgdr, late-linear for swa, else step); `step` is a
            tenth at 50% and at 75% of the steps unless drop_epochs is given; `late-linear` falls from 50% to 90% of
            the steps to a hundredth (Garipov et al. 2018).
        warmup: Epochs in which the rate rises linearly from a tenth, in front of any schedule.
        decay: k per epoch of the schedules exponential, exp(-k t), and inverse-time, 1 / (1 + k t).
        drop_epochs: For the schedule step: multiply the rate by drop_factor every so many epochs.
        drop_factor: For the schedule step: the factor of each drop.
        optimizer: `sgd` has no momentum; `momentum`, `nesterov` and `sam` (Foret et al. 2021, around nesterov) use
            the momentum; `lbfgs` takes the whole split as one batch.
        momentum: Momentum of the optimiser, in [0, 1).
        sam_radius: rho of `sam`: how far uphill the gradient is taken.
        weight_decay: Factor of the penalty 1/2 * weight_decay * |theta|^2; `adamw` decouples it.
        objective: What is minimised on each batch, beside the penalty: `cross-entropy`, or `mean-squared-error` of
            the logits to the one-hot targets.
        label_smoothing: epsilon: the target is (1 - epsilon) * one-hot + epsilon / classes.
        mixup: alpha of the Beta distribution from which each batch draws one mixing factor; 0 switches it off.
        teachers: Checkpoints to distil from; several are an ensemble, whose probabilities are averaged.
        temperature: T of the distillation, whose term T^2 * KL is added to the objective.
        batch_size: Examples per step; the last batch of an epoch may be short.
        seed: Root of every random choice: start, data order, augmentation.
        phase: `paper` starts each cycle at alpha_0 exactly; `reference` is the released code, one step later.
        restart_momentum: Whether the momentum buffer survives a restart (`keep`, as the released code) or not.
        period: Epochs of a cycle: the first of sgdr (T_0), each of fge (even; collected in its middle) and of swa
            (averaged at its end); leave it out for up to four cycles that fill the epochs (sgdr), 4 (fge), 1 (swa).
        growth: By how much each cycle of sgdr is longer than the one before (T_mult).
        start_from: Checkpoint to begin with in place of a random start; fge and swa go on with its optimiser state,
            and their second phase begins at once.
        start_epoch: Epoch after which fge and swa begin their second phase; leave it out for 80% and 75% of the epochs,
            rounded so that whole cycles of fge are left.
        high_rate: alpha_1, the highest rate of the second phase; leave it out for half the learning rate (fge) or for
            low_rate (swa, whose rate is then constant).
        low_rate: alpha_2, the lowest rate of the second phase; leave it out for a fifth of high_rate (fge) or for half
            the learning rate (swa).
        average_decay: Share of the old average kept at each step of ema, in [0, 1]; 1 is the plain mean (Polyak).
        layer_profile: alpha of layca, in (-1, 1): above 0 early layers turn more slowly than late ones, below 0
            the other way round.
        augmentation: `crop-flip` is a random crop from a 4-pixel border and a horizontal flip.
        precision: `bfloat16` rounds activations on a graphics card (autocast); weights and updates stay float32.
    """

    data: str = "digits"
    architecture: str = "convnet"
    recipe: Recipe = "snapshot"
    cycles: int = 6
    epochs: int = 60
    learning_rate: float = 0.1
    schedule: Schedule = "recipe"
    warmup: int = 0
    decay: float = 0.1
    drop_epochs: int | None = None
    drop_factor: float = 0.1
    optimizer: Optimizer = "nesterov"
    momentum: float = 0.9
    sam_radius: float = 0.05
    weight_decay: float = 1e-4
    objective: Objective = "cross-entropy"
    label_smoothing: float = 0.0
    mixup: float = 0.0
    teachers: tuple[str, ...] = ()
    temperature: float = 4.0
    batch_size: int = 64
    seed: int = 0
    phase: Phase = "paper"
    restart_momentum: Momentum = "keep"
    period: int | None = None
    growth: int = 2
    start_from: str | None = None
    start_epoch: int | None = None
    high_rate: float | None = None
    low_rate: float | None = None
    average_decay: float = 0.99
    layer_profile: float = 0.0
    augmentation: Augmentation = "none"
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        """Refuse values that no training could use."""
        check_types(self)
        _check_names(self)
        check_counts(self, "cycles", "epochs", "batch_size", "period", "growth", "drop_epochs")
        _check_rates(self)
        _check_optimiser(self)
        _check_objective(self)
        _check_second_phase(self)
        _check_unused(self)  # last: a value that is impossible anyway is worth the better sentence


class TrainRequest(TrainingFields, frozen=True, kw_only=True, tag="train"):
    """One training run, or several of one family; see `TrainingFields`."""


def _check_names(request: TrainingFields) -> None:
    check_choice("recipe", request.recipe, RECIPES)
    for name, known in (
        ("schedule", Schedule),
        ("optimizer", Optimizer),
        ("objective", Objective),
        ("phase", Phase),
        ("restart_momentum", Momentum),
        ("augmentation", Augmentation),
        ("precision", Precision),
    ):
        check_choice(name, getattr(request, name), get_args(known))


def _check_unused(request: TrainingFields) -> None:
    for name in TrainingFields.__struct_fields__:
        reason, value = why_unused(request, name), getattr(request, name)
        says_nothing = value == default_of(type(request), name) or (name == "weight_decay" and value == 0)
        if reason is not None and not says_nothing:
            raise RequestError(f"{name} is {getattr(request, name)}, but {reason}; leave it out.")


def why_unused(request: TrainingFields, name: str) -> str | None:
    """Half a sentence why a field means nothing to a training, or None if it means something."""
    recipes = USED_BY.get(name, RECIPES)
    if request.recipe not in recipes:
        return f"the recipe {request.recipe} does not use it (it is for {', '.join(recipes)})"
    shape = OWN_SCHEDULE[request.recipe] if request.schedule == "recipe" else request.schedule
    schedules = _SCHEDULES_OF.get(name, (shape,))
    if shape not in schedules and not (name == "phase" and request.recipe == "fge"):
        return f"the schedule {shape} does not use it (it is for {', '.join(schedules)})"
    optimizers = _OPTIMIZERS_OF.get(name, (request.optimizer,))
    if request.optimizer not in optimizers:
        return f"the optimizer {request.optimizer} does not use it (it is for {', '.join(optimizers)})"
    if name == "temperature" and not request.teachers:
        return "there are no teachers"
    second_only = request.recipe in CONTINUATIONS and request.start_from is not None
    if name in ("schedule", "warmup") and second_only:
        return f"{request.recipe} from a checkpoint has no first phase"
    if name == "weight_decay" and request.recipe == "layca":
        return "layca keeps the norms of all layers, so no decay acts"
    return None


def _check_rates(request: TrainingFields) -> None:
    for name in ("learning_rate", "high_rate", "low_rate"):
        value = getattr(request, name)
        if value is not None and not (value > 0 and math.isfinite(value)):
            raise RequestError(
                f"The {name.replace('_', ' ')} is {value}; give a positive number such as 0.1."
            )
    if not (request.decay >= 0 and math.isfinite(request.decay)):
        raise RequestError(f"The decay is {request.decay}; give a number of at least 0, such as 0.1.")
    if not is_between(request.drop_factor, 0, 1):
        raise RequestError(f"The drop_factor is {request.drop_factor}; give a number in [0, 1], such as 0.1.")
    room = max(1, request.epochs // request.cycles) if request.recipe == "single-cycle" else request.epochs
    if not 0 <= request.warmup <= room:
        raise RequestError(
            f"The warm-up of {request.warmup} epochs does not fit into {room} epochs; give fewer."
        )


def _check_optimiser(request: TrainingFields) -> None:
    if not 0 <= request.momentum < 1:
        raise RequestError(f"The momentum is {request.momentum}; give a number in [0, 1), such as 0.9.")
    check_weight_decay(request.weight_decay)
    if not (request.sam_radius > 0 and math.isfinite(request.sam_radius)):
        raise RequestError(f"The sam_radius is {request.sam_radius}; give a positive number such as 0.05.")
    if not is_between(request.average_decay, 0, 1):
        raise RequestError(
            f"The average_decay is {request.average_decay}; give a number in [0, 1], such as 0.99."
        )
    if not -1 < request.layer_profile < 1:
        raise RequestError(
            f"The layer_profile is {request.layer_profile}; give a number between -1 and 1, such as 0 for layers "
            "that all turn at one rate."
        )
    if request.optimizer == "lbfgs" and (request.augmentation != "none" or request.mixup):
        raise RequestError(
            "L-BFGS looks at one function many times, so its batch must not change at random; "
            "leave augmentation and mixup out, or choose another optimizer."
        )


def _check_objective(request: TrainingFields) -> None:
    if not 0 <= request.label_smoothing < 1:
        raise RequestError(
            f"The label_smoothing is {request.label_smoothing}; give a number in [0, 1), such as 0.1."
        )
    if not (request.mixup >= 0 and math.isfinite(request.mixup)):
        raise RequestError(
            f"The mixup is {request.mixup}; give a number of at least 0, such as 1, or 0 for none."
        )
    if not (request.temperature > 0 and math.isfinite(request.temperature)):
        raise RequestError(f"The temperature is {request.temperature}; give a positive number such as 4.")


def _check_second_phase(request: TrainingFields) -> None:
    if request.recipe == "fge" and request.period is not None and request.period % 2:
        raise RequestError(
            f"The period of FGE is {request.period} epochs; give an even number such as 4, because networks are "
            "collected in the middle of each cycle."
        )
    if request.start_epoch is None:
        return
    if request.start_from is not None:
        raise RequestError(
            "Both start_from and start_epoch are given; with start_from the second phase begins at once, so leave "
            "start_epoch out."
        )
    if not 0 <= request.start_epoch < request.epochs:
        what = "averaging" if request.recipe == "swa" else "the collection"
        raise RequestError(
            f"The start_epoch is {request.start_epoch}, but the run has {request.epochs} epochs; give a number below "
            f"{request.epochs}, so that {what} begins before the end."
        )
