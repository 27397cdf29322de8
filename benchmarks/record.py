"""How a measurement is kept: numbers with their device, versions, commit and date.

Rules: warm-up is left out; the device is synchronised before the clock is read; what is compared runs in turn within
one process, so that a busy moment falls on all alike; medians with their spread, never the best of many.
"""

import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

import landscape

RECORDS = Path(__file__).parent / "records"


def write_record(name: str, rows: list[dict[str, Any]], *, device: str = "auto") -> Path:
    """Write `records/NAME-DEVICE.json`: the rows, and what they were measured on."""
    kind = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    record = {
        "name": name,
        "device": device_name(kind),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": [
            round(load, 1) for load in os.getloadavg()
        ],  # of the machine in the last 1, 5 and 15 minutes
        "versions": {
            "landscape": landscape.__version__,
            "torch": str(torch.__version__),
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "rows": rows,
    }
    RECORDS.mkdir(exist_ok=True)
    path = RECORDS / f"{name}-{kind}.json"
    path.write_text(json.dumps(record, indent=1) + "\n")
    return path


def device_name(kind: str) -> str:
    """The processor's or the GPU's own name."""
    if kind == "cuda":
        return torch.cuda.get_device_name()
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def commit() -> str:
    """The commit that was measured; with a plus sign if the package differs from it."""
    root = Path(__file__).parent.parent
    try:
        head = _git(root, "rev-parse", "HEAD")
        return head + ("+" if _git(root, "status", "--porcelain", "landscape") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def time_in_turn(
    ways: Mapping[str, Callable[[], None]], *, repeats: int, device: str = "cpu"
) -> dict[str, list[float]]:
    """Seconds of each way, `repeats` times in turn, after one round of warm-up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repeats + 1):
        for name, way in ways.items():
            _synchronise(device)
            start = time.perf_counter()
            way()
            _synchronise(device)
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def spread(values: list[float]) -> dict[str, float | int]:
    """Count, median, smallest and largest value."""
    return {"n": len(values), "median": median(values), "low": min(values), "high": max(values)}


def _synchronise(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
