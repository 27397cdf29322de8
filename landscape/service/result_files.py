"""A stored result and, beside it, `summary.json`: its SHA-256, study and title.

The checksum is compared before the file is opened, since HDF5 may loop for ever on a damaged one. Results that have
no summary (older ones, or a process killed between the two writes) are opened as they are.
"""

import hashlib
from pathlib import Path

import msgspec
import xarray as xr

from landscape.core.errors import ResultError
from landscape.core.files import load_result, save_result, write_bytes_atomically, write_error
from landscape.service.home import SUMMARY_FILE


class Summary(msgspec.Struct, frozen=True):
    """What can be said about a result without opening it.

    Attributes:
        sha256: Digest of the NetCDF file, 64 hex digits.
        study: "line" or "plane".
        title: What the study called it.
    """

    sha256: str
    study: str
    title: str


def save_with_summary(result: xr.Dataset, path: Path) -> None:
    """Write a result, then its summary; a kill between the two leaves a sound result without summary.

    Raises:
        ResultError: The dataset does not follow its schema.
        StoreError: A file cannot be written.
    """
    drop_summary(path)  # first: never may the summary of one file lie beside another
    save_result(result, path)
    save_summary(result, path)


def save_summary(result: xr.Dataset, path: Path) -> None:
    """Write the summary of a result that lies in `path`.

    Raises:
        ResultError: The result's file cannot be read.
        StoreError: The summary cannot be written.
    """
    summary = Summary(_sha256(path), str(result.attrs["study"]), str(result.attrs.get("title", "")))
    write_bytes_atomically(path.with_name(SUMMARY_FILE), msgspec.json.encode(summary))


def drop_summary(path: Path) -> None:
    """Remove the summary of the result in `path`, if there is one.

    Raises:
        StoreError: It cannot be removed.
    """
    summary = path.with_name(SUMMARY_FILE)
    try:
        summary.unlink(missing_ok=True)
    except OSError as error:
        raise write_error(summary, error) from error


def read_summary(path: Path) -> Summary | None:
    """The summary of the result in `path`, or None if it has none; the file has the summary's checksum.

    Raises:
        ResultError: The file is not what was written, or cannot be read.
    """
    summary = _read(path)
    while summary is not None and _sha256(path) != summary.sha256:
        again = _read(path)
        if again == summary:  # else the file is just being replaced by another process
            raise ResultError(f"{path} is damaged; delete it and compute the result again.")
        summary = again
    return summary


def load_checked(path: Path) -> xr.Dataset:
    """`load_result` for a stored file, which is opened only if its checksum is right.

    Raises:
        ResultError: The file is missing, damaged, or not a landscape result.
    """
    read_summary(path)
    return load_result(path)


def _read(path: Path) -> Summary | None:
    try:
        return msgspec.json.decode(path.with_name(SUMMARY_FILE).read_bytes(), type=Summary)
    except (OSError, msgspec.MsgspecError):
        return None


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ResultError(
            f"{path} cannot be read ({error.strerror}); check the disk, or compute the result again."
        ) from error
