"""The working folder: where runs, uploads, results and jobs lie."""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from landscape.core.errors import StoreError
from landscape.core.files import write_error

RESULT_FILE = "result.nc"
SUMMARY_FILE = "summary.json"  # beside the result: its checksum, study and title
PARTIAL_FILE = "partial.nc"  # what has been evaluated so far, for those who watch
_KEY = re.compile(r"[0-9A-Za-z_-]{1,128}")


@dataclass(frozen=True)
class Home:
    """One working folder. Two homes share nothing.

    Attributes:
        path: The folder itself; it need not exist yet.
    """

    path: Path

    @classmethod
    def default(cls) -> "Home":
        """The folder named by LANDSCAPE_HOME, or `landscape` in the user's data directory."""
        named = os.environ.get("LANDSCAPE_HOME")
        return cls(Path(named).expanduser().absolute() if named else _data_directory() / "landscape")

    @property
    def runs(self) -> Path:
        """One folder per training run."""
        return self.path / "runs"

    @property
    def uploads(self) -> Path:
        """One folder per imported file, named by the SHA-256 of what was uploaded."""
        return self.path / "uploads"

    @property
    def quarantine(self) -> Path:
        """Where an upload lies until it has been checked; empty otherwise."""
        return self.path / "quarantine"

    @property
    def results(self) -> Path:
        """One folder per request key."""
        return self.path / "results"

    @property
    def jobs(self) -> Path:
        """Logs of the jobs and the runner's lock."""
        return self.path / "jobs"

    @property
    def data(self) -> Path:
        """Decoded copies of data sets."""
        return self.path / "data"

    @property
    def tuning(self) -> Path:
        """What the evaluator found to be fastest on this machine."""
        return self.path / "tuning"

    @property
    def predictions(self) -> Path:
        """Logits of checkpoints on data sets, one file each."""
        return self.path / "predictions"

    @property
    def searches(self) -> Path:
        """One folder per search: its journal and the runs of its trials."""
        return self.path / "searches"

    @property
    def catalogue(self) -> Path:
        """One small file per digest: where checkpoints and data sets were found."""
        return self.path / "catalogue"

    @property
    def index(self) -> Path:
        """The SQLite file: queue, job history, and a cache of what the results folder says."""
        return self.path / "index.sqlite"

    def result_folder(self, key: str) -> Path:
        """The folder of one request key.

        Raises:
            StoreError: The key could not name a folder, e.g. because it was typed into an address by hand.
        """
        if not _KEY.fullmatch(key):
            raise StoreError(f"{key[:80]!r} is not the key of a result; choose a result from the list.")
        return self.results / key

    def ensure(self) -> "Home":
        """Create what is missing, readable by the owner only, and return self.

        Raises:
            StoreError: A folder cannot be created.
        """
        for folder in (self.path, self.runs, self.uploads, self.quarantine, self.results, self.jobs):
            _create(folder)
        for folder in (self.data, self.tuning, self.catalogue, self.predictions, self.searches):
            _create(folder)
        return self


def _create(folder: Path) -> None:
    if folder.is_dir():
        return
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(folder, error) from error


def _data_directory() -> Path:
    match sys.platform:
        case "darwin":
            return Path.home() / "Library" / "Application Support"
        case "win32":
            return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        case _:
            named = Path(os.environ.get("XDG_DATA_HOME", ""))
            # The base directory specification says that a relative path is to be ignored.
            return named if named.is_absolute() else Path.home() / ".local" / "share"
