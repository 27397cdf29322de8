import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import landscape
from landscape.core.errors import RequestError, TrainingError
from landscape.core.requests import TrainRequest
from landscape.core.seeds import seed_for
from landscape.networks.architectures import build_network
from landscape.networks.checkpoints import Checkpoint
from landscape.networks.datasets import load_data
from landscape.networks.tasks import Data, Examples
from landscape.training.trainer import train
from tests import reference
from tests.conftest import TinyNet, tiny_data

# 9 epochs of 5 steps (8, 8, 8, 8 and 5 examples), cycles of 15 steps
REQUEST = TrainRequest(data="tiny", architecture="mlp", cycles=3, epochs=9, batch_size=8, weight_decay=3e-3)


def variant(**fields) -> TrainRequest:
    defaults = {"data": "tiny", "architecture": "mlp", "cycles": 3, "epochs": 9, "batch_size": 8}
    return TrainRequest(**{**defaults, "weight_decay": 3e-3, **fields})


def start_network(request: TrainRequest) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(request.seed, "start"))
        return build_network(request.architecture, (2, 5, 7), 3)


def plain_path(request: TrainRequest, rates: list[float], restarts=()) -> list[torch.Tensor]:
    """The weights after each step of the usual loop, from the same start, in the same order."""
    batches = []
    for epoch in range(1, request.epochs + 1):
        generator = torch.Generator().manual_seed(seed_for(request.seed, f"order {epoch}"))
        batches += torch.randperm(37, generator=generator).split(request.batch_size)
    return reference.train_plainly(
        start_network(request),
        tiny_data().train,
        batches,
        rates,
        momentum=request.momentum,
        weight_decay=request.weight_decay,
        restarts=restarts,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(REQUEST, tmp_path_factory.mktemp("trainer") / "run", data=tiny_data())


def test_every_checkpoint_equals_the_plain_loop(run):
    # The same operations on the same numbers in the same order, so nothing at all may differ.
    path = plain_path(REQUEST, reference.snapshot_rates(0.1, 45, 3))
    kept = {checkpoint.metadata.step: checkpoint.theta for checkpoint in run.checkpoints()}
    assert list(kept) == [0, 15, 30, 45]
    assert torch.equal(kept[0], Checkpoint.from_module(start_network(REQUEST)).theta)
    for step in (15, 30, 45):
        assert torch.equal(kept[step], path[step - 1])


def test_a_snapshot_is_the_weights_just_before_the_restart(run):
    path = plain_path(REQUEST, reference.snapshot_rates(0.1, 45, 3))
    snapshot = list(run.checkpoints())[1]
    before, after = (
        Checkpoint(theta=theta, buffers={}, space=snapshot.space, metadata=snapshot.metadata)
        for theta in (path[14], path[15])
    )
    assert snapshot.digest == before.digest != after.digest


@pytest.mark.parametrize(
    ("fields", "rates"),
    [
        ({"recipe": "standard"}, reference.step_decay_rates(0.1, 45)),
        ({"phase": "reference"}, reference.snapshot_rates_as_released(0.1, 9, 5, 3)),
        ({"learning_rate": 0.03, "seed": 4}, reference.snapshot_rates(0.03, 45, 3)),
    ],
)
def test_recipes_equal_the_plain_loop(tmp_path, fields, rates):
    request = variant(**fields)
    run = train(request, tmp_path / "run", data=tiny_data())
    path = plain_path(request, rates)
    for checkpoint in list(run.checkpoints())[1:]:
        assert torch.equal(checkpoint.theta, path[checkpoint.metadata.step - 1])


def test_restart_momentum_forgets_at_each_restart_and_only_there(tmp_path, run):
    rates = reference.snapshot_rates(0.1, 45, 3)
    request = variant(restart_momentum="reset")
    reset = [c.theta for c in train(request, tmp_path / "run", data=tiny_data()).checkpoints()]
    path = plain_path(request, rates, restarts=(16, 31))
    assert all(torch.equal(theta, path[15 * k - 1]) for k, theta in enumerate(reset) if k)
    keep = [c.theta for c in run.checkpoints()]
    assert torch.equal(keep[1], reset[1])
    assert not torch.equal(keep[2], reset[2])


def test_convolutions_follow_the_plain_loop(tmp_path):
    request = variant(architecture="convnet", epochs=3)
    run = train(request, tmp_path / "run", data=tiny_data())
    path = plain_path(request, reference.snapshot_rates(0.1, 15, 3))
    for checkpoint in list(run.checkpoints())[1:]:
        # The plain loop has the other memory layout, in which float32 sums are taken in another order.
        torch.testing.assert_close(checkpoint.theta, path[checkpoint.metadata.step - 1], rtol=1e-3, atol=1e-5)


def test_the_objective_carries_the_penalty_and_the_recorded_loss_does_not(tmp_path):
    # One step on the whole split: theta moves by -rate * (1 + momentum) * (gradient of loss + weight_decay * theta).
    request = variant(recipe="standard", cycles=1, epochs=1, batch_size=37, weight_decay=0.25)
    run = train(request, tmp_path / "run", data=tiny_data())
    module, data = start_network(request), tiny_data().train
    loss = functional.cross_entropy(module(data.inputs), data.targets)
    gradient = torch.cat([g.reshape(-1) for g in torch.autograd.grad(loss, list(module.parameters()))])
    before, after = (checkpoint.theta for checkpoint in run.checkpoints())
    # Another order of the examples in the one batch: float32 rounding of the gradient
    torch.testing.assert_close(after - before, -0.1 * 1.9 * (gradient + 0.25 * before), rtol=1e-4, atol=1e-6)
    assert run.history["train_loss"] == pytest.approx([loss.item()], rel=1e-5)


def test_history_has_every_step_and_every_checkpoint(run):
    history = run.history
    np.testing.assert_array_equal(history["step"], np.arange(1, 46))
    np.testing.assert_allclose(history["learning_rate"], reference.snapshot_rates(0.1, 45, 3), atol=1e-12)
    np.testing.assert_array_equal(history["checkpoint_step"], [0, 15, 30, 45])
    assert all(values.dtype == np.float64 for values in history.values())
    # accuracies are fractions of batches of 8 and 5
    for accuracy, size in zip(history["train_accuracy"], [8, 8, 8, 8, 5] * 9, strict=True):
        assert accuracy * size == pytest.approx(round(accuracy * size), abs=1e-6)
    for name in ("train_loss", "train_accuracy", "test_loss", "test_accuracy"):
        metrics = [checkpoint.metadata.metrics[name] for checkpoint in run.checkpoints()]
        np.testing.assert_array_equal(history[f"checkpoint_{name}"], metrics)


@pytest.mark.parametrize("architecture", ["mlp", "convnet"])
def test_metrics_are_those_of_the_checkpoint_itself(tmp_path, architecture):
    request = variant(architecture=architecture, epochs=3, augmentation="crop-flip")
    for checkpoint in train(request, tmp_path / "run", data=tiny_data()).checkpoints():
        module = start_network(request)
        checkpoint.load_into(module)
        expected = reference.evaluate_point(module, tiny_data(), recalibrate=False)  # float64
        metrics = checkpoint.metadata.metrics
        assert [metrics["train_loss"], metrics["test_loss"]] == pytest.approx(expected[:, 0], rel=1e-5)
        errors = [1 - metrics["train_accuracy"], 1 - metrics["test_accuracy"]]
        assert errors == pytest.approx(expected[:, 1], abs=1e-12)


def test_metadata_are_complete(run):
    checkpoint = list(run.checkpoints())[2]
    metadata = checkpoint.metadata
    assert metadata.architecture == "mlp"
    assert metadata.input_shape == (2, 5, 7)
    assert metadata.classes == 3
    assert (metadata.data, metadata.data_digest) == ("tiny", tiny_data().digest)
    assert (metadata.recipe, metadata.seed, metadata.weight_decay) == ("snapshot", 0, 3e-3)
    assert (metadata.step, metadata.steps, metadata.epoch) == (30, 45, 6.0)
    assert metadata.learning_rate == pytest.approx(reference.snapshot_rates(0.1, 45, 3)[29], abs=1e-12)
    assert metadata.label == checkpoint.label == "snapshot 2"
    assert metadata.versions["landscape"] == landscape.__version__
    assert metadata.versions["torch"] == torch.__version__
    assert {"numpy", "python", "device", "threads"} < set(metadata.versions)
    start = next(run.checkpoints()).metadata
    assert (start.label, start.step, start.epoch, start.learning_rate) == ("start", 0, 0.0, None)


def test_standard_run_names_epochs(tmp_path):
    run = train(variant(recipe="standard", cycles=2), tmp_path / "run", data=tiny_data())
    assert [checkpoint.label for checkpoint in run.checkpoints()] == ["start", "step 23", "epoch 9"]


def test_another_seed_is_another_run(tmp_path, run):
    other = train(variant(seed=1), tmp_path / "run", data=tiny_data())
    pairs = zip(run.checkpoints(), other.checkpoints(), strict=True)
    assert all(not torch.equal(ours.theta, theirs.theta) for ours, theirs in pairs)


def test_any_module_can_be_trained(tmp_path, monkeypatch):
    monkeypatch.setattr("landscape.training.ingredients.build_network", lambda *_: TinyNet())
    run = train(variant(), tmp_path / "run", data=tiny_data())
    assert run.history["checkpoint_train_loss"][-1] < run.history["checkpoint_train_loss"][0]


def test_nothing_outside_is_changed(tmp_path):
    data = tiny_data()
    inputs = data.train.inputs.clone()
    torch.manual_seed(12)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    train(variant(augmentation="crop-flip"), tmp_path / "run", data=data)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_default_dtype() == torch.float32
    assert torch.get_num_threads() == threads
    assert torch.is_grad_enabled()
    assert torch.equal(data.train.inputs, inputs)
    assert data.train.inputs.is_contiguous()


def test_progress_begins_and_ends(tmp_path):
    seen = []
    train(variant(), tmp_path / "run", data=tiny_data(), progress=lambda *told: seen.append(told))
    assert seen[0] == (0, 45, "epoch 1 of 9")
    assert seen[-1][:2] == (45, 45)
    assert seen[-1][2].startswith("epoch 9 of 9, loss ")
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)


