"""Jobs in words: what is computed, of what, and how far it is."""

from collections.abc import Mapping
from pathlib import Path

from landscape.core.requests import (
    AnyRequest,
    DiversityRequest,
    EnsembleRequest,
    FanRequest,
    GroupedRequest,
    LineRequest,
    PlaneRequest,
    SearchRequest,
    TrainRequest,
    request_from_json,
)
from landscape.core.search_requests import RANGES
from landscape.core.training_requests import FAMILIES
from landscape.service.jobs import Job
from landscape.ui.text import plural
from landscape.ui.training_words import LABELS, RECIPE_WORDS

_MOST_NAMES = 4  # more would fill the page


def describe(job: Job, names: Mapping[str, str]) -> tuple[str, str]:
    """What a job computes, and of what, in a few words; may hold user text.

    Args:
        job: Which one.
        names: What the references of checkpoints are called.
    """
    request = request_from_json(job.request_json)
    return _title(request), _about(request, names)


def describe_run(request: TrainRequest) -> str:
    """A training run in one line; may hold user text."""
    return f"{_title(request)} · {_training(request, {})}"


def count(job: Job) -> str:
    """How much of a job is done."""
    match job.study:
        case "train":
            unit = "steps"
        case "ensemble" | "diversity":
            unit = "networks"
        case "search":
            unit = "epochs"
        case _:
            unit = "points"
    return f"{job.done:,} of {job.total:,} {unit}"


def _title(request: AnyRequest) -> str:
    match request:
        case TrainRequest():
            return f"{_recipe(request)}: training {request.architecture} on {_data(request)}"
        case SearchRequest():
            return f"Search for settings: {_recipe(request)}, {request.architecture} on {_data(request)}"
        case LineRequest():
            return f"Line with {plural(request.points, 'point')}"
        case PlaneRequest():
            return f"Plane with {request.columns} by {request.rows} points"
        case FanRequest():
            return f"Lines to the last snapshot, {plural(request.points, 'point')} each"
        case EnsembleRequest():
            return f"Ensembles of {plural(len(request.checkpoints), 'network')}"
        case DiversityRequest():
            return f"Mistakes of {plural(len(request.checkpoints), 'network')} compared"


def _about(request: AnyRequest, names: Mapping[str, str]) -> str:
    match request:
        case TrainRequest():
            return _training(request, names)
        case SearchRequest():
            drawn = [LABELS[field].lower() for name, (field, _) in RANGES.items() if getattr(request, name)]
            return f"{plural(request.trials, 'trial')} with {_listed(drawn)} drawn, up to {_epochs(request)} each"
        case LineRequest() | PlaneRequest():
            return ", ".join(_name(reference, names) for reference in request.checkpoints)
        case FanRequest() | EnsembleRequest() | DiversityRequest():
            return _groups(request, names)


def _training(request: TrainRequest, names: Mapping[str, str]) -> str:
    words = _epochs(request)
    if request.recipe in FAMILIES:
        each = " each" if request.recipe == "independent" else " in all"
        words = f"{plural(request.cycles, 'network')}, {words}{each}"
    words += f", {request.optimizer}, highest rate {request.learning_rate:g}, seed {request.seed}"
    return words + (f", from {_name(request.start_from, names)}" if request.start_from else "")


def _groups(request: GroupedRequest, names: Mapping[str, str]) -> str:
    named = [f"{group} ({len(members)})" for group, members in request.members.items() if group]
    return _listed(named or [_name(reference, names) for reference in request.checkpoints])


def _listed(words: list[str]) -> str:
    shown = words[:_MOST_NAMES]
    return ", ".join(shown) + (f" and {len(words) - len(shown)} more" if len(words) > len(shown) else "")


def _recipe(request: TrainRequest | SearchRequest) -> str:
    return RECIPE_WORDS[request.recipe].name


def _data(request: TrainRequest | SearchRequest) -> str:
    return Path(request.data).name


def _epochs(request: TrainRequest | SearchRequest) -> str:
    return plural(request.epochs, "epoch")


def _name(reference: str, names: Mapping[str, str]) -> str:
    return names.get(reference) or Path(reference).name
