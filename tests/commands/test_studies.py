import errno
import shlex
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from landscape.core.files import load_result
from landscape.core.requests import DiversityRequest, EnsembleRequest, FanRequest, LineRequest, PlaneRequest
from landscape.core.results import is_complete, provenance_of, self_check
from landscape.service.home import Home
from landscape.service.store import Store


def test_a_line_goes_to_the_file_that_is_named(call, steps, tmp_path):
    out = tmp_path / "new folder" / "line.nc"
    result = call("line", steps[1], steps[2], "--points", 5, "--range=-0.5:1.5", "--out", out)
    assert result.exit_code == 0
    assert result.stderr == ""  # quiet where nobody watches
    assert result.stdout.rstrip().endswith(str(out))
    line = load_result(out)
    assert is_complete(line)
    np.testing.assert_allclose(line["t"], [-0.5, 0, 0.5, 1, 1.5])
    assert provenance_of(line).request["batch_norm"] == "recalibrate"


def test_a_plane_takes_columns_and_rows_and_last(call, run, steps, tmp_path):
    out = tmp_path / "plane.nc"
    last = f"{run.folder}@last"
    result = call(
        *("plane", steps[0], steps[1], last, "--resolution", "4x3", "--margin", "0.3", "--out", out),
        *("--train-samples", 100, "--test-samples", 90, "--sample-seed", 3),
        *("--weight-decay", "0.25", "--batch-norm", "stored"),
    )
    assert result.exit_code == 0
    plane = load_result(out)
    assert (plane.sizes["alpha"], plane.sizes["beta"]) == (4, 3)
    provenance = provenance_of(plane)
    assert provenance.samples == {"train": 100, "test": 90}
    assert provenance.weight_decay == 0.25
    assert provenance.request["margin"] == 0.3
    assert self_check(plane) < 1e-4


def test_one_number_is_a_square(call, steps, tmp_path):
    call("plane", *steps[:3], "--resolution", 3, "--train-samples", 50, "--out", tmp_path / "p.nc")
    plane = load_result(tmp_path / "p.nc")
    assert (plane.sizes["alpha"], plane.sizes["beta"]) == (3, 3)


def test_without_out_the_result_is_in_the_working_folder(call, weights):
    result = call("line", weights[1], weights[2], "--points", 3)
    path = Path(result.stdout.rstrip().rpartition(": ")[2])
    assert path.is_relative_to(Home.default().results)
    assert load_result(path).attrs["study"] == "line"


def test_another_working_folder_may_be_named(call, steps, tmp_path):
    home = tmp_path / "elsewhere"
    assert call("line", *steps[1:3], "--points", 3, "--home", home).exit_code == 0
    assert len(Store(Home(home)).list()) == 1
    assert not Home.default().results.exists()


def test_a_result_may_be_drawn_at_once(call, steps, tmp_path):
    assert call("line", *steps[1:3], "--points", 3, "--out", tmp_path / "line.svg").exit_code == 0
    assert "<svg" in (tmp_path / "line.svg").read_text()


def test_the_command_in_the_provenance_repeats_the_result(call, steps, tmp_path):
    out = tmp_path / "plane.nc"
    third = 1 / 3
    call(
        *("plane", *steps[:3], "--resolution", "3x2", "--margin", third, "--batch-norm", "interpolate"),
        *(
            "--weight-decay",
            1 / 7,
            "--train-samples",
            77,
            "--sample-seed",
            4,
            "--data",
            "digits",
            "--out",
            out,
        ),
    )
    first = provenance_of(load_result(out))
    words = shlex.split(first.command)
    assert words[:3] == ["python", "-m", "landscape"]
    again = tmp_path / "again.nc"
    result = call(*words[3:-1], again)
    assert result.exit_code == 0, result.output
    assert provenance_of(load_result(again)).key == first.key


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.floats(-3, 0.4),
    width=st.floats(1e-3, 3),
    decay=st.floats(0, 1),
    points=st.integers(2, 99),
)
def test_every_number_survives_the_command_line(monkeypatch, call, start, width, decay, points):
    from landscape.commands import studies
    from landscape.service.provenance import command_line

    request = LineRequest(
        checkpoints=("a", "b"), start=start, stop=start + width, points=points, weight_decay=decay
    )
    asked: list[LineRequest] = []
    monkeypatch.setattr(studies, "answer", lambda request, out, work: asked.append(request))
    records = [_record("a"), _record("b")]
    call(*shlex.split(command_line(request, records, decay))[3:])
    assert asked[-1] == request


