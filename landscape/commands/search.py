"""`search`: settings tried at random, the best of them, and their ensemble."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from landscape.commands.options import options_of, work_options
from landscape.commands.studies import OUT, answer
from landscape.commands.work import Work
from landscape.core.search_requests import SearchRequest

if TYPE_CHECKING:
    import xarray as xr


@click.command()
@options_of(SearchRequest, into="fields")
@OUT
@work_options
def search(fields: dict[str, Any], out: Path | None, work: Work) -> None:
    """Try settings of a training run at random, coarse to fine, on a part of the training split held out.

    The test split is never looked at. A range is written LOW:HIGH.
    """
    result = answer(SearchRequest(**fields), out, work)
    for line in told(result):
        click.echo(line)


def told(result: "xr.Dataset") -> list[str]:
    """What a search found, in sentences: the best settings and their run, the ensemble of the best, warnings."""
    from landscape.core.search_measures import best_trial, boundary_warnings, last_values, stages_reached

    best = best_trial(result)
    if best is None:
        return ["No trial could be evaluated; lower the learning rates, or try more settings."]
    settings = ", ".join(
        f"{str(name).replace('_', ' ')} {float(value):.3g}"
        for name, value in zip(result["parameter"].values, result["value"].values[best], strict=True)
    )
    error = last_values(result, "validation_error")[best]
    epochs = result["stage_epochs"].values[stages_reached(result)[best] - 1]
    lines = [
        f"The best of {result.sizes['trial']} trials: {settings}. Its validation error is {error:.1%} after "
        f"{epochs:g} epochs; its run: {result['run'].values[best]}"
    ]
    ensemble = result["ensemble_error"].values
    evaluated = np.flatnonzero(np.isfinite(ensemble))
    if len(evaluated) > 1:
        size = int(result["size"].values[evaluated[-1]])
        lines.append(
            f"The ensemble of the best {size} has a validation error of {ensemble[evaluated[-1]]:.1%}."
        )
    return [*lines, *boundary_warnings(result)]
