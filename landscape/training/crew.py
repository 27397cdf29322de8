"""Processes that train runs: this interpreter on `landscape.training.member`, fed with orders, line by line.

Not forks: torch does not survive a fork once it has threads. Not multiprocessing: it would run the caller's script a
second time.
"""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec

from landscape.core import errors
from landscape.core.errors import LandscapeError, StoppedError, TrainingError
from landscape.core.requests import TrainRequest
from landscape.core.threads import SLEEPING_THREADS
from landscape.training.ingredients import Ingredients, Progress
from landscape.training.runs import DataRecord, Run

_POLL_SECONDS = 0.1
_OWN_GROUP: dict[str, Any] = (
    {"process_group": 0} if os.name == "posix" else {"creationflags": 0x00000200}  # CREATE_NEW_PROCESS_GROUP
)
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


@dataclass
class Board:
    """How far each run is."""

    total: int
    what: str
    done: dict[int, int] = field(default_factory=dict)
    totals: dict[int, int] = field(default_factory=dict)
    text: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def report(self, number: int, done: int, total: int, text: str) -> None:
        """Note how far one run is."""
        with self.lock:
            self.done[number], self.totals[number] = done, total
            self.text = f"{self.what} {number + 1} of {self.total}, {text}"

    def sum(self) -> tuple[int, int, str]:
        """Steps done, steps in all (a guess until each run has said how many it takes), and the newest note."""
        with self.lock:
            known = sum(self.totals.values())
            guess = known * self.total // max(1, len(self.totals))
            return sum(self.done.values()), guess, self.text


class Crew:
    """Processes that take one job after the other until none is left."""

    def __init__(
        self,
        jobs: Sequence[MemberJob],
        ingredients: Ingredients,
        threads: int,
        cache: Path | None,
        board: Board,
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
        """Train the jobs with these numbers; the run or the error of each.

        Raises:
            StoppedError: `stop` returned true before all were complete.
        """
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
        except (OSError, ValueError):  # it has ended, or has just been told to
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
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), **SLEEPING_THREADS}
    return subprocess.Popen(
        [sys.executable, "-m", "landscape.training.member"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        # Ctrl-C at a terminal goes to a whole group; these end, and save, when their input does.
        **_OWN_GROUP,
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
