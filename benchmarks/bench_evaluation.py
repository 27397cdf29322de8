"""Throughput of evaluating points: points x images per second, and as a fraction of the machine's matrix rate.

The floor: one forward pass of every image at every point, at the rate of a large matrix product. Everything above
it is overhead, batch-norm recalibration included. The peers' way, for comparison: reset the statistics, a pass in
training mode, a pass over the training split, a pass over the test split.
"""

import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.record import write_record
from landscape.networks.architectures import build_network
from landscape.networks.checkpoints import Checkpoint
from landscape.networks.evaluator import Evaluator, Points, choose_device
from landscape.networks.strategies import Strategy, candidates, fastest
from landscape.networks.tasks import Data, Examples, Task

# (architecture, input shape, training images, test images); random images: the arithmetic is the same.
CASES = (
    ("mlp", (1, 8, 8), 1437, 360),
    ("convnet", (1, 8, 8), 1437, 360),
    ("resnet20", (3, 32, 32), 1024, 512),
)
REPEATS = 5


def main(quick: bool = False) -> None:
    """Measure every case and write one record."""
    device = choose_device("auto")
    peak = matrix_rate(device)
    cases = CASES[:2] if quick else CASES
    rows = [measure(*case, device=device, peak=peak) for case in cases]
    write_record("evaluation", [row for group in rows for row in group])


def measure(
    architecture: str, shape: tuple[int, ...], train: int, test: int, *, device: torch.device, peak: float
) -> list[dict]:
    """Seconds per point of ours, of the same without recalibration, and of the usual way; interleaved."""
    task = _task(architecture, shape, train, test)
    checkpoint = Checkpoint.from_module(task.build())
    points = _copies(checkpoint, 8)
    options = candidates(images=True, parameters=len(checkpoint.theta), device=device)
    evaluators = {
        policy: _fastest_evaluator(task, points, options, device, recalibrate=policy == "recalibrate")
        for policy in ("recalibrate", "stored")
    }
    usual = _usual_way(task, checkpoint, device)
    ways: dict[str, Callable[[], object]] = {
        **{policy: lambda e=evaluator: e.evaluate(points) for policy, evaluator in evaluators.items()},
        "usual": usual,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    for _ in range(REPEATS):
        for name, way in ways.items():
            times[name].append(_seconds(way, device) / (1 if name == "usual" else len(points)))
    flops = _flops_per_image(task)
    images = train + test
    rows = []
    for name, seconds in times.items():
        median = float(np.median(seconds))
        strategy = "whole splits in turn" if name == "usual" else str(evaluators[name].strategy)
        row = {
            "case": f"{architecture} {shape}, {train} + {test} images",
            "way": name,
            "strategy": strategy,
            "n": REPEATS,
            "seconds_per_point": median,
            "spread": [min(seconds), max(seconds)],
            "images_per_second": images / median,
            "fraction_of_matrix_rate": flops * images / median / peak,
            "times_faster_than_usual": float(np.median(times["usual"])) / median,
        }
        rows.append(row)
        print(
            f"{row['case']:45} {name:12} {median * 1e3:9.2f} ms/point  {row['images_per_second']:11,.0f} images/s  "
            f"{row['fraction_of_matrix_rate']:6.1%} of the matrix rate  "
            f"{row['times_faster_than_usual']:5.2f}x  {strategy}"
        )
    return rows


def matrix_rate(device: torch.device, size: int = 2048) -> float:
    """Best float32 rate of a square matrix product, in floating-point operations per second."""
    left, right = torch.randn(2, size, size, device=device)
    return 2 * size**3 / min(_seconds(lambda: left @ right, device) for _ in range(8))


def _task(architecture: str, shape: tuple[int, ...], train: int, test: int) -> Task:
    generator = torch.Generator().manual_seed(0)

    def examples(count: int) -> Examples:
        return Examples(torch.randn(count, *shape, generator=generator), torch.arange(count) % 10)

    data = Data(
        name="random",
        digest="0" * 64,
        train=examples(train),
        test=examples(test),
        classes=tuple("0123456789"),
    )
    return Task(architecture, lambda: build_network(architecture, shape, 10), data)


def _copies(checkpoint: Checkpoint, count: int) -> Points:
    buffers = {name: torch.stack([buffer] * count) for name, buffer in checkpoint.buffers.items()}
    return Points(checkpoint.theta.expand(count, -1), buffers)


def _fastest_evaluator(
    task: Task, points: Points, options: list[Strategy], device: torch.device, *, recalibrate: bool
) -> Evaluator:
    def evaluator(strategy: Strategy) -> Evaluator:
        return Evaluator(task, recalibrate=recalibrate, device=device, strategy=strategy)

    def evaluate(strategy: Strategy, count: int) -> np.ndarray:
        few = Points(
            points.theta[:1].expand(count, -1),
            {n: b[:1].expand(count, *b.shape[1:]) for n, b in points.buffers.items()},
        )
        return evaluator(strategy).evaluate(few)

    return evaluator(fastest(options, evaluate, seconds=10.0))


def _usual_way(
    task: Task, checkpoint: Checkpoint, device: torch.device, batch: int = 128
) -> Callable[[], None]:
    network = task.build().to(device)
    checkpoint.load_into(network)
    train = task.data.train.to(device).inputs.split(batch)
    test = task.data.test.to(device).inputs.split(batch)
    norms = [layer for layer in network.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]

    @torch.inference_mode()
    def evaluate() -> None:
        if norms:
            for layer in norms:
                layer.reset_running_stats()
            network.train()
            for inputs in train:
                network(inputs)
        network.eval()
        for inputs in (*train, *test):
            network(inputs)

    return evaluate


def _flops_per_image(task: Task) -> int:
    network = task.build().eval()
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(task.data.train.inputs[:1])
    return counter.get_total_flops()


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
