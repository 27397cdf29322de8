"""How long a request will take, beside its button."""

import streamlit as st

from landscape.core.requests import AnyRequest
from landscape.ui.errors import guarded
from landscape.ui.estimates import ESTIMATES, Estimate, Refusal, Unknown
from landscape.ui.state import open_home
from landscape.ui.text import duration, plain

_ASK_SECONDS = 0.5


def show_run_button(request: AnyRequest, *, measured: bool = True) -> bool:
    """A button with the estimate beside it; returns whether it was pressed.

    Args:
        request: What it would run.
        measured: Whether there is an estimate for such a request.
    """
    if not measured:
        return st.button("Run", type="primary", icon=":material/play_arrow:", key="run")
    found = ESTIMATES.find(request, open_home())
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            "Run",
            type="primary",
            icon=":material/play_arrow:",
            key="run",
            disabled=isinstance(found, Refusal),
        )
        st.fragment(guarded(_follow_estimate), run_every=_ASK_SECONDS if found is None else None)(
            request, found is None
        )
    return pressed


def _follow_estimate(request: AnyRequest, measuring: bool) -> None:
    found = ESTIMATES.find(request, open_home())
    if measuring and found is not None:
        st.rerun()  # the whole page: it may have to take the Run button back
    match found:
        case None:
            st.caption(":material/timer: Measuring how long it takes …")
        case Estimate(seconds, points, images):
            span = duration(seconds)
            time = span.capitalize() if span.startswith("under") else f"About {span}"
            st.caption(f":material/timer: **{time}**: {points:,} points of {images:,} images each, measured.")
        case Unknown():
            st.caption(":material/timer: The time could not be measured; Run shows it as it goes.")
        case Refusal(sentence):
            st.error(plain(sentence), icon=":material/error:")
            if st.button("Look again", key="estimate_again", type="tertiary"):
                ESTIMATES.forget(request, open_home())
                st.rerun()
