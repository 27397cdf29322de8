"""Takes in a checkpoint of unknown origin without trusting it.

The file goes into quarantine under a name of ours, past the gate (`gate.py`, which executes nothing), and then through
a child process of its own with little memory and no device (`import_child.py`), which writes plain safetensors. Every
other part of the program reads only that copy.
"""

import errno
import hashlib
import io
import os
import shutil
import subprocess
import uuid
from pathlib import Path, PurePosixPath
from typing import IO

from landscape.core.errors import CheckpointError, StoreError
from landscape.core.files import write_error
from landscape.service.gate import Format, inspect, open_regular, refused
from landscape.service.gate_rules import LIMITS, SAVE_AGAIN, RefusedError
from landscape.service.home import Home
from landscape.service.locks import locked
from landscape.service.processes import EXIT_DISK_FULL, start_module
from landscape.service.uploads import Upload, delete_upload, load_upload, uploads

__all__ = ["Upload", "clean_name", "delete_upload", "import_upload", "uploads"]

REFUSAL_FILE = "refusal.txt"
_LOCK_SECONDS = 300.0
_CHILD_SECONDS = 120.0
_SLOWEST_BYTES_PER_SECOND = 10 << 20
_BLOCK = 1 << 20
_LONGEST_LABEL = 120


def import_upload(source: Path | str | bytes, name: str, home: Home) -> Upload:
    """Check a checkpoint file and keep its weights; a file that was imported before is found again.

    Weights that fit no known architecture are kept too, with the reason in `problem`.

    Args:
        source: A file on this machine, or the content of one.
        name: What its sender calls it; used as a label only.
        home: The working folder.

    Raises:
        CheckpointError: It is not plain weights, damaged or too large; one sentence names the file and the cause.
        StoreError: The working folder cannot be written, or another import takes too long.
    """
    label = clean_name(name)
    home.ensure()
    with locked(home.path / "import.lock", patience=_LOCK_SECONDS) as held:
        if not held:
            raise StoreError("Another file is still being imported; wait a moment, then try again.")
        _sweep(home.quarantine)  # we hold the lock, so whatever lies there was left by a killed import
        try:
            return _import(source, label, home)
        finally:
            _sweep(home.quarantine)


def clean_name(name: str) -> str:
    """A sender's file name as a label: no folders, no control or invisible characters, not too long."""
    last = PurePosixPath(name.replace("\\", "/")).name
    label = "".join(character if character.isprintable() else "_" for character in last).strip()
    return label[:_LONGEST_LABEL] or "upload"


def _import(source: Path | str | bytes, label: str, home: Home) -> Upload:
    file = home.quarantine / f"{uuid.uuid4().hex}.part"
    sha256, size = _take_in(source, file, label)
    known = load_upload(home.uploads / sha256)
    if known is not None and known.weights.is_file():
        return known
    inspection = inspect(file, label)
    folder = home.quarantine / f"{uuid.uuid4().hex}.new"
    _convert(file, folder, label, inspection.format, sha256, size, home)
    return _publish(folder, home.uploads / sha256)


def _take_in(source: Path | str | bytes, file: Path, label: str) -> tuple[str, int]:
    """Copy into quarantine; returns SHA-256 and size. The original may change or vanish from here on."""
    digest, size = hashlib.sha256(), 0
    try:
        with _open_source(source) as original, _create(file) as copy:
            while block := _read(original):
                size += len(block)
                if size > LIMITS.file:
                    raise RefusedError(f"it has more than {LIMITS.file >> 20} MiB, which is the limit")
                digest.update(block)
                copy.write(block)
    except RefusedError as refusal:
        raise refused(label, refusal) from refusal
    except OSError as error:
        raise write_error(file, error) from error
    return digest.hexdigest(), size


def _open_source(source: Path | str | bytes) -> IO[bytes]:
    return io.BytesIO(source) if isinstance(source, bytes) else open_regular(Path(source).resolve())


def _create(file: Path) -> IO[bytes]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(file, flags, 0o600), "wb")


def _read(original: IO[bytes]) -> bytes:
    try:
        return original.read(_BLOCK)
    except OSError as error:
        raise RefusedError(f"it cannot be read ({error.strerror}); check the disk") from error


def _convert(file: Path, folder: Path, label: str, form: Format, sha256: str, size: int, home: Home) -> None:
    """Let a child process read the file with torch and write weights and manifest into the folder."""
    log = home.jobs / "imports.log"
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise write_error(folder, error) from error
    child = start_module(
        "landscape.service.import_child",
        ["--", str(file.absolute()), str(folder.absolute()), label, form, sha256],
        log=log,
        folder=home.quarantine,
        # Never a device: its driver wants more address space than the child may have.
        environment={"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
    )
    try:
        status = child.wait(_CHILD_SECONDS + size / _SLOWEST_BYTES_PER_SECOND)
    except subprocess.TimeoutExpired as error:
        raise refused(label, f"reading it takes too long; {SAVE_AGAIN}") from error
    finally:
        child.kill()
        child.wait()
    if status == EXIT_DISK_FULL:
        raise write_error(folder, OSError(errno.ENOSPC, "disk full"))
    if status != 0:
        refusal = folder / REFUSAL_FILE
        cause = (
            refusal.read_text() if refusal.is_file() else f"reading it failed ({log} says how); {SAVE_AGAIN}"
        )
        raise refused(label, cause)


def _publish(folder: Path, target: Path) -> Upload:
    try:
        if target.exists():  # weights or manifest were lost
            shutil.rmtree(target)
        folder.replace(target)
    except OSError as error:
        raise write_error(target, error) from error
    upload = load_upload(target)
    if upload is None:
        raise CheckpointError(f"The import left no manifest in {target}; import the file again.")
    return upload


def _sweep(quarantine: Path) -> None:
    for path in quarantine.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
