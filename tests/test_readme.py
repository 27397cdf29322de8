"""The README's examples, run as they stand there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import landscape
from landscape.core.files import load_result
from landscape.core.results import is_complete

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXPECTED_FILES = {
    *("runs", "line.nc", "plane.nc", "plane.pdf", "example.py", "my-line.svg", "home"),
    *("ensemble.nc", "ensemble.pdf", "diversity.pdf", "fan.pdf", "search.nc"),
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("readme")


def execute(words: list[str], folder: Path) -> str:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "LANDSCAPE_HOME": str(folder / "home"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.xdist_group("readme")
def test_the_command_line_examples_run(folder):
    script = "".join(blocks("bash"))
    for line in script.splitlines():
        assert line.startswith("python -m landscape ")
    execute(["bash", "-e", "-c", script], folder)
    assert is_complete(load_result(folder / "line.nc"))
    assert is_complete(load_result(folder / "plane.nc"))
    for name in ("plane.pdf", "ensemble.pdf", "diversity.pdf", "fan.pdf"):
        assert (folder / name).read_bytes().startswith(b"%PDF")
    assert load_result(folder / "search.nc").attrs["study"] == "search"


def test_the_recipes_it_names_are_all_there_are():
    from landscape.core.training_requests import RECIPES

    assert tuple(re.findall(r"^\| `([a-z-]+)` \|", README, flags=re.MULTILINE)) == RECIPES


@pytest.mark.xdist_group("readme")
def test_the_python_example_runs_and_prints_what_it_says(folder):
    (source,), (printed,) = blocks("python"), blocks("text")
    (folder / "example.py").write_text(source)
    assert execute([sys.executable, "example.py"], folder) == printed
    assert "<svg" in (folder / "my-line.svg").read_text()


@pytest.mark.xdist_group("readme")
def test_the_examples_leave_only_what_they_name(folder):
    assert {path.name for path in folder.iterdir()} <= EXPECTED_FILES


def test_the_make_targets_it_names_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"`?make ([a-z]+)\b", "\n".join(blocks("")))) == {"app", "test"} <= targets


def test_the_version_to_cite_is_this_one():
    assert f"version {landscape.__version__}," in README


@pytest.mark.parametrize(
    "link", sorted(set(re.findall(r"\]\(([^)#]+)\)|(?:src|srcset)=\"([^\"]+)\"", README))), ids=str
)
def test_every_link_leads_somewhere(link):
    (target,) = filter(None, link)
    assert target.startswith("https://") or (ROOT / target).exists()


@pytest.mark.parametrize("name", ["mlp", "convnet", "vgg16", "resnet20"])
def test_the_architectures_it_names_exist(name):
    from landscape.networks.architectures import architecture_names

    assert f"`{name}`" in README
    assert name in architecture_names()


def test_it_names_every_data_set():
    from landscape.networks.datasets import data_names

    for name in data_names():
        assert name in README
