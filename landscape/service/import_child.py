"""The child process of an import: reads one file with torch under tight limits and writes it as safetensors.

`python -m landscape.service.import_child FILE FOLDER LABEL FORMAT SHA256`. The only place that calls torch.load on a
file of unknown origin; always with weights_only=True.
"""

import argparse
import logging
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import psutil
import torch
from safetensors.torch import load, save
from torch import Tensor

from landscape.core.errors import CheckpointError, LandscapeError, StoreError
from landscape.core.files import write_bytes_atomically
from landscape.core.weights_header import CheckpointMetadata, read_header
from landscape.networks.checkpoint_files import load_checkpoint_file, save_checkpoint
from landscape.networks.checkpoints import Checkpoint
from landscape.networks.recognise import COUNTER, build_skeleton, recognise
from landscape.service.imports import REFUSAL_FILE
from landscape.service.processes import EXIT_DISK_FULL
from landscape.service.state_dicts import Weights, find_weights
from landscape.service.uploads import MANIFEST_FILE, WEIGHTS_FILE, Manifest

_CPU_SECONDS = 120
_SPARE_BYTES = 512 << 20
# A float16 file grows to twice its size in float32, and is held once as read, once converted and once as written.
_MEMORY_PER_BYTE = 6
_DISK_PER_BYTE = 3
_OPEN_FILES = 64

