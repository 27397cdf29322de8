"""Where a run begins when it does not begin at random: the weights, buffers and optimiser state of a checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from landscape.core.errors import RequestError
from landscape.core.training_requests import CONTINUATIONS, TrainingFields
from landscape.networks.checkpoints import Checkpoint
from landscape.training.optimizer_tensors import load_optimizer_tensors
from landscape.training.optimizers import keeps_state


@dataclass(frozen=True, kw_only=True, eq=False)
class OptimizerState:
    """The state of an optimiser as it was kept with a checkpoint.

    Attributes:
        optimizer: Its name, as in `TrainingFields.optimizer`.
        checkpoint: Digest of the checkpoint.
        tensors: As `optimizer_tensors` gave them.
    """

    optimizer: str
    checkpoint: str
    tensors: Mapping[str, Tensor]


@dataclass(frozen=True, kw_only=True, eq=False)
class Start:
    """A checkpoint to begin with, and the optimiser's state there if it was kept."""

    checkpoint: Checkpoint
    state: OptimizerState | None


def begin_at(
    start: Start, request: TrainingFields, module: nn.Module, optimizer: torch.optim.Optimizer
) -> None:
    """Copy a start into a module and, for recipes that continue a training, into its optimiser.

    Raises:
        RequestError: The checkpoint is of another network, or a recipe that continues finds no optimiser state, or
            that of another optimiser.
    """
    checkpoint = start.checkpoint
    shapes = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    theirs = {name: tuple(tensor.shape) for name, tensor in checkpoint.state_dict().items()}
    if shapes != theirs:
        raise RequestError(
            f"The checkpoint to start from is of the network {checkpoint.metadata.architecture or 'unknown'}, whose "
            f"tensors do not fit {request.architecture}; choose a checkpoint of {request.architecture}."
        )
    checkpoint.load_into(module)
    if request.recipe not in CONTINUATIONS or not keeps_state(request):
        return
    if start.state is None or start.state.checkpoint != checkpoint.digest:
        raise RequestError(
            f"{request.recipe.upper()} goes on with the optimiser's state, and {checkpoint.source or 'the checkpoint'} "
            "has none beside it; start from a checkpoint of a run that was trained here, or leave start_from out to "
            "train the first phase too."
        )
    if start.state.optimizer != request.optimizer:
        raise RequestError(
            f"The checkpoint to start from was trained with the optimizer {start.state.optimizer}, and "
            f"{request.optimizer} is asked for; use {start.state.optimizer}."
        )
    load_optimizer_tensors(optimizer, module, start.state.tensors)
