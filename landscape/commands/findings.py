"""One sentence that says what is to be seen in a result, made from its numbers."""

from typing import TYPE_CHECKING

import numpy as np

from landscape.core.measures import line_barrier

if TYPE_CHECKING:
    import xarray as xr


def finding(result: "xr.Dataset") -> str:
    """The sentence for a line or plane result; cross-entropy without weight decay, and test error."""
    return _line(result) if result.attrs["study"] == "line" else _plane(result)


def _line(result: "xr.Dataset") -> str:
    first, last = (str(label) for label in result["checkpoint"].values)
    at_ends = result["own_nll"].sel(split="train").values
    found = line_barrier(result, measure="nll", split="train")
    if np.isinf(found.height):
        return f"On the straight line from {first} to {last} the network diverges at t = {found.t:.2f}."
    if found.height == 0:
        return (
            f"There is no barrier between {first} and {last}: the train cross-entropy nowhere rises above the straight "
            f"line between its end values of {at_ends[0]:.2g} and {at_ends[1]:.2g} nats."
        )
    t = result["t"].values
    between = result["error"].sel(split="test").values[(t >= 0) & (t <= 1)]
    errors = result["own_error"].sel(split="test").values
    return (
        f"Between {first} and {last} the train cross-entropy rises {found.height:.2g} nats above the straight line "
        f"between its end values (most at t = {found.t:.2f}), and the test error reaches {between.max():.1%}, against "
        f"{errors[0]:.1%} and {errors[1]:.1%} at the ends."
    )


def _plane(result: "xr.Dataset") -> str:
    middle = result.sel(
        alpha=float(result["checkpoint_alpha"].mean()),
        beta=float(result["checkpoint_beta"].mean()),
        method="nearest",
    )
    losses = result["own_nll"].sel(split="train").values
    errors = result["own_error"].sel(split="test").values
    return (
        f"At the three checkpoints the train cross-entropy is {_listed(losses)} nats and the test error "
        f"{', '.join(f'{error:.1%}' for error in errors[:-1])} and {errors[-1]:.1%}; at the grid point nearest to the "
        f"mean of the three it is {float(middle['nll'].sel(split='train')):.2g} nats and "
        f"{float(middle['error'].sel(split='test')):.1%}."
    )


def _listed(values: np.ndarray) -> str:
    return ", ".join(f"{value:.2g}" for value in values[:-1]) + f" and {values[-1]:.2g}"
