import io
import re
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from landscape.figures import FigureStyle, draw_print, draw_training_print, to_bytes
from landscape.figures.print_frame import render
from tests.figures.synthetic import basins, history, line_result, plane_result, with_values

HOLES = with_values(with_values(plane_result(nll=basins), np.nan, beta=0, alpha=8), np.inf, beta=6, alpha=0)
CASES = {
    "plane": (HOLES, FigureStyle(clip=3.0)),
    "published": (plane_result(nll=basins), FigureStyle(colors="published")),
    "surface": (HOLES, FigureStyle(view="surface", clip=3.0, dark=True)),
    "line": (line_result(), FigureStyle(measure="error")),
}


def pdf_objects(content: bytes) -> bytes:
    """The file with its compressed streams unpacked."""
    parts = [content]
    for match in re.finditer(rb"stream\r?\n(.*?)endstream", content, re.DOTALL):
        try:
            parts.append(zlib.decompress(match.group(1)))
        except zlib.error:
            continue
    return b"\n".join(parts)


@pytest.mark.parametrize("case", CASES)
def test_pdf_is_vector_with_embedded_truetype_fonts(case):
    content = to_bytes(CASES[case][0], "pdf", CASES[case][1])
    objects = pdf_objects(content)
    assert content.startswith(b"%PDF-")
    assert not re.search(rb"/Subtype\s*/Image", objects)
    assert b"/FontFile2" in objects
    assert b"/Type3" not in objects


@pytest.mark.parametrize("case", CASES)
def test_svg_is_vector_and_asks_for_nothing(case):
    text = to_bytes(CASES[case][0], "svg", CASES[case][1]).decode()
    assert "<path" in text
    assert "<image" not in text
    assert not re.search(r"""(?:href|src)=["']https?:""", text)


def test_the_same_result_gives_the_same_bytes():
    for suffix in ("pdf", "svg", "png", "webp"):
        assert to_bytes(line_result(), suffix) == to_bytes(line_result(), suffix)


def test_png_has_300_dots_per_inch_and_the_poster_its_size():
    png = Image.open(io.BytesIO(to_bytes(line_result(), "png", FigureStyle(width=3.25))))
    assert png.width == round(3.25 * 300)
    assert png.info["dpi"] == pytest.approx((300, 300), rel=1e-3)
    poster = Image.open(io.BytesIO(to_bytes(plane_result(), "webp", FigureStyle(dark=True))))
    assert (poster.format, poster.width) == ("WEBP", 1200)
    assert sum(poster.convert("RGB").getpixel((2, 2))) < 90
    light = Image.open(io.BytesIO(to_bytes(plane_result(), "webp")))
    assert sum(light.convert("RGB").getpixel((2, 2))) > 750


def test_contours_stand_at_the_coordinates_of_a_grid_that_is_not_square():
    figure = draw_print(plane_result(), FigureStyle(measure="nll", scale="linear"))
    axes = figure.axes[0]
    lines = axes.collections[1]
    paths = lines.get_paths()
    for level, path in zip(lines.levels, paths, strict=True):
        for x, y in path.vertices:
            assert x + 10 * y == pytest.approx(level, abs=1e-9)
    assert sum(len(path.vertices) for path in paths) > 20


def test_the_map_has_equal_axes_titles_letters_and_a_legend():
    figure = draw_print(plane_result(), FigureStyle())
    axes = figure.axes[0]
    assert axes.get_aspect() == 1
    assert axes.get_xlabel() == "alpha: weight-space length, A → B"
    assert [text.get_text() for text in axes.texts] == ["A", "B", "C"]
    shapes = [line.get_marker() for line in axes.lines]
    assert shapes == ["o", "s", "D"]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["A: snapshot@690", "B: snapshot@1380", r"C: standard <b>@last</b> & \$x\$"]
    assert figure.texts[0].get_text() == "A plane through three"
    assert "1,437 train examples of digits" in figure.texts[1].get_text()


def test_holes_are_hatched_differently_and_named():
    names = [text.get_text() for text in draw_print(HOLES, FigureStyle()).legends[0].get_texts()]
    assert names[:2] == ["not evaluated (1)", "diverged (1)"]
    patches = draw_print(HOLES, FigureStyle()).legends[0].get_patches()
    assert patches[0].get_hatch() != patches[1].get_hatch()


def test_a_surface_has_one_facet_per_whole_cell():
    axes = draw_print(HOLES, FigureStyle(view="surface", clip=3.0)).axes[0]
    facets = axes.collections[0]
    assert len(facets.get_facecolor()) == 6 * 8 - 2


def test_a_line_is_drawn_where_its_numbers_are():
    result = with_values(line_result(), np.inf, t=3)
    axes = draw_print(result, FigureStyle(measure="nll")).axes[0]
    train, test = axes.lines[:2]
    expected = result["nll"].sel(split="train").values.copy()
    expected[3] = np.nan
    np.testing.assert_array_equal(train.get_ydata(), expected)
    np.testing.assert_array_equal(train.get_xdata(), result["t"].values)
    assert train.get_linestyle() != test.get_linestyle()
    assert "train: diverges at t = 0.025" in axes.texts[-1].get_text()


def test_a_partial_and_an_empty_result_can_be_printed():
    half = with_values(plane_result(), np.nan, beta=slice(1, None, 2))
    assert draw_print(half).axes[0].get_ylim() == (0.75, 4.5)
    for view in ("contour", "surface"):
        assert to_bytes(with_values(plane_result(), np.nan), "svg", FigureStyle(view=view))


def test_training_in_print():
    figure = draw_training_print(history(), title="$run$")
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "learning rate",
        "cross-entropy (nats)",
        "accuracy",
    ]
    assert figure.texts[0].get_text() == r"\$run\$"
    assert render(figure, "svg", dark=False, title="", description="")
    assert draw_training_print({}).axes


def test_settings_are_left_as_they_were():
    before = dict(mpl.rcParams)
    for result, style in CASES.values():
        to_bytes(result, "pdf", style)
    assert dict(mpl.rcParams) == before


def test_pyplot_is_never_loaded():
    code = (
        "import sys; from landscape.figures import to_bytes; from tests.figures.synthetic import line_result; "
        "to_bytes(line_result(), 'png'); assert 'matplotlib.pyplot' not in sys.modules; "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_many_threads_at_once_leave_the_settings_alone_and_agree():
    before = dict(mpl.rcParams)
    styles = [FigureStyle(dark=bool(index % 2)) for index in range(8)]
    with ThreadPoolExecutor(4) as pool:
        files = list(pool.map(lambda style: to_bytes(line_result(), "svg", style), styles))
    assert len(set(files)) == 2
    assert dict(mpl.rcParams) == before
