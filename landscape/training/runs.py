"""A training run as it lies in its folder. Reading one needs no torch until a checkpoint is asked for.

The folder: `request.json` (canonical) · `data.json` (name, digest, reference) · `checkpoints/step-000690.safetensors`
and, for means of iterates, `step-000690-average.safetensors` · `optimizer/step-000690.safetensors` (the optimiser's
state at that checkpoint) · `history.npz` · `state/` (while training) · `complete` (empty, written last). A family of
networks has each as a whole run in `members/member-1` ..., and their last networks as its own checkpoints, under the
steps that the family has spent by then.
"""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from landscape.core.errors import CheckpointError, RequestError, TrainingError
from landscape.core.files import write_atomically, write_bytes_atomically
from landscape.core.requests import TrainRequest, request_from_json
from landscape.core.weights_header import read_header

if TYPE_CHECKING:
    from landscape.networks.checkpoints import Checkpoint

REQUEST_FILE = "request.json"
DATA_FILE = "data.json"
HISTORY_FILE = "history.npz"
COMPLETE_FILE = "complete"
CHECKPOINT_FOLDER = "checkpoints"
OPTIMIZER_FOLDER = "optimizer"
MEMBER_FOLDER = "members"
STATE_FOLDER = "state"
_AVERAGE = "-average"


class DataRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Which data a run saw: what people call them, the digest of their content, and how the request named them."""

    name: str
    digest: str
    reference: str


@dataclass(frozen=True)
class Run:
    """One training from one seed, finished or not.

    Attributes:
        folder: Where it lies.
        request: The question it answers.
        data: The data it saw.
    """

    folder: Path
    request: TrainRequest
    data: DataRecord

    @classmethod
    def load(cls, folder: Path | str) -> "Run":
        """The run in a folder.

        Raises:
            TrainingError: The folder holds no run, or one whose records cannot be read.
        """
        folder = Path(folder)
        if not (folder / REQUEST_FILE).is_file():
            raise TrainingError(
                f"{folder} holds no training run ({REQUEST_FILE} is missing); give a folder that `train` wrote."
            )
        try:
            request = request_from_json((folder / REQUEST_FILE).read_bytes())
            data = msgspec.json.decode((folder / DATA_FILE).read_bytes(), type=DataRecord)
        except (OSError, RequestError, msgspec.MsgspecError) as error:
            raise TrainingError(
                f"The records of the run in {folder} cannot be read ({error}); train into another folder."
            ) from error
        if not isinstance(request, TrainRequest):
            raise TrainingError(
                f"{folder} holds a {request.study} request, not a training run; give a folder that `train` wrote."
            )
        return cls(folder, request, data)

    @property
    def complete(self) -> bool:
        """Whether training has reached its last step."""
        return (self.folder / COMPLETE_FILE).is_file()

    @property
    def checkpoint_files(self) -> tuple[Path, ...]:
        """The files of the checkpoints there are, in order of steps, the start first; without averages."""
        return tuple(file for file in self._files if not _is_average(file))

    @property
    def average_files(self) -> tuple[Path, ...]:
        """The files of the means of many iterates, in order of steps."""
        return tuple(file for file in self._files if _is_average(file))

    @property
    def snapshot_files(self) -> tuple[Path, ...]:
        """Those checkpoints that the recipe kept for their own sake: what an ensemble of the run is made of.

        The ends of cycles, the networks of a family, what FGE collected, or the iterates at equal steps; not the start,
        nor what stands between two phases, nor averages.
        """
        kinds = {file: read_header(file).metadata.kind for file in self.checkpoint_files}
        # Runs from before there were kinds kept nothing else after the start.
        return tuple(
            file for file, kind in kinds.items() if kind == "snapshot" or (not kind and step_of(file))
        )

    def checkpoint_file(self, name: str | int) -> Path:
        """The file of one checkpoint.

        Args:
            name: A step; a step with `-average`; `last`, or `average` for the last average.

        Raises:
            CheckpointError: The run has no such checkpoint.
        """
        match str(name):
            case "last":
                found = self.checkpoint_files[-1:]
            case "average":
                found = self.average_files[-1:]
            case wanted:
                wanted = wanted.lstrip("0") if wanted.strip("0") else "0"  # file names have leading zeros
                found = [file for file in self._files if name_of(file) == wanted]
        if not found:
            there = ", ".join(name_of(file) for file in self._files) or "none so far"
            what = "average" if str(name) == "average" else f"checkpoint at step {name}"
            raise CheckpointError(f"The run in {self.folder} has no {what}; there are: {there}.")
        return found[0]

    def optimizer_file(self, step: int) -> Path:
        """Where the optimiser's state at a checkpoint lies; it need not be there."""
        return optimizer_path(self.folder, step)

    @property
    def member_folders(self) -> tuple[Path, ...]:
        """The folders of the runs of a family, in their order; empty for a single run."""
        folders = (self.folder / MEMBER_FOLDER).glob("member-*")
        return tuple(sorted(folders, key=lambda folder: int(folder.name.removeprefix("member-"))))

    @property
    def _files(self) -> list[Path]:
        files = (self.folder / CHECKPOINT_FOLDER).glob("step-*.safetensors")
        return sorted(files, key=lambda file: (step_of(file), _is_average(file)))

    def checkpoints(self) -> Iterator["Checkpoint"]:
        """The checkpoints in order of steps, each read when its turn comes."""
        # Imported here because it brings torch, which those who only list runs do without.
        from landscape.networks.checkpoint_files import load_checkpoint_file

        return map(load_checkpoint_file, self.checkpoint_files)

    @property
    def history(self) -> dict[str, np.ndarray]:
        """What was measured, as float64 arrays.

        Per step: `step`, `learning_rate`, `train_loss` (what is minimised, in nats, mean over the batch in training
        mode, without penalty), `train_accuracy` (fraction of the batch). Per checkpoint, over whole splits in
        evaluation mode without augmentation: `checkpoint_step`, `checkpoint_epoch` (epochs spent), `checkpoint_seconds`
        (spent in training), and `checkpoint_` followed by `train_loss` (cross-entropy), `train_accuracy`, `test_loss`,
        `test_accuracy`. Per kept average: `average_step` and `average_` followed by the same four. Per epoch:
        `epoch_step`, `epoch_test_loss`, `epoch_test_accuracy`. Empty before anything was saved; runs of version 0.1
        have the first eight only.

        Raises:
            TrainingError: The file is damaged.
        """
        path = self.folder / HISTORY_FILE
        if not path.is_file():
            return {}
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return {name: np.asarray(arrays[name], dtype=np.float64) for name in arrays.files}
        except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
            raise TrainingError(
                f"The history {path} is damaged; bring it back from a copy, or train again into another folder. The "
                "run's checkpoints are not touched by this."
            ) from error


