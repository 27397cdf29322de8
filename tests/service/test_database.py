import sqlite3
import subprocess
import sys

import pytest

from landscape.core.errors import StoreError
from landscape.core.requests import LineRequest
from landscape.service import database
from landscape.service.database import durability, reading, transaction
from landscape.service.locks import locked


@pytest.mark.parametrize(
    ("version", "mode"),
    [
        ((3, 40, 1), "DELETE"), ((3, 44, 5), "DELETE"), ((3, 44, 6), "WAL"), ((3, 45, 1), "DELETE"),
        ((3, 50, 4), "DELETE"), ((3, 50, 7), "WAL"), ((3, 51, 2), "DELETE"), ((3, 51, 3), "WAL"), ((3, 53, 0), "WAL"),
    ],
)  # fmt: skip
def test_wal_only_where_the_reset_bug_is_fixed(version, mode):
    assert durability(version, local_disk=True) == (mode, "FULL" if mode == "WAL" else "EXTRA")
    assert durability(version, local_disk=False) == ("DELETE", "EXTRA")


def test_settings_of_a_connection(home):
    with reading(home) as connection:
        pragmas = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys", "user_version")
        }
    mode, _ = durability(sqlite3.sqlite_version_info, local_disk=True)
    assert pragmas == {
        "journal_mode": mode.lower(),
        "synchronous": 2 if mode == "WAL" else 3,
        "busy_timeout": 30_000,
        "foreign_keys": 1,
        "user_version": database.SCHEMA_VERSION,
    }


def _write_row(home, fail=None):
    with transaction(home) as connection:
        connection.execute("INSERT INTO results VALUES('k', 1, 2, 'line', 'title', NULL)")
        if fail:
            raise fail


def _count(home):
    with reading(home) as connection:
        return connection.execute("SELECT count(*) FROM results").fetchone()[0]


def test_an_exception_rolls_back(home):
    with pytest.raises(KeyError):
        _write_row(home, fail=KeyError)
    assert _count(home) == 0


@pytest.mark.parametrize("seen_before", [False, True])
@pytest.mark.parametrize("damage", [b"no database at all " * 300, b"\0" * 5000])
def test_a_damaged_file_is_moved_aside_and_built_anew(home, store, line_result, damage, seen_before):
    request = LineRequest(checkpoints=("a", "b"))
    store.put("k1", line_result)
    store.begin(request.key, request.to_json())
    _write_row(home)
    home.index.write_bytes(damage)
    if not seen_before:
        database._checked.clear()
    assert _count(home) == 0
    assert [path.read_bytes() for path in home.path.glob("index-damaged-*.sqlite")] == [damage]
    assert [result.key for result in store.list()] == ["k1"]
    with reading(home) as connection:
        rows = [tuple(row) for row in connection.execute("SELECT key, study, state FROM jobs")]
    assert rows == [(request.key, "line", "cancelled")]


def test_a_page_damaged_within_is_found_at_the_first_opening(home):
    with transaction(home) as connection:
        rows = [(f"key {i}", 1, 2, "line", "title" * 50, None) for i in range(500)]
        connection.executemany("INSERT INTO results VALUES(?, ?, ?, ?, ?, ?)", rows)
    content = bytearray(home.index.read_bytes())
    content[8 * 4096 : 12 * 4096] = b"\xff" * (4 * 4096)
    home.index.write_bytes(content)
    database._checked.clear()
    assert _count(home) == 0
    assert len(list(home.path.glob("index-damaged-*"))) == 1


def test_a_deleted_file_is_built_anew(home, store, line_result):
    store.put("k1", line_result)
    assert len(store.list()) == 1
    home.index.unlink()
    assert [result.key for result in store.list()] == ["k1"]


def test_a_newer_file_is_refused(home):
    _write_row(home)
    with sqlite3.connect(home.index) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="written by a newer version of landscape; update landscape"):
        _count(home)


def test_a_full_disk_is_one_sentence_and_keeps_what_was_committed(home):
    _write_row(home)
    with pytest.raises(
        StoreError, match=r"The disk that holds .* is full; free some space and resume"
    ) as caught:
        _fill_up(home)
    assert caught.value.full
    assert _count(home) == 1


def _fill_up(home):
    rows = [(str(number), "x" * 900) for number in range(50)]
    with transaction(home) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")  # SQLite then answers as on a full disk
        connection.executemany("INSERT INTO results VALUES(?, 1, 2, 'line', ?, NULL)", rows)


def test_a_held_file_is_one_sentence(home, monkeypatch):
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.05)
    _write_row(home)
    with (
        transaction(home),
        pytest.raises(StoreError, match="held by another program for too long; close other"),
        transaction(home),
    ):
        pass


@pytest.mark.parametrize("damaged", [False, True])
def test_nothing_is_checked_or_moved_under_a_process_that_checks(home, monkeypatch, damaged):
    _write_row(home)
    content = b"no database at all " * 300 if damaged else home.index.read_bytes()
    home.index.write_bytes(content)
    database._checked.clear()
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.05)
    with locked(home.path / "index.lock", patience=0) as held:
        assert held
        with pytest.raises(
            StoreError, match="held by another program for too long; close other landscape windows"
        ):
            _count(home)
    assert home.index.read_bytes() == content
    assert list(home.path.glob("index-damaged-*")) == []
    assert _count(home) == (0 if damaged else 1)


def test_several_processes_may_be_the_first(home):
    code = (
        "import sys; from pathlib import Path; from landscape.service.home import Home\n"
        "from landscape.service.database import transaction\n"
        "with transaction(Home(Path(sys.argv[1]))) as c:\n"
        "    c.execute(\"INSERT INTO results VALUES(?, 1, 2, 'line', '', NULL)\", (sys.argv[2],))"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(home.path), str(i)], stderr=subprocess.PIPE)
        for i in range(4)
    ]
    assert [child.communicate()[1].decode() for child in children] == [""] * 4
    assert _count(home) == 4
