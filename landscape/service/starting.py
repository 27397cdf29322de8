"""The runner seen from outside: how it runs jobs, and starting one where none is alive."""

import os
import time
from dataclasses import dataclass

from landscape.core.errors import JobError
from landscape.service.home import Home
from landscape.service.locks import is_locked
from landscape.service.processes import start_module

DEFAULT_COMPUTER = "landscape.service.compute:compute"
_START_SECONDS = 10.0  # how long a new runner may take until it holds its lock


@dataclass(frozen=True, kw_only=True)
class RunnerOptions:
    """How jobs are run.

    Attributes:
        computer: `module:function` that answers a request; called as `compute(request, home=, progress=, stop=)`.
        slots: Jobs at a time; None for what LANDSCAPE_JOBS says, else one, since one job uses the whole device.
        idle_seconds: The runner ends when it has had nothing to do for so long.
        grace_seconds: Time for a cancelled job to stop by itself, and again after it was told to end.
    """

    computer: str = DEFAULT_COMPUTER
    slots: int | None = None
    idle_seconds: float = 60.0
    grace_seconds: float = 5.0


def start_runner(home: Home, options: RunnerOptions) -> None:
    """Start the runner of a home unless one is alive; returns when one holds the lock.

    Raises:
        JobError: The runner stops as soon as it starts.
    """
    lock = home.ensure().jobs / "runner.lock"
    if is_locked(lock):
        return
    log = home.jobs / "runner.log"
    process = start_module(
        "landscape.service.runner",
        [
            *(str(home.path.absolute()), "--computer", options.computer),
            *("--slots", str(options.slots or _slots_from_environment())),
            *("--idle", str(options.idle_seconds), "--grace", str(options.grace_seconds)),
        ],
        log=log,
        folder=home.path,
        detached=True,
    )
    end = time.monotonic() + _START_SECONDS
    while not is_locked(lock) and time.monotonic() < end:
        status = process.poll()
        if status == 0:  # another one was faster
            return
        if status is not None:
            raise JobError(f"The job waits, but the process that runs jobs stops at once; {log} says why.")
        time.sleep(0.02)


def _slots_from_environment() -> int:
    text = os.environ.get("LANDSCAPE_JOBS", "1")
    if not text.isdecimal() or int(text) < 1:
        raise JobError(f"LANDSCAPE_JOBS is {text!r}; give the number of jobs to run at a time, such as 1.")
    return int(text)
