import errno
import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from landscape.core.errors import ResultError, StoreError
from landscape.service import result_files
from landscape.service.result_files import load_checked
from landscape.service.store import Store

KEY = "ab" * 32


def _files(store: Store) -> list[str]:
    folder = store.home.result_folder(KEY)
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_chunks_come_back_exactly(store):
    written = {
        0: np.array([1.5, np.nan, np.inf, -0.0]),
        7: np.arange(6, dtype=np.float32).reshape(2, 3),
        12345: np.zeros((0, 3)),
    }
    for chunk_id, values in written.items():
        store.put_chunk(KEY, chunk_id, values)
    read = store.chunks(KEY)
    assert list(read) == [0, 7, 12345]
    for chunk_id, values in written.items():
        np.testing.assert_array_equal(read[chunk_id], values)
        assert read[chunk_id].dtype == values.dtype


def test_a_chunk_written_again_replaces_the_first(store):
    store.put_chunk(KEY, 3, np.ones(2))
    store.put_chunk(KEY, 3, np.full(2, 5.0))
    np.testing.assert_array_equal(store.chunks(KEY)[3], [5.0, 5.0])
    assert len(_files(store)) == 1


def _flip(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize("damage", [_flip, lambda content: content[:40], lambda content: b""])
def test_a_damaged_chunk_is_dropped_and_removed(store, damage):
    store.put_chunk(KEY, 0, np.ones(5))
    store.put_chunk(KEY, 1, np.ones(5))
    path = next(store.home.result_folder(KEY).glob("chunks/chunk-0001-*"))
    path.write_bytes(damage(path.read_bytes()))
    assert list(store.chunks(KEY)) == [0]
    assert not path.exists()


def test_a_chunk_with_a_true_checksum_but_pickled_content_is_dropped(store):
    import io
    import zlib

    buffer = io.BytesIO()
    np.save(buffer, np.array([{}], dtype=object), allow_pickle=True)
    folder = store.home.result_folder(KEY) / "chunks"
    folder.mkdir(parents=True)
    path = folder / f"chunk-0000-{zlib.crc32(buffer.getvalue()):08x}.npy"
    path.write_bytes(buffer.getvalue())
    (folder / "notes.txt").write_text("not ours")
    assert store.chunks(KEY) == {}
    assert not path.exists()


def test_of_two_files_of_one_chunk_the_newer_wins(store):
    store.put_chunk(KEY, 3, np.ones(2))
    first = next(store.home.result_folder(KEY).glob("chunks/chunk-0003-*"))
    content = first.read_bytes()
    store.put_chunk(KEY, 3, np.full(2, 5.0))
    first.write_bytes(content)  # as if the process had been killed before removing it
    os.utime(first, ns=(0, 0))
    np.testing.assert_array_equal(store.chunks(KEY)[3], [5.0, 5.0])


def test_a_result_is_found_by_its_key_and_replaces_its_chunks(store, line_result):
    assert store.find(KEY) is None
    assert store.load(KEY) is None
    store.begin(KEY, "{}")
    store.put_plan(KEY, {"order": [2, 1]})
    store.put_chunk(KEY, 0, np.ones(2))
    path = store.put(KEY, line_result)
    assert store.find(KEY) == path
    assert store.chunks(KEY) == {}
    assert store.plan(KEY) == {"order": [2, 1]}
    xr.testing.assert_identical(store.load(KEY), line_result)


def test_a_wrong_result_is_refused_and_the_chunks_stay(store, line_result):
    store.put_chunk(KEY, 0, np.ones(2))
    with pytest.raises(ResultError, match="lacks the variable 'norm'"):
        store.put(KEY, line_result.drop_vars("norm"))
    assert list(store.chunks(KEY)) == [0]


def test_a_damaged_result_is_put_aside_and_named_in_the_list(store, line_result):
    path = store.put(KEY, line_result)
    path.write_bytes(path.read_bytes()[:1000])
    (listed,) = store.list()
    assert listed.problem == f"{path} is damaged; delete it and compute the result again."
    assert store.load(KEY) is None
    assert store.find(KEY) is None
    assert store.list() == []


@pytest.fixture
def never_opened(monkeypatch):
    """HDF5 may loop for ever on a damaged file, so the test fails as soon as one is opened."""

    def refuse(*arguments, **options):
        raise AssertionError("the file was opened")

    monkeypatch.setattr(xr, "open_dataset", refuse)


def test_a_flipped_byte_is_found_without_opening_the_file(store, line_result, never_opened):
    path = store.put(KEY, line_result)
    content = path.read_bytes()
    (listed,) = store.list()
    assert (listed.study, listed.title, listed.problem) == ("line", "A line", None)
    path.write_bytes(content[:777] + bytes([content[777] ^ 4]) + content[778:])
    with pytest.raises(ResultError, match=r"result\.nc is damaged; delete it and compute the result again"):
        load_checked(path)
    (listed,) = store.list()
    assert listed.problem == f"{path} is damaged; delete it and compute the result again."
    assert store.load(KEY) is None
    (aside,) = _files(store)
    assert aside.startswith("damaged-")


@pytest.mark.parametrize("older", [False, True])
def test_a_kill_between_result_and_summary_is_healed(store, line_result, monkeypatch, older):
    if older:  # its summary must not be taken for that of the new result
        store.put(KEY, line_result.assign_attrs(title="Older"))
    with monkeypatch.context() as patch:
        patch.setattr(result_files, "save_summary", _killed)
        with pytest.raises(KeyboardInterrupt):
            store.put(KEY, line_result)
    assert _files(store) == ["result.nc"]
    assert [(listed.title, listed.problem) for listed in store.list()] == [("A line", None)]
    xr.testing.assert_identical(store.load(KEY), line_result)
    assert _files(store) == ["result.nc", "summary.json"]
    xr.testing.assert_identical(store.load(KEY), line_result)


def _killed(*arguments):
    raise KeyboardInterrupt


@pytest.mark.parametrize("content", [b"", b"{", b'{"sha256": 1}'])
def test_an_unreadable_summary_counts_as_none(store, line_result, content):
    path = store.put(KEY, line_result)
    path.with_name("summary.json").write_bytes(content)
    xr.testing.assert_identical(store.load(KEY), line_result)
    assert store.list()[0].title == "A line"


def test_a_result_replaced_while_it_is_read_is_not_taken_for_damaged(store, line_result, monkeypatch):
    path = store.put(KEY, line_result)
    sha256 = result_files._sha256

    def replace_then_read(path):
        with monkeypatch.context() as patch:
            patch.setattr(result_files, "_sha256", sha256)
            store.put(KEY, line_result.assign_attrs(title="Newer"))
        monkeypatch.setattr(result_files, "_sha256", sha256)
        return sha256(path)

    monkeypatch.setattr(result_files, "_sha256", replace_then_read)
    assert load_checked(path).attrs["title"] == "Newer"


def test_a_result_that_is_gone_or_cannot_be_changed_is_one_sentence(store, line_result):
    path = store.put(KEY, line_result)
    path.unlink()
    with pytest.raises(
        ResultError, match=r"result\.nc cannot be read \(No such file.*\); check the disk, or compute"
    ):
        load_checked(path)
    path.with_name("summary.json").unlink()
    path.with_name("summary.json").mkdir()
    with pytest.raises(
        StoreError, match=r"summary\.json cannot be written .*; choose a folder that you may write"
    ):
        store.put(KEY, line_result)


def test_the_list_is_newest_first_and_follows_the_files(store, line_result):
    for number, key in enumerate(["k1", "k2", "k3"]):
        os.utime(store.put(key, line_result), (number, number))
    assert [(result.key, result.title, result.study) for result in store.list()] == [
        (key, "A line", "line") for key in ("k3", "k2", "k1")
    ]
    store.put("k1", line_result.assign_attrs(title="Another"))
    store.delete("k2")
    store.delete("k9")
    assert [(result.key, result.title) for result in store.list()] == [("k1", "Another"), ("k3", "A line")]


def test_a_damaged_plan_is_none(store):
    assert store.plan(KEY) is None
    store.put_plan(KEY, {"a": 1})
    (store.home.result_folder(KEY) / "plan.json").write_text("{")
    assert store.plan(KEY) is None


def test_links_lead_to_the_key_with_digests(store):
    assert store.follow("k1") == "k1"
    store.link("k1", "k1")
    store.link("k1", "k2")
    assert (store.follow("k1"), store.follow("k2")) == ("k2", "k2")
    store.link("k2", "k1")
    assert store.follow("k1") in ("k1", "k2")  # a circle ends


def test_begin_sweeps_what_a_killed_process_left(store):
    store.put_chunk(KEY, 0, np.ones(2))
    folder = store.home.result_folder(KEY)
    old, young = folder / "chunks" / ".chunk-0001-x.npy.1.tmp", folder / ".result.nc.2.tmp"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    store.begin(KEY, "{}")
    assert not old.exists()
    assert young.exists()  # perhaps another process is writing it now


def test_the_catalogue_names_the_newest_place_that_still_exists(store, tmp_path):
    digest = "cd" * 32
    assert store.locate(digest) is None
    (tmp_path / "run").mkdir()
    (tmp_path / "w.safetensors").write_bytes(b"")
    for place in (f"{tmp_path}/run@690", f"{tmp_path}/w.safetensors", f"{tmp_path}/w.safetensors"):
        store.remember(digest, "checkpoint", place)
    assert store.locate(digest) == f"{tmp_path}/w.safetensors"
    (tmp_path / "w.safetensors").unlink()
    assert store.locate(digest) == f"{tmp_path}/run@690"
    store.remember("ef", "data", "digits")
    assert store.locate("ef") == "digits"


class _FullDisk:
    """Lets a number of writes, flushes and renames pass and fails the next ones as a full disk does."""

    def __init__(self, monkeypatch, allowed: int) -> None:
        self.left = allowed
        for owner, name in ((os, "fsync"), (Path, "write_bytes"), (Path, "replace"), (Path, "mkdir")):
            monkeypatch.setattr(owner, name, self._guard(getattr(owner, name), torn=name == "write_bytes"))

    def _guard(self, function, *, torn):
        def guarded(*args, **options):
            self.left -= 1
            if self.left < 0:
                if torn:
                    function(args[0], args[1][: len(args[1]) // 2])  # what a full disk leaves behind
                raise OSError(errno.ENOSPC, "No space left on device")
            return function(*args, **options)

        return guarded


def _work(store, line_result):
    store.begin(KEY, "{}")
    store.put_plan(KEY, {"order": [0, 1]})
    for chunk_id in range(2):
        if chunk_id not in store.chunks(KEY):
            store.put_chunk(KEY, chunk_id, np.full(100, float(chunk_id)))
    store.put(KEY, line_result)


def test_a_disk_that_fills_up_at_any_call_tears_nothing(store, line_result, tmp_path):
    refusals = []
    for allowed in range(100):
        fresh = Store(type(store.home)(tmp_path / f"home {allowed}"))
        with pytest.MonkeyPatch.context() as patch:
            _FullDisk(patch, allowed)
            refusal = _refusal(fresh, line_result)
        if refusal is None:
            break
        refusals.append(refusal)
        assert [name for name in _files(fresh) if name.endswith(".tmp")] == []
        for chunk_id, values in fresh.chunks(KEY).items():
            np.testing.assert_array_equal(values, np.full(100, float(chunk_id)))
        _work(fresh, line_result)
        xr.testing.assert_identical(fresh.load(KEY), line_result)
    assert len(refusals) > 20
    assert all("is full; free some space and resume, nothing computed is lost" in text for text in refusals)


def _refusal(store, line_result):
    try:
        _work(store, line_result)
    except StoreError as error:
        return str(error)
    return None
