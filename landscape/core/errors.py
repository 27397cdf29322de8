"""One exception family. Every message is one full sentence: what is wrong, what was expected, what to do."""

import difflib
from collections.abc import Iterable


class LandscapeError(Exception):
    """Something that the person at the door can mend; its text is shown to them as it is."""


class RequestError(LandscapeError):
    """The question itself is wrong: a value out of range, a missing checkpoint, an impossible plane."""


class DataError(LandscapeError):
    """A data set is unknown, missing, damaged or does not fit the network."""


class CheckpointError(LandscapeError):
    """A checkpoint is missing, damaged, not plain weights, or does not fit its network."""


class ResultError(LandscapeError):
    """A result file is missing, damaged or not one of ours."""


class TrainingError(LandscapeError):
    """A training run cannot go on: its loss became infinite, its folder belongs to another request, ..."""


class DivergedError(TrainingError):
    """The loss or the weights of a run are no longer finite."""


class StoreError(LandscapeError):
    """The working folder cannot be used: the disk is full, it may not be written, it is held by another.

    Attributes:
        full: Whether the disk is full, so that the same may succeed once there is space.
    """

    def __init__(self, message: str, *, full: bool = False) -> None:
        super().__init__(message)
        self.full = full


class JobError(LandscapeError):
    """A job cannot be submitted, found, cancelled or resumed."""


class StoppedError(LandscapeError):
    """Work stopped because somebody asked for it; what was finished is kept."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """A sentence for a name that is not in a table, with the nearest known one first."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? Choose" if close else "choose"
    return f"There is no {kind} named {name!r}; {hint} one of: {', '.join(names)}."
