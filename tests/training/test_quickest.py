"""When many runs change from one after the other to side by side. The runs themselves: test_side_by_side.py."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from landscape.core.errors import StoppedError
from landscape.core.requests import TrainRequest
from landscape.training import quickest, side_by_side
from landscape.training.crew import MemberJob
from landscape.training.ingredients import Ingredients
from landscape.training.quickest import train_quickest
from landscape.training.runs import DataRecord

Progress = Callable[[int, int, str], None]


class Runs:
    """In place of `train_all`: 8 runs of 10 steps each, on a clock of our own."""

    def __init__(self, folder: Path, seconds_per_step: float, complete: int = 0) -> None:
        record = DataRecord(name="none", digest="", reference="")
        self.jobs = [
            MemberJob(request=TrainRequest(), folder=folder / str(number), record=record)
            for number in range(8)
        ]
        self.seconds_per_step, self.now = seconds_per_step, 0.0
        self.calls: list[tuple[int, int]] = []  # workers, and runs that were complete at the beginning
        self.told: list[tuple[int, int]] = []
        for number in range(complete):
            self.finish(number)

    def finish(self, number: int) -> None:
        self.jobs[number].folder.mkdir()
        (self.jobs[number].folder / "complete").touch()

    def train_all(
        self, jobs: Any, _: Any, *, progress: Progress, stop: Callable[[], bool], workers: int, **others: Any
    ) -> list[int]:
        complete = sum((job.folder / "complete").exists() for job in jobs)
        self.calls.append((workers, complete))
        for step in range(1, 10 * (8 - complete) + 1):
            if stop():
                raise StoppedError("stopped")
            self.now += self.seconds_per_step / workers
            progress(10 * complete + step, 80, "")  # finished runs count as done
            if step % 10 == 0:
                self.finish(complete + step // 10 - 1)
        return list(range(8))


@pytest.fixture
def go(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Runs]:
    def train(runs: Runs, workers: int = 2, stop: Callable[[], bool] = lambda: False) -> Runs:
        monkeypatch.setattr(quickest, "train_all", runs.train_all)
        monkeypatch.setattr(quickest.time, "monotonic", lambda: runs.now)
        monkeypatch.setattr(side_by_side, "default_workers", lambda jobs, ingredients: workers)
        answer = train_quickest(
            runs.jobs,
            cast(Ingredients, None),
            cache=None,
            progress=lambda done, total, note: runs.told.append((done, total)),
            stop=stop,
            what="run",
        )
        assert answer == list(range(8))
        return runs

    return train


def test_short_work_is_done_in_turn(tmp_path: Path, go: Callable[..., Runs]) -> None:
    # 80 steps of 0.15 s are 12 s; after 2 s, 10 s are left, of which two workers save 5 s: less than their start.
    assert go(Runs(tmp_path, 0.15)).calls == [(1, 0)]


def test_long_work_goes_on_side_by_side_as_soon_as_that_is_known(
    tmp_path: Path, go: Callable[..., Runs]
) -> None:
    # 16 s; after the 11th step, at 2.2 s, 13.8 s are left, of which two workers save 6.9 s.
    runs = go(Runs(tmp_path, 0.2))
    assert runs.calls == [(1, 0), (2, 1)]
    assert runs.told[10:12] == [(11, 80), (11, 80)]  # the half-finished run is told again from its beginning
    assert runs.told[-1] == (80, 80)


def test_with_more_workers_more_is_saved(tmp_path: Path, go: Callable[..., Runs]) -> None:
    assert go(Runs(tmp_path, 0.15), workers=8).calls == [(1, 0), (8, 1)]


def test_with_one_worker_nothing_changes(tmp_path: Path, go: Callable[..., Runs]) -> None:
    assert go(Runs(tmp_path, 50.0), workers=1).calls == [(1, 0)]


def test_what_was_complete_before_is_not_left_to_do(tmp_path: Path, go: Callable[..., Runs]) -> None:
    runs = go(Runs(tmp_path, 0.2, complete=3))
    assert runs.calls == [(1, 3)]  # 10 s in all, of which 3.9 s could be saved after 2.2 s
    assert (runs.told[0], runs.told[-1]) == ((31, 80), (80, 80))


def test_who_asks_to_stop_is_heard(tmp_path: Path, go: Callable[..., Runs]) -> None:
    runs = Runs(tmp_path, 50.0)
    with pytest.raises(StoppedError, match="stopped"):
        go(runs, stop=lambda: len(runs.told) >= 5)
    assert runs.calls[-1][0] == 2
    runs = Runs(tmp_path / "other", 0.01)
    (tmp_path / "other").mkdir()
    with pytest.raises(StoppedError, match="stopped"):
        go(runs, stop=lambda: len(runs.told) >= 5)
    assert runs.calls == [(1, 0)]
