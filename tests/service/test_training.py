"""Training by reference: a start from another run's checkpoint, teachers, a network of the user's own."""

import msgspec
import numpy as np
import pytest
import torch

from landscape.core.errors import CheckpointError, RequestError
from landscape.core.requests import TrainRequest
from landscape.networks.architectures import build_network
from landscape.networks.checkpoint_files import load_checkpoint_file, save_checkpoint
from landscape.networks.checkpoints import Checkpoint
from landscape.service.compute import compute
from landscape.service.training import load_start
from landscape.training.runs import Run
from landscape.training.trainer import train
from tests import reference
from tests.conftest import tiny_data, tiny_task

# Twelve steps per epoch
STANDARD = TrainRequest(
    recipe="standard", architecture="mlp", cycles=2, epochs=4, batch_size=128, schedule="constant"
)


@pytest.fixture
def standard(home) -> Run:
    return compute(STANDARD, home=home)


def test_fge_goes_on_as_if_the_training_had_never_stopped(home, standard):
    # The rate is held at that of the run before, so both are one constant-rate training; order and seeds differ
    # between the runs only by the epoch's number, which begins anew.
    fge = TrainRequest(
        recipe="fge",
        architecture="mlp",
        epochs=2,
        period=2,
        batch_size=128,
        high_rate=0.1,
        low_rate=0.1,
        start_from=f"{standard.folder}@last",
    )
    run = compute(fge, home=home)
    start, collected = run.checkpoints()
    last = list(standard.checkpoints())[-1]
    assert torch.equal(start.theta, last.theta)
    assert (start.metadata.epoch, collected.metadata.epoch) == (4.0, 5.0)
    assert collected.label == "FGE 1"
    # One step by hand: the buffer of the run before is in it.
    state = load_start(f"{standard.folder}@last", home).state
    assert state is not None
    assert any(float(tensor.abs().max()) > 0 for tensor in state.tensors.values())
    fresh = compute(msgspec.structs.replace(fge, recipe="standard", cycles=1, period=None, high_rate=None,
                    low_rate=None, epochs=1, schedule="constant"), home=home)  # fmt: skip
    assert not torch.equal(
        list(fresh.checkpoints())[-1].theta, collected.theta
    )  # it began without the buffer


def test_the_request_that_is_kept_names_the_start_by_its_digest(home, standard):
    run = compute(
        TrainRequest(
            recipe="swa", architecture="mlp", epochs=2, batch_size=128, start_from=f"{standard.folder}@24"
        ),
        home=home,
    )
    assert run.request.start_from == list(standard.checkpoints())[1].digest
    (average,) = run.average_files
    assert average.name == "step-000024-average.safetensors"


def test_fge_without_optimiser_state_is_refused(home, standard):
    checkpoint = list(standard.checkpoints())[-1]
    bare = home.path / "bare.safetensors"
    save_checkpoint(checkpoint, bare)
    request = TrainRequest(recipe="fge", architecture="mlp", epochs=2, period=2, start_from=str(bare))
    with pytest.raises(
        RequestError, match=r"FGE goes on with the optimiser's state, and .*bare.* has none beside it"
    ):
        compute(request, home=home)
    # Another recipe begins a new training there, and needs none.
    request = TrainRequest(recipe="standard", architecture="mlp", epochs=1, cycles=1, start_from=str(bare))
    assert torch.equal(next(compute(request, home=home).checkpoints()).theta, checkpoint.theta)


def test_a_start_with_another_optimizer_or_network_is_refused(home, standard):
    start = f"{standard.folder}@last"
    fge = {"recipe": "fge", "epochs": 2, "period": 2, "start_from": start}
    with pytest.raises(
        RequestError, match="trained with the optimizer nesterov, and adam is asked for; use nesterov"
    ):
        compute(TrainRequest(architecture="mlp", optimizer="adam", **fge), home=home)
    with pytest.raises(RequestError, match="is of the network mlp, whose tensors do not fit convnet"):
        compute(TrainRequest(architecture="convnet", **fge), home=home)
    with pytest.raises(CheckpointError, match="no checkpoint at step 7; there are: 0, 24, 48"):
        compute(TrainRequest(architecture="mlp", **{**fge, "start_from": f"{standard.folder}@7"}), home=home)


