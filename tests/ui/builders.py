"""Results, runs and an example folder, put where the app looks for them, as if they had been computed."""

from itertools import zip_longest
from pathlib import Path

import torch
import xarray as xr

from landscape.core.files import save_result
from landscape.core.requests import TrainRequest
from landscape.core.results import provenance_of
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
) -> Run:
    """A run on the digits whose weights are random, so that it is there at once."""
    data = load_data("digits")
    record = DataRecord(name=data.name, digest=data.digest, reference="digits")
    run = open_run(folder, TrainRequest(architecture=architecture, seed=seed, cycles=2), record)
    for step, label in zip_longest(steps, labels, fillvalue=""):
        assert isinstance(step, int)
        with torch.random.fork_rng():
            torch.manual_seed(1000 * seed + step)
            network = build_network(architecture, data.input_shape, len(data.classes))
        metadata = CheckpointMetadata(
            architecture=architecture,
            input_shape=data.input_shape,
            classes=len(data.classes),
            data=data.name,
            data_digest=data.digest,
            step=step,
            label=label,
            weight_decay=1e-4,
            metrics={"test_accuracy": 0.5, "test_loss": 1.25},
        )
        save_checkpoint(Checkpoint.from_module(network, metadata), checkpoint_path(folder, step))
    count = torch.arange(1, 91, dtype=torch.float64).numpy()
    history = {
        "step": count,
        "learning_rate": 0.1 / count,
        "train_loss": 2 / count,
        "train_accuracy": 1 - 1 / count,
    }
    save_history(folder, history)
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
