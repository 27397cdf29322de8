"""Many runs: one after the other in this process, or side by side in processes of their own, with the same bits.

On a CPU rounding depends on the number of threads, so every run gets the same number whichever way is taken: the cores
divided by the runs that could run at once.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import torch

from landscape.core.errors import LandscapeError, StoppedError
from landscape.training.alone import train_alone
from landscape.training.crew import Board, Crew, MemberJob
from landscape.training.ingredients import Ingredients, Progress
from landscape.training.runs import COMPLETE_FILE, Run


def train_all(
    jobs: Sequence[MemberJob],
    ingredients: Ingredients,
    *,
    cache: Path | None = None,
    progress: Progress,
    stop: Callable[[], bool],
    workers: int | None = None,
    what: str = "run",
) -> list[Run | LandscapeError]:
    """Train many runs; a run that fails does not stop the others.

    Args:
        jobs: What to train.
        ingredients: Data and device; networks of the user's own and teachers cannot be sent to other processes.
        cache: Folder of decoded images, for other processes.
        progress: Told (steps done, steps in all, note) over all of them; steps in all is a guess until each has begun.
        stop: Asked all the time.
        workers: How many at once; None for `default_workers`. See `quickest.py` for what is fastest.
        what: What the note calls one of them.

    Returns:
        The run of each job, or the error that ended it, in their order.

    Raises:
        StoppedError: `stop` returned true; the same call goes on from there.
    """
    threads = threads_each(len(jobs), ingredients.device)
    at_once = default_workers(jobs, ingredients) if workers is None else workers
    board = Board(total=len(jobs), what=what)
    left = [number for number, job in enumerate(jobs) if not (job.folder / COMPLETE_FILE).is_file()]
    results: list[Run | LandscapeError | None] = [
        None if number in left else Run.load(job.folder) for number, job in enumerate(jobs)
    ]
    for number, result in enumerate(results):
        if isinstance(result, Run):
            steps = int(result.history["step"][-1])
            board.report(number, steps, steps, "")
    if min(at_once, len(left)) > 1:
        crew = Crew(jobs, ingredients, threads, cache, board)
        found = crew.train(left, min(at_once, len(left)), progress, stop)
    else:
        found = _train_in_turn(jobs, left, ingredients, threads, board, progress, stop)
    for number, result in found.items():
        results[number] = result
    return [result for result in results if result is not None]


def threads_each(count: int, device: torch.device) -> int:
    """Threads of each of so many runs on a CPU: the cores, shared by those that could run at once."""
    cores = _cores()
    return max(1, cores // max(1, min(count, cores))) if device.type == "cpu" else torch.get_num_threads()


def default_workers(jobs: Sequence[MemberJob], ingredients: Ingredients) -> int:
    """How many runs at once: one per core of a CPU; one on a graphics card, where more has not been measured.

    One too where the data cannot be loaded by another process, or networks cannot be sent there.
    """
    own = ingredients.build is not None or ingredients.teachers or ingredients.start is not None
    if own or ingredients.device.type != "cpu" or not ingredients.data.source:
        return 1
    return min(len(jobs), _cores())


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return psutil.cpu_count(logical=True) or 1


def _train_in_turn(
    jobs: Sequence[MemberJob],
    left: Sequence[int],
    ingredients: Ingredients,
    threads: int,
    board: "Board",
    progress: Progress,
    stop: Callable[[], bool],
) -> dict[int, Run | LandscapeError]:
    found: dict[int, Run | LandscapeError] = {}

    def note(number: int) -> Progress:
        def report(done: int, total: int, text: str) -> None:
            board.report(number, done, total, text)
            progress(*board.sum())

        return report

    with _threads(threads):
        for number in left:
            job = jobs[number]
            try:
                found[number] = train_alone(
                    job.request, job.folder, ingredients, job.record, note(number), stop
                )
            except StoppedError:
                raise
            except LandscapeError as error:
                found[number] = error
    return found


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
