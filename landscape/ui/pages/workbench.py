"""Workbench: ask for a line, a plane or a training run, see what it costs, watch it come."""

from typing import Literal, assert_never

import streamlit as st

from landscape.core.requests import AnyRequest, TrainRequest
from landscape.ui.choices import name_choices
from landscape.ui.controls import segments
from landscape.ui.errors import guarded
from landscape.ui.evaluation_form import show_evaluation_form
from landscape.ui.job_view import show_job
from landscape.ui.navigation import go_to
from landscape.ui.state import all_checkpoints, keep_in_address, open_jobs
from landscape.ui.train_form import show_train_form

Kind = Literal["line", "plane", "train"]
_KINDS: dict[Kind, str] = {
    "line": "Line through two",
    "plane": "Plane through three",
    "train": "Train a run",
}
# Three snapshots, enough for a line and a plane; 15 to 40 s on two cores.
EXAMPLE = TrainRequest(data="digits", architecture="convnet", recipe="snapshot", cycles=3, epochs=12)


@guarded
def page() -> None:
    """The whole page."""
    st.title("Workbench", anchor=False)
    kind = segments("Question", tuple(_KINDS), key="question", names=_KINDS)
    form, picture = st.columns([5, 6], gap="large")
    with form:
        _show_form(kind)
    with picture:
        job_id = st.query_params.get("job")
        if job_id:
            show_job(job_id, picture=True)
        else:
            _show_nothing_yet(kind)


def _show_form(kind: Kind) -> None:
    match kind:
        case "train":
            request = show_train_form()
        case "line" | "plane":
            choices = name_choices(all_checkpoints())
            if not any(choice.entry.problem is None for choice in choices):
                _show_no_checkpoints()
                return
            request = show_evaluation_form(kind, choices)
        case _:
            assert_never(kind)
    if request is not None:
        _submit(request)


def _show_no_checkpoints() -> None:
    with st.container(border=True):
        st.markdown("##### There are no checkpoints yet")
        st.write("A line needs two checkpoints, a plane three. Train a small example, or bring your own.")
        with st.container(horizontal=True):
            example = st.button("Train the example (under a minute)", type="primary", key="train_example")
            if st.button("Upload checkpoints", key="to_library", icon=":material/upload:"):
                go_to("library")
    if example:
        _submit(EXAMPLE)


@guarded  # a refusal stands beside the form, and the job that is shown stays
def _submit(request: AnyRequest) -> None:
    keep_in_address("job", open_jobs().submit(request).id)
    st.rerun()


def _show_nothing_yet(kind: Kind) -> None:
    with st.container(border=True, key="nothing_yet"):
        if kind == "train":
            st.markdown("##### Your run appears here")
            st.write(
                "Press Train: the steps are counted here as they are made, and the curves follow when the run is "
                "finished. Its checkpoints are then in the Library, and the line and the plane offer them."
            )
            return
        st.markdown("##### Your picture appears here")
        st.write(
            "Press Run: a coarse picture comes within seconds and sharpens until it is complete. You may close the "
            "page meanwhile; the Jobs page has everything that runs."
        )
