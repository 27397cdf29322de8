"""When a loop reports and when it saves. The clock never decides what is computed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

REPORT_SECONDS = 0.1
SAVE_SECONDS = 3.0  # ours: the work that a kill may cost
SAVE_SHARE = 0.05  # ours: saving takes about this share of the time at most, however large the network


class Pacing:
    """Reports at most every tenth of a second; saves every few seconds, less often where saving is slow."""

    def __init__(self) -> None:
        self._reported = self._saved = time.monotonic()
        self._pause = SAVE_SECONDS

    def report_is_due(self) -> bool:
        """Whether to report now; the next report is due a tenth of a second after a yes."""
        now = time.monotonic()
        if now - self._reported < REPORT_SECONDS:
            return False
        self._reported = now
        return True

    def save_is_due(self) -> bool:
        """Whether to save now."""
        return time.monotonic() - self._saved >= self._pause

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Measures what saving costs, and sets the next time by it."""
        start = time.monotonic()
        yield
        self._saved = time.monotonic()
        self._pause = max(SAVE_SECONDS, (self._saved - start) / SAVE_SHARE)
