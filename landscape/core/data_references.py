"""References to data with modifiers: `digits:noise=0.2`, `./pets.zip:validation=0.2/3`. No torch.

A modifier is `:name=share` or `:name=share/seed`, behind any reference; several apply from left to right.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

import msgspec

from landscape.core.errors import DataError, unknown_name

ModifierName = Literal["noise", "validation"]

MODIFIER_NAMES: tuple[ModifierName, ...] = get_args(ModifierName)

# A name without "=" counts only where it is one of ours: a Windows path may have a word behind its colon.
_MODIFIER = re.compile(rf":(?:[A-Za-z]\w*=[^:=]*|(?:{'|'.join(MODIFIER_NAMES)}))$", re.IGNORECASE)
_DIGITS = re.compile(r"[0-9]+")


class Modifier(msgspec.Struct, frozen=True):
    """One change to a data set.

    Attributes:
        name: `noise` gives training examples another label, `validation` cuts the training split in two.
        share: Of the training examples, between 0 and 1.
        seed: Which examples are drawn.
    """

    name: ModifierName
    share: float
    seed: int = 0

    @property
    def text(self) -> str:
        """The canonical form, e.g. `:noise=0.2/3`; equal modifiers have equal texts."""
        return f":{self.name}={self.share!r}" + (f"/{self.seed}" if self.seed else "")


def split_reference(reference: str) -> tuple[str, str]:
    """A reference to data, cut into what is loaded and the modifiers behind it.

    A file or folder whose own name looks like modifiers is what it is, so the longest part that exists comes first.

    Returns:
        The base and the text of the modifiers, "" if there are none; joined they are the reference.

    Example:
        >>> split_reference("digits:noise=0.2/3:validation=0.1")
        ('digits', ':noise=0.2/3:validation=0.1')
    """
    base = reference
    while not exists(base) and (match := _MODIFIER.search(base)):
        base = base[: match.start()]
    return base, reference[len(base) :]


def parse_modifiers(text: str) -> tuple[Modifier, ...]:
    """The modifiers of a text such as `:noise=0.2/3:validation=0.1`, in its order.

    Raises:
        DataError: A modifier is unknown or stands twice, or its share or seed is no number or out of range.
    """
    found = tuple(_parse(part) for part in text.split(":")[1:])
    names = [modifier.name for modifier in found]
    for name in set(names):
        if names.count(name) > 1:
            raise DataError(f"{name} stands {names.count(name)} times in {text[1:]!r}; give it once.")
    return found


def lasting_reference(reference: str) -> str:
    """The form of a reference to data that still works from another folder: an existing path becomes absolute."""
    base, modifiers = split_reference(reference)
    return f"{Path(base).expanduser().absolute()}{modifiers}" if exists(base) else reference


def short_reference(reference: str) -> str:
    """A reference to data without the folders before its name, for people."""
    base, modifiers = split_reference(reference)
    return f"{Path(base).name or base}{modifiers}"


def file_words(reference: str) -> str:
    """A reference to data as part of a file's name, e.g. `digits-noise0.2-3`; other references may have the same."""
    base, modifiers = split_reference(reference)
    return "-".join([Path(base).name.partition(".")[0] or "data", *_file_words(modifiers)])


def exists(path: str) -> bool:
    """Whether a text is the path of something; False also for what no path can be."""
    try:
        return Path(path).expanduser().exists()
    except (OSError, ValueError, RuntimeError):
        return False


def _file_words(modifiers: str) -> Iterator[str]:
    for part in modifiers.split(":")[1:]:
        yield re.sub(r"[^\w.]+", "-", part.replace("=", "", 1)).strip("-")


def _parse(text: str) -> Modifier:
    written, _, value = text.partition("=")
    by_name: dict[str, ModifierName] = {name: name for name in MODIFIER_NAMES}
    if written.casefold() not in by_name:
        raise DataError(unknown_name("modifier of data", written, MODIFIER_NAMES))
    name = by_name[written.casefold()]
    share, slash, seed = value.partition("/")
    return Modifier(name, _share(name, share), _seed(name, seed) if slash else 0)


def _share(name: ModifierName, text: str) -> float:
    try:
        share = float(text)
    except ValueError as error:
        raise DataError(
            f"The {name} modifier has the share {text!r}; give a number between 0 and 1, such as :{name}=0.2."
        ) from error
    if not 0 < share < 1:
        raise DataError(
            f"The {name} modifier has the share {text}; give a number between 0 and 1, such as 0.2."
        )
    return share


def _seed(name: ModifierName, text: str) -> int:
    if not _DIGITS.fullmatch(text):
        raise DataError(
            f"The {name} modifier has the seed {text!r}; give a whole number of at least 0, such as :{name}=0.2/3."
        )
    return int(text)
