"""What ships with the app: which runs, and which results of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from landscape.core.requests import (
    AnyEvaluation,
    DiversityRequest,
    EnsembleRequest,
    FanRequest,
    LineRequest,
    PlaneRequest,
    TrainRequest,
)

# The highest rates are those of Huang et al. (2017), section 4. The weight decay is ours: ten times theirs, so that the
# snapshots of so small a network move far enough apart for a picture.
_STANDARD = TrainRequest(recipe="standard", cycles=6, epochs=60, learning_rate=0.1, weight_decay=1e-3)
# A fifth of the training labels are wrong: there is something to lose by learning them by heart. The weight decay is
# ours: the recipes differ most where a falling rate can just learn all of them, and a high one cannot.
_NOISY = replace(_STANDARD, data="digits:noise=0.2", weight_decay=5e-3)
# Izmailov et al. (2018): SGD whose rate falls from the middle on, and SWA that leaves it there as it is and averages.
# Up to the middle the two are the same network, to the bit. (Their SWA starts at three quarters, at half the rate.)
_SGD = replace(_NOISY, cycles=4, schedule="late-linear")
# Carbonnelle and De Vleeschouwer (2019): no weight decay, whose pull Layca would take out again.
_LAYCA = replace(_NOISY, recipe="layca", cycles=3, weight_decay=0.0)

RUNS: dict[str, TrainRequest] = {
    "snapshot-0": replace(_STANDARD, recipe="snapshot", learning_rate=0.2),
    "standard-0": _STANDARD,
    "standard-1": replace(_STANDARD, seed=1),
    "standard-2": replace(_STANDARD, seed=2),
    "noisy-standard": _NOISY,
    "noisy-snapshot": replace(_NOISY, recipe="snapshot", learning_rate=0.2),
    "noisy-single-cycle": replace(_NOISY, recipe="single-cycle", learning_rate=0.2),
    "noisy-independent": replace(_NOISY, recipe="independent", cycles=3),
    "noisy-fge": replace(_NOISY, recipe="fge", period=2),
    "noisy-sgd": _SGD,
    "noisy-swa": replace(_SGD, recipe="swa", cycles=3, start_epoch=30, low_rate=0.1),
    "noisy-layca-fast": replace(_LAYCA, learning_rate=3**-3),
    "noisy-layca-slow": replace(_LAYCA, learning_rate=3**-5),
}
# The run whose optimiser states ship, too: FGE can be started again from where its second phase began.
WITH_OPTIMIZER = "noisy-fge"


@dataclass(frozen=True)
class Exhibit:
    """A result to ship.

    Attributes:
        id: Its name.
        study: The request that it answers.
        of: What it goes through, as on the command line, with the names of shipped runs.
        options: The other fields of the request.
    """

    id: str
    study: type[AnyEvaluation]
    of: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


_BEYOND = {"points": 61, "start": -0.25, "stop": 1.25}
# One word each, as they stand in a legend.
_ENSEMBLES = (
    "independent=noisy-independent",
    "snapshot=noisy-snapshot",
    "fge=noisy-fge",
    "single-cycle=noisy-single-cycle",
    "NoCycle=noisy-standard",
    "swa=noisy-swa@average",
    "sgd=noisy-sgd@last",
)

# The first is what the app shows first; then what the recipes are compared by, then the places they go to.
EXHIBITS = (
    Exhibit("three-runs", PlaneRequest, ("standard-0@last", "standard-1@last", "standard-2@last")),
    Exhibit("recipes-ensembles", EnsembleRequest, _ENSEMBLES),
    Exhibit(
        "cycles-or-not",
        FanRequest,
        ("snapshot=noisy-snapshot", "NoCycle=noisy-standard"),
        {"points": 41},
    ),
    Exhibit("recipes-diversity", DiversityRequest, _ENSEMBLES[:5]),
    Exhibit("three-snapshots", PlaneRequest, ("snapshot-0@460", "snapshot-0@920", "snapshot-0@1380")),
    Exhibit(
        "sgd-to-swa",
        LineRequest,
        ("noisy-sgd@last", "noisy-swa@average"),
        {"points": 91, "start": -1.0, "stop": 2.0},
    ),
    Exhibit("swa-in-its-valley", PlaneRequest, ("noisy-sgd@last", "noisy-swa@last", "noisy-swa@average")),
    Exhibit("three-of-fge", PlaneRequest, ("noisy-fge@1127", "noisy-fge@1219", "noisy-fge@1357")),
    Exhibit(
        "snapshots-and-another-run",
        PlaneRequest,
        ("snapshot-0@last", "standard-1@last", "snapshot-0@230"),
    ),
    Exhibit(
        "cycle-or-fresh-start",
        PlaneRequest,
        ("noisy-snapshot@last", "noisy-single-cycle@last", "noisy-snapshot@1150"),
    ),
    Exhibit(
        "layca-two-rates",
        PlaneRequest,
        ("noisy-layca-fast@0", "noisy-layca-fast@last", "noisy-layca-slow@last"),
    ),
    Exhibit("layca-fast-to-slow", LineRequest, ("noisy-layca-fast@last", "noisy-layca-slow@last"), _BEYOND),
    Exhibit("two-runs-line", LineRequest, ("standard-0@last", "standard-1@last"), _BEYOND),
    Exhibit("snapshot-to-standard", LineRequest, ("snapshot-0@last", "standard-0@last"), _BEYOND),
    Exhibit("last-to-first-snapshot", LineRequest, ("snapshot-0@last", "snapshot-0@230"), _BEYOND),
)
