"""Explore: one result, drawn, turned, clicked and exported."""

import re

import streamlit as st
import xarray as xr
from streamlit.delta_generator import DeltaGenerator

from landscape.core.results import is_complete
from landscape.figures import FigureStyle
from landscape.figures.findings import finding
from landscape.ui.chart import Click, show_chart
from landscape.ui.controls import reset_clips, show_controls
from landscape.ui.data_tables import data_table
from landscape.ui.errors import guarded
from landscape.ui.exhibits import Exhibit, find_exhibit, list_exhibits, poster_url
from landscape.ui.exports import show_exports
from landscape.ui.labels import label_exhibits
from landscape.ui.navigation import go_to
from landscape.ui.pair_readout import show_pair
from landscape.ui.pairs import Pair, pair_at, probe_of_pair
from landscape.ui.pictures import Drawing, dark_theme, draw_result, probe_of, read_result
from landscape.ui.readout import show_readout
from landscape.ui.recipe import show_recipe
from landscape.ui.state import keep_in_address, open_home, place_in_address, shipped_folder
from landscape.ui.summaries import show_ensembles, show_search
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
    headline = st.empty()
    picker = st.container(key="picker")  # a row of its own: titles are long and differ at their ends
    controls = st.container(horizontal=True, gap="medium", key="controls")
    exhibit = _choose(exhibits, picker)
    _forget_clips(exhibit)
    with header:
        st.title(plain(exhibit.title), anchor=False, width="content")
        menus = st.container(horizontal=True, width="content")
    result = read_result(exhibit.path)
    if is_complete(result):
        headline.markdown(plain(exhibit.finding or finding(result)))
    else:
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
    keep_in_address("pair", None)


def _forget_clips(exhibit: Exhibit) -> None:
    """A limit that was set for one result would hide much of the next; one from the address is for the first."""
    if st.session_state.setdefault("clips_of", exhibit.id) != exhibit.id:
        st.session_state["clips_of"] = exhibit.id
        reset_clips()


def _show_figure(exhibit: Exhibit, result: xr.Dataset, style: FigureStyle) -> None:
    drawing = draw_result(exhibit.path, style)
    figure, panel = st.columns([5, 2], gap="medium")
    place, pair = place_in_address("at"), _pair_in_address(result)
    with figure:
        clicked = show_chart(
            drawing.json,
            key="figure",
            view=_view(exhibit, style),
            alt=drawing.alt,
            probe=probe_of_pair(drawing.pairs, pair) if drawing.pairs else probe_of(drawing, result, place),
            poster=poster_url(exhibit, dark=style.dark),
            height=drawing.height,
        )
        st.caption(plain(drawing.caption))
    if clicked is not None:
        _move_mark(clicked, drawing, result)
    with panel:
        _show_panel(result, style, place, pair)


def _view(exhibit: Exhibit, style: FigureStyle) -> str:
    """Under this name the browser keeps the zoom: figures with other axes are another view."""
    match exhibit.study:
        case "line" | "plane":
            return exhibit.id
        case "fan":
            return f"{exhibit.id} {style.measure} {style.ranges}"
        case "ensemble":
            return f"{exhibit.id} {style.quality}"
        case _:
            return f"{exhibit.id} {style.pairs}"


def _show_panel(
    result: xr.Dataset, style: FigureStyle, place: tuple[float, float] | None, pair: Pair | None
) -> None:
    match result.attrs["study"]:
        case "fan" | "diversity":
            if show_pair(result, pair, style):
                keep_in_address("pair", None)
                st.rerun()
        case "ensemble":
            show_ensembles(result, style)
        case "search":
            show_search(result)
        case _:
            if show_readout(result, place, split=style.split):
                keep_in_address("at", None)
                st.rerun()


def _move_mark(clicked: Click, drawing: Drawing, result: xr.Dataset) -> None:
    before = dict(st.query_params)
    if drawing.pairs:
        pair = pair_at(drawing.pairs, clicked)
        if pair is not None:
            keep_in_address("pair", f"{pair[0]},{pair[1]}")
    elif result.attrs["study"] in ("line", "plane"):
        keep_in_address("at", f"{clicked.x:.6g},{clicked.y:.6g}")
    if dict(st.query_params) != before:
        st.rerun()


def _pair_in_address(result: xr.Dataset) -> Pair | None:
    """The pair that the address names; None if it names none that the result has."""
    place = place_in_address("pair")
    if place is None or result.attrs["study"] not in ("fan", "diversity"):
        return None
    first, last = int(place[0]), int(place[1])
    if result.attrs["study"] == "fan":
        pairs = zip(result["pair_first"].values.tolist(), result["pair_last"].values.tolist(), strict=True)
        return (first, last) if (first, last) in pairs else None
    count = result.sizes["checkpoint"]
    return (first, last) if 0 <= min(first, last) <= max(first, last) < count and first != last else None


def _show_data(result: xr.Dataset, style: FigureStyle) -> None:
    if st.toggle("Show data", key="data", bind="query-params"):
        words, frame = data_table(result, style)
        st.caption(words)
        st.dataframe(frame, key="data_table")


def _show_empty() -> None:
    st.title("Explore", anchor=False)
    with st.container(border=True):
        st.markdown("##### There is nothing to show yet")
        st.write("Ask about your own networks in the Workbench; each finished result appears here.")
        if st.button(
            "Open the Workbench", type="primary", icon=":material/construction:", key="to_workbench"
        ):
            go_to("workbench")


def _file_name(exhibit: Exhibit) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", exhibit.title).strip("-").lower()[:60] or exhibit.study
