"""Families: several networks from starts of their own, kept as one run whose snapshots are their last checkpoints."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from landscape.core.errors import LandscapeError
from landscape.core.files import write_bytes_atomically
from landscape.core.requests import TrainRequest
from landscape.networks.checkpoint_files import load_checkpoint_file, save_checkpoint
from landscape.training.batches import Batches
from landscape.training.crew import MemberJob
from landscape.training.history import joined
from landscape.training.ingredients import Ingredients, Progress
from landscape.training.quickest import train_quickest
from landscape.training.recipes import members, plan_of
from landscape.training.runs import (
    MEMBER_FOLDER,
    DataRecord,
    Run,
    checkpoint_path,
    mark_complete,
    open_run,
    optimizer_path,
    save_history,
)
from landscape.training.side_by_side import train_all


def train_family(
    request: TrainRequest,
    folder: Path,
    ingredients: Ingredients,
    record: DataRecord,
    *,
    cache: Path | None,
    progress: Progress,
    stop: Callable[[], bool],
    workers: int | None = None,
) -> Run:
    """Train the networks of a family; see `trainer.train`.

    Each network is a whole run of its own in `members/`, resumable like any other.

    Args:
        request: `single-cycle` or `independent`.
        folder: Where the family lies.
        ingredients: Data, device, teachers, network.
        record: Which data, for the folder.
        cache: Folder of decoded images, for other processes.
        progress: Told (steps done, steps in all, note) over all networks.
        stop: Asked all the time.
        workers: How many networks train at once; None for what turns out to be quickest.
    """
    # First of all, so that a request that cannot work makes no folder.
    plan_of(request, Batches(ingredients.data.train, request).steps_per_epoch)
    run = open_run(folder, request, record)
    jobs = [
        MemberJob(request=member, folder=folder / MEMBER_FOLDER / f"member-{number}", record=record)
        for number, member in enumerate(members(request), start=1)
    ]
    options: dict[str, Any] = {"cache": cache, "progress": progress, "stop": stop, "what": "network"}
    trained = (
        train_quickest(jobs, ingredients, **options)
        if workers is None
        else train_all(jobs, ingredients, workers=workers, **options)
    )
    for found in trained:
        if isinstance(found, LandscapeError):
            raise found
    _assemble(folder, [found for found in trained if isinstance(found, Run)])
    return run


def _assemble(folder: Path, runs: list[Run]) -> None:
    """Write the family's own checkpoints and history from those of its networks."""
    steps = 0
    for number, run in enumerate(runs, start=1):
        first, last = run.checkpoint_files[0], run.checkpoint_files[-1]
        if number == 1:
            save_checkpoint(load_checkpoint_file(first), checkpoint_path(folder, 0))
        checkpoint = load_checkpoint_file(last)
        metadata = checkpoint.metadata
        steps += metadata.step or 0
        metadata = msgspec.structs.replace(metadata, step=steps, kind="snapshot", label=f"network {number}")
        save_checkpoint(replace(checkpoint, metadata=metadata), checkpoint_path(folder, steps))
        state = run.optimizer_file(int(run.history["checkpoint_step"][-1])).read_bytes()
        write_bytes_atomically(optimizer_path(folder, steps), state)
    save_history(folder, joined([run.history for run in runs]))
    mark_complete(folder)
