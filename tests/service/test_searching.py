"""Searches against a naive twin: the same trainings one after the other, judged by the definition."""

import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
import xarray as xr
from torch.nn import functional

from landscape.commands.search import search as search_verb
from landscape.core.errors import RequestError, StoppedError, TrainingError
from landscape.core.requests import SearchRequest, TrainRequest
from landscape.core.results import provenance_of
from landscape.core.search_requests import RANGES
from landscape.networks.architectures import build_network
from landscape.networks.checkpoints import Checkpoint
from landscape.networks.datasets import load_data
from landscape.networks.tasks import Data, Examples
from landscape.service import searching
from landscape.service.home import Home
from landscape.service.references import load_checkpoint, load_request_data
from landscape.service.search_results import command_line
from landscape.service.store import Store
from landscape.training import quickest, side_by_side
from landscape.training.runs import Run
from landscape.training.trainer import train
from tests.service.kill_search import a_search, search_quietly, write_data

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "default_workers", lambda jobs, ingredients: 1)


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_data(tmp_path_factory.mktemp("data") / "points.npz")


@pytest.fixture(scope="module")
def searched(points: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[xr.Dataset, Home]:
    home = Home(tmp_path_factory.mktemp("searched")).ensure()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(side_by_side, "default_workers", lambda jobs, ingredients: 1)
        return search_quietly(a_search(points), home), home


def numbers(result: xr.Dataset) -> xr.Dataset:
    """What must not depend on when and where."""
    return result.drop_attrs().drop_vars("run")


def naive_search(
    request: SearchRequest, settings: list[list[float]], data: Data, folder: Path
) -> dict[str, Any]:
    """Successive halving as it is defined, with one training after the other."""
    stages = [*request.stages, request.epochs]
    errors = np.full((request.trials, len(stages)), np.nan)
    losses, states, runs = errors.copy(), ["complete"] * request.trials, {}
    alive = list(range(request.trials))
    for stage, epochs in enumerate(stages):
        for trial in alive:
            run = train(
                TrainRequest(
                    data=f"{request.data}:validation={request.validation}", architecture="mlp", recipe="standard",
                    cycles=1, batch_size=10, seed=4, epochs=epochs,
                    learning_rate=settings[trial][0], weight_decay=settings[trial][1],
                ),
                folder / f"{trial}-{stage}", data=data, device="cpu",
            )  # fmt: skip
            errors[trial, stage] = 1 - run.history["checkpoint_test_accuracy"][-1]
            losses[trial, stage] = run.history["checkpoint_test_loss"][-1]
            runs[trial] = run
        if stage < len(stages) - 1:
            order = sorted(alive, key=lambda trial: (errors[trial, stage], losses[trial, stage], trial))
            for trial in order[math.ceil(len(alive) / request.keep) :]:
                states[trial] = "pruned"
            alive = sorted(order[: math.ceil(len(alive) / request.keep)])
    best = sorted(alive, key=lambda trial: (errors[trial, -1], losses[trial, -1], trial))
    return {"errors": errors, "losses": losses, "states": states, "best": [runs[trial] for trial in best]}


def outputs_of(checkpoint: Checkpoint, examples: Examples) -> torch.Tensor:
    module = build_network("mlp", tuple(examples.inputs.shape[1:]), 3)
    checkpoint.load_into(module)
    with torch.no_grad():
        return functional.softmax(module.eval()(examples.inputs).double(), dim=1)


def test_a_search_is_successive_halving_of_runs_on_a_part_of_the_training_split(
    searched: tuple[xr.Dataset, Home], points: str, tmp_path: Path
) -> None:
    result, _ = searched
    request, data = a_search(points), load_data(f"{points}:validation=0.2")
    expected = naive_search(request, result["value"].values.tolist(), data, tmp_path)
    np.testing.assert_array_equal(result["validation_error"], expected["errors"])
    np.testing.assert_array_equal(result["validation_loss"], expected["losses"])
    assert result["state"].values.tolist() == expected["states"]
    assert (~np.isnan(expected["errors"])).sum(0).tolist() == [5, 3, 2]
    total, ensemble = 0, []
    for run in expected["best"]:
        total = total + outputs_of(list(run.checkpoints())[-1], data.test)
        ensemble.append(float(total.argmax(1).ne(data.test.targets).double().mean()))
    np.testing.assert_allclose(result["ensemble_error"], ensemble, atol=1e-12)


def test_the_result_says_what_was_searched_and_where_its_runs_are(
    searched: tuple[xr.Dataset, Home], points: str
) -> None:
    result, home = searched
    request = a_search(points)
    assert result["parameter"].values.tolist() == ["learning_rate", "weight_decay"]
    assert result["in_log"].values.tolist() == [True, True]
    assert (result["low"].values.tolist(), result["high"].values.tolist()) == ([1e-3, 1e-6], [1.0, 1e-2])
    assert result["stage_epochs"].values.tolist() == [1, 3, 6]
    assert [result[axis].values.tolist() for axis in ("trial", "stage", "size")] == [
        [0, 1, 2, 3, 4],
        [1, 2, 3],
        [1, 2],
    ]
    assert result.attrs["title"] == "Search for learning rate and weight decay, 5 trials (mlp, points)"
    for trial, folder in enumerate(result["run"].values):
        run = Run.load(folder)
        reached = int((~np.isnan(result["validation_error"].values[trial])).sum())
        assert (
            Path(folder)
            == home.path / "searches" / request.key[:16] / "runs" / f"trial-00{trial}-stage-{reached}"
        )
        assert (run.complete, run.request.epochs) == (True, [1, 3, 6][reached - 1])
        assert run.request.learning_rate == result["value"].values[trial, 0]
        assert run.data.reference == f"{points}:validation=0.2"


def test_the_result_names_the_best_networks_and_the_data(
    searched: tuple[xr.Dataset, Home], points: str
) -> None:
    result, home = searched
    provenance, data = provenance_of(result), load_data(points)
    complete = np.flatnonzero(result["state"] == "complete")
    order = sorted(
        complete, key=lambda t: (*(float(result[f"validation_{n}"][t, -1]) for n in ("error", "loss")), t)
    )
    assert [record.label for record in provenance.checkpoints] == [f"trial {trial}" for trial in order]
    assert provenance.weight_decay == result["value"].values[order[0], 1]
    assert (provenance.data, provenance.data_digest) == ("points", data.digest)
    assert provenance.samples == {"train": 49, "validation": 12, "test": 0}
    for record in provenance.checkpoints:
        checkpoint = load_checkpoint(record.digest, home=home)
        assert (checkpoint.digest, checkpoint.source) == (record.digest, record.source)
        # What follows a search looks at the network where the search looked: on the validation part.
        assert load_request_data(None, [checkpoint], home).name == "points, 20% held out for validation"


def test_a_finished_search_is_found_again(
    searched: tuple[xr.Dataset, Home], points: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, home = searched
    monkeypatch.setattr(searching, "train_quickest", None)
    assert search_quietly(a_search(points), home).identical(Store(home).load(a_search(points).key))
    assert result.equals(search_quietly(a_search(points), home))


def test_the_test_split_is_never_looked_at(points: str, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    class Locked(Examples):
        def __getattribute__(self, name: str) -> object:
            raise AssertionError("the test split was touched")

    locked = Locked(torch.zeros(1, 7), torch.zeros(1, dtype=torch.long))
    monkeypatch.setattr(
        searching, "load_data", lambda *args, **options: replace(load_data(*args, **options), test=locked)
    )
    search_quietly(a_search(points, trials=2, stages=(1,), epochs=2), home)


def test_another_test_split_changes_no_number(
    searched: tuple[xr.Dataset, Home], tmp_path: Path, home: Home
) -> None:
    other = write_data(tmp_path / "points.npz", test_seed=2)
    assert load_data(other).digest != provenance_of(searched[0]).data_digest
    assert numbers(search_quietly(a_search(other), home)).identical(numbers(searched[0]))


def test_a_search_that_is_stopped_again_and_again_ends_the_same(
    searched: tuple[xr.Dataset, Home], points: str, home: Home
) -> None:
    sittings, result = 0, None
    while result is None:
        asked, sittings = 0, sittings + 1

        def stop() -> bool:
            nonlocal asked
            asked += 1
            return asked > 23  # steps; a first-stage run has 5, the longest 30

        try:
            result = search_quietly(a_search(points), home, stop=stop)
        except StoppedError:
            assert Store(home).find(a_search(points).key) is None
    assert sittings > 5
    assert numbers(result).identical(numbers(searched[0]))


def test_a_search_that_is_killed_again_and_again_ends_the_same(
    searched: tuple[xr.Dataset, Home], tmp_path: Path
) -> None:
    kills = ["line:1", "line:9", "rename:4", "step:12", "line:3", "step:60", "rename:20"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.service.kill_search", str(tmp_path), *kills]
    subprocess.run(command, check=True, cwd=ROOT, env=environment)
    request = a_search(str(tmp_path / "points.npz"))
    killed, peaceful = (Store(Home(tmp_path / name)).load(request.key) for name in ("killed", "peaceful"))
    assert killed is not None
    assert peaceful is not None
    assert numbers(killed).identical(numbers(peaceful))
    assert numbers(killed).identical(numbers(searched[0]))


def test_side_by_side_the_numbers_are_the_same(
    searched: tuple[xr.Dataset, Home], points: str, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "default_workers", lambda jobs, ingredients: 2)
    monkeypatch.setattr(quickest, "MEASURING_SECONDS", -1.0)
    monkeypatch.setattr(quickest, "STARTING_SECONDS", -1.0)
    request = a_search(points, stages=(), epochs=1)
    result = search_quietly(request, home)
    np.testing.assert_array_equal(result["validation_loss"], searched[0]["validation_loss"][:, :1])


def test_a_trial_whose_loss_becomes_infinite_fails_and_the_search_goes_on(points: str, home: Home) -> None:
    request = a_search(points, learning_rates=(1e-3, 1e12), weight_decays=(1e-6, 10.0), trials=6, best=6)
    result = search_quietly(request, home)
    errors = result["validation_error"].values
    failed = np.isinf(errors)
    assert failed.any()
    assert not failed.all()
    assert (result["state"].values == "failed").tolist() == failed.any(1).tolist()
    np.testing.assert_array_equal(np.isinf(result["validation_loss"]), failed)
    complete = int((result["state"] == "complete").sum())
    assert 0 < complete < 6
    assert np.isfinite(result["ensemble_error"].values).tolist() == [True] * complete + [False] * (
        6 - complete
    )
    assert np.isnan(result["ensemble_error"].values[complete:]).all()


def test_a_search_in_which_everything_fails_gets_a_sentence(points: str, home: Home) -> None:
    request = a_search(points, learning_rates=(1e20, 1e22), trials=2, weight_decays=None)
    with pytest.raises(
        TrainingError,
        match=r"All 2 trials failed because their losses became infinite; search lower learning rates.",
    ):
        search_quietly(request, home)


def test_a_later_stage_that_cannot_work_is_told_before_the_first_one_trains(points: str, home: Home) -> None:
    request = a_search(points, recipe="snapshot", cycles=4, epochs=6)
    with pytest.raises(RequestError, match="4 cycles need a number of steps divisible by 4"):
        search_quietly(request, home)
    with pytest.raises(
        RequestError, match=r"The search's stage with epochs=1 cannot be trained. The warm-up of 2"
    ):
        search_quietly(a_search(points, warmup=2), home)
    assert not list((home.path / "searches").glob("*/runs/*"))


def test_data_that_have_changed_are_not_searched_on(tmp_path: Path, home: Home) -> None:
    request = a_search(write_data(tmp_path / "points.npz"), trials=2, stages=(), epochs=1)
    search_quietly(request, home)
    write_data(tmp_path / "points.npz", test_seed=3)
    with pytest.raises(TrainingError, match=r"The search in .* was begun with other data"):
        search_quietly(request, home)


def test_a_recipe_that_averages_is_judged_by_its_average(points: str, home: Home) -> None:
    request = a_search(points, recipe="ema", average_decay=0.5, trials=2, stages=(), epochs=2, best=1)
    result = search_quietly(request, home)
    for trial in range(2):
        history = Run.load(result["run"].values[trial]).history
        assert float(result["validation_loss"][trial, 0]) == history["average_test_loss"][-1]
        assert history["average_test_loss"][-1] != history["checkpoint_test_loss"][-1]
    assert provenance_of(result).checkpoints[0].source.endswith("-average")
    best = int(np.argmin(result["validation_loss"].values))
    assert float(result["ensemble_error"][0]) == pytest.approx(float(result["validation_error"][best, 0]))


def test_starts_and_teachers_enter_by_their_digests(
    searched: tuple[xr.Dataset, Home], points: str, home: Home
) -> None:
    record = provenance_of(searched[0]).checkpoints[0]
    request = a_search(
        points,
        trials=2,
        stages=(),
        epochs=1,
        start_from=record.source,
        teachers=(record.source,),
        temperature=2.0,
    )
    result = search_quietly(request, home)
    run = Run.load(result["run"].values[0])
    assert (run.request.start_from, run.request.teachers) == (record.digest, (record.digest,))
    store = Store(home)
    canonical = msgspec.structs.replace(request, start_from=record.digest, teachers=(record.digest,))
    assert store.follow(request.key) == canonical.key == provenance_of(result).key
    assert f"--start-from {record.source}" in provenance_of(result).command


def test_progress_counts_epochs_of_all_stages(points: str, home: Home) -> None:
    told: list[tuple[int, int, str]] = []
    search_quietly(a_search(points), home, progress=lambda *each: told.append(each))
    assert {total for _, total, _ in told} == {5 * 1 + 3 * 3 + 2 * 6}
    done = [done for done, _, _ in told]
    assert done == sorted(done)
    assert done[-1] == 26
    assert {note.partition(",")[0] for _, _, note in told} == {f"stage {stage} of 3" for stage in (1, 2, 3)}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"weight_decays": None, "momenta": (0.5, 0.875), "stages": (), "seed": 11, "validation": 0.125},
        {"label_smoothings": (0.0, 0.1), "mixups": (0.0, 1 / 3), "optimizer": "sam", "stages": (2, 4, 5)},
        {"teachers": ("a@last", "b@last"), "start_from": "c@3", "learning_rates": (1e-7, 3e5)},
    ],
)
def test_the_command_line_asks_for_the_same_search(fields: dict[str, Any]) -> None:
    request = SearchRequest(**{"data": "digits:noise=0.2", "epochs": 7, **fields})
    words = command_line(request).split()
    assert words[:4] == ["python", "-m", "landscape", "search"]
    options = search_verb.make_context("search", words[4:]).params
    assert SearchRequest(**{name: options[name] for name in SearchRequest.__struct_fields__}) == request


def test_every_range_can_be_searched(points: str, home: Home) -> None:
    ranges = dict.fromkeys(RANGES, (0.125, 0.25))
    result = search_quietly(a_search(points, trials=2, stages=(), epochs=1, **ranges), home)
    assert result["parameter"].values.tolist() == [field for field, _ in RANGES.values()]
    assert ((result["value"] >= 0.125) & (result["value"] <= 0.25)).all()
    for trial, folder in enumerate(result["run"].values):
        request = Run.load(folder).request
        assert [getattr(request, field) for field, _ in RANGES.values()] == result["value"].values[
            trial
        ].tolist()
