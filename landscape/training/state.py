"""The state of a training run on disk: all that it takes to go on as if nothing had happened.

Random numbers are not in it: every draw follows from (seed, epoch, step). Each file is a SHA-256 digest followed by
safetensors; the two newest are kept, so that a damaged one costs seconds of work and nothing else.
"""

import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from landscape.core.errors import CheckpointError
from landscape.core.files import write_bytes_atomically
from landscape.core.weights_header import METADATA_FIELD
from landscape.training.starts import OptimizerState

STATES_KEPT = 2
_DIGEST_BYTES = 32


class StateRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is beside the tensors.

    Attributes:
        step: The last step taken.
        seconds: Spent in training by then, earlier sittings included.
        conditions: What the bits depend on beside the request: device, threads, versions.
    """

    step: int
    seconds: float
    conditions: dict[str, str]


@dataclass(frozen=True, eq=False)
class TrainingState:
    """Everything after one step, as tensors on the CPU under names such as `parameters/conv1.weight`."""

    record: StateRecord
    tensors: dict[str, Tensor]

    @classmethod
    def of(cls, record: StateRecord, groups: Mapping[str, Mapping[str, Tensor]]) -> "TrainingState":
        """A copy of named tensors of several kinds."""
        tensors = {
            f"{kind}/{name}": tensor.detach().cpu().contiguous()
            for kind, group in groups.items()
            for name, tensor in group.items()
        }
        return cls(record, tensors)

    def group(self, kind: str) -> dict[str, Tensor]:
        """The tensors of one kind, by their own names."""
        start = f"{kind}/"
        return {
            name.removeprefix(start): value for name, value in self.tensors.items() if name.startswith(start)
        }


def capture_module(module: nn.Module) -> dict[str, Mapping[str, Tensor]]:
    """Parameters and buffers, as groups of a state."""
    return {"parameters": dict(module.named_parameters()), "buffers": dict(module.named_buffers())}


def restore_module(state: TrainingState, module: nn.Module) -> None:
    """Copy parameters and buffers into a module, whose memory layout stays.

    Raises:
        KeyError: A tensor of the module is missing.
        RuntimeError: A tensor has another shape.
    """
    stored = state.group("parameters") | state.group("buffers")
    own = dict(module.named_parameters()) | dict(module.named_buffers())
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(stored[name].view(tensor.shape))  # view: copy_ alone would broadcast


def save_optimizer_state(state: OptimizerState, path: Path) -> None:
    """Write the optimiser's state at a checkpoint.

    Raises:
        StoreError: The file cannot be written.
    """
    text = msgspec.json.encode({"optimizer": state.optimizer, "checkpoint": state.checkpoint}).decode()
    write_bytes_atomically(path, save(dict(state.tensors), {METADATA_FIELD: text}))


def load_optimizer_state(path: Path) -> OptimizerState | None:
    """The optimiser's state that was kept with a checkpoint, or None where there is none.

    Raises:
        CheckpointError: The file is damaged.
    """
    if not path.is_file():
        return None
    try:
        content = path.read_bytes()
        facts = _metadata(content)
        return OptimizerState(
            optimizer=facts["optimizer"], checkpoint=facts["checkpoint"], tensors=load(content)
        )
    except (OSError, msgspec.MsgspecError, KeyError, SafetensorError) as error:
        raise CheckpointError(
            f"The optimiser's state {path} is damaged ({error}); start from another checkpoint."
        ) from error


def save_state(state: TrainingState, folder: Path) -> None:
    """Write a state and remove all but the newest two.

    Raises:
        StoreError: The file cannot be written; older states stay.
    """
    text = msgspec.json.encode(state.record, order="deterministic").decode()
    content = save(state.tensors, {METADATA_FIELD: text})
    write_bytes_atomically(
        folder / f"step-{state.record.step:09d}.state", hashlib.sha256(content).digest() + content
    )
    for old in _files(folder)[:-STATES_KEPT]:
        old.unlink(missing_ok=True)


def load_newest_state(folder: Path) -> TrainingState | None:
    """The newest state that is whole, or None."""
    for path in reversed(_files(folder)):
        state = _load_state(path)
        if state is not None:
            return state
    return None


def delete_states(folder: Path) -> None:
    """Remove all states of a run that is complete, and what a killed writer left."""
    if folder.is_dir():
        for path in folder.iterdir():
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # another process may be finishing the same run
            folder.rmdir()


def _load_state(path: Path) -> TrainingState | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, content = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if hashlib.sha256(content).digest() != digest:
        return None
    try:
        record = msgspec.convert(_metadata(content), StateRecord)
        return TrainingState(record, load(content))
    except (msgspec.MsgspecError, KeyError, SafetensorError):
        return None


def _metadata(content: bytes) -> dict[str, Any]:
    # The header's text lies behind eight bytes of length.
    length = int.from_bytes(content[:8], "little")
    header = msgspec.json.decode(content[8 : 8 + length])
    return msgspec.json.decode(header["__metadata__"][METADATA_FIELD])


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*.state"))
