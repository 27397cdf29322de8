"""The door to training: one function."""

from collections.abc import Callable
from pathlib import Path

import torch

from landscape.core.requests import TrainRequest
from landscape.networks.evaluator import choose_device
from landscape.networks.tasks import Data
from landscape.training.loop import Progress, Training
from landscape.training.runs import COMPLETE_FILE, DataRecord, Run, open_run


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
    progress: Progress = _ignore_progress,
    stop: Callable[[], bool] = _never_stop,
) -> Run:
    """Train a network and keep its checkpoints, history and request in a folder.

    The objective is the mean cross-entropy of the batch plus 1/2 * weight_decay * |theta|^2 over all parameters. A
    folder that holds an unfinished run of the same request goes on where it was; on the same machine, with the same
    versions and number of threads, the end on a CPU is the same to the bit as without the interruption. A finished
    run returns at once.

    Args:
        request: What to train.
        folder: Where the run lies; see `runs.py`. It is made if it does not exist.
        data: The data set that `request.data` names.
        device: `auto` (a GPU if there is one), `cpu` or `cuda`.
        reference: How a person named the data, for those who load them again; None for what the request says.
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
        return open_run(folder, request, record)
    place = choose_device(device)
    cuda = [torch.cuda.current_device()] if place.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        # First of all, so that a request that cannot work makes no folder.
        training = Training(request, folder, data, place)
        run = open_run(folder, request, record)
        training.go(progress, stop)
    return run
