"""Processes of our own: started in a clean way, recognised again, ended with their children."""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from landscape.core.files import write_error
from landscape.core.threads import SLEEPING_THREADS

EXIT_DISK_FULL = 75  # EX_TEMPFAIL of sysexits.h: try again later
_PACKAGE_ROOT = Path(__file__).parents[2]
_SAME_PROCESS_SECONDS = 2.0  # how far two readings of one process's start may lie apart


@dataclass(frozen=True)
class ProcessIdentity:
    """A process that is not mistaken for a later one with the same number.

    Attributes:
        pid: Its number.
        created: When it started, seconds since 1970, as psutil says.
    """

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> "ProcessIdentity | None":
        """The identity of a living process, or None if there is none."""
        try:
            return cls(pid, psutil.Process(pid).create_time())
        except psutil.Error:
            return None

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return self._process() is not None

    def end(self, *, grace: float) -> None:
        """Ask it and its children to end, wait, and kill what is left. Returns when all are gone."""
        process = self._process()
        if process is None:
            return
        family = _family(process)
        for member in family:
            _signal(member, kill=False)
        for member in psutil.wait_procs(family, timeout=grace)[1]:
            _signal(member, kill=True)
        psutil.wait_procs(family, timeout=grace)

    def _process(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < _SAME_PROCESS_SECONDS
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None


def start_module(
    module: str,
    arguments: Sequence[str],
    *,
    log: Path,
    folder: Path,
    detached: bool = False,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `python -m module` with our package on its path and its output appended to a log.

    Args:
        module: Name of the module.
        arguments: Its arguments.
        log: File for what it prints; created if absent.
        folder: Its working folder; relative references in requests are meant from there.
        detached: Whether it outlives us: a session of its own, so that neither Ctrl-C nor a closed terminal ends it.
        environment: Variables to add to ours.

    Raises:
        StoreError: The log cannot be written.
    """
    # -P keeps the working folder off the path: a user's own random.py must not replace the standard one.
    command = [sys.executable, "-P", "-m", module, *arguments]
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder if folder.is_dir() else log.parent,
                env=child_environment(environment or {}),
                start_new_session=detached and os.name == "posix",
                creationflags=_detached_flags() if detached else 0,
            )
    except OSError as error:
        raise write_error(log, error) from error
    if detached:
        # Somebody has to take the exit status, or it stays in the process table as a zombie while we live.
        threading.Thread(target=process.wait, daemon=True).start()
    return process


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Our environment for a child: the package importable, and unpickling refused whatever any library asks for."""
    environment = {name: value for name, value in os.environ.items() if name not in _FORBIDDEN}
    path = [str(_PACKAGE_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return (
        SLEEPING_THREADS
        | environment
        | {
            "PYTHONPATH": os.pathsep.join(path),
            "TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1",
            **extra,
        }
    )


_FORBIDDEN = ("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD",)


def _detached_flags() -> int:
    if sys.platform == "win32":
        return subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS
    return 0


def _family(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [*process.children(recursive=True), process]
    except psutil.Error:
        return [process]


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        if kill:
            process.kill()
        else:
            process.terminate()
    except psutil.Error:
        pass  # it has gone by itself
