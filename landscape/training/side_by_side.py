"""Many runs: one after the other in this process, or side by side in processes of their own, with the same bits.

On a CPU rounding depends on the number of threads, so every run gets the same number whichever way is taken: the cores
divided by the runs that could run at once. Side by side is faster there by the record benchmarks/records/families-cpu.json.
The processes are this interpreter on `landscape.training.member`, not forks: torch does not survive a fork once it has
threads, and multiprocessing would run the caller's script a second time.
"""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import msgspec
import psutil
import torch

from landscape.core import errors
from landscape.core.errors import LandscapeError, StoppedError, TrainingError
from landscape.core.requests import TrainRequest
from landscape.training.loop import Ingredients, Progress, train_alone
from landscape.training.runs import COMPLETE_FILE, DataRecord, Run

_POLL_SECONDS = 0.1
_PATIENCE_SECONDS = 20.0  # for a stopped process to save its state


@dataclass(frozen=True, kw_only=True)
class MemberJob:
    """One run of many.

    Attributes:
        request: What to train; not itself a family.
        folder: Where the run lies.
        record: Which data.
    """

    request: TrainRequest
    folder: Path
    record: DataRecord


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a process is told: one line of JSON on its standard input."""

    request: str
    folder: str
    name: str
    digest: str
    examples: tuple[int, int]
    reference: str
    device: str
    threads: int
    cache: str | None


def train_all(
    jobs: Sequence[MemberJob],
    ingredients: Ingredients,
    *,
    cache: Path | None = None,
    progress: Progress,
    stop: Callable[[], bool],
    workers: int | None = None,
    what: str = "run",
) -> list[Run | LandscapeError]:
    """Train many runs; a run that fails does not stop the others.

    Args:
        jobs: What to train.
        ingredients: Data and device; networks of the user's own and teachers cannot be sent to other processes.
        cache: Folder of decoded images, for other processes.
        progress: Told (steps done, steps in all, note) over all of them; steps in all is a guess until each has begun.
        stop: Asked all the time.
        workers: How many at once; None for `default_workers`. See `quickest.py` for what is fastest.
        what: What the note calls one of them.

    Returns:
        The run of each job, or the error that ended it, in their order.

    Raises:
        StoppedError: `stop` returned true; the same call goes on from there.
    """
    threads = threads_each(len(jobs), ingredients.device)
    at_once = default_workers(jobs, ingredients) if workers is None else workers
    board = _Board(total=len(jobs), what=what)
    left = [number for number, job in enumerate(jobs) if not (job.folder / COMPLETE_FILE).is_file()]
    results: list[Run | LandscapeError | None] = [
        None if number in left else Run.load(job.folder) for number, job in enumerate(jobs)
    ]
    for number, result in enumerate(results):
        if isinstance(result, Run):
            steps = int(result.history["step"][-1])
            board.report(number, steps, steps, "")
    if min(at_once, len(left)) > 1:
        crew = _Crew(jobs, ingredients, threads, cache, board)
        found = crew.train(left, min(at_once, len(left)), progress, stop)
    else:
        found = _train_in_turn(jobs, left, ingredients, threads, board, progress, stop)
    for number, result in found.items():
        results[number] = result
    return [result for result in results if result is not None]


def threads_each(count: int, device: torch.device) -> int:
    """Threads of each of so many runs on a CPU: the cores, shared by those that could run at once."""
    cores = _cores()
    return max(1, cores // max(1, min(count, cores))) if device.type == "cpu" else torch.get_num_threads()


def default_workers(jobs: Sequence[MemberJob], ingredients: Ingredients) -> int:
    """How many runs at once: one per core of a CPU; one on a graphics card, where more has not been measured.

    One too where the data cannot be loaded by another process, or networks cannot be sent there.
    """
    own = ingredients.build is not None or ingredients.teachers or ingredients.start is not None
    if own or ingredients.device.type != "cpu" or not ingredients.data.source:
        return 1
    return min(len(jobs), _cores())


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return psutil.cpu_count(logical=True) or 1


def _train_in_turn(
    jobs: Sequence[MemberJob],
    left: Sequence[int],
    ingredients: Ingredients,
    threads: int,
    board: "_Board",
    progress: Progress,
    stop: Callable[[], bool],
) -> dict[int, Run | LandscapeError]:
    found: dict[int, Run | LandscapeError] = {}

    def note(number: int) -> Progress:
        def report(done: int, total: int, text: str) -> None:
            board.report(number, done, total, text)
            progress(*board.sum())

        return report

    with _threads(threads):
        for number in left:
            job = jobs[number]
            try:
                found[number] = train_alone(
                    job.request, job.folder, ingredients, job.record, note(number), stop
                )
            except StoppedError:
                raise
            except LandscapeError as error:
                found[number] = error
    return found


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass
class _Board:
    """How far each run is."""

    total: int
    what: str
    done: dict[int, int] = field(default_factory=dict)
    totals: dict[int, int] = field(default_factory=dict)
    text: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def report(self, number: int, done: int, total: int, text: str) -> None:
        with self.lock:
            self.done[number], self.totals[number] = done, total
            self.text = f"{self.what} {number + 1} of {self.total}, {text}"

    def sum(self) -> tuple[int, int, str]:
        with self.lock:
            known = sum(self.totals.values())
            guess = known * self.total // max(1, len(self.totals))
            return sum(self.done.values()), guess, self.text


class _Crew:
    """Processes that take one job after the other until none is left."""

    def __init__(
        self,
        jobs: Sequence[MemberJob],
        ingredients: Ingredients,
        threads: int,
        cache: Path | None,
        board: _Board,
    ) -> None:
        self._jobs, self._device, self._threads, self._cache = jobs, ingredients.device, threads, cache
        self._examples = (len(ingredients.data.train), len(ingredients.data.test))
        self._board = board
        self._waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._found: dict[int, Run | LandscapeError] = {}
        self._stopping = threading.Event()

    def train(
        self, left: Sequence[int], workers: int, progress: Progress, stop: Callable[[], bool]
    ) -> dict[int, Run | LandscapeError]:
        for number in left:
            self._waiting.put(number)
        processes = [_start_process(self._threads) for _ in range(workers)]
        hands = [threading.Thread(target=self._work, args=(process,), daemon=True) for process in processes]
        for hand in hands:
            hand.start()
        stopped = False
        try:
            while any(hand.is_alive() for hand in hands):
                if stop():
                    stopped = True
                    break
                progress(*self._board.sum())
                time.sleep(_POLL_SECONDS)
        finally:
            self._stopping.set()
            _end(processes, hands)
        if stopped and any(not isinstance(self._found.get(number), Run) for number in left):
            done, total, _ = self._board.sum()
            raise StoppedError(
                f"Training stopped after {done} of about {total} steps; start it again to go on from there."
            )
        for number in left:  # where the last process died, nobody took what was left
            self._found.setdefault(number, self._lost(number))
        progress(*self._board.sum())
        return self._found

    def _lost(self, number: int) -> TrainingError:
        return TrainingError(
            f"The process that trained in {self._jobs[number].folder} ended unexpectedly, perhaps for want of memory; "
            "start the training again to go on from its last state."
        )

    def _work(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        while not self._stopping.is_set():
            try:
                number = self._waiting.get_nowait()
            except queue.Empty:
                break
            result = self._answer(number, process.stdin, process.stdout)
            if result is None:
                break
            self._found[number] = result
        with contextlib.suppress(OSError):
            process.stdin.close()

    def _answer(self, number: int, orders: IO[str], answers: IO[str]) -> Run | LandscapeError | None:
        job = self._jobs[number]
        order = Order(
            request=job.request.to_json(),
            folder=str(job.folder),
            name=job.record.name,
            digest=job.record.digest,
            examples=self._examples,
            reference=job.record.reference,
            device=self._device.type,
            threads=self._threads,
            cache=None if self._cache is None else str(self._cache),
        )
        try:
            orders.write(msgspec.json.encode(order).decode() + "\n")
            orders.flush()
        except OSError:
            return None
        for line in answers:
            answer = json.loads(line)
            match answer["kind"]:
                case "progress":
                    self._board.report(number, *answer["values"])
                case "done":
                    return Run.load(job.folder)
                case name:
                    return getattr(errors, name)(answer["text"])
        return None


def _start_process(threads: int) -> "subprocess.Popen[str]":
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}
    return subprocess.Popen(
        [sys.executable, "-m", "landscape.training.member"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def _end(processes: "Sequence[subprocess.Popen[str]]", hands: Sequence[threading.Thread]) -> None:
    """Tell all processes to save and end; the end of their standard input is the sign."""
    for process in processes:
        with contextlib.suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()  # its last saved state is safe
            process.wait()
    for hand in hands:
        hand.join(_PATIENCE_SECONDS)
    for process in processes:
        if process.stdout is not None:
            process.stdout.close()
