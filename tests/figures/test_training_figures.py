import numpy as np
import pytest

from landscape.core.errors import RequestError
from landscape.figures import (
    FigureStyle,
    compare_training,
    compare_training_print,
    comparison_alt,
    comparison_caption,
    draw_training,
    draw_training_print,
    save_training,
    training_alt,
    training_caption,
)
from landscape.figures.comparison import comparison_of
from landscape.figures.series import broken, training_series
from tests.figures.synthetic import history
from tests.figures.synthetic_training import full_history

HISTORY = full_history()  # 210 steps of 30 epochs, checkpoints at 0, 35, 70, 140, 210
SNAPSHOTS = (70.0, 140.0, 210.0)


def named(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def test_the_test_split_has_a_curve_per_epoch():
    loss, accuracy = named(draw_training(HISTORY), "test, per epoch")
    np.testing.assert_array_equal(loss.x, np.arange(7, 211, 7))
    np.testing.assert_array_equal(loss.y, HISTORY["epoch_test_loss"])
    np.testing.assert_array_equal(accuracy.y, HISTORY["epoch_test_accuracy"])
    assert (loss.yaxis, accuracy.yaxis) == ("y2", "y3")
    assert loss.mode == "lines"


def test_averages_are_stars_of_their_own():
    figure = draw_training(HISTORY)
    for split in ("train", "test"):
        loss, accuracy = named(figure, f"{split}, weights averaged")
        np.testing.assert_array_equal(loss.x, [140, 210])
        np.testing.assert_array_equal(loss.y, HISTORY[f"average_{split}_loss"])
        np.testing.assert_array_equal(accuracy.y, HISTORY[f"average_{split}_accuracy"])
        assert loss.marker.symbol == "star"


def test_snapshots_are_told_from_other_checkpoints():
    figure = draw_training(HISTORY, snapshots=SNAPSHOTS)
    loss, _ = named(figure, "test, snapshots")
    np.testing.assert_array_equal(loss.x, SNAPSHOTS)
    others, _ = named(figure, "test, other checkpoints")
    np.testing.assert_array_equal(others.x, [0, 35])
    assert others.marker.size < loss.marker.size
    assert {shape.x0 for shape in figure.layout.shapes} == set(SNAPSHOTS)
    assert {shape.x0 for shape in draw_training(HISTORY).layout.shapes} == {0, 35, 70, 140, 210}


def test_no_curve_leads_from_one_network_to_the_next():
    figure = draw_training(HISTORY, snapshots=SNAPSHOTS, starts=SNAPSHOTS[:-1])
    for name, count in (("test, per epoch", 30), ("train, per step", 210)):
        loss, _ = named(figure, name)
        values = np.asarray(loss.y, dtype=float)
        assert np.flatnonzero(np.isnan(values)).tolist() == [count // 3, 2 * count // 3 + 1]
        assert loss.connectgaps is False
    solid = [shape.x0 for shape in figure.layout.shapes if shape.line.dash is None]
    assert set(solid) == {70.0, 140.0}


def test_a_curve_is_broken_inside_only():
    step, values = broken(np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0]), [6.0, 1.0, 4.0, 9.0])
    np.testing.assert_array_equal(step, [2, 4, 4, 6])
    np.testing.assert_array_equal(values, [1, 2, np.nan, 3])


@pytest.mark.parametrize("start", ["epoch_", "average_", "checkpoint_", "step", "learning_rate", "train_"])
def test_any_part_may_be_missing_or_empty(start):
    without = {name: values for name, values in HISTORY.items() if not name.startswith(start)}
    empty = {name: values[:0] if name.startswith(start) else values for name, values in HISTORY.items()}
    if start == "step":  # per-step values without their steps mean nothing
        without = {name: values for name, values in without.items() if name not in ("learning_rate",)}
        without = {name: values for name, values in without.items() if not name.startswith("train_")}
        empty = {name: np.zeros(0) if name not in without else values for name, values in HISTORY.items()}
    for part in (without, empty):
        assert {one.name for one in training_series(part)} < {one.name for one in training_series(HISTORY)}
        assert draw_training(part, snapshots=SNAPSHOTS).data
        assert draw_training_print(part).axes
        assert training_caption(part)
        assert training_alt(part)


