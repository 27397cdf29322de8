"""The evaluator's strategy for a network on this machine: measured once, then remembered.

Remembering it is what makes the same request give the same bits: strategies differ in rounding.
"""

import hashlib
import platform
import time
from collections.abc import Iterator

import msgspec
import numpy as np
import psutil
import torch

from landscape.core.errors import RequestError
from landscape.core.files import write_bytes_atomically
from landscape.networks.evaluator import Evaluator
from landscape.networks.predictions import Predictor
from landscape.networks.strategies import MEASURING_SHARE, Strategy, candidates, fastest
from landscape.networks.tasks import Task
from landscape.service.home import Home
from landscape.studies.prediction_studies import Wanted
from landscape.studies.sweeps import Sweep

# Larger samples do not change which batch of at most so many examples is fastest, only how long it takes to see it.
TUNING_EXAMPLES = {"cpu": 512, "cuda": 4096}
# Small inputs are cheap, and what is fastest on few of them is not on many: 512 examples of 3 x 32 x 32, or as many
# values of a smaller shape.
TUNING_VALUES = 512 * 3 * 32 * 32


def choose_strategy(sweep: Sweep, home: Home, device: torch.device) -> Strategy:
    """The strategy that was fastest here for this network, data shape and policy; measured if it is new."""
    path = home.tuning / f"{_fingerprint(sweep, device)}.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Strategy)
    except (OSError, msgspec.MsgspecError):
        strategy = _measure(sweep, device)
        write_bytes_atomically(path, msgspec.json.encode(strategy))
        return strategy


def build_evaluator(sweep: Sweep, task: Task, device: torch.device, strategy: Strategy) -> Evaluator:
    """The evaluator of a sweep's points under its request's batch-norm policy.

    Raises:
        RequestError: Recalibration on so many examples needs more memory than there is.
    """
    recalibrate = sweep.loaded.request.batch_norm == "recalibrate"
    evaluator = Evaluator(task, recalibrate=recalibrate, device=device, strategy=strategy)
    check_memory(evaluator.waiting_bytes(), len(task.data.train), device)
    return evaluator


def check_memory(needed: int, examples: int, device: torch.device) -> None:
    """Refuse a recalibration that does not fit into the free memory.

    Args:
        needed: Bytes that the batches hold while they wait for one another.
        examples: Size of the training sample.
        device: Where.

    Raises:
        RequestError: It does not fit.
    """
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    if needed > free:
        raise RequestError(
            f"Recalibrating batch norm on {examples:,} examples at once needs about {needed / 1e9:.1f} GB, "
            f"and {free / 1e9:.1f} GB are free; ask for fewer training samples, or the policy stored or interpolate."
        )


def _measure(sweep: Sweep, device: torch.device) -> Strategy:
    task = _shortened(sweep.loaded.task, _sample_size(sweep, device))
    built: dict[Strategy, Evaluator] = {}

    def build(strategy: Strategy) -> None:
        built.clear()  # one at a time: each has a copy of the data
        built[strategy] = build_evaluator(sweep, task, device, strategy)

    def prepared() -> Iterator[Strategy]:
        images = task.data.train.inputs.ndim == 4
        for option in candidates(images=images, parameters=sweep.anchors.shape[1], device=device):
            try:
                build(option)  # before it is timed
            except (
                RequestError,
                RuntimeError,
            ):  # too little memory for it, or a layout that the network cannot take
                continue
            yield option

    def evaluate(strategy: Strategy, count: int) -> np.ndarray:
        if strategy not in built:
            build(strategy)
        return built[strategy].evaluate(sweep.points(np.zeros(count, dtype=np.int64)))

    strategy = fastest(prepared(), evaluate, points=len(sweep.coefficients))
    # What was measured as one batch was the sample: all of a larger split at once might not even fit into memory.
    is_whole = max(len(sweep.loaded.task.data.train), len(sweep.loaded.task.data.test)) <= _sample_size(
        sweep, device
    )
    if strategy.batch == 0 and not is_whole:
        strategy = msgspec.structs.replace(strategy, batch=_sample_size(sweep, device))
    return strategy


def seconds_per_point(sweep: Sweep, device: torch.device, strategy: Strategy) -> float:
    """Seconds that one point takes with this strategy: measured on a sample of the images, and scaled up."""
    data, sample = sweep.loaded.task.data, _shortened(sweep.loaded.task, _sample_size(sweep, device))
    evaluator = build_evaluator(sweep, sample, device, strategy)
    points = sweep.points(np.zeros(strategy.points, dtype=np.int64))
    evaluator.evaluate(points)  # the first pass pays for allocations
    start = time.perf_counter()
    evaluator.evaluate(points)
    each = (time.perf_counter() - start) / strategy.points
    measured = len(sample.data.train) + len(sample.data.test)
    return each * (len(data.train) + len(data.test)) / measured


def seconds_per_network(wanted: Wanted, device: torch.device) -> float:
    """Seconds that the predictions of one network take: measured on a sample of the images, and scaled up."""
    data = wanted.task.data
    task = _shortened(wanted.task, TUNING_EXAMPLES[device.type])
    predictor = Predictor(task, statistics=wanted.statistics, device=device)
    predictor.predict(wanted.checkpoint)  # the first pass pays for allocations
    start = time.perf_counter()
    predictor.predict(wanted.checkpoint)
    each = time.perf_counter() - start
    return each * (len(data.train) + len(data.test)) / (len(task.data.train) + len(task.data.test))


def _sample_size(sweep: Sweep, device: torch.device) -> int:
    values = sweep.loaded.task.data.train.inputs[0].numel()
    return max(TUNING_EXAMPLES[device.type], TUNING_VALUES // max(values, 1))


def _shortened(task: Task, examples: int) -> Task:
    """The same task on at most so many examples of each split."""
    data = task.data
    sample = data.sample(train=min(examples, len(data.train)), test=min(examples, len(data.test)), seed=0)
    return Task(task.name, task.build, sample, task.losses, task.errors)


def _fingerprint(sweep: Sweep, device: torch.device) -> str:
    data = sweep.loaded.task.data
    name = (
        torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else platform.processor() or platform.machine()
    )
    space = sweep.loaded.checkpoints[0].space
    facts = (
        (TUNING_EXAMPLES, TUNING_VALUES, MEASURING_SHARE),
        sweep.loaded.task.name,
        space.shapes,
        data.input_shape,
        len(data.train),
        len(data.test),
        sweep.loaded.request.batch_norm == "recalibrate",
        device.type,
        name,
        torch.get_num_threads(),
        torch.__version__,
    )
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]
