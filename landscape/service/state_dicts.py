"""Finds the weights in what people save: nested under other names, behind prefixes, in half precision."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from landscape.core.errors import CheckpointError

# Where training scripts put the weights; the first that holds tensors is taken.
NESTS = (
    *("state_dict", "model_state", "model_state_dict", "model", "net", "network"),
    *("swa_state_dict", "ema_state_dict", "params", "weights", "module"),
)
# DataParallel, torch.compile, Lightning.
PREFIXES = ("module.", "_orig_mod.", "model.", "net.")
_COUNTER_OF_AVERAGES = "n_averaged"  # torch.optim.swa_utils.AveragedModel
_DEEPEST_NEST = 3
_TO_FLOAT32 = (torch.float16, torch.bfloat16, torch.float64)


@dataclass(frozen=True)
class Weights:
    """Named tensors, ready to be kept: dense, contiguous, float32 or integer, sharing no memory.

    Attributes:
        tensors: By name, all common prefixes taken off.
        found_in: Under which keys they lay, with dots between; "" for the top level.
        prefixes: What was taken off every name, outermost first.
        dropped: Names that were left out.
        casts: Conversions, in words.
    """

    tensors: Mapping[str, Tensor]
    found_in: str
    prefixes: tuple[str, ...]
    dropped: tuple[str, ...]
    casts: tuple[str, ...]

    def variants(self) -> Iterator[dict[str, Tensor]]:
        """The tensors without any prefix, then with more and more of them put back.

        A network whose own attribute is called `net` has names that begin with `net.` by right.
        """
        for kept in range(len(self.prefixes), -1, -1):
            prefix = "".join(self.prefixes[kept:])
            yield {prefix + name: tensor for name, tensor in self.tensors.items()}


def find_weights(content: object) -> Weights:
    """The weights in the content of a checkpoint file.

    Raises:
        CheckpointError: There are none.
    """
    nest, found_in = _find_nest(content, ())
    dropped = [str(name) for name, value in nest.items() if not _is_weight(name, value)]
    tensors = {name: value for name, value in nest.items() if _is_weight(name, value)}
    prefixes = []
    while prefix := next((p for p in PREFIXES if all(name.startswith(p) for name in tensors)), None):
        prefixes.append(prefix)
        tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    casts = sorted({str(t.dtype).removeprefix("torch.") for t in tensors.values() if t.dtype in _TO_FLOAT32})
    return Weights(
        tensors={name: _plain(tensor) for name, tensor in tensors.items()},
        found_in=".".join(found_in),
        prefixes=tuple(prefixes),
        dropped=tuple(sorted(dropped)),
        casts=tuple(f"{dtype} to float32" for dtype in casts),
    )


def _find_nest(content: object, path: tuple[str, ...]) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    if isinstance(content, Mapping):
        if len(path) < _DEEPEST_NEST:
            for name in NESTS:
                inner = content.get(name)
                if isinstance(inner, Mapping) and _holds_tensors(inner):
                    return _find_nest(inner, (*path, name))
        if any(_is_weight(name, value) for name, value in content.items()):
            return content, path
    raise CheckpointError(
        "it holds no weights where training scripts put them "
        f"(top level, {', '.join(NESTS[:6])}, ...); save model.state_dict()"
    )


def _holds_tensors(nest: Mapping[str, Any], depth: int = 0) -> bool:
    if any(isinstance(value, Tensor) for value in nest.values()):
        return True
    inner = (nest.get(name) for name in NESTS) if depth < _DEEPEST_NEST else ()
    return any(_holds_tensors(value, depth + 1) for value in inner if isinstance(value, Mapping))


def _is_weight(name: object, value: object) -> bool:
    return (
        isinstance(name, str)
        and isinstance(value, Tensor)
        and value.layout == torch.strided
        and not value.is_complex()
        and name.rpartition(".")[2] != _COUNTER_OF_AVERAGES
    )


def _plain(tensor: Tensor) -> Tensor:
    dtype = torch.float32 if tensor.dtype in _TO_FLOAT32 else tensor.dtype
    # A copy of its own: safetensors refuses tensors that share memory.
    return tensor.detach().to(dtype, copy=True, memory_format=torch.contiguous_format)
