"""Library: every checkpoint there is, and the door through which files come in."""

import pandas as pd
import streamlit as st

from landscape.service.library import CheckpointEntry, RunEntry, list_runs
from landscape.service.uploads import delete_upload, uploads
from landscape.ui.errors import guarded
from landscape.ui.navigation import go_to
from landscape.ui.state import all_checkpoints, open_home, shipped_folder
from landscape.ui.text import plain, plural
from landscape.ui.training_view import show_training
from landscape.ui.uploading import show_uploader

_ORIGINS = {"upload": "upload", "run": "your run", "pretrained": "example"}  # in the order of the table


@guarded
def page() -> None:
    """The whole page."""
    st.title("Library", anchor=False)
    show_uploader()
    # What came in last is looked for first; the sort keeps the order within each origin, which is newest first.
    entries = sorted(all_checkpoints(), key=lambda entry: list(_ORIGINS).index(entry.origin))
    _show_problems(entries)
    if not entries:
        _show_empty()
        return
    chosen = _show_table(entries)
    if chosen is None:
        st.caption("Select a row to see how the run was trained, or to delete an upload.")
    elif chosen.origin == "upload":
        _show_upload(chosen)
    else:
        _show_run(chosen)


def _show_table(entries: list[CheckpointEntry]) -> CheckpointEntry | None:
    st.markdown(f"##### {plural(len(entries), 'checkpoint')}")
    table = pd.DataFrame(
        [
            {
                "from": _ORIGINS[entry.origin],
                "run": entry.group if entry.origin != "upload" else "",
                "checkpoint": entry.label,
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
        placeholder="–",  # noqa: RUF001  # an en dash stands for no value
    )
    rows = event.selection.rows
    return entries[rows[0]] if rows and rows[0] < len(entries) else None


def _show_run(entry: CheckpointEntry) -> None:
    runs = {run.name: run for run in list_runs(open_home(), extra=shipped_folder())}
    found: RunEntry | None = runs.get(entry.group)
    if found is None or found.run is None:
        return
    request = found.run.request
    with st.container(border=True, key="run_panel"):
        st.markdown(f"##### {plain(found.name)}")
        st.caption(
            plain(
                f"{request.architecture} on {found.run.data.name}, {request.recipe} recipe, {request.epochs} epochs, "
                f"learning rate {request.learning_rate:g}, batch size {request.batch_size}, seed {request.seed}"
                + ("" if found.run.complete else " (not complete)")
            )
        )
        st.code(entry.reference, language=None)
        show_training(found, key="training")


def _show_upload(entry: CheckpointEntry) -> None:
    upload = next((upload for upload in uploads(open_home()) if upload.weights == entry.file), None)
    if upload is None:
        return
    manifest = upload.manifest
    with st.container(border=True, key="upload_panel"):
        st.markdown(f"##### {plain(manifest.name)}")
        for warning in (*([entry.problem] if entry.problem else []), *manifest.warnings):
            st.warning(plain(warning), icon=":material/warning:")
        facts = [
            ("found in", manifest.found_in or "top level"),
            ("prefixes taken off", ", ".join(manifest.prefixes) or "none"),
            ("left out", ", ".join(manifest.dropped) or "nothing"),
            ("converted", ", ".join(manifest.casts) or "nothing"),
            ("bytes", f"{manifest.size:,}"),
            ("sha256 of the file", manifest.sha256),
        ]
        st.dataframe(pd.DataFrame(facts, columns=["", "value"]), hide_index=True, key="upload_facts")
        if st.button("Delete this upload", icon=":material/delete:", key="delete_upload"):
            delete_upload(upload)
            st.rerun()


def _show_problems(entries: list[CheckpointEntry]) -> None:
    broken = [run for run in list_runs(open_home(), extra=shipped_folder()) if run.problem]
    for run in broken:
        st.warning(plain(str(run.problem)), icon=":material/warning:")


def _show_empty() -> None:
    with st.container(border=True):
        st.markdown("##### No checkpoints yet")
        st.write(
            "Drop files above, or train a run in the Workbench: the digits take a minute on two processor cores."
        )
        if st.button("Train a run", type="primary", icon=":material/construction:", key="to_workbench"):
            go_to("workbench", question="Train a run")
