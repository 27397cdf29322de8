import html
import re
import shlex

import pytest

from landscape.commands import demonstration
from landscape.commands.pictures import Picture
from landscape.core.files import load_result
from landscape.core.results import is_complete, self_check
from landscape.training.runs import Run
from tests.commands.conftest import QUICK_DEMO

FIGURES = (
    "training-snapshot",
    "training-standard",
    "line-snapshots",
    "line-recipes",
    "plane-train-loss",
    "plane-test-error",
    "plane-surface",
)
# One worker makes the demo for all of these.
pytestmark = pytest.mark.xdist_group("demo")


def text_of(page: str) -> str:
    """The page without its scripts and tags, on one line."""
    body = re.sub(r"<script.*?</script>|<style.*?</style>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_two_runs_two_lines_and_a_plane_are_there(demo):
    runs = [Run.load(path.parent) for path in sorted((demo / "home" / "runs").glob("*/complete"))]
    assert [run.request.recipe for run in runs] == ["snapshot", "standard"]
    results = {path.stem: load_result(path) for path in (demo / "results").iterdir()}
    assert set(results) == {"snapshots", "recipes", "plane"}
    for result in results.values():
        assert is_complete(result)
        assert self_check(result) < 1e-4


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_every_figure_is_a_file_in_three_formats(demo, suffix):
    for name in FIGURES:
        assert (demo / "figures" / f"{name}.{suffix}").stat().st_size > 5000


def test_the_report_shows_every_figure_with_what_its_axes_are(demo):
    page = (demo / "report.html").read_text()
    for name in FIGURES:
        assert page.count(f'<figure id="{name}">') == 1
        assert f'id="{name}-light"' in page
        assert f'id="{name}-dark"' in page
        assert f'href="figures/{name}.pdf"' in page
    captions = [text_of(caption) for caption in re.findall(r"<figcaption>.*?</figcaption>", page, re.DOTALL)]
    assert len(captions) == len(FIGURES)
    for caption in captions:
        assert "Horizontal axis: " in caption
    assert sum("Vertical axis: beta" in caption for caption in captions) == 3
    assert sum("Vertical axes: the learning rate" in caption for caption in captions) == 2


def test_the_report_has_the_accuracy_of_every_checkpoint(demo):
    text = text_of((demo / "report.html").read_text())
    for path in (demo / "home" / "runs").glob("*/complete"):
        for accuracy in Run.load(path.parent).history["checkpoint_test_accuracy"]:
            assert f"{accuracy:.1%}" in text


def test_the_report_needs_nothing_else(demo):
    page = (demo / "report.html").read_text()
    without_scripts = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    links = re.findall(r'\b(?:src|href|srcset)="([^"]*)"', without_scripts)
    assert links
    assert all(link.startswith(("data:image/webp", "#", "figures/")) for link in links)
    assert "default-src 'none'" in page
    assert page.count("* plotly.js v") == 1


def test_the_commands_of_the_report_are_ones_that_the_command_line_takes(demo, call, monkeypatch):
    from landscape.commands import studies, train

    asked = []
    monkeypatch.setattr(studies, "answer", lambda request, out, work: asked.append(request.study))
    monkeypatch.setattr(train, "train_run", lambda request, work, folder: asked.append(request) or _stop())
    monkeypatch.setattr(train, "prepare_folder", lambda path: path)
    page = (demo / "report.html").read_text()
    commands = [text_of(code) for code in re.findall(r"<pre>.*?</pre>", page, re.DOTALL)]
    assert len(commands) == 5
    for command in commands:
        assert call(*shlex.split(command)[3:]).exit_code in (0, 130)
    assert asked[2:] == ["line", "line", "plane"]
    kept = {Run.load(path.parent).request for path in (demo / "home" / "runs").glob("*/complete")}
    assert set(asked[:2]) == kept


def _stop():
    raise KeyboardInterrupt


def blank(_source, _out, *, name, **_words) -> Picture:
    """A picture that takes no time to draw."""
    empty = {"light": "{}", "dark": "{}"}
    return Picture(
        name=name,
        heading="",
        finding="",
        caption="",
        alt="",
        live=empty,
        posters=empty,
        files=(),
        shape="flat",
    )


def test_a_second_call_goes_on_where_the_first_one_stopped(call, tmp_path, monkeypatch):
    compute_result = demonstration.compute_result

    def interrupted(request, work, *, label):
        if request.study == "plane":
            raise KeyboardInterrupt
        return compute_result(request, work, label=label)

    monkeypatch.setattr(demonstration, "compute_result", interrupted)
    assert call("demo", "--out", tmp_path, *QUICK_DEMO).exit_code == 130
    assert not (tmp_path / "report.html").exists()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "home").rglob("checkpoints/*.safetensors")}
    assert len(kept) == 14
    monkeypatch.setattr(demonstration, "compute_result", compute_result)
    monkeypatch.setattr(demonstration, "picture_of_result", blank)
    monkeypatch.setattr(demonstration, "picture_of_training", blank)
    assert call("demo", "--out", tmp_path, *QUICK_DEMO).exit_code == 0
    assert (tmp_path / "report.html").is_file()
    assert kept == {
        path: path.stat().st_mtime_ns for path in (tmp_path / "home").rglob("checkpoints/*.safetensors")
    }


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--epochs", "7"), "The demo is asked for 7 epochs; give a multiple of 6, such as 36."),
        (("--epochs", "0"), "The demo is asked for 0 epochs; give a multiple of 6, such as 36."),
        (("--resolution", "1"), "The resolution is 1 x 1 (columns x rows); give at least 2"),
    ],
)
def test_a_wrong_question_is_one_sentence(refuse, tmp_path, words, sentence):
    assert refuse("demo", "--out", tmp_path, *words).startswith(sentence)
    assert list(tmp_path.iterdir()) == []


def test_the_demo_leaves_the_reader_s_own_folder_alone(demo, own_home):
    from landscape.service.home import Home

    assert not Home.default().path.exists()
