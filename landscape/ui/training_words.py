"""Words and first values of the training form; what a field means is said once, in the request's own description."""

import functools
import inspect
import re
from dataclasses import dataclass

from landscape.core.training_requests import (
    RECIPES,
    USED_BY,
    Augmentation,
    Momentum,
    Objective,
    Optimizer,
    Phase,
    Precision,
    Recipe,
    Schedule,
    TrainingFields,
)


@dataclass(frozen=True)
class RecipeWords:
    """A recipe in the form.

    Attributes:
        name: As short as it can be.
        sentence: What it does.
        paper: Where it comes from.
        cycles: What its `cycles` count; empty where it has none.
    """

    name: str
    sentence: str
    paper: str
    cycles: str = ""


RECIPE_WORDS: dict[Recipe, RecipeWords] = {
    "snapshot": RecipeWords(
        "Snapshot",
        "The rate falls along a cosine and starts anew, several times; each cycle ends in a snapshot, and together "
        "they are an ensemble for the cost of one training.",
        "Huang et al. 2017",
        "Cycles, each with a snapshot",
    ),
    "standard": RecipeWords(
        "Standard",
        "The rate falls to a tenth at 50% and again at 75%; checkpoints are kept at equal steps. What everything else "
        "is compared with.",
        "NoCycle in Huang et al. 2017",
        "Checkpoints kept",
    ),
    "single-cycle": RecipeWords(
        "Single cycle",
        "Fresh networks one after the other, each in one cosine cycle; together they take the budget of one training.",
        "SingleCycle in Huang et al. 2017",
        "Networks",
    ),
    "independent": RecipeWords(
        "Independent",
        "Several networks, each from its own start and with the full budget: the true ensemble, which costs most.",
        "true ensemble in Huang et al. 2017",
        "Networks",
    ),
    "sgdr": RecipeWords(
        "SGDR",
        "Cosine cycles as in Snapshot, but each is longer than the one before.",
        "Loshchilov and Hutter 2017",
    ),
    "fge": RecipeWords(
        "FGE",
        "After a standard training, short cycles go up and down again; at each low point a network is collected. "
        "They lie close to each other and still differ.",
        "Garipov et al. 2018",
    ),
    "swa": RecipeWords(
        "SWA",
        "After a standard training, the rate stays high and the weights of many epochs are averaged into one network.",
        "Izmailov et al. 2018",
        "Iterates kept beside the average",
    ),
    "ema": RecipeWords(
        "EMA",
        "A standard training with an exponential average of the weights beside it, updated at every step.",
        "Polyak and Juditsky 1992",
        "Checkpoints kept",
    ),
    "layca": RecipeWords(
        "Layca",
        "Every layer keeps its norm and turns by the same controlled angle at each step, whatever its gradient.",
        "Carbonnelle and De Vleeschouwer 2019",
        "Checkpoints kept",
    ),
}
SCHEDULE_WORDS: dict[Schedule, str] = {
    "recipe": "The recipe's own",
    "constant": "Constant",
    "step": "Step: falls in drops",
    "exponential": "Exponential: exp(-kt)",
    "inverse-time": "Inverse time: 1 / (1 + kt)",
    "cosine": "Cosine",
    "late-linear": "Late linear: falls from 50% to 90%",
}
OPTIMIZER_WORDS: dict[Optimizer, str] = {
    "sgd": "SGD, no momentum",
    "momentum": "Momentum",
    "nesterov": "Nesterov momentum",
    "adagrad": "Adagrad",
    "rmsprop": "RMSprop",
    "adam": "Adam",
    "adamw": "AdamW",
    "lbfgs": "L-BFGS, full batch",
    "sam": "SAM around Nesterov",
}
OBJECTIVE_WORDS: dict[Objective, str] = {
    "cross-entropy": "Cross-entropy",
    "mean-squared-error": "Mean squared error",
}
AUGMENTATION_WORDS: dict[Augmentation, str] = {"none": "None", "crop-flip": "Random crop and flip"}
PHASE_WORDS: dict[Phase, str] = {"paper": "As in the paper", "reference": "As in the released code"}
MOMENTUM_WORDS: dict[Momentum, str] = {"keep": "Kept", "reset": "Set to zero"}
PRECISION_WORDS: dict[Precision, str] = {"float32": "float32", "bfloat16": "bfloat16 (graphics card)"}

