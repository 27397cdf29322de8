"""A process that trains runs one after the other; see `side_by_side.py`.

`python -m landscape.training.member` reads one `Order` per line from standard input and answers on standard output with
lines of JSON: `progress`, then `done` or the name of an error with its text. When its input ends while it works, it
saves its state and ends: so it never outlives the process that started it.
"""

import contextlib
import json
import queue
import sys
import threading
import time
from pathlib import Path

import msgspec
import torch

from landscape.core.errors import DataError, LandscapeError
from landscape.core.requests import TrainRequest, request_from_json
from landscape.networks.datasets import load_data
from landscape.networks.evaluator import choose_device
from landscape.networks.tasks import Data
from landscape.training.alone import train_alone
from landscape.training.crew import Order
from landscape.training.ingredients import Ingredients
from landscape.training.runs import DataRecord

_REPORT_SECONDS = 0.2


def main() -> None:
    """Answer orders until there are no more."""
    orders: queue.Queue[Order | None] = queue.Queue()
    ended = threading.Event()
    threading.Thread(target=_read, args=(orders, ended), daemon=True).start()
    loaded: dict[str, Data] = {}
    while (order := orders.get()) is not None:
        try:
            _train(order, loaded, ended)
            _answer("done")
        except LandscapeError as error:
            _answer(type(error).__name__, text=str(error))


def _read(orders: "queue.Queue[Order | None]", ended: threading.Event) -> None:
    for line in sys.stdin:
        orders.put(msgspec.json.decode(line, type=Order))
    ended.set()
    orders.put(None)


def _train(order: Order, loaded: dict[str, Data], ended: threading.Event) -> None:
    if order.reference not in loaded:
        loaded[order.reference] = load_data(
            order.reference, cache=None if order.cache is None else Path(order.cache)
        )
    data = loaded[order.reference]
    if (data.digest, (len(data.train), len(data.test))) != (order.digest, order.examples):
        raise DataError(
            f"The data {order.reference!r} are not those with which this training began ({order.name}, digest "
            f"{order.digest[:12]}, {order.examples[0]:,} training examples); bring them back and start again."
        )
    torch.set_num_threads(order.threads)
    request = request_from_json(order.request)
    assert isinstance(request, TrainRequest)  # what side_by_side sends
    record = DataRecord(name=order.name, digest=order.digest, reference=order.reference)
    ingredients = Ingredients(data=data, device=choose_device(order.device))
    told = -_REPORT_SECONDS

    def progress(done: int, total: int, note: str) -> None:
        nonlocal told
        if time.monotonic() - told >= _REPORT_SECONDS or done == total:
            told = time.monotonic()
            _answer("progress", values=[done, total, note])

    train_alone(request, Path(order.folder), ingredients, record, progress, ended.is_set)


def _answer(kind: str, **facts: object) -> None:
    # Nobody listens any more where the process that started this one was killed; the end of the input says so, too.
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps({"kind": kind, **facts}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
