"""Results, runs and an example folder, put where the app looks for them, as if they had been computed."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import torch
import xarray as xr

from landscape.core.files import save_result
from landscape.core.requests import TrainRequest
from landscape.core.results import CheckpointRecord, provenance_attribute, provenance_of
from landscape.core.weights_header import CheckpointKind
from landscape.networks.architectures import build_network
from landscape.networks.checkpoint_files import save_checkpoint
from landscape.networks.checkpoints import Checkpoint, CheckpointMetadata
from landscape.networks.datasets import load_data
from landscape.service.home import Home
from landscape.service.pretrained import Index, ResultRecord, save_index
from landscape.service.store import Store
from landscape.training.runs import DataRecord, Run, checkpoint_path, mark_complete, open_run, save_history

# A picture of one transparent pixel.
WEBP = bytes.fromhex("524946461a000000574542505650384c0d0000002f00000010071011118888fe0700")


def put_result(home: Home, result: xr.Dataset) -> str:
    """Keep a result in a working folder; returns its key."""
    key = provenance_of(result).key
    Store(home).put(key, result)
    return key


def put_run(
    folder: Path,
    *,
    architecture: str = "mlp",
    seed: int = 0,
    steps: tuple[int, ...] = (0, 40, 90),
    labels: tuple[str, ...] = (),
    kinds: tuple[CheckpointKind, ...] = (),
    averages: tuple[int, ...] = (),
    request: TrainRequest | None = None,
    complete: bool = True,
) -> Run:
    """A run on the digits whose weights are random, so that it is there at once.

    Args:
        folder: Where it lies.
        architecture: Name of the network, unless a request is given.
        seed: Of the weights, and of the run, unless a request is given.
        steps: At which there are checkpoints.
        labels: Their labels; "" for the rest.
        kinds: Their kinds; "" for the rest.
        averages: Steps at which there are averages, too.
        request: What was asked for.
        complete: Whether it is finished.
    """
    data = load_data("digits")
    record = DataRecord(name=data.name, digest=data.digest, reference="digits")
    request = request or TrainRequest(architecture=architecture, seed=seed, cycles=2)
    run = open_run(folder, request, record)
    for number, step in enumerate((*steps, *averages)):
        average = number >= len(steps)
        with torch.random.fork_rng():
            torch.manual_seed(1000 * seed + step + 500 * average)
            network = build_network(request.architecture, data.input_shape, len(data.classes))
        metadata = CheckpointMetadata(
            architecture=request.architecture,
            input_shape=data.input_shape,
            classes=len(data.classes),
            data=data.name,
            data_digest=data.digest,
            step=step,
            label=labels[number] if number < len(labels) else "",
            kind="average" if average else kinds[number] if number < len(kinds) else "",
            weight_decay=1e-4,
            metrics={"test_accuracy": 0.5, "test_loss": 1.25},
        )
        path = checkpoint_path(folder, step, average=average)
        save_checkpoint(Checkpoint.from_module(network, metadata), path)
    count = torch.arange(1, 91, dtype=torch.float64).numpy()
    history = {
        "step": count,
        "learning_rate": 0.1 / count,
        "train_loss": 2 / count,
        "train_accuracy": 1 - 1 / count,
        "epoch_step": count[29::30],
        "epoch_test_loss": 3 / count[29::30],
        "epoch_test_accuracy": 1 - 2 / count[29::30],
        "checkpoint_step": np.array(steps, float),
        "checkpoint_epoch": np.array(steps, float) / 30,
        "checkpoint_test_accuracy": np.linspace(0.1, 0.9, len(steps)),
    }
    save_history(folder, history)
    if complete:
        mark_complete(folder)
    return run


def put_shipped(folder: Path, results: dict[str, xr.Dataset]) -> Path:
    """A folder of examples with these results, by id."""
    for name, result in results.items():
        save_result(result, folder / name / "result.nc")
        (folder / name / "poster.webp").write_bytes(WEBP)
    records = tuple(
        ResultRecord(
            id=name,
            title=result.attrs["title"],
            finding="Between them the loss rises.",
            file=f"{name}/result.nc",
            poster=f"{name}/poster.webp",
            study=result.attrs["study"],
        )
        for name, result in results.items()
    )
    save_index(Index(results=records), folder)
    return folder


def with_checkpoints_of(result: xr.Dataset, entries: Sequence[tuple[str | None, str]]) -> xr.Dataset:
    """The same result, as if its first checkpoints were these, given by digest and reference."""
    provenance = provenance_of(result)
    records = [
        CheckpointRecord(label=f"w{place}", digest=digest or "", architecture="mlp", source=source)
        for place, (digest, source) in enumerate(entries)
    ]
    records += provenance.checkpoints[len(records) :]
    result.attrs["provenance"] = provenance_attribute(
        msgspec.structs.replace(provenance, checkpoints=tuple(records))
    )
    return result
