"""Throughput of training, in images per second, on one device.

Each case runs these ways, all with the same batch size, SGD with Nesterov momentum and weight decay:

- `run` (digits only): what a user gets, start to end, with history, three checkpoints, evaluations and saved states;
- `steps none`, `steps crop-flip`: the steps of our loop alone, without and with augmentation;
- `loader none`, `loader crop-flip`: the usual loop, a DataLoader over images of bytes that torchvision transforms one
  by one, and `loss.item()` at each step; in its own process, or with two workers that live through all epochs;
- `loader tensors`: the same over a TensorDataset of inputs that were transformed before the clock starts;
- `bare`: forward, backward and update on one batch that lies in memory, as PyTorch does it unasked;
- `bare as ours`: the same with our layout, optimiser and threads: what our steps would be without anything around.

The floor of a step is its arithmetic, 3 times the operations of the forward pass: 60 million for the convnet on the
digits at batch 64 (0.4 ms of one core at 150 GFLOP/s), 32 million for the mlp (0.2 ms).

Every way has a process of its own, because OpenMP reads its settings once: the usual loop and `bare` run under
PyTorch's own, ours under those of the package. The processes take turns, and ratios are taken within a turn.
"""

import multiprocessing
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from msgspec.structs import replace
from torch.utils.data import TensorDataset

from benchmarks.record import spread, time_in_turn, write_record
from benchmarks.usual_training import (
    Photographs,
    Source,
    Way,
    bare_steps,
    data_of,
    fresh_network,
    loader_steps,
    raw_of,
    repeated_steps,
)
from landscape.core.requests import TrainRequest
from landscape.core.threads import SLEEPING_THREADS
from landscape.networks.evaluator import choose_device
from landscape.networks.tasks import Data
from landscape.training.ingredients import LAYOUT, Ingredients
from landscape.training.loop import Training
from landscape.training.optimizers import build_optimizer
from landscape.training.trainer import train

WORKERS = (0, 2)


@dataclass(frozen=True)
class Case:
    """One network and data set; `steps` updates are timed `repeats` times in each way.

    Where these updates are the `whole` of a run of their request, the run itself is timed too.
    """

    name: str
    source: Source
    request: TrainRequest
    steps: int
    repeats: int
    whole: bool


def main(quick: bool = False) -> None:
    device = choose_device("auto")
    rows = [row for case in cases(quick, device) for row in measure(case, device.type)]
    write_record("training", rows, device=device.type)


def cases(quick: bool, device: torch.device) -> list[Case]:
    fast = device.type == "cuda"
    convnet = TrainRequest(epochs=6, cycles=2)
    repeats = 3 if quick else 9
    found = [
        Case(f"{request.architecture}, digits 1 x 8 x 8", "digits", request, 6 * 23, repeats, True)
        for request in (convnet, replace(convnet, architecture="mlp"))
    ]
    if not quick:
        request = TrainRequest(architecture="resnet20", batch_size=128, epochs=100, cycles=1)
        steps, repeats = (100, 7) if fast else (4, 5)
        found.append(Case("resnet20, random images 3 x 32 x 32", "random", request, steps, repeats, False))
    return found


def measure(case: Case, device: str) -> list[dict]:
    """Time all ways of a case in turn, each in its own process."""
    plain = ["bare", "loader tensors"]
    plain += [loader(kind, workers) for kind in ("none", "crop-flip") for workers in WORKERS]
    ours = ["steps none", "steps crop-flip", "bare as ours", *(["run"] if case.whole else [])]
    context = multiprocessing.get_context("spawn")
    ends: dict[str, Any] = {}
    for name in [*ours, *plain]:
        ends[name], theirs = context.Pipe()
        with environment(plain=name in plain):
            context.Process(target=serve, args=(theirs, case, name, device)).start()
        theirs.close()
    try:
        seconds = time_in_turn({name: partial(ask, end) for name, end in ends.items()}, repeats=case.repeats)
    finally:
        for end in ends.values():
            end.close()
    return rows_of(case, seconds)


