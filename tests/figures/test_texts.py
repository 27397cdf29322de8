import numpy as np
import pytest

from landscape.figures import FigureStyle, alt_text, caption
from tests.figures.synthetic import line_result, plane_result, with_values


def test_the_caption_of_a_plane_says_what_the_axes_are_and_what_is_drawn():
    words = caption(plane_result())
    assert "through the checkpoints A: snapshot@690, B: snapshot@1380 and C: standard" in words
    assert "alpha, the distance from A along the direction to B" in words
    assert "Both are lengths in weight space, drawn to the same scale." in words
    assert "mean cross-entropy plus 1/2 · 0.0001 · |theta|² (weight decay)" in words
    assert "on 1,437 train examples of digits, on a logarithmic scale." in words
    assert "9 by 7 points are drawn" in words
    assert "two-dimensional slice of weight space" in words
    assert "that checkpoint's own evaluation are equal." in words


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("recalibrate", "re-estimated on the training examples at every point"),
        ("stored", "those of the first checkpoint, kept at every point"),
        ("interpolate", "moved with the weights"),
    ],
)
def test_the_batch_norm_policy_is_told(policy, words):
    assert words in caption(plane_result(batch_norm=policy))
    assert words in caption(line_result(batch_norm=policy))


def test_a_difference_is_told_and_a_real_one_under_stored_statistics_explained():
    for policy, real in (("recalibrate", False), ("stored", True)):
        result = line_result(batch_norm=policy)
        result["own_nll"][0, 1] = 1.6  # drawn is 2
        words = caption(result)
        assert "own evaluation differ by at most 2.5e-01 (relative, nll)" in words
        assert ("the difference at every checkpoint but A is real" in words) is real


def test_what_is_hidden_is_counted():
    result = with_values(
        with_values(plane_result(), np.nan, beta=0, alpha=8), np.inf, beta=6, alpha=slice(0, 2)
    )
    words = caption(result, FigureStyle(measure="nll", clip=40.0))
    # x + 10 y > 40 in the rest of the last row (7), and the last 8 of the row before are y = 3.875
    above = int((np.isfinite(result["nll"][0]) & (result["nll"][0] > 40)).sum())
    assert f"{above} points above 40 share the top colour (clipped)." in words
    assert "2 points diverged (infinite); the cells that touch them are hatched." in words
    assert "1 point not evaluated; the cells that touch them are hatched." in words
    assert "62 of 63 points so far" in words


def test_the_published_colours_carry_their_warning():
    assert "levels and the colours of Garipov et al. (2018)" in caption(
        plane_result(), FigureStyle(colors="published")
    )


def test_error_is_told_in_percent():
    words = caption(plane_result(), FigureStyle(measure="error", split="test"))
    assert (
        "percentage of examples put into a wrong class, on 360 test examples of digits, on a linear scale"
        in words
    )


def test_the_caption_of_a_line_has_both_barriers():
    words = caption(line_result(), FigureStyle(measure="nll"))
    assert "0 is A, 1 is B" in words
    assert "Train nll: barrier 0.99 at t = 0.45" in words
    assert "Test nll: barrier 0.99 at t = 0.45" in words
    assert "slice" not in words


def test_a_line_counts_what_its_axis_cuts_off_and_what_diverged():
    result = with_values(line_result(31), np.inf, t=29)
    words = caption(result, FigureStyle(measure="nll", clip=2.0))
    assert "1 point diverged and break" in words
    assert "The axis ends at 2;" in words


def test_alt_text_of_a_line_is_made_from_its_numbers():
    words = alt_text(line_result(), FigureStyle(measure="nll"))
    assert "Train nll is 1 at A: snapshot@690 and 2 at B: snapshot@1380, barrier 0.99 at t = 0.45" in words


def test_alt_text_of_a_plane_names_the_lowest_and_the_highest_value():
    words = alt_text(with_values(plane_result(), np.inf, beta=6, alpha=8), FigureStyle(measure="nll"))
    assert words.startswith(
        "Contour map of train nll over a plane through 3 checkpoints: 10 at A: snapshot@690"
    )
    assert "from 6 (at alpha -1.5, beta 0.75) to 50.5." in words
    assert alt_text(plane_result(), FigureStyle(view="surface")).startswith("Surface of train loss")


def test_nothing_known_yet_is_said():
    empty = with_values(plane_result(), np.nan)
    assert "no point has been evaluated yet" in alt_text(empty)
    assert caption(empty)
    line = line_result()
    for source in ("own", "rebuilt"):
        line[f"{source}_nll"][:] = np.nan
    assert "Self-check: the checkpoints have not been evaluated yet." in caption(line)
    assert "barrier not known yet" in caption(line, FigureStyle(measure="nll"))


def test_a_diverging_line_says_where():
    result = with_values(line_result(31), np.inf, t=15)
    assert "diverges at t = 0.45" in alt_text(result)
