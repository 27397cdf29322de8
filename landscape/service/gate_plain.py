"""Checks the two formats that are no archives: safetensors, and what torch.save wrote before torch 1.6."""

import json
import struct
from typing import IO, Any

from landscape.service.gate_pickle import STORAGE_BYTES, read_pickle
from landscape.service.gate_rules import (
    COPY_AGAIN,
    LIMITS,
    SAVE_AGAIN,
    DeclaredTensor,
    RefusedError,
    check_count,
    check_name,
    check_shape,
)
from landscape.service.gate_tensors import Block, find_tensors

# The pickled magic number with which torch.save began: protocol 2, LONG1 of ten bytes, stop.
LEGACY_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_LEGACY_PROTOCOL = 1001
_COUNT = struct.Struct("<q")
_LENGTH = struct.Struct("<Q")
_DTYPES = {
    "F64": ("float64", 8), "F32": ("float32", 4), "F16": ("float16", 2), "BF16": ("bfloat16", 2),
    "I64": ("int64", 8), "I32": ("int32", 4), "I16": ("int16", 2), "I8": ("int8", 1), "U8": ("uint8", 1),
    "BOOL": ("bool", 1),
}  # fmt: skip


def inspect_legacy(file: IO[bytes], size: int) -> list[DeclaredTensor]:
    """The tensors of a file by torch.save before torch 1.6. The format has no checksum.

    Raises:
        RefusedError: It is damaged or holds more than weights.
    """
    file.seek(0)
    content = file.read(min(size, LIMITS.index))
    version, place = read_pickle(content, len(LEGACY_MAGIC))
    _, place = read_pickle(content, place)  # byte order and sizes of the machine that wrote it
    structure, place = read_pickle(content, place)
    keys, place = read_pickle(content, place)
    if version != _LEGACY_PROTOCOL or not isinstance(keys, list):
        raise RefusedError(f"its index is damaged or cut short; {COPY_AGAIN}")
    findings = find_tensors(structure, sizes=None)
    if len(keys) != len(findings.blocks) or set(keys) != set(findings.blocks):
        raise RefusedError(f"its list of stored blocks does not match its index; {COPY_AGAIN}")
    blocks = [findings.blocks[key] for key in keys]
    total = place + sum(_COUNT.size + _bytes(block) for block in blocks)
    if total != size:
        raise RefusedError(
            f"it is {size} bytes long, {total} are expected, so it was cut short or damaged; {COPY_AGAIN}"
        )
    for block in blocks:
        file.seek(place)
        if _COUNT.unpack(file.read(_COUNT.size)) != (block.numbers,):
            raise RefusedError(f"its list of stored blocks does not match its index; {COPY_AGAIN}")
        place += _COUNT.size + _bytes(block)
    return findings.tensors


def inspect_safetensors(file: IO[bytes], size: int) -> list[DeclaredTensor]:
    """The tensors of a safetensors file. The format has no checksum.

    Raises:
        RefusedError: It is damaged or too large.
    """
    file.seek(0)
    (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
    if length > LIMITS.header or _LENGTH.size + length > size:
        raise RefusedError(f"its safetensors header is too large or cut short; {COPY_AGAIN}")
    header = _read_header(file.read(length))
    header.pop("__metadata__", None)
    check_count(len(header))
    end, tensors = 0, []
    try:
        for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            tensor, end = _read_entry(name, entry, end)
            tensors.append(tensor)
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged_header() from error
    total = _LENGTH.size + length + end
    if total != size:
        raise RefusedError(
            f"it is {size} bytes long, {total} are expected, so it was cut short or damaged; {COPY_AGAIN}"
        )
    return tensors


def _read_header(content: bytes) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise RefusedError(f"its safetensors header names something twice; {SAVE_AGAIN}")
        return dict(pairs)

    try:
        header = json.loads(content.decode(), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise _damaged_header() from error
    if not isinstance(header, dict):
        raise _damaged_header()
    return header


def _read_entry(name: str, entry: dict[str, Any], start: int) -> tuple[DeclaredTensor, int]:
    check_name(name)
    dtype, shape, (begin, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
    if dtype not in _DTYPES:
        raise RefusedError(
            f"it holds a tensor of type {str(dtype)[:12]!r}, which networks here do not have; save float32"
        )
    word, width = _DTYPES[dtype]
    if (begin, end) != (start, start + check_shape(shape) * width):
        raise _damaged_header()
    return DeclaredTensor(name, word, shape), end


def _damaged_header() -> RefusedError:
    return RefusedError(f"its safetensors header is damaged; {COPY_AGAIN}")


def _bytes(block: Block) -> int:
    return block.numbers * STORAGE_BYTES[block.kind]
