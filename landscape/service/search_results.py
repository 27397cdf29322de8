"""What a search found, as a labelled result."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
import xarray as xr

from landscape.core.data_references import lasting_reference
from landscape.core.request_base import default_of
from landscape.core.requests import SearchRequest
from landscape.core.results import CheckpointRecord, Provenance, provenance_attribute
from landscape.core.search_requests import RANGES
from landscape.networks.checkpoint_files import load_checkpoint_file
from landscape.networks.checkpoints import Checkpoint
from landscape.networks.predictions import Predictor
from landscape.networks.tasks import Data
from landscape.service.home import Home
from landscape.service.provenance import versions
from landscape.service.references import load_task
from landscape.service.store import Store
from landscape.studies.prediction_studies import mean_outputs, softmax_outputs
from landscape.training.ingredients import Ingredients
from landscape.training.runs import Run, name_of
from landscape.training.search_trials import Outcome, stage_epochs

# Shapes: T trials · S stages

STRATEGY = "random settings, coarse to fine"


@dataclass(frozen=True, kw_only=True, eq=False)
class Findings:
    """What became of the trials, which are numbered from 0.

    Attributes:
        settings: What each trial tried, by field of the run.
        errors: Validation error (fraction) after each stage, (T, S): NaN where a trial did not enter the stage, +inf
            where it failed.
        losses: Validation loss in nats, the same.
        outcomes: What has become of each.
        folders: The run of each in the longest stage that it entered.
        best: The best complete runs, the best first.
    """

    settings: Sequence[Mapping[str, float]]
    errors: np.ndarray
    losses: np.ndarray
    outcomes: Sequence[Outcome]
    folders: Sequence[Path]
    best: Sequence[Run]


def search_dataset(
    asked: SearchRequest,
    request: SearchRequest,
    findings: Findings,
    whole: Data,
    ingredients: Ingredients,
    home: Home,
    seconds: float,
) -> xr.Dataset:
    """The result of a search; see `landscape.core.results`.

    Args:
        asked: The search as a person wrote it; its references go into the command line.
        request: The same with digests for checkpoints.
        findings: What became of the trials.
        whole: The data that were searched on; only their name and digest are used.
        ingredients: What the runs were made of; the `test` of its data is the validation part.
        home: The working folder, where the best networks are noted.
        seconds: Seconds of training, in the process that ends the search.
    """
    searched = {
        field: (getattr(request, limits), in_log)
        for limits, (field, in_log) in RANGES.items()
        if getattr(request, limits) is not None
    }
    networks = [load_checkpoint_file(judged_file(run)) for run in findings.best]
    ensemble = np.full(request.best, np.nan)
    ensemble[: len(networks)] = ensemble_errors(networks, ingredients.data, ingredients.device)
    values = [[settings[field] for field in searched] for settings in findings.settings]
    records = _records(findings.best, networks, Store(home))
    weight_decay = findings.best[0].request.weight_decay if findings.best else request.weight_decay
    device = ingredients.device
    provenance = Provenance(
        request=msgspec.to_builtins(request),
        key=request.key,
        command=command_line(asked),
        checkpoints=records,
        data=whole.name,
        data_digest=whole.digest,
        samples={
            "train": len(ingredients.data.train),
            "validation": len(ingredients.data.test),
            "test": 0,  # it is never looked at
        },
        weight_decay=weight_decay,
        strategy=STRATEGY,
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU",
        seconds=round(seconds, 3),
        versions=versions(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    names = " and ".join(name.replace("_", " ") for name in searched)
    return xr.Dataset(
        {
            "value": (("trial", "parameter"), np.array(values)),
            "validation_error": (("trial", "stage"), findings.errors),
            "validation_loss": (("trial", "stage"), findings.losses),
            "state": ("trial", list(findings.outcomes)),
            "run": ("trial", [str(folder) for folder in findings.folders]),
            "stage_epochs": ("stage", list(stage_epochs(request))),
            "low": ("parameter", [float(ends[0]) for ends, _ in searched.values()]),
            "high": ("parameter", [float(ends[1]) for ends, _ in searched.values()]),
            "in_log": ("parameter", [in_log for _, in_log in searched.values()]),
            "ensemble_error": ("size", ensemble),
        },
        coords={
            "trial": np.arange(request.trials),
            "stage": np.arange(1, findings.errors.shape[1] + 1),
            "parameter": list(searched),
            "size": np.arange(1, request.best + 1),
        },
        attrs={
            "study": request.study,
            "title": f"Search for {names}, {request.trials} trials ({request.architecture}, {whole.name})",
            "provenance": provenance_attribute(provenance),
        },
    )


def judged_file(run: Run) -> Path:
    """The network that a run is judged by: its last average if it keeps averages, else its last iterate."""
    return (run.average_files or run.checkpoint_files)[-1]


def ensemble_errors(networks: Sequence[Checkpoint], data: Data, device: torch.device) -> list[float]:
    """The error (fraction) on the data's `test` of the mean of softmax outputs of the first 1, 2, ... networks."""
    if not networks:
        return []
    predictor = Predictor(load_task(networks[0].metadata, data), statistics="stored", device=device)
    targets = data.test.targets.cpu().numpy()
    outputs = [softmax_outputs(predictor.predict(network).test, targets) for network in networks]
    sizes = range(1, len(outputs) + 1)
    return [float(np.mean(mean_outputs(outputs[:size]).classes != targets)) for size in sizes]


def command_line(request: SearchRequest) -> str:
    """The command that searches again; fields that have their default are left out."""
    words = ["python", "-m", "landscape", request.study]
    for name in request.__struct_fields__:
        value = lasting_reference(request.data) if name == "data" else getattr(request, name)
        if value != default_of(type(request), name):
            words += _option(f"--{name.replace('_', '-')}", value)
    return shlex.join([*words, "--out", f"{request.study}.nc"])


def _option(flag: str, value: Any) -> list[str]:
    match value:
        case None | ():
            return [flag, "none"]
        case (str(), *_):
            return [word for each in value for word in (flag, each)]
        case (int(), *_):
            return [flag, ",".join(map(str, value))]
        case (low, high):
            return [flag, f"{low}:{high}"]
        case _:
            return [flag, str(value)]


def _records(
    runs: Sequence[Run], networks: Sequence[Checkpoint], store: Store
) -> tuple[CheckpointRecord, ...]:
    records = []
    for run, network in zip(runs, networks, strict=True):
        source = f"{run.folder}@{name_of(judged_file(run))}"
        store.remember(network.digest, "checkpoint", source)
        records.append(
            CheckpointRecord(
                label=f"trial {int(run.folder.name.split('-')[1])}",
                digest=network.digest,
                architecture=network.metadata.architecture,
                step=network.metadata.step,
                source=source,
            )
        )
    return tuple(records)
