"""The SQLite file: queue, history and index. Results and chunks are files of their own; losing this one loses none."""

import contextlib
import errno
import functools
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from landscape.core.errors import LandscapeError, StoreError
from landscape.core.files import write_error
from landscape.core.requests import request_from_json
from landscape.service.home import RESULT_FILE, Home
from landscape.service.locks import locked

SCHEMA_VERSION = 1
SCHEMA = (
    """CREATE TABLE jobs(
        id TEXT PRIMARY KEY, key TEXT NOT NULL, study TEXT NOT NULL, request TEXT NOT NULL, folder TEXT NOT NULL,
        state TEXT NOT NULL CHECK(state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
        done INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 0, note TEXT NOT NULL DEFAULT '',
        error TEXT, result TEXT, cancel_at REAL, attempts INTEGER NOT NULL DEFAULT 0,
        created REAL NOT NULL, started REAL, finished REAL,
        pid INTEGER, pid_created REAL, start_done INTEGER NOT NULL DEFAULT 0,
        base_done INTEGER, base_time REAL, reported REAL)""",
    # One row per question: two tabs, or two processes, that ask the same at the same instant get the same job.
    "CREATE UNIQUE INDEX one_job_per_key ON jobs(key)",
    "CREATE INDEX jobs_by_state ON jobs(state, created)",
    """CREATE TABLE results(
        key TEXT PRIMARY KEY, modified INTEGER NOT NULL, size INTEGER NOT NULL,
        study TEXT NOT NULL, title TEXT NOT NULL, problem TEXT)""",
)

# https://sqlite.org/wal.html, "the WAL-reset bug": two connections that write and checkpoint at the same instant can
# corrupt the file. Fixed in 3.51.3 and, backported, in 3.50.7 and 3.44.6.
_WAL_FIXED = (3, 51, 3)
_WAL_BACKPORTS = {(3, 50): (3, 50, 7), (3, 44): (3, 44, 6)}
_NETWORK_DISKS = ("nfs", "cifs", "smb", "lustre", "ceph", "gpfs", "fuse.sshfs", "9p", "beegfs")
_BUSY_SECONDS = 30.0
_NEARLY_FULL_BYTES = 16 << 20  # below this, a failed write is taken for a full disk whatever SQLite calls it

_checked: set[Path] = set()  # files whose integrity this process has checked


def durability(version: tuple[int, int, int], *, local_disk: bool) -> tuple[str, str]:
    """`journal_mode` and `synchronous` for a version of SQLite: WAL only where it cannot corrupt the file."""
    fixed = version >= _WAL_FIXED or version >= _WAL_BACKPORTS.get(version[:2], _WAL_FIXED)
    return ("WAL", "FULL") if fixed and local_disk else ("DELETE", "EXTRA")


@contextlib.contextmanager
def transaction(home: Home) -> Iterator[sqlite3.Connection]:
    """One short transaction that takes the write lock at once; committed at the end, rolled back on an error.

    Raises:
        StoreError: The disk is full, the file cannot be written, or another program holds it.
    """
    home.ensure()
    with _sentences(home):
        connection = _open(home)
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # a full disk has rolled back already
                    connection.execute("ROLLBACK")
                raise
        finally:
            connection.close()


@contextlib.contextmanager
def reading(home: Home) -> Iterator[sqlite3.Connection]:
    """A connection for looking things up; it takes no write lock.

    Raises:
        StoreError: The file cannot be read.
    """
    home.ensure()
    with _sentences(home), contextlib.closing(_open(home)) as connection:
        yield connection


def _open(home: Home) -> sqlite3.Connection:
    if home.index not in _checked:
        _check(home)
    try:
        return _connect(home)
    except sqlite3.DatabaseError as error:
        if not _is_damage(error):
            raise
        _check(home)
        return _connect(home)


def _check(home: Home) -> None:
    """Look at the whole file once per process; a damaged one is moved aside and a new one built."""
    with locked(home.path / "index.lock", patience=_BUSY_SECONDS) as held:
        if not held:
            raise _held(home)
        try:
            with contextlib.closing(_connect(home)) as connection:
                sound = connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            sound = False
        if not sound:
            _move_aside(home.index)
            _connect(home).close()
    _checked.add(home.index)


def _connect(home: Home) -> sqlite3.Connection:
    connection = sqlite3.connect(home.index, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        journal_mode, synchronous = durability(sqlite3.sqlite_version_info, local_disk=_is_local(home.path))
        connection.execute(f"PRAGMA journal_mode = {journal_mode}")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA mmap_size = 0")
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{home.index} was written by a newer version of landscape; update landscape, or choose another "
                "LANDSCAPE_HOME."
            )
        if version < SCHEMA_VERSION:
            _create_tables(connection, home)
    except BaseException:
        connection.close()
        raise
    return connection


def _create_tables(connection: sqlite3.Connection, home: Home) -> None:
    connection.execute("BEGIN IMMEDIATE")
    # Another process may have been first while this one waited for the lock.
    if connection.execute("PRAGMA user_version").fetchone()[0] < SCHEMA_VERSION:
        for statement in SCHEMA:
            connection.execute(statement)
        _find_unfinished(connection, home)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")


def _find_unfinished(connection: sqlite3.Connection, home: Home) -> None:
    """After the loss of the file: started work that has no result yet becomes a job that can be resumed."""
    for path in home.results.glob("*/request.json"):
        if (path.parent / RESULT_FILE).exists():
            continue
        try:
            request = request_from_json(path.read_bytes())
        except (OSError, LandscapeError):
            continue
        connection.execute(
            "INSERT OR IGNORE INTO jobs(id, key, study, request, folder, state, note, created, finished) "
            "VALUES(lower(hex(randomblob(6))), ?, ?, ?, ?, 'cancelled', ?, ?, ?)",
            (
                path.parent.name,
                request.study,
                request.to_json(),
                str(home.path),
                "Found again after the index was lost.",
                path.stat().st_mtime,
                time.time(),
            ),
        )


def _move_aside(path: Path) -> None:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    for suffix in ("", "-journal", "-wal", "-shm"):
        file = path.with_name(path.name + suffix)
        if file.exists():
            file.replace(path.with_name(f"{path.stem}-damaged-{stamp}{path.suffix}{suffix}"))


@functools.cache
def _is_local(path: Path) -> bool:
    mounts = [part for part in psutil.disk_partitions(all=True) if path.is_relative_to(part.mountpoint)]
    kind = max(mounts, key=lambda part: len(part.mountpoint)).fstype if mounts else ""
    return not kind.lower().startswith(_NETWORK_DISKS)


def _is_damage(error: sqlite3.Error) -> bool:
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary code


@contextlib.contextmanager
def _sentences(home: Home) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _translate(home, error) from error


def _translate(home: Home, error: sqlite3.Error) -> StoreError:
    code = _code(error)
    if code == sqlite3.SQLITE_FULL or shutil.disk_usage(home.path).free < _NEARLY_FULL_BYTES:
        return write_error(home.index, OSError(errno.ENOSPC, "disk full"))
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return _held(home)
    if _is_damage(error):
        _checked.discard(home.index)
        return StoreError(
            f"{home.index} is damaged; try again, and it is built anew from the results folder."
        )
    return write_error(home.index, OSError(errno.EIO, str(error)))


def _held(home: Home) -> StoreError:
    return StoreError(
        f"{home.index} is held by another program for too long; close other landscape windows and try again."
    )
