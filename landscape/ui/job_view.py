"""A job on the screen: how far it is, how long it takes, what it shows already; stop, resume, log."""

from pathlib import Path
from typing import Literal

import streamlit as st

from landscape.core.errors import ResultError, StoreError
from landscape.core.requests import request_from_json
from landscape.figures import usual_style
from landscape.service.home import PARTIAL_FILE, Home
from landscape.service.jobs import Job, JobState
from landscape.service.library import RunEntry, list_runs
from landscape.service.store import Store
from landscape.ui.chart import show_chart
from landscape.ui.choices import name_choices
from landscape.ui.errors import guarded
from landscape.ui.exhibits import result_id
from landscape.ui.job_words import count, describe
from landscape.ui.navigation import go_to
from landscape.ui.pictures import dark_theme, draw_result
from landscape.ui.state import all_checkpoints, open_home, open_jobs, shipped_folder
from landscape.ui.text import duration, plain
from landscape.ui.training_view import show_training

POLL_SECONDS = 1.0
_LOG_LINES = 200

_Color = Literal["gray", "blue", "green", "red", "orange"]
_BADGES: dict[JobState, tuple[str, str, _Color]] = {
    "waiting": ("Waiting", ":material/schedule:", "gray"),
    "running": ("Running", ":material/play_arrow:", "blue"),
    "done": ("Done", ":material/check:", "green"),
    "failed": ("Failed", ":material/error:", "red"),
    "cancelled": ("Stopped", ":material/pause:", "orange"),
}


def is_active(job: Job) -> bool:
    """Whether the job still changes by itself."""
    return job.state in ("waiting", "running")


def show_job(job_id: str, *, picture: bool) -> None:
    """Show a job, and follow it as long as it changes.

    Args:
        job_id: Which one.
        picture: Whether to draw what it has computed so far.
    """
    job = open_jobs().find(job_id)
    if job is None:
        st.warning(f"There is no job {plain(job_id[:40])}; the Jobs page lists those there are.")
        return
    # The fragment alone runs again while the job works; once it ends or goes on, the page does, to set the clock.
    every = POLL_SECONDS if is_active(job) else None
    st.fragment(guarded(_follow), run_every=every)(job_id, picture, every is not None)


def _follow(job_id: str, picture: bool, was_active: bool) -> None:
    job = open_jobs().find(job_id)
    if job is None or is_active(job) != was_active:
        st.rerun()
    with st.container(border=True, key=f"job_{job.id}"):
        _show_head(job)
        _show_progress(job)
        if job.error:
            st.error(plain(job.error), icon=":material/error:")
        if picture and job.study == "train":
            _show_run(job)
        elif picture:
            _show_picture(job)
        if not picture:
            _show_log(job)


def _show_head(job: Job) -> None:
    label, icon, color = _BADGES[job.state]
    title, about = describe(job, _names())
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            st.badge(label, icon=icon, color=color)
            st.markdown(f"**{plain(title)}**", width="content")
        with st.container(horizontal=True, width="content"):
            _show_buttons(job)
    if job.study in ("line", "plane", "fan"):
        about += ". The count includes the checkpoints themselves, evaluated as a check."
    st.caption(plain(about))


def _names() -> dict[str, str]:
    return {choice.entry.reference: choice.name for choice in name_choices(all_checkpoints())}


def _show_buttons(job: Job) -> None:
    jobs = open_jobs()
    match job.state:
        case "waiting" | "running":
            st.button(
                "Stop", key=f"stop_{job.id}", icon=":material/stop:", on_click=guarded(_stop), args=(job.id,)
            )
        case "failed" | "cancelled":
            st.button(
                "Resume",
                key=f"resume_{job.id}",
                icon=":material/play_arrow:",
                on_click=guarded(_resume),
                args=(job.id,),
                help="Goes on from what has been finished.",
            )
        case "done" if job.study != "train":
            if st.button(
                "Open in Explore", key=f"open_{job.id}", icon=":material/landscape:", type="primary"
            ):
                go_to("explore", result=result_id(Store(jobs.home).follow(job.key)))
        case "done":
            if st.button(
                "Show in Library", key=f"open_{job.id}", icon=":material/inventory_2:", type="primary"
            ):
                entry = find_run_of(job)
                go_to("library", **({} if entry is None else {"run": entry.name}))


def _stop(job_id: str) -> None:
    open_jobs().cancel(job_id)
    st.session_state[f"stopping_{job_id}"] = True


def _resume(job_id: str) -> None:
    open_jobs().resume(job_id)
    st.session_state.pop(f"stopping_{job_id}", None)


def _show_progress(job: Job) -> None:
    fraction = min(1.0, job.done / job.total) if job.total else 0.0
    match job.state:
        case "waiting":
            st.progress(fraction, text="Waiting for its turn")
        case "running":
            st.progress(fraction, text=_running_words(job))
        case "cancelled" | "failed":
            st.progress(
                fraction, text=f"{count(job)}; what is finished is kept" if job.total else "Not begun"
            )
        case "done":
            seconds = (job.finished or 0) - (job.started or job.finished or 0)
            st.caption(f"{count(job)} in {duration(seconds)}" if job.total else "Found in the store")


def _running_words(job: Job) -> str:
    if st.session_state.get(f"stopping_{job.id}"):
        return "Stopping after this chunk"
    if not job.total:
        return "Loading"
    words = [count(job)]
    if job.study in ("train", "search") and job.note:
        words.append(plain(job.note))
    if job.eta is not None:
        words.append(f"about {duration(job.eta)} left")
    return " · ".join(words)


def _show_picture(job: Job) -> None:
    path = picture_file(job, open_home())
    if path is None:
        if is_active(job):
            st.caption("The first picture comes as soon as a coarse grid is finished.")
            st.skeleton(height=420)
        return
    style = usual_style(job.study, dark=dark_theme(), title="")
    try:
        drawing = draw_result(path, style)
    except (ResultError, OSError):
        return  # it was finished, and with that replaced, in this very moment
    show_chart(drawing.json, key=f"picture_{job.id}", view=job.key, alt=drawing.alt, height=520)
    if job.state == "done":
        st.caption(plain(drawing.caption))


def _show_run(job: Job) -> None:
    entry = find_run_of(job)
    if entry is not None:
        show_training(entry, key=f"training_{job.id}")
    elif is_active(job):
        st.caption("The curves come as soon as the first steps are made.")
        st.skeleton(height=420)


def find_run_of(job: Job) -> RunEntry | None:
    """The run that a training job makes or has made; None as long as it has no folder."""
    runs = list_runs(open_home(), extra=shipped_folder())
    if job.result is not None:
        return next((run for run in runs if run.folder == job.result), None)
    request = request_from_json(job.request_json)
    return next((run for run in runs if run.run is not None and run.run.request == request), None)


def picture_file(job: Job, home: Home) -> Path | None:
    """The job's result, or what there is of it so far; None if nothing can be drawn yet."""
    try:
        folder = home.result_folder(Store(home).follow(job.key))
    except StoreError:
        return None
    candidates = (job.result, folder / PARTIAL_FILE)
    return next((path for path in candidates if path is not None and path.is_file()), None)


def _show_log(job: Job) -> None:
    with st.expander("Log", icon=":material/subject:"):
        lines = open_jobs().log(job.id).splitlines()[-_LOG_LINES:]
        st.code("\n".join(lines) or "Nothing has been written yet.", language=None, height=220)
