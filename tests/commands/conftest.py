"""A trained run and a command line to call: what every verb's test needs."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from landscape.commands.main import main
from landscape.core.requests import LineRequest, TrainRequest
from landscape.service.compute import compute
from landscape.service.home import Home
from landscape.training.runs import Run

Call = Callable[..., Result]


@pytest.fixture
def call() -> Call:
    """Call the command line in this process; an unexpected exception is raised, not swallowed."""

    def call(*words: object) -> Result:
        return CliRunner().invoke(
            main, [str(word) for word in words], prog_name="python -m landscape", catch_exceptions=False
        )

    return call


@pytest.fixture
def refuse(call: Call) -> Callable[..., str]:
    """Call it with something wrong: exit status 2, one line on standard error, which is returned."""

    def refuse(*words: object) -> str:
        result = call(*words)
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
        assert "Traceback" not in result.stderr
        return result.stderr.rstrip("\n")

    return refuse


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Three checkpoints after the start, on the digits, in a few steps."""
    request = TrainRequest(
        data="digits", architecture="mlp", recipe="standard", cycles=3, epochs=3, batch_size=128
    )
    folder = tmp_path_factory.mktemp("trained")
    run = compute(request, home=folder / "home", folder=folder / "run")
    compute(
        LineRequest(checkpoints=tuple(map(str, run.checkpoint_files[:2])), points=2), home=folder / "home"
    )
    return run


@pytest.fixture(autouse=True)
def tuned(request: pytest.FixtureRequest, own_home: None) -> None:
    """What the evaluator found to be fastest is the same in every test's home: finding it takes a second each."""
    if "run" in request.fixturenames:
        found = request.getfixturevalue("run").folder.parent / "home" / "tuning"
        shutil.copytree(found, Home.default().path / "tuning")


@pytest.fixture
def steps(run: Run) -> list[str]:
    """The checkpoints as people write them: RUN_DIR@STEP, the start first."""
    return [f"{run.folder}@{int(file.stem[5:])}" for file in run.checkpoint_files]


@pytest.fixture
def weights(run: Run) -> list[Path]:
    """The checkpoints' files."""
    return list(run.checkpoint_files)


QUICK_DEMO = ("--epochs", "6", "--resolution", "5x4")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the demo, done once with few epochs and few points."""
    out = tmp_path_factory.mktemp("demo") / "new folder"
    result = CliRunner().invoke(main, ["demo", "--out", str(out), *QUICK_DEMO], catch_exceptions=False)
    assert result.exit_code == 0
    assert result.stdout == f"The report: {out / 'report.html'}\n"
    assert result.stderr == ""
    return out
