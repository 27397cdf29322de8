"""One family of ResNet-20s on CIFAR-10 (JPEG) at the budgets of the papers, trained over as many sittings as it takes.

    python -m benchmarks.gpu_family FOLDER --data cifar10-jpeg.tar.gz [--seconds 480]

The list goes from the most wanted run to the least. A sitting trains as far as its seconds reach and stops between two
steps; the next one goes on there. In FOLDER: `runs/` the runs as they are; `small/` for each finished run what is worth
a commit (float16 weights, thinned curves) with `rounding.json`, which states what the rounding costs; `packed/`
all that the next sitting needs, in pieces, for machines that are given back bare.
"""

import argparse
import json
import shutil
import tarfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
from msgspec.structs import replace as changed
from safetensors.torch import save

from landscape.core.errors import StoppedError
from landscape.core.files import write_atomically, write_bytes_atomically
from landscape.core.requests import TrainRequest
from landscape.core.threads import let_waiting_threads_sleep
from landscape.core.weights_header import METADATA_FIELD, CheckpointMetadata, StoredMetadata
from landscape.networks.checkpoint_files import load_checkpoint_file
from landscape.networks.checkpoints import Checkpoint
from landscape.networks.datasets import load_data
from landscape.networks.evaluator import choose_device
from landscape.networks.tasks import Data
from landscape.service.compute import compute
from landscape.service.home import Home
from landscape.service.references import load_task
from landscape.training.evaluation import evaluate_splits
from landscape.training.runs import (
    COMPLETE_FILE,
    DATA_FILE,
    HISTORY_FILE,
    REQUEST_FILE,
    Run,
    step_of,
)

PIECE = 15 << 20  # bytes
PACKED = "packed"
MOST_POINTS = 2_000  # of a curve that is shipped
REPORT_SECONDS = 30


@dataclass(frozen=True)
class Member:
    """A run of the family.

    Attributes:
        name: Of its folder.
        request: What to train; its data are those of the sitting.
        after: The run and the epoch of it from whose checkpoint this one goes on, or None.
    """

    name: str
    request: TrainRequest
    after: tuple[str, int] | None = None


# Rates: Huang et al. (2017), section 4; Garipov et al. (2018) and Izmailov et al. (2018), their released code for
# PreResNet, whose weight decay all share here so that they can be compared. rho of Layca: Carbonnelle and De
# Vleeschouwer (2019), their best and a ninth of it.
_COMMON = TrainRequest(
    architecture="resnet20",
    recipe="standard",
    cycles=5,
    epochs=200,
    learning_rate=0.1,
    weight_decay=3e-4,
    batch_size=128,
    augmentation="crop-flip",
    precision="bfloat16",
)
_LAYCA = changed(_COMMON, recipe="layca", cycles=1, epochs=100, weight_decay=0.0)
FAMILY = (
    Member("snapshot", changed(_COMMON, recipe="snapshot", learning_rate=0.2)),
    Member("standard", _COMMON),
    Member(
        "fge",
        changed(_COMMON, recipe="fge", cycles=6, epochs=40, period=4, high_rate=0.05, low_rate=0.01),
        after=("standard", 160),
    ),
    Member("sgd", changed(_COMMON, cycles=1, schedule="late-linear")),
    Member("swa", changed(_COMMON, recipe="swa", cycles=2, start_epoch=161, low_rate=0.01)),
    Member("single-cycle", changed(_COMMON, recipe="single-cycle", learning_rate=0.2)),
    Member("layca", changed(_LAYCA, learning_rate=3**-3)),
    Member("layca-slow", changed(_LAYCA, learning_rate=3**-5)),
    Member("independent", changed(_COMMON, recipe="independent", cycles=3)),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_family", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", required=True, help="CIFAR-10 (JPEG), a folder or an archive")
    parser.add_argument("--seconds", type=float, default=480, help="when to stop (default: 480)")
    asked = parser.parse_args()
    end = time.monotonic() + asked.seconds
    let_waiting_threads_sleep()
    sit(FAMILY, asked.folder, data=asked.data, stop=lambda: time.monotonic() > end)
    for name, numbers in summary(FAMILY, asked.folder).items():
        print(name, *(f"{key} {value:.4g}" for key, value in numbers.items()), sep="  ")


