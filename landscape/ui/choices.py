"""Which checkpoints can be taken together: names for a list, the first guess, the reason why one does not fit."""

from collections.abc import Sequence
from dataclasses import dataclass

from landscape.service.library import CheckpointEntry


@dataclass(frozen=True)
class Choice:
    """A checkpoint with a name that no other one in the list has."""

    name: str
    entry: CheckpointEntry


def name_choices(entries: Sequence[CheckpointEntry]) -> list[Choice]:
    """Entries with unique names, in their order."""
    names: dict[str, int] = {}
    choices = []
    for entry in entries:
        name = f"{entry.group} · {entry.label}" if entry.group else entry.label
        names[name] = names.get(name, 0) + 1
        choices.append(Choice(name if names[name] == 1 else f"{name} ({names[name]})", entry))
    return choices


def why_not(entry: CheckpointEntry, first: CheckpointEntry) -> str | None:
    """One sentence why an entry cannot lie on a line or plane with the first one, or None if it can."""
    if entry.problem is not None:
        return entry.problem
    if entry.architecture != first.architecture:
        return (
            f"It is a {entry.architecture or 'network of unknown architecture'}, the first one a "
            f"{first.architecture}; weights of different networks have no common space."
        )
    if None not in (entry.parameters, first.parameters) and entry.parameters != first.parameters:
        return f"It has {entry.parameters:,} parameters, the first one {first.parameters:,}; the layers differ in size."
    if entry.data and first.data and entry.data != first.data:
        return f"It was trained on {entry.data}, the first one on {first.data}; their losses cannot be compared."
    if entry.digest is not None and entry.digest == first.digest:
        return "It has the same weights as the first one."
    return None


def first_guess(choices: Sequence[Choice], count: int) -> list[Choice]:
    """Checkpoints to begin with: the ends of different runs of one kind, then earlier steps of the same run."""
    usable = [choice for choice in choices if choice.entry.problem is None]
    best: list[Choice] = []
    for first in usable:
        fitting = [choice for choice in usable if choice is first or why_not(choice.entry, first.entry) is None]
        ends = {choice.entry.group: choice for choice in fitting}  # the last of each group
        guess = [*ends.values(), *(choice for choice in reversed(fitting) if choice not in ends.values())][:count]
        if len(ends) >= count:
            return guess
        best = max(best, guess, key=len)
    return best
