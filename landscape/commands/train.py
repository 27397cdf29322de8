"""`train`: a run with its checkpoints."""

from pathlib import Path
from typing import Any

import click

from landscape.commands.options import options_of, work_options
from landscape.commands.outputs import prepare_folder
from landscape.commands.work import Work, train_run
from landscape.core.requests import TrainRequest


@click.command()
@options_of(TrainRequest, into="fields")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=None,
    metavar="DIR",
    help="Folder of the run. Without it the run gets a folder of its own in the working folder.",
)
@work_options
def train(fields: dict[str, Any], out: Path | None, work: Work) -> None:
    """Train a network; keep its checkpoints, history and request."""
    request = TrainRequest(**fields)
    if out is not None:
        prepare_folder(out)
    run = train_run(request, work, folder=out)
    steps = ", ".join(str(int(step)) for step in run.history["checkpoint_step"])
    accuracy = float(run.history["checkpoint_test_accuracy"][-1])
    click.echo(f"Test accuracy {accuracy:.1%}; checkpoints at the steps {steps}: {run.folder}")