def _record(source: str):
    from landscape.core.results import CheckpointRecord

    return CheckpointRecord(label=source, digest=source, architecture="mlp", source=source)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("line", "A"), "A line needs 2 checkpoints; 1 given. Name exactly 2."),
        (("plane", "A", "B"), "A plane needs 3 checkpoints; 2 given. Name exactly 3."),
        (("line", "A", "B", "--points", 1), "The line has 1 points; give at least 2."),
        (("line", "A", "B", "--points", "many"), "--points is 'many'; give a whole number."),
        (("line", "A", "B", "--range=1.5:-0.5"), "The range 1.5:-0.5 is empty or reversed; give the smaller"),
        (("line", "A", "B", "--range=wide"), "The range 'wide' is not START:STOP; give two numbers"),
        (
            ("line", "A", "B", "--batch-norm", "stred"),
            "There is no batch-norm policy named 'stred'; did you mean 'stored'? Choose one of: interpolate, "
            "recalibrate, stored.",
        ),
        (("line", "A", "B", "--weight-decay", "-1"), "The weight decay is -1.0; give a number of at least 0"),
        (("line", "A", "B", "--train-samples", 0), "train_samples is 0; give a whole number of at least 1"),
        (("plane", "A", "B", "C", "--resolution", 1), "The resolution is 1 x 1 (columns x rows); give at least 2"),
        (("plane", "A", "B", "C", "--resolution", "4xmany"), "The resolution '4xmany' is neither a whole number"),
        (("plane", "A", "B", "C", "--margin", "-0.1"), "The margin is -0.1; give a fraction of at least 0"),
        (("line", "A", "B", "--out", "line.mp3"), "There is no file format named 'mp3'; choose one of: csv, html"),
        (("line", "A", "B", "--out", "line"), "line has no suffix; name a file that ends in one of csv, html"),
        (("line", "gone.safetensors", "B"), "There is no checkpoint file gone.safetensors; check the path."),
        (("line", "gone@last", "B"), "There is no run folder gone, and no run of that name"),
        (("fan", "A", "--points", 3), "A fan of lines needs at least 2 checkpoints in each group; the group has 1."),
        (("fan", "A", "B", "--range=1:0"), "The range 1:0 is empty or reversed; give the smaller number first"),
        (("ensemble",), "An ensemble needs checkpoints, and none is given; name runs or checkpoints."),
        (("ensemble", "A", "--bins", 0), "bins is 0; give a whole number of at least 1."),
        (("diversity", "A"), "A comparison of predictions needs at least 2 checkpoints; name another one."),
        (("diversity", "A", "B", "--batch-norm", "interpolate"), "The batch-norm policy interpolate has no meaning"),
        (("ensemble", "A", "one=B,C"), "A is a checkpoint by itself, but one is a group; put it into a group"),
        (("ensemble", "one=A", "one=B"), "Two groups have the name 'one'; give one of them another"),
        (("ensemble", "one=A,gone@last"), "There is no checkpoint file A; check the path."),
        (("line", "A", "B", "--qqq"), "No such option '--qqq'. See `python -m landscape line --help`."),
    ],
)  # fmt: skip
def test_a_wrong_question_is_one_sentence(refuse, words, sentence):
    assert refuse(*words).startswith(sentence)


def test_an_unknown_device_is_refused(refuse, steps):
    message = refuse("line", *steps[:2], "--device", "gpu")
    assert message.startswith("There is no device named 'gpu'; ")


