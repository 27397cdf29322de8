"""What the recipes are worth at equal budget, on the digits with a fifth of the training labels flipped.

The claims of the papers, each over several seeds: the ensemble of snapshots against its last network (Huang et al.
2017), the average of SWA against SGD with the same number of epochs (Izmailov et al. 2018), independent networks with
the full budget each against snapshots, and the correlation of late snapshots with and without cycles (Huang et al.
2017, figure 6). A seed is that of the labels, of the weights and of the order alike, so that the spread has all three
in it. The settings are the papers', chosen once; a claim that does not hold is recorded as one.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import xarray as xr
from msgspec.structs import replace

from benchmarks.record import write_record
from landscape.core.requests import DiversityRequest, EnsembleRequest, TrainRequest
from landscape.service.compute import compute
from landscape.training.runs import Run, step_of

SEEDS = range(5)
LATE = 3  # Huang et al. (2017), section 4.4: the last three snapshots of NoCycle are nearly one network

# Budget and number of networks as in Huang et al. (2017): six cycles; their rates, 0.1 and for snapshots 0.2, batch 64,
# weight decay 1e-4. Ten epochs a cycle are ours: the digits are small.
STANDARD = TrainRequest(recipe="standard", cycles=6, epochs=60, learning_rate=0.1, weight_decay=1e-4)
RECIPES: dict[str, TrainRequest] = {
    "standard": STANDARD,
    "sgd": replace(STANDARD, schedule="late-linear"),
    "snapshot": replace(STANDARD, recipe="snapshot", learning_rate=0.2),
    "single-cycle": replace(STANDARD, recipe="single-cycle", learning_rate=0.2),
    "independent": replace(STANDARD, recipe="independent"),
    "sgdr": replace(STANDARD, recipe="sgdr", learning_rate=0.2),
    "fge": replace(STANDARD, recipe="fge", period=2),  # six networks in the last fifth
    "swa": replace(STANDARD, recipe="swa"),
    "ema": replace(STANDARD, recipe="ema"),
    # Carbonnelle and De Vleeschouwer (2019): the best of their rates, and no weight decay.
    "layca": replace(STANDARD, recipe="layca", learning_rate=3**-3, weight_decay=0.0),
}


@dataclass(frozen=True)
class Claim:
    """That one number is below another, on average over the seeds (or not above, if `or_equal`)."""

    text: str
    lower: Callable[["Outcome"], float]
    higher: Callable[["Outcome"], float]
    or_equal: bool = False


@dataclass(frozen=True)
class Outcome:
    """What one seed gave.

    Attributes:
        ensembles: Test error of the mean prediction of all networks of a recipe.
        singles: Test error of its last network alone.
        averages: Test error of its averaged weights, where the recipe has them.
        correlations: Mean prediction correlation of each two of the last networks, per class, by recipe.
        networks: Number of networks in the ensemble.
        epochs: Epochs of training that they took together.
    """

    ensembles: dict[str, float]
    singles: dict[str, float]
    averages: dict[str, float]
    correlations: dict[str, float]
    networks: dict[str, int]
    epochs: dict[str, float]


CLAIMS = (
    Claim(
        "The ensemble of snapshots errs less than its last network",
        lambda seen: seen.ensembles["snapshot"],
        lambda seen: seen.singles["snapshot"],
    ),
    Claim(
        "SWA errs less than SGD of equal budget",
        lambda seen: seen.averages["swa"],
        lambda seen: seen.singles["sgd"],
    ),
    Claim(
        "Independent networks with the full budget each err no more than snapshots",
        lambda seen: seen.ensembles["independent"],
        lambda seen: seen.ensembles["snapshot"],
        or_equal=True,
    ),
    Claim(
        "Late snapshots with cycles correlate less than those without (NoCycle)",
        lambda seen: seen.correlations["snapshot"],
        lambda seen: seen.correlations["standard"],
    ),
)


def main(quick: bool = False) -> None:
    """Train everything for every seed, compare, and write one record."""
    seeds = SEEDS[:2] if quick else SEEDS
    outcomes = []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            outcomes.append(outcome(seed, Path(folder), quick=quick))
    rows = [*(row_of(name, outcomes) for name in RECIPES), *(verdict(claim, outcomes) for claim in CLAIMS)]
    for row in rows:
        print(summary(row))
    if not quick:  # other settings than those that are recorded
        write_record("recipes", rows, device="cpu")


def outcome(seed: int, folder: Path, *, quick: bool = False) -> Outcome:
    """Train every recipe with this seed and evaluate what came of it."""
    runs = {}
    for name, request in RECIPES.items():
        asked = replace(request, data=f"digits:noise=0.2/{seed}", seed=seed)
        if quick:
            asked = replace(asked, architecture="mlp", epochs=30)
        runs[name] = compute(asked, home=folder / "home", folder=folder / name, device="cpu")
        print(f"   seed {seed}: {name}", flush=True)
    ensembles = compute(EnsembleRequest(**grouped(runs)), home=folder / "home", device="cpu")
    late = {name: runs[name] for name in ("standard", "snapshot")}
    diversity = compute(DiversityRequest(**grouped(late, LATE)), home=folder / "home", device="cpu")
    histories = {name: run.history for name, run in runs.items()}
    errors = ensembles["error"].sel(split="test", order="last").values
    alone = ensembles["member_error"].sel(split="test").values
    places = members(ensembles, runs)
    return Outcome(
        ensembles={name: float(errors[i, len(places[name]) - 1]) for i, name in enumerate(runs)},
        singles={name: float(alone[places[name][-1]]) for name in runs},
        averages={
            name: 1 - float(history["average_test_accuracy"][-1])
            for name, history in histories.items()
            if len(history.get("average_test_accuracy", ()))
        },
        correlations={name: correlation(diversity, members(diversity, late)[name]) for name in late},
        networks={name: len(places[name]) for name in runs},
        epochs={name: spent(runs[name]) for name in runs},
    )


def grouped(runs: dict[str, Run], last: int = 0) -> dict[str, Any]:
    """The snapshots of each run (or the last few of them) as groups of a request."""
    found = [
        (f"{run.folder}@{step_of(file)}", name)
        for name, run in runs.items()
        for file in run.snapshot_files[-last:]
    ]
    return {"checkpoints": tuple(one for one, _ in found), "groups": tuple(name for _, name in found)}


def members(result: xr.Dataset, runs: dict[str, Run]) -> dict[str, list[int]]:
    """The places of each group's checkpoints."""
    names = [str(name) for name in result["checkpoint_group"].values]
    return {name: [i for i, each in enumerate(names) if each == name] for name in runs}


