import numpy as np
import pytest

from landscape.ui.controls import clip_choices


def test_limits_cut_something_off_and_leave_something():
    choices = clip_choices(np.array([0.02, 3.0, np.nan, np.inf, 470.0]))
    assert 0.02 < choices[0] < 0.03
    assert 350 < choices[-1] < 470
    ratios = np.diff(np.log10(choices))
    assert ratios == pytest.approx(np.full(len(ratios), 1 / 8), abs=5e-3)  # rounded to three digits


def test_the_same_limits_serve_every_result():
    assert set(clip_choices(np.array([0.5, 8.0]))) <= set(clip_choices(np.array([0.01, 90.0])))


@pytest.mark.parametrize("values", [[0.0, 0.0], [np.nan, np.inf], [2.0, 2.0]])
def test_where_nothing_can_be_cut_there_is_no_limit(values):
    assert clip_choices(np.array(values)) == []
