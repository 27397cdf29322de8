import json

import msgspec
import pytest

from landscape.core.errors import CheckpointError
from landscape.core.requests import TrainRequest
from landscape.service.pretrained import Index, RunRecord, save_index
from landscape.service.uploads import Manifest, Upload
from landscape.ui import uploading
from tests.ui.builders import put_run


def checkpoints(test):
    """The table of checkpoints."""
    return next(frame for frame in test.dataframe if "checkpoint" in frame.value)


def test_an_empty_library_offers_a_way(open_page):
    test = open_page("library")
    assert not test.exception
    assert "No checkpoints yet" in " ".join(text.value for text in test.markdown)
    assert test.button("to_workbench")


def test_every_checkpoint_is_a_row(open_page, home):
    put_run(home.runs / "run-1", steps=(0, 40))
    test = open_page("library")
    assert not test.exception
    table = checkpoints(test).value
    assert list(table["checkpoint"]) == ["step 0", "step 40"]
    assert list(table["architecture"]) == ["mlp", "mlp"]
    assert list(table["test accuracy"]) == [0.5, 0.5]
    assert "problem" not in table


def test_uploads_come_first_then_own_runs_then_examples(open_page, home, shipped):
    shipped.mkdir()
    put_run(shipped / "runs" / "shown", steps=(1,), seed=1)
    save_index(Index(runs=(RunRecord(name="shown", folder="runs/shown"),)), shipped)
    put_run(home.runs / "run-1", steps=(1,), seed=2)
    for name, imported in (("old.pt", 1.0), ("new.pt", 2.0)):
        folder = home.uploads / name
        folder.mkdir(parents=True)
        manifest = Manifest(
            name=name, sha256=name, size=1, kind="zip", imported=imported, problem="It fits no network."
        )
        (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    test = open_page("library")
    assert not test.exception
    table = checkpoints(test).value
    assert list(table["from"]) == ["upload", "upload", "your run", "example"]
    assert list(table["checkpoint"]) == ["new.pt", "old.pt", "step 1", "step 1"]
    assert table["test accuracy"].isna().tolist() == [True, True, False, False]
    assert checkpoints(test).proto.placeholder == "–"  # noqa: RUF001  # an en dash stands for no value


def test_a_checkpoint_has_the_name_it_has_in_figures(open_page, home):
    put_run(home.runs / "run-1", steps=(0, 40), labels=("start", "snapshot 1"))
    test = open_page("library")
    assert list(checkpoints(test).value["checkpoint"]) == ["start (step 0)", "snapshot 1 (step 40)"]
    test = open_page("workbench")
    assert test.selectbox("checkpoint_A").value == "run-1 · snapshot 1 (step 40)"


def test_a_sentence_that_names_its_file_names_it_once(open_page, monkeypatch):
    def refuse(content, name, where):
        raise CheckpointError(f"{name!r} cannot be used: it is text.")

    monkeypatch.setattr(uploading, "import_upload", refuse)
    test = open_page("library")
    test.file_uploader[0].upload("text.pt", b"weights").run()
    assert test.error[0].value.count("text") == 2, "once in the name, once in the cause"


def test_problems_are_sentences(open_page, home):
    put_run(home.runs / "run-1", steps=(0, 40))
    (home.runs / "run-1" / "checkpoints" / "step-000040.safetensors").write_bytes(b"\x10")
    put_run(home.runs / "run-2", steps=(1,))
    (home.runs / "run-2" / "data.json").write_text("{")
    test = open_page("library")
    assert not test.exception
    assert "is not a safetensors file" in " ".join(checkpoints(test).value["problem"])
    assert "cannot be read" in test.warning[0].value


def test_an_accepted_file_is_announced(open_page, monkeypatch, home):
    seen = []

    def accept(content, name, where):
        seen.append((content, name, where))
        manifest = Manifest(
            name=name, sha256="a", size=1, kind="zip", imported=1.0, architecture="mlp", parameters=1234
        )
        return Upload(home.uploads / "a", manifest)

    monkeypatch.setattr(uploading, "import_upload", accept)
    test = open_page("library")
    test.file_uploader[0].upload("mine.pt", b"weights").run()
    assert not test.exception
    assert seen == [(b"weights", "mine.pt", home)]
    assert r"mine\.pt is in the library\: mlp, 1,234 parameters" in test.success[0].value
    assert not test.file_uploader[0].value, "the widget's copy in memory is dropped"


@pytest.mark.parametrize("problem", [True, False])
def test_a_refused_file_says_why(open_page, monkeypatch, home, problem):
    def refuse(content, name, where):
        if not problem:
            raise CheckpointError("It needs code to be opened; save it as plain weights.")
        manifest = Manifest(
            name=name, sha256="a", size=1, kind="zip", imported=1.0, problem="It fits no network."
        )
        return Upload(home.uploads / "a", manifest)

    monkeypatch.setattr(uploading, "import_upload", refuse)
    test = open_page("library")
    test.file_uploader[0].upload("bad*.pt", b"weights").run()
    assert not test.exception
    assert "It fits no network" in test.error[0].value if problem else "needs code" in test.error[0].value
    assert r"bad\*\.pt" in test.error[0].value


def runs(test):
    """The table of runs."""
    return next(frame for frame in test.dataframe if "recipe" in frame.value)


def charts(test):
    return [json.loads(chart.proto.json) for chart in test.get("bidi_component")]


def test_every_run_is_a_row_with_what_it_was(open_page, home):
    request = TrainRequest(architecture="mlp", recipe="independent", cycles=2, epochs=30, optimizer="sgd")
    put_run(home.runs / "family", request=request)
    put_run(home.runs / "plain")
    test = open_page("library")
    assert not test.exception
    table = runs(test).value.set_index("run")
    assert table.loc["family", ["recipe", "epochs", "optimiser"]].tolist() == ["Independent", 60, "sgd"]
    assert table.loc["plain", "recipe"] == "Snapshot"
    assert not charts(test)


def test_a_link_shows_how_a_run_was_trained(open_page, home):
    put_run(home.runs / "one")
    put_run(home.runs / "two", seed=3)
    test = open_page("library", run="one")
    assert not test.exception
    assert "one: Learning rate" in charts(test)[0]["alt"]
    assert "seed 0" in " ".join(caption.value for caption in test.caption)


def test_several_runs_are_compared(open_page, home):
    put_run(home.runs / "one")
    put_run(home.runs / "two", seed=3)
    test = open_page("library", run=["one", "two", "gone"])
    assert not test.exception
    assert "Compared" in " ".join(text.value for text in test.markdown)
    assert charts(test)


def test_averages_and_kinds_are_shown(open_page, home):
    put_run(home.runs / "one", steps=(0, 40), kinds=("start", "snapshot"), averages=(40,))
    table = checkpoints(open_page("library")).value
    assert table["checkpoint"].tolist() == ["step 0", "step 40", "step 40, average"]
    assert table["kind"].tolist() == ["start", "snapshot", "average"]


def test_a_damaged_history_spoils_its_own_panel_only(open_page, home):
    put_run(home.runs / "one")
    (home.runs / "one" / "history.npz").write_bytes(b"x")
    test = open_page("library")
    assert not test.error
    assert runs(test).value["test accuracy"].isna().all()
    assert "is damaged" in open_page("library", run="one").error[0].value
