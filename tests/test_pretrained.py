"""What ships in pretrained/: sound, small, complete, and true."""

import json
import re
import shlex
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image

from landscape.commands.exhibits import EXHIBITS, RUNS, WITH_OPTIMIZER
from landscape.core.files import load_result
from landscape.core.requests import STUDIES, GroupedRequest, request_from_json
from landscape.core.results import SCHEMAS, is_complete, provenance_of, self_check
from landscape.figures.findings import finding
from landscape.networks.datasets import load_data
from landscape.service.compute import compute
from landscape.service.pretrained import load_index, pretrained_folder, verify
from landscape.service.references import load_checkpoint, load_task
from landscape.training.evaluation import evaluate_splits
from landscape.training.recipes import plan_of
from landscape.training.runs import Run, name_of, step_of

FOLDER = pretrained_folder()
INDEX = load_index()
MOST_BYTES = 16_000_000
STEPS_PER_EPOCH = 23  # 1,437 digits in batches of 64


def test_every_file_is_the_one_in_the_index():
    assert verify() == []


def test_everything_together_is_small():
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < MOST_BYTES


def test_the_index_names_every_run_and_every_result():
    assert [run.name for run in INDEX.runs] == list(RUNS)
    assert [result.id for result in INDEX.results] == [exhibit.id for exhibit in EXHIBITS]
    for result in INDEX.results:
        assert result.title
        assert result.finding.endswith(".")
    ids = [result.id for result in INDEX.results]
    # The app's addresses shorten ids, so none may begin with another.
    assert not [(one, other) for one in ids for other in ids if one != other and other.startswith(one)]


def test_the_first_picture_is_that_of_three_runs():
    clean = {name: request for name, request in RUNS.items() if request.data == "digits"}
    assert [request.recipe for request in clean.values()] == ["snapshot", "standard", "standard", "standard"]
    assert len({request.seed for request in clean.values() if request.recipe == "standard"}) == 3
    assert EXHIBITS[0].id == "three-runs"


def test_the_family_on_noisy_labels_has_every_recipe_of_the_papers_on_one_start():
    noisy = [request for request in RUNS.values() if request.data == "digits:noise=0.2"]
    assert {request.recipe for request in noisy} == {
        *("standard", "snapshot", "single-cycle", "independent", "fge", "swa", "layca")
    }
    assert (
        len({(request.architecture, request.batch_size, request.epochs, request.seed) for request in noisy})
        == 1
    )
    assert len({request.learning_rate for request in noisy if request.recipe == "layca"}) == 2
    swa, sgd = RUNS["noisy-swa"], RUNS["noisy-sgd"]
    assert (sgd.recipe, sgd.schedule, sgd.epochs) == ("standard", "late-linear", swa.epochs)
    assert RUNS["noisy-independent"].cycles == 3


def test_swa_and_its_baseline_are_one_network_up_to_the_second_phase():
    swa, sgd = (Run.load(FOLDER / "runs" / name) for name in ("noisy-swa", "noisy-sgd"))
    assert [one.digest for one in swa.checkpoints()][1] in [one.digest for one in sgd.checkpoints()]


@pytest.mark.parametrize("name", RUNS)
def test_each_run_is_complete_and_says_what_was_asked(name):
    run = Run.load(FOLDER / "runs" / name)
    assert run.complete
    assert run.request == RUNS[name]
    plan = plan_of(run.request, STEPS_PER_EPOCH)
    assert [step_of(file) for file in run.checkpoint_files] == sorted(plan.kept)
    assert [step_of(file) for file in run.average_files] == sorted(plan.average_kept)
    # The last iterate under a rate that stays high is poor; its average is what SWA is about.
    kind = "average" if run.average_files else "checkpoint"
    least = 0.97 if run.request.data == "digits" else 0.8
    assert run.history[f"{kind}_test_accuracy"][-1] > least
    assert len(run.history["learning_rate"]) == plan.steps


@pytest.mark.parametrize("name", RUNS)
def test_only_what_people_look_at_is_shipped(name):
    folders = {path.name for path in (FOLDER / "runs" / name).iterdir() if path.is_dir()}
    assert folders == {"checkpoints", "optimizer"} if name == WITH_OPTIMIZER else {"checkpoints"}


