"""An optimiser's state as named tensors, for safetensors and back, to the bit."""

# Names: `exp_avg/conv1.weight` is a tensor of the parameter conv1.weight. Python's numbers have a mark,
# `n_iter:int/conv1.weight`; a list has its length, `ro:list/conv1.weight`, and its elements, `ro:0/conv1.weight`.

from collections.abc import Mapping
from typing import Any, Literal, assert_never

import torch
from torch import Tensor, nn

from landscape.core.errors import CheckpointError
from landscape.training.optimizers import innermost

_Shape = Literal["parameter", "all parameters", "number"]

# What each optimiser keeps per parameter (L-BFGS with the first one, for all), and of which shape. Left out is
# `al` of L-BFGS, which every iteration fills before it reads it.
_STATE: dict[type[torch.optim.Optimizer], dict[str, _Shape]] = {
    torch.optim.SGD: {"momentum_buffer": "parameter"},
    torch.optim.Adagrad: {"step": "number", "sum": "parameter"},
    torch.optim.RMSprop: {"step": "number", "square_avg": "parameter"},
    torch.optim.Adam: {"step": "number", "exp_avg": "parameter", "exp_avg_sq": "parameter"},
    torch.optim.LBFGS: {
        "func_evals": "number",
        "n_iter": "number",
        "d": "all parameters",
        "t": "number",
        "old_dirs": "all parameters",
        "old_stps": "all parameters",
        "ro": "number",
        "H_diag": "number",
        "prev_flat_grad": "all parameters",
        "prev_loss": "number",
    },
}


def optimizer_tensors(optimizer: torch.optim.Optimizer, module: nn.Module) -> dict[str, Tensor]:
    """Everything an optimiser remembers beside its learning rate.

    Args:
        optimizer: Any from `build_optimizer`, around this module.
        module: Gives the parameters their names.

    Returns:
        Tensors on the CPU, contiguous, each with its own memory. Empty where nothing is remembered: plain SGD, and
        most optimisers before their first step.
    """
    tensors: dict[str, Tensor] = {}
    keys = _keys(optimizer)
    for name, parameter in module.named_parameters():
        state = optimizer.state.get(parameter, {})
        if not keys.keys() <= state.keys():
            continue  # not stepped yet, or never
        for key in keys:
            for part, tensor in _parts(key, state[key]).items():
                tensors[f"{part}/{name}"] = tensor
    return tensors


def load_optimizer_tensors(
    optimizer: torch.optim.Optimizer, module: nn.Module, tensors: Mapping[str, Tensor]
) -> None:
    """Give a fresh optimiser the state of another one; its next steps are then that one's, to the bit.

    Args:
        optimizer: Fresh, from `build_optimizer`.
        module: The network it trains, whose devices and memory layout the state takes over.
        tensors: From `optimizer_tensors`.

    Raises:
        CheckpointError: A tensor is missing, has another shape, or belongs to another optimiser or network. The
            optimiser is as it was.
    """
    keys = _keys(optimizer)
    owned = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    keepers = owned[:1] if isinstance(innermost(optimizer), torch.optim.LBFGS) else owned
    names = {parameter: name for name, parameter in module.named_parameters()}
    parts: dict[str, dict[str, Tensor]] = {names[parameter]: {} for parameter in keepers}
    for full_name, tensor in tensors.items():
        part, _, name = full_name.partition("/")
        if name not in parts or part.partition(":")[0] not in keys:
            raise CheckpointError(
                f"The optimiser state holds {full_name!r}, which the optimiser of this request does not keep for this "
                "network; go on with the optimiser and network that it was saved with."
            )
        parts[name][part] = tensor
    loaded: dict[Tensor, dict[str, Any]] = {}
    for parameter in keepers:
        own = parts[names[parameter]]
        if not own and not optimizer.state.get(parameter):
            continue  # had not been stepped
        reader = _Reader(optimizer, parameter, names[parameter], own)
        loaded[parameter] = {key: reader.value(key, shape) for key, shape in keys.items()}
    optimizer.state.update(loaded)


class _Reader:
    """Reads one parameter's state: finds each part, checks its shape and brings it to the parameter's place."""

    def __init__(
        self, optimizer: torch.optim.Optimizer, parameter: Tensor, name: str, parts: dict[str, Tensor]
    ) -> None:
        self._group = innermost(optimizer).param_groups[0]
        self._parameter, self._name, self._parts = parameter, name, parts

    def value(self, key: str, shape: _Shape) -> Any:
        """A number, a tensor or a list of tensors, as the optimiser keeps it."""
        if f"{key}:int" in self._parts:
            return int(self._tensor(f"{key}:int", "number"))
        if f"{key}:float" in self._parts:
            return float(self._tensor(f"{key}:float", "number"))
        if f"{key}:list" in self._parts:
            length = int(self._tensor(f"{key}:list", "number"))
            return [
                self._placed(self._tensor(f"{key}:{index}", shape), key, shape) for index in range(length)
            ]
        return self._placed(self._tensor(key, shape), key, shape)

    def _tensor(self, part: str, shape: _Shape) -> Tensor:
        if part not in self._parts:
            raise CheckpointError(
                f"The optimiser state lacks {part!r} of the parameter {self._name!r}; go on from a checkpoint that "
                "was saved with this optimiser, or begin without its state."
            )
        tensor, expected = self._parts[part], self._shape(shape)
        if tuple(tensor.shape) != expected:
            raise CheckpointError(
                f"{part!r} of the parameter {self._name!r} in the optimiser state has shape {list(tensor.shape)}; "
                f"expected {list(expected)}. Go on with the network that it was saved with."
            )
        return tensor

    def _shape(self, shape: _Shape) -> tuple[int, ...]:
        match shape:
            case "number":
                return ()
            case "parameter":
                return tuple(self._parameter.shape)
            case "all parameters":
                return (sum(parameter.numel() for parameter in self._group["params"]),)
            case _:
                assert_never(shape)

    def _placed(self, tensor: Tensor, key: str, shape: _Shape) -> Tensor:
        if shape == "parameter":
            # The layout too: fused steps go through memory and do not look at strides.
            return torch.empty_like(self._parameter).copy_(tensor)
        # Counters of steps lie with the parameter for fused steps, and else on the CPU.
        away = key == "step" and not self._group.get("fused")
        return tensor.to("cpu" if away else self._parameter.device, copy=True)


def _keys(optimizer: torch.optim.Optimizer) -> dict[str, _Shape]:
    inner = innermost(optimizer)
    if isinstance(inner, torch.optim.SGD) and not inner.param_groups[0]["momentum"]:
        return {}
    return next(keys for kind, keys in _STATE.items() if isinstance(inner, kind))


def _parts(key: str, value: Tensor | float | list[Tensor]) -> dict[str, Tensor]:
    match value:
        case Tensor():
            return {key: value.detach().cpu().clone(memory_format=torch.contiguous_format)}
        case int():
            return {f"{key}:int": torch.tensor(value, dtype=torch.int64)}
        case float():
            return {f"{key}:float": torch.tensor(value, dtype=torch.float64)}
        case list():
            parts = {f"{key}:list": torch.tensor(len(value), dtype=torch.int64)}
            for index, tensor in enumerate(value):
                parts |= _parts(f"{key}:{index}", tensor)
            return parts
        case _:
            assert_never(value)
