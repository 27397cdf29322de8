"""Where a result comes from: what it says of itself, and the command line that repeats it."""

import platform
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, assert_never

import msgspec
import numpy as np
import torch
import xarray as xr

import landscape
from landscape.core.requests import LineRequest, PlaneRequest
from landscape.core.results import CheckpointRecord, Provenance, provenance_attribute
from landscape.networks.strategies import Strategy
from landscape.networks.tasks import Data
from landscape.studies.sweeps import Loaded

# A task of the user's own is Python code, which no command line could name.
FROM_PYTHON = "landscape.compute(request, task=…, checkpoints=…), from Python, where the task is defined"


def with_provenance(
    dataset: xr.Dataset,
    asked: LineRequest | PlaneRequest,
    loaded: Loaded,
    strategy: Strategy,
    device: torch.device,
    seconds: float,
) -> xr.Dataset:
    """The dataset with title and provenance among its attributes.

    Args:
        dataset: What the study made.
        asked: The request as a person wrote it; its references go into the command line.
        loaded: The canonical request and what it named.
        strategy: How the evaluator worked.
        device: Where.
        seconds: Seconds of evaluation, in the process that wrote the result.
    """
    data = loaded.task.data
    records = tuple(
        CheckpointRecord(
            label=label,
            digest=checkpoint.digest,
            architecture=checkpoint.metadata.architecture or loaded.task.name,
            step=checkpoint.metadata.step,
            source=checkpoint.source,
        )
        for label, checkpoint in zip(loaded.labels, loaded.checkpoints, strict=True)
    )
    provenance = Provenance(
        request=msgspec.to_builtins(loaded.request),
        key=loaded.request.key,
        command=FROM_PYTHON
        if loaded.request.task
        else command_line(asked, records, data, loaded.weight_decay),
        checkpoints=records,
        data=data.name,
        data_digest=data.digest,
        samples={"train": len(data.train), "test": len(data.test)},
        weight_decay=loaded.weight_decay,
        strategy=str(strategy),
        device=torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else f"CPU, {torch.get_num_threads()} threads",
        seconds=round(seconds, 3),
        versions=versions(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    study = loaded.request.study
    names = ", ".join(loaded.labels)
    return dataset.assign_attrs(
        study=study,
        title=f"{study.capitalize()} through {names} ({records[0].architecture}, {data.name})",
        provenance=provenance_attribute(provenance),
    )


def versions() -> dict[str, str]:
    """Versions that determine the bits of a result."""
    return {
        "landscape": landscape.__version__,
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def command_line(
    request: LineRequest | PlaneRequest, records: Sequence[CheckpointRecord], data: Data, weight_decay: float
) -> str:
    """The command that computes the request again."""
    match request:
        case LineRequest():
            special: list[Any] = [
                "--points",
                request.points,
                f"--range={_exact(request.start)}:{_exact(request.stop)}",
            ]
        case PlaneRequest():
            size = f"{request.columns}x{request.rows}" if request.columns != request.rows else request.columns
            special = ["--resolution", size, "--margin", _exact(request.margin)]
        case _:
            assert_never(request)
    common: list[Any] = ["--batch-norm", request.batch_norm, "--weight-decay", _exact(weight_decay)]
    if request.data is not None:
        common += ["--data", data.source if Path(data.source).exists() else data.name]
    if request.train_samples is not None:
        common += ["--train-samples", request.train_samples]
    if request.test_samples is not None:
        common += ["--test-samples", request.test_samples]
    if request.sample_seed:
        common += ["--sample-seed", request.sample_seed]
    sources = [record.source or record.digest for record in records]
    words = [
        "python",
        "-m",
        "landscape",
        request.study,
        *sources,
        *special,
        *common,
        "--out",
        f"{request.study}.nc",
    ]
    return shlex.join(str(word) for word in words)


def _exact(number: float) -> str:
    """As short as it can be and still the same number: the key must be the same."""
    short = f"{number:g}"
    return short if float(short) == number else repr(float(number))