def loader(kind: str, workers: int) -> str:
    return f"loader {kind} {workers}"


def rows_of(case: Case, seconds: dict[str, list[float]]) -> list[dict]:
    """One row per way; its loader is the faster one, by the median, of those with the same transforms."""
    count = len(raw_of(case.source).train.labels)
    images = case.steps * count / -(-count // case.request.batch_size)
    rows = []
    for way, ours in seconds.items():
        rates = spread([images / value for value in ours])
        kind = "crop-flip" if "crop-flip" in way else "none"
        others = {
            "times_loader": min(
                (loader(kind, workers) for workers in WORKERS), key=lambda name: median(seconds[name])
            ),
            "times_loader_tensors": "loader tensors",
            "times_bare": "bare",
            "times_bare_as_ours": "bare as ours",
        }
        # Ratios within each turn, so that a busy moment of the machine falls on both sides.
        ratios = {
            name: spread([theirs / mine for mine, theirs in zip(ours, seconds[other], strict=True)])
            for name, other in others.items()
        }
        rows.append(
            {"case": case.name, "way": way, "steps": case.steps, "images_per_second": rates, **ratios}
        )
        print(
            f"{case.name:36} {way:18} {rates['median']:9,.0f} images/s ({rates['low']:,.0f} to {rates['high']:,.0f})  "
            + "  ".join(f"{ratio['median']:.2f} {name}" for name, ratio in ratios.items())
        )
    return rows


@contextmanager
def environment(*, plain: bool) -> Iterator[None]:
    """What a process starts with: the package's settings of OpenMP, or PyTorch's own."""
    before = dict(os.environ)
    for name, value in SLEEPING_THREADS.items():
        if plain:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def ask(end: Any) -> None:
    end.send(True)
    end.recv()


def serve(end: Any, case: Case, name: str, device_type: str) -> None:
    """In a process of its own: go one way whenever asked, until the other end is closed."""
    device = torch.device(device_type)
    with tempfile.TemporaryDirectory() as folder, suppress(EOFError):
        way = way_of(case, name, device, Path(folder))
        while end.recv():
            way()
            if device.type == "cuda":
                torch.cuda.synchronize()
            end.send(True)


def way_of(case: Case, name: str, device: torch.device, folder: Path) -> Way:
    data, steps = data_of(case.source), case.steps
    match name.split():
        case ["run"]:
            number = iter(range(1000))
            return lambda: (
                train(case.request, folder / f"run {next(number)}", data=data, device=device.type) and None
            )
        case ["steps", kind]:
            return our_steps(case, data, device, folder, kind)
        case ["bare"]:
            return bare_steps(case.request, data, device, steps)
        case ["bare", "as", "ours"]:
            return bare_as_ours(case, data, device, folder)
        case ["loader", "tensors"]:
            dataset = TensorDataset(data.train.inputs, data.train.targets)
            return loader_steps(case.request, data, dataset, device, steps, workers=0)
        case ["loader", kind, workers]:
            dataset = Photographs(raw_of(case.source).train, data, crop=kind == "crop-flip")
            return loader_steps(case.request, data, dataset, device, steps, workers=int(workers))
        case _:
            raise ValueError(name)


def our_steps(case: Case, data: Data, device: torch.device, folder: Path, kind: str) -> Way:
    request = replace(case.request, augmentation=kind)

    def take_steps() -> None:
        training = Training(request, folder, Ingredients(data=data, device=device))
        with training.setting():
            for _ in range(case.steps):
                training.take_step()

    return take_steps


def bare_as_ours(case: Case, data: Data, device: torch.device, folder: Path) -> Way:
    module = fresh_network(case.request, data).to(device).to(memory_format=LAYOUT)  # pyright: ignore[reportCallIssue]
    optimizer = build_optimizer(case.request, module)
    steps = repeated_steps(case.request, data, module, optimizer, case.steps, layout=LAYOUT)
    training = Training(case.request, folder, Ingredients(data=data, device=device))

    def take_steps() -> None:
        with training.setting():
            steps()

    return take_steps


if __name__ == "__main__":
    main()
