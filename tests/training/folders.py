"""A run's folder as something that can be compared."""

from pathlib import Path

import numpy as np


def contents(folder: Path) -> dict[str, object]:
    """What every file below a folder holds: bytes, and for histories all columns but the seconds that were spent."""
    return {
        str(path.relative_to(folder)): _history(path) if path.name == "history.npz" else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _history(path: Path) -> dict[str, bytes]:
    with np.load(path) as arrays:
        return {name: arrays[name].tobytes() for name in arrays.files if name != "checkpoint_seconds"}
