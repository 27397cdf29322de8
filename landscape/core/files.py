"""Files that are whole or absent: temporary file, flush, rename. And NetCDF on top of that."""

import contextlib
import errno
import os
import uuid
from collections.abc import Callable
from pathlib import Path

import xarray as xr

from landscape.core.errors import ResultError, StoreError
from landscape.core.results import check_result


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside `path`, flush it to the disk, and rename it into place.

    A process killed at any moment leaves either the old file or the new one; at worst a `.tmp` file stays behind.

    Raises:
        StoreError: The disk is full or the folder may not be written; nothing is left behind.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """`write_atomically` for bytes that are already there."""
    write_atomically(path, lambda temporary: _write_all(temporary, content))


def write_error(path: Path, error: OSError) -> StoreError:
    """The error to raise for a failed write; it knows whether the disk is full."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreError(
            f"The disk that holds {path.parent} is full; free some space and resume, nothing computed is lost.",
            full=True,
        )
    return StoreError(
        f"{path} cannot be written ({error.strerror or error}); choose a folder that you may write to."
    )


def save_result(result: xr.Dataset, path: Path) -> None:
    """Write a checked result as NetCDF-4.

    Raises:
        ResultError: The dataset does not follow its schema.
        StoreError: The file cannot be written.
    """
    checked = check_result(result)
    encoding = {name: {"zlib": False} for name in checked.data_vars}
    # Built in memory: HDF5 that meets a full disk half-way through a file ends the whole process.
    content = checked.to_netcdf(None, engine="h5netcdf", encoding=encoding)
    write_bytes_atomically(path, bytes(content))


def load_result(path: Path | str) -> xr.Dataset:
    """Read a result into memory and check it.

    Raises:
        ResultError: The file is missing, truncated, or not a landscape result.
    """
    path = Path(path)
    if not path.is_file():
        raise ResultError(f"There is no result file {path}; check the path.")
    try:
        with xr.open_dataset(path, engine="h5netcdf") as dataset:
            result = dataset.load()
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise ResultError(
            f"{path} is not a readable NetCDF file (cut short, or another format); compute the result again."
        ) from error
    return check_result(result)


def _write_all(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _flush_folder(folder: Path) -> None:
    # Without this the rename itself may be lost with the power; Windows cannot open folders and needs no such call.
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
