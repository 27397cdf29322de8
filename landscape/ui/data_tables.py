"""The numbers of a figure as a table."""

import pandas as pd
import xarray as xr

from landscape.core.search_measures import last_values, stages_reached
from landscape.figures import FigureStyle


def data_table(result: xr.Dataset, style: FigureStyle) -> tuple[str, pd.DataFrame]:
    """What the table holds, in words, and the table; one that a style shows another part of holds that part.

    Losses are in nats per example, all else as fractions.
    """
    match result.attrs["study"]:
        case "plane":
            frame = _frame(result[style.measure].sel(split=style.split))
            frame.columns = [f"{alpha:.4g}" for alpha in frame.columns]
            return f"{style.measure}, {style.split}: rows are beta, columns alpha.", frame
        case "fan":
            values = _frame(result[style.measure].sel(split=style.split).transpose("t", "pair"))
            labels = result["checkpoint"].values.astype(str)
            values.columns = [labels[place] for place in result["pair_first"].values]
            return (
                f"{style.measure}, {style.split}: rows are t, one column per line, by its first end.",
                values,
            )
        case "ensemble":
            chosen = result[style.quality].sel(split=style.split, order=style.order)
            words = f"{style.quality}, {style.split}: rows are sizes ({style.order} members), columns groups."
            return words, _frame(chosen.transpose("size", "group"))
        case "diversity":
            chosen = result[style.matrix].sel(split=style.split)
            variant = f", {style.variant}" if style.matrix == "correlation" else ""
            chosen = chosen.sel(variant=style.variant) if variant else chosen
            return f"{style.matrix}{variant}, {style.split}.", _frame(chosen)
        case "search":
            return "One row per trial; errors and losses on the held-out training images.", search_table(
                result
            )
        case _:
            return f"{style.measure}: rows are t.", _frame(result[style.measure].transpose("t", "split"))


def search_table(result: xr.Dataset) -> pd.DataFrame:
    """One row per trial: its settings, the stages it reached, its last validation error and loss."""
    table = pd.DataFrame(result["value"].values, columns=[str(name) for name in result["parameter"].values])
    table.insert(0, "trial", result["trial"].values)
    table["stages"] = stages_reached(result)
    table["validation error"] = last_values(result, "validation_error")
    table["validation loss"] = last_values(result, "validation_loss")
    table["state"] = result["state"].values.astype(str)
    table["run"] = result["run"].values.astype(str)
    return table


def _frame(array: xr.DataArray) -> pd.DataFrame:
    """A table of an array with two dimensions, its coordinates as names of rows and columns."""
    rows, columns = (array[name].values for name in array.dims)
    return pd.DataFrame(array.values, index=pd.Index(rows, name=str(array.dims[0])), columns=list(columns))
