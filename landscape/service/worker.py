"""The worker: the process that computes one job. Only here does torch enter, through the computer's import.

`python -m landscape.service.worker HOME JOB_ID`
"""

import argparse
import contextlib
import errno
import importlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from landscape.core.errors import JobError, LandscapeError, StoppedError, StoreError
from landscape.core.requests import request_from_json
from landscape.service.claims import Claims
from landscape.service.home import Home
from landscape.service.jobs import Job, Jobs
from landscape.service.processes import EXIT_DISK_FULL
from landscape.service.starting import DEFAULT_COMPUTER
from landscape.service.store import Store

_REPORT_SECONDS = 0.2
_PARENT_SECONDS = 0.5
_NICENESS = 5

_log = logging.getLogger(__name__)


@dataclass
class Reporter:
    """Carries progress to the job table and the wish to stop back, at most five times a second each."""

    home: Home
    job_id: str
    reported: float = field(default=0.0, init=False)
    asked: float = field(default=0.0, init=False)
    stopping: bool = field(default=False, init=False)

    def progress(self, done: int, total: int, note: str = "") -> None:
        """Note how far the job is. The last point is always noted."""
        now = time.monotonic()
        if now - self.reported < _REPORT_SECONDS and done < total:
            return
        self.reported = now
        with contextlib.suppress(StoreError):  # a full disk stops the chunks themselves, with a sentence
            self.stopping |= not Jobs(self.home).report(self.job_id, done, total, note)

    def stop(self) -> bool:
        """Whether to stop before the next chunk."""
        now = time.monotonic()
        if not self.stopping and now - self.asked >= _REPORT_SECONDS:
            self.asked = now
            with contextlib.suppress(StoreError):
                self.stopping = Claims(self.home).must_stop(self.job_id)
        return self.stopping


def main(arguments: Sequence[str] | None = None) -> int:
    """Compute one job and write how it ended; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m landscape.service.worker", description="Compute one job."
    )
    parser.add_argument("home", type=Path)
    parser.add_argument("job_id")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--computer", default=DEFAULT_COMPUTER)
    parsed = parser.parse_args(arguments)
    threading.Thread(target=_end_with_parent, args=(parsed.parent,), daemon=True).start()
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    _step_back()
    try:
        _compute_job(Home(parsed.home), parsed.job_id, parsed.computer)
    except StoreError as error:
        _log.error("%s", error)
        return EXIT_DISK_FULL if error.full else 1
    return 0


def _compute_job(home: Home, job_id: str, computer: str) -> None:
    job, claims = Jobs(home).find(job_id), Claims(home)
    if job is None:
        raise JobError(f"There is no job {job_id!r}.")
    _log.info("start of %s", job.request_json)
    reporter = Reporter(home, job_id)
    try:
        compute = _find_computer(computer)
        result = compute(
            request_from_json(job.request_json),
            home=home.path,
            progress=reporter.progress,
            stop=reporter.stop,
        )
    except StoppedError:
        claims.finish(job_id, "cancelled")
        _log.info("stopped; what was finished is kept")
    except LandscapeError as error:
        _log.exception("failed")
        claims.finish(job_id, "failed", error=str(error))
    except Exception as error:
        _log.exception("failed")
        claims.finish(job_id, "failed", error=_describe(error))
    else:
        claims.finish(job_id, "done", result=_result_path(home, job, result))
        _log.info("done")


def _find_computer(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def _result_path(home: Home, job: Job, result: Any) -> Path | None:
    """The folder of a training run, or the file of a stored dataset."""
    if job.study == "train":
        return Path(result.folder)
    store = Store(home)
    return store.find(store.follow(job.key))


def _describe(error: Exception) -> str:
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return "The memory of this machine does not suffice; ask for fewer samples, close other programs, then resume."
    if _is_device_memory(error):
        return (
            "The memory of the graphics card does not suffice; ask for fewer samples, then try again, or compute on "
            "the CPU with --device cpu on the command line."
        )
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "A disk is full; free some space and resume, nothing computed is lost."
    return (
        f"The computation stopped with an unexpected {type(error).__name__}; the job's log has the details."
    )


def _is_device_memory(error: Exception) -> bool:
    # torch.OutOfMemoryError, by its name: the class itself would bring torch; drivers say it in words only.
    return type(error).__name__ == "OutOfMemoryError" or (
        "CUDA" in str(error) and "out of memory" in str(error)
    )


def _step_back() -> None:
    """Leave the processor to whatever a person is doing at the same time."""
    with contextlib.suppress(psutil.Error, OSError, AttributeError):
        if os.name == "posix":
            os.nice(_NICENESS)
        else:
            psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)  # pyright: ignore[reportAttributeAccessIssue]  # Windows only


def _end_with_parent(parent: int) -> None:
    """End this process when its runner is gone, so that no orphan computes what a new runner will queue again."""
    while _is_parent(parent):
        time.sleep(_PARENT_SECONDS)
    os._exit(1)  # finished chunks are safe on the disk; nothing else is worth waiting for


def _is_parent(parent: int) -> bool:
    # POSIX gives an orphan a new parent at once; Windows keeps the number of the dead one.
    return os.getppid() == parent if os.name == "posix" else psutil.pid_exists(parent)


if __name__ == "__main__":
    sys.exit(main())
