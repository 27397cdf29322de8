"""Trains in child processes that are killed with SIGKILL, then lets one finish; and once in peace, to compare.

Run by test_resume.py in a process of its own: `python -m tests.training.kill_repeatedly FOLDER KIND:NUMBER...`, one
for each kill: `step:N` dies before the N-th step that the child takes; `rename:N` dies when its N-th file is written
but not yet renamed; `after:SECONDS` is killed from outside, within so many seconds (`seed:N` says how the times are
drawn). All children are forks of this process, which has one thread and has not computed anything: importing torch is
paid once.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import torch

from landscape.core.requests import TrainRequest
from landscape.training import pacing
from landscape.training.trainer import train
from tests.conftest import tiny_data

# 45 steps take 1.8 seconds at least: longer than eight kills within 0.2 seconds each, so that every kill finds a child
# alive on the fastest machine.
SECONDS_PER_STEP = 0.04

REQUEST = TrainRequest(data="tiny", cycles=3, epochs=9, batch_size=8, augmentation="crop-flip")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def train_and_die(folder: Path, kind: str, count: int) -> None:
    asked = renamed = 0
    rename = Path.replace

    def stop() -> bool:
        nonlocal asked
        asked += 1
        if kind == "step" and asked == count:
            die()
        if kind == "after":
            time.sleep(SECONDS_PER_STEP)
        return False

    def counted_rename(self: Path, target: Path) -> Path:
        nonlocal renamed
        renamed += 1
        if kind == "rename" and renamed == count:
            die()
        return rename(self, target)

    Path.replace = counted_rename  # type: ignore[method-assign]
    train(REQUEST, folder, data=tiny_data(), device="cpu", stop=stop)


def train_in_child(folder: Path, kind: str, number: str) -> bool:
    """Whether the child was killed."""
    child = os.fork()
    if child == 0:
        train_and_die(folder, kind, int(number) if kind in ("step", "rename") else 0)
        os._exit(0)
    if kind == "after":
        time.sleep(random.random() * float(number))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        sys.exit("a child failed by itself")
    return os.WIFSIGNALED(status)


def main(folder: Path, kills: list[str]) -> None:
    torch.set_num_threads(1)
    torch.optim.SGD(
        [torch.zeros(1)]
    )  # the first optimiser of a process imports for seconds; the children inherit it
    # A save after every step: the more there is written, the more can be torn.
    pacing.SAVE_SECONDS, pacing.SAVE_SHARE = 0.0, float("inf")
    died = 0
    for kill in kills:
        kind, _, number = kill.partition(":")
        if kind == "seed":
            random.seed(int(number))
        else:
            died += train_in_child(folder / "killed", kind, number)
    train_in_child(folder / "killed", "none", "")
    train_in_child(folder / "whole", "none", "")
    sys.stdout.write(f"{died}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
