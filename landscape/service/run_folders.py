"""Where runs lie: in the working folder, or elsewhere and noted there."""

import hashlib
import os
from pathlib import Path

from landscape.core.files import write_bytes_atomically
from landscape.service.home import Home
from landscape.training.runs import REQUEST_FILE


def remember_run(home: Home, folder: Path) -> None:
    """Note a run that lies outside the working folder, so that the app lists it, too.

    Raises:
        StoreError: The note cannot be written.
    """
    folder = folder.absolute()
    if folder.parent != home.runs.absolute():
        note = home.runs / f"{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}.place"
        write_bytes_atomically(note, os.fsencode(folder))


def run_folders(home: Home) -> list[Path]:
    """Folders of all runs that are known and still there, the latest started first."""
    noted = [Path(os.fsdecode(note.read_bytes())) for note in home.runs.glob("*.place")]
    found = [*(path.parent for path in home.runs.glob(f"*/{REQUEST_FILE}")), *noted]
    there = [folder for folder in found if (folder / REQUEST_FILE).is_file()]
    return sorted(there, key=lambda folder: (-(folder / REQUEST_FILE).stat().st_mtime, folder.name))
