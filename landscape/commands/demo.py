"""`demo`: the whole main job on the handwritten digits, without a browser."""

from pathlib import Path

import click

from landscape.commands.outputs import prepare_folder
from landscape.commands.values import Number, Resolution


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Folder for the report, the figures, the results, and the working folder with the runs.",
)
@click.option(
    "--epochs",
    type=Number(int),
    default=36,
    show_default=True,
    help="Epochs of each of the two runs; a multiple of 6.",
)
@click.option(
    "--resolution",
    type=Resolution(),
    default="31",
    show_default=True,
    metavar="N|COLUMNSxROWS",
    help="Grid points of the plane; the lines take as many points as the plane has columns.",
)
def demo(out: Path, epochs: int, resolution: tuple[int, int]) -> None:
    """Do the whole main job on the digits and write a report."""
    from landscape.commands.demonstration import demonstrate

    report = demonstrate(prepare_folder(out).absolute(), epochs=epochs, resolution=resolution)
    click.echo(f"The report: {report}")
