"""Checkpoints on disk: safetensors with metadata. Nothing here unpickles."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from landscape.core.errors import CheckpointError
from landscape.core.files import write_bytes_atomically
from landscape.core.weights_header import (
    METADATA_FIELD,
    CheckpointMetadata,
    StoredMetadata,
    WeightsHeader,
    read_header,
    read_metadata,
)
from landscape.geometry.parameters import ParameterSpace
from landscape.networks.checkpoints import Checkpoint
from landscape.networks.recognise import COUNTER, build_skeleton, recognise

__all__ = ["load_checkpoint_file", "read_metadata", "save_checkpoint"]


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint as safetensors; the file appears whole or not at all.

    The same checkpoint gives the same bytes. Metadata, the order and roles of the parameters, and the digest stand
    as JSON in the file's own metadata under `landscape`.

    Raises:
        StoreError: The file cannot be written.
    """
    fields = {name: getattr(checkpoint.metadata, name) for name in CheckpointMetadata.__struct_fields__}
    stored = StoredMetadata(
        **fields,
        parameters=checkpoint.space.names,
        roles=checkpoint.space.roles,
        digest=checkpoint.digest,
    )
    tensors = {name: tensor.contiguous() for name, tensor in checkpoint.state_dict().items()}
    text = msgspec.json.encode(stored, order="deterministic").decode()
    write_bytes_atomically(path, save(tensors, {METADATA_FIELD: text}))


def load_checkpoint_file(path: Path) -> Checkpoint:
    """Read a checkpoint: a file of ours, or any safetensors file whose names and shapes fit a known architecture.

    Half-precision weights are read as float32. Values are taken as they are, infinities and NaN included.

    Raises:
        CheckpointError: The file is missing, damaged, not safetensors, or fits no architecture.
    """
    header = read_header(path)
    try:
        tensors = load(path.read_bytes())
    except (SafetensorError, OSError, ValueError, KeyError, RuntimeError) as error:
        raise CheckpointError(
            f"{path} is damaged or holds a type of number that torch cannot read ({error}); "
            "copy or download the file again."
        ) from error
    if header.stored is None:
        return _foreign_checkpoint(tensors, path)
    return _own_checkpoint(header, header.stored, tensors, path)


def _own_checkpoint(
    header: WeightsHeader, stored: StoredMetadata, tensors: Mapping[str, Tensor], path: Path
) -> Checkpoint:
    space = ParameterSpace(
        names=stored.parameters,
        shapes=tuple(header.tensors[name].shape for name in stored.parameters),
        roles=stored.roles,
    )
    checkpoint = Checkpoint(
        theta=space.flatten(tensors).to(torch.float32),
        buffers={name: tensor for name, tensor in tensors.items() if name not in set(space.names)},
        space=space,
        metadata=header.metadata,
        source=str(path),
    )
    if checkpoint.digest != stored.digest:
        raise CheckpointError(
            f"{path} is damaged: its tensors do not match the digest written with them; copy the file again."
        )
    return checkpoint


def _foreign_checkpoint(tensors: Mapping[str, Tensor], path: Path) -> Checkpoint:
    architecture, input_shape, classes = recognise(tensors)
    metadata = CheckpointMetadata(
        architecture=architecture, input_shape=input_shape, classes=classes, label=path.stem
    )
    module = build_skeleton(architecture, tensors)
    # Files from before torch counted batches lack the counters, which no forward pass reads.
    counters = {
        name: torch.zeros(buffer.shape, dtype=buffer.dtype)
        for name, buffer in module.named_buffers()
        if name.endswith(COUNTER)
    }
    return Checkpoint.from_state_dict({**counters, **tensors}, module, metadata, str(path))
