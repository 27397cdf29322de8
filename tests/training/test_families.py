import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import psutil
import pytest
import torch

from landscape.core.errors import DataError, RequestError, StoppedError, TrainingError
from landscape.core.requests import TrainRequest
from landscape.networks.datasets import load_data
from landscape.training.crew import MemberJob
from landscape.training.families import train_family
from landscape.training.ingredients import Ingredients
from landscape.training.recipes import members
from landscape.training.runs import DataRecord, Run
from landscape.training.side_by_side import default_workers, threads_each, train_all
from landscape.training.trainer import train
from tests.conftest import tiny_data
from tests.training.folders import contents

REQUEST = TrainRequest(recipe="single-cycle", architecture="mlp", cycles=3, epochs=6, batch_size=128)


def ingredients() -> Ingredients:
    return Ingredients(data=load_data("digits"), device=torch.device("cpu"))


def record(reference: str = "digits") -> DataRecord:
    data = load_data("digits")
    return DataRecord(name=data.name, digest=data.digest, reference=reference)


def family(folder, *, request=REQUEST, workers, stop=lambda: False, told=None, reference="digits") -> Run:
    return train_family(
        request,
        folder,
        ingredients(),
        record(reference),
        cache=None,
        progress=lambda *values: None if told is None else told.append(values),
        stop=stop,
        workers=workers,
    )


def alive_children() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if any("landscape.training.member" in word for word in child.cmdline())
    ]


@pytest.fixture(scope="module")
def in_turn(tmp_path_factory):
    return family(tmp_path_factory.mktemp("families") / "run", workers=1)


def test_side_by_side_gives_the_same_bits_as_one_after_the_other(tmp_path, in_turn):
    told = []
    run = family(tmp_path / "run", workers=2, told=told)
    assert contents(run.folder) == contents(in_turn.folder)
    assert alive_children() == []
    done = [values[0] for values in told]
    assert done == sorted(done)
    assert told[-1][:2] == (72, 72)


def test_the_checkpoints_of_a_family_are_the_ends_of_its_members(in_turn):
    assert in_turn.complete
    start, *ends = in_turn.checkpoints()
    # twelve steps per epoch, two epochs each
    assert [end.metadata.step for end in ends] == [24, 48, 72]
    assert [end.metadata.epoch for end in ends] == [2.0, 2.0, 2.0]
    assert [end.label for end in ends] == ["network 1", "network 2", "network 3"]
    assert in_turn.snapshot_files == in_turn.checkpoint_files[1:]
    for end, folder, request in zip(ends, in_turn.member_folders, members(REQUEST), strict=True):
        member = Run.load(folder)
        assert member.complete
        assert member.request == request
        assert torch.equal(end.theta, list(member.checkpoints())[-1].theta)
        assert end.metadata.seed == request.seed
    assert torch.equal(start.theta, next(Run.load(in_turn.member_folders[0]).checkpoints()).theta)
    assert len({end.digest for end in ends}) == 3


def test_a_member_is_the_run_of_its_own_request(tmp_path, in_turn):
    request = members(REQUEST)[1]
    threads = torch.get_num_threads()
    torch.set_num_threads(threads_each(3, torch.device("cpu")))  # as in a family of so many
    try:
        alone = train(request, tmp_path / "alone", data=load_data("digits"))
    finally:
        torch.set_num_threads(threads)
    assert contents(alone.folder) == contents(in_turn.member_folders[1])
    assert alone.request == request


def test_the_history_of_a_family_goes_on_from_network_to_network(in_turn):
    history = in_turn.history
    np.testing.assert_array_equal(history["step"], np.arange(1, 73))
    np.testing.assert_array_equal(history["checkpoint_step"], [0, 24, 48, 72])
    np.testing.assert_array_equal(history["checkpoint_epoch"], [0, 2, 4, 6])
    np.testing.assert_array_equal(history["epoch_step"], [12, 24, 36, 48, 60, 72])
    assert (np.diff(history["checkpoint_seconds"]) > 0).all()
    metrics = [checkpoint.metadata.metrics["test_loss"] for checkpoint in in_turn.checkpoints()]
    np.testing.assert_array_equal(history["checkpoint_test_loss"], metrics)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stopped_family_goes_on_and_ends_the_same(tmp_path, in_turn, workers):
    steps = []

    def stop() -> bool:
        # In this process one question per step. Beside others at once: whatever they have done by then is kept.
        steps.append(1)
        return len(steps) == 40 or workers == 2

    with pytest.raises(StoppedError, match=r"Training stopped after .* start it again to go on from there"):
        family(tmp_path / "run", workers=workers, stop=stop)
    assert not Run.load(tmp_path / "run").complete
    assert alive_children() == []
    run = family(tmp_path / "run", workers=workers)
    assert contents(run.folder) == contents(in_turn.folder)


def test_a_family_that_is_complete_returns_at_once(in_turn):
    again = train(
        REQUEST, in_turn.folder, data=load_data("digits"), progress=lambda *_: pytest.fail("trained")
    )
    assert again.complete


