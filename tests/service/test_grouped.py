import shlex
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from landscape.core.errors import DataError, RequestError, StoppedError
from landscape.core.files import load_result
from landscape.core.requests import DiversityRequest, EnsembleRequest, FanRequest, LineRequest, TrainRequest
from landscape.core.results import CheckpointRecord, check_result, is_complete, provenance_of, self_check
from landscape.service import compute as computing
from landscape.service.compute import compute
from landscape.service.estimate import estimate
from landscape.service.groups import read_groups
from landscape.service.provenance import command_line
from landscape.service.store import Store
from tests.conftest import PlainNet, TinyNet, tiny_checkpoint, tiny_task


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(computing, "LARGEST_CHUNK", 4)
    monkeypatch.setattr(computing, "PARTIAL_SECONDS", 0.0)
    monkeypatch.setattr(computing, "PARTIAL_SHARE", np.inf)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two epochs on the digits: real checkpoints, quick to make."""
    request = TrainRequest(
        data="digits", architecture="mlp", recipe="standard", cycles=2, epochs=2, batch_size=128
    )
    return compute(request, home=tmp_path_factory.mktemp("trained"))


def tiny(count: int = 3, network=TinyNet):
    return [tiny_checkpoint(seed, network) for seed in range(1, count + 1)]


def compute_tiny(request, home, **options):
    return compute(
        request, home=home, task=tiny_task(), checkpoints=tiny(len(request.checkpoints)), **options
    )


FAN = FanRequest(checkpoints=("a", "b", "c", "d", "e"), groups=("x", "x", "x", "y", "y"), points=5)
GROUPED = [FAN, EnsembleRequest(checkpoints=FAN.checkpoints, groups=FAN.groups)]
GROUPED += [DiversityRequest(checkpoints=FAN.checkpoints, groups=FAN.groups)]


@pytest.mark.parametrize("request_", GROUPED, ids=lambda request: request.study)
def test_studies_of_groups_are_complete_and_say_how_they_came_to_be(home, request_):
    result = compute_tiny(request_, home)
    assert check_result(result) is result
    assert is_complete(result)
    assert result.attrs["study"] == request_.study
    assert "x, y" in result.attrs["title"]
    assert "(TinyNet, tiny)" in result.attrs["title"]
    provenance = provenance_of(result)
    assert provenance.samples == {"train": 37, "test": 11}
    assert [record.digest for record in provenance.checkpoints] == [each.digest for each in tiny(5)]
    assert result["checkpoint_group"].values.tolist() == list(FAN.groups)
    calls = []
    again = compute_tiny(request_, home, progress=lambda *call: calls.append(call))
    assert again.identical(result)
    assert calls == []


@pytest.mark.parametrize("policy", ["recalibrate", "stored", "interpolate"])
def test_each_line_of_a_fan_has_the_bits_of_the_line_alone(home, policy):
    result = compute_tiny(FanRequest(checkpoints=("a", "b", "c"), points=5, batch_norm=policy), home)
    for number, pair in enumerate([(0, 2), (1, 2)]):
        line = compute(
            LineRequest(checkpoints=("p", "q"), points=5, batch_norm=policy),
            home=home,
            task=tiny_task(),
            checkpoints=[tiny()[k] for k in pair],
        )
        assert provenance_of(line).strategy == provenance_of(result).strategy
        for name in ("nll", "error"):
            assert np.array_equal(result[name].values[:, number], line[name].values)
        np.testing.assert_allclose(result["loss"].values[:, number], line["loss"].values, rtol=1e-12)


def test_a_stopped_fan_goes_on_where_it_was(home):
    whole = compute_tiny(FAN, home)
    assert self_check(whole) == 0
    key = provenance_of(whole).key
    Store(home).delete(key)
    calls: list[tuple] = []
    with pytest.raises(StoppedError, match="what is finished is kept"):
        compute_tiny(FAN, home, progress=lambda *call: calls.append(call), stop=lambda: len(calls) > 3)
    assert len(Store(home).chunks(key)) == 3
    partial = load_result(home.result_folder(key) / "partial.nc")
    assert not is_complete(partial)
    calls.clear()
    resumed = compute_tiny(FAN, home, progress=lambda *call: calls.append(call))
    assert np.array_equal(resumed["nll"], whole["nll"])
    assert calls[1][0] > 4 * 3


def test_networks_of_different_architectures_are_compared_on_the_same_data(home, run, tmp_path):
    request = TrainRequest(data="digits", architecture="convnet", cycles=1, epochs=1, batch_size=256)
    other = compute(request, home=home, folder=tmp_path / "other")
    references = (*map(str, run.checkpoint_files[1:]), f"{other.folder}@last")
    groups = ("mlp", "mlp", "convnet")
    for kind in (EnsembleRequest, DiversityRequest):
        result = compute(kind(checkpoints=references, groups=groups), home=home)
        provenance = provenance_of(result)
        assert [record.architecture for record in provenance.checkpoints] == list(groups)
        assert "(mlp, convnet, digits)" in result.attrs["title"]
        recorded = [1 - run.history["checkpoint_test_accuracy"][k] for k in (1, 2)]
        np.testing.assert_allclose(result["member_error"].sel(split="test").values[:2], recorded, atol=1e-12)
    with pytest.raises(RequestError, match=r"different architectures \(mlp and convnet\)"):
        compute(FanRequest(checkpoints=references), home=home)


def test_checkpoints_of_different_data_need_one_to_be_compared_on(home, run):
    first, second = tuple(run.checkpoints())[1:]
    other = replace(second, metadata=msgspec.structs.replace(second.metadata, data="x", data_digest="7" * 64))
    with pytest.raises(
        DataError, match=r"were trained on different data \(digits and x\); name the data set"
    ):
        compute(EnsembleRequest(checkpoints=("a", "b")), home=home, checkpoints=[first, other])
    request = EnsembleRequest(checkpoints=("a", "b"), data="digits")
    assert is_complete(compute(request, home=home, checkpoints=[first, other]))


def test_a_task_of_ones_own_stands_for_one_network(home):
    with pytest.raises(RequestError, match="different architectures \\(TinyNet and PlainNet\\)"):
        compute(
            EnsembleRequest(checkpoints=("a", "b")),
            home=home,
            task=tiny_task(),
            checkpoints=[tiny_checkpoint(1), tiny_checkpoint(1, PlainNet)],
        )


def test_the_weight_decay_is_no_part_of_what_predictions_are_about(home):
    keys = {
        provenance_of(compute_tiny(DiversityRequest(checkpoints=("a", "b"), weight_decay=decay), home)).key
        for decay in (None, 0.5)
    }
    assert len(keys) == 1


def test_labels_differ_across_groups(home):
    alike = [
        replace(each, source="", metadata=replace_label(each, f"snapshot {n % 2}"))
        for n, each in enumerate(tiny(5))
    ]
    result = compute(FAN, home=home, task=tiny_task(), checkpoints=alike)
    labels = result["checkpoint"].values.tolist()
    assert len(set(labels)) == 5
    assert labels == ["x snapshot 0", "x snapshot 1", "x snapshot 0 (2)", "y snapshot 1", "y snapshot 0"]


def replace_label(checkpoint, label: str):
    return msgspec.structs.replace(checkpoint.metadata, label=label)


@pytest.mark.parametrize("kind", [FanRequest, EnsembleRequest, DiversityRequest])
def test_the_command_names_groups_so_that_they_are_read_again(home, run, kind):
    files = tuple(map(str, run.checkpoint_files))
    for groups in ((), ("one", "one", "one"), ("one", "two", "two")):
        if kind is FanRequest and groups[:2] == ("one", "two"):
            continue
        options = {"points": 2} if kind is FanRequest else {}
        provenance = provenance_of(compute(kind(checkpoints=files, groups=groups, **options), home=home))
        words = shlex.split(provenance.command)
        assert words[:4] == ["python", "-m", "landscape", kind.__struct_config__.tag]
        positional = words[4 : next(n for n, word in enumerate(words) if word.startswith("--"))]
        again = read_groups(positional, home)
        assert again.names == groups
        assert again.checkpoints == tuple(record.source for record in provenance.checkpoints)
        assert ("--weight-decay" in words) == (kind is FanRequest)


def test_names_and_paths_that_would_be_misread_are_written_otherwise(home, tmp_path):
    records = [
        CheckpointRecord(label="a", digest="1" * 64, architecture="n", source="/with, comma@3"),
        CheckpointRecord(label="b", digest="2" * 64, architecture="n", source="/plain@4"),
    ]
    request = DiversityRequest(checkpoints=("a", "b"), groups=("noise=0.2", "noise=0.2"))
    words = shlex.split(command_line(request, records, 0.0))
    assert words[4] == f"noise-0.2={'1' * 64},/plain@4"


def test_changed_data_are_named_so_that_they_are_found_again(home, run):
    files = tuple(map(str, run.checkpoint_files[1:]))
    request = DiversityRequest(checkpoints=files, data="digits:noise=0.2/3")
    provenance = provenance_of(compute(request, home=home))
    assert "--data digits:noise=0.2/3" in provenance.command
    same = DiversityRequest(checkpoints=files, data=provenance.data_digest)
    again = compute(same, home=home)
    assert provenance_of(again).key == provenance.key
    assert f"--data {provenance.data_digest}" in command_line(same, provenance.checkpoints, 0.0)


def test_many_names_do_not_make_a_title(home):
    result = compute_tiny(DiversityRequest(checkpoints=tuple("abcdefg")), home)
    assert result.attrs["title"] == "Predictions of 7 networks compared (TinyNet, tiny)"


def test_estimates_of_fans_and_of_predictions(home, run):
    files = tuple(map(str, run.checkpoint_files))
    fan = estimate(FanRequest(checkpoints=files, points=4), home=home)
    assert fan.points == 2 * 3 + 2 * 4
    assert fan.seconds > 0
    request = EnsembleRequest(checkpoints=files)
    before = estimate(request, home=home)
    assert (before.points, before.images) == (4, 1797)
    assert before.seconds > 0
    compute(request, home=home)
    after = estimate(DiversityRequest(checkpoints=files), home=home)
    assert (after.seconds, after.points) == (0, 0)
