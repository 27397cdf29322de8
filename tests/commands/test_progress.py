import io
import os
import signal

import pytest

from landscape.commands import progress
from landscape.commands.progress import Watch, bar, clock, watching


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def now(monkeypatch):
    """A clock that the test moves."""
    time = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: time[0])
    monkeypatch.setattr(progress.shutil, "get_terminal_size", lambda: os.terminal_size((100, 24)))
    return time


def last_line(terminal: Terminal) -> str:
    return terminal.getvalue().rpartition("\r\x1b[K")[2]


def test_the_time_left_is_measured_from_the_first_report(now):
    terminal = Terminal()
    watch = Watch("plane", terminal)
    watch.progress(100, 200, "points")  # a hundred were there already
    assert last_line(terminal) == f"plane  {bar(100, 200)} points"
    now[0] = 10.0
    watch.progress(120, 200, "points")
    assert last_line(terminal) == f"plane  {bar(120, 200)} points, 40 s left"
    watch.progress(200, 200, "points")
    assert last_line(terminal) == f"plane  {bar(200, 200)} points"
    watch.close()
    assert last_line(terminal) == ""


def test_it_draws_at_most_ten_times_a_second_and_never_wraps(now, monkeypatch):
    monkeypatch.setattr(progress.shutil, "get_terminal_size", lambda: os.terminal_size((30, 24)))
    terminal = Terminal()
    watch = Watch("plane", terminal)
    for done in range(50):
        watch.progress(done, 99, "points")
    assert terminal.getvalue().count("\r") == 1
    assert len(last_line(terminal)) == 29


def test_nothing_is_written_where_nobody_watches(now):
    stream = io.StringIO()
    watch = Watch("plane", stream)
    watch.progress(1, 2, "points")
    watch.ask_to_stop(signal.SIGINT, None)
    watch.close()
    assert stream.getvalue() == ""


def test_an_interrupt_asks_to_stop_and_a_second_one_stops():
    before = signal.getsignal(signal.SIGINT)
    with watching("line") as watch:
        assert not watch.stop()
        signal.raise_signal(signal.SIGINT)
        assert watch.stop()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) == before


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1:00 min"),
        (61, "1:01 min"),
        (3599.7, "1 h 00 min"),
        (7260, "2 h 01 min"),
    ],
)
def test_times_are_as_people_say_them(seconds, words):
    assert clock(seconds) == words


def test_the_bar_shows_share_and_counts():
    assert bar(12, 24) == f"[{'#' * 12}{'·' * 12}]  50%  12 of 24"
    assert bar(0, 0).startswith(f"[{'·' * 24}]   0%")
