"""Which checkpoints can be taken together: names for a list, what fits a first one, the first guess."""

from collections.abc import Sequence
from dataclasses import dataclass

from landscape.service.library import CheckpointEntry, compatible


@dataclass(frozen=True)
class Choice:
    """A checkpoint with a name that no other one in the list has."""

    name: str
    entry: CheckpointEntry


def name_choices(entries: Sequence[CheckpointEntry]) -> list[Choice]:
    """Entries with unique names, in their order."""
    counts: dict[str, int] = {}
    choices = []
    for entry in entries:
        name = f"{entry.group} · {entry.label}" if entry.group else entry.label
        counts[name] = counts.get(name, 0) + 1
        choices.append(Choice(name if counts[name] == 1 else f"{name} ({counts[name]})", entry))
    return choices


def obstacles(choices: Sequence[Choice], first: Choice) -> dict[str, str | None]:
    """By name: one sentence why a checkpoint cannot be taken with the first one, or None if it can."""
    others = [choice for choice in choices if choice is not first]
    reasons = compatible([first.entry, *(choice.entry for choice in others)])[1:]
    return {choice.name: reason for choice, reason in zip(others, reasons, strict=True)}


def first_guess(choices: Sequence[Choice], count: int) -> list[Choice]:
    """Checkpoints to begin with: the ends of different runs of one kind, else late steps of the same run."""
    usable = [choice for choice in choices if choice.entry.problem is None]
    best: list[Choice] = []
    for first in usable:
        reasons = obstacles(usable, first)
        fitting = [choice for choice in usable if choice is first or reasons[choice.name] is None]
        ends = {choice.entry.group: choice for choice in fitting}  # the last of each group
        rest = [choice for choice in reversed(fitting) if choice not in ends.values()]
        guess = [*ends.values(), *rest][:count]
        if len(ends) >= count:
            return guess
        best = max(best, guess, key=len)
    return best
