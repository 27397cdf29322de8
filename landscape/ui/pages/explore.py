"""Explore: one result, drawn, turned, clicked and exported."""

import re

import streamlit as st
import xarray as xr
from streamlit.delta_generator import DeltaGenerator

from landscape.core.results import is_complete
from landscape.figures import FigureStyle
from landscape.ui.chart import Click, show_chart
from landscape.ui.controls import reset_clips, show_controls
from landscape.ui.errors import guarded
from landscape.ui.exhibits import Exhibit, find_exhibit, list_exhibits, poster_url
from landscape.ui.exports import show_exports
from landscape.ui.labels import label_exhibits
from landscape.ui.navigation import go_to
from landscape.ui.pictures import dark_theme, draw_result, probe_of, read_result
from landscape.ui.readout import show_readout
from landscape.ui.recipe import show_recipe
from landscape.ui.state import keep_in_address, open_home, place_in_address, shipped_folder
from landscape.ui.text import plain


@guarded
def page() -> None:
    """The whole page."""
    exhibits = list_exhibits(open_home(), shipped=shipped_folder())
    if not exhibits:
        _show_empty()
        return
    header = st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="header"
    )
    finding = st.empty()
    picker = st.container(key="picker")  # a row of its own: titles are long and differ at their ends
    controls = st.container(horizontal=True, gap="medium", key="controls")
    exhibit = _choose(exhibits, picker)
    _forget_clips(exhibit)
    with header:
        st.title(plain(exhibit.title), anchor=False, width="content")
        menus = st.container(horizontal=True, width="content")
    if exhibit.finding:
        finding.markdown(plain(exhibit.finding))
    result = read_result(exhibit.path)
    if not is_complete(result):
        st.warning(
            "This result is not complete; what has been evaluated is drawn.", icon=":material/hourglass:"
        )
    style = show_controls(result, controls=controls, menus=menus, dark=dark_theme())
    with menus:
        show_exports(exhibit.path, style, name=_file_name(exhibit))
    _show_figure(exhibit, result, style)
    show_recipe(result)
    _show_data(result, style)


def _choose(exhibits: list[Exhibit], slot: DeltaGenerator) -> Exhibit:
    wanted = st.query_params.get("result")
    found = find_exhibit(exhibits, wanted)
    if wanted and found is None:
        st.warning(
            f"There is no result {plain(wanted[:40])} in this working folder; another one is shown.",
            icon=":material/search_off:",
        )
    by_id = {exhibit.id: exhibit for exhibit in exhibits}
    labels = label_exhibits(exhibits)
    with slot:
        chosen = st.selectbox(
            "Result",
            list(by_id),
            index=exhibits.index(found) if found else 0,
            format_func=labels.__getitem__,
            key="shown",
            on_change=_remember_choice,
        )
    return by_id[chosen]


def _remember_choice() -> None:
    st.query_params["result"] = st.session_state["shown"]
    keep_in_address("at", None)


def _forget_clips(exhibit: Exhibit) -> None:
    """A limit that was set for one result would hide much of the next; one from the address is for the first."""
    if st.session_state.setdefault("clips_of", exhibit.id) != exhibit.id:
        st.session_state["clips_of"] = exhibit.id
        reset_clips()


def _show_figure(exhibit: Exhibit, result: xr.Dataset, style: FigureStyle) -> None:
    drawing = draw_result(exhibit.path, style)
    place = place_in_address("at")
    figure, panel = st.columns([5, 2], gap="medium")
    with figure:
        clicked = show_chart(
            drawing.json,
            key="figure",
            view=exhibit.id,
            alt=drawing.alt,
            probe=probe_of(drawing, result, place),
            poster=poster_url(exhibit, dark=style.dark),
        )
        st.caption(plain(drawing.caption))
    if clicked is not None:
        _move_probe(clicked)
    with panel:
        if show_readout(result, place, split=style.split):
            keep_in_address("at", None)
            st.rerun()


def _move_probe(clicked: Click) -> None:
    before = st.query_params.get("at")
    keep_in_address("at", f"{clicked.x:.6g},{clicked.y:.6g}")
    if st.query_params.get("at") != before:
        st.rerun()


def _show_data(result: xr.Dataset, style: FigureStyle) -> None:
    if not st.toggle("Show data", key="data", bind="query-params"):
        return
    table = result[style.measure].sel(split=style.split)
    if result.attrs["study"] == "plane":
        st.caption(f"{style.measure}, {style.split}: rows are beta, columns alpha.")
        frame = table.to_pandas()
        frame.columns = [f"{alpha:.4g}" for alpha in frame.columns]
    else:
        frame = result[style.measure].transpose("t", "split").to_pandas()
    st.dataframe(frame, key="data_table")


def _show_empty() -> None:
    st.title("Explore", anchor=False)
    with st.container(border=True):
        st.markdown("##### There is nothing to show yet")
        st.write("Compute a line or a plane through your own checkpoints; each finished result appears here.")
        if st.button(
            "Open the Workbench", type="primary", icon=":material/construction:", key="to_workbench"
        ):
            go_to("workbench")


def _file_name(exhibit: Exhibit) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", exhibit.title).strip("-").lower()[:60] or exhibit.study
