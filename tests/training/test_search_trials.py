"""Trials of a search: draws, the journal that keeps them, and who goes on."""

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from scipy.stats import kstest

from landscape.core.errors import RequestError, StoreError, TrainingError
from landscape.core.requests import SearchRequest
from landscape.training.search_trials import (
    Measures,
    Trials,
    going_on,
    planned_entrants,
    ranked,
    share_kept,
    stage_epochs,
    trial_request,
)


def a_search(**fields: Any) -> SearchRequest:
    return SearchRequest(
        **{"trials": 3, "best": 1, "epochs": 7, "stages": (1, 3), "weight_decays": None, **fields}
    )


def drawn(request: SearchRequest, file: Path) -> list[dict[str, float]]:
    trials = Trials(request, file, "digest")
    return [trials.settings(number) for number in range(request.trials)]


def as_optuna_reads_it(file: Path, request: SearchRequest) -> list[optuna.trial.FrozenTrial]:
    storage = JournalStorage(JournalFileBackend(str(file)))
    return optuna.load_study(study_name=request.key, storage=storage).trials


def test_draws_are_even_in_the_logarithm_or_evenly_spread_as_the_field_asks(tmp_path: Path) -> None:
    request = a_search(trials=200, seed=1, learning_rates=(1e-4, 3.0), momenta=(0.2, 0.7))
    settings = drawn(request, tmp_path / "trials.log")
    rates = np.array([each["learning_rate"] for each in settings])
    momenta = np.array([each["momentum"] for each in settings])
    assert [set(each) for each in settings] == [{"learning_rate", "momentum"}] * 200
    assert rates.min() >= 1e-4
    assert rates.max() <= 3.0
    assert momenta.min() >= 0.2
    assert momenta.max() <= 0.7
    width = np.log(3.0 / 1e-4)
    assert kstest(np.log(rates / 1e-4) / width, "uniform").pvalue > 0.05
    assert kstest(rates / 3.0, "uniform").pvalue < 1e-6
    assert kstest((momenta - 0.2) / 0.5, "uniform").pvalue > 0.05
    # Settings are drawn independently of one another: five standard errors of a correlation of 200 pairs.
    assert abs(np.corrcoef(np.log(rates), momenta)[0, 1]) < 5 / np.sqrt(200)


def test_a_draw_depends_on_seed_and_number_and_not_on_what_is_drawn_beside_it(tmp_path: Path) -> None:
    few = drawn(a_search(trials=3), tmp_path / "few")
    many = drawn(a_search(trials=5, epochs=9, keep=2), tmp_path / "many")
    wide = drawn(a_search(mixups=(0.0, 1.0), momenta=(0.1, 0.9)), tmp_path / "wide")
    assert many[:3] == few
    assert [each["learning_rate"] for each in wide] == [each["learning_rate"] for each in few]
    assert len({each["learning_rate"] for each in many}) == 5
    assert drawn(a_search(seed=1), tmp_path / "other") != few


def test_a_journal_cut_at_any_byte_gives_the_same_trials(tmp_path: Path) -> None:
    request, whole = a_search(momenta=(0.1, 0.9)), tmp_path / "whole"
    settings = drawn(request, whole)
    content = whole.read_bytes()
    ends = [0, *(place + 1 for place, byte in enumerate(content) if byte == ord("\n"))]
    for number, cut in enumerate([*ends, *(end + 17 for end in ends[:-1]), *(end - 1 for end in ends[1:])]):
        file = tmp_path / f"cut-{number}"
        file.write_bytes(content[:cut])
        assert drawn(request, file) == settings
        assert [trial.params for trial in as_optuna_reads_it(file, request)] == settings


def test_a_damaged_line_costs_only_what_comes_after_it(tmp_path: Path) -> None:
    request, file = a_search(), tmp_path / "trials.log"
    trials = Trials(request, file, "digest")
    settings = [trials.settings(number) for number in range(3)]
    trials.report(0, 1, 0.25)
    file.write_bytes(file.read_bytes() + b"\0\0\0\n")
    again = Trials(request, file, "digest")
    assert [again.settings(number) for number in range(3)] == settings
    assert as_optuna_reads_it(file, request)[0].intermediate_values == {1: 0.25}


def test_optuna_reads_what_became_of_the_trials(tmp_path: Path) -> None:
    request, file = a_search(), tmp_path / "trials.log"
    for _ in range(2):  # the second process changes nothing
        trials = Trials(request, file, "digest")
        for number, epochs, error in ((0, 1, 0.5), (1, 1, 0.25), (1, 3, 0.125), (1, 7, 0.0625)):
            trials.report(number, epochs, error)
        trials.close(0, "pruned")
        trials.close(1, "complete")
        trials.close(2, "failed")
        found = as_optuna_reads_it(file, request)
        assert [trial.state.name for trial in found] == ["PRUNED", "COMPLETE", "FAIL"]
        assert [trial.intermediate_values for trial in found] == [
            {1: 0.5},
            {1: 0.25, 3: 0.125, 7: 0.0625},
            {},
        ]
        assert (found[1].value, found[2].value) == (0.0625, None)
        assert [trial.params for trial in found] == [trials.settings(number) for number in range(3)]


