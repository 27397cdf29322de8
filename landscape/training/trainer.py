"""The door to training: one function."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import nn

from landscape.core.errors import TrainingError
from landscape.core.requests import TrainRequest
from landscape.core.training_requests import FAMILIES
from landscape.geometry.parameters import ParameterSpace
from landscape.networks.evaluator import choose_device
from landscape.networks.tasks import Data
from landscape.training.alone import train_alone
from landscape.training.families import train_family
from landscape.training.ingredients import Ingredients, Progress
from landscape.training.runs import COMPLETE_FILE, DataRecord, Run, open_run
from landscape.training.starts import Start


def _ignore_progress(done: int, total: int, note: str) -> None:
    pass


def _never_stop() -> bool:
    return False


def train(
    request: TrainRequest,
    folder: Path,
    *,
    data: Data,
    device: str = "auto",
    reference: str | None = None,
    start: Start | None = None,
    teachers: Sequence[nn.Module] = (),
    build: Callable[[], nn.Module] | None = None,
    cache: Path | None = None,
    progress: Progress = _ignore_progress,
    stop: Callable[[], bool] = _never_stop,
) -> Run:
    """Train a network and keep its checkpoints, history and request in a folder.

    What is minimised is the objective of the batch plus 1/2 * weight_decay * |theta|^2 over all parameters. A folder
    that holds an unfinished run of the same request goes on where it was; on the same machine, with the same versions
    and number of threads, the end on a CPU is the same to the bit as without the interruption. A finished run returns
    at once. A family trains its networks one after the other, or side by side where that is faster, with the same
    bits.

    Args:
        request: What to train.
        folder: Where the run lies; see `runs.py`. It is made if it does not exist.
        data: The data set that `request.data` names.
        device: `auto` (a GPU if there is one), `cpu` or `cuda`.
        reference: How a person named the data, for those who load them again; None for what the request says. Networks
            of a family train side by side only if the data can be loaded by it.
        start: What `request.start_from` names.
        teachers: What `request.teachers` names, as networks; they are only read.
        build: Makes a network of the user's own, called under a fixed seed; None for the one that the request names.
            Its name, the request's architecture, stands for it: networks that differ need different names.
        cache: Folder of decoded images, for the processes that train the networks of a family.
        progress: Told (steps done, steps in all, note), at most ten times a second.
        stop: Asked at every step; once it returns true the state is saved.

    Returns:
        The complete run.

    Raises:
        RequestError: The schedule does not fit the data, the network does not, or the device is not there.
        TrainingError: The folder belongs to another request or other data, or the loss is no longer finite.
        StoppedError: `stop` returned true; the same call goes on from there.
        StoreError: The folder cannot be written; what is there is kept.
    """
    record = DataRecord(name=data.name, digest=data.digest, reference=reference or request.data)
    if (folder / COMPLETE_FILE).is_file():
        run = open_run(folder, request, record)
        if build is not None:
            _check_same_network(run, build)
        return run
    ingredients = Ingredients(
        data=data, device=choose_device(device), start=start, teachers=teachers, build=build
    )
    if request.recipe in FAMILIES:
        return train_family(request, folder, ingredients, record, cache=cache, progress=progress, stop=stop)
    return train_alone(request, folder, ingredients, record, progress, stop)


def _check_same_network(run: Run, build: Callable[[], nn.Module]) -> None:
    """Refuse a finished run of another network that has the same name; what a forward does cannot be compared."""
    with torch.random.fork_rng(devices=[]):
        now = ParameterSpace.of(build())
    before = next(run.checkpoints()).space
    if (now.names, now.shapes) != (before.names, before.shapes):
        raise TrainingError(
            f"The run in {run.folder} is of another network named {run.request.architecture!r}, with "
            f"{before.dimension:,} parameters where there are {now.dimension:,} now; give a network that differs "
            "another name."
        )
