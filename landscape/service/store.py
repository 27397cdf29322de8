"""The store: results by request key, and the finished chunks of those that are still being computed.

Truth is in files that are whole or absent. `results/<key>/` holds `request.json`, `plan.json`,
`chunks/chunk-0007-<crc32>.npy` and, in the end, `result.nc` with `summary.json` (see `result_files.py`).
"""

import contextlib
import io
import json
import re
import shutil
import time
import uuid
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from landscape.core.errors import ResultError, StoreError
from landscape.core.files import write_bytes_atomically, write_error
from landscape.service.catalogue import may_exist, places_in
from landscape.service.database import reading, transaction
from landscape.service.home import RESULT_FILE, SUMMARY_FILE, Home
from landscape.service.result_files import (
    drop_summary,
    load_checked,
    read_summary,
    save_summary,
    save_with_summary,
)

Kind = Literal["checkpoint", "data"]
_CHUNK = re.compile(r"chunk-(\d{4,})-([0-9a-f]{8})\.npy")
_STALE_SECONDS = 60.0  # a temporary file that old belongs to a process that was killed
_MAX_LINKS = 8


@dataclass(frozen=True, kw_only=True)
class StoredResult:
    """One line of the list of results.

    Attributes:
        key: The request's key.
        study: "line" or "plane"; empty if the file cannot be read.
        title: What the study called it.
        path: The NetCDF file.
        created: Seconds since 1970, UTC.
        size: Bytes.
        problem: One sentence if the file is damaged, else None.
    """

    key: str
    study: str
    title: str
    path: Path
    created: float
    size: int
    problem: str | None = None


