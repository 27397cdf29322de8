import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from landscape.commands.main import main
from landscape.service.home import Home
from landscape.service.store import Store

ROOT = Path(__file__).parents[2]


def start(*words: object, **options) -> subprocess.Popen[str]:
    """The command line in a process of its own, as people call it."""
    return subprocess.Popen(
        [sys.executable, "-m", "landscape", *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        **options,
    )


def test_help_names_every_verb(call):
    result = call("--help")
    assert result.exit_code == 0
    for verb in main.commands:
        assert f"\n  {verb} " in result.stdout
        assert call(verb, "--help").exit_code == 0


def test_help_needs_no_torch():
    code = (
        "import sys\n"
        "from landscape.commands.main import main\n"
        "main(['train', '--help'], standalone_mode=False)\n"
        "heavy = {'torch', 'xarray', 'matplotlib', 'plotly', 'streamlit'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def test_the_version_is_the_package_s(call):
    import landscape

    assert call("--version").stdout == f"landscape, version {landscape.__version__}\n"


def test_an_unknown_verb_is_told(refuse):
    assert refuse("plan").startswith("No such command 'plan'.")


def test_a_wrong_question_ends_a_real_process_with_status_2():
    process = start("line", "gone.safetensors", "gone.safetensors")
    out, err = process.communicate()
    assert process.returncode == 2
    assert out == ""
    assert err == "There is no checkpoint file gone.safetensors; check the path.\n"


def test_an_interrupt_keeps_what_is_finished_and_the_same_command_goes_on(steps, tmp_path):
    sample = ("--train-samples", 400, "--test-samples", 100)
    words = ("plane", *steps[:3], *sample, "--resolution", "40", "--out", tmp_path / "plane.nc")
    process = start(*words)
    end = time.monotonic() + 120
    while not list(Home.default().results.glob("*/chunks/chunk-0001-*.npy")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130, err
    assert out == ""
    assert "what is finished is kept" in err
    (key,) = (path.parent.name for path in Home.default().results.glob("*/plan.json"))
    kept = Store(Home.default()).chunks(key)
    assert len(kept) >= 2
    again = start(*words)
    again.communicate()
    assert again.returncode == 0
    assert (tmp_path / "plane.nc").is_file()


def test_an_interrupt_outside_the_work_is_a_sentence_too(call, monkeypatch):
    from landscape.commands import studies

    def interrupted(request, out, work):
        raise KeyboardInterrupt

    monkeypatch.setattr(studies, "answer", interrupted)
    result = call("line", "A", "B")
    assert result.exit_code == 130
    assert result.stderr == (
        "Interrupted; what was finished is kept, and the same command goes on from there.\n"
    )


@pytest.mark.parametrize("words", [(), ("--no-browser", "--port", "8777", "--home", "somewhere")])
def test_app_hands_over_to_the_launcher(call, monkeypatch, words):
    from landscape.service import launch

    asked = {}
    monkeypatch.setattr(launch, "launch", lambda **options: asked.update(options) or 3)
    assert call("app", *words).exit_code == 3
    assert asked == (
        {"port": 8777, "open_browser": False, "home": Home(Path("somewhere").resolve())}
        if words
        else {"port": None, "open_browser": True, "home": None}
    )


def test_a_wrong_port_is_told(refuse):
    assert refuse("app", "--port", "0").startswith("The port is 0; give a number from 1 to 65535")
    assert refuse("app", "--port", "web") == "--port is 'web'; give a whole number."
