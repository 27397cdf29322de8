"""The training loop: SGD with Nesterov momentum on data that lie on the device, resumable to the bit on a CPU."""

import logging
import math
import platform
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

import landscape
from landscape.core.errors import RequestError, StoppedError, TrainingError
from landscape.core.requests import TrainRequest
from landscape.core.seeds import seed_for
from landscape.networks.architectures import build_network
from landscape.networks.checkpoint_files import save_checkpoint
from landscape.networks.checkpoints import Checkpoint, CheckpointMetadata
from landscape.networks.tasks import Data, Examples
from landscape.training.batches import Batches
from landscape.training.evaluation import evaluate_splits
from landscape.training.history import History
from landscape.training.pacing import Pacing
from landscape.training.runs import STATE_FOLDER, checkpoint_path, mark_complete, save_history
from landscape.training.schedules import checkpoint_label, checkpoint_steps, is_restart, learning_rate
from landscape.training.state import (
    StateRecord,
    capture_state,
    delete_states,
    load_newest_state,
    restore_state,
    save_state,
)

Progress = Callable[[int, int, str], None]

# benchmarks/records/training-cpu.json: a quarter faster for resnet20 on a CPU than the default layout
LAYOUT = torch.channels_last

_log = logging.getLogger(__name__)


class Training:
    """The moving parts of one run, between two steps always in a state that can be saved."""

    def __init__(self, request: TrainRequest, folder: Path, data: Data, device: torch.device) -> None:
        self._request, self._folder, self._device = request, folder, device
        self._data = _laid_out(data.to(device))
        self._batches = Batches(self._data.train, request)
        self._steps = request.epochs * self._batches.steps_per_epoch
        self._checkpoint_steps = frozenset((0, *checkpoint_steps(request, self._steps)))
        torch.manual_seed(seed_for(request.seed, "start"))
        module = build_network(request.architecture, data.input_shape, len(data.classes))
        # torch's stub of `to` lacks the call with a memory format alone.
        self._module = module.to(device).to(memory_format=LAYOUT).train()  # pyright: ignore[reportCallIssue]
        self._optimizer = torch.optim.SGD(
            self._module.parameters(),
            lr=request.learning_rate,
            momentum=request.momentum,
            nesterov=request.momentum > 0,
            weight_decay=request.weight_decay,
        )
        self._step = 0
        self._history = History()
        self._unread: list[Tensor] = []

    def go(self, progress: Progress, stop: Callable[[], bool]) -> None:
        """Take all the steps that are left, and mark the run as complete."""
        if not self._resume():
            self._keep_checkpoint()
        pacing = Pacing()
        progress(self._step, self._steps, self._note())
        while self._step < self._steps:
            if stop():
                self._save()
                raise StoppedError(
                    f"Training stopped after step {self._step} of {self._steps}; start it again to go on from there."
                )
            self._take_step()
            if self._step in self._checkpoint_steps:
                self._keep_checkpoint()
            if pacing.report_is_due():
                self._read_measures()
                progress(self._step, self._steps, self._note())
            if pacing.save_is_due():
                with pacing.saving():
                    self._save()
        self._read_measures()
        save_history(self._folder, self._history.arrays())
        mark_complete(self._folder)
        delete_states(self._folder / STATE_FOLDER)
        progress(self._step, self._steps, self._note())

    def _take_step(self) -> None:
        step = self._step + 1
        if self._request.restart_momentum == "reset" and is_restart(step, self._request, self._steps):
            self._optimizer.state.clear()
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(step, self._request, self._steps)
        self._seed_generators(step)
        inputs, targets = self._batches.batch(step)
        outputs = self._forward(inputs)
        loss = functional.cross_entropy(outputs, targets)
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        accuracy = outputs.detach().argmax(1).eq(targets).float().mean()
        self._unread.append(torch.stack([loss.detach(), accuracy]))
        self._step = step

    def _seed_generators(self, step: int) -> None:
        # Networks with dropout draw from the global generators: a seed per step makes that resumable too.
        # torch.manual_seed would do, but takes longer than a small network's forward pass.
        seed = seed_for(self._request.seed, f"step {step}")
        torch.default_generator.manual_seed(seed)
        if self._device.type == "cuda":
            torch.cuda.manual_seed(seed)

    def _forward(self, inputs: Tensor) -> Tensor:
        try:
            return self._module(inputs)
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):
                raise
            raise RequestError(
                f"A batch of {len(inputs)} example is too small for the batch norm of {self._request.architecture}, "
                f"and {len(self._data.train)} training examples in batches of {self._request.batch_size} leave such a "
                "batch; choose another batch size."
            ) from error

    def _read_measures(self) -> None:
        """Bring the measures of the latest steps from the device into the history, and look at them."""
        if not self._unread:
            return
        rows = torch.stack(self._unread).cpu().double().tolist()
        self._unread.clear()
        first = self._step - len(rows) + 1
        for step, (loss, accuracy) in enumerate(rows, start=first):
            rate = learning_rate(step, self._request, self._steps)
            self._history.add_step(step, rate, loss, accuracy)
            if not math.isfinite(loss):
                self._fail(f"The loss became {loss} at step {step} of {self._steps}", rate)

    def _keep_checkpoint(self) -> None:
        self._read_measures()
        metrics = evaluate_splits(self._module, self._data)
        metadata = self._metadata(metrics)
        checkpoint = Checkpoint.from_module(self._module, metadata)
        numbers = (float(checkpoint.theta.abs().max()), *metrics.values())
        if not all(math.isfinite(number) for number in numbers):
            self._fail(
                f"Weights or losses are no longer finite after step {self._step} of {self._steps}",
                metadata.learning_rate or 0.0,
            )
        self._history.add_checkpoint(self._step, metrics)
        save_checkpoint(checkpoint, checkpoint_path(self._folder, self._step))
        # Only now: a state must never be newer than the checkpoints before it.
        self._save()

    def _fail(self, what: str, rate: float) -> NoReturn:
        save_history(self._folder, self._history.arrays())
        raise TrainingError(
            f"{what} (learning rate {rate:.3g}); lower the learning rate from {self._request.learning_rate:g} and "
            f"train into a new folder. The earlier checkpoints are kept in {self._folder}."
        )

    def _metadata(self, metrics: dict[str, float]) -> CheckpointMetadata:
        request, step = self._request, self._step
        return CheckpointMetadata(
            architecture=request.architecture,
            input_shape=self._data.input_shape,
            classes=len(self._data.classes),
            data=self._data.name,
            data_digest=self._data.digest,
            recipe=request.recipe,
            step=step,
            steps=self._steps,
            epoch=step / self._batches.steps_per_epoch,
            learning_rate=learning_rate(step, request, self._steps) if step else None,
            weight_decay=request.weight_decay,
            seed=request.seed,
            label=checkpoint_label(step, request, self._batches.steps_per_epoch),
            metrics=metrics,
            versions=self._conditions(),
        )

    def _conditions(self) -> dict[str, str]:
        """What the bits depend on beside the request."""
        return {
            "landscape": landscape.__version__,
            "torch": str(torch.__version__),
            "numpy": np.__version__,
            "python": platform.python_version(),
            "device": self._device.type,
            "threads": str(torch.get_num_threads()),
        }

    def _note(self) -> str:
        epoch = self._batches.epoch_of(max(self._step, 1))
        loss = self._history.last("train_loss")
        return f"epoch {epoch} of {self._request.epochs}" + (f", loss {loss:.3g}" if loss is not None else "")

    def _save(self) -> None:
        self._read_measures()
        record = StateRecord(step=self._step, conditions=self._conditions())
        state = capture_state(record, self._module, self._optimizer, self._history.arrays())
        save_state(state, self._folder / STATE_FOLDER)
        save_history(self._folder, self._history.arrays())

    def _resume(self) -> bool:
        """Go back to the newest state that is whole; False where there is none to go on from."""
        state = load_newest_state(self._folder / STATE_FOLDER)
        if state is None:
            return False
        step = state.record.step
        due = [kept for kept in self._checkpoint_steps if kept <= step]
        if not all(checkpoint_path(self._folder, kept).is_file() for kept in due):
            _log.warning(
                "Checkpoints are missing from %s, so training starts again from step 0.", self._folder
            )
            # The newest states are kept, so one from the future would drive out those of the new start.
            delete_states(self._folder / STATE_FOLDER)
            return False
        for name, now in self._conditions().items():
            before = state.record.conditions.get(name)
            if before != now:
                _log.warning(
                    "The run in %s was begun with %s %s and goes on with %s; the last digits of the result will "
                    "differ from those of a run without interruption.",
                    *(self._folder, name, before, now),
                )
        try:
            self._history = History(restore_state(state, self._module, self._optimizer))
        except (KeyError, RuntimeError) as error:
            raise TrainingError(
                f"The state in {self._folder / STATE_FOLDER} does not fit the network {self._request.architecture} of "
                "this version of landscape; delete the run's folder and train again."
            ) from error
        self._step = step
        return True


def _laid_out(data: Data) -> Data:
    """The same data with images channels last in memory, so that no step rearranges them."""
    return replace(data, train=_examples_laid_out(data.train), test=_examples_laid_out(data.test))


def _examples_laid_out(examples: Examples) -> Examples:
    if examples.inputs.ndim != 4:
        return examples
    return Examples(examples.inputs.contiguous(memory_format=LAYOUT), examples.targets)
