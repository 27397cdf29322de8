"""The layout of a flat parameter vector."""

# Shapes: P parameters

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor, nn

from landscape.core.errors import CheckpointError

Role = Literal["weight", "bias", "norm"]

_NORM_MODULES = (
    nn.modules.batchnorm._NormBase,  # pyright: ignore[reportPrivateUsage]  # the only common base of all batch and instance norms
    nn.LayerNorm,
    nn.GroupNorm,
)


@dataclass(frozen=True)
class ParameterSpace:
    """Names, shapes and roles of the trainable tensors of one network, in the order of `named_parameters()`.

    Buffers are not parameters. A tensor that two modules share stands once, under its first name.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    roles: tuple[Role, ...]

    @classmethod
    def of(cls, module: nn.Module) -> "ParameterSpace":
        """The space of a module's parameters; the module is only read."""
        names, shapes, roles = [], [], []
        for name, parameter in module.named_parameters():
            owner = module.get_submodule(name.rpartition(".")[0])
            names.append(name)
            shapes.append(tuple(parameter.shape))
            roles.append(_role(owner, parameter))
        return cls(tuple(names), tuple(shapes), tuple(roles))

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Number of entries of each tensor."""
        return tuple(torch.Size(shape).numel() for shape in self.shapes)

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Where each tensor begins in the flat vector."""
        offsets = [0]
        for size in self.sizes:
            offsets.append(offsets[-1] + size)
        return tuple(offsets[:-1])

    @property
    def dimension(self) -> int:
        """P, the number of parameters."""
        return sum(self.sizes)

    def flatten(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """One flat vector (P,) from named tensors; a copy.

        Raises:
            CheckpointError: A tensor is missing or has another shape.
        """
        pieces = []
        for name, shape in zip(self.names, self.shapes, strict=True):
            if name not in tensors:
                raise CheckpointError(
                    f"The parameter {name!r} is missing; expected a tensor of shape {list(shape)}."
                )
            if tuple(tensors[name].shape) != shape:
                raise CheckpointError(
                    f"The parameter {name!r} has shape {list(tensors[name].shape)}; expected {list(shape)}."
                )
            pieces.append(tensors[name].detach().reshape(-1))
        return torch.cat(pieces) if pieces else torch.zeros(0)

    def unflatten(self, theta: Tensor) -> dict[str, Tensor]:
        """Named views into a flat vector. Leading dimensions are kept: (..., P) gives (..., *shape)."""
        pieces = theta.split(self.sizes, dim=-1)
        lead = theta.shape[:-1]
        return {
            name: piece.reshape(*lead, *shape)
            for name, shape, piece in zip(self.names, self.shapes, pieces, strict=True)
        }


def _role(owner: nn.Module, parameter: Tensor) -> Role:
    if isinstance(owner, _NORM_MODULES):
        return "norm"
    return "weight" if parameter.ndim > 1 else "bias"