def test_a_network_that_diverges_ends_the_family_with_its_sentence(tmp_path):
    request = TrainRequest(recipe="independent", architecture="mlp", cycles=2, epochs=1, learning_rate=1e30)
    for workers in (1, 2):
        with pytest.raises(
            TrainingError, match=r"The loss became (nan|inf) at step .*lower the learning rate"
        ):
            family(tmp_path / str(workers), request=request, workers=workers)


def test_one_failure_does_not_stop_the_others(tmp_path):
    requests = [
        TrainRequest(architecture="mlp", recipe="standard", cycles=1, epochs=1, learning_rate=rate)
        for rate in (0.1, 1e30, 0.05)
    ]
    jobs = [
        MemberJob(request=request, folder=tmp_path / str(number), record=record())
        for number, request in enumerate(requests)
    ]
    found = train_all(jobs, ingredients(), progress=lambda *_: None, stop=lambda: False, workers=2)
    assert isinstance(found[0], Run)
    assert isinstance(found[1], TrainingError)
    assert isinstance(found[2], Run)


def test_a_killed_process_is_reported_and_loses_nothing(tmp_path, in_turn):
    def kill_first() -> bool:
        for child in alive_children():
            if (tmp_path / "run/members/member-1/request.json").is_file():
                child.send_signal(signal.SIGKILL)
        return False

    with pytest.raises(TrainingError, match=r"ended unexpectedly, .* start the training again"):
        family(tmp_path / "run", workers=2, stop=kill_first)
    run = family(tmp_path / "run", workers=2)
    assert contents(run.folder) == contents(in_turn.folder)


def test_data_that_cannot_be_loaded_again_are_trained_on_in_this_process(tmp_path):
    request = TrainRequest(
        data="tiny", recipe="independent", architecture="mlp", cycles=2, epochs=2, batch_size=8
    )
    run = train(request, tmp_path / "run", data=tiny_data())
    assert [checkpoint.label for checkpoint in run.checkpoints()] == ["start", "network 1", "network 2"]
    place = Ingredients(data=tiny_data(), device=torch.device("cpu"))
    jobs = [MemberJob(request=request, folder=tmp_path, record=record())] * 2
    assert default_workers(jobs, place) == 1


def test_other_data_under_the_same_name_are_refused(tmp_path):
    data = load_data("digits").sample(train=200, test=None, seed=0)
    place = Ingredients(data=data, device=torch.device("cpu"))
    jobs = [
        MemberJob(request=request, folder=tmp_path / str(request.seed), record=record())
        for request in members(REQUEST)
    ]
    found = train_all(jobs, place, progress=lambda *_: None, stop=lambda: False, workers=2)
    for error in found:
        assert isinstance(error, DataError)
        assert "are not those with which this training began (digits" in str(error)


def test_a_family_that_cannot_work_makes_no_folder(tmp_path):
    request = TrainRequest(recipe="single-cycle", cycles=4, epochs=6)
    with pytest.raises(RequestError, match="4 networks share 6 epochs"):
        train(request, tmp_path / "run", data=load_data("digits"))
    assert not (tmp_path / "run").exists()


def test_members_end_with_the_process_that_started_them(tmp_path):
    script = (
        "import sys; from pathlib import Path; from tests.training.test_families import family, REQUEST\n"
        "import msgspec; long = msgspec.structs.replace(REQUEST, epochs=3000)\n"
        "family(Path(sys.argv[1]), request=long, workers=2, told=None)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "run")])
    try:
        begun = threading.Event()
        while not begun.wait(0.1):
            found = psutil.Process(parent.pid).children(recursive=True)
            if len(list(tmp_path.glob("run/members/*/request.json"))) == 2:
                begun.set()
            assert parent.poll() is None
        parent.kill()
        _, alive = psutil.wait_procs(found, timeout=30)
        assert alive == []
    finally:
        parent.kill()
        parent.wait()


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="signals to a whole group are POSIX's")
def test_ctrl_c_at_a_terminal_is_one_sentence_and_every_network_is_saved(tmp_path):
    # A terminal sends the signal to the whole group; the networks beside it must not take it for themselves.
    words = [
        "train",
        "--recipe",
        "independent",
        "--cycles",
        "2",
        "--epochs",
        "3000",
        "--architecture",
        "mlp",
        "--batch-size",
        "256",
    ]
    command = [
        sys.executable,
        "-m",
        "landscape",
        *words,
        "--out",
        str(tmp_path / "run"),
        "--home",
        str(tmp_path),
    ]
    parent = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 100
        while len(list(tmp_path.glob("run/members/*/request.json"))) < 2:
            assert parent.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        os.killpg(parent.pid, signal.SIGINT)
        _, said = parent.communicate(timeout=60)
    finally:
        parent.kill()
    assert parent.returncode == 130
    assert "Traceback" not in said
    assert "start it again to go on from there" in said
    assert len(list(tmp_path.glob("run/members/*/state/*.state"))) >= 2
