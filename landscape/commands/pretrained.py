"""`pretrained`: everything in `pretrained/`, trained, computed and drawn again."""

import shlex
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from msgspec.structs import replace

from landscape.commands.outputs import prepare_folder
from landscape.commands.work import Work, compute_result, train_run
from landscape.core.requests import LineRequest, PlaneRequest, TrainRequest

if TYPE_CHECKING:
    import xarray as xr

    from landscape.core.results import CheckpointRecord
    from landscape.service.pretrained import ResultRecord
    from landscape.training.runs import Run

# The highest rates are those of Huang et al. (2017), section 4. The weight decay is ours: ten times theirs, so that the
# snapshots of so small a network move far enough apart for a picture.
_STANDARD = TrainRequest(recipe="standard", cycles=6, epochs=60, learning_rate=0.1, weight_decay=1e-3)
RUNS: dict[str, TrainRequest] = {
    "snapshot-0": replace(_STANDARD, recipe="snapshot", learning_rate=0.2),
    "standard-0": _STANDARD,
    "standard-1": replace(_STANDARD, seed=1),
    "standard-2": replace(_STANDARD, seed=2),
}


@dataclass(frozen=True)
class Exhibit:
    """A result to ship: its name, and the checkpoints it goes through, as run and place in the run (-1 is the last)."""

    id: str
    through: tuple[tuple[str, int], ...]


# The first is what the app shows first.
EXHIBITS = (
    Exhibit("three-runs", (("standard-0", -1), ("standard-1", -1), ("standard-2", -1))),
    Exhibit("three-snapshots", (("snapshot-0", 2), ("snapshot-0", 4), ("snapshot-0", 6))),
    Exhibit("snapshots-and-another-run", (("snapshot-0", -1), ("standard-1", -1), ("snapshot-0", 1))),
    Exhibit("two-runs-line", (("standard-0", -1), ("standard-1", -1))),
    Exhibit("snapshot-to-standard", (("snapshot-0", -1), ("standard-0", -1))),
    Exhibit("last-to-first-snapshot", (("snapshot-0", -1), ("snapshot-0", 1))),
)


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("pretrained"),
    show_default=True,
    metavar="DIR",
    help="Folder to write; the runs and results in it are replaced.",
)
def pretrained(out: Path) -> None:
    """Train, compute and draw what ships with the app."""
    from landscape.service.pretrained import Index, RunRecord, save_index

    out = prepare_folder(out).absolute()
    for name in ("runs", "results"):
        shutil.rmtree(out / name, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Work(home=Path(folder), device="cpu")
        runs = {
            name: train_run(request, work, label=name, folder=out / "runs" / name)
            for name, request in RUNS.items()
        }
        records = tuple(_ship(exhibit, runs, work, out) for exhibit in EXHIBITS)
    shipped = tuple(RunRecord(name=name, folder=f"runs/{name}") for name in RUNS)
    save_index(Index(results=records, runs=shipped), out)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    click.echo(f"{len(RUNS)} runs and {len(EXHIBITS)} results, {size / 1e6:.1f} MB: {out}")


def _ship(exhibit: Exhibit, runs: dict[str, "Run"], work: Work, out: Path) -> "ResultRecord":
    from landscape.commands.findings import finding
    from landscape.core.files import save_result
    from landscape.figures import FigureStyle, save_figure
    from landscape.service.pretrained import ResultRecord

    checkpoints = tuple(str(runs[run].checkpoint_files[place]) for run, place in exhibit.through)
    request = (
        LineRequest(checkpoints=checkpoints, points=61, start=-0.25, stop=1.25)
        if len(checkpoints) == 2
        else PlaneRequest(checkpoints=checkpoints, columns=41, rows=41)
    )
    result = _renamed(compute_result(request, work, label=exhibit.id), exhibit, out.parent)
    folder = Path("results") / exhibit.id
    save_result(result, out / folder / "result.nc")
    posters = {theme: folder / f"poster-{theme}.webp" for theme in ("light", "dark")}
    for theme, poster in posters.items():
        save_figure(result, out / poster, FigureStyle(dark=theme == "dark"))
    return ResultRecord(
        id=exhibit.id,
        title=result.attrs["title"],
        finding=finding(result),
        file=(folder / "result.nc").as_posix(),
        poster={theme: poster.as_posix() for theme, poster in posters.items()},
        study=request.study,
    )


def _renamed(result: "xr.Dataset", exhibit: Exhibit, root: Path) -> "xr.Dataset":
    """The result with places that hold elsewhere, and with the run's name in each label if there are several runs."""
    from landscape.core.results import provenance_attribute, provenance_of

    provenance = provenance_of(result)
    prefix = f"{root}/"
    labels = _labels(provenance.checkpoints, exhibit)
    records = tuple(
        replace(record, label=label, source=record.source.removeprefix(prefix))
        for record, label in zip(provenance.checkpoints, labels, strict=True)
    )
    words = [word.removeprefix(prefix) for word in shlex.split(provenance.command)]
    moved = replace(provenance, checkpoints=records, command=shlex.join(words))
    before = ", ".join(record.label for record in provenance.checkpoints)
    return result.assign_coords(checkpoint=np.array(labels, dtype=object)).assign_attrs(
        title=result.attrs["title"].replace(before, ", ".join(labels)),
        provenance=provenance_attribute(moved),
    )


def _labels(records: "tuple[CheckpointRecord, ...]", exhibit: Exhibit) -> list[str]:
    runs = [run for run, _ in exhibit.through]
    if len(set(runs)) == 1:
        return [record.label for record in records]
    return [
        f"{run} {record.label.removeprefix(run).strip()}" for run, record in zip(runs, records, strict=True)
    ]
