"""Everything that is a matter of looks: colours, shapes, fonts, number formats. The only place that knows percent."""

import math
from typing import Any, Literal

import plotly.graph_objects as go

from landscape.core.requests import Split
from landscape.figures.style import Colors

Stops = tuple[tuple[float, str], ...]
# Everything that stands on an axis or a colour bar.
Quantity = Literal["nll", "loss", "error", "ece", "brier", "correlation", "disagreement"]

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

# Two colours that part at 0, for numbers of both signs; the middle is the paper.
DIVERGING: dict[bool, Stops] = {
    False: ((0.0, "rgb(0,94,150)"), (0.5, "rgb(247,247,247)"), (1.0, "rgb(192,78,0)")),
    True: ((0.0, "rgb(86,180,233)"), (0.5, "rgb(35,40,50)"), (1.0, "rgb(240,128,48)")),
}

# Okabe and Ito (2008): told apart by people with any common colour vision.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, ORANGE, YELLOW = "#56B4E9", "#E69F00", "#F0E442"
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

# One colour, one shape and one dash per group; with 9 groups colours come twice, but never with the same shape.
GROUP_COLORS: dict[bool, tuple[str, ...]] = {
    False: (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, INK[False]),
    True: (SKY, VERMILION, GREEN, PURPLE, ORANGE, YELLOW, INK[True]),
}
GROUP_DASHES = ("solid", "dash", "dot")
PRINT_DASHES: dict[str, Any] = {"solid": "-", "dash": (0, (4, 2)), "dot": (0, (1, 1.5))}
GROUP_SYMBOLS = (
    "circle", "square", "diamond", "triangle-up", "triangle-down", "pentagon", "hexagon2", "cross", "star-square",
)  # fmt: skip
GROUP_SYMBOLS_PRINT = ("o", "s", "D", "^", "v", "p", "h", "P", "8")
# The part of a colour scale that stands out from the paper.
_VISIBLE: dict[bool, tuple[float, float]] = {False: (0.0, 0.8), True: (0.3, 1.0)}

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


def ink_on(color: str) -> str:
    """Black or white, whichever is read better on a colour `rgb(r,g,b)` (contrast of WCAG 2.2)."""
    linear = [
        part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in rgb(color)
    ]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return MARK_LINE if (luminance + 0.05) ** 2 > 0.05 * 1.05 else MARK_FILL


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


def at_place(stops: Stops, place: float) -> str:
    """The colour of a scale at a place from 0 to 1, mixed between its neighbours."""
    upper = next(index for index, (stop, _) in enumerate(stops) if stop >= min(place, 1.0))
    if upper == 0:
        return stops[0][1]
    (below, first), (above, last) = stops[upper - 1], stops[upper]
    share = (place - below) / (above - below)
    parts = [round(a + share * (b - a)) for a, b in zip(rgb(first), rgb(last), strict=True)]
    return f"rgb({parts[0]},{parts[1]},{parts[2]})"


def sequence_colors(colors: Colors, count: int, *, dark: bool) -> list[str]:
    """Colours for an order: the last one stands out most from the paper, none is lost in it."""
    places = [index / max(count - 1, 1) for index in range(count)] if count > 1 else [1.0]
    stops = standing_out(colors, dark=dark)
    return [at_place(stops, place) for place in places]


def standing_out(colors: Colors, *, dark: bool) -> Stops:
    """A colour scale for lines: from what stands out least from the paper, yet does, to what stands out most."""
    low, high = _VISIBLE[dark]
    first, last = (low, high) if dark else (high, low)
    return tuple(
        (share / 8, at_place(COLOR_SCALES[colors], first + (last - first) * share / 8)) for share in range(9)
    )


def mixed(color: str, *, share: float, dark: bool) -> str:
    """A colour `#rrggbb` mixed with the paper, for what stands behind; `share` of it is the colour."""
    parts = [
        round(share * int(color[at : at + 2], 16) + (1 - share) * int(PAPER[dark][at : at + 2], 16))
        for at in (1, 3, 5)
    ]
    return f"rgb({parts[0]},{parts[1]},{parts[2]})"


_IN_PERCENT: tuple[Quantity, ...] = ("error", "ece", "disagreement")


def format_value(value: float, measure: Quantity) -> str:
    """A value for people: four digits, percent for fractions; words for what is no number."""
    if math.isnan(value):
        return "not evaluated"
    if math.isinf(value):
        return "diverged"
    return f"{100 * value:.4g}%" if measure in _IN_PERCENT else f"{value:.4g}"


def format_tick(value: float, measure: Quantity) -> str:
    """A value for a tick: as short as it can be."""
    return f"{100 * value:.3g}%" if measure in _IN_PERCENT else f"{value:.3g}"


def format_round(value: float, measure: Quantity) -> str:
    """A round value for a tick, with all the digits that it has."""
    return f"{100 * value:.6g}%" if measure in _IN_PERCENT else f"{value:.6g}"


def format_cell(value: float, measure: Quantity, *, digits: int = 2) -> str:
    """A value for a cell of a matrix, without the zero in front of the point; "" for what is no number.

    Args:
        value: A correlation, or a fraction, which is told in percent.
        measure: What it is.
        digits: Places behind the point of a fraction or a correlation.

    >>> format_cell(0.874, "correlation"), format_cell(-0.05, "correlation"), format_cell(0.874, "disagreement")
    ('.87', '-.05', '87%')
    """
    if not math.isfinite(value):
        return ""
    if measure in _IN_PERCENT:
        return f"{100 * value:.{digits - 2}f}%"
    return f"{value:.{digits}f}".replace("0.", ".", 1)


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
