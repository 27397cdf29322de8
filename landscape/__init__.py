"""See the loss landscape of your own networks.

The public API is this one list. Each name is loaded when it is first used, so that `import landscape` (and with it
the app's own process) stays free of torch and of every drawing library.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "Checkpoint": "landscape.networks.checkpoints",
    "CheckpointMetadata": "landscape.networks.checkpoints",
    "Data": "landscape.networks.tasks",
    "DiversityRequest": "landscape.core.requests",
    "EnsembleRequest": "landscape.core.requests",
    "Examples": "landscape.networks.tasks",
    "FanRequest": "landscape.core.requests",
    "LandscapeError": "landscape.core.errors",
    "LineRequest": "landscape.core.requests",
    "PlaneRequest": "landscape.core.requests",
    "Run": "landscape.training.runs",
    "SearchRequest": "landscape.core.requests",
    "Task": "landscape.networks.tasks",
    "TrainRequest": "landscape.core.requests",
    "compute": "landscape.service.compute",
    "draw": "landscape.figures",
    "load_checkpoint": "landscape.service.references",
    "load_data": "landscape.networks.datasets",
    "load_result": "landscape.core.files",
    "save_figure": "landscape.figures",
    "save_result": "landscape.core.files",
}

__all__ = sorted([*_PUBLIC, "__version__"])  # pyright: ignore[reportUnsupportedDunderAll]  # the dictionary is the list


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'landscape' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    """The public names."""
    return __all__
