import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from landscape.core.errors import CheckpointError, DataError, RequestError, StoppedError, TrainingError
from landscape.core.files import load_result, save_result
from landscape.core.requests import LineRequest, PlaneRequest, SearchRequest, TrainRequest
from landscape.core.results import is_complete, provenance_of, self_check
from landscape.networks.checkpoint_files import save_checkpoint
from landscape.networks.strategies import Strategy
from landscape.networks.tasks import Task
from landscape.service import compute as computing
from landscape.service import tuning
from landscape.service.compute import compute
from landscape.service.estimate import estimate
from landscape.service.locks import locked
from landscape.service.references import load_checkpoint
from landscape.service.store import Store
from tests.conftest import PlainNet, TinyNet, tiny_checkpoint, tiny_data, tiny_task

PLANE = PlaneRequest(checkpoints=("a", "b", "c"), columns=6, rows=5)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(computing, "LARGEST_CHUNK", 4)
    monkeypatch.setattr(computing, "PARTIAL_SECONDS", 0.0)
    monkeypatch.setattr(computing, "PARTIAL_SHARE", np.inf)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two epochs on the digits: real checkpoints, quick to make."""
    home = tmp_path_factory.mktemp("trained")
    request = TrainRequest(
        data="digits", architecture="mlp", recipe="standard", cycles=2, epochs=2, batch_size=128
    )
    return compute(request, home=home)


def tiny(count: int = 3, network=TinyNet):
    return [tiny_checkpoint(seed, network) for seed in range(1, count + 1)]


def compute_tiny(request, home, **options):
    return compute(
        request, home=home, task=tiny_task(), checkpoints=tiny(len(request.checkpoints)), **options
    )


def test_a_plane_is_complete_checked_and_says_how_it_came_to_be(home):
    result = compute_tiny(PLANE, home)
    assert is_complete(result)
    assert self_check(result) == 0
    provenance = provenance_of(result)
    assert provenance.samples == {"train": 37, "test": 11}
    assert [record.label for record in provenance.checkpoints] == [f"checkpoint {n}" for n in (1, 2, 3)]
    assert provenance.weight_decay == 3e-3
    assert provenance.request["checkpoints"] == tuple(c.digest for c in tiny()) or provenance.request[
        "checkpoints"
    ] == [c.digest for c in tiny()]
    assert "from Python" in provenance.command  # a task of one's own
    assert provenance.strategy


def test_the_same_request_gives_the_same_bits_and_is_found_again(home, tmp_path):
    first = compute_tiny(PLANE, home)
    calls = []
    again = compute_tiny(PLANE, home, progress=lambda *call: calls.append(call))
    assert again.identical(first)
    assert calls == []  # found, not computed
    Store(home).delete(provenance_of(first).key)
    anew = compute_tiny(PLANE, home)
    assert np.array_equal(anew["nll"], first["nll"])
    save_result(first, tmp_path / "copy.nc")
    assert load_result(tmp_path / "copy.nc").identical(first)


def test_the_key_does_not_depend_on_where_the_files_lie(home, tmp_path, run):
    for folder in ("here", "there"):
        for number, checkpoint in enumerate(run.checkpoints()):
            save_checkpoint(checkpoint, tmp_path / folder / f"{number}.safetensors")
    results = [
        compute(
            LineRequest(
                checkpoints=tuple(str(tmp_path / folder / f"{n}.safetensors") for n in (1, 2)), points=3
            ),
            home=home,
        )
        for folder in ("here", "there")
    ]
    assert provenance_of(results[0]).key == provenance_of(results[1]).key


def test_stopping_keeps_what_is_finished_and_going_on_evaluates_only_the_rest(home):
    whole = compute_tiny(PLANE, home)
    key = provenance_of(whole).key
    Store(home).delete(key)
    calls: list[tuple] = []

    with pytest.raises(StoppedError, match="what is finished is kept"):
        compute_tiny(PLANE, home, progress=lambda *call: calls.append(call), stop=lambda: len(calls) > 3)
    kept = Store(home).chunks(key)
    assert len(kept) == 3
    partial = load_result(home.result_folder(key) / "partial.nc")
    assert not is_complete(partial)
    finished = np.isfinite(partial["nll"].values)
    assert np.array_equal(partial["nll"].values[finished], whole["nll"].values[finished])

    calls.clear()
    resumed = compute_tiny(PLANE, home, progress=lambda *call: calls.append(call))
    assert np.array_equal(resumed["nll"], whole["nll"])
    assert calls[0][:2] == (0, 36)
    assert calls[1][0] > 4 * 3  # the first report of work already counts what was kept
    assert calls[-1][:2] == (36, 36)
    assert not (home.result_folder(key) / "partial.nc").exists()


def test_progress_counts_points_and_the_first_pictures_are_coarse(home):
    seen = []

    def watch(done: int, total: int, note: str) -> None:
        seen.append((done, total))
        if (
            len(seen) == 6
        ):  # the self-check and the 5 x 5 of the coarsest level come in the first nine chunks of four
            raise KeyboardInterrupt

    request = PlaneRequest(checkpoints=("a", "b", "c"), columns=9, rows=9)
    with pytest.raises(KeyboardInterrupt):
        compute_tiny(request, home, progress=watch)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert {total for _, total in seen} == {87}
    (partial,) = home.results.glob("*/partial.nc")
    finished = np.isfinite(load_result(partial)["nll"].values[0])
    assert finished.any()
    assert not finished[1::2].any()
    assert not finished[:, 1::2].any()


def test_any_module_and_any_loss_will_do(home):
    task = Task("mine", PlainNet, tiny_data(), losses=lambda z, y: (z - 1).square().mean(1))
    result = compute(
        LineRequest(checkpoints=("a", "b"), points=4), home=home, task=task, checkpoints=tiny(2, PlainNet)
    )
    module = PlainNet()
    tiny_checkpoint(1, PlainNet).load_into(module)
    with torch.no_grad():
        expected = (module(tiny_data().train.inputs) - 1).square().mean()
    assert result["nll"].values[0, 0] == pytest.approx(float(expected), rel=1e-5)


def test_tasks_of_other_names_are_other_requests(home):
    request = LineRequest(checkpoints=("a", "b"), points=2)
    results = []
    for name, factor in (("once", 1.0), ("twice", 2.0)):
        task = tiny_task()
        mine = Task(name, task.build, task.data, losses=lambda z, y, f=factor: f * z.square().mean(1))
        results.append(compute(request, home=home, task=mine, checkpoints=tiny(2)))
    np.testing.assert_allclose(results[1]["nll"], 2 * results[0]["nll"], rtol=1e-6)
    assert provenance_of(results[0]).request["task"] == "once"
    assert "from Python" in provenance_of(results[0]).command
    with pytest.raises(RequestError, match="about the task 'once', which lives in somebody's Python code"):
        compute(LineRequest(checkpoints=("a", "b"), task="once"), home=home, checkpoints=tiny(2))


def test_run_step_references_and_labels(home, run):
    first, last = run.checkpoint_files[1:]
    by_step = load_checkpoint(f"{run.folder}@{int(first.stem[5:])}", home=home)
    assert load_checkpoint(f"{run.folder}@last", home=home).digest == load_checkpoint(last, home=home).digest
    assert load_checkpoint(by_step.digest, home=home).digest == by_step.digest
    assert load_checkpoint(first, home=home).source == by_step.source == f"{run.folder}@{int(first.stem[5:])}"


def test_the_line_between_two_snapshots_knows_their_data_and_their_weight_decay(home, run):
    request = LineRequest(checkpoints=tuple(map(str, run.checkpoint_files[1:])), points=3)
    result = compute(request, home=home)
    provenance = provenance_of(result)
    assert provenance.data == "digits"
    assert provenance.weight_decay == 1e-4
    recorded = [c.metadata.metrics["test_loss"] for c in run.checkpoints()][1:]
    # mlp has no batch norm, so the recorded evaluation is the same quantity
    np.testing.assert_allclose(result["own_nll"].sel(split="test"), recorded, rtol=1e-5)


def test_samples_are_drawn_and_recorded(home, run):
    request = LineRequest(checkpoints=tuple(map(str, run.checkpoint_files[1:])), points=2, train_samples=200)
    provenance = provenance_of(compute(request, home=home))
    assert provenance.samples == {"train": 200, "test": 360}
    assert "--train-samples 200" in provenance.command
    with pytest.raises(DataError, match="5000 train examples are asked for, but the data set has 1437"):
        compute(
            LineRequest(checkpoints=tuple(map(str, run.checkpoint_files[1:])), train_samples=5000), home=home
        )


def test_asking_for_all_examples_by_number_is_the_same_request(home, run):
    files = tuple(map(str, run.checkpoint_files[1:]))
    keys = {
        provenance_of(compute(LineRequest(checkpoints=files, points=2, train_samples=n), home=home)).key
        for n in (None, 1437)
    }
    assert len(keys) == 1


def test_an_estimate_counts_points_and_images(home, run):
    request = PlaneRequest(checkpoints=tuple(map(str, run.checkpoint_files)), columns=7, rows=5)
    found = estimate(request, home=home)
    command = provenance_of(compute(request, home=home)).command
    assert "--resolution 7x5" in command
    assert "--batch-norm recalibrate" in command
    assert found.points == 35 + 6
    assert found.images == 1797
    assert found.seconds > 0
    with pytest.raises(RequestError, match="Only the evaluation of checkpoints is estimated"):
        estimate(TrainRequest(), home=home)


def test_the_estimate_program_answers_in_json(home, run, monkeypatch, capsys):
    import io
    import sys

    from landscape.service.estimate import main

    request = LineRequest(checkpoints=(str(run.checkpoint_files[0]), "nowhere.safetensors"))
    monkeypatch.setattr(sys, "stdin", io.StringIO(request.to_json()))
    main([str(home.path)])
    assert json.loads(capsys.readouterr().out)["error"].startswith(
        "There is no checkpoint file nowhere.safetensors"
    )


def test_missing_references_are_explained(home, run, tmp_path):
    with pytest.raises(
        CheckpointError, match=r"There is no checkpoint file gone\.safetensors; check the path"
    ):
        load_checkpoint("gone.safetensors", home=home)
    with pytest.raises(CheckpointError, match="A run's checkpoint is written RUN_DIR@STEP or RUN_DIR@last"):
        load_checkpoint(run.folder, home=home)
    with pytest.raises(CheckpointError, match="There is no run folder nowhere"):
        load_checkpoint("nowhere@3", home=home)
    with pytest.raises(CheckpointError, match="no checkpoint at step 7; there are: 0, 12, 24"):
        load_checkpoint(f"{run.folder}@7", home=home)
    with pytest.raises(CheckpointError, match="'first' is not a step of the run"):
        load_checkpoint(f"{run.folder}@first", home=home)
    with pytest.raises(CheckpointError, match=r"No checkpoint with the digest 0{12}… has been seen"):
        load_checkpoint("0" * 64, home=home)
    with pytest.raises(TrainingError, match="holds no training run"):
        load_checkpoint(f"{tmp_path}@last", home=home)


def test_mismatched_networks_and_data_are_explained(home, run):
    with pytest.raises(RequestError, match="different architectures \\(TinyNet and PlainNet\\)"):
        compute(
            LineRequest(checkpoints=("a", "b")),
            home=home,
            task=tiny_task(),
            checkpoints=[tiny_checkpoint(1), tiny_checkpoint(1, PlainNet)],
        )
    wider = tiny_checkpoint(1)
    widened = replace(wider.space, shapes=((6, 2, 3, 3), *wider.space.shapes[1:]))
    with pytest.raises(
        RequestError, match=r"have different parameters \(\d+ and \d+\); choose checkpoints of one"
    ):
        compute(
            LineRequest(checkpoints=("a", "b")),
            home=home,
            task=tiny_task(),
            checkpoints=[tiny_checkpoint(2), replace(wider, space=widened)],
        )
    with pytest.raises(DataError, match="do not say which data they were trained on; name the data set"):
        compute(LineRequest(checkpoints=("a", "b")), home=home, checkpoints=tiny(2))
    with pytest.raises(RequestError, match="names 2 checkpoints, but 3 are given"):
        compute(LineRequest(checkpoints=("a", "b")), home=home, task=tiny_task(), checkpoints=tiny(3))
    with pytest.raises(RequestError, match="leave one of the two out"):
        compute(
            LineRequest(checkpoints=("a", "b"), data="digits"),
            home=home,
            task=tiny_task(),
            checkpoints=tiny(2),
        )


def test_data_of_another_shape_or_number_of_classes_are_explained(home, run, tmp_path):
    def save(name, classes, size):
        rng = np.random.default_rng(1)
        labels = np.arange(4 * classes) % classes
        images = rng.integers(0, 255, (4 * classes, size, size), dtype=np.uint8)
        np.savez(tmp_path / name, x_train=images, y_train=labels, x_test=images, y_test=labels)
        return str(tmp_path / name)

    files = tuple(map(str, run.checkpoint_files[1:]))
    with pytest.raises(DataError, match="tells 10 classes apart, but the data set 'few' has 3"):
        compute(LineRequest(checkpoints=files, data=save("few.npz", 3, 8)), home=home)
    with pytest.raises((DataError, RequestError), match=r"choose the data that it was trained on"):
        compute(LineRequest(checkpoints=files, data=save("big.npz", 10, 9)), home=home)


def test_changed_data_are_noticed(home, run, tmp_path):
    store = Store(home)
    digest = next(iter(run.checkpoints())).metadata.data_digest
    other = tmp_path / "other.npz"
    labels = np.arange(40) % 10
    np.savez(other, x_train=np.zeros((40, 8, 8)), y_train=labels, x_test=np.ones((40, 8, 8)), y_test=labels)
    store.remember(digest, "data", str(other))
    with pytest.raises(DataError, match="is not the one that the checkpoints were trained on"):
        compute(LineRequest(checkpoints=tuple(map(str, run.checkpoint_files[1:]))), home=home)


def test_identical_checkpoints_are_refused_before_anything_is_written(home, run):
    file = str(run.checkpoint_files[1])
    with pytest.raises(RequestError, match="identical weights, so no line passes through them"):
        compute(LineRequest(checkpoints=(file, file)), home=home)


def test_too_little_memory_for_recalibration_is_said_before_it_is_tried(home, monkeypatch):
    monkeypatch.setattr(tuning.psutil, "virtual_memory", lambda: SimpleNamespace(available=1000))
    with pytest.raises(
        RequestError, match=r"on 37 examples at once needs about 0\.0 GB, and 0\.0 GB are free; ask for fewer"
    ):
        compute_tiny(PLANE, home, device="cpu")
    compute_tiny(
        PlaneRequest(checkpoints=("a", "b", "c"), columns=2, rows=2, batch_norm="stored"), home, device="cpu"
    )


def test_labels_name_the_run_where_there_are_several_and_the_reference_where_nothing_is_known(
    home, run, tmp_path
):
    import shutil

    other = tmp_path / "other-run"
    shutil.copytree(run.folder, other)
    one = compute(LineRequest(checkpoints=(f"{run.folder}@12", f"{run.folder}@24"), points=2), home=home)
    assert list(one["checkpoint"].values) == ["epoch 1", "epoch 2"]
    two = compute(LineRequest(checkpoints=(f"{run.folder}@12", f"{other}@24"), points=2), home=home)
    # the same weights, so the same key: found under the labels of whoever asked first
    assert provenance_of(two).key == provenance_of(one).key
    Store(home).delete(provenance_of(one).key)
    two = compute(LineRequest(checkpoints=(f"{run.folder}@12", f"{other}@24"), points=2), home=home)
    assert list(two["checkpoint"].values) == [f"{run.folder.name} epoch 1", "other-run epoch 2"]
    nameless = [replace(c, metadata=type(c.metadata)(), source="") for c in tiny(2)]
    mine = compute(
        LineRequest(checkpoints=("first", "second"), points=2),
        home=home,
        task=tiny_task(),
        checkpoints=nameless,
    )
    assert list(mine["checkpoint"].values) == ["first", "second"]


def test_a_run_trained_elsewhere_is_listed_in_the_working_folder(home, tmp_path):
    from landscape.service.library import list_runs

    request = TrainRequest(architecture="mlp", recipe="standard", cycles=1, epochs=1, batch_size=500)
    inside = compute(request, home=home)
    outside = compute(request, home=home, folder=tmp_path / "elsewhere")
    assert {entry.folder for entry in list_runs(home)} == {inside.folder, outside.folder}
    (outside.folder / "request.json").unlink()
    assert [entry.folder for entry in list_runs(home)] == [inside.folder]


def test_two_runs_have_different_labels(home, run, tmp_path):
    import shutil

    copy = tmp_path / "other-run"
    shutil.copytree(run.folder, copy)
    checkpoint = load_checkpoint(f"{copy}@last", home=home)
    assert checkpoint.label == load_checkpoint(f"{run.folder}@last", home=home).label
    request = LineRequest(checkpoints=(f"{run.folder}@12", f"{copy}@last"), points=2)
    labels = list(compute(request, home=home)["checkpoint"].values)
    assert len(set(labels)) == 2


def test_a_second_caller_waits_for_the_first_and_takes_its_result(home, monkeypatch):
    monkeypatch.setattr(computing, "WAITING_SECONDS", 0.01)
    notes, second = [], []
    waits = threading.Event()

    def wait(done: int, total: int, note: str) -> None:
        notes.append(note)
        waits.set()

    def ask_again(done: int, total: int, note: str) -> None:
        if not second:
            second.append(executor.submit(compute_tiny, PLANE, home, progress=wait))
            assert waits.wait(30)

    with ThreadPoolExecutor(1) as executor:
        first = compute_tiny(PLANE, home, progress=ask_again)
        assert second[0].result(30).identical(first)
    assert set(notes) == {"waiting for another process that computes the same"}


def test_who_waits_for_another_process_can_stop(home, monkeypatch):
    monkeypatch.setattr(computing, "WAITING_SECONDS", 0.01)
    key = provenance_of(compute_tiny(PLANE, home)).key
    Store(home).delete(key)
    with (
        locked(home.jobs / f"{key}.lock", patience=0),
        pytest.raises(StoppedError, match="what is finished is kept"),
    ):
        compute_tiny(PLANE, home, stop=lambda: True)


@pytest.mark.parametrize("change", [{"versions": {"torch": "0.1"}}, {"device": "abacus"}, None])
def test_chunks_of_another_plan_are_not_mixed_in(home, change):
    whole = compute_tiny(PLANE, home)
    key, store = provenance_of(whole).key, Store(home)
    (home.result_folder(key) / "result.nc").unlink()
    plan = store.plan(key)
    assert plan is not None
    store.put_plan(key, {} if change is None else plan | change)
    store.put_chunk(key, 0, np.zeros((4, 2, 2)))
    assert np.array_equal(compute_tiny(PLANE, home)["own_nll"], whole["own_nll"])


def test_a_task_of_another_network_is_refused(home):
    class Reordered(PlainNet):
        """The same tensors in another order, which a flat vector alone would not tell."""

        def __init__(self) -> None:
            super().__init__()
            self.hidden = self._modules.pop("hidden")

    with pytest.raises(
        RequestError, match=r"'checkpoint 1' does not fit Reordered for this data \(first difference at 'h"
    ):
        compute(
            LineRequest(checkpoints=("a", "b")),
            home=home,
            task=tiny_task(Reordered),
            checkpoints=tiny(2, PlainNet),
        )


def test_weights_that_are_not_finite_are_refused(home):
    first, second = tiny(2)
    second.theta[3] = torch.nan
    with pytest.raises(RequestError, match="'checkpoint 2' holds NaN or infinite weights"):
        compute(LineRequest(checkpoints=("a", "b")), home=home, task=tiny_task(), checkpoints=[first, second])


def test_a_digest_is_never_answered_with_other_weights_or_data(home, run, tmp_path):
    one, other = tuple(run.checkpoints())[1:]
    file = tmp_path / "weights.safetensors"
    save_checkpoint(one, file)
    assert load_checkpoint(str(file), home=home).digest == one.digest
    save_checkpoint(other, file)
    with pytest.raises(
        CheckpointError, match=r"no longer holds the checkpoint with the digest .*bring that one"
    ):
        load_checkpoint(one.digest, home=home)

    Store(home).remember("1" * 64, "data", "digits")
    with pytest.raises(
        DataError, match=r"'digits' no longer has the digest 1{12}… \(now .*bring the old one back"
    ):
        compute(LineRequest(checkpoints=tuple(map(str, run.checkpoint_files[1:])), data="1" * 64), home=home)


def test_a_whole_split_as_one_batch_is_used_only_where_it_was_measured(home, monkeypatch):
    monkeypatch.setattr(tuning, "fastest", lambda *_, **__: Strategy("contiguous", 0, 8))
    assert "each split as one batch" in provenance_of(compute_tiny(PLANE, home)).strategy
    monkeypatch.setattr(tuning, "TUNING_EXAMPLES", {"cpu": 20})  # of 37
    monkeypatch.setattr(tuning, "TUNING_VALUES", 0)
    other = PlaneRequest(checkpoints=("a", "b", "c"), columns=2, rows=2)
    assert "batches of 20" in provenance_of(compute_tiny(other, home)).strategy


def test_a_search_is_answered_by_the_search(home, monkeypatch):
    given = {}

    def search(request, home, **options):
        given.update(options, request=request)
        return "found"

    monkeypatch.setitem(sys.modules, "landscape.service.searching", SimpleNamespace(search=search))
    request = SearchRequest()
    assert compute(request, home=home, device="cpu", download=True) == "found"
    assert given["request"] is request
    assert (given["device"], given["download"]) == ("cpu", True)
    assert callable(given["progress"])
    assert given["stop"]() is False
    with pytest.raises(RequestError, match="Only the evaluation of checkpoints is estimated"):
        estimate(request, home=home)


# Speed ------------------------------------------------------------------------------------------------------------


def test_a_network_that_relies_on_the_order_in_memory_will_do(home):
    class Viewing(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = torch.nn.Conv2d(2, 4, 3)
            self.norm = torch.nn.BatchNorm2d(4)
            self.head = torch.nn.Linear(60, 3)

        def forward(self, inputs):
            return self.head(self.norm(self.first(inputs)).view(len(inputs), -1))

    task = Task("viewing", Viewing, tiny_data())
    result = compute(
        LineRequest(checkpoints=("a", "b"), points=2), home=home, task=task, checkpoints=tiny(2, Viewing)
    )
    assert "contiguous" in provenance_of(result).strategy


def test_partial_results_are_written_as_often_as_is_worth_their_time(tmp_path, monkeypatch):
    monkeypatch.setattr(computing, "PARTIAL_SECONDS", 1.0)
    monkeypatch.setattr(computing, "PARTIAL_SHARE", 0.02)
    now, written = [100.0], []

    def save(result, path) -> None:
        now[0] += 0.05  # what a file takes
        written.append(now[0])

    monkeypatch.setattr(computing.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(computing, "save_result", save)
    partial = computing._Partial(tmp_path / "partial.nc")
    for _ in range(200):
        partial.show(lambda: None)
        now[0] += 0.1
    assert len(written) == 8  # each 2.5 seconds at the earliest, in 20
