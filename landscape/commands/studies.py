"""`line` and `plane`: the loss around checkpoints."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landscape.commands.options import options_of, work_options
from landscape.commands.outputs import OUT_FILE, prepare_file
from landscape.commands.work import Work, compute_result
from landscape.core.errors import RequestError, StoreError
from landscape.core.requests import LineRequest, PlaneRequest

if TYPE_CHECKING:
    import xarray as xr

_OUT = click.option(
    "--out",
    type=OUT_FILE,
    default=None,
    metavar="FILE",
    help="Where the result goes: .nc holds all numbers; .png, .svg, .pdf, .html, .csv and .webp are drawn from it. "
    "Without it the result is kept in the working folder only.",
)


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


@click.command()
@click.argument("checkpoints", nargs=-1, metavar="A B")
@options_of(LineRequest, into="fields", leave_out=("checkpoints", "task", "start", "stop"))
@click.option(
    "--range",
    "span",
    type=Span(),
    default="0:1",
    show_default=True,
    metavar="START:STOP",
    help="First and last t. 0 is A and 1 is B; below 0 the line begins before A, above 1 it goes on behind B.",
)
@_OUT
@work_options
def line(
    checkpoints: tuple[str, ...],
    fields: dict[str, Any],
    span: tuple[float, float],
    out: Path | None,
    work: Work,
) -> None:
    """Compute the loss along the line through checkpoints A and B."""
    start, stop = span
    _compute(LineRequest(checkpoints=checkpoints, start=start, stop=stop, **fields), out, work)


@click.command()
@click.argument("checkpoints", nargs=-1, metavar="A B C")
@options_of(PlaneRequest, into="fields", leave_out=("checkpoints", "task", "columns", "rows"))
@click.option(
    "--resolution",
    type=Resolution(),
    default="41",
    show_default=True,
    metavar="N|COLUMNSxROWS",
    help="Grid points along alpha (columns) and beta (rows).",
)
@_OUT
@work_options
def plane(
    checkpoints: tuple[str, ...],
    fields: dict[str, Any],
    resolution: tuple[int, int],
    out: Path | None,
    work: Work,
) -> None:
    """Compute the loss over the plane through checkpoints A, B and C."""
    columns, rows = resolution
    _compute(PlaneRequest(checkpoints=checkpoints, columns=columns, rows=rows, **fields), out, work)


def _compute(request: LineRequest | PlaneRequest, out: Path | None, work: Work) -> None:
    if out is not None:
        prepare_file(out)
    result = compute_result(request, work)
    click.echo(f"{result.attrs['title']}: {_place(result, out, work)}")


def _place(result: "xr.Dataset", out: Path | None, work: Work) -> Path:
    from landscape.core.results import provenance_of
    from landscape.figures import save_figure
    from landscape.service.references import as_home
    from landscape.service.store import Store

    stored = Store(as_home(work.home)).find(provenance_of(result).key)
    assert stored is not None  # compute returns what it has stored
    if out is None:
        return stored
    try:
        save_figure(result, out)
    except StoreError as error:
        raise StoreError(f"{error} The result itself is kept: {stored}") from error
    return out
