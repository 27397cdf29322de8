"""A run that was interrupted, by whatever, ends as if it had not been."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from landscape.core.errors import StoppedError, StoreError, TrainingError
from landscape.core.requests import TrainRequest
from landscape.training.keeping import conditions
from landscape.training.runs import Run
from landscape.training.trainer import train
from tests.conftest import tiny_data
from tests.training.folders import contents

REQUEST = TrainRequest(data="tiny", cycles=3, epochs=9, batch_size=8)  # 9 epochs of 5 steps, cycles of 15


def stop_after(steps: int):
    asked = iter(range(steps + 1))
    return lambda: next(asked) == steps


def train_on(folder: Path, steps: int, *, until: int | None = None) -> None:
    """Take so many steps, from where the folder stands."""
    until = steps if until is None else until
    with pytest.raises(StoppedError, match=rf"Training stopped after step {until} of 45; start it again"):
        train(REQUEST, folder, data=tiny_data(), stop=stop_after(steps))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return contents(train(REQUEST, tmp_path_factory.mktemp("undisturbed") / "run", data=tiny_data()).folder)


def kill_repeatedly(folder: Path, *kills: str) -> int:
    """Fill `folder/killed` against all odds and `folder/whole` in peace; the number of children that SIGKILL ended."""
    command = [sys.executable, "-m", "tests.training.kill_repeatedly", str(folder), *kills]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return int(found.stdout)


def test_killed_at_awkward_moments_ends_bit_identical(tmp_path):
    # In turn: while the request is being written; in the middle of an epoch; while a state and a history are being
    # written; near the end of a cycle; at a snapshot; while the last snapshot is being written.
    kills = ("rename:2", "step:8", "rename:3", "rename:4", "step:5", "rename:6", "step:16", "rename:29")
    assert kill_repeatedly(tmp_path, *kills) == len(kills)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


@pytest.mark.prove
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_killed_at_any_moment_ends_bit_identical(tmp_path, seed):
    assert kill_repeatedly(tmp_path, f"seed:{seed}", *["after:0.2"] * 8) == 8
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


@pytest.mark.parametrize("steps", [0, 1, 7, 14, 15, 16, 44])
def test_stopped_and_started_again_ends_bit_identical(tmp_path, undisturbed, steps):
    train_on(tmp_path / "run", steps)
    assert not Run.load(tmp_path / "run").complete
    assert len(Run.load(tmp_path / "run").history["train_loss"]) == steps
    run = train(REQUEST, tmp_path / "run", data=tiny_data())
    assert run.complete
    assert contents(tmp_path / "run") == undisturbed


@pytest.mark.parametrize(
    "fields",
    [
        {"restart_momentum": "reset"},
        {"augmentation": "crop-flip"},
        {"momentum": 0.0},
        {"recipe": "standard", "cycles": 4},
        {"phase": "reference"},
        {"architecture": "mlp"},
        {"architecture": "resnet20-conv", "epochs": 3},
        {"recipe": "sgdr", "cycles": 6},
        {"recipe": "fge", "cycles": 6, "period": 2, "start_epoch": 1},
        {"recipe": "swa", "cycles": 2, "start_epoch": 2},
        {"recipe": "ema", "average_decay": 0.8},
        {"recipe": "layca", "learning_rate": 0.03, "layer_profile": 0.3, "optimizer": "adam"},
        {"optimizer": "sam"},
        {"optimizer": "adamw", "learning_rate": 1e-3, "mixup": 0.7, "label_smoothing": 0.1},
        {"optimizer": "rmsprop", "learning_rate": 1e-3, "objective": "mean-squared-error"},
        {"optimizer": "lbfgs", "recipe": "standard", "epochs": 18, "learning_rate": 0.5},
    ],
)
@pytest.mark.parametrize("steps", [7, 15])
def test_every_option_resumes(tmp_path, fields, steps):
    request = TrainRequest(**{"data": "tiny", "cycles": 3, "epochs": 9, "batch_size": 8, **fields})
    whole = train(request, tmp_path / "whole", data=tiny_data())
    if steps < len(whole.history["step"]):
        with pytest.raises(StoppedError):
            train(request, tmp_path / "run", data=tiny_data(), stop=stop_after(steps))
    train(request, tmp_path / "run", data=tiny_data())
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_a_network_with_dropout_resumes(tmp_path, monkeypatch):
    def build(_architecture, _input_shape, _classes):
        return nn.Sequential(nn.Flatten(), nn.Linear(70, 11), nn.Dropout(0.3), nn.ReLU(), nn.Linear(11, 3))

    monkeypatch.setattr("landscape.training.ingredients.build_network", build)
    train(REQUEST, tmp_path / "whole", data=tiny_data())
    train_on(tmp_path / "run", 7)
    torch.rand(3)  # the global generator is elsewhere by now
    train(REQUEST, tmp_path / "run", data=tiny_data())
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "gone"])
def test_a_damaged_state_falls_back_to_the_one_before(tmp_path, undisturbed, damage):
    train_on(tmp_path / "run", 7)
    train_on(tmp_path / "run", 5, until=12)
    states = sorted((tmp_path / "run" / "state").iterdir())
    assert [path.name for path in states] == ["step-000000007.state", "step-000000012.state"]
    newest = states[-1]
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    match damage:
        case "cut":
            newest.write_bytes(newest.read_bytes()[:-9])
        case "flipped":
            newest.write_bytes(content)
        case "empty":
            newest.write_bytes(b"")
        case _:
            newest.unlink()
    train_on(tmp_path / "run", 3, until=10)  # it went on from 7
    train(REQUEST, tmp_path / "run", data=tiny_data())
    assert contents(tmp_path / "run") == undisturbed


def test_without_any_whole_state_training_starts_again(tmp_path, undisturbed):
    train_on(tmp_path / "run", 17)
    for state in (tmp_path / "run" / "state").iterdir():
        state.write_bytes(state.read_bytes()[:100])
    train(REQUEST, tmp_path / "run", data=tiny_data())
    assert contents(tmp_path / "run") == undisturbed


def test_a_lost_checkpoint_is_trained_again(tmp_path, undisturbed, caplog):
    train_on(tmp_path / "run", 17)
    (tmp_path / "run" / "checkpoints" / "step-000015.safetensors").unlink()
    with caplog.at_level(logging.WARNING):
        train(REQUEST, tmp_path / "run", data=tiny_data())
    assert "Checkpoints are missing" in caplog.text
    assert contents(tmp_path / "run") == undisturbed


def test_the_states_of_a_new_start_are_not_driven_out_by_later_ones(tmp_path, undisturbed):
    train_on(tmp_path / "run", 40)
    (tmp_path / "run" / "checkpoints" / "step-000015.safetensors").unlink()
    train_on(tmp_path / "run", 7)  # from step 0 again
    train_on(tmp_path / "run", 2, until=9)
    assert contents(train(REQUEST, tmp_path / "run", data=tiny_data()).folder) == undisturbed


def test_only_two_states_are_kept(tmp_path):
    for _ in range(4):
        with pytest.raises(StoppedError):
            train(REQUEST, tmp_path / "run", data=tiny_data(), stop=stop_after(2))
    assert len(list((tmp_path / "run" / "state").iterdir())) == 2


@pytest.mark.parametrize("call", [1, 2, 4, 7, 11])
def test_a_full_disk_costs_nothing_that_was_written(tmp_path, undisturbed, monkeypatch, call):
    calls = 0

    def fill_up(_descriptor):
        nonlocal calls
        calls += 1
        if calls == call:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", fill_up)
        with pytest.raises(StoreError, match="is full; free some space and resume, nothing computed is lost"):
            train(REQUEST, tmp_path / "run", data=tiny_data())
    train(REQUEST, tmp_path / "run", data=tiny_data())
    assert contents(tmp_path / "run") == undisturbed


def test_another_number_of_threads_is_reported(tmp_path, caplog, monkeypatch):
    train_on(tmp_path / "run", 7)
    before = conditions(torch.device("cpu"))
    now = {**before, "threads": str(int(before["threads"]) + 1)}
    monkeypatch.setattr("landscape.training.loop.conditions", lambda _: now)
    with caplog.at_level(logging.WARNING):
        train(REQUEST, tmp_path / "run", data=tiny_data())
    assert (
        f"was begun with threads {before['threads']} and goes on with {now['threads']}; the last"
        in caplog.text
    )


def test_a_state_of_another_network_is_refused(tmp_path, monkeypatch):
    train_on(tmp_path / "run", 7)
    monkeypatch.setattr(
        "landscape.training.ingredients.build_network",
        lambda *_: nn.Sequential(nn.Flatten(), nn.Linear(70, 3)),
    )
    with pytest.raises(
        TrainingError, match="does not fit the network convnet of this version of landscape; delete"
    ):
        train(REQUEST, tmp_path / "run", data=tiny_data())
