"""The training loop of one network on data that lie on the device, resumable to the bit on a CPU."""

import logging
import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import NoReturn

import torch
from torch import Tensor

from landscape.core.errors import CheckpointError, DivergedError, RequestError, StoppedError, TrainingError
from landscape.core.requests import TrainRequest
from landscape.core.seeds import seed_for
from landscape.networks.evaluator import full_precision
from landscape.training.averages import Average
from landscape.training.batches import Batches
from landscape.training.evaluation import evaluate_split
from landscape.training.history import History
from landscape.training.ingredients import (
    Ingredients,
    Progress,
    build_module,
    check_batch_norms,
    check_precision,
    laid_out,
)
from landscape.training.keeping import Keeper, conditions
from landscape.training.objectives import Mixed, Objective
from landscape.training.optimizer_tensors import load_optimizer_tensors, optimizer_tensors
from landscape.training.optimizers import build_optimizer, reset_state, set_rate, take_step
from landscape.training.pacing import Pacing
from landscape.training.recipes import plan_of
from landscape.training.runs import (
    STATE_FOLDER,
    mark_complete,
    save_history,
)
from landscape.training.starts import begin_at
from landscape.training.state import (
    StateRecord,
    TrainingState,
    capture_module,
    delete_states,
    load_newest_state,
    restore_module,
    save_state,
)
from landscape.training.threads import threads_for

_log = logging.getLogger(__name__)


