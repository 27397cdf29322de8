"""A lock on a file, held by one process and released by the system when that process ends, however it ends."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from landscape.core.files import write_error


@contextlib.contextmanager
def locked(path: Path, *, patience: float) -> Iterator[bool]:
    """Try to hold the lock for the length of a `with` block.

    Args:
        path: The lock's file; it is created and stays.
        patience: Seconds to try for; 0 tries once.

    Yields:
        Whether the lock is held. The block runs either way.

    Raises:
        StoreError: The lock's file cannot be created.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise write_error(path, error) from error
    try:
        end = time.monotonic() + patience
        while not (held := _try_lock(descriptor)) and time.monotonic() < end:
            time.sleep(0.02)
        yield held
    finally:
        os.close(descriptor)  # closing releases


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock at this moment."""
    if not path.exists():
        return False
    with locked(path, patience=0) as held:
        return not held


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
