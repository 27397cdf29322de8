"""The runner: one process per home that starts a worker process for each waiting job. Ends by itself when idle.

`python -m landscape.service.runner HOME`
"""

import argparse
import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from landscape.core.errors import StoreError
from landscape.core.files import write_bytes_atomically
from landscape.service.claims import Claim, Claims
from landscape.service.home import Home
from landscape.service.jobs import Jobs
from landscape.service.locks import locked
from landscape.service.processes import EXIT_DISK_FULL, ProcessIdentity, start_module
from landscape.service.starting import RunnerOptions

_POLL_SECONDS = 0.1
_PAUSE_SECONDS = 1.0  # after a failed access to the queue, e.g. on a full disk
_LARGEST_LOG = 1 << 20
RESERVE_FILE = "reserve"
_RESERVE_BYTES = 256 << 10

_log = logging.getLogger(__name__)


@dataclass
class Running:
    """A worker process and when it was told to end, in seconds of the monotonic clock."""

    process: subprocess.Popen[bytes]
    identity: ProcessIdentity | None
    told: float | None = None


@dataclass
class Runner:
    """Starts workers, watches them, and sees to it that a cancelled one ends.

    Attributes:
        home: Whose jobs to run.
        options: How.
        running: The workers by job.
        outcomes: Endings that could not be written yet, because the disk is full.
        recovered: Whether the jobs of an earlier runner have been seen to.
    """

    home: Home
    options: RunnerOptions
    running: dict[str, Running] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    recovered: bool = False

    def loop(self) -> None:
        """Run jobs until none has been there for `idle_seconds`, or until the home is removed."""
        claims = Claims(self.home)
        lock = self.home.jobs / "runner.lock"
        inode = lock.stat().st_ino
        busy = time.monotonic()
        while _inode(lock) == inode:
            if not self.advance(claims):
                time.sleep(_PAUSE_SECONDS)
            if self.running or self.outcomes:
                busy = time.monotonic()
            elif time.monotonic() - busy > self.options.idle_seconds:
                return
            time.sleep(_POLL_SECONDS)
        for worker in self.running.values():
            worker.process.kill()

    def advance(self, claims: Claims) -> bool:
        """Do what is to be done at this moment; returns False if the queue could not be read or written."""
        try:
            self._step(claims)
        except StoreError as error:
            _log.warning("%s", error)
            # On a full disk this is the room in which to write that the disk is full.
            (self.home.jobs / RESERVE_FILE).unlink(missing_ok=True)
            return False
        return True

    def _step(self, claims: Claims) -> None:
        if not self.recovered:
            claims.recover(grace=self.options.grace_seconds)
            self.recovered = True
        self._collect(claims)
        for job_id, asked in claims.cancel_times().items():
            if job_id in self.running:
                self._press(self.running[job_id], asked)
        while len(self.running) < (self.options.slots or 1):
            claim = claims.claim()
            if claim is None:
                break
            self._start(claims, claim)

    def _collect(self, claims: Claims) -> None:
        """Take the exit status of workers that have ended, and write what it means."""
        for job_id, worker in list(self.running.items()):
            status = worker.process.poll()
            if status is not None:
                del self.running[job_id]
                self.outcomes[job_id] = status
        for job_id, status in list(self.outcomes.items()):
            self._settle(claims, job_id, status)
            del self.outcomes[job_id]

    def _start(self, claims: Claims, claim: Claim) -> None:
        _keep_reserve(self.home)
        try:
            process = start_module(
                "landscape.service.worker",
                [
                    *(str(self.home.path), claim.id),
                    *("--parent", str(os.getpid()), "--computer", self.options.computer),
                ],
                log=Jobs(self.home).log_file(claim.id),
                folder=claim.folder,
                environment=_thread_limits(self.options.slots or 1),
            )
        except StoreError:
            self.outcomes[claim.id] = EXIT_DISK_FULL  # its log cannot be written
            raise
        identity = ProcessIdentity.of(process.pid)
        self.running[claim.id] = Running(process, identity)
        if identity is not None:
            claims.own(claim.id, identity)

    def _settle(self, claims: Claims, job_id: str, status: int) -> None:
        if status == EXIT_DISK_FULL:
            claims.finish(
                job_id,
                "failed",
                error=f"The disk that holds {self.home.path} is full; free some space and resume, nothing computed "
                "is lost.",
            )
        else:
            claims.bury(job_id, _cause(status))

    def _press(self, worker: Running, asked: float) -> None:
        """Grace for stopping by itself, then SIGTERM; grace again, then SIGKILL."""
        now = time.monotonic()
        if worker.told is None:
            if time.time() - asked > self.options.grace_seconds:
                worker.told = now
                worker.process.terminate()
        elif now - worker.told > self.options.grace_seconds:
            worker.process.kill()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the jobs of one home; returns at once if another runner does so already."""
    options, home = _parse(arguments)
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    home.ensure()
    _shorten(home.jobs / "runner.log")
    while True:
        # Whoever looks whether the lock is held holds it for an instant; so try for a moment.
        with locked(home.jobs / "runner.lock", patience=1.0) as held:
            if not held:
                return 0
            Runner(home, options).loop()
        # A job submitted between the last look and the release found the lock still held and started no runner.
        if not (home.jobs.is_dir() and Claims(home).any_waiting()):
            return 0


def _parse(arguments: Sequence[str] | None) -> tuple[RunnerOptions, Home]:
    parser = argparse.ArgumentParser(
        prog="python -m landscape.service.runner", description="Run queued jobs."
    )
    defaults = RunnerOptions()
    parser.add_argument("home", type=Path)
    parser.add_argument("--computer", default=defaults.computer)
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--idle", type=float, default=defaults.idle_seconds)
    parser.add_argument("--grace", type=float, default=defaults.grace_seconds)
    parsed = parser.parse_args(arguments)
    options = RunnerOptions(
        computer=parsed.computer,
        slots=parsed.slots,
        idle_seconds=parsed.idle,
        grace_seconds=parsed.grace,
    )
    return options, Home(parsed.home)


def _cause(status: int) -> str:
    if status >= 0:
        return f"its process ended with status {status}"
    name = signal.Signals(-status).name if -status in signal.valid_signals() else f"signal {-status}"
    return f"its process was ended by {name}"


def _thread_limits(slots: int) -> dict[str, str]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    share = str(max(1, cores // slots))
    return {name: share for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS") if name not in os.environ}


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _keep_reserve(home: Home) -> None:
    path = home.jobs / RESERVE_FILE
    if not path.exists():
        with contextlib.suppress(StoreError):
            write_bytes_atomically(path, os.urandom(_RESERVE_BYTES))  # zeros might be stored as a hole


def _shorten(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LARGEST_LOG:
        os.truncate(log, 0)


if __name__ == "__main__":
    sys.exit(main())
