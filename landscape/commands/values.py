"""How values are written on a command line: each kind reads its own form and refuses others in a sentence."""

from typing import Any

import click

from landscape.core.errors import RequestError

NOTHING = "none"


class Named(click.Choice[str]):
    """One of a few names. The request itself refuses others, in a sentence that offers the nearest one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name as it was written."""
        return str(value)


class Number(click.ParamType[int | float]):
    """A whole number or a real one."""

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
            raise RequestError(f"{_named(param)} is {value!r}; give a {self.name}.") from error

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What stands for the value in the help."""
        return "N" if self.kind is int else "X"


class Numbers(click.ParamType[tuple[int, ...]]):
    """Whole numbers, such as `1,5`; `none` for no number."""

    name = "whole numbers"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """The numbers.

        Raises:
            RequestError: The text has another form.
        """
        if value == NOTHING:
            return ()
        try:
            return tuple(map(int, value.split(",")))
        except ValueError as error:
            raise RequestError(
                f"{_named(param)} is {value!r}; give whole numbers with commas between them, such as 1,5, or "
                f"{NOTHING}."
            ) from error

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What stands for the value in the help."""
        return "N,N,..."


class Range(click.ParamType[tuple[float, float] | None]):
    """`LOW:HIGH`, two numbers; `none` for no range."""

    name = "low:high"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float] | None:
        """Both numbers.

        Raises:
            RequestError: The text has another form.
        """
        if value == NOTHING:
            return None
        try:
            low, high = map(float, value.split(":"))
        except ValueError as error:
            raise RequestError(
                f"{_named(param)} is {value!r}; give LOW:HIGH, two numbers such as 0.001:1, or {NOTHING}."
            ) from error
        return low, high

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """What stands for the value in the help."""
        return "LOW:HIGH"


class Span(click.ParamType[tuple[float, float]]):
    """`START:STOP`, two numbers."""

    name = "start:stop"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        """Both numbers.

        Raises:
            RequestError: The text has another form.
        """
        try:
            start, stop = map(float, value.split(":"))
        except ValueError as error:
            raise RequestError(
                f"The range {value!r} is not START:STOP; give two numbers, such as --range=-0.5:1.5."
            ) from error
        return start, stop


class Resolution(click.ParamType[tuple[int, int]]):
    """`41`, or `61x41`: columns x rows."""

    name = "columns[x rows]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Columns and rows.

        Raises:
            RequestError: The text has another form.
        """
        columns, times, rows = value.lower().partition("x")
        try:
            return int(columns), int(rows if times else columns)
        except ValueError as error:
            raise RequestError(
                f"The resolution {value!r} is neither a whole number nor COLUMNSxROWS; give for example 41 or 61x41."
            ) from error


def _named(param: click.Parameter | None) -> str:
    return param.opts[0] if param is not None else "The value"
