"""Slow computations in place of the real one, so that tests can kill what computes them.

`LineRequest.sample_seed` is milliseconds per point here; every point is a chunk of its own.
"""

import os
import signal
import time
from pathlib import Path

import numpy as np

from landscape.core.errors import DataError, StoppedError, StoreError
from landscape.core.files import write_bytes_atomically
from landscape.service.home import RESULT_FILE, Home
from landscape.service.store import Store


def value(index: int) -> float:
    return index**2 + 0.25


def compute(request, *, home, progress, stop):
    """Writes chunk after chunk, and in the end all of them in one file."""
    store = Store(Home(Path(home)))
    store.begin(request.key, request.to_json())
    kept = store.chunks(request.key)
    for index in range(request.points):
        if index in kept:
            continue
        if stop():
            raise StoppedError("Stopped; resuming goes on from here.")
        time.sleep(request.sample_seed / 1000)
        store.put_chunk(request.key, index, np.array([value(index)]))
        with (Path(home) / "computed.txt").open("a") as file:
            file.write(f"{index}\n")
        progress(len(store.chunks(request.key)), request.points, "line")
    values = [chunk[0] for chunk in store.chunks(request.key).values()]
    # The worker does not read the result, so plain numbers will do.
    write_bytes_atomically(store.home.result_folder(request.key) / RESULT_FILE, np.array(values).tobytes())


def refuse(request, *, home, progress, stop):
    raise DataError("There is no such data; choose another.")


def break_down(request, *, home, progress, stop):
    raise ZeroDivisionError("a secret detail")


def run_out_of_memory(request, *, home, progress, stop):
    raise RuntimeError(
        "[enforce fail at alloc_cpu.cpp] . DefaultCPUAllocator: can't allocate memory: you tried"
    )


class OutOfMemoryError(RuntimeError):
    """Named as torch's."""


def run_out_of_device_memory(request, *, home, progress, stop):
    raise OutOfMemoryError("Tried to allocate 20.00 GiB.")


def run_out_of_device_memory_in_words(request, *, home, progress, stop):
    raise RuntimeError("CUDA error: out of memory")


def fill_the_disk(request, *, home, progress, stop):
    if not (Path(home) / "space").exists():
        raise StoreError(
            "The disk that holds /x is full; free some space and resume, nothing computed is lost.",
            full=True,
        )
    return compute(request, home=home, progress=progress, stop=stop)


def die(request, *, home, progress, stop):
    with (Path(home) / "deaths.txt").open("a") as file:
        file.write("died\n")
    os.kill(os.getpid(), signal.SIGKILL)


def hang(request, *, home, progress, stop):
    """Neither asks whether to stop nor listens to SIGTERM, as a kernel that never returns."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    (Path(home) / "hanging").touch()
    time.sleep(600)


def look_around(request, *, home, progress, stop):
    names = ("OMP_NUM_THREADS", "TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
    lines = [str(Path.cwd()), str(os.nice(0)), *(str(os.environ.get(name)) for name in names)]
    (Path(home) / "seen.txt").write_text("\n".join(lines))
    return compute(request, home=home, progress=progress, stop=stop)
