"""A training run as the working folder knows it: data and checkpoints by reference, a folder of its own."""

from collections.abc import Callable
from pathlib import Path

import msgspec
from torch import nn

from landscape.core.data_references import file_words, lasting_reference
from landscape.core.errors import RequestError
from landscape.core.requests import TrainRequest
from landscape.networks.checkpoints import Checkpoint
from landscape.networks.datasets import load_data
from landscape.networks.tasks import Data, Task
from landscape.service.home import Home
from landscape.service.references import load_checkpoint, load_task
from landscape.service.run_folders import remember_run
from landscape.service.store import Store
from landscape.training.runs import Run, optimizer_path
from landscape.training.starts import Start
from landscape.training.state import load_optimizer_state
from landscape.training.trainer import train


def train_run(
    request: TrainRequest,
    home: Home,
    *,
    device: str,
    progress: Callable[[int, int, str], None],
    stop: Callable[[], bool],
    download: bool = False,
    folder: Path | None = None,
    task: Task | None = None,
) -> Run:
    """Train, or go on, or find the finished run of a request.

    Args:
        request: What to train. Checkpoints in it are replaced by their digests before anything is written.
        home: The working folder.
        device: auto, cpu or cuda.
        progress: Told (steps done, steps in all, note).
        stop: Asked at every step.
        download: Whether a named data set may be fetched.
        folder: Where the run lies; None for a folder of its own in the working folder.
        task: Network and data of the user's own; its name must be the request's architecture.

    Raises:
        LandscapeError: Whatever is wrong; see `training.trainer.train`.
    """
    if task is not None and task.name != request.architecture:
        raise RequestError(
            f"The request is about the network {request.architecture!r}, and the task is {task.name!r}; give both "
            "the same name."
        )
    data = load_data(request.data, download=download, cache=home.data) if task is None else task.data
    start = None if request.start_from is None else load_start(request.start_from, home)
    teachers = [load_checkpoint(reference, home=home) for reference in request.teachers]
    request = msgspec.structs.replace(
        request,
        start_from=None if start is None else start.checkpoint.digest,
        teachers=tuple(teacher.digest for teacher in teachers),
    )
    reference = lasting_reference(request.data)
    if task is None:
        Store(home).remember(data.digest, "data", reference)
    where = folder or run_folder(request, home)
    remember_run(home, where)
    return train(
        request,
        where,
        data=data,
        device=device,
        reference=reference,
        start=start,
        teachers=[network_of(teacher, data) for teacher in teachers],
        build=None if task is None else task.build,
        cache=home.data,
        progress=progress,
        stop=stop,
    )


def load_start(reference: str, home: Home) -> Start:
    """A checkpoint to begin with, and the optimiser's state that its run kept with it.

    Raises:
        CheckpointError: There is no such checkpoint, or the state is damaged.
    """
    checkpoint = load_checkpoint(reference, home=home)
    folder, at, step = checkpoint.source.rpartition("@")
    state = load_optimizer_state(optimizer_path(Path(folder), int(step))) if at and step.isdigit() else None
    return Start(checkpoint=checkpoint, state=state)


def run_folder(request: TrainRequest, home: Home) -> Path:
    """Where the run of a request lies in the working folder."""
    name = f"{file_words(request.data)}-{request.architecture}-{request.recipe}-seed{request.seed}-{request.key[:6]}"
    return home.runs / name


def network_of(checkpoint: Checkpoint, data: Data) -> nn.Module:
    """A checkpoint as a network that predicts, for data like these."""
    module = load_task(checkpoint.metadata, data).build()
    checkpoint.load_into(module)
    return module.eval()
