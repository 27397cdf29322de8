"""Predictions, computed once and kept: one file for each network, data, batch-norm policy and sample.

A file holds the outputs of both splits as they were computed (float32), and the digest of its numbers. It is whole or
absent; one that is damaged is as good as absent.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from landscape.core.errors import StoppedError
from landscape.core.files import write_bytes_atomically
from landscape.core.requests import SPLITS, EvaluationRequest
from landscape.networks.predictions import Predictions, Predictor, Statistics
from landscape.service.home import Home
from landscape.service.provenance import device_name
from landscape.service.tuning import check_memory
from landscape.studies.prediction_studies import Comparison, Wanted

# A change in the meaning of the kept numbers raises this.
VERSION = 1
STOPPED = "The computation was stopped; what is finished is kept, and resuming goes on from there."
_FIELD = "landscape"


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What predictions belong to and where they were computed, as their file says it.

    Attributes:
        checkpoint: Digest of the network's architecture and weights.
        task: Name of the task.
        data: Digest of the data set.
        statistics: Whose batch-norm statistics.
        sample: Train samples, test samples and the seed of their draw; None for all.
        device: Where the numbers were computed.
        digest: Hex SHA-256 of the numbers.
        version: `VERSION`.
    """

    checkpoint: str
    task: str
    data: str
    statistics: Statistics
    sample: tuple[int | None, int | None, int]
    device: str = ""
    digest: str = ""
    version: int = VERSION

    @property
    def file_name(self) -> str:
        """The file's name: a digest of what the predictions belong to."""
        facts = msgspec.structs.replace(self, device="", digest="")
        return f"{hashlib.sha256(msgspec.json.encode(facts)).hexdigest()}.safetensors"


@dataclass(frozen=True, eq=False)
class Answers:
    """The predictions that a comparison wants, in its order, and where they were computed, in words."""

    predictions: list[Predictions]
    devices: str


def predict_all(
    comparison: Comparison,
    home: Home,
    *,
    device: torch.device,
    progress: Callable[[int, int, str], None],
    stop: Callable[[], bool],
) -> Answers:
    """The predictions of all networks of a comparison: those that are kept are read, the others computed and kept.

    Args:
        comparison: What is wanted.
        home: The working folder.
        device: Where to compute.
        progress: Told (networks done, networks in all, note) after each.
        stop: Asked before each network that is to be computed.

    Raises:
        StoppedError: `stop` returned true; all networks that are done are kept.
        RequestError: The network's outputs are no predictions, or recalibration needs more memory than there is.
        StoreError: The predictions cannot be written.
    """
    answers, devices = [], []
    predictor, asked = None, None
    for number, wanted in enumerate(comparison.wanted, start=1):
        origin = _origin(wanted, comparison.loaded.request)
        path = home.predictions / origin.file_name
        kept = load_predictions(path, origin)
        if kept is None:
            if stop():
                raise StoppedError(STOPPED)
            if predictor is None or asked != (wanted.task, wanted.statistics):
                # Only one at a time: each has a copy of the data.
                predictor, asked = build_predictor(wanted, device), (wanted.task, wanted.statistics)
            origin = msgspec.structs.replace(origin, device=device_name(device))
            kept = origin, predictor.predict(wanted.checkpoint)
            save_predictions(kept[1], origin, path)
        answers.append(kept[1])
        devices.append(kept[0].device)
        progress(number, len(comparison.wanted), "networks")
    return Answers(answers, " and ".join(dict.fromkeys(devices)))


def is_kept(wanted: Wanted, request: EvaluationRequest, home: Home) -> bool:
    """Whether the predictions of a network have been computed, as far as the file's name tells."""
    return (home.predictions / _origin(wanted, request).file_name).is_file()


def build_predictor(wanted: Wanted, device: torch.device) -> Predictor:
    """The predictor of a network.

    Raises:
        RequestError: Recalibration is not possible, or needs more memory than there is.
    """
    predictor = Predictor(wanted.task, statistics=wanted.statistics, device=device)
    check_memory(predictor.waiting_bytes(), len(wanted.task.data.train), device)
    return predictor


def save_predictions(predictions: Predictions, origin: Origin, path: Path) -> None:
    """Write predictions and what they belong to.

    Raises:
        StoreError: The file cannot be written.
    """
    arrays = {split: np.ascontiguousarray(predictions.split(split)) for split in SPLITS}
    signed = msgspec.structs.replace(origin, digest=_digest(predictions))
    write_bytes_atomically(path, save(arrays, {_FIELD: msgspec.json.encode(signed).decode()}))


def load_predictions(path: Path, origin: Origin) -> tuple[Origin, Predictions] | None:
    """What `save_predictions` wrote; None if the file is absent, damaged, or belongs to something else."""
    try:
        with safe_open(path, framework="np") as file:
            stored = msgspec.json.decode((file.metadata() or {})[_FIELD], type=Origin)
            predictions = Predictions(*(file.get_tensor(split) for split in SPLITS))
    except (OSError, SafetensorError, KeyError, msgspec.MsgspecError):
        return None
    belongs = msgspec.structs.replace(stored, device=origin.device, digest=origin.digest) == origin
    return (stored, predictions) if belongs and stored.digest == _digest(predictions) else None


def _origin(wanted: Wanted, request: EvaluationRequest) -> Origin:
    drawn = request.train_samples is not None or request.test_samples is not None
    return Origin(
        checkpoint=wanted.checkpoint.digest,
        task=wanted.task.name,
        data=wanted.task.data.digest,
        statistics=wanted.statistics,
        sample=(request.train_samples, request.test_samples, request.sample_seed if drawn else 0),
    )


def _digest(predictions: Predictions) -> str:
    state = hashlib.sha256()
    for split in SPLITS:
        array = np.ascontiguousarray(predictions.split(split))
        state.update(f"{split}\0{array.dtype}\0{array.shape}\0".encode())
        state.update(array.tobytes())
    return state.hexdigest()
