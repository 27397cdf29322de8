"""What every request is: frozen, validated, with canonical JSON and a key."""

import functools
import hashlib
import math
from types import UnionType
from typing import Any, Literal, get_args, get_type_hints

import msgspec

from landscape.core.errors import RequestError, unknown_name

Device = Literal["auto", "cpu", "cuda"]
Split = Literal["train", "test"]

SPLITS: tuple[Split, ...] = get_args(Split)

# A change in the meaning of a stored number raises this, so that an older result is not mistaken for a new one.
REQUEST_VERSION = 1


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="study"):
    """The common part of all requests: canonical JSON and the key taken from it."""

    @property
    def study(self) -> str:
        """The name of the study that answers this request."""
        return str(self.__struct_config__.tag)

    def to_json(self) -> str:
        """Canonical JSON: fields in their declared order, defaults written out, no spaces.

        Raises:
            RequestError: A field has a value of another type, such as 2.5 for a whole number.
        """
        text = msgspec.json.encode(self, order="deterministic")
        try:
            # Read and written once more, so that 0 and 0.0 for the same number are the same text, and the same key.
            same = msgspec.json.decode(text, type=type(self))
        except msgspec.ValidationError as error:
            raise RequestError(
                f"The request cannot be written: {error}. Give a value of that type."
            ) from error
        return msgspec.json.encode(same, order="deterministic").decode()

    @property
    def key(self) -> str:
        """Hex SHA-256 of version and canonical JSON; the same in every process and on every machine."""
        return hashlib.sha256(f"{REQUEST_VERSION}:{self.to_json()}".encode()).hexdigest()


def check_choice(kind: str, value: str, known: tuple[str, ...]) -> None:
    """Refuse a name that is not among the known ones, and offer the nearest."""
    if value not in known:
        raise RequestError(unknown_name(kind, value, known))


def check_counts(request: Request, *names: str) -> None:
    """Refuse whole numbers below 1; None, where a field may be left out, is passed over."""
    for name in names:
        value = getattr(request, name)
        if value is not None and value < 1:
            raise RequestError(f"{name} is {value}; give a whole number of at least 1.")


def check_weight_decay(value: float) -> None:
    """Refuse a weight decay that is negative or not finite."""
    if not (value >= 0 and math.isfinite(value)):
        raise RequestError(f"The weight decay is {value}; give a number of at least 0, such as 1e-4.")


def check_types(request: Request) -> None:
    """Refuse values of another type, which Python itself would let in, such as "6" for 6."""
    for name, kinds in _number_fields(type(request)).items():
        value = getattr(request, name)
        if isinstance(value, bool) or not isinstance(value, kinds):
            words = "a number" if float in kinds else "a whole number"
            raise RequestError(f"{name} is {value!r}; give {words}.")


@functools.cache
def _number_fields(kind: type[Request]) -> dict[str, tuple[type, ...]]:
    """The fields that hold one number, and the types that will do; a whole number is a number, too."""
    found = {}
    for name, hint in get_type_hints(kind).items():
        kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
        if int in kinds or float in kinds:
            found[name] = (*kinds, int)
    return found


def default_of(kind: type[Request], name: str) -> Any:
    """The default of a field of a request."""
    return next(field.default for field in msgspec.structs.fields(kind) if field.name == name)


def is_between(value: float, low: float, high: float) -> bool:
    """Whether low <= value <= high; False for NaN."""
    return low <= value <= high
