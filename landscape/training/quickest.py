"""Many runs in the quicker of two ways: one after the other, or side by side. The bits are the same in both."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from landscape.core.errors import LandscapeError, StoppedError
from landscape.training import side_by_side
from landscape.training.crew import MemberJob
from landscape.training.ingredients import Ingredients, Progress
from landscape.training.runs import COMPLETE_FILE, Run
from landscape.training.side_by_side import train_all

# Ours, on two cores: what processes take until they train, most of it to load torch, and to end.
STARTING_SECONDS = 6.0
# Ours: after so long it is known how long the rest takes.
MEASURING_SECONDS = 2.0


def train_quickest(
    jobs: Sequence[MemberJob],
    ingredients: Ingredients,
    *,
    cache: Path | None,
    progress: Progress,
    stop: Callable[[], bool],
    what: str,
) -> list[Run | LandscapeError]:
    """Begin with one run after the other, and go on side by side once that is sure to save time.

    Small networks are trained before the processes have started; on the digits with 20 trials of one epoch each,
    side by side takes several times as long. A run that is interrupted by the change goes on in its process from where
    it was, so nothing is lost.

    Args:
        jobs: What to train.
        ingredients: Data, device, and what else the runs are made of.
        cache: Folder of decoded images, for other processes.
        progress: Told (steps done, steps in all, note) over all of them.
        stop: Asked all the time.
        what: What the note calls one of them.

    Returns:
        The run of each job, or the error that ended it, in their order; see `side_by_side.train_all`.

    Raises:
        StoppedError: `stop` returned true; the same call goes on from there.
    """
    workers = side_by_side.default_workers(jobs, ingredients)
    begin, changing = time.monotonic(), False
    finished = sum((job.folder / COMPLETE_FILE).is_file() for job in jobs) / max(len(jobs), 1)
    share = finished

    def watch(done: int, total: int, note: str) -> None:
        nonlocal share
        share = done / max(total, 1)
        progress(done, total, note)

    def stop_or_change() -> bool:
        nonlocal changing
        if stop():
            return True
        spent, made = time.monotonic() - begin, share - finished
        # Left to do at the speed so far, of which side by side takes one part in so many workers.
        saved = spent / made * (1 - share) * (1 - 1 / workers) if made > 0 else 0.0
        changing = spent > MEASURING_SECONDS and saved > STARTING_SECONDS
        return changing

    try:
        return train_all(
            jobs, ingredients, cache=cache, progress=watch, stop=stop_or_change, workers=1, what=what
        )
    except StoppedError:
        if not changing:
            raise
    return train_all(jobs, ingredients, cache=cache, progress=progress, stop=stop, workers=workers, what=what)
