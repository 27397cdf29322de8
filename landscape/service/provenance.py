"""Where a result comes from: what it says of itself, and the command line that repeats it."""

import platform
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, assert_never

import msgspec
import numpy as np
import torch
import xarray as xr

import landscape
from landscape.core.data_references import lasting_reference
from landscape.core.requests import (
    AnyEvaluation,
    DiversityRequest,
    EnsembleRequest,
    FanRequest,
    GroupedRequest,
    LineRequest,
    PlaneRequest,
)
from landscape.core.results import CheckpointRecord, Provenance, provenance_attribute, provenance_of
from landscape.studies.sweeps import Loaded

MOST_NAMES = 6  # ours: what still reads as a title
# A task of the user's own is Python code, which no command line could name.
FROM_PYTHON = "landscape.compute(request, task=…, checkpoints=…), from Python, where the task is defined"


def with_provenance(
    dataset: xr.Dataset,
    asked: AnyEvaluation,
    loaded: Loaded,
    *,
    strategy: str,
    device: str,
    seconds: float,
) -> xr.Dataset:
    """The dataset with title and provenance among its attributes.

    Args:
        dataset: What the study made.
        asked: The request as a person wrote it; its references go into the command line.
        loaded: The canonical request and what it named.
        strategy: How the networks were evaluated, in words.
        device: Where, in words.
        seconds: Seconds of evaluation, in the process that wrote the result.
    """
    data, records = loaded.task.data, _records(loaded)
    provenance = Provenance(
        request=msgspec.to_builtins(loaded.request),
        key=loaded.request.key,
        command=FROM_PYTHON if loaded.request.task else command_line(asked, records, loaded.weight_decay),
        checkpoints=records,
        data=data.name,
        data_digest=data.digest,
        samples={"train": len(data.train), "test": len(data.test)},
        weight_decay=loaded.weight_decay,
        strategy=strategy,
        device=device,
        seconds=round(seconds, 3),
        versions=versions(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return dataset.assign_attrs(
        study=loaded.request.study,
        title=_title(asked, loaded, records),
        provenance=provenance_attribute(provenance),
    )


def renamed(found: xr.Dataset, asked: AnyEvaluation, loaded: Loaded) -> xr.Dataset:
    """A stored result under the names of those who ask now.

    Weights decide the key, and the same weights may lie in several places under several names: the network of a family
    is also a run of its own.
    """
    records, before = _records(loaded), provenance_of(found)
    names = {
        dimension: np.array(loaded.labels, dtype=object)
        for dimension in ("checkpoint", "other")
        if dimension in found.dims
    }
    command = before.command if loaded.request.task else command_line(asked, records, loaded.weight_decay)
    provenance = msgspec.structs.replace(before, checkpoints=records, command=command)
    return found.assign_coords(names).assign_attrs(
        title=_title(asked, loaded, records), provenance=provenance_attribute(provenance)
    )


def _records(loaded: Loaded) -> tuple[CheckpointRecord, ...]:
    return tuple(
        CheckpointRecord(
            label=label,
            digest=checkpoint.digest,
            architecture=checkpoint.metadata.architecture or loaded.task_of(place).name,
            step=checkpoint.metadata.step,
            source=checkpoint.source,
        )
        for place, (label, checkpoint) in enumerate(zip(loaded.labels, loaded.checkpoints, strict=True))
    )


def _title(asked: AnyEvaluation, loaded: Loaded, records: Sequence[CheckpointRecord]) -> str:
    networks = ", ".join(dict.fromkeys(record.architecture for record in records))
    match asked:
        case LineRequest() | PlaneRequest():
            names = ", ".join(loaded.labels)
            what = f"{asked.study.capitalize()} through {names}"
        case FanRequest():
            what = f"Lines to the last of {_names(asked, loaded)}"
        case EnsembleRequest():
            what = f"Ensembles of {_names(asked, loaded)}"
        case DiversityRequest():
            what = f"Predictions of {_names(asked, loaded)} compared"
        case _:
            assert_never(asked)
    return f"{what} ({networks}, {loaded.task.data.name})"


def _names(asked: GroupedRequest, loaded: Loaded) -> str:
    names = list(asked.members) if asked.groups else list(loaded.labels)
    return (
        ", ".join(names)
        if len(names) <= MOST_NAMES
        else f"{len(names)} {'groups' if asked.groups else 'networks'}"
    )


def device_name(device: torch.device) -> str:
    """What a result calls the device that its numbers were computed on."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads"


def versions() -> dict[str, str]:
    """Versions that determine the bits of a result."""
    return {
        "landscape": landscape.__version__,
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def command_line(request: AnyEvaluation, records: Sequence[CheckpointRecord], weight_decay: float) -> str:
    """The command that computes the request again."""
    words = [
        "python",
        "-m",
        "landscape",
        request.study,
        *_checkpoint_words(request, records),
        *_own_options(request, weight_decay),
        "--batch-norm",
        request.batch_norm,
        *_data_options(request),
        "--out",
        f"{request.study}.nc",
    ]
    return shlex.join(str(word) for word in words)


def _own_options(request: AnyEvaluation, weight_decay: float) -> list[Any]:
    """The options that are not those of every study."""
    penalty = ["--weight-decay", _exact(weight_decay)]
    match request:
        case LineRequest() | FanRequest():
            span = f"--range={_exact(request.start)}:{_exact(request.stop)}"
            return ["--points", request.points, span, *penalty]
        case PlaneRequest():
            size = f"{request.columns}x{request.rows}" if request.columns != request.rows else request.columns
            return ["--resolution", size, "--margin", _exact(request.margin), *penalty]
        case EnsembleRequest():
            return ["--bins", request.bins]
        case DiversityRequest():
            return []
        case _:
            assert_never(request)


def _data_options(request: AnyEvaluation) -> list[Any]:
    """The data set and the sample, as far as the request names them."""
    options: list[Any] = []
    if request.data is not None:
        options += ["--data", lasting_reference(request.data)]
    if request.train_samples is not None:
        options += ["--train-samples", request.train_samples]
    if request.test_samples is not None:
        options += ["--test-samples", request.test_samples]
    if request.sample_seed:
        options += ["--sample-seed", request.sample_seed]
    return options


def _checkpoint_words(request: AnyEvaluation, records: Sequence[CheckpointRecord]) -> list[str]:
    """The references: one by one, or as NAME=REFERENCE,REFERENCE for each group that has a name."""
    sources = [record.source or record.digest for record in records]
    if not isinstance(request, GroupedRequest) or not request.groups:
        return sources
    # A comma would end a reference within a group; the digest is known where the result was computed.
    within = [
        record.digest if "," in source else source for source, record in zip(sources, records, strict=True)
    ]
    return [
        f"{name.replace('=', '-')}={','.join(within[place] for place in places)}"
        for name, places in request.members.items()
    ]


def _exact(number: float) -> str:
    """As short as it can be and still the same number: the key must be the same."""
    short = f"{number:g}"
    return short if float(short) == number else repr(float(number))
