"""Workbench: ask a question about networks, or for networks to be trained; see what it costs, watch it come."""

from typing import assert_never

import streamlit as st

from landscape.core.requests import AnyRequest, TrainRequest
from landscape.ui.choices import name_choices
from landscape.ui.controls import segments
from landscape.ui.errors import guarded
from landscape.ui.evaluation_form import show_evaluation_form
from landscape.ui.grouped_form import show_grouped_form
from landscape.ui.job_view import show_job
from landscape.ui.navigation import go_to
from landscape.ui.questions import QUESTIONS, AboutCheckpoints, Question
from landscape.ui.state import all_checkpoints, keep_in_address, open_jobs
from landscape.ui.train_form import show_search_form, show_train_form

_NOTHING_YET = {
    "picture": (
        "Your picture appears here",
        "Press Run: a picture comes within seconds and sharpens until it is complete. You may close the page "
        "meanwhile; the Jobs page has everything that runs.",
    ),
    "train": (
        "Your run appears here",
        "Press Train: the curves of the learning rate, the loss and the accuracy grow here as the steps are made. The "
        "checkpoints are in the Library as soon as they are kept, and all other questions offer them.",
    ),
    "search": (
        "Your search appears here",
        "Press Search: many settings are tried for a short time, the better ones for longer. The picture shows which "
        "settings did well, and says so if the best lies on the edge of a range. The test images are never looked at.",
    ),
}
# Three snapshots, enough for a line and a plane; 15 to 40 s on two cores.
EXAMPLE = TrainRequest(data="digits", architecture="convnet", recipe="snapshot", cycles=3, epochs=12)


@guarded
def page() -> None:
    """The whole page."""
    st.title("Workbench", anchor=False)
    kind = segments("Question", tuple(QUESTIONS), key="question", names=QUESTIONS)
    form, picture = st.columns([5, 6], gap="large")
    with form:
        _show_form(kind)
    with picture:
        job_id = st.query_params.get("job")
        if job_id:
            show_job(job_id, picture=True)
        else:
            _show_nothing_yet(kind)


def _show_form(kind: Question) -> None:
    match kind:
        case "train":
            request = show_train_form()
        case "search":
            request = show_search_form()
        case "line" | "plane" | "fan" | "ensemble" | "diversity":
            request = _ask_about_checkpoints(kind)
        case _:
            assert_never(kind)
    if request is not None:
        _submit(request)


def _ask_about_checkpoints(
    kind: AboutCheckpoints,
) -> AnyRequest | None:
    choices = name_choices(all_checkpoints())
    if not any(choice.entry.problem is None for choice in choices):
        _show_no_checkpoints()
        return None
    if kind == "line" or kind == "plane":
        return show_evaluation_form(kind, choices)
    return show_grouped_form(kind, choices)


def _show_no_checkpoints() -> None:
    with st.container(border=True):
        st.markdown("##### There are no checkpoints yet")
        st.write(
            "These questions are about trained networks: a line needs two, a plane three. Train a small example, or "
            "bring your own."
        )
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


def _show_nothing_yet(kind: Question) -> None:
    heading, words = _NOTHING_YET[kind if kind in ("train", "search") else "picture"]
    with st.container(border=True, key="nothing_yet"):
        st.markdown(f"##### {heading}")
        st.write(words)
