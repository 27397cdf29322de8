"""compute: a request in, a result out. Finds it in the store, or evaluates it chunk by chunk, or network by network.

The only module that knows all studies. Every finished chunk is safe on disk before the next begins, and so are the
predictions of every network; whoever computes the same request later goes on where this one stopped.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import msgspec
import numpy as np
import torch
import xarray as xr

from landscape.core.errors import StoppedError
from landscape.core.files import save_result
from landscape.core.requests import AnyEvaluation, AnyRequest, SearchRequest, TrainRequest
from landscape.core.results import is_complete
from landscape.networks.checkpoints import Checkpoint
from landscape.networks.evaluator import choose_device
from landscape.networks.recalibration import BATCH_SIZE
from landscape.networks.strategies import Strategy
from landscape.networks.tasks import Task
from landscape.service.home import PARTIAL_FILE, Home
from landscape.service.loading import load
from landscape.service.locks import locked
from landscape.service.predictions import STOPPED, predict_all
from landscape.service.provenance import device_name, renamed, versions, with_provenance
from landscape.service.references import as_home
from landscape.service.store import Store
from landscape.service.training import train_run
from landscape.service.tuning import build_evaluator, choose_strategy, seconds_per_point
from landscape.studies.prediction_studies import Comparison
from landscape.studies.sweeps import Loaded, Sweep
from landscape.studies.table import STUDIES
from landscape.training.runs import Run

Progress = Callable[[int, int, str], None]
Stop = Callable[[], bool]

# A chunk this long costs little bookkeeping, and little is lost or waited for when work stops.
CHUNK_SECONDS = 1.0
LARGEST_CHUNK = 256
# How often the partial result is written for those who watch, and the largest share of the time that this may take:
# building and writing the file takes some 50 ms, however small it is.
PARTIAL_SECONDS = 1.0
PARTIAL_SHARE = 0.02
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
    task: Task | None = None,
    folder: Path | None = None,
) -> Run: ...
@overload
def compute(
    request: AnyEvaluation | SearchRequest,
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
        The result (see `landscape.core.results`), or the run that was trained.

    Raises:
        LandscapeError: Whatever is wrong, in one sentence.
    """
    home = as_home(home)
    progress = progress or _ignore
    stop = stop or _never
    if isinstance(request, TrainRequest):
        return train_run(
            request,
            home,
            device=device,
            progress=progress,
            stop=stop,
            download=download,
            folder=folder,
            task=task,
        )
    if isinstance(request, SearchRequest):
        from landscape.service.searching import search  # brings a library that no other study needs

        return search(request, home, device=device, progress=progress, stop=stop, download=download)
    loaded = load(request, home, task=task, checkpoints=checkpoints, download=download)
    store = Store(home)
    key = loaded.request.key
    store.link(request.key, key)
    while True:
        # Two that fill the same folder would mix chunks of different sizes: the second waits for the first's result.
        with locked(home.jobs / f"{key}.lock", patience=WAITING_SECONDS) as held:
            found = store.load(key)
            if found is not None and is_complete(found):
                return renamed(found, request, loaded)
            if held:
                return _answer(request, loaded, store, choose_device(device), progress, stop)
        progress(0, 0, "waiting for another process that computes the same")
        if stop():
            raise StoppedError(STOPPED)


def _answer(
    asked: AnyEvaluation,
    loaded: Loaded,
    store: Store,
    device: torch.device,
    progress: Progress,
    stop: Stop,
) -> xr.Dataset:
    match STUDIES[asked.study](loaded):
        case Sweep() as sweep:
            return _evaluate(asked, sweep, store, device, progress, stop)
        case Comparison() as comparison:
            return _compare(asked, comparison, store, device, progress, stop)


def _compare(
    asked: AnyEvaluation,
    comparison: Comparison,
    store: Store,
    device: torch.device,
    progress: Progress,
    stop: Stop,
) -> xr.Dataset:
    loaded = comparison.loaded
    begin = time.perf_counter()
    progress(0, len(comparison.wanted), "networks")
    answers = predict_all(comparison, store.home, device=device, progress=progress, stop=stop)
    result = with_provenance(
        comparison.measure(answers.predictions),
        asked,
        loaded,
        strategy=f"batches of {BATCH_SIZE}",
        device=answers.devices,
        seconds=time.perf_counter() - begin,
    )
    store.begin(loaded.request.key, loaded.request.to_json())
    store.put(loaded.request.key, result)
    return result


def _evaluate(
    asked: AnyEvaluation,
    sweep: Sweep,
    store: Store,
    device: torch.device,
    progress: Progress,
    stop: Stop,
) -> xr.Dataset:
    key = sweep.loaded.request.key
    begin = time.perf_counter()
    total = len(sweep.coefficients)
    progress(0, total, "measuring the fastest way")
    plan = _plan(sweep, store, device)
    evaluator = build_evaluator(sweep, sweep.loaded.task, device, plan.strategy)
    chunks = sweep.chunks(plan.chunk)
    values = np.full((len(sweep.coefficients), 2, 2), np.nan)
    kept = store.chunks(key)
    for number, index in enumerate(chunks):
        if number in kept and kept[number].shape == (len(index), 2, 2):
            values[index] = kept[number]

    def result() -> xr.Dataset:
        return with_provenance(
            sweep.to_dataset(values),
            asked,
            sweep.loaded,
            strategy=str(plan.strategy),
            device=device_name(device),
            seconds=time.perf_counter() - begin,
        )

    partial = _Partial(store.home.result_folder(key) / PARTIAL_FILE)
    for number, index in enumerate(chunks):
        if not np.isnan(values[index]).any():
            continue
        if stop():
            raise StoppedError(STOPPED)
        values[index] = evaluator.evaluate(sweep.points(index))
        store.put_chunk(key, number, values[index])
        progress(int(np.isfinite(values[:, 0, 1]).sum()), total, "points")
        partial.show(result)
    finished = result()
    store.put(key, finished)
    partial.path.unlink(missing_ok=True)
    progress(total, total, "points")
    return finished


@dataclass
class _Partial:
    """What has been evaluated so far, written as often as is worth its time.

    Attributes:
        path: The file.
    """

    path: Path
    _not_before: float = 0.0

    def show(self, result: Callable[[], xr.Dataset]) -> None:
        """Write the result, unless it was written a moment ago."""
        begin = time.perf_counter()
        if begin >= self._not_before:
            save_result(result(), self.path)
            end = time.perf_counter()
            self._not_before = end + max(PARTIAL_SECONDS, (end - begin) / PARTIAL_SHARE)


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


def _ignore(done: int, total: int, note: str) -> None:
    """Nobody watches."""


def _never() -> bool:
    return False
