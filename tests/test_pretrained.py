"""What ships in pretrained/: sound, small, complete, and true."""

import json
import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image

from landscape.commands.findings import finding
from landscape.commands.pretrained import EXHIBITS, RUNS
from landscape.core.files import load_result
from landscape.core.requests import request_from_json
from landscape.core.results import is_complete, provenance_of, self_check
from landscape.networks.datasets import load_data
from landscape.service.compute import compute
from landscape.service.pretrained import load_index, pretrained_folder, verify
from landscape.service.references import load_task
from landscape.training.evaluation import evaluate_splits
from landscape.training.runs import Run, step_of

FOLDER = pretrained_folder()
INDEX = load_index()
MOST_BYTES = 8_000_000


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


def test_the_runs_are_what_the_issue_asks_for():
    recipes = [request.recipe for request in RUNS.values()]
    assert recipes == ["snapshot", "standard", "standard", "standard"]
    assert len({request.seed for request in RUNS.values() if request.recipe == "standard"}) == 3
    assert len({(request.architecture, request.data) for request in RUNS.values()}) == 1


@pytest.mark.parametrize("name", RUNS)
def test_each_run_is_complete_and_says_what_was_asked(name):
    run = Run.load(FOLDER / "runs" / name)
    assert run.complete
    assert run.request == RUNS[name]
    assert len(run.checkpoint_files) == run.request.cycles + 1
    assert run.history["checkpoint_test_accuracy"][-1] > 0.97
    assert not (run.folder / "state").exists()


@pytest.mark.parametrize("name", RUNS)
def test_each_checkpoint_does_what_its_metadata_say(name):
    data = load_data("digits")
    for checkpoint in Run.load(FOLDER / "runs" / name).checkpoints():
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
    assert self_check(dataset) < 1e-4
    assert dataset.attrs["study"] == result.study
    assert result.title == dataset.attrs["title"]
    assert result.finding == finding(dataset)
    for record in provenance_of(dataset).checkpoints:
        folder, _, step = record.source.removeprefix("pretrained/").rpartition("@")
        run = Run.load(FOLDER / folder)
        (digest,) = (c.digest for c in run.checkpoints() if c.metadata.step == int(step))
        assert digest == record.digest


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


def test_checkpoints_lie_at_equal_steps():
    for name in RUNS:
        steps = [step_of(file) for file in Run.load(FOLDER / "runs" / name).checkpoint_files]
        assert len(set(np.diff(steps))) == 1


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
        np.testing.assert_allclose(again["nll"], dataset["nll"], rtol=1e-3)
