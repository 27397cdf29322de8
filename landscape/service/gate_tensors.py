"""Finds the tensors in what `gate_pickle` has read, and checks each against the numbers that are really stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from landscape.service.gate_pickle import STORAGE_BYTES, Call, Name, Reference
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

_DTYPES = {
    "Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64",
    "Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool",
}  # fmt: skip
_REBUILD = "torch._utils _rebuild_"


class Block(NamedTuple):
    """A stored block of numbers: its type and how many."""

    kind: str
    numbers: int


@dataclass
class Findings:
    """What a file declares.

    Attributes:
        tensors: All tensors, in the order found.
        blocks: The stored blocks they refer to, by key.
        elements: Numbers in all tensors together, shared ones counted each time.
    """

    tensors: list[DeclaredTensor] = field(default_factory=list)
    blocks: dict[str, Block] = field(default_factory=dict)
    elements: int = 0


def find_tensors(root: Any, *, sizes: Mapping[str, int] | None) -> Findings:
    """All tensors in a structure, each checked.

    Args:
        root: What `read_pickle` returned.
        sizes: Bytes of each stored block by key, or None if they are not known yet.

    Raises:
        RefusedError: A tensor does not fit the numbers stored for it, or the structure is too deep or refers to itself.
    """
    findings = Findings()
    seen: set[int] = set()
    pending: list[tuple[str, Any, int]] = [("", root, 0)]
    while pending:
        name, value, depth = pending.pop()
        if isinstance(value, Call):
            _visit_call(findings, name, value, sizes)
        elif isinstance(value, (dict, list, tuple)):
            pending.extend(reversed(_visit_container(name, value, depth, seen)))
        elif isinstance(value, Reference):
            raise RefusedError(f"it stores numbers that are no tensor; {SAVE_AGAIN}")
    check_count(len(findings.tensors))
    stored = sum(block.numbers for block in findings.blocks.values())
    if findings.elements > LIMITS.expansion * stored + LIMITS.free_expansion:
        raise RefusedError(
            f"it would expand from {stored} stored to {findings.elements} numbers; {SAVE_AGAIN}"
        )
    return findings


def _visit_container(
    name: str, value: dict[Any, Any] | list[Any] | tuple[Any, ...], depth: int, seen: set[int]
) -> list[tuple[str, Any, int]]:
    if depth > LIMITS.depth:
        raise RefusedError(f"it nests containers more than {LIMITS.depth} deep; {SAVE_AGAIN}")
    items = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    inner = [(key, item) for key, item in items if isinstance(item, (Call, Reference, dict, list, tuple))]
    if id(value) in seen:
        # Parameter groups share a tuple of numbers, two names one state dict; a bomb shares containers of containers.
        if any(isinstance(item, (dict, list, tuple)) for _, item in inner):
            raise RefusedError(f"it refers to the same containers again and again; {SAVE_AGAIN}")
        inner = [(key, item) for key, item in inner if isinstance(value, dict)]
    seen.add(id(value))
    found = []
    for key, item in inner:
        if isinstance(key, str):
            check_name(key)
        found.append((f"{name}.{key}" if name else str(key), item, depth + 1))
    return found


def _visit_call(findings: Findings, name: str, call: Call, sizes: Mapping[str, int] | None) -> None:
    if not call.name.startswith(_REBUILD):
        return  # a size, a device, a set, a counter: small things that no weight depends on
    if call.name == _REBUILD + "parameter":
        inner = call.arguments[0] if call.arguments else None
        if not isinstance(inner, Call):
            raise _malformed()
        call = inner
    tensor, key, block, count = _read_tensor(name, call)
    _check_block(findings, key, block, sizes)
    if count > block.numbers and count > LIMITS.free_expansion:
        raise RefusedError(
            f"a tensor would expand from {block.numbers} stored to {count} numbers; {SAVE_AGAIN}"
        )
    findings.elements += count
    findings.tensors.append(tensor)
    if len(findings.tensors) > LIMITS.tensors:
        check_count(len(findings.tensors))


def _read_tensor(name: str, call: Call) -> tuple[DeclaredTensor, str, Block, int]:
    if call.name not in (_REBUILD + "tensor", _REBUILD + "tensor_v2") or len(call.arguments) < 4:
        raise _malformed()
    storage, offset, shape, stride = call.arguments[:4]
    shape = shape.arguments[0] if isinstance(shape, Call) and shape.name == "torch Size" else shape
    key, block = _read_storage(storage)
    if not (isinstance(shape, tuple) and isinstance(stride, tuple) and len(shape) == len(stride)):
        raise _malformed()
    count = check_shape(shape)
    if any(type(step) is not int or step < 0 for step in (*stride, offset)):
        raise _malformed()
    reach = offset + sum((size - 1) * step for size, step in zip(shape, stride, strict=True)) + 1
    if count and reach > block.numbers:
        raise RefusedError(f"it declares a tensor larger than the numbers stored for it; {COPY_AGAIN}")
    return DeclaredTensor(name, _DTYPES[block.kind], shape), key, block, count


def _read_storage(storage: Any) -> tuple[str, Block]:
    address = storage.address if isinstance(storage, Reference) else None
    match address:
        case ("storage", Name(text=text), str(key), str(), int(count), *_) if count >= 0:
            kind = text.rpartition(" ")[2].removesuffix("Storage")
        case _:
            raise _malformed()
    if kind not in STORAGE_BYTES:
        raise _malformed()
    if kind not in _DTYPES:
        raise RefusedError("it holds complex tensors, which networks here do not have; save real weights")
    if isinstance(address, tuple) and len(address) > 5 and address[5] is not None:
        raise RefusedError(f"it holds views in the manner of early versions of torch; {SAVE_AGAIN}")
    return key, Block(kind, count)


def _check_block(findings: Findings, key: str, block: Block, sizes: Mapping[str, int] | None) -> None:
    if findings.blocks.setdefault(key, block) != block:
        raise RefusedError(f"it reads the same stored numbers as two types; {SAVE_AGAIN}")
    expected = block.numbers * STORAGE_BYTES[block.kind]
    if sizes is not None and sizes.get(key) != expected:
        present = f"{sizes[key]} bytes" if key in sizes else "missing"
        raise RefusedError(
            f"its stored block {key[:40]!r} is {present}, {expected} bytes are expected; {COPY_AGAIN}"
        )


def _malformed() -> RefusedError:
    return RefusedError(f"its index describes a tensor in a way that torch never does; {COPY_AGAIN}")
