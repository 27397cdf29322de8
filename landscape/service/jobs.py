"""Jobs as people see them: submit, look, cancel, resume. One row per question; the table is the queue."""

import contextlib
import sqlite3
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from landscape.core.errors import JobError, LandscapeError
from landscape.core.requests import AnyRequest, request_from_json
from landscape.service.database import reading, transaction
from landscape.service.home import RESULT_FILE, Home
from landscape.service.starting import RunnerOptions, start_runner

JobState = Literal["waiting", "running", "done", "failed", "cancelled"]
JOB_STATES: tuple[JobState, ...] = get_args(JobState)

_LOG_TAIL_BYTES = 64 << 10


@dataclass(frozen=True, kw_only=True)
class Job:
    """One question and how far its answer is.

    Attributes:
        id: Twelve hex digits.
        key: Key of the request as submitted; `Store.follow` leads from it to where chunks and result lie.
        study: "train", "line" or "plane".
        request_json: The canonical request.
        state: waiting, running, done, failed or cancelled.
        done: Finished points (or steps), out of `total`; 0 and 0 until the first report.
        total: All points (or steps).
        note: What is going on, in a few words.
        error: One sentence for a failed job, else None.
        created: Seconds since 1970, as the other times.
        started: When it last started, or None.
        finished: When it ended, or None.
        eta: Seconds to go, measured from the points done since this start; None until two reports apart.
        result: The result's file, or the folder of a training run; None until it is done.
    """

    id: str
    key: str
    study: str
    request_json: str
    state: JobState
    done: int
    total: int
    note: str
    error: str | None
    created: float
    started: float | None
    finished: float | None
    eta: float | None
    result: Path | None


@dataclass(frozen=True)
class Jobs:
    """The jobs of one home. Every method may be called from any process at any time."""

    home: Home
    options: RunnerOptions = field(default_factory=RunnerOptions)

    def submit(self, request: AnyRequest) -> Job:
        """Queue a request and see to it that a runner is there.

        A request that waits or runs already is the same job; one that was cancelled or failed goes on from its
        chunks; one whose result exists is done at once.

        Raises:
            StoreError: The queue cannot be written.
            JobError: The job of this request is just being stopped; or it is queued, but no runner can be started.
        """
        result = _finished_result(self.home, request)
        now = time.time()
        with transaction(self.home) as connection:
            _refuse_if_stopping(connection, "key = ?", request.key)
            connection.execute(
                "INSERT OR IGNORE INTO jobs(id, key, study, request, folder, state, created) "
                "VALUES(?, ?, ?, ?, ?, 'cancelled', ?)",
                (
                    uuid.uuid4().hex[:12],
                    request.key,
                    request.study,
                    request.to_json(),
                    str(Path.cwd()),
                    now,
                ),
            )
            if result is not None:
                connection.execute(
                    "UPDATE jobs SET state = 'done', result = ?, done = max(done, total), error = NULL, created = ?, "
                    "finished = ? WHERE key = ? AND state IN ('cancelled', 'failed')",
                    (str(result), now, now, request.key),
                )
            else:
                _queue_again(
                    connection,
                    "key = ? AND state IN ('cancelled', 'failed', 'done')",
                    request.key,
                    folder=Path.cwd(),
                )
            row = connection.execute("SELECT * FROM jobs WHERE key = ?", (request.key,)).fetchone()
        job = self._job(row)
        if job.state != "done":
            self.ensure_runner()
        return job

    def find(self, job_id: str) -> Job | None:
        """The job, or None if there is none with this id."""
        with reading(self.home) as connection:
            row = connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
        return None if row is None else self._job(row)

    def list(self) -> list[Job]:
        """All jobs, newest first. If some are unfinished and no runner is alive, one is started."""
        with reading(self.home) as connection:
            rows = connection.execute("SELECT * FROM jobs ORDER BY created DESC, id").fetchall()
        if any(row["state"] in ("waiting", "running") for row in rows):
            with contextlib.suppress(LandscapeError):  # the list is worth showing all the same
                self.ensure_runner()
        return [self._job(row) for row in rows]

    def cancel(self, job_id: str) -> Job:
        """Stop a job; its finished chunks are kept. A job that has ended stays as it is.

        A running job stops between two chunks; if it does not within some seconds, it is ended, then killed.

        Raises:
            JobError: There is no such job.
        """
        now = time.time()
        with transaction(self.home) as connection:
            connection.execute(
                "UPDATE jobs SET state = 'cancelled', finished = ? WHERE id = ? AND state = 'waiting'",
                (now, job_id),
            )
            connection.execute(
                "UPDATE jobs SET cancel_at = coalesce(cancel_at, ?) WHERE id = ? AND state = 'running'",
                (now, job_id),
            )
        job = self._expect(job_id)
        if job.state == "running":
            self.ensure_runner()  # also the job of a killed runner must come to an end
        return job

    def resume(self, job_id: str) -> Job:
        """Queue a cancelled or failed job again; it goes on from its chunks. Any other job stays as it is.

        Raises:
            JobError: There is no such job, or it is just being stopped.
        """
        with transaction(self.home) as connection:
            _refuse_if_stopping(connection, "id = ?", job_id)
            _queue_again(connection, "id = ? AND state IN ('cancelled', 'failed')", job_id)
        job = self._expect(job_id)
        if job.state == "waiting":
            self.ensure_runner()
        return job

    def report(self, job_id: str, done: int, total: int, note: str = "") -> bool:
        """Note how far a running job is; called by its worker.

        Returns:
            Whether the job still runs. If not, it was taken from the worker, which should stop.
        """
        values = {"id": job_id, "done": done, "total": total, "note": note, "now": time.time()}
        with transaction(self.home) as connection:
            # The clock for the ETA starts with the first finished point, so neither start-up nor resumed chunks count.
            updated = connection.execute(
                "UPDATE jobs SET done = :done, total = :total, note = :note, reported = :now, "
                "attempts = CASE WHEN :done > start_done THEN 0 ELSE attempts END, "
                "base_done = CASE WHEN base_time IS NULL AND :done > 0 THEN :done ELSE base_done END, "
                "base_time = CASE WHEN base_time IS NULL AND :done > 0 THEN :now ELSE base_time END "
                "WHERE id = :id AND state = 'running'",
                values,
            )
            return updated.rowcount == 1

    def log(self, job_id: str) -> str:
        """The end of what the job's process has printed; empty if it has not started.

        Raises:
            JobError: There is no such job.
        """
        path = self.log_file(self._expect(job_id).id)
        if not path.exists():
            return ""
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LOG_TAIL_BYTES))
            return file.read().decode(errors="replace")

    def log_file(self, job_id: str) -> Path:
        """Where the job's process prints to."""
        return self.home.jobs / f"{job_id}.log"

    def ensure_runner(self) -> None:
        """Start the runner unless one is alive; it outlives the caller and ends when idle. Cheap when it lives.

        Raises:
            JobError: The runner stops as soon as it starts.
        """
        start_runner(self.home, self.options)

    def _expect(self, job_id: str) -> Job:
        job = self.find(job_id)
        if job is None:
            raise JobError(f"There is no job {job_id[:40]!r}; choose one from the list.")
        return job

    def _job(self, row: sqlite3.Row) -> Job:
        names = (
            "id",
            "key",
            "study",
            "state",
            "done",
            "total",
            "note",
            "error",
            "created",
            "started",
            "finished",
        )
        path = Path(row["result"]) if row["result"] else None
        return Job(
            **{name: row[name] for name in names},
            request_json=row["request"],
            eta=_eta(row, time.time()) if row["state"] == "running" else None,
            result=path if path is not None and row["state"] == "done" and path.exists() else None,
        )


