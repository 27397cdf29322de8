"""Jobs as the runner and its workers see them: claim one, own it, finish it, find what a dead process left."""

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from landscape.service.database import reading, transaction
from landscape.service.home import Home
from landscape.service.processes import ProcessIdentity

MOST_ATTEMPTS = 3  # without any progress between them
Ending = Literal["done", "failed", "cancelled"]


@dataclass(frozen=True)
class Claim:
    """A job that this runner has taken.

    Attributes:
        id: The job.
        folder: Working folder of whoever submitted it.
    """

    id: str
    folder: Path


@dataclass(frozen=True)
class Claims:
    """The side of the job table that only the runner and its workers touch."""

    home: Home

    def claim(self) -> Claim | None:
        """Take the oldest waiting job, or None. No two callers ever get the same one."""
        with reading(self.home) as connection:  # the common case, nothing to do, takes no lock
            if not connection.execute("SELECT 1 FROM jobs WHERE state = 'waiting' LIMIT 1").fetchone():
                return None
        with transaction(self.home) as connection:
            row = connection.execute(
                "UPDATE jobs SET state = 'running', started = ?, finished = NULL, cancel_at = NULL, pid = NULL, "
                "attempts = attempts + 1, start_done = done, base_done = NULL, base_time = NULL, reported = NULL "
                "WHERE id = (SELECT id FROM jobs WHERE state = 'waiting' ORDER BY created, id LIMIT 1) "
                "RETURNING id, folder",
                (time.time(),),
            ).fetchone()
        return None if row is None else Claim(row["id"], Path(row["folder"]))

    def own(self, job_id: str, process: ProcessIdentity) -> None:
        """Note which process computes the job."""
        with transaction(self.home) as connection:
            connection.execute(
                "UPDATE jobs SET pid = ?, pid_created = ? WHERE id = ? AND state = 'running'",
                (process.pid, process.created, job_id),
            )

    def cancel_times(self) -> dict[str, float]:
        """When each running job was asked to stop; only those that were."""
        with reading(self.home) as connection:
            rows = connection.execute(
                "SELECT id, cancel_at FROM jobs WHERE state = 'running' AND cancel_at IS NOT NULL"
            )
            return {row["id"]: row["cancel_at"] for row in rows}

    def must_stop(self, job_id: str) -> bool:
        """Whether the worker of this job should stop: cancelled, or no longer its own."""
        with reading(self.home) as connection:
            row = connection.execute("SELECT state, cancel_at FROM jobs WHERE id = ?", (job_id,)).fetchone()
        return row is None or row["state"] != "running" or row["cancel_at"] is not None

    def finish(
        self, job_id: str, ending: Ending, *, error: str | None = None, result: Path | None = None
    ) -> None:
        """Write how a running job ended; nothing happens if it has ended already."""
        with transaction(self.home) as connection:
            connection.execute(
                "UPDATE jobs SET state = ?, error = ?, result = ?, finished = ?, pid = NULL, "
                "done = CASE WHEN ? = 'done' THEN total ELSE done END WHERE id = ? AND state = 'running'",
                (ending, error, str(result) if result else None, time.time(), ending, job_id),
            )

    def bury(self, job_id: str, cause: str) -> None:
        """Decide about a job whose process has ended without a word.

        Cancelled if that was wished; else it waits again and goes on from its chunks; failed after `MOST_ATTEMPTS`
        in a row that finished nothing new.
        """
        with transaction(self.home) as connection:
            row = connection.execute(
                "SELECT cancel_at, attempts FROM jobs WHERE id = ? AND state = 'running'", (job_id,)
            ).fetchone()
            if row is not None:
                state, error = _verdict(row, cause)
                connection.execute(
                    "UPDATE jobs SET state = ?, error = ?, pid = NULL, finished = ? WHERE id = ?",
                    (state, error, None if state == "waiting" else time.time(), job_id),
                )

    def recover(self, *, grace: float) -> None:
        """Called once by a new runner: whatever still runs belongs to a dead one. It is ended and queued again."""
        with reading(self.home) as connection:
            rows = connection.execute(
                "SELECT id, pid, pid_created FROM jobs WHERE state = 'running'"
            ).fetchall()
        for row in rows:
            if row["pid"] is not None:
                ProcessIdentity(row["pid"], row["pid_created"]).end(grace=grace)
            self.bury(row["id"], "the process that runs jobs was ended")

    def any_waiting(self) -> bool:
        """Whether a job waits."""
        with reading(self.home) as connection:
            row = connection.execute("SELECT 1 FROM jobs WHERE state = 'waiting' LIMIT 1").fetchone()
        return row is not None


def _verdict(row: sqlite3.Row, cause: str) -> tuple[str, str | None]:
    if row["cancel_at"] is not None:
        return "cancelled", None
    if row["attempts"] < MOST_ATTEMPTS:
        return "waiting", None
    return "failed", (
        f"The computation was ended {MOST_ATTEMPTS} times without finishing anything new, last because {cause}; "
        "if memory is short, ask for fewer samples, then resume."
    )
