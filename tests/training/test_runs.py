import json

import numpy as np
import pytest
import torch

from landscape.core.errors import CheckpointError, TrainingError
from landscape.core.requests import LineRequest, TrainRequest
from landscape.training.runs import DataRecord, Run, checkpoint_path, open_run, save_history, step_of
from landscape.training.trainer import train
from tests.conftest import tiny_data

REQUEST = TrainRequest(data="tiny", architecture="mlp", cycles=2, epochs=4, batch_size=10)
DATA = DataRecord(name="tiny", digest="ab" * 32, reference="tiny")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(REQUEST, tmp_path_factory.mktemp("runs") / "run", data=tiny_data())


def test_folder_is_laid_out_as_agreed(run):
    files = {str(path.relative_to(run.folder)) for path in run.folder.rglob("*") if path.is_file()}
    assert files == {
        "request.json",
        "data.json",
        "history.npz",
        "complete",
        *(f"checkpoints/step-{step:06d}.safetensors" for step in (0, 8, 16)),
        *(f"optimizer/step-{step:06d}.safetensors" for step in (0, 8, 16)),
    }
    assert (run.folder / "request.json").read_text() == REQUEST.to_json()
    assert json.loads((run.folder / "data.json").read_text()) == {
        "name": "tiny",
        "digest": tiny_data().digest,
        "reference": "tiny",
    }
    assert (run.folder / "complete").read_bytes() == b""


def test_load_gives_the_same_run(run):
    loaded = Run.load(run.folder)
    assert loaded == run
    assert loaded.request == REQUEST
    assert loaded.complete
    assert [step_of(path) for path in loaded.checkpoint_files] == [0, 8, 16]


def test_checkpoints_are_read_one_by_one(run, tmp_path):
    labels = [checkpoint.label for checkpoint in run.checkpoints()]
    assert labels == ["start", "snapshot 1", "snapshot 2"]
    for file in run.checkpoint_files:
        checkpoint_path(tmp_path, step_of(file)).parent.mkdir(exist_ok=True)
        checkpoint_path(tmp_path, step_of(file)).write_bytes(file.read_bytes())
    checkpoint_path(tmp_path, 8).write_bytes(b"damaged")
    there = Run(tmp_path, REQUEST, DATA).checkpoints()
    assert next(there).label == "start"
    with pytest.raises(CheckpointError, match="is not a safetensors file"):
        next(there)


def test_a_checkpoint_is_found_by_step(run):
    assert run.checkpoint_file(8) == run.folder / "checkpoints" / "step-000008.safetensors"
    assert run.checkpoint_file("last") == run.folder / "checkpoints" / "step-000016.safetensors"
    with pytest.raises(CheckpointError, match="has no checkpoint at step 9; there are: 0, 8, 16"):
        run.checkpoint_file(9)


def test_checkpoints_are_ordered_by_step_beyond_six_digits(tmp_path):
    for step in (1_000_000, 999_999, 2_000_000, 0):
        checkpoint_path(tmp_path, step).parent.mkdir(exist_ok=True)
        checkpoint_path(tmp_path, step).touch()
    steps = [step_of(path) for path in Run(tmp_path, REQUEST, DATA).checkpoint_files]
    assert steps == [0, 999_999, 1_000_000, 2_000_000]


def test_history_round_trip(tmp_path):
    save_history(tmp_path, {"step": np.arange(3), "train_loss": np.array([0.5, np.nan, np.inf])})
    history = Run(tmp_path, REQUEST, DATA).history
    assert history["step"].dtype == np.float64
    np.testing.assert_array_equal(history["train_loss"], [0.5, np.nan, np.inf])


def test_a_new_run_has_nothing(tmp_path):
    run = open_run(tmp_path / "new", REQUEST, DATA)
    assert run == Run.load(tmp_path / "new")
    assert run.history == {}
    assert not run.complete
    assert list(run.checkpoints()) == []
    with pytest.raises(CheckpointError, match="has no checkpoint at step last; there are: none so far"):
        run.checkpoint_file("last")


def test_damaged_history(tmp_path):
    (tmp_path / "history.npz").write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(TrainingError, match=r"The history .*history\.npz is damaged; bring it back"):
        _ = Run(tmp_path, REQUEST, DATA).history


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(
        TrainingError, match=r"holds no training run \(request\.json is missing\); give a folder"
    ):
        Run.load(tmp_path)


@pytest.mark.parametrize(("file", "text"), [("request.json", '{"study":'), ("data.json", "[]")])
def test_records_that_cannot_be_read(tmp_path, file, text):
    open_run(tmp_path, REQUEST, DATA)
    (tmp_path / file).write_text(text)
    with pytest.raises(
        TrainingError, match=r"The records of the run in .* cannot be read .*train into another folder"
    ):
        Run.load(tmp_path)


def test_a_folder_of_another_study(tmp_path):
    open_run(tmp_path, REQUEST, DATA)
    (tmp_path / "request.json").write_text(LineRequest(checkpoints=("a", "b")).to_json())
    with pytest.raises(TrainingError, match="holds a line request, not a training run"):
        Run.load(tmp_path)


def test_a_folder_of_another_request(run):
    other = TrainRequest(data="tiny", architecture="mlp", cycles=2, epochs=4, batch_size=10, seed=7)
    message = r"holds a run of another request .seed is 0 there and 7 here.; choose another folder"
    with pytest.raises(TrainingError, match=message):
        train(other, run.folder, data=tiny_data())


def test_a_folder_of_other_data(run):
    with pytest.raises(
        TrainingError, match=r"was trained on other data .tiny, digest .*choose another folder"
    ):
        train(REQUEST, run.folder, data=tiny_data(seed=6))


def test_a_finished_run_returns_without_training(run, monkeypatch):
    monkeypatch.setattr("landscape.training.trainer.train_alone", None)
    before = {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")}
    assert train(REQUEST, run.folder, data=tiny_data(), device="cuda") == run
    assert {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")} == before


def test_the_person_s_name_for_the_data_is_kept(tmp_path):
    run = train(REQUEST, tmp_path / "run", data=tiny_data(), reference="some/folder")
    assert run.data.reference == "some/folder"
    assert torch.equal(next(run.checkpoints()).theta, next(Run.load(tmp_path / "run").checkpoints()).theta)
