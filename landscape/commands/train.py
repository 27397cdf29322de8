"""`train`: a run with its checkpoints."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landscape.commands.options import options_of, work_options
from landscape.commands.outputs import prepare_folder
from landscape.commands.work import Work, train_run
from landscape.core.training_requests import TrainRequest

if TYPE_CHECKING:
    from landscape.training.runs import Run

_MOST_STEPS = 8  # ours: as many numbers as one reads on one line
_NEAR_CHANCE = 2.0  # ours: twice what guessing gives


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
    """Train a network in one of the recipes; keep its checkpoints, history and request."""
    request = TrainRequest(**fields)
    if out is not None:
        prepare_folder(out)
    run = train_run(request, work, folder=out)
    click.echo(f"{_accuracy(run)}; {_snapshots(run)}: {run.folder}")
    if hint := _hint(run):
        click.echo(hint)


def _accuracy(run: "Run") -> str:
    history = run.history
    text = f"Test accuracy {history['checkpoint_test_accuracy'][-1]:.1%}"
    averages = history.get("average_test_accuracy")
    if averages is not None and len(averages):
        text += f", of the average {averages[-1]:.1%}"
    return text


def _hint(run: "Run") -> str:
    """A sentence where nothing was learnt, which a number alone does not say; else ""."""
    from landscape.core.weights_header import read_header

    classes = read_header(run.checkpoint_files[-1]).metadata.classes or 2
    if run.history["checkpoint_test_accuracy"][-1] > _NEAR_CHANCE / classes:
        return ""
    request = run.request
    return (
        f"That is near what guessing one of {classes} classes gives: the network has learnt next to nothing. Try "
        f"another learning rate than {request.learning_rate:g} ({request.optimizer}), or more epochs."
    )


def _snapshots(run: "Run") -> str:
    steps = [int(file.stem.removeprefix("step-")) for file in run.snapshot_files]
    shown = [str(step) for step in steps]
    if len(shown) > _MOST_STEPS:
        shown = [*shown[:3], "...", *shown[-2:]]
    number = "1 snapshot at the step" if len(steps) == 1 else f"{len(steps)} snapshots at the steps"
    return f"{number} {', '.join(shown)}"