_log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Convert one file; a refusal is left as one clause in the folder, and the exit status says so."""
    parser = argparse.ArgumentParser(
        prog="python -m landscape.service.import_child", description="Import one file."
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("label")
    parser.add_argument("format", choices=("zip", "legacy", "safetensors"))
    parser.add_argument("sha256")
    parsed = parser.parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    limit_process(parsed.file.stat().st_size)
    try:
        convert(parsed.file, parsed.folder, label=parsed.label, form=parsed.format, sha256=parsed.sha256)
    except StoreError as error:
        _log.error("%s", error)
        return EXIT_DISK_FULL
    except Exception as error:  # whatever torch makes of a strange file must become one clause
        _log.exception("refused %s", parsed.label)
        (parsed.folder / REFUSAL_FILE).write_text(_describe(error, parsed.file))
        return 1
    return 0


def limit_process(size: int) -> None:
    """Limit this process for good: memory, processor time, files. Without effect where the system cannot."""
    try:
        import resource
    except ImportError:  # Windows
        return
    memory = psutil.Process().memory_info().vms + _MEMORY_PER_BYTE * size + _SPARE_BYTES
    for kind, limit in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, _CPU_SECONDS),
        (resource.RLIMIT_FSIZE, _DISK_PER_BYTE * size + _SPARE_BYTES),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, most = resource.getrlimit(kind)
        limit = limit if most == resource.RLIM_INFINITY else min(limit, most)
        try:
            resource.setrlimit(kind, (limit, limit))
        except (ValueError, OSError):  # macOS knows no limit on address space
            _log.warning("limit %s is not available", kind)


def convert(file: Path, folder: Path, *, label: str, form: str, sha256: str) -> Manifest:
    """Read a file that has passed the gate and write weights and manifest into a folder.

    Args:
        file: The file.
        folder: An empty folder.
        label: What its sender calls it.
        form: "zip", "legacy" or "safetensors", as the gate found.
        sha256: Digest of the file.

    Raises:
        CheckpointError: It holds no weights.
        StoreError: The folder cannot be written.
    """
    target = folder / WEIGHTS_FILE
    base = Manifest(name=label, sha256=sha256, size=file.stat().st_size, kind=form, imported=time.time())
    if form == "safetensors" and read_header(file).stored is not None:
        manifest = _keep_own(load_checkpoint_file(file), target, base)
    else:
        weights = find_weights(_read(file, form))
        manifest = _keep_foreign(weights, target, base)
    target.chmod(0o400)
    write_bytes_atomically(folder / MANIFEST_FILE, msgspec.json.encode(manifest))
    return manifest


def _read(file: Path, form: str) -> object:
    if form == "safetensors":
        return load(file.read_bytes())
    return torch.load(file, map_location="cpu", weights_only=True)


def _keep_own(checkpoint: Checkpoint, target: Path, base: Manifest) -> Manifest:
    """A file that landscape wrote keeps its metadata."""
    save_checkpoint(checkpoint, target)
    metadata = checkpoint.metadata
    problem = None
    try:
        build_skeleton(metadata.architecture, checkpoint.state_dict())
    except LandscapeError as error:
        problem = str(error)
    return msgspec.structs.replace(
        base,
        architecture=metadata.architecture,
        input_shape=metadata.input_shape,
        classes=metadata.classes,
        parameters=checkpoint.space.dimension,
        digest=checkpoint.digest,
        warnings=_warnings(checkpoint.state_dict()),
        problem=problem,
    )


def _keep_foreign(weights: Weights, target: Path, base: Manifest) -> Manifest:
    """Weights of other origin are kept as a checkpoint if their architecture is known, else as they are."""
    manifest = msgspec.structs.replace(
        base,
        found_in=weights.found_in,
        prefixes=weights.prefixes,
        dropped=weights.dropped,
        casts=weights.casts,
        warnings=_warnings(weights.tensors),
    )
    try:
        checkpoint = _recognised(weights, Path(base.name).stem)
    except LandscapeError as error:
        write_bytes_atomically(target, save(dict(weights.tensors)))
        count = sum(tensor.numel() for tensor in weights.tensors.values() if tensor.is_floating_point())
        return msgspec.structs.replace(manifest, parameters=count, problem=str(error))
    save_checkpoint(checkpoint, target)
    return msgspec.structs.replace(
        manifest,
        architecture=checkpoint.metadata.architecture,
        input_shape=checkpoint.metadata.input_shape,
        classes=checkpoint.metadata.classes,
        parameters=checkpoint.space.dimension,
        digest=checkpoint.digest,
    )


def _recognised(weights: Weights, label: str) -> Checkpoint:
    """The weights as a checkpoint of a known architecture, with as many prefixes on as that architecture has."""
    first: CheckpointError | None = None
    for tensors in weights.variants():
        try:
            architecture, shape, classes = recognise(tensors)
        except CheckpointError as error:
            first = first or error
            continue
        skeleton = build_skeleton(architecture, tensors)
        # Files from before torch 0.4.1 have no such counters, and no forward pass reads them.
        counters = {
            name: torch.zeros((), dtype=torch.int64)
            for name, _ in skeleton.named_buffers()
            if name.endswith(COUNTER) and name not in tensors
        }
        metadata = CheckpointMetadata(
            architecture=architecture, input_shape=shape, classes=classes, label=label
        )
        return Checkpoint.from_state_dict({**tensors, **counters}, skeleton, metadata)
    raise first or CheckpointError("The file holds no weights.")


def _warnings(tensors: Mapping[str, Tensor]) -> tuple[str, ...]:
    values = [tensor for tensor in tensors.values() if tensor.is_floating_point()]
    wrong = sum(int((~tensor.isfinite()).sum()) for tensor in values)
    if wrong == 0:
        return ()
    total = sum(tensor.numel() for tensor in values)
    return (f"{wrong:,} of its {total:,} numbers are NaN or infinite; its loss will be NaN or infinite too.",)


def _describe(error: Exception, file: Path) -> str:
    if isinstance(error, CheckpointError):
        return str(error).replace(str(file), "the file").rstrip(".")
    if isinstance(error, MemoryError) or "memory" in str(error):
        return "reading it needs far more memory than its size explains; save the weights alone and try again"
    return "torch cannot read it; save the weights again with torch.save(model.state_dict(), path)"


if __name__ == "__main__":
    sys.exit(main())
