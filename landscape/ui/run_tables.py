"""Runs and checkpoints as tables, from which the reader chooses."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from landscape.core.errors import TrainingError
from landscape.service.library import CheckpointEntry, Origin, RunEntry
from landscape.ui.text import plural
from landscape.ui.training_words import RECIPE_WORDS

if TYPE_CHECKING:
    from landscape.training.runs import Run

ORIGINS: dict[Origin, str] = {"upload": "upload", "run": "your run", "pretrained": "example"}  # in this order
_NO_VALUE = "–"  # noqa: RUF001  # an en dash stands for no value
_MANY, _TALL = 8, 320  # above so many rows a table is as high as so many pixels, and scrolls


def choose_runs(runs: Sequence[tuple[RunEntry, "Run"]], *, named: Sequence[str]) -> list[RunEntry]:
    """A table of runs; returns those that are selected.

    Args:
        runs: What to list.
        named: Names of those that are selected at first, from the address.
    """
    st.markdown(f"##### {plural(len(runs), 'run')}")
    table = pd.DataFrame([_run_row(entry, run) for entry, run in runs])
    first = [row for row, (entry, _) in enumerate(runs) if entry.name in named]
    event = st.dataframe(
        table,
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": first}},
        key="runs_table",
        height=_TALL if len(runs) > _MANY else "content",
        column_config={
            "of the average": st.column_config.NumberColumn(format="percent"),
            "test accuracy": st.column_config.NumberColumn(format="percent"),
        },
        alt="Table of all runs",
        placeholder=_NO_VALUE,
    )
    return [runs[row][0] for row in event.selection.rows if row < len(runs)]


def choose_checkpoint(entries: Sequence[CheckpointEntry]) -> CheckpointEntry | None:
    """A table of checkpoints; returns the one that is selected."""
    st.markdown(f"##### {plural(len(entries), 'checkpoint')}")
    table = pd.DataFrame(
        [
            {
                "from": ORIGINS[entry.origin],
                "run": entry.group if entry.origin != "upload" else "",
                "checkpoint": entry.label,
                "kind": entry.kind or None,
                "architecture": entry.architecture or "unknown",
                "parameters": entry.parameters or None,
                "data": entry.data or "unknown",
                "test accuracy": entry.metrics.get("test_accuracy"),
                "digest": (entry.digest or "")[:12],
                "problem": entry.problem or "",
            }
            for entry in entries
        ]
    )
    if not any(entry.problem for entry in entries):
        table = table.drop(columns="problem")
    event = st.dataframe(
        table,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="checkpoints_table",
        column_config={
            "parameters": st.column_config.NumberColumn(format="localized"),
            "test accuracy": st.column_config.NumberColumn(format="percent"),
        },
        alt="Table of all checkpoints",
        placeholder=_NO_VALUE,
    )
    rows = event.selection.rows
    return entries[rows[0]] if rows and rows[0] < len(entries) else None


def _run_row(entry: RunEntry, run: "Run") -> dict[str, object]:
    request = run.request
    try:
        history = run.history
    except TrainingError:  # the panel of that run says so
        history = {}
    accuracy = history.get("checkpoint_test_accuracy", np.zeros(0))
    average = history.get("average_test_accuracy", np.zeros(0))
    return {
        "from": ORIGINS[entry.origin],
        "run": entry.name,
        "recipe": RECIPE_WORDS[request.recipe].name,
        "test accuracy": float(accuracy[-1]) if len(accuracy) else None,
        "of the average": float(average[-1]) if len(average) else None,
        "epochs": request.epochs * (request.cycles if request.recipe == "independent" else 1),
        "architecture": request.architecture,
        "optimiser": request.optimizer,
        "highest rate": request.learning_rate,
        "seed": request.seed,
        "state": "complete" if run.complete else "not complete",
        "data": run.data.name,
    }
