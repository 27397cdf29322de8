"""From words to groups of checkpoints; no run is trained for it."""

import msgspec
import pytest
import torch
from torch import nn

from landscape.core.errors import RequestError, TrainingError
from landscape.core.requests import EnsembleRequest, TrainRequest
from landscape.networks.checkpoint_files import save_checkpoint
from landscape.networks.checkpoints import Checkpoint, CheckpointMetadata
from landscape.service.groups import Groups, find_run, read_groups
from landscape.service.home import Home
from landscape.training.runs import DataRecord, open_run

KINDS = {0: "start", 7: "between", 9: "snapshot", 13: "snapshot"}


def put_run(folder, kinds=KINDS):
    """A run's folder with checkpoints of these kinds, and an average beside the last."""
    open_run(folder, TrainRequest(), DataRecord(name="digits", digest="d" * 64, reference="digits"))
    for step, kind in kinds.items():
        checkpoint = Checkpoint.from_module(nn.Linear(2, 3), CheckpointMetadata(step=step, kind=kind))
        save_checkpoint(checkpoint, folder / "checkpoints" / f"step-{step:06d}.safetensors")
    average = Checkpoint.from_module(nn.Linear(2, 3), CheckpointMetadata(step=13, kind="average"))
    save_checkpoint(average, folder / "checkpoints" / "step-000013-average.safetensors")
    return folder


@pytest.fixture
def home(tmp_path):
    torch.manual_seed(0)
    return Home(tmp_path / "home").ensure()


@pytest.fixture
def trained(tmp_path, home):
    return put_run(tmp_path / "some run")


def test_a_run_is_the_group_of_its_snapshots(trained, home):
    assert read_groups([str(trained)], home) == Groups(
        (f"{trained}@9", f"{trained}@13"), ("some run", "some run")
    )


def test_a_run_of_the_working_folder_is_found_by_its_name(home):
    folder = put_run(home.runs / "swa-0")
    assert read_groups(["swa-0"], home) == Groups((f"{folder}@9", f"{folder}@13"), ("swa-0", "swa-0"))
    assert find_run("swa-1", home) is None


def test_a_folder_beside_one_is_named_after_itself(trained, home, monkeypatch):
    monkeypatch.chdir(trained)
    assert read_groups(["."], home) == Groups((f"{trained}@9", f"{trained}@13"), ("some run", "some run"))


def test_groups_may_be_named_and_mixed_of_runs_and_references(trained, home):
    words = [f"early={trained}@0,{trained}@7", f"late={trained}", f"both=file.safetensors,{trained}"]
    found = read_groups(words, home)
    assert found.names == ("early", "early", "late", "late", "both", "both", "both")
    assert found.checkpoints == (
        *(f"{trained}@0", f"{trained}@7"),
        *(f"{trained}@9", f"{trained}@13"),
        *("file.safetensors", f"{trained}@9", f"{trained}@13"),
    )
    EnsembleRequest(checkpoints=found.checkpoints, groups=found.names)


def test_references_that_stand_alone_are_one_group_without_a_name(trained, home):
    words = [f"{trained}@0", "x.safetensors", f"{trained}@average"]
    assert read_groups(words, home) == Groups(tuple(words), ())


def test_signs_in_the_names_of_folders_are_part_of_the_name(tmp_path, home):
    odd = put_run(tmp_path / "rate=0.1,seed=3")
    assert read_groups([str(odd)], home).names == ("rate=0.1,seed=3",) * 2
    assert read_groups([f"{odd}@9"], home) == Groups((f"{odd}@9",), ())
    assert read_groups([f"odd={odd}"], home) == Groups((f"{odd}@9", f"{odd}@13"), ("odd", "odd"))
    assert read_groups([f"odd={odd}@13"], home) == Groups((f"{odd}@13",), ("odd",))


def test_no_words_are_no_groups(home):
    assert read_groups([], home) == Groups((), ())


def test_groups_and_single_checkpoints_are_not_mixed(trained, home):
    with pytest.raises(
        RequestError, match=r"^gone@3 is a checkpoint by itself, but some run is a group; put it"
    ):
        read_groups([str(trained), "gone@3"], home)


def test_two_groups_of_one_name_are_refused(trained, tmp_path, home):
    other = put_run(tmp_path / "other" / "some run")
    with pytest.raises(
        RequestError, match=r"^Two groups have the name 'some run'; give one of them another, as in"
    ):
        read_groups([str(trained), str(other)], home)
    assert len(read_groups([str(trained), f"other={other}"], home).checkpoints) == 4


@pytest.mark.parametrize("word", ["=a@1", "name=", "name=,"])
def test_a_group_needs_a_name_and_members(word, home):
    with pytest.raises(
        RequestError, match=f"^The group '{word}' is not NAME=REFERENCE,REFERENCE or NAME=RUN_DIR"
    ):
        read_groups([word], home)


def test_a_run_without_snapshots_so_far_is_told(tmp_path, home):
    folder = put_run(tmp_path / "begun", {0: "start", 7: "between"})
    with pytest.raises(RequestError, match=r"begun has no snapshots so far; train it further, or name its"):
        read_groups([str(folder)], home)


def test_a_damaged_run_is_told(trained, home):
    (trained / "data.json").write_bytes(msgspec.json.encode([]))
    with pytest.raises(TrainingError, match=r"The records of the run in .* cannot be read"):
        read_groups([str(trained)], home)
