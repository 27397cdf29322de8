"""Options made from the fields of request and style classes: one source for names, types, defaults and help."""

import functools
import inspect
import re
from collections.abc import Callable, Collection
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click

from landscape.commands.work import Work
from landscape.core.errors import RequestError
from landscape.core.requests import Device, Request

Function = Callable[..., Any]

_ATTRIBUTE = re.compile(r"^    (\w+): ")


class Named(click.Choice[str]):
    """One of a few names. The request itself refuses others, in a sentence that offers the nearest one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name as it was written."""
        return str(value)


class Number(click.ParamType[int | float]):
    """A whole number or a real one, refused in a sentence."""

    def __init__(self, kind: type[int] | type[float]) -> None:
        self.kind = kind
        self.name = "whole number" if kind is int else "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | float:
        """The number that was written.

        Raises:
            RequestError: It is none.
        """
        try:
            return self.kind(value)
        except ValueError as error:
            named = param.opts[0] if param is not None else "The value"
            raise RequestError(f"{named} is {value!r}; give a {self.name}.") from error

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What stands for the value in the help."""
        return "N" if self.kind is int else "X"


def options_of(kind: type, *, into: str, leave_out: Collection[str] = ()) -> Callable[[Function], Function]:
    """Give a verb one option per field of a request or style class.

    Args:
        kind: A `Request` or a frozen dataclass whose docstring lists its attributes.
        into: The verb's argument that receives the chosen values, as a dictionary by field.
        leave_out: Fields that the verb takes in another form.
    """
    fields = {name: row for name, row in inspect.signature(kind).parameters.items() if name not in leave_out}
    hints, helps = get_type_hints(kind), attribute_helps(kind)

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def verb(*args: Any, **values: Any) -> Any:
            chosen = {name: values.pop(name) for name in fields}
            return function(*args, **{into: chosen}, **values)

        decorated: Function = verb
        for name, row in reversed(fields.items()):
            decorated = _option(name, hints[name], row.default, helps.get(name, ""))(decorated)
        return decorated

    return decorate


def work_options(function: Function) -> Function:
    """Give a verb `--device`, `--download` and `--home`; it receives them as `work`."""

    @click.option(
        "--device", type=Named(get_args(Device)), default="auto", show_default=True, help="Where to compute."
    )
    @click.option(
        "--download",
        is_flag=True,
        help="Allow a data set that is named (MNIST, CIFAR10, ...) to be fetched if it is not here.",
    )
    @home_option
    @functools.wraps(function)
    def verb(*args: Any, device: Device, download: bool, home: Path | None, **values: Any) -> Any:
        return function(*args, work=Work(home=home, device=device, download=download), **values)

    return verb


def home_option(function: Function) -> Function:
    """Give a verb `--home`."""
    return click.option(
        "--home",
        type=click.Path(path_type=Path, resolve_path=True),
        default=None,
        help="Working folder.  [default: LANDSCAPE_HOME, else in the user's data directory]",
    )(function)


def command_words(request: Request) -> list[str]:
    """The options that ask for a request whose every field is an option, with all its values written out."""
    words = []
    for name in request.__struct_fields__:
        words += [_flag(name), str(getattr(request, name))]
    return words


def attribute_helps(kind: type) -> dict[str, str]:
    """What the docstrings of a class and of its bases say of each attribute, on one line each."""
    found: dict[str, str] = {}
    for ancestor in reversed(kind.__mro__):
        name = ""
        listing = inspect.cleandoc(ancestor.__doc__ or "").partition("Attributes:\n")[2]
        for text in listing.splitlines():
            if start := _ATTRIBUTE.match(text):
                name = start[1]
                found[name] = text[start.end() :]
            elif text.startswith(" " * 8) and name:
                found[name] += " " + text.strip()
    return {name: _for_a_terminal(text) for name, text in found.items()}


def _for_a_terminal(text: str) -> str:
    # Nobody can write None on a command line: there an option is left out.
    text = re.sub(r"(, or|;) None for", "; leave it out for", text.replace("`", ""))
    text = re.sub(r"(?<=; )None (?=\w+s )", "left out, it ", text)
    return re.sub(r"\bNone (?=\w+s )", "Left out, it ", text)


def _option(name: str, hint: Any, default: Any, text: str) -> Callable[[Function], Function]:
    parts = (hint,) if get_origin(hint) is Literal else get_args(hint) or (hint,)
    (core,) = (part for part in parts if part is not NoneType)
    if core is bool:
        return click.option(_flag(name), name, is_flag=True, default=default, help=text)
    return click.option(
        _flag(name),
        name,
        type=_parameter_type(core),
        default=default,
        show_default=default is not None,
        help=text,
    )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _parameter_type(core: Any) -> click.ParamType[Any]:
    if get_origin(core) is Literal:
        return Named(get_args(core))
    return Number(core) if core in (int, float) else click.STRING
