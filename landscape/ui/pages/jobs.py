"""Jobs: everything that runs, waits or has run in this working folder."""

import streamlit as st

from landscape.ui.errors import guarded
from landscape.ui.job_view import show_job
from landscape.ui.navigation import go_to
from landscape.ui.state import open_jobs
from landscape.ui.text import plural

_PER_PAGE = 10


@guarded
def page() -> None:
    """The whole page."""
    st.title("Jobs", anchor=False)
    jobs = open_jobs().list()
    if not jobs:
        _show_empty()
        return
    running = sum(job.state == "running" for job in jobs)
    waiting = sum(job.state == "waiting" for job in jobs)
    st.caption(
        f"{plural(len(jobs), 'job')}: {running} running, {waiting} waiting. Jobs go on when this page is closed."
    )
    shown = _PER_PAGE
    if len(jobs) > _PER_PAGE:
        pages = -(-len(jobs) // _PER_PAGE)
        first = (st.pagination(pages, key="jobs_page", bind="query-params") - 1) * _PER_PAGE
        jobs = jobs[first : first + shown]
    for job in jobs:
        show_job(job.id, picture=False)


def _show_empty() -> None:
    with st.container(border=True):
        st.markdown("##### Nothing has been computed yet")
        st.write("Whatever you start in the Workbench appears here, with its progress and its log.")
        if st.button(
            "Open the Workbench", type="primary", icon=":material/construction:", key="to_workbench"
        ):
            go_to("workbench")
