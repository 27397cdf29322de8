"""What there is to look at: checkpoints of runs, of uploads, and of what comes with the app. No torch here."""

import functools
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from landscape.core.errors import CheckpointError, TrainingError
from landscape.core.weights_header import WeightsHeader, read_header
from landscape.service.home import Home
from landscape.service.pretrained import pretrained_run_folders
from landscape.service.run_folders import run_folders
from landscape.service.uploads import Upload, uploads
from landscape.training.runs import HISTORY_FILE, Run, name_of, step_of

Origin = Literal["pretrained", "run", "upload"]


@dataclass(frozen=True, kw_only=True)
class RunEntry:
    """One training run.

    Attributes:
        name: Name of its folder.
        folder: Where it lies.
        origin: Whether it comes with the app.
        run: Its records, or None if they cannot be read.
        problem: One sentence why they cannot, or None.
    """

    name: str
    folder: Path
    origin: Origin
    run: Run | None
    problem: str | None


@dataclass(frozen=True, kw_only=True)
class CheckpointEntry:
    """One checkpoint of the list.

    Attributes:
        reference: What a request takes: the digest of a run's checkpoint is found under RUN_DIR@STEP, an upload's
            under its file.
        label: Short name, unique within its group.
        group: The run, or "uploads".
        origin: Where it comes from.
        file: The safetensors file.
        architecture: Name of the network, "" if not known.
        data: Name of the data set it was trained on, "" if not known.
        data_digest: Digest of that data set, or None.
        step: Training step, or None.
        kind: What it is to its run: "start", "snapshot", "between" or "average"; "" if not known.
        parameters: Number of trainable numbers; 0 if not known.
        digest: Digest of architecture and tensors, or None.
        metrics: Losses in nats per example, accuracies as fractions.
        layout: Equal for checkpoints whose trainable tensors have the same names and shapes.
        problem: One sentence why it cannot be used, or None.
    """

    reference: str
    label: str
    group: str
    origin: Origin
    file: Path
    architecture: str = ""
    data: str = ""
    data_digest: str | None = None
    step: int | None = None
    kind: str = ""
    parameters: int = 0
    digest: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    layout: str = ""
    problem: str | None = None


def list_runs(home: Home, *, extra: Path | None = None) -> list[RunEntry]:
    """All runs: those that come with the app if `extra` names their folder, then the reader's own, newest first."""
    shipped = pretrained_run_folders(extra) if extra is not None else []
    return [
        *(_run_entry(folder, "pretrained") for folder in shipped),
        *(_run_entry(folder, "run") for folder in run_folders(home)),
    ]


def list_checkpoints(home: Home, *, extra: Path | None = None) -> list[CheckpointEntry]:
    """All checkpoints: run by run in order of steps, an average after its iterate; then uploads, newest first.

    Args:
        home: The working folder.
        extra: The folder of what comes with the app, or None to leave that out.
    """
    entries = [entry for run in list_runs(home, extra=extra) for entry in _run_checkpoints(run)]
    return [*entries, *map(_upload_entry, uploads(home))]


def snapshots(entry: RunEntry) -> list[CheckpointEntry]:
    """What an ensemble of a run is made of: ends of cycles, networks of a family, iterates at equal steps.

    Neither the start nor averages are among them; a damaged file is, with its problem.
    """
    # The rule of `Run.snapshot_files`, by headers that were read before.
    return [
        checkpoint
        for checkpoint in _run_checkpoints(entry)
        if checkpoint.kind == "snapshot" or (not checkpoint.kind and step_of(checkpoint.file))
    ]


def network_in_work(entry: RunEntry) -> RunEntry | None:
    """The network that was worked on last, of a family that is still being trained; None for any other run."""
    if entry.run is None or entry.run.complete:
        return None
    begun = [folder for folder in entry.run.member_folders if (folder / HISTORY_FILE).is_file()]
    if not begun:
        return None
    return _run_entry(max(begun, key=lambda folder: (folder / HISTORY_FILE).stat().st_mtime_ns), entry.origin)


def compatible(entries: Sequence[CheckpointEntry]) -> list[str | None]:
    """For each entry None, or one sentence why it cannot be combined with the first."""
    return [_obstacle(entries[0], entry) for entry in entries]


