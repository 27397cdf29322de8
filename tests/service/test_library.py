import os

import pytest
import torch

from landscape.core.requests import TrainRequest
from landscape.networks.architectures import build_network
from landscape.networks.checkpoint_files import save_checkpoint
from landscape.networks.checkpoints import Checkpoint, CheckpointMetadata
from landscape.service.library import compatible, list_checkpoints, list_runs, network_in_work, snapshots
from landscape.service.pretrained import Index, RunRecord, save_index
from landscape.service.uploads import MANIFEST_FILE, Manifest
from landscape.training.runs import DataRecord, checkpoint_path, mark_complete, open_run, save_history

DIGITS = DataRecord(name="digits", digest="d" * 64, reference="digits")
OTHERS = DataRecord(name="other digits", digest="e" * 64, reference="x.npz")


def _checkpoint(step, *, seed=0, architecture="convnet", classes=3, data=DIGITS, kind=""):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = build_network(architecture, (1, 8, 8), classes)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(step * 0.001)
    metadata = CheckpointMetadata(
        architecture=architecture,
        step=step,
        kind=kind,
        data=data.name,
        data_digest=data.digest,
        metrics={"test_loss": 0.5},
    )
    return Checkpoint.from_module(network, metadata)


def _run(folder, steps=(0, 20, 100), data=DIGITS, age=0, **options):
    run = open_run(folder, TrainRequest(seed=options.get("seed", 0)), data)
    for step in steps:
        save_checkpoint(_checkpoint(step, data=data, **options), checkpoint_path(folder, step))
    os.utime(folder / "request.json", (1e9 - age, 1e9 - age))
    return run


def _upload(home, name, checkpoint=None, problem=None):
    folder = home.uploads / name
    folder.mkdir(parents=True)
    if checkpoint is not None:
        save_checkpoint(checkpoint, folder / "weights.safetensors")
    manifest = Manifest(
        name=f"{name}.pt",
        sha256=name,
        size=1,
        kind="zip",
        imported=float(len(name)),
        problem=problem,
        parameters=7,
    )
    import msgspec

    (folder / MANIFEST_FILE).write_bytes(msgspec.json.encode(manifest))


def test_runs_in_order_of_steps_and_uploads_after_them(home, tmp_path):
    _run(home.runs / "older", age=10)
    _run(home.runs / "newer", steps=(100, 5))
    shipped = tmp_path / "pretrained"
    _run(shipped / "runs" / "snapshot", steps=(0,))
    save_index(Index(runs=(RunRecord(name="Snapshots", folder="runs/snapshot"),)), shipped)
    _upload(home, "u", _checkpoint(3))
    entries = list_checkpoints(home, extra=shipped)
    assert [(e.origin, e.group, e.label) for e in entries] == [
        ("pretrained", "snapshot", "step 0"), ("run", "newer", "step 5"), ("run", "newer", "step 100"),
        ("run", "older", "step 0"), ("run", "older", "step 20"), ("run", "older", "step 100"),
        ("upload", "uploads", "u.pt"),
    ]  # fmt: skip
    assert [e.origin for e in list_checkpoints(home)] == ["run"] * 5 + ["upload"]


def test_an_entry_says_what_its_file_says(home):
    _run(home.runs / "run")
    checkpoint = _checkpoint(20)
    entry = list_checkpoints(home)[1]
    assert entry.reference == f"{home.runs / 'run'}@20"
    assert (entry.architecture, entry.data, entry.data_digest, entry.step) == (
        "convnet",
        "digits",
        DIGITS.digest,
        20,
    )
    assert (entry.parameters, entry.digest) == (checkpoint.space.dimension, checkpoint.digest)
    assert entry.metrics == {"test_loss": 0.5}
    assert entry.problem is None


def test_a_file_that_changes_is_read_again(home):
    _run(home.runs / "run", steps=(5,))
    before = list_checkpoints(home)[0].digest
    save_checkpoint(_checkpoint(5, seed=8), checkpoint_path(home.runs / "run", 5))
    assert list_checkpoints(home)[0].digest != before


def test_damaged_files_are_listed_with_their_problem(home):
    _run(home.runs / "run", steps=(5, 6))
    path = checkpoint_path(home.runs / "run", 5)
    path.write_bytes(path.read_bytes()[:-9])
    _upload(home, "strange", problem="The tensors fit no known architecture.")
    _upload(home, "lost")
    (home.uploads / "half").mkdir()
    (home.uploads / "half" / MANIFEST_FILE).write_text("{")
    damaged, good, strange, lost = list_checkpoints(home)
    assert "is damaged: its header announces" in str(damaged.problem)
    assert good.problem is None
    assert (strange.problem, strange.parameters) == ("The tensors fit no known architecture.", 7)
    assert "cannot be read; check the disk" in str(lost.problem)
    assert compatible([good, damaged]) == [None, damaged.problem]