def sit(
    members: Sequence[Member],
    folder: Path,
    *,
    data: str,
    stop: Callable[[], bool],
    device: str = "auto",
) -> bool:
    """Train the members in turn until all are finished or somebody says stop.

    Returns:
        Whether all are finished.
    """
    folder.mkdir(parents=True, exist_ok=True)
    unpack(folder)
    try:
        for member in members:
            if _small(folder, member.name).exists():
                continue
            if stop():
                raise StoppedError("The time is over.")
            print(f"-- {member.name}", flush=True)
            run = compute(
                request_of(member, folder, data),
                home=folder / "home",
                device=device,
                folder=_place(folder, member.name),
                progress=_Teller(member.name),
                stop=stop,
            )
            write_small(run, folder / "small" / member.name, home=folder / "home", device=device)
    except StoppedError as error:
        print(f"{error} The same command goes on from there.", flush=True)
        return False
    finally:
        pack(members, folder)
    return True


def request_of(member: Member, folder: Path, data: str) -> TrainRequest:
    """The member's request with its data, and with the checkpoint from which it goes on."""
    request = changed(member.request, data=data)
    if member.after is None:
        return request
    name, epoch = member.after
    start = Run.load(_place(folder, name))
    (step,) = (
        step_of(file) for file in start.checkpoint_files if load_checkpoint_file(file).metadata.epoch == epoch
    )
    return changed(request, start_from=f"{start.folder}@{step}")


def write_small(run: Run, out: Path, *, home: Path, device: str = "auto") -> None:
    """The run in a form worth a commit; see the module."""
    data = load_data(run.data.reference, cache=Home(home).data)
    rounding = {}
    for file in (*run.snapshot_files, *run.average_files):
        checkpoint = load_checkpoint_file(file)
        small = rounded(checkpoint)
        write_bytes_atomically(out / "checkpoints" / file.name, half_bytes(small))
        rounding[file.stem] = compare(checkpoint, small, data, device)
    losses = [row["test_accuracy"]["float32"] - row["test_accuracy"]["float16"] for row in rounding.values()]
    stated = {"largest_loss_of_test_accuracy": max(losses), "checkpoints": rounding}
    write_bytes_atomically(out / "rounding.json", json.dumps(stated, indent=1).encode() + b"\n")
    thin = thinned(run.history)
    write_atomically(out / HISTORY_FILE, lambda file: _save_arrays(file, thin))
    # Places on this machine mean nothing elsewhere.
    name = Path(run.request.data).name
    start = run.request.start_from
    request = changed(run.request, data=name, start_from=start and Path(start).name)
    record = msgspec.structs.replace(run.data, reference=name)
    write_bytes_atomically(out / DATA_FILE, msgspec.json.encode(record))
    write_bytes_atomically(out / REQUEST_FILE, request.to_json().encode())
    write_bytes_atomically(out / COMPLETE_FILE, b"")


