"""Checkpoints: a flat parameter vector, its buffers, and where they come from."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor, nn

from landscape.core.errors import CheckpointError
from landscape.core.weights_header import CheckpointMetadata
from landscape.geometry.parameters import ParameterSpace


@dataclass(frozen=True, kw_only=True, eq=False)
class Checkpoint:
    """One point in weight space with its buffers. Immutable; the tensors live on the CPU.

    Attributes:
        theta: Parameters, float32, flat (P,), ordered as `space`.
        buffers: All buffers by name, batch-norm statistics above all; integer buffers included.
        space: The layout of theta.
        metadata: Architecture, origin, step, metrics.
        source: Where it was loaded from.
    """

    theta: Tensor
    buffers: Mapping[str, Tensor]
    space: ParameterSpace
    metadata: CheckpointMetadata = field(default_factory=CheckpointMetadata)
    source: str = ""

    @classmethod
    def from_module(
        cls, module: nn.Module, metadata: CheckpointMetadata | None = None, source: str = ""
    ) -> "Checkpoint":
        """A copy of a module's parameters and buffers; the module is only read."""
        space = ParameterSpace.of(module)
        return cls(
            theta=space.flatten(dict(module.named_parameters())).float().cpu().clone(),
            buffers={name: buffer.detach().cpu().clone() for name, buffer in module.named_buffers()},
            space=space,
            metadata=metadata or CheckpointMetadata(),
            source=source,
        )

    @classmethod
    def from_state_dict(
        cls, state: Mapping[str, Tensor], module: nn.Module, metadata: CheckpointMetadata, source: str = ""
    ) -> "Checkpoint":
        """A checkpoint from named tensors, laid out as the given module.

        Raises:
            CheckpointError: A tensor is missing, of another shape, or not known to the module.
        """
        space = ParameterSpace.of(module)
        buffers = {}
        for name, buffer in module.named_buffers():
            if name not in state:
                raise CheckpointError(f"The buffer {name!r} is missing; expected shape {list(buffer.shape)}.")
            if state[name].shape != buffer.shape:
                raise CheckpointError(
                    f"The buffer {name!r} has shape {list(state[name].shape)}; expected {list(buffer.shape)}."
                )
            buffers[name] = state[name].detach().to(buffer.dtype).cpu().clone()
        left = set(state) - set(space.names) - set(buffers)
        if left:
            raise CheckpointError(
                f"The network {metadata.architecture!r} has no tensor named {min(left)!r} "
                f"({len(left)} such names); choose the architecture that the file was trained with."
            )
        theta = space.flatten(state).float().cpu()
        return cls(theta=theta, buffers=buffers, space=space, metadata=metadata, source=source)

    @cached_property
    def digest(self) -> str:
        """Hex SHA-256 of architecture and tensors: the same weights have the same digest in every file."""
        state = hashlib.sha256(self.metadata.architecture.encode())
        for name, tensor in sorted(self.state_dict().items()):
            state.update(f"\0{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
            state.update(tensor.contiguous().numpy().tobytes())
        return state.hexdigest()

    @property
    def label(self) -> str:
        """A short name for figures."""
        return self.metadata.label or (
            f"step {self.metadata.step}" if self.metadata.step is not None else self.digest[:8]
        )

    def state_dict(self) -> dict[str, Tensor]:
        """All tensors by name, as `nn.Module.load_state_dict` takes them."""
        return {**self.space.unflatten(self.theta), **self.buffers}

    def load_into(self, module: nn.Module) -> None:
        """Copy the tensors into a module of the same architecture."""
        with torch.no_grad():
            module.load_state_dict(self.state_dict())