def test_a_loss_that_is_not_finite_ends_the_run_with_a_sentence(tmp_path):
    message = r"The loss became (nan|inf) at step \d+ of 45 \(learning rate .*lower the learning rate from 1e\+30 and"
    with pytest.raises(TrainingError, match=message):
        train(variant(learning_rate=1e30), tmp_path / "run", data=tiny_data())
    assert (tmp_path / "run" / "checkpoints" / "step-000000.safetensors").is_file()
    assert not (tmp_path / "run" / "complete").exists()


def test_weights_that_are_not_finite_are_not_kept(tmp_path):
    # One step only: its loss is that of the start, and the weights behind it are infinite.
    request = variant(
        learning_rate=1e38, cycles=1, epochs=1, batch_size=37, recipe="standard", weight_decay=50.0
    )
    with pytest.raises(TrainingError, match=r"no longer finite after step 1 of 1 \(learning rate"):
        train(request, tmp_path / "run", data=tiny_data())
    assert not (tmp_path / "run" / "checkpoints" / "step-000001.safetensors").exists()


def test_the_history_of_a_diverged_run_shows_it(tmp_path):
    with pytest.raises(TrainingError):
        train(variant(learning_rate=1e30), tmp_path / "run", data=tiny_data())
    with np.load(tmp_path / "run" / "history.npz") as history:
        assert not math.isfinite(history["train_loss"][-1])
        assert np.isfinite(history["train_loss"][:-1]).all()