def open_run(folder: Path, request: TrainRequest, data: DataRecord) -> Run:
    """The run of this request in this folder, which is made if it is new.

    Raises:
        TrainingError: The folder belongs to another request or to other data.
        StoreError: The folder cannot be written.
    """
    # The request comes last: a folder that holds one holds both.
    if not (folder / REQUEST_FILE).exists():
        write_bytes_atomically(folder / DATA_FILE, msgspec.json.encode(data))
        write_bytes_atomically(folder / REQUEST_FILE, request.to_json().encode())
    run = Run.load(folder)
    if run.request != request:
        raise TrainingError(
            f"{folder} holds a run of another request ({_first_difference(run.request, request)}); "
            "choose another folder, or ask for the same again."
        )
    if run.data.digest != data.digest:
        raise TrainingError(
            f"The run in {folder} was trained on other data ({run.data.name}, digest {run.data.digest[:12]}; now "
            f"{data.name}, digest {data.digest[:12]}); choose another folder, or bring back the same data."
        )
    return run


def save_history(folder: Path, history: dict[str, np.ndarray]) -> None:
    """Write the history; see `Run.history`."""
    arrays = {name: np.asarray(values, np.float64) for name, values in history.items()}

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    write_atomically(folder / HISTORY_FILE, write)


def mark_complete(folder: Path) -> None:
    """Remove what killed writers left, and write the mark that a finished run carries."""
    for place in (folder, folder / CHECKPOINT_FOLDER, folder / OPTIMIZER_FOLDER):
        for leftover in place.glob(".*.tmp"):
            leftover.unlink(missing_ok=True)
    write_bytes_atomically(folder / COMPLETE_FILE, b"")


def checkpoint_path(folder: Path, step: int, *, average: bool = False) -> Path:
    """Where the checkpoint of one step lies."""
    return folder / CHECKPOINT_FOLDER / f"step-{step:06d}{_AVERAGE if average else ''}.safetensors"


def optimizer_path(folder: Path, step: int) -> Path:
    """Where the optimiser's state at the checkpoint of one step lies."""
    return folder / OPTIMIZER_FOLDER / f"step-{step:06d}.safetensors"


def name_of(file: Path) -> str:
    """What stands behind the @ in a reference to a checkpoint of a run: its step, and `-average` for an average."""
    return f"{step_of(file)}{_AVERAGE if _is_average(file) else ''}"


def step_of(file: Path) -> int:
    """The step in a checkpoint file's name; -1 for a name of another form."""
    number = file.name.removeprefix("step-").removesuffix(".safetensors").removesuffix(_AVERAGE)
    return int(number) if number.isdecimal() else -1


def _is_average(file: Path) -> bool:
    return file.stem.endswith(_AVERAGE)


def _first_difference(before: TrainRequest, now: TrainRequest) -> str:
    for name in TrainRequest.__struct_fields__:
        there, here = getattr(before, name), getattr(now, name)
        if there != here:
            return f"{name} is {there} there and {here} here"
    return "its fields are the same"