def rounded(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint at the nearest parameters that float16 has; its statistics stay as they are."""
    return replace(checkpoint, theta=checkpoint.theta.half().float())


def half_bytes(checkpoint: Checkpoint) -> bytes:
    """A checkpoint file with parameters in float16, which the loader reads as float32; no other value changes."""
    fields = {name: getattr(checkpoint.metadata, name) for name in CheckpointMetadata.__struct_fields__}
    stored = StoredMetadata(
        **fields, parameters=checkpoint.space.names, roles=checkpoint.space.roles, digest=checkpoint.digest
    )
    parameters = checkpoint.space.unflatten(checkpoint.theta.half())
    tensors = {name: tensor.contiguous() for name, tensor in {**parameters, **checkpoint.buffers}.items()}
    return save(tensors, {METADATA_FIELD: msgspec.json.encode(stored, order="deterministic").decode()})


def compare(before: Checkpoint, after: Checkpoint, data: Data, device: str) -> dict[str, dict[str, float]]:
    """Losses and accuracies over whole splits, before and after rounding."""
    place = choose_device(device)
    network = load_task(before.metadata, data).build().to(place)
    at_place = data.to(place)
    found: dict[str, dict[str, float]] = {}
    for name, checkpoint in (("float32", before), ("float16", after)):
        checkpoint.load_into(network)
        for measure, value in evaluate_splits(network, at_place).items():
            found.setdefault(measure, {})[name] = value
    return found


def thinned(history: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The history with at most `MOST_POINTS` entries per step: means of equal stretches, at their last step."""
    count = len(history["step"])
    starts = np.arange(0, count, -(-count // MOST_POINTS))
    lengths = np.diff(starts, append=count)
    thin = {}
    for name, values in history.items():
        if len(values) != count:
            thin[name] = values
        elif name in ("step", "learning_rate"):
            thin[name] = values[starts + lengths - 1]
        else:
            thin[name] = np.add.reduceat(values, starts) / lengths
    return thin


def summary(members: Sequence[Member], folder: Path) -> dict[str, dict[str, float]]:
    """Of each finished run: test accuracy of its last network and of its average, and seconds per epoch."""
    found = {}
    for member in members:
        if not _small(folder, member.name).exists():
            continue
        history = Run.load(folder / "small" / member.name).history
        numbers = {"test_accuracy": history["checkpoint_test_accuracy"][-1]}
        if len(history.get("average_test_accuracy", ())):
            numbers["average"] = history["average_test_accuracy"][-1]
        spent = history["checkpoint_epoch"][-1] - history["checkpoint_epoch"][0]
        numbers["seconds_per_epoch"] = history["checkpoint_seconds"][-1] / spent
        found[member.name] = {key: float(value) for key, value in numbers.items()}
    return found


def pack(members: Sequence[Member], folder: Path) -> None:
    """Write in pieces what the next sitting needs: unfinished runs and their starts, and what is finished."""
    left = [member for member in members if not _small(folder, member.name).exists()]
    starts = {member.after[0] for member in left if member.after is not None}
    wanted = [_place(folder, name) for name in {member.name for member in left} | starts]
    # The new pieces are whole before the old ones go; a kill between the two leaves both, and the new ones win.
    fresh = folder / "packing"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    archive = fresh / "family.tar"
    with tarfile.open(archive, "w") as tar:
        for place in sorted(path for path in [*wanted, folder / "small"] if path.exists()):
            tar.add(place, place.relative_to(folder).as_posix())
    with archive.open("rb") as file:
        for number, content in enumerate(iter(lambda: file.read(PIECE), b"")):
            (fresh / f"family.tar.{number:02}").write_bytes(content)
    archive.unlink()
    shutil.rmtree(folder / PACKED, ignore_errors=True)
    fresh.replace(folder / PACKED)


def unpack(folder: Path) -> None:
    """Bring back what an earlier sitting packed, where it is not there any more."""
    packed = folder / PACKED if (folder / PACKED).is_dir() else folder / "packing"
    pieces = sorted(packed.glob("family.tar.*"))
    if not pieces or (folder / "runs").exists():
        return
    # Whole or not at all: half of it would be taken for all that there is.
    fresh = folder / "unpacking"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    archive = fresh / "family.tar"
    with archive.open("wb") as file:
        for piece in pieces:
            file.write(piece.read_bytes())
    with tarfile.open(archive) as tar:
        tar.extractall(fresh, filter="data")
    for name in ("small", "runs"):  # runs last: they are what is asked for above
        (fresh / name).mkdir(exist_ok=True)
        shutil.rmtree(folder / name, ignore_errors=True)
        (fresh / name).replace(folder / name)
    shutil.rmtree(fresh)


class _Teller:
    """Prints how far a run is, now and then."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._next = time.monotonic() + REPORT_SECONDS

    def __call__(self, done: int, total: int, note: str) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + REPORT_SECONDS
            print(f"   {self._name}: {done} of {total}, {note}", flush=True)


def _place(folder: Path, name: str) -> Path:
    return folder / "runs" / name


def _small(folder: Path, name: str) -> Path:
    """The mark of a finished run."""
    return folder / "small" / name / COMPLETE_FILE


def _save_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


if __name__ == "__main__":
    main()
