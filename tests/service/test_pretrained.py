import pytest

from landscape.core.errors import ResultError
from landscape.service import pretrained
from landscape.service.pretrained import (
    Index,
    ResultRecord,
    RunRecord,
    load_index,
    pretrained_folder,
    pretrained_results,
    pretrained_run_folders,
    save_index,
    verify,
)


@pytest.fixture
def folder(tmp_path):
    for name in ("results/plane.nc", "results/plane.webp", "results/dark.webp", "runs/a/request.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    record = {
        "title": "A plane",
        "finding": "There are three basins.",
        "file": "results/plane.nc",
        "study": "plane",
    }
    index = Index(
        results=(
            ResultRecord(id="one", poster="results/plane.webp", **record),
            ResultRecord(
                id="two", poster={"light": "results/plane.webp", "dark": "results/dark.webp"}, **record
            ),
        ),
        runs=(RunRecord(name="A run", folder="runs/a"),),
    )
    save_index(index, tmp_path)
    return tmp_path


def test_results_and_runs_have_their_places(folder):
    one, two = pretrained_results(folder)
    assert (one.id, one.title, one.finding, one.study) == (
        "one",
        "A plane",
        "There are three basins.",
        "plane",
    )
    assert one.file.read_text() == "results/plane.nc"
    assert one.posters == dict.fromkeys(("light", "dark"), folder / "results/plane.webp")
    assert two.posters["dark"] == folder / "results/dark.webp"
    assert pretrained_run_folders(folder) == [folder / "runs/a"]


def test_verify_finds_what_is_missing_changed_or_new(folder):
    assert verify(folder) == []
    (folder / "results/plane.nc").write_text("other")
    (folder / "results/dark.webp").unlink()
    (folder / "stray").write_text("")
    assert verify(folder) == [
        f"{folder / 'results/dark.webp'} is missing; bring it back or run `make pretrained`.",
        f"{folder / 'results/plane.nc'} has been changed; bring it back or run `make pretrained`.",
        f"{folder / 'stray'} is not in the index; remove it or run `make pretrained`.",
    ]


def test_the_index_is_the_same_bytes_when_nothing_has_changed(folder):
    before = (folder / "index.json").read_bytes()
    save_index(load_index(folder), folder)
    assert (folder / "index.json").read_bytes() == before


def test_no_index_is_nothing(tmp_path):
    assert load_index(tmp_path) == Index()
    assert pretrained_results(tmp_path) == []


@pytest.mark.parametrize("content", ["{", '{"results": [{"id": 1}]}'])
def test_a_damaged_index_is_one_sentence(tmp_path, content):
    (tmp_path / "index.json").write_text(content)
    with pytest.raises(
        ResultError, match=r"index.json cannot be read \(.*\); write it again with `make pretrained`"
    ):
        load_index(tmp_path)


def test_the_folder_lies_beside_the_package():
    assert pretrained_folder().parent == pretrained.Path(pretrained.__file__).parents[2]
