import io
import shlex
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from landscape.core.requests import TrainRequest
from landscape.service.home import Home
from landscape.training.runs import Run

QUICK = ("--architecture", "mlp", "--cycles", 2, "--epochs", 2, "--batch-size", 256)


def test_a_run_lies_in_the_folder_that_is_named(call, tmp_path):
    result = call("train", *QUICK, "--out", tmp_path / "new" / "run")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.rstrip().endswith(f"checkpoints at the steps 0, 6, 12: {tmp_path / 'new' / 'run'}")
    run = Run.load(tmp_path / "new" / "run")
    assert run.complete
    assert run.request == TrainRequest(architecture="mlp", cycles=2, epochs=2, batch_size=256)


def test_without_out_the_run_is_in_the_working_folder(call):
    result = call("train", *QUICK, "--seed", 3)
    folder = Path(result.stdout.rstrip().rpartition(": ")[2])
    assert folder.parent == Home.default().runs
    assert Run.load(folder).request.seed == 3


def test_the_example_of_the_issue_asks_what_it_says(call, monkeypatch):
    from landscape.commands import train as verb

    asked = []

    def train_run(request, work, *, folder):
        asked.append((request, folder))
        raise KeyboardInterrupt

    monkeypatch.setattr(verb, "train_run", train_run)
    words = "train --data digits --architecture convnet --recipe snapshot --cycles 6 --epochs 60 --seed 0 --out DIR"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verb, "prepare_folder", lambda path: path)
        assert call(*shlex.split(words)).exit_code == 130
    assert asked == [
        (
            TrainRequest(
                data="digits", architecture="convnet", recipe="snapshot", cycles=6, epochs=60, seed=0
            ),
            Path("DIR"),
        )
    ]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--data", "digist"), "There is no data set named 'digist'; did you mean 'digits'"),
        (("--data", "MNIST"), "MNIST is not here: looked in "),
        (("--data", "gone/data.npz"), "There is no file or folder gone/data.npz; check the path."),
        (
            ("--architecture", "convnett"),
            "There is no architecture named 'convnett'; did you mean 'convnet'?",
        ),
        (("--recipe", "snapshit"), "There is no recipe named 'snapshit'; did you mean 'snapshot'?"),
        (("--phase", "pape"), "There is no phase named 'pape'; did you mean 'paper'?"),
        (("--augmentation", "flip"), "There is no augmentation named 'flip'; "),
        (("--restart-momentum", "kept"), "There is no restart_momentum named 'kept'; did you mean 'keep'?"),
        (("--epochs", "0"), "epochs is 0; give a whole number of at least 1."),
        (("--epochs", "ten"), "--epochs is 'ten'; give a whole number."),
        (("--learning-rate", "fast"), "--learning-rate is 'fast'; give a number."),
        (("--learning-rate", "-1"), "The learning rate is -1.0; give a positive number such as 0.1."),
        (("--learning-rate", "inf"), "The learning rate is inf; give a positive number such as 0.1."),
        (("--momentum", "1"), "The momentum is 1.0; give a number in [0, 1), such as 0.9."),
        (("--weight-decay", "nan"), "The weight decay is nan; give a number of at least 0, such as 1e-4."),
        (("--cycles", "7", "--epochs", "8"), "7 cycles need a number of steps divisible by 7; "),
        (("--device", "tpu"), "There is no device named 'tpu'; "),
    ],
)
def test_a_wrong_question_is_one_sentence(refuse, tmp_path, words, sentence):
    assert refuse("train", *words, "--out", tmp_path / "run").startswith(sentence)


def test_the_folder_of_another_request_is_left_alone(call, refuse, tmp_path):
    assert call("train", *QUICK, "--out", tmp_path / "run").exit_code == 0
    message = refuse("train", *QUICK, "--seed", 1, "--out", tmp_path / "run")
    assert "holds a run of another request (seed is 0 there and 1 here); choose another folder" in message


def test_a_folder_that_cannot_be_made_is_told(refuse, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert "cannot be written" in refuse("train", *QUICK, "--out", tmp_path / "file" / "run")


def test_image_folders_that_no_network_could_learn_from_are_explained(refuse, tmp_path):
    one_class = tmp_path / "one"
    for split in ("train", "test"):
        (one_class / split / "cat").mkdir(parents=True)
        for number in range(3):
            Image.fromarray(np.full((8, 8), 40 * number, np.uint8)).save(
                one_class / split / "cat" / f"{number}.png"
            )
    message = refuse("train", *QUICK, "--data", one_class, "--out", tmp_path / "run")

    assert "has one class only; give examples of at least two classes." in message
    archive = tmp_path / "unreadable.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("train/a/0.png", "train/b/0.png", "test/a/0.png", "test/b/0.png"):
            content = b"not a picture"
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    message = refuse("train", *QUICK, "--data", archive, "--out", tmp_path / "run")
    assert message.startswith("train/a/0.png in ")
    assert message.endswith("is no readable image (it is in no known image format); replace or remove it.")


def test_download_is_passed_on(call, monkeypatch, tmp_path):
    from landscape.core.errors import DataError
    from landscape.service import compute

    asked = []

    def load_data(reference, *, download, cache):
        asked.append((reference, download))
        raise DataError("Stop here.")

    monkeypatch.setattr(compute, "load_data", load_data)
    for extra in ((), ("--download",)):
        assert call("train", "--data", "MNIST", *extra, "--out", tmp_path / "run").exit_code == 2
    assert asked == [("MNIST", False), ("MNIST", True)]
