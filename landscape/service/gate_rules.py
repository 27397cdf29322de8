"""What an upload may be at most, and how it is refused. The gate's modules execute nothing and never import torch."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Limits:
    """Most of everything. A ResNet-110 has 1.7 million numbers in 700 tensors; these leave room for far more.

    Attributes:
        file: Bytes of the file.
        index: Bytes of the pickled index of a torch file.
        header: Bytes of the header of a safetensors file.
        entries: Entries of a zip file.
        tensors: Tensors.
        elements: Numbers in one tensor.
        dimensions: Dimensions of one tensor.
        name: Characters of a tensor's name.
        text: Characters of any other string.
        depth: Containers within containers.
        instructions: Instructions of the pickled index.
        integer_bits: Bits of an integer.
        expansion: Numbers that the tensors may have for each number that is stored, e.g. through shared weights.
        free_expansion: Numbers below which expansion does not matter.
    """

    file: int = 2 << 30
    index: int = 64 << 20
    header: int = 8 << 20
    entries: int = 20_000
    tensors: int = 20_000
    elements: int = 1 << 31
    dimensions: int = 16
    name: int = 512
    text: int = 1 << 20
    depth: int = 32
    instructions: int = 5_000_000
    integer_bits: int = 64
    expansion: int = 4
    free_expansion: int = 4096


LIMITS = Limits()
SAVE_AGAIN = "save the weights again with torch.save(model.state_dict(), path)"
COPY_AGAIN = "copy or download it again"


class RefusedError(Exception):
    """Why a file is not opened, as the end of a sentence that begins with the file's name."""


class DeclaredTensor(NamedTuple):
    """A tensor as the file announces it.

    Attributes:
        name: Its name, with the names of the containers round it and dots between.
        dtype: Its type of number, in torch's words, e.g. "float32".
        shape: Its shape.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]


def check_name(name: str) -> None:
    """Refuse a name that could not be shown: too long, or with characters that are not printable."""
    if len(name) > LIMITS.name or not name.isprintable():
        raise RefusedError("a tensor's name is too long or not printable; give the tensors plain names")


def check_shape(shape: Iterable[int]) -> int:
    """Refuse an impossible shape; returns the number of elements."""
    sizes = tuple(shape)
    if len(sizes) > LIMITS.dimensions or any(type(size) is not int or size < 0 for size in sizes):
        raise RefusedError(f"it declares a tensor of impossible shape; {COPY_AGAIN}")
    count = math.prod(sizes)
    if count > LIMITS.elements:
        raise RefusedError(f"it declares a tensor of {count} numbers, the limit is {LIMITS.elements}")
    return count


def check_count(count: int) -> None:
    """Refuse a file with no tensors, or with far too many."""
    if count == 0:
        raise RefusedError("it holds no tensors; " + SAVE_AGAIN)
    if count > LIMITS.tensors:
        raise RefusedError(f"it holds {count} tensors, the limit is {LIMITS.tensors}")