def test_a_request_that_cannot_work_makes_no_folder(tmp_path):
    with pytest.raises(RequestError, match="7 cycles need a number of steps divisible by 7"):
        train(variant(cycles=7), tmp_path / "run", data=tiny_data())
    with pytest.raises(RequestError, match="There is no architecture named 'convnt'; did you mean 'convnet'"):
        train(variant(architecture="convnt"), tmp_path / "run", data=tiny_data())
    assert not (tmp_path / "run").exists()


def test_a_last_batch_of_one_is_too_small_for_batch_norm(tmp_path):
    data = Data(
        name="points",
        digest="0" * 64,
        train=Examples(torch.randn(9, 2, 1, 1), torch.arange(9) % 3),
        test=Examples(torch.randn(5, 2, 1, 1), torch.arange(5) % 3),
        classes=("a", "b", "c"),
    )
    message = (
        "A batch of 1 example is too small .* 9 training examples in batches of 4 leave .* another batch size"
    )
    with pytest.raises(RequestError, match=message):
        train(variant(architecture="convnet", batch_size=4), tmp_path / "run", data=data)


class OwnNorm(nn.BatchNorm2d):
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return super().forward(inputs) * 2


@pytest.mark.parametrize("recipe", ["swa", "ema"])
def test_statistics_that_cannot_be_re_estimated_are_refused_before_training(tmp_path, recipe):
    def build() -> nn.Module:
        return nn.Sequential(nn.Conv2d(2, 3, 3), OwnNorm(3), nn.Flatten(), nn.Linear(45, 3))

    with pytest.raises(
        RequestError, match=r"layer '1' is a batch norm with a forward of its own, .* does not average"
    ):
        train(variant(recipe=recipe), tmp_path / "run", data=tiny_data(), build=build)
    assert not (tmp_path / "run").exists()
    train(variant(recipe="standard", epochs=1), tmp_path / "run", data=tiny_data(), build=build)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.LSTM(14, 6, batch_first=True)
        self.bilinear = Both()
        self.head = nn.Linear(6, 3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        states, _ = self.rows(inputs.permute(0, 2, 1, 3).flatten(2))
        return self.head(self.bilinear(states[:, -1])[0])


class Both(nn.Module):
    """A layer with a matrix for a weight that returns a pair."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(6) + 0.1)

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return inputs @ self.weight, inputs


def test_layers_that_return_several_things_train_too(tmp_path):
    run = train(variant(recipe="standard"), tmp_path / "run", data=tiny_data(), build=Recurrent)
    assert run.history["checkpoint_train_loss"][-1] < run.history["checkpoint_train_loss"][0]


def test_a_device_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(RequestError, match="CUDA is asked for, but this machine has no usable CUDA device"):
        train(variant(), tmp_path / "run", data=tiny_data(), device="cuda")
    with pytest.raises(RequestError, match="There is no device named 'gpu'"):
        train(variant(), tmp_path / "run", data=tiny_data(), device="gpu")
    assert not (tmp_path / "run").exists()


@pytest.mark.prove
@pytest.mark.parametrize("architecture", ["convnet", "mlp"])
@pytest.mark.parametrize("recipe", ["snapshot", "standard"])
def test_digits_reach_97_percent(tmp_path, architecture, recipe):
    run = train(
        TrainRequest(architecture=architecture, recipe=recipe), tmp_path / "run", data=load_data("digits")
    )
    assert run.history["checkpoint_test_accuracy"][-1] >= 0.97


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("architecture", ["mlp", "convnet"])
def test_a_gpu_takes_the_same_path_at_first(tmp_path, architecture):
    request = variant(architecture=architecture, augmentation="crop-flip")
    there = train(request, tmp_path / "cuda", data=tiny_data(), device="cuda")
    here = train(request, tmp_path / "cpu", data=tiny_data(), device="cpu")
    assert next(there.checkpoints()).digest == next(here.checkpoints()).digest
    # Same start, order and crops; TF32 convolutions and another order of sums separate the two step by step.
    np.testing.assert_allclose(there.history["train_loss"][:5], here.history["train_loss"][:5], rtol=1e-2)
    assert [c.metadata.versions["device"] for c in there.checkpoints()] == ["cuda"] * 4


def test_another_network_of_the_same_name_is_not_answered_with_the_old_run(tmp_path):
    def build(width: int):
        return lambda: nn.Sequential(nn.Flatten(), nn.Linear(70, width), nn.Tanh(), nn.Linear(width, 3))

    run = train(variant(), tmp_path / "run", data=tiny_data(), build=build(9))
    assert train(variant(), tmp_path / "run", data=tiny_data(), build=build(9)) == run
    with pytest.raises(
        TrainingError, match=r"is of another network named 'mlp', with 669 parameters .* 373 now"
    ):
        train(variant(), tmp_path / "run", data=tiny_data(), build=build(5))