def test_damaged_and_foreign_files_are_explained(refuse, weights, tmp_path):
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(weights[0].read_bytes()[:-100])
    assert "is damaged: its header announces" in refuse("line", cut, weights[1])
    noise = tmp_path / "noise.safetensors"
    noise.write_bytes(b"no weights at all")
    assert "is not a safetensors file; give one" in refuse("line", noise, weights[1])


def test_a_pickle_that_needs_code_is_refused(refuse, weights, tmp_path):
    import pickle

    bad = tmp_path / "bad.pt"
    bad.write_bytes(pickle.dumps(Path))
    assert refuse("line", bad, weights[1]) == (
        "'bad.pt' cannot be used: it is a Python pickle, which can run code, not a torch checkpoint; save the weights "
        "again with torch.save(model.state_dict(), path)."
    )


def test_checkpoints_that_do_not_fit_together_are_explained(call, refuse, steps, weights, tmp_path):
    other = tmp_path / "other"
    assert (
        call("train", "--architecture", "convnet", "--cycles", 1, "--epochs", 1, "--out", other).exit_code
        == 0
    )
    message = refuse("line", steps[1], f"{other}@last")
    assert message.startswith("The checkpoints belong to different architectures (mlp and convnet)")
    message = refuse("line", steps[1], steps[1])
    assert message.startswith(
        "The two checkpoints have identical weights, so no line passes through them; choose"
    )
    from landscape.networks.checkpoint_files import save_checkpoint
    from landscape.networks.checkpoints import Checkpoint
    from landscape.service.references import load_checkpoint

    first, second = load_checkpoint(weights[1]), load_checkpoint(weights[2])
    between = Checkpoint(
        theta=(first.theta + second.theta) / 2,
        buffers=first.buffers,
        space=first.space,
        metadata=first.metadata,
    )
    save_checkpoint(between, tmp_path / "between.safetensors")
    assert "on one line" in refuse("plane", steps[1], tmp_path / "between.safetensors", steps[2])


def test_data_that_do_not_fit_are_explained(refuse, steps, tmp_path):
    rng = np.random.default_rng(3)

    def save(name: str, classes: int, high: int) -> Path:
        images = rng.integers(0, 255, (4 * classes, 8, 8), dtype=np.uint8)
        labels = np.arange(4 * classes) % classes
        tests = labels.copy()
        tests[0] = high
        np.savez(tmp_path / name, x_train=images, y_train=labels, x_test=images, y_test=tests)
        return tmp_path / name

    few = save("few.npz", 3, 0)
    message = refuse("line", *steps[:2], "--data", few)
    assert message.startswith("The network tells 10 classes apart, but the data set 'few' has 3")
    outside = save("outside.npz", 3, 7)
    message = refuse("line", *steps[:2], "--data", outside)
    assert "hold 7, which is out of range; with 3 classes, give whole numbers from 0 to 2." in message
    message = refuse("line", *steps[:2], "--data", "digist")
    assert message.startswith("There is no data set named 'digist'; did you mean 'digits'")
    assert "--download" in refuse("line", *steps[:2], "--data", "CIFAR10")
    assert "asked for" in refuse("line", *steps[:2], "--train-samples", 5000)


def test_a_full_disk_loses_nothing(call, refuse, steps, tmp_path, monkeypatch):
    out = tmp_path / "full" / "line.nc"
    write = Path.write_bytes

    def full(path, content):
        if path.parent == out.parent:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    message = refuse("line", *steps[1:3], "--points", 3, "--out", out)
    assert message.startswith(f"The disk that holds {out.parent} is full; free some space")
    kept = Path(message.rpartition(": ")[2])
    assert is_complete(load_result(kept))
    assert list(out.parent.iterdir()) == []
    monkeypatch.undo()
    assert call("line", *steps[1:3], "--points", 3, "--out", out, "--home", kept.parents[2]).exit_code == 0
    assert load_result(out).identical(load_result(kept))


