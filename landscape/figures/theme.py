"""Everything that is a matter of looks: colours, shapes, fonts, number formats. The only place that knows percent."""

import math
from typing import Any, Literal

import plotly.graph_objects as go

from landscape.core.requests import Measure, Split
from landscape.figures.style import Colors

Stops = tuple[tuple[float, str], ...]

# Low values first. Dark is deep, bright is high, as on a relief; Nunez et al. (2018) on why not a rainbow.
# Written as rgb(): Streamlit rewrites #000001 to #000010 in charts, which turns the darkest stop of magma pink.
COLOR_SCALES: dict[Colors, Stops] = {
    "viridis": (
        (0.0, "rgb(68,1,84)"),
        (0.125, "rgb(71,45,123)"),
        (0.25, "rgb(59,82,139)"),
        (0.375, "rgb(44,114,142)"),
        (0.5, "rgb(33,145,140)"),
        (0.625, "rgb(40,174,128)"),
        (0.75, "rgb(94,201,98)"),
        (0.875, "rgb(173,220,48)"),
        (1.0, "rgb(253,231,37)"),
    ),
    "cividis": (
        (0.0, "rgb(0,34,78)"),
        (0.125, "rgb(18,53,112)"),
        (0.25, "rgb(59,73,108)"),
        (0.375, "rgb(87,93,109)"),
        (0.5, "rgb(112,113,115)"),
        (0.625, "rgb(138,134,120)"),
        (0.75, "rgb(165,156,116)"),
        (0.875, "rgb(195,179,105)"),
        (1.0, "rgb(254,232,56)"),
    ),
    "magma": (
        (0.0, "rgb(0,0,4)"),
        (0.125, "rgb(28,16,68)"),
        (0.25, "rgb(79,18,123)"),
        (0.375, "rgb(129,37,129)"),
        (0.5, "rgb(181,54,122)"),
        (0.625, "rgb(229,80,100)"),
        (0.75, "rgb(251,135,97)"),
        (0.875, "rgb(254,194,135)"),
        (1.0, "rgb(252,253,191)"),
    ),
    # matplotlib's jet_r, which the released code of Garipov et al. (2018) uses
    "published": (
        (0.0, "rgb(127,0,0)"),
        (0.125, "rgb(255,18,0)"),
        (0.375, "rgb(255,255,0)"),
        (0.625, "rgb(0,255,255)"),
        (0.875, "rgb(0,0,255)"),
        (1.0, "rgb(0,0,127)"),
    ),
}

# Okabe and Ito (2008): told apart by people with any common colour vision.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, ORANGE = "#56B4E9", "#E69F00"
SPLIT_COLORS: dict[Literal["light", "dark"], dict[Split, str]] = {
    "light": {"train": BLUE, "test": VERMILION},
    "dark": {"train": SKY, "test": ORANGE},
}
SPLIT_DASHES: dict[Split, str] = {"train": "solid", "test": "dash"}

INK: dict[bool, str] = {False: "#262730", True: "#E8EAED"}
PAPER: dict[bool, str] = {False: "#FFFFFF", True: "#0E1117"}
GRID: dict[bool, str] = {False: "#E1E4E8", True: "#2F3540"}
MISSING: dict[bool, str] = {False: "#8A9099", True: "#9AA3AF"}
DIVERGED: dict[bool, str] = {False: "#B3261E", True: "#FF8A80"}
MARK_FILL, MARK_LINE = "#FFFFFF", "#111111"

# Shape first, then letter, then colour: shape and letter survive black-and-white print.
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SYMBOLS = ("circle", "square", "diamond", "hexagon", "pentagon", "octagon")
SYMBOLS_3D = ("circle", "square", "diamond", "circle-open", "square-open", "diamond-open")
SYMBOLS_PRINT = ("o", "s", "D", "h", "p", "8")

FONT = "Source Sans, Source Sans Pro, Segoe UI, Helvetica, Arial, sans-serif"
LONGEST_LABEL = 48

# For the app and for stand-alone pages: no button that sends the figure away, a vector picture from the camera button.
PLOTLY_CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtonsToRemove": ["sendChartToCloud", "select2d", "lasso2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "svg", "filename": "landscape"},
}


def rgb(color: str) -> tuple[int, int, int]:
    """The three numbers of an `rgb(r,g,b)` text, 0 to 255."""
    red, green, blue = (int(part) for part in color[4:-1].split(","))
    return red, green, blue


def fill_scale(colors: Colors, *, dark: bool) -> Stops:
    """The scale that fills a map: the published look is pale under strong lines (the released code's alpha of 0.55).

    Mixed with the paper instead of made transparent, so that the colour bar shows the same colours.
    """
    stops = COLOR_SCALES[colors]
    if colors != "published":
        return stops
    paper = [int(PAPER[dark][index : index + 2], 16) for index in (1, 3, 5)]
    mixed = []
    for place, color in stops:
        parts = [round(0.55 * part + 0.45 * under) for part, under in zip(rgb(color), paper, strict=True)]
        mixed.append((place, f"rgb({parts[0]},{parts[1]},{parts[2]})"))
    return tuple(mixed)


def format_value(value: float, measure: Measure) -> str:
    """A value for people: four digits, percent for error; words for what is no number."""
    if math.isnan(value):
        return "not evaluated"
    if math.isinf(value):
        return "diverged"
    return f"{100 * value:.4g}%" if measure == "error" else f"{value:.4g}"


def format_tick(value: float, measure: Measure) -> str:
    """A value for a tick: as short as it can be."""
    return f"{100 * value:.3g}%" if measure == "error" else f"{value:.3g}"


def template(*, dark: bool) -> go.layout.Template:
    """The plotly template `landscape light` or `landscape dark`; nothing global is registered."""
    ink, grid = INK[dark], GRID[dark]
    axis = {
        "gridcolor": grid,
        "linecolor": ink,
        "tickcolor": ink,
        "zeroline": False,
        "ticks": "outside",
        "showline": True,
        "mirror": True,
        "automargin": True,
        "title": {"standoff": 8},
    }
    scene_axis = {"gridcolor": grid, "linecolor": ink, "backgroundcolor": "rgba(0,0,0,0)", "zeroline": False}
    layout = go.Layout(
        font={"family": FONT, "size": 14, "color": ink},
        title={"x": 0, "xref": "container", "xanchor": "left", "pad": {"l": 12}, "font": {"size": 17}},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        colorway=[BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY],
        xaxis=axis,
        yaxis=axis,
        scene={"xaxis": scene_axis, "yaxis": scene_axis, "zaxis": scene_axis},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": grid, "activecolor": ink},
        hoverlabel={"align": "left", "bgcolor": PAPER[dark], "font": {"color": ink, "family": FONT}},
        legend={
            "orientation": "h",
            "xref": "container",
            "x": 0.5,
            "xanchor": "center",
            "yref": "container",
            "y": 0.01,
            "yanchor": "bottom",
        },
        margin={"l": 72, "r": 24, "t": 84, "b": 110},
    )
    return go.layout.Template(layout=layout)