def test_each_entry_stands_once_in_the_legend():
    figure = draw_training(HISTORY, snapshots=SNAPSHOTS)
    entries = [trace.name for trace in figure.data if trace.showlegend]
    assert entries == [
        "train, per step", "test, per epoch", "train, snapshots", "test, snapshots", "train, weights averaged",
        "test, weights averaged",
    ]  # fmt: skip
    printed = draw_training_print(HISTORY, snapshots=SNAPSHOTS)
    assert [text.get_text() for text in printed.legends[0].get_texts()] == entries


def test_print_draws_the_same_series():
    figure = draw_training_print(HISTORY, snapshots=SNAPSHOTS, starts=SNAPSHOTS[:1])
    curves = {line.get_label(): line for line in figure.axes[2].lines}
    np.testing.assert_array_equal(
        curves["test, snapshots"].get_ydata(), HISTORY["checkpoint_test_accuracy"][2:]
    )
    assert curves["test, weights averaged"].get_marker() == "*"
    assert np.isnan(curves["test, per epoch"].get_ydata()).sum() == 1


def test_the_caption_tells_what_is_there():
    words = training_caption(HISTORY, snapshots=SNAPSHOTS, starts=SNAPSHOTS[:1])
    assert "The strong curve is the test split after each epoch." in words
    assert "Large marks are the snapshots and small ones other checkpoints" in words
    assert "Stars are averages of the weights" in words
    assert "another network begins" in words
    old = training_caption(history())
    assert (
        "Marks are the checkpoints, evaluated on whole splits; dotted lines show where the checkpoints lie."
        in old
    )
    assert "epoch" not in old
    assert "Stars" not in old
    last = 1 - HISTORY["checkpoint_test_accuracy"][-1]
    assert f"to {100 * last:.4g}% after 210 steps." in training_alt(HISTORY)
    assert "without a checkpoint yet" in training_alt({})


def test_the_caption_travels_with_a_saved_training(tmp_path):
    save_training(HISTORY, tmp_path / "run.svg", snapshots=SNAPSHOTS)
    assert "Large marks are the snapshots" in (tmp_path / "run.svg").read_text()


RUNS = {"snapshot": HISTORY, "standard <b>$x$": full_history(20, 9, 1, averages=False)}


def test_runs_are_compared_over_epochs_spent():
    figure = compare_training(RUNS, title="<i>one budget</i>")
    (curve,) = named(figure, "snapshot")
    np.testing.assert_allclose(curve.x, np.arange(1, 31), rtol=1e-12)
    np.testing.assert_array_equal(curve.y, HISTORY["epoch_test_accuracy"])
    (rate,) = named(figure, "snapshot, learning rate")
    np.testing.assert_allclose(rate.x, HISTORY["step"] / 7, rtol=1e-12)
    np.testing.assert_array_equal(rate.y, HISTORY["learning_rate"])
    assert rate.yaxis == "y2"
    (kept,) = named(figure, "snapshot, checkpoints")
    np.testing.assert_allclose(kept.x, [0, 5, 10, 20, 30], rtol=1e-12)
    (averages,) = named(figure, "snapshot, weights averaged")
    assert averages.marker.symbol == "star"
    other = "standard &lt;b&gt;&#36;x&#36;"
    np.testing.assert_allclose(named(figure, other)[0].x, np.arange(1, 21), rtol=1e-12)
    assert not named(figure, f"{other}, weights averaged")
    assert figure.layout.title.text == "&lt;i&gt;one budget&lt;/i&gt;"
    assert figure.layout.xaxis2.title.text == "epochs spent"
    assert figure.layout.yaxis.title.text == "test accuracy"


