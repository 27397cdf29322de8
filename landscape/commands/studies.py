"""`line` and `plane`: the loss around checkpoints; `fan`, `ensemble` and `diversity`: groups of them compared."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landscape.commands.options import options_of, work_options
from landscape.commands.outputs import OUT_FILE, prepare_file
from landscape.commands.values import Resolution, Span
from landscape.commands.work import Work, compute_result
from landscape.core.errors import StoreError
from landscape.core.requests import (
    AnyEvaluation,
    DiversityRequest,
    EnsembleRequest,
    FanRequest,
    LineRequest,
    PlaneRequest,
    SearchRequest,
)

if TYPE_CHECKING:
    import xarray as xr

Answerable = AnyEvaluation | SearchRequest

OUT = click.option(
    "--out",
    type=OUT_FILE,
    default=None,
    metavar="FILE",
    help="Where the result goes: .nc holds all numbers; .png, .svg, .pdf, .html, .csv and .webp are drawn from it. "
    "Without it the result is kept in the working folder only.",
)

GROUPS = "RUN_DIR|NAME=A,B,..."
# Fields of requests of whole groups that do not come from an option; predictions know no penalty.
_GIVEN = ("checkpoints", "groups", "task")
_OF_PREDICTIONS = (*_GIVEN, "weight_decay")


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
@OUT
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
    answer(LineRequest(checkpoints=checkpoints, start=start, stop=stop, **fields), out, work)


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
@OUT
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
    answer(PlaneRequest(checkpoints=checkpoints, columns=columns, rows=rows, **fields), out, work)


@click.command()
@click.argument("groups", nargs=-1, metavar=GROUPS)
@options_of(FanRequest, into="fields", leave_out=(*_GIVEN, "start", "stop"))
@click.option(
    "--range",
    "span",
    type=Span(),
    default="0:1",
    show_default=True,
    metavar="START:STOP",
    help="First and last t. 0 is the earlier checkpoint and 1 the last of the group; the lines may go beyond both.",
)
@OUT
@work_options
def fan(
    groups: tuple[str, ...],
    fields: dict[str, Any],
    span: tuple[float, float],
    out: Path | None,
    work: Work,
) -> None:
    """Compute the lines from every earlier checkpoint of a group to its last.

    A group is the folder of a run, whose snapshots it takes, or NAME=CHECKPOINT,CHECKPOINT or NAME=RUN_DIR; several
    are compared. Checkpoints that stand alone are together one group.
    """
    start, stop = span
    answer(FanRequest(**_grouped(groups, work), start=start, stop=stop, **fields), out, work)


@click.command()
@click.argument("groups", nargs=-1, metavar=GROUPS)
@options_of(EnsembleRequest, into="fields", leave_out=_OF_PREDICTIONS)
@OUT
@work_options
def ensemble(groups: tuple[str, ...], fields: dict[str, Any], out: Path | None, work: Work) -> None:
    """Compute how good the mean prediction is over the number of members.

    A group is the folder of a run, whose snapshots it takes, or NAME=CHECKPOINT,CHECKPOINT or NAME=RUN_DIR; several
    are compared. Checkpoints that stand alone are together one group.
    """
    answer(EnsembleRequest(**_grouped(groups, work), **fields), out, work)


@click.command()
@click.argument("groups", nargs=-1, metavar=GROUPS)
@options_of(DiversityRequest, into="fields", leave_out=_OF_PREDICTIONS)
@OUT
@work_options
def diversity(groups: tuple[str, ...], fields: dict[str, Any], out: Path | None, work: Work) -> None:
    """Compute how much the predictions of each two checkpoints agree.

    A group is the folder of a run, whose snapshots it takes, or NAME=CHECKPOINT,CHECKPOINT or NAME=RUN_DIR; several
    are compared. Checkpoints that stand alone are together one group.
    """
    answer(DiversityRequest(**_grouped(groups, work), **fields), out, work)


def answer(request: Answerable, out: Path | None, work: Work) -> "xr.Dataset":
    """Compute a request, put the result where it was asked for, and say where that is."""
    if out is not None:
        prepare_file(out)
    result = compute_result(request, work)
    click.echo(f"{result.attrs['title']}: {_place(result, out, work)}")
    return result


def _grouped(words: tuple[str, ...], work: Work) -> dict[str, Any]:
    from landscape.service.groups import read_groups  # brings more than the help needs
    from landscape.service.home import Home

    found = read_groups(words, Home.default() if work.home is None else Home(work.home))
    return {"checkpoints": found.checkpoints, "groups": found.names}


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
