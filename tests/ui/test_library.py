import pytest

from landscape.core.errors import CheckpointError
from landscape.service.uploads import Manifest, Upload
from landscape.ui import uploading
from tests.ui.builders import put_run


def test_an_empty_library_offers_a_way(open_page):
    test = open_page("library")
    assert not test.exception
    assert "No checkpoints yet" in " ".join(text.value for text in test.markdown)
    assert test.button("to_workbench")


def test_every_checkpoint_is_a_row(open_page, home):
    put_run(home.runs / "run-1", steps=(0, 40))
    test = open_page("library")
    assert not test.exception
    table = test.dataframe[0].value
    assert list(table["checkpoint"]) == ["step 0", "step 40"]
    assert list(table["architecture"]) == ["mlp", "mlp"]
    assert list(table["test accuracy"]) == [0.5, 0.5]
    assert "problem" not in table


def test_problems_are_sentences(open_page, home):
    put_run(home.runs / "run-1", steps=(0, 40))
    (home.runs / "run-1" / "checkpoints" / "step-000040.safetensors").write_bytes(b"\x10")
    put_run(home.runs / "run-2", steps=(1,))
    (home.runs / "run-2" / "data.json").write_text("{")
    test = open_page("library")
    assert not test.exception
    assert "is not a safetensors file" in " ".join(test.dataframe[0].value["problem"])
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
