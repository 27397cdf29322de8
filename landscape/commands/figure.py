"""`figure`: a finished result, drawn."""

from pathlib import Path
from typing import Any

import click

from landscape.commands.options import options_of
from landscape.commands.outputs import OUT_FILE, prepare_file
from landscape.figures.style import FigureStyle


@click.command()
@click.argument("result", type=click.Path(path_type=Path), metavar="RESULT.nc")
@click.option(
    "--out",
    type=OUT_FILE,
    required=True,
    metavar="FILE",
    help="The figure's file; its suffix names the format: png, svg, pdf, html, csv, nc or webp.",
)
@options_of(FigureStyle, into="fields")
def figure(result: Path, out: Path, fields: dict[str, Any]) -> None:
    """Draw a finished result. Nothing is computed again."""
    style = FigureStyle(**fields)
    prepare_file(out)
    from landscape.core.files import load_result
    from landscape.figures import save_figure

    save_figure(load_result(result), out, style)
    click.echo(f"Drawn: {out}")
