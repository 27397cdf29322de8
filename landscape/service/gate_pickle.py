"""Reads a pickle as a text about objects, without making any: the symbolic half of the gate.

A pickle is a program. This reader knows the instructions that torch.save writes, keeps the few names that weights
need as mere words, and refuses everything else. Nothing is imported, called or allocated because a file says so.
"""

import io
import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from landscape.service.gate_rules import COPY_AGAIN, LIMITS, SAVE_AGAIN, RefusedError


@dataclass(frozen=True, eq=False)
class Name:
    """A global that the pickle mentions, e.g. `torch FloatStorage`."""

    text: str


@dataclass(frozen=True, eq=False)
class Call:
    """A call that the pickle asks for; it is never made."""

    name: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class Reference:
    """A persistent reference: the address of a stored block of numbers."""

    address: Any


STORAGE_BYTES = {
    "Float": 4, "Double": 8, "Half": 2, "BFloat16": 2, "Long": 8, "Int": 4, "Short": 2, "Char": 1, "Byte": 1,
    "Bool": 1, "ComplexFloat": 8, "ComplexDouble": 16,
}  # fmt: skip
_DTYPES = (
    *("float16", "float32", "float64", "bfloat16", "uint8", "int8", "int16", "int32", "int64", "bool"),
    *("half", "float", "double", "long", "int", "short"),
)
_NAMES = frozenset(
    {
        *(f"{module} {kind}Storage" for module in ("torch", "torch.cuda") for kind in STORAGE_BYTES),
        *(f"torch {dtype}" for dtype in _DTYPES),
    }
)
_CALLABLE = frozenset(
    {
        *("collections OrderedDict", "collections Counter", "torch Size", "torch device"),
        *("_codecs encode", "__builtin__ set", "builtins set"),
        *(f"torch._utils _rebuild_{what}" for what in ("tensor", "tensor_v2", "parameter")),
    }
)
# What honest people store, and what to tell them. The first that fits is taken.
_KNOWN_STRANGERS = {
    "argparse Namespace": "it stores argparse settings next to the weights",
    "numpy": "it stores NumPy objects next to the weights",
    "torch.nn": "it is a whole pickled model and not its weights",
    "torch._utils _rebuild_sparse": "it holds sparse tensors",
    "torch._utils _rebuild_qtensor": "it holds quantised tensors",
    "torch._utils _rebuild_meta": "it holds meta tensors, which have no numbers",
    "torch._utils _rebuild_nested": "it holds nested tensors",
    "torch._utils _rebuild_tensor_v3": "it holds tensors of a rare type of number",
    "torch QUInt8Storage": "it holds quantised tensors",
    "torch QInt8Storage": "it holds quantised tensors",
    "torch Tensor": "it asks for tensors without giving their numbers",
    "pathlib": "it stores paths next to the weights",
    "datetime": "it stores dates next to the weights",
    "collections defaultdict": "it stores a defaultdict next to the weights",
    "__builtin__ bytearray": "it asks for memory without giving its content",
    "builtins bytearray": "it asks for memory without giving its content",
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_LITERALS = frozenset(
    (
        "BINUNICODE",
        "SHORT_BINSTRING",
        "BINSTRING",
        "BININT",
        "BININT1",
        "BININT2",
        "LONG1",
        "LONG4",
        "BINFLOAT",
    )
)


# What a stack machine meets on a damaged text; the warning is that of a strange escape in a name.
_DAMAGE = (
    *(ValueError, IndexError, KeyError, TypeError, AttributeError),
    *(OverflowError, UnicodeError, DeprecationWarning),
)


def read_pickle(content: bytes, start: int = 0) -> tuple[Any, int]:
    """The structure that a pickle describes, and where it ends.

    Returns:
        Dicts, lists, tuples, strings and numbers as they are; `Name`, `Call` and `Reference` for everything else.

    Raises:
        RefusedError: The pickle is damaged, or says anything that weights do not need.
    """
    stream = io.BytesIO(content)
    stream.seek(start)
    reader = _Reader()
    try:
        for count, (instruction, argument, _) in enumerate(pickletools.genops(stream)):
            if count > LIMITS.instructions:
                raise RefusedError(
                    f"its index has more than {LIMITS.instructions} instructions; {SAVE_AGAIN}"
                )
            if instruction.name == "STOP":
                return reader.pop(), stream.tell()
            reader.follow(instruction.name, argument)
    except _DAMAGE as error:
        raise RefusedError(f"its index is damaged or cut short; {COPY_AGAIN}") from error
    raise RefusedError(f"its index is damaged or cut short; {COPY_AGAIN}")


@dataclass
class _Reader:
    """The stack machine of pickle protocol 2."""

    stack: list[Any] = field(default_factory=list)
    marks: list[list[Any]] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def pop(self) -> Any:
        return self.stack.pop()

    def pop_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.marks.pop()
        return items

    def follow(self, instruction: str, argument: Any) -> None:
        if instruction in _LITERALS:
            self.stack.append(_checked_literal(argument))
        elif instruction in _CONSTANTS:
            self.stack.append(_CONSTANTS[instruction])
        elif instruction in _WITH_ARGUMENT:
            _WITH_ARGUMENT[instruction](self, argument)
        elif instruction in _PLAIN:
            _PLAIN[instruction](self)
        else:
            raise RefusedError(
                f"its index uses the pickle instruction {instruction}, which weights do not need; {SAVE_AGAIN}"
            )

    def mark(self) -> None:
        self.marks.append(self.stack)
        self.stack = []

    def check_protocol(self, version: int) -> None:
        if version != 2:
            raise RefusedError(
                f"it was saved with pickle protocol {version}; {SAVE_AGAIN}, without pickle_protocol"
            )

    def name(self, text: str) -> None:
        if text not in _NAMES and text not in _CALLABLE:
            why = next((why for start, why in _KNOWN_STRANGERS.items() if text.startswith(start)), None)
            raise RefusedError(f"{why or f'it refers to Python code ({text[:80]!r})'}; {SAVE_AGAIN}")
        self.stack.append(Name(text))

    def call(self) -> None:
        arguments, callee = self.pop(), self.pop()
        known = isinstance(callee, Name) and callee.text in _CALLABLE and isinstance(arguments, tuple)
        # Bytes are written as text and an encoding; other encodings than this one can take very long.
        if not known or (callee.text == "_codecs encode" and arguments[1:] != ("latin1",)):
            raise RefusedError(f"its index calls something that weights do not need; {SAVE_AGAIN}")
        if callee.text == "collections OrderedDict":
            # Python 2 gave the items as an argument, later versions set them afterwards.
            self.stack.append(dict(arguments[0]) if arguments else {})
        else:
            self.stack.append(Call(callee.text, arguments))

    def build(self) -> None:
        state, target = self.pop(), self.stack[-1]
        # state_dict() hangs the versions of its modules on the OrderedDict; nothing else sets attributes.
        if not (isinstance(target, dict) and isinstance(state, dict) and set(state) <= {"_metadata"}):
            raise RefusedError(f"its index sets attributes of objects; {SAVE_AGAIN}")

    def tuple_of_mark(self) -> None:
        items = self.pop_mark()
        self.stack.append(tuple(items))

    def put_tuple(self, size: int) -> None:
        if size > len(self.stack):
            raise IndexError(size)
        self.stack[-size:] = [tuple(self.stack[-size:])]

    def extend(self) -> None:
        items = self.pop_mark()
        _list(self.stack[-1]).extend(items)

    def append(self) -> None:
        item = self.pop()
        _list(self.stack[-1]).append(item)

    def set_items(self) -> None:
        items = self.pop_mark()
        _dict(self.stack[-1]).update(zip(items[::2], items[1::2], strict=True))

    def set_item(self) -> None:
        value, key = self.pop(), self.pop()
        _dict(self.stack[-1])[key] = value

    def keep(self, place: int) -> None:
        self.memo[place] = self.stack[-1]

    def recall(self, place: int) -> None:
        self.stack.append(self.memo[place])


_WITH_ARGUMENT: dict[str, Callable[[_Reader, Any], None]] = {
    "PROTO": _Reader.check_protocol,
    "GLOBAL": _Reader.name,
    "BINPUT": _Reader.keep,
    "LONG_BINPUT": _Reader.keep,
    "BINGET": _Reader.recall,
    "LONG_BINGET": _Reader.recall,
}
_PLAIN: dict[str, Callable[[_Reader], None]] = {
    "MARK": _Reader.mark,
    "EMPTY_DICT": lambda reader: reader.stack.append({}),
    "EMPTY_LIST": lambda reader: reader.stack.append([]),
    "EMPTY_TUPLE": lambda reader: reader.stack.append(()),
    "TUPLE": _Reader.tuple_of_mark,
    "TUPLE1": lambda reader: reader.put_tuple(1),
    "TUPLE2": lambda reader: reader.put_tuple(2),
    "TUPLE3": lambda reader: reader.put_tuple(3),
    "APPEND": _Reader.append,
    "APPENDS": _Reader.extend,
    "SETITEM": _Reader.set_item,
    "SETITEMS": _Reader.set_items,
    "REDUCE": _Reader.call,
    "BUILD": _Reader.build,
    "BINPERSID": lambda reader: reader.stack.append(Reference(reader.pop())),
}


def _checked_literal(value: Any) -> Any:
    if isinstance(value, (str, bytes)) and len(value) > LIMITS.text:
        raise RefusedError(f"its index holds a text of {len(value)} characters; {SAVE_AGAIN}")
    if type(value) is int and value.bit_length() > LIMITS.integer_bits:
        raise RefusedError(f"its index holds an integer of {value.bit_length()} bits; {SAVE_AGAIN}")
    return value


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise TypeError(value)
    return value


def _dict(value: Any) -> dict[Any, Any]:
    if type(value) is not dict:
        raise TypeError(value)
    return value
