import numpy as np
import pytest

from landscape.figures import FigureStyle, alt_text, caption
from tests.figures.synthetic import (
    diversity_result,
    ensemble_result,
    fan_result,
    search_result,
    with_values,
)

TEST = FigureStyle(split="test")


def test_the_caption_of_a_fan_says_what_the_lines_are_and_what_is_missing():
    words = caption(fan_result(), FigureStyle(measure="error", split="test"))
    assert (
        "from every earlier checkpoint of a group to its last one: cyclic (5 checkpoints) and <i>NoCycle"
        in words
    )
    assert "0 is the earlier checkpoint, 1 the last" in words
    assert "the percentage of examples put into a wrong class, on 360 test examples of digits" in words
    assert "All panels share one vertical range" in words
    assert "1 point diverged (infinite); the curves are broken there." in words
    assert "1 point not evaluated; the curves are broken there." in words
    assert "77 of 78 points so far" in words
    assert "own evaluation are equal." in words


def test_panels_with_ranges_of_their_own_are_told():
    words = caption(fan_result(), FigureStyle(ranges="own", measure="nll", clip=3.0))
    assert "heights of different panels cannot be compared" in words
    finite = fan_result()["nll"].sel(split="train").values
    above = int((np.isfinite(finite) & (finite > 3)).sum())
    assert f"The axis ends at 3; {above} points above." in words
    assert "range" not in caption(fan_result({"": 3}))


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("recalibrate", "re-estimated on the training examples at every point"),
        ("stored", "those of the earlier checkpoint of each line, kept at every point"),
        ("interpolate", "moved with the weights"),
    ],
)
def test_the_batch_norm_policy_of_a_fan_is_told(policy, words):
    found = caption(fan_result(batch_norm=policy))
    assert words in found
    assert ("the difference at the last checkpoint of each group is real" in found) is (policy == "stored")


def test_alt_text_of_a_fan_is_made_from_its_numbers():
    words = alt_text(fan_result(), FigureStyle(measure="error", split="test"))
    assert words.startswith(
        "Curves of test error along straight lines from earlier checkpoints to the last, in 2 panels"
    )
    assert (
        "cyclic: 1.5% at the last checkpoint, at most 4.553%, on the line from checkpoint 4 at t = 0.075"
        in words
    )
    empty = with_values(fan_result(), np.nan, pair=slice(None))
    assert "no point has been evaluated yet" in alt_text(empty)


@pytest.mark.parametrize(
    ("quality", "words"),
    [
        ("error", "the percentage of examples put into a wrong class"),
        ("nll", "mean cross-entropy of the averaged outputs in nats per example"),
        ("ece", "difference between confidence and accuracy over 11 equally wide bins of confidence"),
        ("brier", "the mean squared distance of the averaged outputs from the label"),
    ],
)
def test_the_caption_of_an_ensemble_defines_its_quality(quality, words):
    found = caption(ensemble_result(), FigureStyle(split="test", quality=quality))
    assert words in found
    assert "on 360 test examples of digits" in found


def test_the_caption_of_an_ensemble_tells_members_averages_and_costs():
    words = caption(ensemble_result(), TEST)
    assert "An ensemble of m has the last m checkpoints of its group (Huang et al. 2017, figure 3)" in words
    assert "m forward passes per example" in words
    assert "Each network is evaluated with its own batch-norm statistics." in words
    assert "with re-estimated batch-norm statistics: one network, one forward pass" in words
    assert (
        "There is no mean of the weights for <i>NoCycle</i> & $x$, whose members are not of one network, or "
        "whose batch norm cannot be re-estimated." in words
    )
    assert "The vertical axis does not begin at 0." in words
    assert "first m checkpoints of its group;" in caption(ensemble_result(), FigureStyle(order="first"))
    above = caption(ensemble_result(), FigureStyle(split="test", quality="nll"))
    assert "1 member alone lies above the axis or diverged: arrows at its top." in above


def test_alt_text_of_an_ensemble():
    assert alt_text(ensemble_result(), TEST) == (
        "Curves of test error over the size of ensembles; cyclic: 30% with 1 network, 6% with 5, 25% with the "
        "weights averaged; <i>NoCycle</i> & $x$: 31% with 1 network, 11% with 3."
    )


@pytest.mark.parametrize(
    ("variant", "words"),
    [
        ("per class", "for each class over the examples, then averaged over the classes"),
        ("flattened", "over all outputs of all examples at once"),
        ("per example", "for each example over the classes, then averaged over the examples"),
    ],
)
def test_the_caption_of_a_diversity_figure_names_the_correlation(variant, words):
    found = caption(diversity_result(), FigureStyle(split="test", variant=variant))
    assert (
        f"softmax outputs of each pair of checkpoints, {words}; Huang et al. (2017, figure 6) do not say"
        in found
    )


def test_the_caption_of_a_diversity_figure_tells_range_order_and_missing_pairs():
    words = caption(diversity_result(), TEST)
    assert "One matrix per group: cyclic (5 checkpoints)" in words
    assert "Rows from top to bottom" in words
    assert "on one range, from 0.72 to 0.78, which the pairs drawn set; the diagonal" in words
    assert "1 pair marked x: no number" in words
    whole = caption(diversity_result(), FigureStyle(matrix="disagreement", pairs="all"))
    assert "the percentage of examples that the two put into different classes" in whole
    assert "One matrix of all checkpoints" in whole
    assert "lines part the groups" in whole
    assert "no number" not in whole
    assert "left empty" in caption(diversity_result({"long": 14}), TEST)


def test_alt_text_of_a_diversity_figure():
    words = alt_text(diversity_result(), TEST)
    assert words.startswith(
        "2 matrices of test prediction correlation of pairs of checkpoints; cyclic: mean 0.7578"
    )
    assert "from 0.72 to 0.78" in words
    lonely = alt_text(diversity_result({"a": 1, "b": 1}), TEST)
    assert "a: no pair has a number" in lonely


def test_the_caption_of_a_search_tells_what_can_be_compared():
    words = caption(search_result())
    assert "(learning rate and weight decay on logarithmic axes)" in words
    assert "(1, 4 or 12 epochs)" in words
    assert "cannot be compared with one that came through" in words
    assert "the test split is never looked at" in words
    assert "Of 11 trials 3 came through, 6 stopped early (pruned) and 2 failed." in words
    assert (
        "The best (star) is trial 4 with a validation error of 3.1% after 12 epochs: learning rate 0.04"
        in words
    )
    assert words.endswith("The ensemble of the best 3 has 2.7%.")


def test_a_best_at_the_end_of_its_range_is_in_the_caption():
    words = caption(search_result(best_rate=0.93))
    assert (
        "The best learning rate, 0.93, lies at the upper end of the searched range 0.001:1; search again"
        in words
    )


def test_a_search_without_a_result_says_so():
    result = search_result()
    result["validation_error"][:] = np.nan
    assert "No trial has a validation error." in caption(result)
    assert "No trial has a validation error." in alt_text(result)
    result["ensemble_error"][:] = np.nan
    assert "ensemble" not in caption(result)


def test_a_search_in_a_single_stage():
    result = search_result().isel(stage=[2])
    assert "after 12 epochs; the test split" in caption(result)


def test_alt_text_of_a_search():
    assert alt_text(search_result()).startswith(
        "Validation error of 11 trials over learning rate, weight decay and label smoothing. Of 11 trials 3 came "
        "through"
    )
