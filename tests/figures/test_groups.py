import itertools
import math

import numpy as np
import pytest

from landscape.core.errors import RequestError
from landscape.core.results import CORRELATIONS, ORDERS, QUALITIES
from landscape.figures import FigureStyle
from landscape.figures import style as styles
from landscape.figures.groups import grid_of, groups_of, look_of, spread_labels
from landscape.figures.theme import (
    COLOR_SCALES,
    DIVERGING,
    at_place,
    format_cell,
    ink_on,
    rgb,
    sequence_colors,
)
from tests.figures.synthetic import fan_result


def test_groups_keep_their_order_their_names_and_their_labels():
    cyclic, other = groups_of(fan_result())
    assert (cyclic.place, cyclic.name, cyclic.members) == (0, "cyclic", (0, 1, 2, 3, 4))
    assert (other.place, other.members) == (1, (5, 6, 7))
    assert other.labels[0] == "<i>NoCycle</i> & $x$@100"
    (single,) = groups_of(fan_result({"": 4}))
    assert (single.title, single.members) == ("", (0, 1, 2, 3))


def test_nine_groups_are_told_apart_by_colour_and_shape_and_by_shape_alone():
    for dark in (False, True):
        looks = [look_of(place, dark=dark) for place in range(9)]
        assert len({(look.color, look.dash) for look in looks}) == 9
        assert len({look.symbol for look in looks}) == 9
        assert len({look.print_symbol for look in looks}) == 9


@pytest.mark.parametrize("count", range(1, 14))
def test_every_panel_has_a_cell_of_its_own(count):
    for columns in (None, 1, 2, 5):
        grid = grid_of(count, columns)
        cells = [grid.at(panel) for panel in range(count)]
        assert len(set(cells)) == count
        assert max(row for row, _ in cells) == grid.rows - 1
        lowest = {column: max(row for row, at in cells if at == column) for _, column in cells}
        assert [grid.is_lowest(panel) for panel in range(count)] == [row == lowest[at] for row, at in cells]


def test_a_narrow_print_has_one_column():
    assert grid_of(3, None, width=3.25).columns == 1
    assert grid_of(3, None, width=6.75).columns == 3
    assert grid_of(3, 2, width=3.25).columns == 2
    assert grid_of(2, 5).columns == 2


def naive_spread(places, least):
    """Least squares under the gaps: projected onto every choice of gaps that are tight, the best that is allowed."""
    order = np.argsort(places, kind="stable")
    wanted = np.asarray(places)[order]
    best, cost = None, math.inf
    for tight in itertools.product([False, True], repeat=len(wanted) - 1):
        found, start = np.empty(len(wanted)), 0
        for end in range(1, len(wanted) + 1):
            if end == len(wanted) or not tight[end - 1]:
                steps = least * np.arange(end - start)
                found[start:end] = (wanted[start:end] - steps).mean() + steps
                start = end
        squares = float(((found - wanted) ** 2).sum())
        if (np.diff(found) >= least - 1e-12).all() and squares < cost:
            best, cost = found, squares
    result = np.empty(len(wanted))
    result[order] = best
    return result


@pytest.mark.parametrize("seed", range(6))
def test_labels_move_as_little_as_their_gaps_allow(seed):
    places = np.random.default_rng(seed).uniform(0, 3, 7)
    found = spread_labels(list(places), least=0.35, low=-50, high=50)
    np.testing.assert_allclose(found, naive_spread(places, 0.35), rtol=1e-12)


def test_labels_stay_inside_and_those_without_a_place_have_none():
    found = spread_labels([9.9, math.nan, 9.95, 0.1], least=1.0, low=0.5, high=10.0)
    assert math.isnan(found[1])
    assert [found[0], found[2], found[3]] == [9.0, 10.0, 0.5]
    assert (
        spread_labels([math.nan], least=1, low=0, high=1)[0]
        != spread_labels([0.5], least=1, low=0, high=1)[0]
    )
    crowded = spread_labels([1.0, 1.0, 1.0], least=1.0, low=0.0, high=1.0)
    assert crowded == [0.0, 1.0, 2.0]  # more labels than room: still apart


def test_the_names_of_the_style_are_those_of_results():
    assert styles.QUALITIES == QUALITIES
    assert styles.ORDERS == ORDERS
    assert styles.VARIANTS == CORRELATIONS


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ({"quality": "eec"}, "There is no quality named 'eec'; did you mean 'ece'?"),
        ({"order": "lats"}, "There is no order named 'lats'; did you mean 'last'?"),
        ({"matrix": "corelation"}, "There is no matrix named 'corelation'; did you mean 'correlation'?"),
        ({"variant": "per clas"}, "There is no variant named 'per clas'; did you mean 'per class'?"),
        ({"pairs": "every"}, "There is no choice of pairs named 'every'"),
        ({"ranges": "shard"}, "There is no choice of ranges named 'shard'; did you mean 'shared'?"),
        ({"columns": 0}, "The number of columns is 0; give a whole number of at least 1"),
    ],
)
def test_a_style_that_means_nothing_is_refused(field, sentence):
    with pytest.raises(RequestError, match=sentence.replace("?", r"\?")):
        FigureStyle(**field)


def distance_from_paper(color, dark):
    paper = (14, 17, 23) if dark else (255, 255, 255)
    return sum(abs(a - b) for a, b in zip(rgb(color), paper, strict=True))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("colors", ["viridis", "cividis", "magma"])
def test_in_a_sequence_the_last_stands_out_most_and_none_is_lost_in_the_paper(colors, dark):
    found = sequence_colors(colors, 7, dark=dark)
    distances = [distance_from_paper(color, dark) for color in found]
    assert len(set(found)) == 7
    assert distances[-1] == max(distances)
    assert min(distances) > 90
    assert sequence_colors(colors, 1, dark=dark) == [found[-1]]


def test_colours_are_mixed_between_their_neighbours():
    stops = COLOR_SCALES["viridis"]
    assert at_place(stops, 0.0) == "rgb(68,1,84)"
    assert at_place(stops, 1.0) == "rgb(253,231,37)"
    assert at_place(stops, 0.25) == "rgb(59,82,139)"
    assert at_place(((0.0, "rgb(0,10,20)"), (1.0, "rgb(100,30,20)")), 0.3) == "rgb(30,16,20)"
    for dark in (False, True):
        assert at_place(DIVERGING[dark], 0.5) == DIVERGING[dark][1][1]


def test_the_ink_in_a_cell_is_the_one_with_more_contrast():
    assert ink_on("rgb(253,231,37)") == "#111111"
    assert ink_on("rgb(68,1,84)") == "#FFFFFF"


@pytest.mark.parametrize(
    ("value", "measure", "digits", "text"),
    [
        (0.9871, "correlation", 3, ".987"),
        (1.0, "correlation", 2, "1.00"),
        (-0.304, "correlation", 2, "-.30"),
        (0.1234, "disagreement", 2, "12%"),
        (0.1234, "disagreement", 3, "12.3%"),
        (math.nan, "correlation", 2, ""),
    ],
)
def test_a_cell_is_as_short_as_it_can_be(value, measure, digits, text):
    assert format_cell(value, measure, digits=digits) == text