# Rates to begin with. adam: Kingma and Ba (2015); adagrad, rmsprop: torch's own defaults, rmsprop a tenth of it; lbfgs:
# torch's; layca: 3^-3, the best of Carbonnelle and De Vleeschouwer (2019); for the others the request's own default.
_RATES: dict[Optimizer, float] = {"adagrad": 1e-2, "rmsprop": 1e-3, "adam": 1e-3, "adamw": 1e-3, "lbfgs": 1.0}
LAYCA_RATE = 3.0**-3
# Where the field is read: these optimisers alone have a momentum of ours.
WITH_MOMENTUM: tuple[Optimizer, ...] = ("momentum", "nesterov", "sam")

LABELS: dict[str, str] = {
    "epochs": "Epochs",
    "learning_rate": "Highest learning rate",
    "seed": "Seed",
    "schedule": "Shape of the rate",
    "warmup": "Warm-up epochs",
    "decay": "k per epoch",
    "drop_epochs": "Drop every … epochs",
    "drop_factor": "Factor of a drop",
    "optimizer": "Optimiser",
    "momentum": "Momentum",
    "sam_radius": "Radius of SAM",
    "weight_decay": "Weight decay",
    "objective": "Objective",
    "label_smoothing": "Label smoothing",
    "mixup": "Mixup",
    "teachers": "Teachers to distil from",
    "temperature": "Temperature of the distillation",
    "batch_size": "Batch size",
    "phase": "Phase of the cycles",
    "restart_momentum": "Momentum at a restart",
    "period": "Epochs per cycle",
    "growth": "Growth of the cycles",
    "start_from": "Start from",
    "start_epoch": "Second phase after epoch",
    "high_rate": "Highest rate then",
    "low_rate": "Lowest rate then",
    "average_decay": "Decay of the average",
    "layer_profile": "Layer profile",
    "augmentation": "Augmentation",
    "precision": "Arithmetic",
    "trials": "Trials",
    "keep": "One in … goes on",
    "best": "Networks in the ensemble",
    "validation": "Share held out",
    "stages": "Epochs of the coarser stages",
}
_ENTRY = re.compile(r"(\w+): (.*)")


def uses(recipe: Recipe, field: str) -> bool:
    """Whether a field means something to a recipe."""
    return recipe in USED_BY.get(field, RECIPES)


def first_rate(recipe: Recipe, optimizer: Optimizer) -> float:
    """A learning rate to begin with, for a recipe and an optimiser."""
    if recipe == "layca":
        return LAYCA_RATE
    return _RATES.get(optimizer, TrainingFields().learning_rate)


@functools.cache
def field_help(kind: type[TrainingFields]) -> dict[str, str]:
    """What each field means: the lines under `Attributes:` in the request's description, and in that of all runs.

    >>> field_help(TrainingFields)["sam_radius"]
    'rho of `sam`: how far uphill the gradient is taken.'
    """
    words: dict[str, str] = {}
    for described in dict.fromkeys((TrainingFields, kind)):
        # Python leaves descriptions out where it is told to (-OO): then there is no help, and all else works.
        _, _, attributes = (inspect.getdoc(described) or "").partition("Attributes:\n")
        name = ""
        for line in inspect.cleandoc(attributes).splitlines():
            entry = _ENTRY.fullmatch(line)
            if entry:
                name = entry[1]
            words[name] = entry[2] if entry else f"{words[name]} {line.strip()}"
    return words
