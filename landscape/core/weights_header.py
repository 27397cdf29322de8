"""What a safetensors file says about itself, read from its header alone.

No torch in this module: the app's own process lists checkpoints with it. Layout of the format: eight bytes
(little-endian length of the header), the header (JSON), the tensors' bytes without gaps.
"""

import json
import math
import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from landscape.core.errors import CheckpointError

METADATA_FIELD = "landscape"
CheckpointKind = Literal["", "start", "snapshot", "between", "average"]
LARGEST_HEADER = 100_000_000  # bytes; the limit of the safetensors reader itself
_LENGTH = struct.Struct("<Q")
_DTYPE_BYTES = (
    dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2"), 1)
    | dict.fromkeys(("U16", "I16", "F16", "BF16"), 2)
    | dict.fromkeys(("U32", "I32", "F32"), 4)
    | dict.fromkeys(("U64", "I64", "F64", "C64"), 8)
)


class CheckpointMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a checkpoint beside its tensors; None where an upload does not say.

    Metrics are nats per example without the penalty (`train_loss`, `test_loss`) and fractions of examples
    (`train_accuracy`, `test_accuracy`). The learning rate is that of the last step taken. `epoch` counts the passes
    over the training split that this network has seen since its random start; `step` counts, in a family of networks,
    those of the earlier ones, too. `kind` says what the checkpoint is to its run: `start`; `snapshot`, kept by the
    recipe for its own sake; `between`, such as the one before a second phase; `average`, the mean of many iterates,
    with re-estimated statistics.
    """

    architecture: str = ""
    input_shape: tuple[int, ...] | None = None
    classes: int | None = None
    data: str | None = None
    data_digest: str | None = None
    recipe: str | None = None
    step: int | None = None
    steps: int | None = None
    epoch: float | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    seed: int | None = None
    label: str = ""
    kind: CheckpointKind = ""
    metrics: dict[str, float] = {}
    versions: dict[str, str] = {}


class StoredMetadata(CheckpointMetadata, frozen=True, kw_only=True):
    """The metadata as it stands in a file of ours: with the layout and the digest of the tensors.

    Attributes:
        parameters: Names of the trainable tensors, in the order of the flat vector; all others are buffers.
        roles: Role of each of them.
        digest: Hex SHA-256 of architecture and tensors, as `Checkpoint.digest`.
    """

    parameters: tuple[str, ...]
    roles: tuple[Literal["weight", "bias", "norm"], ...]
    digest: str


class TensorEntry(NamedTuple):
    """Type (in the names of safetensors, such as F32) and shape of a stored tensor."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class WeightsHeader:
    """The header of a safetensors file.

    Attributes:
        stored: What landscape wrote, or None for a file of other origin.
        tensors: Type and shape of each tensor by name, in the order of the header.
    """

    stored: StoredMetadata | None
    tensors: dict[str, TensorEntry]

    @property
    def metadata(self) -> CheckpointMetadata:
        """The metadata; empty for a file of other origin."""
        if self.stored is None:
            return CheckpointMetadata()
        names = CheckpointMetadata.__struct_fields__
        return CheckpointMetadata(**{name: getattr(self.stored, name) for name in names})

    @property
    def parameter_count(self) -> int | None:
        """Number of trainable numbers, or None for a file of other origin."""
        if self.stored is None:
            return None
        return sum(math.prod(self.tensors[name].shape) for name in self.stored.parameters)


def read_metadata(path: Path) -> CheckpointMetadata:
    """The metadata of a checkpoint file; empty for a safetensors file of other origin.

    Raises:
        CheckpointError: See `read_header`.
    """
    return read_header(path).metadata


def read_header(path: Path) -> WeightsHeader:
    """Read and check the header; the tensors themselves are not read.

    Raises:
        CheckpointError: The file is missing, is not safetensors, is cut short, or its header contradicts itself.
    """
    size, content = _header_bytes(path)
    try:
        header = json.loads(content)
        extra = header.pop("__metadata__", None) or {}
        entries = {name: _checked_entry(entry) for name, entry in header.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _not_safetensors(path) from error
    # `end` is where the tensors should stop; the reader of safetensors allows no gap between them.
    spans = sorted(span for _, span in entries.values())
    end = spans[-1][1] if spans else 0
    if any(stop != start for (_, stop), (start, _) in pairwise([(0, 0), *spans])):
        raise _not_safetensors(path)
    present = size - _LENGTH.size - len(content)
    if end != present:
        raise CheckpointError(
            f"{path} is damaged: its header announces {end} bytes of tensors, {present} are there; "
            "copy or download the file again."
        )
    tensors = {name: tensor for name, (tensor, _) in entries.items()}
    return WeightsHeader(_stored_metadata(path, extra, tensors), tensors)


def _header_bytes(path: Path) -> tuple[int, bytes]:
    """Size of the file and its header, undecoded."""
    if not path.is_file():
        raise CheckpointError(f"There is no checkpoint file {path}; check the path.")
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            start = file.read(_LENGTH.size)
            if len(start) < _LENGTH.size:
                raise _not_safetensors(path)
            (length,) = _LENGTH.unpack(start)
            if length > LARGEST_HEADER:
                raise _not_safetensors(path)
            content = file.read(length)
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror or error}); check that you may read it."
        ) from error
    if len(content) < length:
        if content[:1] != b"{":
            raise _not_safetensors(path)
        raise CheckpointError(
            f"{path} is cut short: its header has {length} bytes, {len(content)} are there; "
            "copy or download the file again."
        )
    return size, content


def _checked_entry(entry: dict[str, Any]) -> tuple[TensorEntry, tuple[int, int]]:
    """One tensor's type and shape, and where its bytes lie; ValueError where they contradict one another."""
    dtype, shape = entry["dtype"], tuple(entry["shape"])
    start, stop = entry["data_offsets"]
    if not all(isinstance(number, int) and number >= 0 for number in (*shape, start, stop)):
        raise ValueError(entry)
    if dtype in _DTYPE_BYTES and math.prod(shape) * _DTYPE_BYTES[dtype] != stop - start:
        raise ValueError(entry)
    return TensorEntry(str(dtype), shape), (start, stop)


def _stored_metadata(
    path: Path, extra: dict[str, str], tensors: dict[str, TensorEntry]
) -> StoredMetadata | None:
    if METADATA_FIELD not in extra:
        return None
    try:
        stored = msgspec.json.decode(extra[METADATA_FIELD], type=StoredMetadata)
    except (msgspec.MsgspecError, TypeError) as error:
        raise CheckpointError(
            f"The metadata of {path} cannot be read ({error}); save the checkpoint again with this version."
        ) from error
    missing = [name for name in stored.parameters if name not in tensors]
    if missing or len(stored.roles) != len(stored.parameters):
        raise CheckpointError(
            f"{path} contradicts itself: its metadata name {len(stored.parameters)} parameters, {len(missing)} of "
            "which are not in the file; save the checkpoint again."
        )
    return stored


def _not_safetensors(path: Path) -> CheckpointError:
    return CheckpointError(
        f"{path} is not a safetensors file; give one, or import .pt, .pth and .th files through the app's Library."
    )
