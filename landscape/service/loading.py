"""A request and everything that it names, loaded and checked: what a study works on."""

from collections.abc import Sequence

import msgspec
import torch

from landscape.core.errors import RequestError
from landscape.core.requests import DiversityRequest, EnsembleRequest, EvaluationRequest, GroupedRequest
from landscape.geometry.parameters import ParameterSpace
from landscape.networks.checkpoints import Checkpoint
from landscape.networks.tasks import Data, Task
from landscape.service.home import Home
from landscape.service.references import load_checkpoint, load_request_data, load_task
from landscape.studies.sweeps import Loaded


def load(
    request: EvaluationRequest,
    home: Home,
    *,
    task: Task | None = None,
    checkpoints: Sequence[Checkpoint] | None = None,
    download: bool = False,
) -> Loaded:
    """Load checkpoints, data and network; the request comes back canonical, with digests in place of names.

    Args:
        request: As a person wrote it.
        home: The working folder.
        task: For networks that are not in the registry.
        checkpoints: Already loaded, in the order of the request.
        download: Whether a data set that is known by name may be fetched if it is not here.

    Raises:
        CheckpointError: A checkpoint cannot be loaded.
        DataError: The data cannot be loaded or do not fit the network.
        RequestError: The checkpoints do not belong to one network, where the study needs that, or to the task.
    """
    given = (
        list(checkpoints)
        if checkpoints is not None
        else [load_checkpoint(r, home=home) for r in request.checkpoints]
    )
    if len(given) != len(request.checkpoints):
        raise RequestError(
            f"The request names {len(request.checkpoints)} checkpoints, but {len(given)} are given."
        )
    compares = isinstance(request, EnsembleRequest | DiversityRequest)
    if task is not None or not compares:
        _check_same_network(given)
    _check_finite(given)
    own = None if task is None else task.name
    if request.task not in (None, own):
        raise RequestError(
            f"The request is about the task {request.task!r}, which lives in somebody's Python code; "
            "compute it there, with task=…, or leave the field out."
        )
    if task is not None and request.data is not None:
        raise RequestError(
            "The data are named in the request and given in the task; leave one of the two out."
        )
    if task is None:
        data = load_request_data(request.data, given, home, download=download)
        tasks = _tasks_of(given, data)
    else:
        data, tasks = task.data, [task] * len(given)
    _check_fits(given, tasks)
    sample = data.sample(train=request.train_samples, test=request.test_samples, seed=request.sample_seed)
    sampled = {each.name: Task(each.name, each.build, sample, each.losses, each.errors) for each in tasks}
    decays = [c.metadata.weight_decay for c in given if c.metadata.weight_decay is not None]
    weight_decay = (
        request.weight_decay if request.weight_decay is not None else (decays[0] if decays else 0.0)
    )
    canonical = msgspec.structs.replace(
        request,
        checkpoints=tuple(checkpoint.digest for checkpoint in given),
        data=data.digest,
        task=own,
        # Predictions know no penalty: whatever it is, the answer is the same.
        weight_decay=None if compares else float(weight_decay),
        train_samples=_or_all(request.train_samples, len(data.train)),
        test_samples=_or_all(request.test_samples, len(data.test)),
    )
    return Loaded(
        request=canonical,
        checkpoints=tuple(given),
        labels=_labels(given, request),
        task=sampled[tasks[0].name],
        weight_decay=0.0 if compares else float(weight_decay),
        tasks=tuple(sampled[each.name] for each in tasks),
    )


def _tasks_of(checkpoints: Sequence[Checkpoint], data: Data) -> list[Task]:
    """The task of each checkpoint; those of one architecture share theirs."""
    shared: dict[str, Task] = {}
    made = [load_task(checkpoint.metadata, data) for checkpoint in checkpoints]
    return [shared.setdefault(task.name, task) for task in made]


def _or_all(count: int | None, available: int) -> int | None:
    return None if count == available else count


def _check_same_network(checkpoints: Sequence[Checkpoint]) -> None:
    first = checkpoints[0]
    for other in checkpoints[1:]:
        if other.metadata.architecture != first.metadata.architecture:
            raise RequestError(
                f"The checkpoints belong to different architectures ({first.metadata.architecture} and "
                f"{other.metadata.architecture}); choose checkpoints of one network."
            )
        if (other.space.names, other.space.shapes) != (first.space.names, first.space.shapes):
            raise RequestError(
                f"The checkpoints {first.label!r} and {other.label!r} have different parameters "
                f"({first.space.dimension:,} and {other.space.dimension:,}); choose checkpoints of one network."
            )


def _check_finite(checkpoints: Sequence[Checkpoint]) -> None:
    for checkpoint in checkpoints:
        if not bool(torch.isfinite(checkpoint.theta).all()):
            raise RequestError(
                f"The checkpoint {checkpoint.label!r} holds NaN or infinite weights, so nothing passes through it; "
                "choose one from before its training diverged."
            )


def _check_fits(checkpoints: Sequence[Checkpoint], tasks: Sequence[Task]) -> None:
    spaces: dict[str, ParameterSpace] = {}
    for checkpoint, task in zip(checkpoints, tasks, strict=True):
        if task.name not in spaces:
            with torch.random.fork_rng(devices=[]):
                spaces[task.name] = ParameterSpace.of(task.build())
        _check_fit(checkpoint, task.name, spaces[task.name])


def _check_fit(checkpoint: Checkpoint, network: str, space: ParameterSpace) -> None:
    if (space.names, space.shapes) == (checkpoint.space.names, checkpoint.space.shapes):
        return
    wrong = next(
        (
            n
            for n, s in zip(space.names, space.shapes, strict=True)
            if (n, s) not in _named_shapes(checkpoint.space)
        ),
        checkpoint.space.names[-1],
    )
    raise RequestError(
        f"The checkpoint {checkpoint.label!r} does not fit {network} for this data "
        f"(first difference at {wrong!r}); choose the data that it was trained on."
    )


def _named_shapes(space: ParameterSpace) -> set[tuple[str, tuple[int, ...]]]:
    return set(zip(space.names, space.shapes, strict=True))


def _labels(checkpoints: Sequence[Checkpoint], request: EvaluationRequest) -> tuple[str, ...]:
    """Short names, all different: with the run's name where there are several runs, or two labels are the same.

    A checkpoint that belongs to no run has the name of its group instead. One that comes from Python and knows nothing
    of itself is called what the request calls it.
    """
    labels = [
        checkpoint.label if checkpoint.source or _is_known(checkpoint) else reference
        for checkpoint, reference in zip(checkpoints, request.checkpoints, strict=True)
    ]
    groups = (request.groups if isinstance(request, GroupedRequest) else ()) or ("",) * len(checkpoints)
    runs = [_run_name(checkpoint) or group for checkpoint, group in zip(checkpoints, groups, strict=True)]
    if len(set(labels)) < len(labels) or len(set(runs)) > 1:
        labels = [f"{run} {label}".strip() for run, label in zip(runs, labels, strict=True)]
    seen: dict[str, int] = {}
    unique = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        unique.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return tuple(unique)


def _is_known(checkpoint: Checkpoint) -> bool:
    return bool(checkpoint.metadata.label) or checkpoint.metadata.step is not None


def _run_name(checkpoint: Checkpoint) -> str:
    folder, at, _ = checkpoint.source.rpartition("@")
    return folder.replace("\\", "/").rstrip("/").rpartition("/")[2] if at else ""
