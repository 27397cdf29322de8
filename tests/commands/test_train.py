import io
import shlex
import shutil
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
    run = Run.load(tmp_path / "new" / "run")
    accuracy = run.history["checkpoint_test_accuracy"][-1]
    assert result.stdout == (
        f"Test accuracy {accuracy:.1%}; 2 snapshots at the steps 6, 12: {tmp_path / 'new' / 'run'}\n"
    )
    assert run.complete
    assert run.request == TrainRequest(architecture="mlp", cycles=2, epochs=2, batch_size=256)


def test_an_average_has_its_accuracy_told(call, tmp_path):
    result = call("train", *QUICK, "--recipe", "swa", "--start-epoch", 1, "--cycles", 1, "--out", tmp_path)
    history = Run.load(tmp_path).history
    last, average = history["checkpoint_test_accuracy"][-1], history["average_test_accuracy"][-1]
    assert result.stdout == (
        f"Test accuracy {last:.1%}, of the average {average:.1%}; 1 snapshot at the step 12: {tmp_path}\n"
    )


def test_many_snapshots_are_named_in_short(call, tmp_path):
    result = call("train", *QUICK, "--recipe", "standard", "--cycles", 12, "--out", tmp_path)
    assert "; 12 snapshots at the steps 1, 2, 3, ..., 11, 12: " in result.stdout


def test_a_family_is_trained_as_any_other_recipe(call, tmp_path):
    result = call("train", *QUICK, "--recipe", "single-cycle", "--out", tmp_path)
    assert "; 2 snapshots at the steps 6, 12: " in result.stdout


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
        (("--recipe", "sgdr", "--epochs", "9", "--period", "2"), "Cycles of 2, 4, 8 epochs (period 2, growth 2)"),
        (("--recipe", "single-cycle", "--epochs", "8"), "6 networks share 8 epochs, which do not divide"),
        (("--recipe", "fge", "--period", "3"), "The period of FGE is 3 epochs; give an even number such as 4"),
        (("--recipe", "fge", "--epochs", "9", "--start-epoch", "7"), "Cycles of 4 epochs do not fill the 2 epochs"),
        (("--recipe", "swa", "--start-epoch", "60"), "The start_epoch is 60, but the run has 60 epochs; give a"),
        (("--recipe", "swa", "--low-rate", "-0.1"), "The low rate is -0.1; give a positive number such as 0.1."),
        (("--recipe", "standard", "--high-rate", "0.1"), "high_rate is 0.1, but the recipe standard does not use it"),
        (("--schedule", "cosin"), "There is no schedule named 'cosin'; did you mean 'cosine'?"),
        (("--optimizer", "adm"), "There is no optimizer named 'adm'; did you mean 'adam'?"),
        (("--objective", "cross-entropie"), "There is no objective named 'cross-entropie'; did you mean"),
        (("--label-smoothing", "1"), "The label_smoothing is 1.0; give a number in [0, 1), such as 0.1."),
        (("--recipe", "layca", "--layer-profile", "1"), "The layer_profile is 1.0; give a number between -1 and 1"),
        (("--warmup", "61"), "The warm-up of 61 epochs does not fit into 60 epochs; give fewer."),
        (("--data", "digits:nois=0.2"), "There is no modifier of data named 'nois'; did you mean 'noise'?"),
        (("--data", "digits:noise=1.2"), "The noise modifier has the share 1.2; give a number between 0 and 1"),
        (("--recipe", "fge", "--start-from", "gone@last"), "There is no run folder gone, and no run of that name"),
        (("--device", "tpu"), "There is no device named 'tpu'; "),
    ],
)  # fmt: skip
def test_a_wrong_question_is_one_sentence(refuse, tmp_path, words, sentence):
    assert refuse("train", *words, "--out", tmp_path / "run").startswith(sentence)


def test_fge_needs_the_optimiser_s_state(call, refuse, tmp_path):
    first, again = tmp_path / "first", tmp_path / "again"
    assert call("train", *QUICK, "--recipe", "standard", "--out", first).exit_code == 0
    fge = (
        "train",
        "--architecture",
        "mlp",
        "--batch-size",
        256,
        "--recipe",
        "fge",
        "--epochs",
        2,
        "--period",
        2,
    )
    assert call(*fge, "--start-from", f"{first}@6", "--out", again).exit_code == 0
    shutil.rmtree(first / "optimizer")
    message = refuse(*fge, "--start-from", f"{first}@6", "--out", tmp_path / "third")
    assert "optimiser" in message
    weights = first / "checkpoints" / "step-000006.safetensors"
    bare = tmp_path / "bare.safetensors"
    bare.write_bytes(weights.read_bytes())
    assert "optimiser" in refuse(*fge, "--start-from", bare, "--out", tmp_path / "fourth")
    assert not (tmp_path / "third").exists() or not list((tmp_path / "third").iterdir())


def test_a_loss_that_becomes_nan_is_told_and_what_there_is_stays(refuse, tmp_path):
    message = refuse(
        *("train", *QUICK, "--recipe", "standard", "--optimizer", "sgd", "--objective", "mean-squared-error"),
        *("--learning-rate", "1e8", "--out", tmp_path / "run"),
    )
    assert "at step " in message or "after step " in message
    assert "lower the learning rate from 1e+08" in message
    assert (tmp_path / "run" / "checkpoints" / "step-000000.safetensors").is_file()
    assert (tmp_path / "run" / "history.npz").is_file()


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
    from landscape.service import training

    asked = []

    def load_data(reference, *, download, cache):
        asked.append((reference, download))
        raise DataError("Stop here.")

    monkeypatch.setattr(training, "load_data", load_data)
    for extra in ((), ("--download",)):
        assert call("train", "--data", "MNIST", *extra, "--out", tmp_path / "run").exit_code == 2
    assert asked == [("MNIST", False), ("MNIST", True)]