def test_a_closed_trial_keeps_its_outcome(tmp_path: Path) -> None:
    request, file = a_search(), tmp_path / "trials.log"
    trials = Trials(request, file, "digest")
    trials.close(0, "failed")
    trials.report(0, 1, 0.5)
    trials.close(0, "pruned")
    assert as_optuna_reads_it(file, request)[0].state.name == "FAIL"
    assert as_optuna_reads_it(file, request)[0].intermediate_values == {}


def test_a_lock_that_a_killed_process_left_is_nobodys(tmp_path: Path) -> None:
    file = tmp_path / "trials.log"
    (tmp_path / "trials.log.lock").touch()
    assert len(drawn(a_search(), file)) == 3  # Optuna's own lock would wait for half a minute


def test_other_data_are_refused(tmp_path: Path) -> None:
    Trials(a_search(), tmp_path / "trials.log", "a" * 64)
    with pytest.raises(
        TrainingError,
        match=r"The search in .* was begun with other data \(digest aaaaaaaaaaaa, now bbbbbbbbbbbb\); bring back",
    ):
        Trials(a_search(), tmp_path / "trials.log", "b" * 64)


def test_a_folder_that_cannot_be_written_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot be written .*; choose a folder that you may write to"):
        Trials(a_search(), tmp_path / "file" / "trials.log", "digest")
    (tmp_path / "trials.log").mkdir()
    with pytest.raises(StoreError, match=r"trials.log cannot be written"):
        Trials(a_search(), tmp_path / "trials.log", "digest")


def test_optuna_says_nothing_and_its_level_stays(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = optuna.logging.get_verbosity()
    trials = Trials(a_search(), tmp_path / "trials.log", "digest")
    trials.close(0, "pruned")
    Trials(a_search(), tmp_path / "trials.log", "digest")
    assert optuna.logging.get_verbosity() == before
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("entered", "keep", "kept"), [(20, 3, 7), (7, 3, 3), (6, 3, 2), (2, 3, 1), (9, 2, 5)]
)
def test_one_in_so_many_goes_on_and_at_least_one(entered: int, keep: int, kept: int) -> None:
    assert share_kept(entered, keep) == kept
    measured = {number: Measures(number / 100, 1.0) for number in range(entered)}
    assert going_on(measured, entered=entered, keep=keep) == list(range(kept))


def test_the_lowest_error_goes_on_then_the_lowest_loss_then_the_first() -> None:
    measured = {
        2: Measures(0.25, 0.9), 5: Measures(0.125, 2.0), 3: Measures(0.25, 0.4), 7: Measures(0.25, 0.4),
        1: Measures(0.5, 0.1),
    }  # fmt: skip
    assert ranked(measured) == [5, 3, 7, 2, 1]
    assert going_on(measured, entered=5, keep=2) == [3, 5, 7]


def test_trials_that_failed_count_among_those_that_entered() -> None:
    measured = {4: Measures(0.3, 1.0), 0: Measures(0.2, 1.0), 6: Measures(0.1, 1.0)}
    assert going_on(measured, entered=9, keep=3) == [0, 4, 6]
    assert going_on(measured, entered=6, keep=3) == [0, 6]
    assert going_on({}, entered=9, keep=3) == []


def test_stages_and_how_many_enter_them() -> None:
    request = SearchRequest(trials=20, stages=(1, 5), epochs=60, keep=3)
    assert stage_epochs(request) == (1, 5, 60)
    assert planned_entrants(request) == [20, 7, 3]
    assert planned_entrants(a_search(stages=(), trials=4)) == [4]


def test_the_run_of_a_trial_is_the_searchs_with_what_was_drawn_on_a_part_of_the_data() -> None:
    request = a_search(data="digits:noise=0.2", architecture="mlp", validation=0.25, batch_size=33, seed=9)
    run = trial_request(request, {"learning_rate": 0.03125}, 3)
    assert run.data == "digits:noise=0.2:validation=0.25"
    assert (run.epochs, run.learning_rate, run.study) == (3, 0.03125, "train")
    for name in run.__struct_fields__:
        if name not in ("data", "epochs", "learning_rate"):
            assert getattr(run, name) == getattr(request, name)


def test_a_stage_that_is_too_short_for_the_run_gets_a_sentence() -> None:
    with pytest.raises(
        RequestError,
        match=r"The search's stage with epochs=1 cannot be trained. The warm-up of 2 epochs does not fit",
    ):
        trial_request(a_search(warmup=2), {}, 1)


def test_the_journal_names_the_search(tmp_path: Path) -> None:
    request, file = a_search(), tmp_path / "trials.log"
    drawn(request, file)
    first = json.loads(file.read_bytes().splitlines()[0])
    assert first["study_name"] == request.key
    assert msgspec.json.decode(request.to_json())["study"] == "search"


@pytest.mark.parametrize("recipe", ["sgdr", "swa", "ema", "layca"])
def test_every_single_recipe_can_be_searched(recipe):
    request = SearchRequest(recipe=recipe, epochs=8, stages=(2,))
    found = trial_request(request, {"learning_rate": 0.03}, epochs=8)
    assert (found.recipe, found.learning_rate, found.epochs) == (recipe, 0.03, 8)
