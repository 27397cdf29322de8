"""compute: a request in, a result out. Finds it in the store, or evaluates it chunk by chunk.

The only module that knows all studies. Every finished chunk is safe on disk before the next begins, so that whoever
computes the same request later goes on where this one stopped.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import overload

import msgspec
import numpy as np
import torch
import xarray as xr

from landscape.core.errors import StoppedError
from landscape.core.files import save_result
from landscape.core.requests import AnyRequest, LineRequest, PlaneRequest, TrainRequest
from landscape.core.results import is_complete
from landscape.networks.checkpoints import Checkpoint
from landscape.networks.datasets import load_data
from landscape.networks.evaluator import choose_device
from landscape.networks.strategies import Strategy
from landscape.networks.tasks import Data, Task
from landscape.service.home import PARTIAL_FILE, Home
from landscape.service.loading import load
from landscape.service.locks import locked
from landscape.service.provenance import versions, with_provenance
from landscape.service.references import as_home
from landscape.service.run_folders import remember_run
from landscape.service.store import Store
from landscape.service.tuning import build_evaluator, choose_strategy, seconds_per_point
from landscape.studies.sweeps import Loaded, Sweep
from landscape.studies.table import STUDIES
from landscape.training.runs import Run
from landscape.training.trainer import train

Progress = Callable[[int, int, str], None]
Stop = Callable[[], bool]

# A chunk this long costs little bookkeeping, and little is lost or waited for when work stops.
CHUNK_SECONDS = 1.0
LARGEST_CHUNK = 256
# How often the partial result is written for those who watch.
PARTIAL_SECONDS = 1.0
# How often somebody who waits for another process looks whether to stop.
WAITING_SECONDS = 0.5


@overload
def compute(
    request: TrainRequest,
    *,
    home: Home | Path | None = None,
    device: str = "auto",
    progress: Progress | None = None,
    stop: Stop | None = None,
    download: bool = False,
    folder: Path | None = None,
) -> Run: ...
@overload
def compute(
    request: LineRequest | PlaneRequest,
    *,
    home: Home | Path | None = None,
    device: str = "auto",
    progress: Progress | None = None,
    stop: Stop | None = None,
    download: bool = False,
    task: Task | None = None,
    checkpoints: Sequence[Checkpoint] | None = None,
) -> xr.Dataset: ...


def compute(
    request: AnyRequest,
    *,
    home: Home | Path | None = None,
    device: str = "auto",
    progress: Progress | None = None,
    stop: Stop | None = None,
    download: bool = False,
    task: Task | None = None,
    checkpoints: Sequence[Checkpoint] | None = None,
    folder: Path | None = None,
) -> xr.Dataset | Run:
    """Answer a request: from the store if it was answered before, else by computing.

    Args:
        request: The question.
        home: The working folder; None for LANDSCAPE_HOME or the user's data directory.
        device: "auto", "cpu" or "cuda".
        progress: Called with (done, total, note) after each chunk or step.
        stop: Asked between chunks; when it says True, `StoppedError` is raised and what is done is kept.
        download: Whether a data set that is known by name may be fetched if it is not here.
        task: Network, data and loss, for networks that are not in the registry. Its name stands for it in the key:
            give tasks that differ different names.
        checkpoints: Loaded checkpoints, in the order of the request, in place of its references.
        folder: Where a training run goes; None for a folder of its own in the working folder.

    Returns:
        The result of a line or a plane (see `landscape.core.results`), or the run that was trained.

    Raises:
        LandscapeError: Whatever is wrong, in one sentence.
    """
    home = as_home(home)
    progress = progress or _ignore
    stop = stop or _never
    if isinstance(request, TrainRequest):
        data = load_data(request.data, download=download, cache=home.data)
        return _train(request, data, home, device, progress, stop, folder)
    loaded = load(request, home, task=task, checkpoints=checkpoints, download=download)
    store = Store(home)
    key = loaded.request.key
    store.link(request.key, key)
    while True:
        # Two that fill the same folder would mix chunks of different sizes: the second waits for the first's result.
        with locked(home.jobs / f"{key}.lock", patience=WAITING_SECONDS) as held:
            found = store.load(key)
            if found is not None and is_complete(found):
                return found
            if held:
                return _evaluate(request, loaded, store, choose_device(device), progress, stop)
        progress(0, 0, "waiting for another process that computes the same")
        if stop():
            raise _stopped()


def run_folder(request: TrainRequest, home: Home) -> Path:
    """Where the run of a request lies in the working folder."""
    data = Path(request.data).name.partition(".")[0] or request.data
    name = f"{data}-{request.architecture}-{request.recipe}-seed{request.seed}-{request.key[:6]}"
    return home.runs / name


def _train(
    request: TrainRequest,
    data: Data,
    home: Home,
    device: str,
    progress: Progress,
    stop: Stop,
    folder: Path | None,
) -> Run:
    reference = _lasting(request.data)
    Store(home).remember(data.digest, "data", reference)
    where = folder or run_folder(request, home)
    remember_run(home, where)
    return train(request, where, data=data, device=device, reference=reference, progress=progress, stop=stop)


def _lasting(reference: str) -> str:
    """The form of a data reference that still works from another folder."""
    path = Path(reference).expanduser()
    return str(path.absolute()) if path.exists() else reference


def _evaluate(
    asked: LineRequest | PlaneRequest,
    loaded: Loaded,
    store: Store,
    device: torch.device,
    progress: Progress,
    stop: Stop,
) -> xr.Dataset:
    key = loaded.request.key
    sweep = STUDIES[loaded.request.study](loaded)
    begin = time.perf_counter()
    total = len(sweep.coefficients)
    progress(0, total, "measuring the fastest way")
    plan = _plan(sweep, store, device)
    evaluator = build_evaluator(sweep, loaded.task, device, plan.strategy)
    chunks = sweep.chunks(plan.chunk)
    values = np.full((len(sweep.coefficients), 2, 2), np.nan)
    kept = store.chunks(key)
    for number, index in enumerate(chunks):
        if number in kept and kept[number].shape == (len(index), 2, 2):
            values[index] = kept[number]

    def result() -> xr.Dataset:
        seconds = time.perf_counter() - begin
        return with_provenance(sweep.to_dataset(values), asked, loaded, plan.strategy, device, seconds)

    shown = -np.inf
    for number, index in enumerate(chunks):
        if not np.isnan(values[index]).any():
            continue
        if stop():
            raise _stopped()
        values[index] = evaluator.evaluate(sweep.points(index))
        store.put_chunk(key, number, values[index])
        progress(int(np.isfinite(values[:, 0, 1]).sum()), total, "points")
        if time.perf_counter() - shown > PARTIAL_SECONDS:
            shown = time.perf_counter()
            save_result(result(), store.home.result_folder(key) / PARTIAL_FILE)
    finished = result()
    store.put(key, finished)
    (store.home.result_folder(key) / PARTIAL_FILE).unlink(missing_ok=True)
    progress(total, total, "points")
    return finished


class _Plan(msgspec.Struct, frozen=True):
    """What must not change between start and resume: chunks differ in numbering, all else in rounding."""

    strategy: Strategy
    chunk: int
    device: str
    versions: dict[str, str]


def _plan(sweep: Sweep, store: Store, device: torch.device) -> _Plan:
    key = sweep.loaded.request.key
    try:
        plan = msgspec.convert(store.plan(key), _Plan)
    except msgspec.ValidationError:
        plan = None
    if plan is None or (plan.device, plan.versions) != (device.type, versions()):
        # Chunks of an unknown plan, another device or other versions would be mixed with ours; start afresh.
        store.delete(key)
        plan = None
    store.begin(key, sweep.loaded.request.to_json())
    if plan is not None:
        return plan
    strategy = choose_strategy(sweep, store.home, device)
    each = seconds_per_point(sweep, device, strategy)
    groups = max(1, int(CHUNK_SECONDS / max(each, 1e-6)) // strategy.points)
    plan = _Plan(strategy, min(groups * strategy.points, LARGEST_CHUNK), device.type, versions())
    store.put_plan(key, msgspec.to_builtins(plan))
    return plan


def _stopped() -> StoppedError:
    return StoppedError(
        "The computation was stopped; what is finished is kept, and resuming goes on from there."
    )


def _ignore(done: int, total: int, note: str) -> None:
    """Nobody watches."""


def _never() -> bool:
    return False
