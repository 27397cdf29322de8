"""How long a request will take, measured by a process of its own, so that this one never loads torch."""

import json
import subprocess
import sys
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

from landscape.core.requests import AnyRequest
from landscape.service.home import Home
from landscape.service.processes import child_environment

_PATIENCE_SECONDS = 180.0  # a large data set is decoded once, the first time
_KEPT = 64


@dataclass(frozen=True)
class Estimate:
    """What a request will cost: seconds, points, and images passed through the network at each point."""

    seconds: float
    points: int
    images: int


@dataclass(frozen=True)
class Refusal:
    """Why a request cannot be computed, as one sentence."""

    sentence: str


@dataclass(frozen=True)
class Unknown:
    """The time could not be measured, which says nothing about the request."""


Answer = Estimate | Refusal | Unknown


@dataclass
class Estimates:
    """Measurements by request key, one at a time; shared by all sessions, since they depend on nothing else."""

    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "estimate"))
    _found: "OrderedDict[tuple[str, str], Future[Answer]]" = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def find(self, request: AnyRequest, home: Home) -> Answer | None:
        """The estimate; None as long as it is being measured."""
        key = (str(home.path), request.key)
        with self._lock:
            future = self._found.get(key)
            if future is None or future.cancelled():
                self._make_room()
                future = self._found[key] = self._pool.submit(_measure, request.to_json(), str(home.path))
        return future.result() if future.done() and not future.cancelled() else None

    def forget(self, request: AnyRequest, home: Home) -> None:
        """Measure anew when asked next; for a refusal whose reason may have gone."""
        with self._lock:
            self._found.pop((str(home.path), request.key), None)

    def _make_room(self) -> None:
        for future in self._found.values():
            future.cancel()  # what has not begun belongs to a form that has changed since
        while len(self._found) >= _KEPT:
            self._found.popitem(last=False)


ESTIMATES = Estimates()


def _measure(request_json: str, home: str) -> Answer:
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "landscape.service.estimate", home],
            input=request_json.encode(),
            capture_output=True,
            timeout=_PATIENCE_SECONDS,
            env=child_environment({}),
            check=True,
        )
        answer = json.loads(ended.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return Unknown()
    if "error" in answer:
        return Refusal(str(answer["error"]))
    return Estimate(float(answer["seconds"]), int(answer["points"]), int(answer["images"]))
