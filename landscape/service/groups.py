"""From what people write (run folders, `NAME=REFERENCE,REFERENCE`, references) to groups of checkpoints. No torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from landscape.core.errors import RequestError
from landscape.service.home import Home
from landscape.training.runs import REQUEST_FILE, Run, step_of


@dataclass(frozen=True)
class Groups:
    """Checkpoints in groups, as the requests of whole groups take them.

    Attributes:
        checkpoints: References, one group after the other.
        names: The group of each, or empty if there is one group without a name.
    """

    checkpoints: tuple[str, ...]
    names: tuple[str, ...]


def read_groups(words: Sequence[str], home: Home) -> Groups:
    """What a few words name.

    Args:
        words: Each is the folder of a run (or its name in the working folder), whose snapshots are a group of its
            name; or `NAME=WHAT,WHAT`, a group of that name with references or runs in it; or a reference to a
            checkpoint. References that stand alone are together one group without a name.
        home: The working folder.

    Raises:
        RequestError: References that stand alone are mixed with groups, two groups have one name, or a group is empty.
        TrainingError: The records of a run cannot be read.
    """
    found = [_read(word, home) for word in words]
    named = [(name, members) for name, members in found if name]
    alone = tuple(reference for name, members in found if not name for reference in members)
    if named and alone:
        raise RequestError(
            f"{alone[0]} is a checkpoint by itself, but {named[0][0]} is a group; put it into a group, such as "
            f"others={alone[0]}, or name checkpoints only."
        )
    if not named:
        return Groups(alone, ())
    names = [name for name, _ in named]
    for name in names:
        if names.count(name) > 1:
            raise RequestError(
                f"Two groups have the name {name!r}; give one of them another, as in {name}-2=REFERENCE,REFERENCE or "
                f"{name}-2=RUN_DIR."
            )
    return Groups(
        tuple(reference for _, members in named for reference in members),
        tuple(name for name, members in named for _ in members),
    )


def find_run(reference: str, home: Home) -> Run | None:
    """The run in a folder, or of that name in the working folder; None if there is none.

    Raises:
        TrainingError: Its records cannot be read.
    """
    for folder in (Path(reference).expanduser().absolute(), home.runs / reference):
        if (folder / REQUEST_FILE).is_file():
            return Run.load(folder)
    return None


def _read(word: str, home: Home) -> tuple[str, tuple[str, ...]]:
    """The name and the references of one word; the name is "" for a reference that stands alone."""
    run = find_run(word, home)
    if run is not None:
        return run.folder.resolve().name, _snapshots(run)
    name, equals, listed = word.partition("=")
    if not equals or _is_there(word):
        return "", (word,)
    if not name or not listed.strip(","):
        raise RequestError(
            f"The group {word!r} is not NAME=REFERENCE,REFERENCE or NAME=RUN_DIR; give a name before the equals "
            "sign and checkpoints or a run behind it."
        )
    # A path may have commas in it.
    each = [listed] if _is_there(listed) else [part for part in listed.split(",") if part]
    return name, tuple(reference for part in each for reference in _members(part, home))


def _members(part: str, home: Home) -> tuple[str, ...]:
    run = find_run(part, home)
    return (part,) if run is None else _snapshots(run)


def _snapshots(run: Run) -> tuple[str, ...]:
    steps = [step_of(file) for file in run.snapshot_files]
    if not steps:
        raise RequestError(
            f"The run in {run.folder} has no snapshots so far; train it further, or name its checkpoints as "
            "RUN_DIR@STEP."
        )
    return tuple(f"{run.folder}@{step}" for step in steps)


def _is_there(reference: str) -> bool:
    """Whether it is a path, or RUN_DIR@STEP of a folder that is there."""
    folder = reference.rpartition("@")[0]
    return Path(reference).expanduser().exists() or (bool(folder) and Path(folder).expanduser().is_dir())
