"""The main job from data to report: two runs, two lines, a plane, and every figure of them."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from landscape.commands.options import command_words
from landscape.commands.pictures import picture_of_result, picture_of_training
from landscape.commands.report import Chapter, Report, RunTable, page
from landscape.commands.work import Work, compute_result, train_run
from landscape.core.errors import RequestError
from landscape.core.files import save_result, write_bytes_atomically
from landscape.core.requests import LineRequest, PlaneRequest, TrainRequest
from landscape.core.results import provenance_of
from landscape.figures.findings import finding, spread
from landscape.figures.style import FigureStyle

if TYPE_CHECKING:
    import xarray as xr

    from landscape.training.runs import Run

CYCLES = 6
_STAGES = 5
# The highest rates are those of Huang et al. (2017), section 4. The weight decay is ours: ten times theirs, so that the
# snapshots of so small a network move far enough apart for a picture. Another start makes the standard run independent.
_SNAPSHOT = TrainRequest(recipe="snapshot", cycles=CYCLES, learning_rate=0.2, weight_decay=1e-3, seed=0)
_STANDARD = TrainRequest(recipe="standard", cycles=CYCLES, learning_rate=0.1, weight_decay=1e-3, seed=1)


def demonstrate(out: Path, *, epochs: int, resolution: tuple[int, int]) -> Path:
    """Do everything that is not done yet, and write the report.

    The working folder is `out/home`: nothing of the reader's own is read or changed, and a second call goes on where
    the first one stopped.

    Args:
        out: An existing folder.
        epochs: Of each run, a multiple of `CYCLES`.
        resolution: Columns and rows of the plane; the lines have as many points as the plane has columns.

    Returns:
        The report's file.

    Raises:
        LandscapeError: Whatever is wrong; `StoppedError` after Ctrl-C.
    """
    columns, rows = resolution
    if epochs < 1 or epochs % CYCLES:
        raise RequestError(f"The demo is asked for {epochs} epochs; give a multiple of {CYCLES}, such as 36.")
    # Refused before anything is trained.
    PlaneRequest(checkpoints=("A", "B", "C"), columns=columns, rows=rows)
    work = Work(home=out / "home")
    snapshot = train_run(replace(_SNAPSHOT, epochs=epochs), work, label=f"1/{_STAGES} snapshot run")
    standard = train_run(replace(_STANDARD, epochs=epochs), work, label=f"2/{_STAGES} standard run")
    _, first, *_, last = snapshot.checkpoint_files  # before the first is the start
    results = {
        "snapshots": compute_result(
            _line(last, first, columns),
            work,
            label=f"3/{_STAGES} line between snapshots",
        ),
        "recipes": compute_result(
            _line(last, standard.checkpoint_files[-1], columns),
            work,
            label=f"4/{_STAGES} line between recipes",
        ),
        "plane": compute_result(
            PlaneRequest(
                # The first snapshot comes last: the plane then stands on the line between the two runs.
                checkpoints=(str(last), str(standard.checkpoint_files[-1]), str(first)),
                columns=columns,
                rows=rows,
            ),
            work,
            label=f"5/{_STAGES} plane",
        ),
    }
    report = Report(
        title="A loss landscape, from data to figure",
        lead=_lead(snapshot, results["plane"]),
        chapters=(
            _training(snapshot, standard, out),
            _lines(results["snapshots"], results["recipes"], out),
            _plane(results["plane"], out),
        ),
        results=tuple(results.values()),
    )
    for name, result in results.items():
        save_result(result, out / "results" / f"{name}.nc")
    write_bytes_atomically(out / "report.html", page(report).encode())
    return out / "report.html"


def _line(first: Path, second: Path, points: int) -> LineRequest:
    return LineRequest(checkpoints=(str(first), str(second)), points=points, start=-0.25, stop=1.25)


def _lead(run: "Run", result: "xr.Dataset") -> str:
    samples = provenance_of(result).samples
    parameters = next(run.checkpoints()).space.dimension
    return (
        f"A small convolutional network ({run.request.architecture}, {parameters:,} parameters) learns to tell "
        f"handwritten {run.data.name} apart, twice: with cosine restarts that leave a snapshot after every cycle, and "
        "with a rate that only falls. Then the loss is evaluated between the weights that were found, on all "
        f"{samples['train']:,} training and {samples['test']:,} test images."
    )


def _training(snapshot: "Run", standard: "Run", out: Path) -> Chapter:
    return Chapter(
        heading="Training",
        text="The two runs start from different random weights and see the data in different orders. The snapshot run "
        "raises the learning rate again after every cycle and keeps the network of every low point as a checkpoint; in "
        "the standard run the rate only falls.",
        runs=(_table("Snapshot run", snapshot), _table("Standard run", standard)),
        pictures=(
            picture_of_training(
                snapshot, out, name="training-snapshot", heading="Training of the snapshot run"
            ),
            picture_of_training(
                standard, out, name="training-standard", heading="Training of the standard run"
            ),
        ),
    )


def _table(name: str, run: "Run") -> RunTable:
    words = ["python", "-m", "landscape", "train", *command_words(run.request), "--out", run.request.recipe]
    return RunTable(
        name=name,
        command=shlex.join(words),
        rows=tuple((c.label, c.metadata.step or 0, c.metadata.metrics) for c in run.checkpoints()),
    )


def _lines(snapshots: "xr.Dataset", recipes: "xr.Dataset", out: Path) -> Chapter:
    return Chapter(
        heading="Along straight lines",
        text="Every point of a line is a network of its own, whose weights are a mixture of the two at the ends. "
        "A barrier between the ends says that, as far as the straight way goes, they lie in different valleys.",
        pictures=tuple(
            picture_of_result(result, out, name=name, heading=heading, finding=finding(result))
            for name, heading, result in (
                ("line-snapshots", "From the last snapshot to the first", snapshots),
                ("line-recipes", "From the last snapshot to the standard run", recipes),
            )
        ),
    )


def _plane(result: "xr.Dataset", out: Path) -> Chapter:
    heights, errors = (
        spread(result, measure="loss", split="train"),
        spread(result, measure="error", split="test"),
    )
    looks = (
        ("plane-train-loss", "Train loss over the plane", finding(result), FigureStyle()),
        (
            "plane-test-error",
            "Test error over the same plane",
            f"The test error goes {errors}.",
            FigureStyle(measure="error", split="test", colors="cividis"),
        ),
        (
            "plane-surface",
            "The train loss as a surface",
            f"The same train loss as height, {heights}; drag the surface to turn it.",
            FigureStyle(view="surface"),
        ),
    )
    return Chapter(
        heading="Over a plane",
        text="The last and the first snapshot and the end of the standard run span a plane. Its axes are lengths in "
        "weight space, so distances and angles between the checkpoints are the true ones.",
        pictures=tuple(
            picture_of_result(result, out, name=name, heading=heading, finding=sentence, style=style)
            for name, heading, sentence, style in looks
        ),
    )
