"""Decoded images on the disk, so that a data set is decoded once.

A copy is found by the place, size and time of what it was decoded from, and believed only if its digest is right.
"""

import contextlib
import hashlib
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from landscape.core.errors import StoreError
from landscape.core.files import write_atomically
from landscape.networks.archives import folder_files
from landscape.networks.raw_data import RawData, RawSplit

# A change in how images are decoded raises this, so that older copies are not used any more.
CACHE_VERSION = 1


def load_through_cache(path: Path, cache: Path | None, load: Callable[[Path], RawData]) -> RawData:
    """What `load` makes of a path, from the cache if it is there and whole, else decoded and kept.

    A cache that cannot be written is no reason to fail: the data are there all the same.
    """
    if cache is None:
        return load(path)
    place = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    try:
        copy = cache / f"{place}-{_fingerprint(path)[:16]}.npz"
    except OSError:  # `load` meets the same obstacle and says what it is
        return load(path)
    raw = _read(copy)
    if raw is None:
        raw = load(path)
        with contextlib.suppress(StoreError, OSError):
            write_atomically(copy, lambda temporary: _write(temporary, raw))
            for older in set(cache.glob(f"{place}-*.npz")) - {copy}:
                older.unlink(missing_ok=True)
    return raw


def _fingerprint(path: Path) -> str:
    files = folder_files(path) if path.is_dir() else [(path.name, path)]
    state = hashlib.sha256(str(CACHE_VERSION).encode())
    for inside, file in files:
        status = file.stat()
        state.update(f"\0{inside}\0{status.st_size}\0{status.st_mtime_ns}".encode())
    return state.hexdigest()


def _write(path: Path, raw: RawData) -> None:
    with path.open("wb") as file:
        np.savez(
            file,
            train_values=raw.train.values,
            train_labels=raw.train.labels,
            test_values=raw.test.values,
            test_labels=raw.test.labels,
            classes=np.array(raw.classes),
            digest=np.array(raw.digest()),
        )


def _read(copy: Path) -> RawData | None:
    try:
        with copy.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            raw = RawData(
                RawSplit(file["train_values"], file["train_labels"]),
                RawSplit(file["test_values"], file["test_labels"]),
                tuple(str(name) for name in file["classes"]),
            )
            return raw if str(file["digest"]) == raw.digest() else None
    except (OSError, ValueError, EOFError, KeyError, MemoryError, zipfile.BadZipFile, zlib.error):
        return None