def test_epochs_are_counted_on_behind_the_last_checkpoint():
    unfinished = {
        name: values[:3] if name.startswith("checkpoint_") else values for name, values in HISTORY.items()
    }
    (run,) = comparison_of({"a": unfinished}).runs
    np.testing.assert_allclose(run.rate_epoch, HISTORY["step"] / 7, rtol=1e-12)


def test_a_continued_run_begins_at_the_epochs_spent_before():
    later = {**HISTORY, "checkpoint_epoch": HISTORY["checkpoint_epoch"] + 40}
    (run,) = comparison_of({"a": later}).runs
    np.testing.assert_allclose(run.epoch[[0, -1]], [41, 70], rtol=1e-12)
    assert comparison_of({"a": later}).epochs == pytest.approx(70)


def test_runs_without_an_evaluation_per_epoch_show_their_checkpoints():
    old = {name: values for name, values in HISTORY.items() if not name.startswith("epoch_")}
    (run,) = comparison_of({"a": old}).runs
    np.testing.assert_array_equal(run.accuracy, HISTORY["checkpoint_test_accuracy"])
    np.testing.assert_allclose(run.epoch, [0, 5, 10, 20, 30], rtol=1e-12)
    uncounted = {name: values for name, values in HISTORY.items() if name != "checkpoint_epoch"}
    (run,) = comparison_of({"a": uncounted}).runs
    np.testing.assert_allclose(run.kept_epoch, [0, 5, 10, 20, 30], rtol=1e-12)


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(RequestError, match="There is no run to compare; name at least one"):
        compare_training({})
    with pytest.raises(
        RequestError, match="The history of 'old' does not say how many epochs its steps are; train"
    ):
        compare_training({"new": HISTORY, "old": history()})


def test_few_names_stand_beside_their_curves_and_many_in_a_legend():
    few = compare_training({"a": HISTORY, "b": HISTORY})
    labels = [trace for trace in few.data if trace.mode == "text"]
    assert [trace.text[0] for trace in labels] == ["<b>a</b>", "<b>b</b>"]
    assert abs(labels[0].y[0] - labels[1].y[0]) > 0.001
    many = compare_training(
        {f"recipe number {number}": HISTORY for number in range(9)}, FigureStyle(dark=True)
    )
    assert len([trace for trace in many.data if trace.showlegend]) == 9
    assert len(compare_training_print({str(n): HISTORY for n in range(9)}).legends[0].get_texts()) == 9


def test_the_axis_begins_where_there_is_something_to_compare():
    low, high = compare_training(RUNS).layout.yaxis.range
    assert 0.3 < low < high <= 1.01
    assert f"The upper axis begins at {100 * low:.4g}%" in comparison_caption(RUNS)


def test_every_run_is_seen_to_its_end():
    poor = {**HISTORY, "epoch_test_accuracy": HISTORY["epoch_test_accuracy"] * 0.4}
    comparison = comparison_of({"good": HISTORY, "poor": poor, "better": HISTORY})
    assert comparison.low < poor["epoch_test_accuracy"][-1]


def test_the_comparison_in_words():
    words = comparison_caption(RUNS)
    assert "Runs: snapshot and standard <b>$x$." in words
    assert "those of all networks of a family together" in words
    assert "Open stars are averages of the weights." in words
    alt = comparison_alt(RUNS)
    assert f"snapshot: {100 * HISTORY['epoch_test_accuracy'][-1]:.4g}% after 30 epochs" in alt


def test_the_comparison_in_print():
    figure = compare_training_print(RUNS, FigureStyle(dark=True, width=3.25), title="$t$")
    accuracy, rates = figure.axes
    np.testing.assert_array_equal(accuracy.lines[0].get_ydata(), HISTORY["epoch_test_accuracy"])
    np.testing.assert_array_equal(rates.lines[0].get_ydata(), HISTORY["learning_rate"])
    assert rates.get_xlabel() == "epochs spent"
    assert figure.texts[0].get_text() == r"\$t\$"
