"""The logic of the benchmarks: nothing here is timed."""

import json
import math
import shutil

import numpy as np
import pytest
import torch
from msgspec.structs import replace

from benchmarks import bench_recipes, gpu_family
from benchmarks.bench_recipes import Outcome
from benchmarks.gpu_family import FAMILY, Member, request_of, sit, summary, thinned
from landscape.core.requests import TrainRequest
from landscape.networks.checkpoint_files import load_checkpoint_file
from landscape.training.recipes import plan_of
from landscape.training.runs import Run

TINY = TrainRequest(architecture="mlp", recipe="standard", cycles=2, epochs=2, batch_size=256)
# The last goes on from the first, and comes before one that has nothing to do with it.
STAND_IN = (
    Member("standard", TINY),
    Member("fge", replace(TINY, recipe="fge", cycles=6, epochs=2, period=2), after=("standard", 1)),
    Member("swa", replace(TINY, recipe="swa", start_epoch=1)),
    Member("single-cycle", replace(TINY, recipe="single-cycle")),
)


class Wish:
    """A wish to stop after so many questions."""

    def __init__(self, patience: float) -> None:
        self.left = patience

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.fixture(scope="module")
def in_one_sitting(tmp_path_factory):
    folder = tmp_path_factory.mktemp("family")
    assert sit(STAND_IN, folder, data="digits", stop=lambda: False, device="cpu")
    return folder


def small_files(folder):
    return {
        file.relative_to(folder): file.read_bytes()
        for file in sorted((folder / "small").rglob("*"))
        if file.suffix in (".safetensors", ".json")
    }


def test_a_family_in_many_sittings_on_bare_machines_is_the_same(in_one_sitting, tmp_path, capsys):
    sittings = 0
    done = False
    while not done:
        sittings += 1
        folder = tmp_path / f"machine {sittings}"
        folder.mkdir()
        before = tmp_path / f"machine {sittings - 1}" / "packed"
        if before.exists():
            shutil.copytree(before, folder / "packed")
        done = sit(STAND_IN, folder, data="digits", stop=Wish(8), device="cpu")
        assert done or "goes on from there" in capsys.readouterr().out
        assert sittings < 20
    assert sittings >= 3
    assert small_files(folder) == small_files(in_one_sitting)


def test_what_is_small_is_a_run_whose_weights_are_rounded(in_one_sitting):
    for member in STAND_IN:
        whole, small = (Run.load(in_one_sitting / kind / member.name) for kind in ("runs", "small"))
        assert small.complete
        assert small.request == whole.request
        files = (*whole.snapshot_files, *whole.average_files)
        assert [file.name for file in (*small.snapshot_files, *small.average_files)] == [
            file.name for file in files
        ]
        for file in files:
            before = load_checkpoint_file(file)
            after = load_checkpoint_file(small.folder / "checkpoints" / file.name)
            assert torch.equal(after.theta, before.theta.half().float())
            assert not torch.equal(after.theta, before.theta)
            assert all(torch.equal(after.buffers[name], before.buffers[name]) for name in before.buffers)
            assert after.metadata == before.metadata
            smaller = (small.folder / "checkpoints" / file.name).stat().st_size
            assert smaller < 0.6 * file.stat().st_size


def test_what_rounding_costs_is_measured_and_stated(in_one_sitting):
    for member in STAND_IN:
        folder = in_one_sitting / "small" / member.name
        stated = json.loads((folder / "rounding.json").read_text())
        losses = []
        for file in sorted((folder / "checkpoints").iterdir()):
            row = stated["checkpoints"][file.stem]
            metrics = load_checkpoint_file(file).metadata.metrics
            assert row["test_accuracy"]["float32"] == pytest.approx(metrics["test_accuracy"], abs=1 / 360)
            assert row["test_loss"]["float16"] == pytest.approx(row["test_loss"]["float32"], rel=1e-2)
            losses.append(row["test_accuracy"]["float32"] - row["test_accuracy"]["float16"])
        assert stated["largest_loss_of_test_accuracy"] == max(losses)


def test_the_summary_knows_the_finished_ones(in_one_sitting, tmp_path):
    found = summary(STAND_IN, in_one_sitting)
    assert list(found) == ["standard", "fge", "swa", "single-cycle"]
    assert set(found["swa"]) == {"test_accuracy", "average", "seconds_per_epoch"}
    assert 0 < found["standard"]["test_accuracy"] <= 1
    assert found["standard"]["seconds_per_epoch"] > 0
    assert summary(STAND_IN, tmp_path) == {}


