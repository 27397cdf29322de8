"""Checkpoints of a run as they are written: measured, described, with the optimiser's state beside them."""

import math
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import landscape
from landscape.core.requests import TrainRequest
from landscape.core.weights_header import CheckpointKind
from landscape.networks.checkpoint_files import save_checkpoint
from landscape.networks.checkpoints import Checkpoint, CheckpointMetadata
from landscape.networks.recalibration import recalibrated
from landscape.networks.tasks import Data
from landscape.training.evaluation import evaluate_splits
from landscape.training.plans import Plan
from landscape.training.runs import checkpoint_path, optimizer_path
from landscape.training.starts import OptimizerState
from landscape.training.state import save_optimizer_state

AVERAGE_NAMES = {"swa": "SWA", "ema": "EMA"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Keeper:
    """Writes the checkpoints of one run.

    Attributes:
        request: What is trained.
        folder: The run's folder.
        data: Both splits, on the device, laid out as the network takes them.
        plan: What is kept when, and under which label.
        device: Where the run is trained.
        epochs_before: Epochs that its start had already seen.
    """

    request: TrainRequest
    folder: Path
    data: Data
    plan: Plan
    device: torch.device
    epochs_before: float

    def keep(self, module: nn.Module, optimizer: Mapping[str, Tensor], step: int) -> CheckpointMetadata:
        """Write the iterate after a step, and the optimiser's state there.

        Raises:
            ArithmeticError: Weights or losses are not finite; nothing is written.
            StoreError: A file cannot be written.
        """
        kept = self.plan.kept[step]
        metadata = self._metadata(step, kept.kind, kept.label, evaluate_splits(module, self.data))
        checkpoint = self._save(module, metadata, average=False)
        state = OptimizerState(
            optimizer=self.request.optimizer, checkpoint=checkpoint.digest, tensors=optimizer
        )
        save_optimizer_state(state, optimizer_path(self.folder, step))
        return metadata

    def keep_average(self, module: nn.Module, theta: Tensor, step: int) -> dict[str, float]:
        """Write the mean of iterates, with batch-norm statistics re-estimated on the training split.

        The module is left as it was. Statistics are those of the whole split as one batch, so every example counts the
        same (Izmailov et al. 2018, section 3.2, with the short last batch weighted rightly).

        Args:
            module: The network; its own weights are those of the iterate.
            theta: The mean, (P,) float64.
            step: The step after which it is kept.

        Returns:
            Metrics of the mean over whole splits.

        Raises:
            StoreError: The file cannot be written.
        """
        own = {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}
        try:
            _fill(module, theta)
            buffers = recalibrated(module, self.data.train.inputs)
            with torch.no_grad():
                for name, buffer in module.named_buffers():
                    buffer.copy_(buffers[name])
            metrics = evaluate_splits(module, self.data)
            label = f"{AVERAGE_NAMES[self.request.recipe]} {self.plan.kept[step].label}"
            self._save(module, self._metadata(step, "average", label, metrics), average=True)
        finally:
            with torch.no_grad():
                for name, tensor in module.state_dict().items():
                    tensor.copy_(own[name])
        return metrics

    def files_due(self, step: int) -> list[Path]:
        """The checkpoint files that must be there once a step has been taken."""
        iterates = [checkpoint_path(self.folder, kept) for kept in self.plan.kept if kept <= step]
        due = [kept for kept in self.plan.average_kept if kept <= step]
        return [*iterates, *(checkpoint_path(self.folder, kept, average=True) for kept in due)]

    def _save(self, module: nn.Module, metadata: CheckpointMetadata, *, average: bool) -> Checkpoint:
        checkpoint = Checkpoint.from_module(module, metadata)
        numbers = (float(checkpoint.theta.abs().max()), *metadata.metrics.values())
        if not all(math.isfinite(number) for number in numbers):
            raise ArithmeticError
        save_checkpoint(checkpoint, checkpoint_path(self.folder, metadata.step or 0, average=average))
        return checkpoint

    def _metadata(
        self, step: int, kind: CheckpointKind, label: str, metrics: dict[str, float]
    ) -> CheckpointMetadata:
        request = self.request
        return CheckpointMetadata(
            architecture=request.architecture,
            input_shape=self.data.input_shape,
            classes=len(self.data.classes),
            data=self.data.name,
            data_digest=self.data.digest,
            recipe=request.recipe,
            step=step,
            steps=self.plan.steps,
            epoch=self.epochs_before + step / self.plan.steps_per_epoch,
            learning_rate=float(self.plan.rates[step - 1]) if step else None,
            # Layca keeps the norms, so nothing decays, whatever the request says.
            weight_decay=0.0 if request.recipe == "layca" else request.weight_decay,
            seed=request.seed,
            label=label,
            kind=kind,
            metrics=metrics,
            versions=conditions(self.device),
        )


def conditions(device: torch.device) -> dict[str, str]:
    """What the bits of a training depend on beside the request."""
    return {
        "landscape": landscape.__version__,
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "python": platform.python_version(),
        "device": device.type,
        "threads": str(torch.get_num_threads()),
    }


def _fill(module: nn.Module, theta: Tensor) -> None:
    """Copy a flat vector into the parameters, in their order."""
    parameters = list(module.parameters())
    with torch.no_grad():
        pieces = theta.split([parameter.numel() for parameter in parameters])
        for parameter, piece in zip(parameters, pieces, strict=True):
            parameter.copy_(piece.view(parameter.shape))
