"""`pretrained`: everything in `pretrained/`, trained, computed and drawn again."""

import shlex
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from msgspec.structs import replace

from landscape.commands.exhibits import EXHIBITS, RUNS, WITH_OPTIMIZER, Exhibit
from landscape.commands.outputs import prepare_folder
from landscape.commands.work import Work, compute_result, train_run
from landscape.core.requests import AnyEvaluation

if TYPE_CHECKING:
    import xarray as xr

    from landscape.core.results import CheckpointRecord
    from landscape.service.pretrained import ResultRecord
    from landscape.training.runs import Run


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
        for name, run in runs.items():
            _drop_working_files(name, run)
        records = tuple(_ship(exhibit, work, out) for exhibit in EXHIBITS)
    shipped = tuple(RunRecord(name=name, folder=f"runs/{name}") for name in RUNS)
    save_index(Index(results=records, runs=shipped), out)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    click.echo(f"{len(RUNS)} runs and {len(EXHIBITS)} results, {size / 1e6:.1f} MB: {out}")


def _drop_working_files(name: str, run: "Run") -> None:
    """Remove what only a training that goes on would need: members of a family, optimiser states."""
    shutil.rmtree(run.folder / "members", ignore_errors=True)
    if name != WITH_OPTIMIZER:
        shutil.rmtree(run.folder / "optimizer", ignore_errors=True)


def request_of(exhibit: Exhibit, folder: Path) -> AnyEvaluation:
    """The request of an exhibit, whose runs lie in `folder/runs`."""
    from landscape.service.groups import read_groups
    from landscape.service.home import Home

    found = read_groups(exhibit.of, Home(folder))
    options: dict[str, Any] = {**exhibit.options}
    if found.names:
        options["groups"] = found.names
    return exhibit.study(
        checkpoints=tuple(_absolute(reference, folder) for reference in found.checkpoints), **options
    )


def _absolute(reference: str, folder: Path) -> str:
    return reference if Path(reference).is_absolute() else str(folder / "runs" / reference)


def _ship(exhibit: Exhibit, work: Work, out: Path) -> "ResultRecord":
    from landscape.core.files import save_result
    from landscape.figures import save_figure, usual_style
    from landscape.figures.findings import finding
    from landscape.service.pretrained import ResultRecord

    request = request_of(exhibit, out)
    result = _renamed(compute_result(request, work, label=exhibit.id), out.parent)
    folder = Path("results") / exhibit.id
    save_result(result, out / folder / "result.nc")
    posters = {theme: folder / f"poster-{theme}.webp" for theme in ("light", "dark")}
    for theme, poster in posters.items():
        save_figure(result, out / poster, usual_style(request.study, dark=theme == "dark"))
    return ResultRecord(
        id=exhibit.id,
        title=result.attrs["title"],
        finding=finding(result),
        file=(folder / "result.nc").as_posix(),
        poster={theme: poster.as_posix() for theme, poster in posters.items()},
        study=request.study,
    )


def _renamed(result: "xr.Dataset", root: Path) -> "xr.Dataset":
    """The result with places that hold elsewhere, and with the run's name in each label if there are several runs."""
    from landscape.core.results import provenance_attribute, provenance_of

    provenance = provenance_of(result)
    prefix = f"{root}/"
    labels = _labels(provenance.checkpoints)
    records = tuple(
        replace(record, label=label, source=record.source.removeprefix(prefix))
        for record, label in zip(provenance.checkpoints, labels, strict=True)
    )
    words = [word.replace(prefix, "") for word in shlex.split(provenance.command)]
    moved = replace(provenance, checkpoints=records, command=shlex.join(words))
    before = ", ".join(record.label for record in provenance.checkpoints)
    return result.assign_coords(checkpoint=np.array(labels, dtype=object)).assign_attrs(
        title=result.attrs["title"].replace(before, ", ".join(labels)),
        provenance=provenance_attribute(moved),
    )


def _labels(records: "tuple[CheckpointRecord, ...]") -> list[str]:
    runs = [Path(record.source.rpartition("@")[0]).name for record in records]
    if len(set(runs)) == 1:
        return [record.label for record in records]
    return [
        f"{run} {record.label.removeprefix(run).strip()}" for run, record in zip(runs, records, strict=True)
    ]
