"""Options made from the fields of request and style classes: one source for names, types, defaults and help."""

import functools
import inspect
import re
from collections.abc import Callable, Collection
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click

from landscape.commands.values import NOTHING, Named, Number, Numbers, Range
from landscape.commands.work import Work
from landscape.core.request_base import Device, Request, default_of

Function = Callable[..., Any]

_ATTRIBUTE = re.compile(r"^    (\w+): ")


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
    """The options that ask for a request whose every field is an option: those whose value is not the default."""
    kind = type(request)
    hints = get_type_hints(kind)
    words = []
    for name in request.__struct_fields__:
        value = getattr(request, name)
        if value != default_of(kind, name):
            words += _words(_flag(name), _core(hints[name]), value)
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
    core = _core(hint)
    if core is bool:
        return click.option(_flag(name), name, is_flag=True, default=default, help=text)
    several = core == tuple[str, ...]
    kind = click.STRING if several else _parameter_type(core)
    if default is not None and NoneType in get_args(hint):
        text += f" The word {NOTHING} leaves it out."
    return click.option(
        _flag(name),
        name,
        type=kind,
        multiple=several,
        default=default if several or default is None else _written(core, default),
        show_default=default not in (None, ()),
        help=f"{text} Give it once for each." if several else text,
    )


def _core(hint: Any) -> Any:
    """The type of a field without its None."""
    if get_origin(hint) in (Literal, tuple):
        return hint
    (core,) = (part for part in get_args(hint) or (hint,) if part is not NoneType)
    return core


def _parameter_type(core: Any) -> click.ParamType[Any]:
    if get_origin(core) is Literal:
        return Named(get_args(core))
    if get_origin(core) is tuple:
        return Numbers() if core == tuple[int, ...] else Range()
    return Number(core) if core in (int, float) else click.STRING


def _words(flag: str, core: Any, value: Any) -> list[str]:
    """One option with its value, in the form that its parameter type reads."""
    if core is bool:
        return [flag]
    if core == tuple[str, ...]:
        return [word for each in value for word in (flag, each)]
    return [flag, _written(core, value)]


def _written(core: Any, value: Any) -> str:
    if value is None or value == ():
        return NOTHING
    if get_origin(core) is tuple:
        return ("," if core == tuple[int, ...] else ":").join(map(str, value))
    return str(value)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