def test_a_member_goes_on_from_the_epoch_that_is_named(in_one_sitting):
    request = request_of(STAND_IN[1], in_one_sitting, "digits")
    assert request.start_from == f"{in_one_sitting / 'runs' / 'standard'}@6"


@pytest.mark.parametrize("count", [1, 7, 1999, 2000, 2001, 4999])
def test_thinned_curves_are_means_of_equal_stretches(count):
    history = {
        "step": np.arange(1, count + 1, dtype=float),
        "learning_rate": np.linspace(1, 0, count),
        "train_loss": np.random.default_rng(3).random(count),
        "checkpoint_step": np.array([0.0, count]) if count != 2 else np.array([0.0]),
    }
    thin = thinned(history)
    width = math.ceil(count / gpu_family.MOST_POINTS)
    pieces = [history["train_loss"][i : i + width] for i in range(0, count, width)]
    np.testing.assert_allclose(thin["train_loss"], [np.mean(piece) for piece in pieces], rtol=1e-12)
    assert thin["step"].tolist() == [min(i + width, count) for i in range(0, count, width)]
    assert len(thin["learning_rate"]) == len(thin["step"]) <= gpu_family.MOST_POINTS
    np.testing.assert_array_equal(thin["checkpoint_step"], history["checkpoint_step"])


def test_every_recipe_of_the_family_fits_the_data():
    names = [member.name for member in FAMILY]
    assert len(set(names)) == len(names)
    for place, member in enumerate(FAMILY):
        request = member.request
        if member.after is not None:
            # What it goes on from is trained before, and keeps a checkpoint there.
            name, epoch = member.after
            (start,) = (other for other in FAMILY[:place] if other.name == name)
            assert epoch * 391 in plan_of(start.request, 391).kept
            request = replace(request, start_from="it@1")
        plan = plan_of(request, 391)
        assert plan.steps <= 3 * 200 * 391


def outcome(ensemble: float, single: float, average: float) -> Outcome:
    names = ("standard", "snapshot", "independent", "sgd", "swa")
    return Outcome(
        ensembles=dict.fromkeys(names, ensemble),
        singles=dict.fromkeys(names, single),
        averages={"swa": average},
        correlations={"standard": 0.9, "snapshot": 0.9},
        networks=dict.fromkeys(names, 6),
        epochs=dict.fromkeys(names, 60.0),
    )


def test_a_verdict_is_that_of_the_mean_and_counts_the_seeds():
    outcomes = [outcome(0.10, 0.11, 0.13), outcome(0.10, 0.15, 0.14), outcome(0.12, 0.11, 0.12)]
    ensembles, averages, independent, correlations = (
        bench_recipes.verdict(claim, outcomes) for claim in bench_recipes.CLAIMS
    )
    # 0.05 / 3 with a standard error of 0.0176
    assert (ensembles["verdict"], ensembles["holds_in_seeds"], ensembles["seeds"]) == ("undecided", 2, 3)
    assert ensembles["difference"]["values"] == [0.01, 0.05, -0.01]
    assert ensembles["difference"]["mean"] == pytest.approx(0.05 / 3, abs=1e-5)
    assert (averages["verdict"], averages["holds_in_seeds"]) == ("undecided", 1)
    assert (independent["verdict"], independent["holds_in_seeds"]) == ("holds", 3)  # equal is enough
    assert (correlations["verdict"], correlations["holds_in_seeds"]) == ("does not hold", 0)  # equal is not


@pytest.mark.parametrize(
    ("values", "words"),
    [([0.05, 0.04, 0.08], "holds"), ([-0.05, -0.04, -0.08], "does not hold"), ([0.3], "undecided")],
)
def test_a_verdict_needs_a_difference_beyond_its_standard_error(values, words):
    assert bench_recipes.judged(bench_recipes.spread(values)) == words


def test_the_table_has_the_mean_and_the_spread():
    row = bench_recipes.row_of("swa", [outcome(0.1, 0.2, 0.3), outcome(0.2, 0.4, 0.3)])
    assert row["ensemble_error"] == {"mean": 0.15, "deviation": 0.07071, "values": [0.1, 0.2]}
    assert row["average_error"]["deviation"] == 0
    assert "average_error" not in bench_recipes.row_of("sgd", [outcome(0.1, 0.2, 0.3)])


def test_the_recipes_that_are_compared_can_be_trained_on_the_digits():
    for request in bench_recipes.RECIPES.values():
        steps = plan_of(request, 23).steps
        assert request.recipe == "independent" or steps <= 60 * 23