def test_a_damaged_optimiser_state_is_refused(home, standard):
    file = standard.optimizer_file(48)
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(
        CheckpointError, match=r"The optimiser's state .* is damaged .*start from another checkpoint"
    ):
        load_start(f"{standard.folder}@48", home)


def test_an_average_can_be_named_and_evaluated(home):
    run = compute(
        TrainRequest(recipe="ema", architecture="convnet", cycles=1, epochs=2, batch_size=128), home=home
    )
    average = load_start(f"{run.folder}@average", home).checkpoint
    assert average.digest == load_start(f"{run.folder}@24-average", home).checkpoint.digest
    assert average.metadata.kind == "average"
    assert average.label == "EMA epoch 2"
    np.testing.assert_array_equal(run.history["average_test_loss"], [average.metadata.metrics["test_loss"]])
    with pytest.raises(
        CheckpointError, match=r"'latest' is not a step .*write one of 0, 24, 24-average, or last"
    ):
        load_start(f"{run.folder}@latest", home)


def test_a_student_learns_from_an_ensemble(home, standard):
    teachers = (f"{standard.folder}@24", f"{standard.folder}@48")
    request = TrainRequest(
        recipe="standard", architecture="convnet", cycles=1, epochs=1, teachers=teachers, temperature=3.0
    )
    run = compute(request, home=home)
    assert run.request.teachers == tuple(c.digest for c in list(standard.checkpoints())[1:])
    plain = compute(msgspec.structs.replace(request, teachers=(), temperature=4.0), home=home)
    assert run.history["train_loss"][0] > plain.history["train_loss"][0]  # the teachers' term is added


def test_a_network_of_ones_own_is_trained_by_any_recipe(home, tmp_path):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    for recipe in ("snapshot", "swa", "independent"):
        request = TrainRequest(
            data="tiny", architecture="TinyNet", recipe=recipe, cycles=2, epochs=4, batch_size=8,
            learning_rate=0.01,
        )  # fmt: skip
        run = compute(request, home=home, task=tiny_task(), folder=tmp_path / recipe)
        assert isinstance(next(run.checkpoints()), Checkpoint)
        assert next(run.checkpoints()).space.names[0] == "first.weight"
        assert run.history["checkpoint_train_loss"][-1] < run.history["checkpoint_train_loss"][0]
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(RequestError, match="is about the network 'TinyNe', and the task is 'TinyNet'"):
        compute(msgspec.structs.replace(request, architecture="TinyNe"), home=home, task=tiny_task())


def test_the_mean_of_iterates_has_statistics_of_its_own(tmp_path):
    # The mean of the two iterates that SWA saw, rebuilt from its checkpoints, with statistics by their definition.
    request = TrainRequest(
        data="tiny", architecture="convnet", recipe="swa", cycles=3, epochs=8, start_epoch=5, batch_size=8
    )
    run = train(request, tmp_path / "run", data=tiny_data())
    iterates = [c for c in run.checkpoints() if c.metadata.kind in ("between", "snapshot")]
    assert [c.metadata.step for c in iterates] == [25, 30, 35, 40]
    average = load_checkpoint_file(run.average_files[-1])
    mean = torch.stack([c.theta.double() for c in iterates]).mean(0)
    torch.testing.assert_close(average.theta.double(), mean, rtol=0, atol=1e-7)  # stored in float32
    network = build_network("convnet", (2, 5, 7), 3)
    average.load_into(network)
    expected = reference.evaluate_point(network, tiny_data(), recalibrate=True)
    metrics = average.metadata.metrics
    assert [metrics["train_loss"], metrics["test_loss"]] == pytest.approx(expected[:, 0], rel=1e-5)
