"""One network, trained in this process."""

from collections.abc import Callable
from pathlib import Path

import torch

from landscape.core.requests import TrainRequest
from landscape.training.ingredients import Ingredients, Progress
from landscape.training.loop import Training
from landscape.training.runs import DataRecord, Run, open_run


def train_alone(
    request: TrainRequest,
    folder: Path,
    ingredients: Ingredients,
    record: DataRecord,
    progress: Progress,
    stop: Callable[[], bool],
) -> Run:
    """Train one network in this process; see `trainer.train`. The global random state is left as it was."""
    cuda = [torch.cuda.current_device()] if ingredients.device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        # First of all, so that a request that cannot work makes no folder.
        training = Training(request, folder, ingredients)
        run = open_run(folder, request, record)
        training.go(progress, stop)
    return run
