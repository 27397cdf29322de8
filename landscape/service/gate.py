"""The gate: looks at an upload before torch does. Standard library only; nothing in the file is executed.

torch.load(weights_only=True) runs no code, but it believes sizes, checks no checksum, and its messages advise to switch
the safety off. So the gate reads every format by an allow-list first and says in our own words what is wrong.
"""

import os
import stat
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from landscape.core.errors import CheckpointError
from landscape.service.gate_plain import LEGACY_MAGIC, inspect_legacy, inspect_safetensors
from landscape.service.gate_rules import COPY_AGAIN, LIMITS, SAVE_AGAIN, DeclaredTensor, RefusedError
from landscape.service.gate_zip import inspect_zip

Format = Literal["zip", "legacy", "safetensors"]

_STRANGERS = (
    (b"\x1f\x8b", "it is a gzip file; unpack it and upload what is inside"),
    (b"BZh", "it is a bzip2 file; unpack it and upload what is inside"),
    (b"7z\xbc\xaf", "it is a 7-zip file; unpack it and upload what is inside"),
    (b"\xfd7zXZ", "it is an xz file; unpack it and upload what is inside"),
    (b"\x93NUMPY", f"it is a NumPy file, not a torch checkpoint; {SAVE_AGAIN}"),
    (b"\x89HDF", f"it is an HDF5 file, e.g. of Keras, not a torch checkpoint; {SAVE_AGAIN}"),
    (b"GGUF", f"it is a GGUF file, not a torch checkpoint; {SAVE_AGAIN}"),
    (b"version https://git-lfs", 'it is a Git LFS pointer; run "git lfs pull" and upload the real file'),
)
_TAR = slice(257, 262)


@dataclass(frozen=True)
class Inspection:
    """What the gate found.

    Attributes:
        format: How the file is written, whatever its name says.
        tensors: All tensors that it declares.
    """

    format: Format
    tensors: tuple[DeclaredTensor, ...]


def inspect(path: Path, name: str) -> Inspection:
    """Check a file without loading it.

    Args:
        path: The file.
        name: What to call it in messages.

    Raises:
        CheckpointError: It is no checkpoint, damaged, too large, or holds more than weights; one sentence says which.
    """
    try:
        with open_regular(path) as file:
            return _inspect(file, os.fstat(file.fileno()).st_size)
    except RefusedError as refusal:
        raise refused(name, refusal) from refusal
    except (OSError, RecursionError, MemoryError, ArithmeticError, struct.error) as error:
        raise refused(name, f"its content is damaged; {COPY_AGAIN}") from error


def refused(name: str, cause: object) -> CheckpointError:
    """The error for a file that is not taken: its name and the cause in one sentence."""
    return CheckpointError(f"{name!r} cannot be used: {cause}.")


def open_regular(path: Path) -> IO[bytes]:
    """Open a file for reading, but no pipe, device or link.

    Raises:
        RefusedError: It is one of these, or cannot be opened.
    """
    # Without O_NONBLOCK a pipe would hang the opener; the type is asked of what was opened, not of what lies there now.
    flags = (
        os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    )
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise RefusedError(f"it cannot be opened ({error.strerror}); check the path") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise RefusedError("it is not a regular file; give a file")
    return os.fdopen(descriptor, "rb")


def _inspect(file: IO[bytes], size: int) -> Inspection:
    if size == 0:
        raise RefusedError(f"it is empty, perhaps an interrupted upload; {COPY_AGAIN}")
    if size > LIMITS.file:
        raise RefusedError(f"it has {size >> 20} MiB, the limit is {LIMITS.file >> 20} MiB")
    start = file.read(512)
    for form, offset, magic, reader in _FORMATS:
        if start.startswith(magic, offset):
            return Inspection(form, tuple(reader(file, size)))
    raise RefusedError(_describe_stranger(start))


def _describe_stranger(start: bytes) -> str:
    for magic, cause in _STRANGERS:
        if start.startswith(magic):
            return cause
    if start.lstrip().lower().startswith((b"<html", b"<!doc", b"<?xml")):
        return "it is a web page, perhaps a failed download; download the file itself"
    if start[_TAR] == b"ustar":
        return f"it is a tar file, the format of torch before 0.4; {SAVE_AGAIN}"
    if any(magic.startswith(start) for _, _, magic, _ in _FORMATS):
        return f"it is cut short; {COPY_AGAIN}"
    if start[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        return f"it is a Python pickle, which can run code, not a torch checkpoint; {SAVE_AGAIN}"
    return "it is neither a torch checkpoint nor a safetensors file; give one of these"


# Form, where its mark stands, the mark, and what reads it.
_FORMATS: tuple[tuple[Format, int, bytes, Callable[[IO[bytes], int], list[DeclaredTensor]]], ...] = (
    ("zip", 0, b"PK\3\4", inspect_zip),
    ("legacy", 0, LEGACY_MAGIC, inspect_legacy),
    ("safetensors", 8, b"{", inspect_safetensors),
)
