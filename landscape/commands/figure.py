"""`figure`: a finished result, drawn."""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

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
    FigureStyle(**fields)  # refused before anything is read
    prepare_file(out)
    from landscape.core.files import load_result
    from landscape.figures import save_figure, usual_style

    source = click.get_current_context().get_parameter_source
    chosen = {name: value for name, value in fields.items() if source(name) is not ParameterSource.DEFAULT}
    found = load_result(result)
    save_figure(found, out, usual_style(found.attrs["study"], **chosen))
    click.echo(f"Drawn: {out}")
