"""What a terminal shows while work goes on, and how Ctrl-C stops it without losing any."""

import contextlib
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import TextIO

_REDRAW_SECONDS = 0.1
_BAR_WIDTH = 24
_CLEAR = "\r\x1b[K"


@dataclass
class Watch:
    """A progress bar on a terminal, silence elsewhere; and the wish to stop.

    Attributes:
        label: What is going on, in a few words.
        stream: Where the bar is drawn.
    """

    label: str
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    _stopping: bool = field(default=False, init=False)
    _first: tuple[int, float] | None = field(default=None, init=False)
    _drawn: float = field(default=float("-inf"), init=False)

    def progress(self, done: int, total: int, note: str) -> None:
        """Show how far the work is; the time left is measured from the first report on."""
        now = time.monotonic()
        self._first = self._first or (done, now)
        if not self.stream.isatty() or (done < total and now - self._drawn < _REDRAW_SECONDS):
            return
        self._drawn = now
        text = f"{self.label}  {bar(done, total)} {note}{self._time_left(done, total, now)}"
        # One column stays free: a full line would wrap in some terminals.
        self.stream.write(_CLEAR + text[: shutil.get_terminal_size().columns - 1])
        self.stream.flush()

    def stop(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self._stopping

    def ask_to_stop(self, _signal: int, _frame: FrameType | None) -> None:
        """Stop after the piece of work in hand; asked a second time, stop at once."""
        if self._stopping:
            raise KeyboardInterrupt
        self._stopping = True
        if self.stream.isatty():
            self.stream.write(f"{_CLEAR}{self.label}  stopping …")
            self.stream.flush()

    def close(self) -> None:
        """Take the bar away."""
        if self._drawn > float("-inf"):
            self.stream.write(_CLEAR)
            self.stream.flush()

    def _time_left(self, done: int, total: int, now: float) -> str:
        first_done, first_time = self._first or (done, now)
        if done <= first_done or done >= total:
            return ""
        seconds = (now - first_time) / (done - first_done) * (total - done)
        return f", {clock(seconds)} left"


@contextlib.contextmanager
def watching(label: str) -> Iterator[Watch]:
    """A watch for the length of a `with` block, in which Ctrl-C asks the work to stop between two pieces."""
    watch = Watch(label)
    before = signal.signal(signal.SIGINT, watch.ask_to_stop)
    try:
        yield watch
    finally:
        signal.signal(signal.SIGINT, before)
        watch.close()


def bar(done: int, total: int) -> str:
    """A bar, percentage and counts, such as `[######······]  50%  12 of 24`."""
    share = done / total if total else 0.0
    full = int(share * _BAR_WIDTH)
    return f"[{'#' * full}{'·' * (_BAR_WIDTH - full)}] {share:4.0%}  {done:,} of {total:,}"


def clock(seconds: float) -> str:
    """Seconds as minutes and seconds, or as hours and minutes."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 60}:{whole % 60:02d} min" if whole >= 60 else f"{whole} s"
