"""Checks a file that torch.save wrote as a zip archive (since torch 1.6): entries, checksums, index, sizes."""

import zipfile
import zlib
from collections.abc import Sequence
from typing import IO

from landscape.service.gate_pickle import read_pickle
from landscape.service.gate_rules import COPY_AGAIN, LIMITS, SAVE_AGAIN, DeclaredTensor, RefusedError
from landscape.service.gate_tensors import find_tensors

_END_RECORD = b"PK\5\6"
_END_BYTES = 22  # of the record that closes a zip file without a comment
_LOCAL_BYTES = 30  # of the record before each entry, without name and padding


def inspect_zip(file: IO[bytes], size: int) -> list[DeclaredTensor]:
    """The tensors of a torch archive.

    Raises:
        RefusedError: It is damaged, is something else in a zip, or holds more than weights.
    """
    with _open(file) as archive:
        entries = archive.infolist()
        root = _check_directory(entries)
        _check_layout(file, entries, root, size)
        _check_sums(archive)
        if f"{root}byteorder" in archive.namelist() and archive.read(f"{root}byteorder") not in (
            b"little",
            b"big",
        ):
            raise RefusedError(f"it names an unknown byte order; {COPY_AGAIN}")
        index = archive.read(f"{root}data.pkl")
    structure, end = read_pickle(index)
    if end != len(index):
        raise RefusedError(f"its index is damaged or cut short; {COPY_AGAIN}")
    prefix = f"{root}data/"
    sizes = {e.filename.removeprefix(prefix): e.file_size for e in entries if e.filename.startswith(prefix)}
    return find_tensors(structure, sizes=sizes).tensors


def _open(file: IO[bytes]) -> zipfile.ZipFile:
    file.seek(0)
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, UnicodeError) as error:
        raise RefusedError(
            f"it is cut short or damaged, the directory at its end is missing; {COPY_AGAIN}"
        ) from error


def _check_directory(entries: Sequence[zipfile.ZipInfo]) -> str:
    """Refuse archives of other programs; returns the folder that holds everything, with its slash."""
    names = [entry.filename for entry in entries]
    if len(names) > LIMITS.entries:
        raise RefusedError(f"it has {len(names)} zip entries, the limit is {LIMITS.entries}")
    if len(set(names)) != len(names):
        raise RefusedError(f"two of its zip entries have the same name; {SAVE_AGAIN}")
    folder, slash, _ = names[0].partition("/") if names else ("", "", "")
    root = folder + slash
    inside = {name.removeprefix(root) for name in names}
    if "constants.pkl" in inside or any(name.startswith("code/") for name in inside):
        raise RefusedError("it is a TorchScript program, which can run code; " + SAVE_AGAIN)
    if "archive_format" in inside or any(name.startswith("models/") for name in inside):
        raise RefusedError("it is a torch.export program, which can run code; " + SAVE_AGAIN)
    if all(name.endswith(".npy") for name in names):
        raise RefusedError("it is a NumPy file, not a torch checkpoint; " + SAVE_AGAIN)
    if not slash or "data.pkl" not in inside:
        raise RefusedError(
            "it is a zip file, but not one that torch wrote; unzip it and upload what is inside"
        )
    return root


def _check_layout(file: IO[bytes], entries: Sequence[zipfile.ZipInfo], root: str, size: int) -> None:
    """Refuse what torch never writes: compressed, encrypted, overlapping or strangely named entries, foreign bytes."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        name = entry.filename
        # ZipInfo cuts a name at its first NUL; what stood in the file is in orig_filename.
        if (
            not name.startswith(root)
            or ".." in name.split("/")
            or "\\" in name
            or name != entry.orig_filename
        ):
            raise RefusedError(f"one of its zip entries lies outside its folder; {SAVE_AGAIN}")
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
            raise RefusedError(
                f"its entries are compressed, which torch never does, perhaps a zip bomb; {SAVE_AGAIN}"
            )
        if entry.flag_bits & 1:
            raise RefusedError(f"its entries are encrypted; {SAVE_AGAIN}")
        if entry.header_offset < end:
            raise RefusedError(f"its zip entries overlap, perhaps a zip bomb; {SAVE_AGAIN}")
        end = entry.header_offset + _LOCAL_BYTES + len(name.encode()) + entry.file_size
    index = next(entry for entry in entries if entry.filename == f"{root}data.pkl")
    if index.file_size > LIMITS.index:
        raise RefusedError(f"its index has {index.file_size} bytes, the limit is {LIMITS.index}")
    file.seek(max(0, size - _END_BYTES))
    if end > size or not file.read(_END_BYTES).startswith(_END_RECORD):
        raise RefusedError(f"there are foreign bytes behind its end; {COPY_AGAIN}")


def _check_sums(archive: zipfile.ZipFile) -> None:
    try:
        damaged = archive.testzip()
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        ValueError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise RefusedError(f"its zip entries are damaged; {COPY_AGAIN}") from error
    if damaged is not None:
        raise RefusedError(
            f"the checksum of {damaged[:80]!r} is wrong, so its numbers were damaged; {COPY_AGAIN}"
        )