class Training:
    """The moving parts of one run, between two steps always in a state that can be saved."""

    def __init__(self, request: TrainRequest, folder: Path, ingredients: Ingredients) -> None:
        self._request, self._folder, self._device = request, folder, ingredients.device
        check_precision(request, self._device)
        self._data = laid_out(ingredients.data, self._device)
        self._batches = Batches(self._data.train, request)
        self._plan = plan_of(request, self._batches.steps_per_epoch)
        self._steps = self._plan.steps
        self._module = build_module(request, ingredients)
        if self._plan.average_kept:
            check_batch_norms(self._module)
        self._optimizer = build_optimizer(request, self._module)
        if ingredients.start is not None:
            begin_at(ingredients.start, request, self._module, self._optimizer)
        teachers = [teacher.to(self._device).eval() for teacher in ingredients.teachers]
        self._objective = Objective(request, len(self._data.classes), teachers)
        self._average = Average(request.average_decay if request.recipe == "ema" else 1.0)
        self._step = 0
        self._seconds = 0.0  # of earlier sittings
        self._begun = time.monotonic()
        self._history = History()
        self._unread: list[Tensor] = []
        epochs_before = (
            0.0 if ingredients.start is None else ingredients.start.checkpoint.metadata.epoch or 0.0
        )
        self._keeper = Keeper(
            request=request,
            folder=folder,
            data=self._data,
            plan=self._plan,
            device=self._device,
            epochs_before=epochs_before,
        )

    def go(self, progress: Progress, stop: Callable[[], bool]) -> None:
        """Take all the steps that are left, and mark the run as complete."""
        with self.setting():
            self._go(progress, stop)
        self._read_measures()
        save_history(self._folder, self._history.arrays())
        mark_complete(self._folder)
        delete_states(self._folder / STATE_FOLDER)
        progress(self._step, self._steps, self._note())

    def setting(self) -> AbstractContextManager[object]:
        """The precision and the number of threads under which this run's steps are taken."""
        stack = ExitStack()
        stack.enter_context(full_precision(self._device))
        if self._device.type == "cpu":
            stack.enter_context(threads_for(self._module, self._batches.batch(1)[0]))
        return stack

    def _go(self, progress: Progress, stop: Callable[[], bool]) -> None:
        if not self._resume():
            self._after_step()
        pacing = Pacing()
        progress(self._step, self._steps, self._note())
        while self._step < self._steps:
            if stop():
                self._save()
                raise StoppedError(
                    f"Training stopped after step {self._step} of {self._steps}; start it again to go on from there."
                )
            self.take_step()
            self._after_step()
            if pacing.report_is_due():
                self._read_measures()
                progress(self._step, self._steps, self._note())
            if pacing.save_is_due():
                with pacing.saving():
                    self._save()

    def take_step(self) -> None:
        """One update of the weights."""
        step = self._step + 1
        if self._request.restart_momentum == "reset" and step in self._plan.restarts:
            reset_state(self._optimizer)
        set_rate(self._optimizer, float(self._plan.rates[step - 1]))
        mixed = self._objective.mix(*self._batches.batch(step), step)
        accuracy: list[Tensor] = []

        def gradients() -> Tensor:
            self._seed_generators(
                step
            )  # every look of an optimiser must see the same function, dropout included
            self._optimizer.zero_grad()
            with self._autocast():
                outputs = self._forward(mixed)
                loss = self._objective.loss(outputs, mixed)
            loss.backward()
            if not accuracy:  # an optimiser may look several times; what counts is what it found
                accuracy.append(self._objective.accuracy(outputs.detach(), mixed))
            return loss.detach()

        loss = take_step(self._optimizer, gradients)
        self._unread.append(torch.stack([loss, accuracy[0]]))
        self._step = step

    def _after_step(self) -> None:
        """What a step brings with it, in an order in which nothing that is due can be missed by a kill."""
        step = self._step
        if step in self._plan.averaged:
            self._average.add(self._theta())
        if step and step % self._plan.steps_per_epoch == 0:
            self._history.add("epoch", step, *evaluate_split(self._module, self._data.test))
        if step not in self._plan.kept:
            return
        self._read_measures()
        self._keep_checkpoint()
        if step in self._plan.average_kept:
            self._keep_average()
        # Only now: a state must never be newer than the checkpoints before it.
        self._save()

    def _keep_average(self) -> None:
        step = self._step
        try:
            metrics = self._keeper.keep_average(self._module, self._average.value, step)
        except ArithmeticError:
            self._fail(f"The mean of the iterates is no longer finite after step {step} of {self._steps}")
        self._history.add("average", step, *metrics.values())

    def _keep_checkpoint(self) -> None:
        step = self._step
        optimizer = optimizer_tensors(self._optimizer, self._module)
        try:
            metadata = self._keeper.keep(self._module, optimizer, step)
        except ArithmeticError:
            self._fail(f"Weights or losses are no longer finite after step {step} of {self._steps}")
        self._history.add(
            "checkpoint", step, *metadata.metrics.values(), metadata.epoch or 0.0, self._seconds_so_far()
        )

    def _theta(self) -> Tensor:
        return torch.cat([parameter.detach().reshape(-1) for parameter in self._module.parameters()])

    def _autocast(self) -> AbstractContextManager[object]:
        if self._request.precision == "float32":
            return nullcontext()
        return torch.autocast(self._device.type, dtype=torch.bfloat16)

    def _seed_generators(self, step: int) -> None:
        # Networks with dropout draw from the global generators: a seed per step makes that resumable too.
        # torch.manual_seed would do, but takes longer than a small network's forward pass.
        seed = seed_for(self._request.seed, f"step {step}")
        torch.default_generator.manual_seed(seed)
        if self._device.type == "cuda":
            torch.cuda.manual_seed(seed)

    def _forward(self, mixed: Mixed) -> Tensor:
        try:
            return self._module(mixed.inputs)
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):
                raise
            raise RequestError(
                f"A batch of {len(mixed.inputs)} example is too small for the batch norm of "
                f"{self._request.architecture}, and {len(self._data.train)} training examples in batches of "
                f"{self._request.batch_size} leave such a batch; choose another batch size."
            ) from error

    def _read_measures(self) -> None:
        """Bring the measures of the latest steps from the device into the history, and look at them."""
        if not self._unread:
            return
        rows = torch.stack(self._unread).cpu().double().tolist()
        self._unread.clear()
        first = self._step - len(rows) + 1
        for step, (loss, accuracy) in enumerate(rows, start=first):
            self._history.add("step", step, float(self._plan.rates[step - 1]), loss, accuracy)
            if not math.isfinite(loss):
                self._fail(f"The loss became {loss} at step {step} of {self._steps}")

    def _fail(self, what: str) -> NoReturn:
        save_history(self._folder, self._history.arrays())
        rate = self._history.last("learning_rate") or 0.0
        raise DivergedError(
            f"{what} (learning rate {rate:.3g}); lower the learning rate from {self._request.learning_rate:g} and "
            f"train into a new folder. The earlier checkpoints are kept in {self._folder}."
        )

    def _note(self) -> str:
        epoch = self._batches.epoch_of(max(self._step, 1))
        loss = self._history.last("train_loss")
        return f"epoch {epoch} of {self._request.epochs}" + (f", loss {loss:.3g}" if loss is not None else "")

    def _seconds_so_far(self) -> float:
        return self._seconds + time.monotonic() - self._begun

    def _save(self) -> None:
        self._read_measures()
        record = StateRecord(
            step=self._step, seconds=self._seconds_so_far(), conditions=conditions(self._device)
        )
        groups = capture_module(self._module) | {
            "optimizer": optimizer_tensors(self._optimizer, self._module),
            "average": self._average.tensors(),
            "history": {name: torch.from_numpy(values) for name, values in self._history.arrays().items()},
        }
        save_state(TrainingState.of(record, groups), self._folder / STATE_FOLDER)
        save_history(self._folder, self._history.arrays())

    def _resume(self) -> bool:
        """Go back to the newest state that is whole; False where there is none to go on from."""
        state = load_newest_state(self._folder / STATE_FOLDER)
        if state is None:
            return False
        step = state.record.step
        if not all(file.is_file() for file in self._keeper.files_due(step)):
            _log.warning(
                "Checkpoints are missing from %s, so training starts again from step 0.", self._folder
            )
            # The newest states are kept, so one from the future would drive out those of the new start.
            delete_states(self._folder / STATE_FOLDER)
            return False
        self._warn_of_changes(state.record.conditions)
        try:
            restore_module(state, self._module)
            load_optimizer_tensors(self._optimizer, self._module, state.group("optimizer"))
            self._average.restore(state.group("average"), self._device)
            self._history = History({name: tensor.numpy() for name, tensor in state.group("history").items()})
        except (KeyError, RuntimeError, CheckpointError) as error:
            raise TrainingError(
                f"The state in {self._folder / STATE_FOLDER} does not fit the network {self._request.architecture} of "
                "this version of landscape; delete the run's folder and train again."
            ) from error
        self._step, self._seconds = step, state.record.seconds
        return True

    def _warn_of_changes(self, before: dict[str, str]) -> None:
        for name, now in conditions(self._device).items():
            if before.get(name) != now:
                _log.warning(
                    "The run in %s was begun with %s %s and goes on with %s; the last digits of the result will "
                    "differ from those of a run without interruption.",
                    *(self._folder, name, before.get(name), now),
                )
