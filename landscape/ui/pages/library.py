"""Library: every checkpoint there is, and the door through which files come in."""

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from landscape.service.library import CheckpointEntry, RunEntry, list_runs
from landscape.service.uploads import delete_upload, uploads
from landscape.ui.errors import guarded
from landscape.ui.job_words import describe_run
from landscape.ui.navigation import go_to
from landscape.ui.run_tables import ORIGINS, choose_checkpoint, choose_runs
from landscape.ui.state import all_checkpoints, open_home, shipped_folder
from landscape.ui.text import plain
from landscape.ui.training_view import show_comparison, show_training
from landscape.ui.uploading import show_uploader

if TYPE_CHECKING:
    from landscape.training.runs import Run


@guarded
def page() -> None:
    """The whole page."""
    st.title("Library", anchor=False)
    show_uploader()
    # What came in last is looked for first; the sort keeps the order within each origin, which is newest first.
    entries = sorted(all_checkpoints(), key=lambda entry: list(ORIGINS).index(entry.origin))
    runs = sorted(
        list_runs(open_home(), extra=shipped_folder()), key=lambda run: list(ORIGINS).index(run.origin)
    )
    for run in runs:
        if run.problem:
            st.warning(plain(run.problem), icon=":material/warning:")
    readable = [(entry, entry.run) for entry in runs if entry.run is not None]
    if readable:
        _show_runs(readable)
    if entries:
        _show_checkpoints(entries)
    elif not readable:
        _show_empty()


def _show_runs(runs: list[tuple[RunEntry, "Run"]]) -> None:
    chosen = choose_runs(runs, named=st.query_params.get_all("run"))
    if not chosen:
        st.caption("Select a run to see how it was trained; select several to compare them.")
    elif len(chosen) == 1:
        _show_run(chosen[0])
    else:
        with st.container(border=True, key="comparison_panel"):
            st.markdown("##### Compared")
            show_comparison(chosen, key="comparison")


def _show_run(entry: RunEntry) -> None:
    if entry.run is None:
        return
    with st.container(border=True, key="run_panel"):
        st.markdown(f"##### {plain(entry.name)}")
        state = "" if entry.run.complete else " (not complete)"
        st.caption(plain(describe_run(entry.run.request) + state))
        show_training(entry, key="training")


def _show_checkpoints(entries: list[CheckpointEntry]) -> None:
    chosen = choose_checkpoint(entries)
    if chosen is None:
        st.caption("Select a checkpoint to see what it is called in requests, or to delete an upload.")
    elif chosen.origin == "upload":
        _show_upload(chosen)
    else:
        with st.container(border=True, key="checkpoint_panel"):
            st.markdown(f"##### {plain(chosen.label)} of {plain(chosen.group)}")
            st.caption("This is how commands and Python name it.")
            st.code(chosen.reference, language=None)


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


def _show_empty() -> None:
    with st.container(border=True):
        st.markdown("##### No checkpoints yet")
        st.write(
            "Drop files above, or train a run in the Workbench: the digits take a minute on two processor cores."
        )
        if st.button("Train a run", type="primary", icon=":material/construction:", key="to_workbench"):
            go_to("workbench", question="Train a run")
