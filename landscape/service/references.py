"""From what people write (a file, `RUN_DIR@STEP`, a name, a digest) to checkpoints and data."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from landscape.core.data_references import split_reference
from landscape.core.errors import CheckpointError, DataError
from landscape.core.weights_header import CheckpointMetadata
from landscape.networks.architectures import build_network
from landscape.networks.checkpoint_files import load_checkpoint_file
from landscape.networks.checkpoints import Checkpoint
from landscape.networks.datasets import load_data
from landscape.networks.tasks import Data, Task
from landscape.service.home import Home
from landscape.service.store import Store
from landscape.training.runs import Run, name_of

_DIGEST = re.compile(r"[0-9a-f]{64}")
_STEP = re.compile(r"\d+(-average)?|last|average")
_PICKLES = (".pt", ".pth", ".th", ".bin", ".ckpt")


def load_checkpoint(reference: str | Path, *, home: Home | Path | None = None) -> Checkpoint:
    """A checkpoint by reference.

    Args:
        reference: A file (`.safetensors`; `.pt`, `.pth` and `.th` are first imported by a separate process that
            executes nothing), `RUN_DIR@STEP`, `RUN_DIR@last`, `RUN_NAME@STEP` for a run in the working folder, or
            the digest of a checkpoint that was seen before.
        home: The working folder; None for the default one.

    Raises:
        CheckpointError: There is no such checkpoint, it is damaged, or it is not plain weights.
    """
    home = as_home(home)
    file, source = _find(str(reference), home)
    if file.suffix.lower() in _PICKLES:
        from landscape.service.imports import import_upload  # a child process of its own; rarely needed

        upload = import_upload(file, file.name, home)
        file = upload.weights
    checkpoint = load_checkpoint_file(file)
    if _DIGEST.fullmatch(str(reference)) and checkpoint.digest != reference:
        raise CheckpointError(
            f"{source} no longer holds the checkpoint with the digest {str(reference)[:12]}… (now "
            f"{checkpoint.digest[:12]}…); bring that one back, or name the new one by its file."
        )
    checkpoint = replace(checkpoint, source=source)
    Store(home).remember(checkpoint.digest, "checkpoint", source)
    return checkpoint


def load_task(metadata: CheckpointMetadata, data: Data) -> Task:
    """The task of a checkpoint of the registry: its architecture, for this data.

    Raises:
        DataError: The network has another number of classes, or takes inputs of another shape.
    """
    classes, shape = metadata.classes, metadata.input_shape
    if classes is not None and classes != len(data.classes):
        raise DataError(
            f"The network tells {classes} classes apart, but the data set {data.name!r} has {len(data.classes)}; "
            "choose the data that it was trained on."
        )
    if shape is not None and len(shape) == len(data.input_shape) and shape[0] != data.input_shape[0]:
        raise DataError(
            f"The network takes inputs of shape {list(shape)}, but those of {data.name!r} are "
            f"{list(data.input_shape)}; choose the data that it was trained on."
        )
    return Task(metadata.architecture, _builder(metadata.architecture, data), data)


def load_request_data(
    reference: str | None, checkpoints: list[Checkpoint], home: Home, *, download: bool = False
) -> Data:
    """The data set that a request names, or the one that its checkpoints were trained on.

    Raises:
        DataError: The data cannot be found or have changed, or the checkpoints do not agree and none is named.
    """
    store = Store(home)
    if reference is not None:
        base, modifiers = split_reference(reference)
        found = store.locate(base) if _DIGEST.fullmatch(base) else base
        location = None if found is None else found + modifiers
        if location is None:
            raise DataError(
                f"No data set with the digest {reference[:12]}… has been seen in {home.path}; name it or give its path."
            )
        data = _remembered(load_data(location, download=download, cache=home.data), location, store)
        if _DIGEST.fullmatch(reference) and data.digest != reference:
            raise DataError(
                f"The data set {location!r} no longer has the digest {reference[:12]}… (now {data.digest[:12]}…); "
                "bring the old one back, or name the new one by its path."
            )
        return data
    trained = {c.metadata.data_digest: c.metadata.data for c in checkpoints if c.metadata.data_digest}
    if len(trained) != 1:
        names = " and ".join(sorted(str(name) for name in trained.values()))
        reason = (
            f"were trained on different data ({names})"
            if trained
            else "do not say which data they were trained on"
        )
        raise DataError(f"The checkpoints {reason}; name the data set to evaluate them on, with --data.")
    ((digest, name),) = trained.items()
    location = store.locate(str(digest)) or _run_data(checkpoints) or str(name)
    data = _remembered(load_data(location, download=download, cache=home.data), location, store)
    if data.digest != digest:
        raise DataError(
            f"The data set {location!r} is not the one that the checkpoints were trained on (its content has "
            f"digest {data.digest[:12]}…, theirs {str(digest)[:12]}…); name the right one with --data."
        )
    return data


def as_home(home: Home | Path | None) -> Home:
    """The working folder, created if it is not there."""
    path = home.path if isinstance(home, Home) else home
    # What is remembered of a place in it must hold in other directories, too.
    return (Home(path.absolute()) if path is not None else Home.default()).ensure()


def _find(reference: str, home: Home) -> tuple[Path, str]:
    """The file of a checkpoint, and the form of the reference that still works from elsewhere."""
    if _DIGEST.fullmatch(reference):
        location = Store(home).locate(reference)
        if location is None:
            raise CheckpointError(
                f"No checkpoint with the digest {reference[:12]}… has been seen in {home.path}; give its file."
            )
        return _find(location, home)
    folder, at, step = reference.rpartition("@")
    if at and not Path(reference).exists():
        run = Run.load(_run_folder(folder, home))
        if not _STEP.fullmatch(step):
            there = ", ".join(name_of(file) for file in (*run.checkpoint_files, *run.average_files))
            raise CheckpointError(
                f"{step!r} is not a step of the run {folder}; write one of {there}, or last, or average."
            )
        file = run.checkpoint_file(step)
        return file, f"{run.folder}@{name_of(file)}"
    path = Path(reference).expanduser().absolute()
    if not path.is_file():
        hint = " A run's checkpoint is written RUN_DIR@STEP or RUN_DIR@last." if path.is_dir() else ""
        raise CheckpointError(f"There is no checkpoint file {reference}; check the path.{hint}")
    return path, _as_step(path)


def _as_step(path: Path) -> str:
    # A file inside a run's folder is the same checkpoint as RUN_DIR@STEP, and reads better.
    run = path.parent.parent
    is_step = (
        path.parent.name == "checkpoints"
        and (run / "request.json").is_file()
        and path.stem.startswith("step-")
    )
    return f"{run}@{name_of(path)}" if is_step else str(path)


def _run_folder(name: str, home: Home) -> Path:
    for folder in (Path(name).expanduser().absolute(), home.runs / name):
        if folder.is_dir():
            return folder
    raise CheckpointError(
        f"There is no run folder {name}, and no run of that name in {home.runs}; check the path."
    )


def _run_data(checkpoints: list[Checkpoint]) -> str | None:
    """How the run that a checkpoint belongs to named its data."""
    for checkpoint in checkpoints:
        folder, at, _ = checkpoint.source.rpartition("@")
        if at and (Path(folder) / "data.json").is_file():
            return Run.load(folder).data.reference
    return None


def _remembered(data: Data, location: str, store: Store) -> Data:
    store.remember(data.digest, "data", location)
    return data


def _builder(architecture: str, data: Data) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            return build_network(architecture, data.input_shape, len(data.classes))

    return build
