"""Several networks at once or one after the other, on the digits, in seconds for all of them together.

Each case runs these ways in turn, start-up of processes included:

- `side by side`: what a user gets: a process per core, each with its share of the cores;
- `in turn, same bits`: one after the other in this process, with the threads that each has side by side;
- `in turn, all cores`: one after the other with all threads, whose rounding differs.
"""

import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.record import spread, time_in_turn, write_record
from landscape.core.requests import TrainRequest
from landscape.networks.datasets import load_data
from landscape.networks.evaluator import choose_device
from landscape.training import side_by_side
from landscape.training.families import train_family
from landscape.training.ingredients import Ingredients
from landscape.training.runs import DataRecord


@dataclass(frozen=True)
class Case:
    """A family, and how often each way is timed."""

    name: str
    request: TrainRequest
    repeats: int


def main(quick: bool = False) -> None:
    device = choose_device("auto")
    rows = [row for case in cases(quick) for row in measure(case, device)]
    write_record("families", rows, device=device.type)


def cases(quick: bool) -> list[Case]:
    small = TrainRequest(recipe="independent", architecture="convnet", cycles=4, epochs=20 if quick else 40)
    large = TrainRequest(recipe="independent", architecture="resnet20", cycles=2, epochs=2)
    found = [Case(f"4 convnets, digits, {small.epochs} epochs", small, 2)]
    return found if quick else [*found, Case("2 resnet20s, digits, 2 epochs", large, 2)]


def measure(case: Case, device: torch.device) -> list[dict]:
    with tempfile.TemporaryDirectory() as folder:
        numbers = iter(range(1000))

        def way(workers: int | None, *, all_cores: bool = False) -> Callable[[], None]:
            return lambda: run(case, device, Path(folder) / str(next(numbers)), workers, all_cores)

        ways = {
            "side by side": way(None if device.type == "cpu" else min(case.request.cycles, 3)),
            "in turn, same bits": way(1),
            "in turn, all cores": way(1, all_cores=True),
        }
        seconds = time_in_turn(ways, repeats=case.repeats, device=device.type)
    rows = []
    for name in ways:
        ratios = [theirs / ours for ours, theirs in zip(seconds["side by side"], seconds[name], strict=True)]
        rows.append(
            {
                "case": case.name,
                "way": name,
                "seconds": spread(seconds[name]),
                "times_side_by_side": spread(ratios),
            }
        )
        print(
            f"{case.name:32} {name:19} {rows[-1]['seconds']['median']:6.1f} s  "
            f"{rows[-1]['times_side_by_side']['median']:5.2f} x side by side"
        )
    return rows


def run(case: Case, device: torch.device, folder: Path, workers: int | None, all_cores: bool) -> None:
    data = load_data("digits")
    record = DataRecord(name=data.name, digest=data.digest, reference="digits")
    with threads_of_each(torch.get_num_threads() if all_cores else None):
        train_family(
            case.request,
            folder,
            Ingredients(data=data, device=device),
            record,
            cache=None,
            progress=lambda *_: None,
            stop=lambda: False,
            workers=workers,
        )


@contextmanager
def threads_of_each(count: int | None):
    usual = side_by_side.threads_each
    if count is not None:
        side_by_side.threads_each = lambda *_: count
    try:
        yield
    finally:
        side_by_side.threads_each = usual


if __name__ == "__main__":
    main()