def correlation(result: xr.Dataset, places: list[int]) -> float:
    values = result["correlation"].sel(split="test", variant="per class").values
    return mean(float(values[i, j]) for i, j in combinations(places, 2))


def spent(run: Run) -> float:
    """Epochs of all networks together."""
    return float(run.history["checkpoint_epoch"][-1])


def row_of(name: str, outcomes: list[Outcome]) -> dict[str, Any]:
    """One recipe over the seeds; errors are fractions."""
    row: dict[str, Any] = {
        "recipe": name,
        "networks": outcomes[0].networks[name],
        "epochs": outcomes[0].epochs[name],
        "ensemble_error": spread([seen.ensembles[name] for seen in outcomes]),
        "single_error": spread([seen.singles[name] for seen in outcomes]),
    }
    if name in outcomes[0].averages:
        row["average_error"] = spread([seen.averages[name] for seen in outcomes])
    return row


def verdict(claim: Claim, outcomes: list[Outcome]) -> dict[str, Any]:
    """Whether a claim holds beyond the spread of the seeds, in how many of them, and by how much."""
    lower = [claim.lower(seen) for seen in outcomes]
    higher = [claim.higher(seen) for seen in outcomes]
    apart = spread([high - low for low, high in zip(lower, higher, strict=True)])
    holds = [low <= high if claim.or_equal else low < high for low, high in zip(lower, higher, strict=True)]
    return {
        "claim": claim.text,
        "verdict": judged(apart, or_equal=claim.or_equal),
        "holds_in_seeds": sum(holds),
        "seeds": len(outcomes),
        "lower": spread(lower),
        "higher": spread(higher),
        "difference": apart,
    }


def judged(apart: dict[str, Any], *, or_equal: bool = False) -> str:
    """`holds` or `does not hold` where the mean difference is beyond its standard error, else `undecided`."""
    if not any(apart["values"]):
        return "holds" if or_equal else "does not hold"
    if apart["deviation"] is None or abs(apart["mean"]) <= apart["deviation"] / len(apart["values"]) ** 0.5:
        return "undecided"
    return "holds" if apart["mean"] > 0 else "does not hold"


def spread(values: list[float]) -> dict[str, Any]:
    """Mean and standard deviation over the seeds, and the values themselves."""
    return {
        "mean": round(mean(values), 5),
        "deviation": round(stdev(values), 5) if len(values) > 1 else None,
        "values": [round(value, 5) for value in values],
    }


def summary(row: dict[str, Any]) -> str:
    if "claim" in row:
        means = f"{row['lower']['mean']:.4f} and {row['higher']['mean']:.4f} on average"
        return (
            f"{row['claim']}: {row['verdict']} ({means}), in {row['holds_in_seeds']} of {row['seeds']} seeds"
        )
    text = (
        f"{row['recipe']:13} {row['networks']:2} networks, {row['epochs']:4.0f} epochs: ensemble "
        f"{row['ensemble_error']['mean']:.2%} +- {row['ensemble_error']['deviation']:.2%}, last alone "
        f"{row['single_error']['mean']:.2%}"
    )
    return text + (f", average {row['average_error']['mean']:.2%}" if "average_error" in row else "")


if __name__ == "__main__":
    main()