@dataclass(frozen=True)
class Store:
    """Results and chunks of one home. Every method may be called from any process at any time."""

    home: Home

    def find(self, key: str) -> Path | None:
        """The finished result's file, or None."""
        path = self.home.result_folder(key) / RESULT_FILE
        return path if path.is_file() else None

    def load(self, key: str) -> xr.Dataset | None:
        """The finished result, or None. A damaged file is put aside, so that the result is computed again.

        Raises:
            StoreError: A damaged file cannot be put aside.
        """
        path = self.find(key)
        if path is None:
            return None
        try:
            result = load_checked(path)
        except ResultError:
            _replace(path, path.with_name(f"damaged-{uuid.uuid4().hex[:8]}.nc"))
            drop_summary(path)
            return None
        if not path.with_name(SUMMARY_FILE).exists():
            with contextlib.suppress(StoreError, ResultError):  # the result is at hand all the same
                save_summary(result, path)
        return result

    def begin(self, key: str, request_json: str) -> None:
        """Note the request, so that its chunks can be understood; sweeps up after a killed process."""
        folder = self.home.result_folder(key)
        _sweep(folder)
        path = folder / "request.json"
        if not path.exists():
            write_bytes_atomically(path, request_json.encode())

    def put_plan(self, key: str, plan: dict[str, Any]) -> None:
        """Keep what must not change between start and resume (order of points, strategy); plain JSON."""
        write_bytes_atomically(
            self.home.result_folder(key) / "plan.json", json.dumps(plan, sort_keys=True).encode()
        )

    def plan(self, key: str) -> dict[str, Any] | None:
        """What `put_plan` kept, or None if there is none or it is damaged."""
        try:
            plan = json.loads((self.home.result_folder(key) / "plan.json").read_bytes())
        except (OSError, ValueError):
            return None
        return plan if isinstance(plan, dict) else None

    def put_chunk(self, key: str, chunk_id: int, values: np.ndarray) -> None:
        """Keep one finished chunk; when this returns, the chunk is on the disk.

        Raises:
            StoreError: The disk is full or the folder may not be written; earlier chunks are untouched.
        """
        content = _npy_bytes(values)
        folder = self.home.result_folder(key) / "chunks"
        path = folder / f"chunk-{chunk_id:04d}-{zlib.crc32(content):08x}.npy"
        write_bytes_atomically(path, content)
        for older in folder.glob(f"chunk-{chunk_id:04d}-*.npy"):
            if older != path:
                older.unlink(missing_ok=True)

    def chunks(self, key: str) -> dict[int, np.ndarray]:
        """All sound chunks by id. A damaged one is removed, so that it is computed again."""
        found: dict[int, np.ndarray] = {}
        # Oldest first: if a crash left two files of one chunk, the newer one wins.
        for path in sorted(_files(self.home.result_folder(key) / "chunks"), key=_modified):
            match = _CHUNK.fullmatch(path.name)
            values = _read_chunk(path, match[2]) if match else None
            if match and values is not None:
                found[int(match[1])] = values
        return dict(sorted(found.items()))

    def put(self, key: str, dataset: xr.Dataset) -> Path:
        """Keep the finished result, then drop its chunks; returns the result's file.

        Raises:
            ResultError: The dataset does not follow its schema.
            StoreError: The file cannot be written; the chunks are all still there.
        """
        path = self.home.result_folder(key) / RESULT_FILE
        save_with_summary(dataset, path)
        shutil.rmtree(path.parent / "chunks", ignore_errors=True)
        return path

    def delete(self, key: str) -> None:
        """Remove a result with its chunks; nothing happens if there is none."""
        folder = self.home.result_folder(key)
        if folder.exists():
            # Renaming is atomic, removing a tree is not: a killed removal leaves no half result.
            doomed = folder.with_name(f".deleted-{uuid.uuid4().hex[:8]}")
            _replace(folder, doomed)
            shutil.rmtree(doomed, ignore_errors=True)

    def link(self, key: str, target: str) -> None:
        """Note that a request was answered under another key, that of the same request with digests for names."""
        if key != target:
            write_bytes_atomically(self.home.result_folder(key) / "answered-by", target.encode())

    def follow(self, key: str) -> str:
        """The key under which chunks and result lie: `key` itself unless `link` has said otherwise."""
        for _ in range(_MAX_LINKS):
            try:
                target = (self.home.result_folder(key) / "answered-by").read_text()
            except OSError:
                break
            key = target
        return key

    def list(self) -> list[StoredResult]:
        """All finished results, newest first. What the files say is cached in the index until a file changes."""
        with reading(self.home) as connection:
            known = {row["key"]: row for row in connection.execute("SELECT * FROM results")}
        stored, fresh = [], []
        for path in self.home.results.glob(f"*/{RESULT_FILE}"):
            try:
                status = path.stat()
            except OSError:  # deleted in this very moment
                continue
            key, stamp = path.parent.name, (status.st_mtime_ns, status.st_size)
            row = known.get(key)
            if row is not None and (row["modified"], row["size"]) == stamp:
                study, title, problem = row["study"], row["title"], row["problem"]
            else:
                study, title, problem = _summary(path)
                fresh.append((key, *stamp, study, title, problem))
            stored.append(
                StoredResult(
                    key=key,
                    study=study,
                    title=title,
                    path=path,
                    created=status.st_mtime,
                    size=status.st_size,
                    problem=problem,
                )
            )
        if fresh:
            with contextlib.suppress(StoreError), transaction(self.home) as connection:  # only a cache
                connection.executemany("INSERT OR REPLACE INTO results VALUES(?, ?, ?, ?, ?, ?)", fresh)
        return sorted(stored, key=lambda result: (-result.created, result.key))

    def remember(self, digest: str, kind: Kind, location: str) -> None:
        """Note where a checkpoint or a data set with this digest was found; the newest place comes first."""
        path = self._catalogue_file(digest)
        places = [place for place in places_in(path) if place != location]
        entry = {"kind": kind, "locations": [location, *places]}
        if not (places_in(path) and places_in(path)[0] == location):
            write_bytes_atomically(path, json.dumps(entry).encode())

    def locate(self, digest: str) -> str | None:
        """Where the digest was found last, or None; a place that is a path which is gone is passed over."""
        return next((place for place in places_in(self._catalogue_file(digest)) if may_exist(place)), None)

    def _catalogue_file(self, digest: str) -> Path:
        return self.home.catalogue / f"{self.home.result_folder(digest).name}.json"


def _npy_bytes(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def _read_chunk(path: Path, crc: str) -> np.ndarray | None:
    try:
        content = path.read_bytes()
    except OSError:  # unreadable now is not proof of damage
        return None
    if f"{zlib.crc32(content):08x}" == crc:
        with contextlib.suppress(ValueError, EOFError):
            return np.load(io.BytesIO(content), allow_pickle=False)
    path.unlink(missing_ok=True)
    return None


def _summary(path: Path) -> tuple[str, str, str | None]:
    try:
        summary = read_summary(path)
    except ResultError as error:
        return "", "", str(error)
    if summary is not None:
        return summary.study, summary.title, None
    try:
        with xr.open_dataset(path, engine="h5netcdf") as dataset:
            return str(dataset.attrs["study"]), str(dataset.attrs.get("title", "")), None
    except (OSError, ValueError, RuntimeError, KeyError):
        return "", "", f"{path} is damaged; delete it and compute the result again."


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _sweep(folder: Path) -> None:
    limit = time.time_ns() - int(_STALE_SECONDS * 1e9)
    for path in [*_files(folder), *_files(folder / "chunks")]:
        if path.name.endswith(".tmp") and _modified(path) < limit:
            path.unlink(missing_ok=True)


def _replace(path: Path, target: Path) -> None:
    try:
        path.replace(target)
    except OSError as error:
        raise write_error(path, error) from error
