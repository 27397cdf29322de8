"""The gate on the whole corpus. Messages are matched by their telling words; all have the same frame."""

import io
import os
import random
import zipfile
from pathlib import Path

import pytest

from landscape.core.errors import CheckpointError
from landscape.service.gate import inspect
from tests.service.corpus import (
    Announced,
    Block,
    archive,
    evil,
    legacy,
    must_load,
    saved,
)
from tests.service.corpus_refused import HOSTILE, STATE, UNSUPPORTED, WRONG_FILES

ZIP, LEGACY, SAFE = saved(STATE), legacy(STATE), must_load()["A11 safetensors"]
GOOD = must_load()


def _inspect(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    return inspect(path, "given.pt")


def _refusal(tmp_path, content) -> str:
    with pytest.raises(CheckpointError) as refused:
        _inspect(tmp_path, content)
    sentence = str(refused.value)
    # One sentence that names the file, and none of torch's words, which advise to switch the safety off.
    assert sentence.startswith("'given.pt' cannot be used: ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "weights_only" not in sentence
    return sentence


@pytest.mark.parametrize("name", GOOD)
def test_honest_files_pass(tmp_path, name):
    found = _inspect(tmp_path, GOOD[name])
    assert found.tensors
    assert found.format == {"A05 legacy": "legacy", "A11 safetensors": "safetensors"}.get(name, "zip")


def test_what_is_found_is_what_was_saved(tmp_path):
    for content in (ZIP, LEGACY):
        found = {t.name: (t.dtype, t.shape) for t in _inspect(tmp_path, content).tensors}
        assert found == {
            name: (str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape))
            for name, tensor in STATE.items()
        }


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_honest_files_of_other_kinds_say_what_to_save_instead(tmp_path, name):
    content, cause = UNSUPPORTED[name]
    sentence = _refusal(tmp_path, content)
    assert cause in sentence
    assert "save" in sentence


@pytest.mark.parametrize("name", WRONG_FILES)
def test_other_files_are_called_by_their_name(tmp_path, name):
    content, cause = WRONG_FILES[name]
    assert cause in _refusal(tmp_path, content)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize(
    ("content", "rest"), [(ZIP, "PK"), (LEGACY, ""), (SAFE, "")], ids=["zip", "legacy", "safe"]
)
def test_cut_files_are_called_cut(tmp_path, content, rest, share):
    sentence = _refusal(tmp_path, content[: int(len(content) * share)])
    assert "cut short" in sentence
    assert "copy or download it again" in sentence


def test_an_empty_file(tmp_path):
    assert "it is empty, perhaps an interrupted upload" in _refusal(tmp_path, b"")


def _with_flipped_bit(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]


def test_a_flipped_bit_in_the_weights_is_seen_where_the_format_has_checksums(tmp_path):
    with zipfile.ZipFile(io.BytesIO(ZIP)) as file:
        name = next(name for name in file.namelist() if name.endswith("data/0"))
        place = ZIP.index(file.read(name)) + 2
    assert f"the checksum of {name!r} is wrong" in _refusal(tmp_path, _with_flipped_bit(ZIP, place))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_with_their_cause(tmp_path, name):
    content, cause = HOSTILE[name]
    sentence = _refusal(tmp_path, content)
    assert any(words in sentence for words in cause.split("|")), sentence


def test_many_zip_entries(tmp_path):
    content = archive({"w": Announced(Block())}, extra=[(f"a/data/x{i}", b"") for i in range(20_001)])
    assert "20004 zip entries, the limit is 20000" in _refusal(tmp_path, content)


def test_code_is_refused_and_does_not_run(tmp_path):
    marker = tmp_path / "marker"
    for content in evil(marker).values():
        assert "Python code" in (sentence := _refusal(tmp_path, content)) or "Python pickle" in sentence
    assert not marker.exists()


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(3 << 30)  # a hole, no disk space
    with pytest.raises(CheckpointError, match="it has 3072 MiB, the limit is 2048 MiB"):
        inspect(path, "large")


def test_only_regular_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    for path, cause in (
        (tmp_path / "pipe", "it is not a regular file; give a file"),
        (Path("/dev/zero"), "it is not a regular file; give a file"),
        (tmp_path, "it is not a regular file; give a file"),
        (tmp_path / "link", "it cannot be opened"),
        (tmp_path / "absent", r"it cannot be opened \(No such file or directory\); check the path"),
    ):
        with pytest.raises(CheckpointError, match=cause):
            inspect(path, "x")


@pytest.mark.parametrize("rounds", [60, pytest.param(3000, marks=pytest.mark.prove)])
@pytest.mark.parametrize(
    "content", [ZIP, LEGACY, SAFE, GOOD["A02 training state"]], ids=["zip", "legacy", "safe", "state"]
)
def test_no_mutation_brings_anything_but_a_refusal(tmp_path, content, rounds):
    generator = random.Random(7)
    path = tmp_path / "file"
    for _ in range(rounds):
        mutated = bytearray(content)
        for _ in range(generator.choice((1, 1, 3, 20))):
            mutated[generator.randrange(len(mutated))] = generator.randrange(256)
        if generator.random() < 0.3:
            del mutated[generator.randrange(len(mutated)) :]
        path.write_bytes(mutated)
        try:
            inspect(path, "x")
        except CheckpointError as refused:
            assert str(refused).startswith("'x' cannot be used: ")  # noqa: PT017 -- either outcome is right
