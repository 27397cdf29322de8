"""One sentence that says what is to be seen in a result, made from its numbers."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from landscape.core.measures import line_barrier
from landscape.core.requests import Measure, Split

if TYPE_CHECKING:
    import xarray as xr

# Of more groups than this a sentence names the best alone.
_MOST_GROUPS = 4


def finding(result: "xr.Dataset") -> str:
    """The sentence for any result.

    Line and plane: train loss (with weight decay, as it is drawn), and test error. Groups of checkpoints: test error,
    or what the test predictions have in common. Search: validation error.
    """
    return _FINDINGS[result.attrs["study"]](result)


def spread(result: "xr.Dataset", *, measure: Measure, split: Split) -> str:
    """From where to where a measure goes over a plane, such as "from 0.02 to 2.1 nats"."""
    values = result[measure].sel(split=split).values
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if measure == "error":
        return f"from {low:.1%} to {high:.1%}"
    return f"from {low:.2g} to {high:.2g} nats"


def _line(result: "xr.Dataset") -> str:
    first, last = (str(label) for label in result["checkpoint"].values)
    ends, errors = _at_checkpoints(result, "loss", "train"), _at_checkpoints(result, "error", "test")
    found = line_barrier(result, measure="loss", split="train")
    if np.isinf(found.height):
        return f"On the straight line from {first} to {last} the network diverges at t = {found.t:.2f}."
    if found.height == 0:
        return (
            f"There is no barrier between {first} and {last}: the train loss nowhere rises above the straight line "
            f"between its end values of {ends[0]:.2g} and {ends[1]:.2g} nats; the test error is {errors[0]:.1%} and "
            f"{errors[1]:.1%} at the ends."
        )
    t = result["t"].values
    between = result["error"].sel(split="test").values[(t >= 0) & (t <= 1)]
    return (
        f"Between {first} and {last} the train loss rises {found.height:.2g} nats above the straight line between its "
        f"end values (most at t = {found.t:.2f}), and the test error reaches {between.max():.1%}, against "
        f"{errors[0]:.1%} and {errors[1]:.1%} at the ends."
    )


def _plane(result: "xr.Dataset") -> str:
    middle = result.sel(
        alpha=float(result["checkpoint_alpha"].mean()),
        beta=float(result["checkpoint_beta"].mean()),
        method="nearest",
    )
    losses = _listed([f"{loss:.2g}" for loss in _at_checkpoints(result, "loss", "train")])
    errors = _listed([f"{error:.1%}" for error in _at_checkpoints(result, "error", "test")])
    return (
        f"The train loss is {losses} nats at the three checkpoints and {float(middle['loss'].sel(split='train')):.2g} "
        f"at the grid point nearest to their mean; the test error is {errors} at the checkpoints and "
        f"{float(middle['error'].sel(split='test')):.1%} there."
    )


def _fan(result: "xr.Dataset") -> str:
    t = result["t"].values
    errors = result["error"].sel(split="test").values[:, (t >= 0) & (t <= 1)]
    last = result["rebuilt_error"].sel(split="test").values
    words = []
    for name, members in _groups(result).items():
        on_lines = errors[np.isin(result["pair_last"].values, members)]
        what = _at_most(on_lines[~np.isnan(on_lines)])
        words.append(f"{what}{_in(name)} (last checkpoint: {last[members[-1]]:.1%})")
    return f"On the lines from earlier checkpoints to the last one the test error {_listed(words)}."


def _ensemble(result: "xr.Dataset") -> str:
    chosen = result.sel(split="test", order="last")
    found: dict[str, tuple[float, str]] = {}
    for place, (name, members) in enumerate(_groups(result).items()):
        together = float(chosen["error"].isel(group=place, size=len(members) - 1))
        alone = float(chosen["error"].isel(group=place, size=0))
        average = float(chosen["average_error"].isel(group=place))
        mean = "" if np.isnan(average) else f", the mean of the weights on {average:.1%}"
        words = f"{together:.1%} of the test examples{_in(name)} with {len(members)} networks"
        found[name] = (together, f"{words} (the last alone on {alone:.1%}{mean})")
    if len(found) > _MOST_GROUPS:
        best = min(found, key=lambda name: found[name][0])
        return f"Of {len(found)} groups the best ensemble errs on {found[best][1]}."
    return f"The ensemble errs on {_listed([words for _, words in found.values()])}."


def _diversity(result: "xr.Dataset") -> str:
    chosen = result.sel(split="test")
    correlation = chosen["correlation"].isel(variant=0).values
    disagreement = chosen["disagreement"].values
    words = []
    for name, members in _groups(result).items():
        if len(members) > 1:
            pairs = np.triu_indices(len(members), k=1)
            alike, apart = (
                _mean(matrix[np.ix_(members, members)][pairs]) for matrix in (correlation, disagreement)
            )
            also = f"two of them disagree about {apart:.1%} of the examples"
            words.append(f"{alike:.2f} on average{_in(name)} ({also})")
    if not words:
        return "Every group has a single checkpoint; the matrix of all pairs compares them."
    return f"The test predictions of two checkpoints correlate by {_listed(words)}."


def _search(result: "xr.Dataset") -> str:
    from landscape.core.search_measures import best_trial, last_values

    count = result.sizes["trial"]
    best = best_trial(result)
    if best is None:
        return f"None of {count} trials has a validation error."
    settings = [
        f"{str(name).replace('_', ' ')} {float(value):.3g}"
        for name, value in zip(result["parameter"].values, result["value"].values[best], strict=True)
    ]
    error = float(last_values(result, "validation_error")[best])
    return f"The best of {count} trials has a validation error of {error:.1%}, with {_listed(settings)}."


def _groups(result: "xr.Dataset") -> dict[str, list[int]]:
    """Places of the checkpoints of each group, by its name."""
    names = [str(name) for name in result["checkpoint_group"].values]
    return {
        name: [place for place, each in enumerate(names) if each == name] for name in dict.fromkeys(names)
    }


def _at_most(values: np.ndarray) -> str:
    """How high known errors go."""
    if not values.size:
        return "is not known yet"
    return "diverges" if np.isinf(values).any() else f"reaches {values.max():.1%}"


def _in(group: str) -> str:
    return f" in {group}" if group else ""


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def _at_checkpoints(result: "xr.Dataset", measure: Measure, split: Split) -> np.ndarray:
    return result[f"own_{measure}"].sel(split=split).values


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


_FINDINGS: "dict[str, Callable[[xr.Dataset], str]]" = {
    "line": _line,
    "plane": _plane,
    "fan": _fan,
    "ensemble": _ensemble,
    "diversity": _diversity,
    "search": _search,
}