def _refuse_if_stopping(connection: sqlite3.Connection, condition: str, value: str) -> None:
    """A running job that was asked to stop will be cancelled: a wish to go on would be lost."""
    row = connection.execute(
        f"SELECT id FROM jobs WHERE state = 'running' AND cancel_at IS NOT NULL AND {condition}", (value,)
    ).fetchone()
    if row is not None:
        raise JobError(f"Job {row['id']} is just being stopped; wait a moment, then resume it.")


def _queue_again(
    connection: sqlite3.Connection, condition: str, value: str, *, folder: Path | None = None
) -> None:
    """Let jobs wait again; `folder` is where relative references are meant from now on, None for as before."""
    connection.execute(
        "UPDATE jobs SET state = 'waiting', error = NULL, result = NULL, cancel_at = NULL, attempts = 0, created = ?, "
        f"finished = NULL, folder = coalesce(?, folder) WHERE {condition}",
        (time.time(), None if folder is None else str(folder), value),
    )


def _eta(row: sqlite3.Row, now: float) -> float | None:
    if row["base_time"] is None or row["done"] <= row["base_done"]:
        return None
    seconds_per_point = (row["reported"] - row["base_time"]) / (row["done"] - row["base_done"])
    return max(0.0, seconds_per_point * (row["total"] - row["done"]) - (now - row["reported"]))


def _finished_result(home: Home, request: AnyRequest) -> Path | None:
    if request.study != "train":
        path = home.result_folder(request.key) / RESULT_FILE
        return path if path.is_file() else None
    for complete in home.runs.glob("*/complete"):
        with contextlib.suppress(OSError, LandscapeError):
            if request_from_json((complete.parent / "request.json").read_bytes()) == request:
                return complete.parent
    return None