def test_runs_with_damaged_records_are_listed_with_their_problem(home):
    _run(home.runs / "good", age=5)
    _run(home.runs / "bad")
    (home.runs / "bad" / "data.json").write_text("{")
    bad, good = list_runs(home)
    assert (good.name, good.problem, good.run.request.seed) == ("good", None, 0)
    assert bad.run is None
    assert "The records of the run in" in str(bad.problem)
    assert {e.group for e in list_checkpoints(home)} == {"good"}


def test_compatible_says_why_not(home):
    _run(home.runs / "first", steps=(0, 20), age=0)
    _run(home.runs / "same start", steps=(0,), age=1)
    _run(home.runs / "other data", steps=(30,), data=OTHERS, age=2)
    _run(home.runs / "other classes", steps=(30,), classes=4, age=3)
    _run(home.runs / "other network", steps=(30,), architecture="mlp", age=4)
    _upload(home, "mine", _checkpoint(9, data=DataRecord(name="", digest="", reference="")))
    reasons = compatible(list_checkpoints(home))
    assert reasons[:2] == [None, None]
    for reason, words in zip(
        reasons[2:6],
        (
            "step 0 of same start has exactly the same weights as step 0 of first; choose another.",
            "step 30 of other data was trained on other digits, but step 0 of first on digits; choose checkpoints",
            "parameters, but step 0 of first has",
            "step 30 of other network is mlp, but step 0 of first is convnet; choose checkpoints of one network.",
        ),
        strict=True,
    ):
        assert words in str(reason)


def test_an_upload_of_unknown_data_goes_with_any(home):
    _run(home.runs / "run", steps=(5,))
    plain = _checkpoint(9)
    metadata = CheckpointMetadata(architecture="convnet")
    _upload(
        home,
        "mine",
        Checkpoint(theta=plain.theta, buffers=plain.buffers, space=plain.space, metadata=metadata),
    )
    assert compatible(list_checkpoints(home)) == [None, None]


def _family(folder, kinds):
    """A run with checkpoints of these kinds by step; a step of an average comes twice."""
    run = open_run(folder, TrainRequest(), DIGITS)
    for step, kind in kinds:
        path = checkpoint_path(folder, step, average=kind == "average")
        save_checkpoint(_checkpoint(step, kind=kind, seed=kind == "average"), path)
    return run


KINDS = [
    (0, "start"), (20, "between"), (30, "snapshot"), (30, "average"), (100, "snapshot"), (100, "average"),
]  # fmt: skip


def test_averages_stand_behind_their_iterates(home):
    _family(home.runs / "run", KINDS)
    entries = list_checkpoints(home)
    assert [(entry.label, entry.kind) for entry in entries] == [
        ("step 0", "start"), ("step 20", "between"), ("step 30", "snapshot"), ("step 30, average", "average"),
        ("step 100", "snapshot"), ("step 100, average", "average"),
    ]  # fmt: skip
    references = [entry.reference.rpartition("@")[2] for entry in entries]
    assert references == ["0", "20", "30", "30-average", "100", "100-average"]
    assert len({entry.digest for entry in entries}) == 6


@pytest.mark.parametrize(
    ("kinds", "steps"),
    [
        (KINDS, [30, 100]),
        ([(0, ""), (7, ""), (9, "")], [7, 9]),  # a run from before there were kinds
        ([(0, "start")], []),
    ],
)
def test_the_snapshots_of_a_run(home, kinds, steps):
    run = _family(home.runs / "run", kinds)
    (entry,) = list_runs(home)
    found = snapshots(entry)
    assert [checkpoint.step for checkpoint in found] == steps
    assert tuple(checkpoint.file for checkpoint in found) == run.snapshot_files


def test_a_damaged_snapshot_is_among_them_with_its_problem(home):
    _family(home.runs / "run", KINDS)
    checkpoint_path(home.runs / "run", 30).write_bytes(b"x")
    found = snapshots(list_runs(home)[0])
    assert [bool(checkpoint.problem) for checkpoint in found] == [True, False]


def test_a_run_that_cannot_be_read_has_no_snapshots(home):
    _family(home.runs / "run", KINDS)
    (home.runs / "run" / "data.json").write_text("{")
    assert snapshots(list_runs(home)[0]) == []


def test_the_network_in_work_is_the_one_measured_last(home):
    family = open_run(home.runs / "family", TrainRequest(recipe="independent", cycles=3), DIGITS).folder
    assert network_in_work(list_runs(home)[0]) is None
    for number, age in ((1, 5), (2, 9), (3, 0)):
        member = open_run(family / "members" / f"member-{number}", TrainRequest(seed=number), DIGITS).folder
        if number < 3:
            save_history(member, {})
            os.utime(member / "history.npz", (1e9 - age, 1e9 - age))
    found = network_in_work(list_runs(home)[0])
    assert (found.name, found.run.request.seed) == ("member-1", 1)
    mark_complete(family)
    assert network_in_work(list_runs(home)[0]) is None


@pytest.mark.parametrize("extra", [None, "nowhere"])
def test_an_empty_library(home, tmp_path, extra):
    assert list_checkpoints(home, extra=extra and tmp_path / extra) == []
    assert list_runs(home) == []
