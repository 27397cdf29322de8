"""Searches in child processes that are killed with SIGKILL, then lets one finish; and once in peace, to compare.

Run by test_searching.py in a process of its own: `python -m tests.service.kill_search FOLDER KIND:NUMBER...`, one for
each kill: `step:N` dies before the N-th step that the child trains; `rename:N` dies when its N-th file is written but
not yet renamed; `line:N` dies when half of its N-th line is in the journal of the trials. All children are forks of
this process, which has one thread and has not computed anything: importing torch is paid once.
"""

import importlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
from optuna.storages.journal import JournalFileBackend

from landscape.core.requests import SearchRequest
from landscape.service.home import Home
from landscape.service.searching import search
from landscape.training import side_by_side


def write_data(file: Path, test_seed: int = 1) -> str:
    """A small data set of 61 training examples in 3 classes with 7 features."""
    draw = np.random.default_rng(7)
    arrays: dict[str, np.ndarray] = {}
    for split, count, generator in (("train", 61, draw), ("test", 23, np.random.default_rng(test_seed))):
        labels = np.arange(count) % 3
        shift = 0.6 * labels[:, None] * np.arange(7)[None] / 7
        arrays[f"x_{split}"] = (generator.normal(size=(count, 7)) + shift).astype(np.float32)
        arrays[f"y_{split}"] = labels
    np.savez(file, **arrays)  # pyright: ignore[reportArgumentType]  # allow_pickle is no array
    return str(file)


def a_search(data: str, **fields: Any) -> SearchRequest:
    defaults = {"architecture": "mlp", "trials": 5, "stages": (1, 3), "epochs": 6, "keep": 2, "best": 2}
    return SearchRequest(**{"data": data, **defaults, "batch_size": 10, "seed": 4, **fields})


def search_quietly(request: SearchRequest, home: Home, **others: Any) -> Any:
    others = {"progress": lambda done, total, note: None, "stop": lambda: False, **others}
    return search(request, home, device="cpu", **others)


def in_turn() -> None:
    """No processes beside this one; how many there are changes no number (test_searching.py)."""
    side_by_side.default_workers = lambda jobs, ingredients: 1  # type: ignore[assignment]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def search_and_die(request: SearchRequest, home: Home, kind: str, count: int) -> None:
    counts: dict[str, int] = {"step": 0, "rename": 0, "line": 0}
    rename, append = Path.replace, JournalFileBackend.append_logs

    def reached(what: str) -> bool:
        counts[what] += 1
        return what == kind and counts[what] == count

    def stop() -> bool:
        if reached("step"):
            die()
        return False

    def counted_rename(self: Path, target: Path) -> Path:
        if reached("rename"):
            die()
        return rename(self, target)

    def counted_append(self: JournalFileBackend, logs: list[dict[str, Any]]) -> None:
        if reached("line"):
            line = json.dumps(logs[0])
            with (home.path / "searches" / request.key[:16] / "trials.log").open("a") as file:
                file.write(line[: len(line) // 2])
            die()
        append(self, logs)

    Path.replace = counted_rename  # type: ignore[method-assign]
    JournalFileBackend.append_logs = counted_append  # type: ignore[method-assign]
    search_quietly(request, home, stop=stop)


def in_child(request: SearchRequest, home: Home, kind: str, number: int) -> bool:
    """Whether the child was killed."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            in_turn()
            search_and_die(request, home, kind, number)
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) and os.waitstatus_to_exitcode(status):
        raise SystemExit(f"the child for {kind}:{number} failed")
    return os.WIFSIGNALED(status)


def main(folder: Path, kills: list[str]) -> None:
    # Optimisers import it when they are made: once here, in place of once in each child.
    importlib.import_module("torch._dynamo")
    request = a_search(write_data(folder / "points.npz"))
    killed, peaceful = Home(folder / "killed").ensure(), Home(folder / "peaceful").ensure()
    for kill in kills:
        kind, _, number = kill.partition(":")
        if not in_child(request, killed, kind, int(number)):
            raise SystemExit(f"{kill} killed nobody")
    for home in (killed, peaceful):
        in_child(request, home, "none", 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