def test_a_folder_that_cannot_be_made_is_told_before_anything_is_computed(refuse, steps, tmp_path):
    (tmp_path / "file").write_text("in the way")
    message = refuse("line", *steps[1:3], "--out", tmp_path / "file" / "line.nc")
    assert "cannot be written" in message
    assert "choose a folder that you may write to" in message
    assert not Home.default().results.exists()
    (tmp_path / "folder.nc").mkdir()
    assert refuse("line", *steps[1:3], "--out", tmp_path / "folder.nc").endswith("is a folder; name a file.")


def test_the_example_of_the_issue_asks_what_it_says(call, monkeypatch):
    from landscape.commands import studies

    asked = []
    monkeypatch.setattr(studies, "answer", lambda request, out, work: asked.append((request, out)))
    call(*shlex.split("line A B --points 51 --range=-0.5:1.5 --batch-norm recalibrate --out line.nc"))
    call(*shlex.split("plane A B C --resolution 41 --margin 0.2 --batch-norm recalibrate --out plane.nc"))
    call(*shlex.split("plane A B C --resolution 61x41"))
    assert asked == [
        (LineRequest(checkpoints=("A", "B"), points=51, start=-0.5, stop=1.5), Path("line.nc")),
        (PlaneRequest(checkpoints=("A", "B", "C"), columns=41, rows=41, margin=0.2), Path("plane.nc")),
        (PlaneRequest(checkpoints=("A", "B", "C"), columns=61, rows=41), None),
    ]


def test_groups_become_one_request(call, run, steps, monkeypatch):
    from landscape.commands import studies

    asked = []
    monkeypatch.setattr(studies, "answer", lambda request, out, work: asked.append(request))
    snapshots = tuple(steps[1:])
    assert call("fan", run.folder, "--points", 5, "--range=-0.5:1.5").exit_code == 0
    assert call("ensemble", f"whole={run.folder}", f"late={steps[2]},{steps[3]}", "--bins", 7).exit_code == 0
    assert call("diversity", *steps[:2], "--batch-norm", "recalibrate").exit_code == 0
    assert asked == [
        FanRequest(checkpoints=snapshots, groups=("run",) * 3, points=5, start=-0.5, stop=1.5),
        EnsembleRequest(checkpoints=(*snapshots, *steps[2:]), groups=("whole",) * 3 + ("late",) * 2, bins=7),
        DiversityRequest(checkpoints=tuple(steps[:2]), batch_norm="recalibrate"),
    ]


def test_groups_of_runs_in_another_working_folder_are_found(call, run, tmp_path, monkeypatch):
    from landscape.commands import studies

    asked = []
    monkeypatch.setattr(studies, "answer", lambda request, out, work: asked.append(request))
    (tmp_path / "elsewhere" / "runs").mkdir(parents=True)
    (tmp_path / "elsewhere" / "runs" / "mine").symlink_to(run.folder)
    assert call("ensemble", "mine", "--home", tmp_path / "elsewhere").exit_code == 0
    assert len(asked[0].checkpoints) == 3


@pytest.mark.parametrize(
    ("words", "size"),
    [
        (("fan", "--points", 3), {"pair": 3, "t": 3}),
        (("ensemble",), {"group": 2, "size": 3}),
        (("diversity",), {"checkpoint": 5, "other": 5}),
    ],
)
def test_groups_of_checkpoints_are_compared_and_the_command_repeats_it(
    call, run, steps, tmp_path, words, size
):
    out = tmp_path / "result.nc"
    verb, *options = words
    groups = (run.folder, f"early={steps[0]},{steps[1]}")
    result = call(verb, *groups, *options, "--train-samples", 60, "--test-samples", 50, "--out", out)
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith(f"{out}\n")
    found = load_result(out)
    assert {name: found.sizes[name] for name in size} == size
    assert found["checkpoint_group"].values.tolist() == ["run"] * 3 + ["early"] * 2
    command = shlex.split(provenance_of(found).command)
    assert command[:4] == ["python", "-m", "landscape", verb]
    again = tmp_path / "again.nc"
    assert call(*command[3:-1], again).exit_code == 0
    assert provenance_of(load_result(again)).key == provenance_of(found).key