def test_fge_can_be_started_again():
    run = Run.load(FOLDER / "runs" / WITH_OPTIMIZER)
    (between,) = (file for file in run.checkpoint_files if load_checkpoint(file).metadata.kind == "between")
    assert run.optimizer_file(step_of(between)).is_file()


@pytest.mark.parametrize("name", RUNS)
def test_each_checkpoint_does_what_its_metadata_say(name):
    data = load_data(RUNS[name].data)
    run = Run.load(FOLDER / "runs" / name)
    for checkpoint in map(load_checkpoint, (*run.checkpoint_files, *run.average_files)):
        assert checkpoint.metadata.data_digest == data.digest
        network = load_task(checkpoint.metadata, data).build()
        checkpoint.load_into(network)
        network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        for measure, value in evaluate_splits(network, data).items():
            # Sums of float32 in another order on another machine; an accuracy may turn by one image.
            tolerance = {"abs": 1 / 360} if "accuracy" in measure else {"rel": 1e-3}
            assert value == pytest.approx(checkpoint.metadata.metrics[measure], **tolerance)


@pytest.mark.parametrize("result", INDEX.results, ids=lambda result: result.id)
def test_each_result_is_complete_and_agrees_with_its_checkpoints(result):
    dataset = load_result(FOLDER / result.file)
    assert is_complete(dataset)
    if SCHEMAS[result.study].swept:
        assert self_check(dataset) < 1e-4
    assert dataset.attrs["study"] == result.study
    assert result.title == dataset.attrs["title"]
    assert result.finding == finding(dataset)
    for record in provenance_of(dataset).checkpoints:
        folder, _, name = record.source.removeprefix("pretrained/").rpartition("@")
        file = Run.load(FOLDER / folder).checkpoint_file(name)
        assert name_of(file) == name
        assert load_checkpoint(file).digest == record.digest


def test_results_of_several_runs_say_which():
    for result in INDEX.results:
        records = provenance_of(load_result(FOLDER / result.file)).checkpoints
        runs = {Path(record.source.rpartition("@")[0]).name for record in records}
        if len(runs) > 1:
            assert all(any(record.label.startswith(run) for run in runs) for record in records)


@pytest.mark.parametrize("result", INDEX.results, ids=lambda result: result.id)
def test_nothing_in_a_result_belongs_to_the_machine_it_was_made_on(result):
    text = load_result(FOLDER / result.file).attrs["provenance"]
    assert not re.search(r'[" ](/|[A-Za-z]:\\\\)', text)


@pytest.mark.parametrize("result", INDEX.results, ids=lambda result: result.id)
def test_each_poster_is_there_in_both_themes(result):
    assert isinstance(result.poster, dict)
    light, dark = (
        np.asarray(Image.open(FOLDER / result.poster[theme]).convert("L")) for theme in ("light", "dark")
    )
    assert light.shape == dark.shape
    assert light[0, 0] > 200 > 50 > dark[0, 0]


@pytest.mark.parametrize("result", INDEX.results, ids=lambda result: result.id)
def test_the_command_of_each_result_asks_for_it(result):
    dataset = load_result(FOLDER / result.file)
    provenance = provenance_of(dataset)
    words = shlex.split(provenance.command)
    assert words[:4] == ["python", "-m", "landscape", result.study]
    assert all(any(record.source in word for word in words) for record in provenance.checkpoints)
    if issubclass(STUDIES[result.study], GroupedRequest):
        groups = dict.fromkeys(str(name) for name in dataset["checkpoint_group"].values)
        assert [word.partition("=")[0] for word in words[4 : 4 + len(groups)]] == list(groups)


@pytest.mark.prove
def test_the_results_are_computed_again(tmp_path):
    for shipped in INDEX.results:
        dataset = load_result(FOLDER / shipped.file)
        provenance = provenance_of(dataset)
        request = msgspec.structs.replace(
            request_from_json(json.dumps(provenance.request)),
            checkpoints=tuple(str(FOLDER.parent / record.source) for record in provenance.checkpoints),
            data=None,
        )
        again = compute(request, home=tmp_path)
        assert provenance_of(again).key == provenance.key
        for name, values in dataset.data_vars.items():
            if values.dtype.kind == "f":
                np.testing.assert_allclose(again[name], values, rtol=1e-3, atol=1e-3, err_msg=str(name))