def _obstacle(first: CheckpointEntry, other: CheckpointEntry) -> str | None:
    if other.problem is not None:
        return other.problem
    if other.reference == first.reference:
        return None
    here, there = _called(other), _called(first)
    if other.architecture != first.architecture:
        return (
            f"{here} is {_named(other.architecture)}, but {there} is {_named(first.architecture)}; "
            "choose checkpoints of one network."
        )
    if None not in (first.data_digest, other.data_digest) and other.data_digest != first.data_digest:
        return (
            f"{here} was trained on {other.data}, but {there} on {first.data}; "
            "choose checkpoints trained on the same data."
        )
    if other.parameters != first.parameters:
        return (
            f"{here} has {other.parameters:,} parameters, but {there} has {first.parameters:,}; "
            "choose checkpoints of one network."
        )
    if other.layout != first.layout:
        return f"The tensors of {here} have other names or shapes than those of {there}; choose another."
    if other.digest is not None and other.digest == first.digest:
        return f"{here} has exactly the same weights as {there}; choose another."
    return None


def _called(entry: CheckpointEntry) -> str:
    return entry.label if entry.origin == "upload" else f"{entry.label} of {entry.group}"


def _named(architecture: str) -> str:
    return architecture or "a network of unknown architecture"


def _run_entry(folder: Path, origin: Origin) -> RunEntry:
    try:
        run, problem = Run.load(folder), None
    except TrainingError as error:
        run, problem = None, str(error)
    return RunEntry(name=folder.name, folder=folder, origin=origin, run=run, problem=problem)


def _run_checkpoints(entry: RunEntry) -> Iterator[CheckpointEntry]:
    if entry.run is None:
        return
    averages = set(entry.run.average_files)
    files = [*entry.run.checkpoint_files, *averages]
    for file in sorted(files, key=lambda file: (step_of(file), file in averages)):
        reference = f"{entry.folder.absolute()}@{name_of(file)}"
        label = f"step {step_of(file)}" + (", average" if file in averages else "")
        yield _entry(file, reference, label, entry.name, entry.origin, entry.run.data.name)


def _upload_entry(upload: Upload) -> CheckpointEntry:
    if upload.problem is not None:
        return CheckpointEntry(
            reference=str(upload.weights),
            label=upload.name,
            group="uploads",
            origin="upload",
            file=upload.weights,
            parameters=upload.manifest.parameters,
            problem=upload.problem,
        )
    return _entry(upload.weights, str(upload.weights), upload.name, "uploads", "upload", "")


def _entry(file: Path, reference: str, label: str, group: str, origin: Origin, data: str) -> CheckpointEntry:
    """The entry of a checkpoint file of ours; a damaged file becomes an entry that says so."""
    entry = CheckpointEntry(
        reference=reference, label=label, group=group, origin=origin, file=file, data=data
    )
    try:
        status = file.stat()
        header, layout = _read(file, status.st_mtime_ns, status.st_size)
    except CheckpointError as error:
        return replace(entry, problem=str(error))
    except OSError:
        return replace(entry, problem=f"{file} cannot be read; check the disk.")
    metadata = header.metadata
    return replace(
        entry,
        architecture=metadata.architecture,
        data=data or metadata.data or "",
        data_digest=metadata.data_digest,
        step=metadata.step,
        kind=metadata.kind,
        parameters=header.parameter_count or 0,
        digest=header.stored.digest if header.stored else None,
        metrics=metadata.metrics,
        layout=layout,
        label=f"{metadata.label} ({label})" if origin != "upload" and metadata.label else label,
    )


@functools.lru_cache(maxsize=4096)
def _read(file: Path, modified: int, size: int) -> tuple[WeightsHeader, str]:
    """Header and layout; pages ask again at every click, so what has not changed is not read again."""
    del modified, size  # they only tell one state of the file from the next
    header = read_header(file)
    names = header.stored.parameters if header.stored else tuple(sorted(header.tensors))
    layout = repr([(name, header.tensors[name].shape) for name in names])
    return header, hashlib.sha256(layout.encode()).hexdigest()
