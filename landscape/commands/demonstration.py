"""The main job from data to report: two runs, two lines, a plane, and every figure of them."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from landscape.commands.options import command_words
from landscape.commands.pictures import picture_of_result, picture_of_training
from landscape.commands.report import Chapter, Report, RunTable, page
from landscape.commands.work import Work, compute_result, train_run
from landscape.core.errors import RequestError
from landscape.core.files import save_result, write_bytes_atomically
from landscape.core.requests import LineRequest, PlaneRequest, Recipe, TrainRequest
from landscape.core.results import provenance_of
from landscape.figures.style import FigureStyle

if TYPE_CHECKING:
    import xarray as xr

    from landscape.training.runs import Run

CYCLES = 6  # Huang et al. (2017), section 4: six snapshots for networks of this budget
_STAGES = 5


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
        raise RequestError(f"The demo is asked for {epochs} epochs; give a multiple of {CYCLES}, such as 24.")
    # Refused before anything is trained.
    PlaneRequest(checkpoints=("A", "B", "C"), columns=columns, rows=rows)
    work = Work(home=out / "home")
    snapshot = _train(1, "snapshot", epochs, work)
    standard = _train(2, "standard", epochs, work)
    results = {
        "snapshots": compute_result(
            _line(snapshot.checkpoint_files[-1], snapshot.checkpoint_files[1], columns),
            work,
            label=f"3/{_STAGES} line between snapshots",
        ),
        "recipes": compute_result(
            _line(snapshot.checkpoint_files[-1], standard.checkpoint_files[-1], columns),
            work,
            label=f"4/{_STAGES} line between recipes",
        ),
        "plane": compute_result(
            PlaneRequest(
                checkpoints=tuple(str(snapshot.checkpoint_files[place]) for place in (2, 4, 6)),
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


def _train(number: int, recipe: Recipe, epochs: int, work: Work) -> "Run":
    request = TrainRequest(data="digits", architecture="convnet", recipe=recipe, cycles=CYCLES, epochs=epochs)
    return train_run(request, work, label=f"{number}/{_STAGES} {recipe} run")


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
        text="Both runs start from the same weights and see the data in the same order; only the learning rate "
        "differs. The snapshot run raises it again after every cycle, and each low point is kept as a checkpoint.",
        runs=(_table("Snapshot run", snapshot), _table("Standard run", standard)),
        pictures=(
            picture_of_training(snapshot, out, name="training-snapshot", heading="Training, snapshot run"),
            picture_of_training(standard, out, name="training-standard", heading="Training, standard run"),
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
        "A barrier between the ends says that they lie in different valleys as far as the straight way goes.",
        pictures=(
            picture_of_result(
                snapshots, out, name="line-snapshots", heading="From the last snapshot to the first"
            ),
            picture_of_result(
                recipes, out, name="line-recipes", heading="From the last snapshot to the standard run"
            ),
        ),
    )


def _plane(result: "xr.Dataset", out: Path) -> Chapter:
    looks = (
        ("plane-train-loss", "Train loss over the plane of three snapshots", FigureStyle()),
        (
            "plane-test-error",
            "Test error over the same plane",
            FigureStyle(measure="error", split="test", colors="cividis"),
        ),
        ("plane-surface", "The train loss as a surface", FigureStyle(view="surface")),
    )
    return Chapter(
        heading="Over a plane",
        text="Three checkpoints span a plane. Its axes are lengths in weight space, so distances and angles between "
        "the checkpoints are the true ones.",
        pictures=tuple(
            picture_of_result(result, out, name=name, heading=heading, style=style)
            for name, heading, style in looks
        ),
    )
