import time

import numpy as np
import pytest
import torch
from torch import nn

from landscape.networks import strategies
from landscape.networks.evaluator import Evaluator, Points
from landscape.networks.strategies import Strategy, fastest
from landscape.networks.tasks import Task
from tests.conftest import tiny_data


class Clock:
    """Time that passes only where somebody works."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.tried: list[int] = []
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)

    def evaluate(self, strategy: Strategy, count: int) -> np.ndarray:
        # seconds for each point: the batch size stands for them, in milliseconds
        self.tried.append(strategy.batch)
        self.now += strategy.batch / 1000 * count
        return np.zeros((count, 2, 2))


def options(*milliseconds: int) -> list[Strategy]:
    return [Strategy("contiguous", batch, 1) for batch in milliseconds]


def test_the_time_for_trying_ends_after_some_seconds(monkeypatch):
    clock = Clock(monkeypatch)
    assert fastest(options(900, 800, 10), clock.evaluate).batch == 900
    assert 800 not in clock.tried


def test_many_slow_points_are_worth_more_trying(monkeypatch):
    clock = Clock(monkeypatch)
    # 3 percent of 500 points of 0.9 seconds are 13.5 seconds
    assert fastest(options(900, 800, 10), clock.evaluate, points=500).batch == 10
    # but never more than the longest
    clock.tried.clear()
    assert fastest(options(9000, 8000, 7000), clock.evaluate, points=10**6).batch == 8000
    assert 7000 not in clock.tried


def test_options_are_measured_twice_and_oftener_where_much_work_waits(monkeypatch):
    clock = Clock(monkeypatch)
    fastest(options(10, 60), clock.evaluate)
    assert clock.tried.count(10) == 1 + 2
    assert clock.tried.count(60) == 1  # six times as slow as the first: hopeless at once
    clock.tried.clear()
    fastest(options(10, 25), clock.evaluate, points=4000)  # 0.2 percent of 40 seconds are 0.08
    assert clock.tried.count(10) == pytest.approx(1 + 0.08 / 0.01, abs=1)
    assert clock.tried.count(25) == pytest.approx(1 + strategies.LONGEST_MEASURING_SECONDS / 0.025, abs=1)


class Choosy(nn.Module):
    """Relies on the order of values in memory, or decides by the values of its inputs."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3)
        self.head = nn.Linear(4 * 3 * 5, 3)
        self.reason = reason

    def forward(self, inputs):
        hidden = self.first(inputs)
        if self.reason == "values" and hidden.sum() > 0:
            hidden = hidden + 0
        return self.head(hidden.view(len(hidden), -1) if self.reason == "order" else hidden.flatten(1))


@pytest.mark.parametrize(
    ("reason", "impossible"),
    [("order", Strategy("channels-last", 8, 1)), ("values", Strategy("contiguous", 0, 4))],
)
def test_what_the_network_cannot_take_is_passed_over(reason, impossible):
    task = Task("choosy", lambda: Choosy(reason), tiny_data())

    def evaluate(strategy: Strategy, count: int) -> np.ndarray:
        evaluator = Evaluator(task, recalibrate=False, device=torch.device("cpu"), strategy=strategy)
        theta = torch.linspace(-1, 1, evaluator.space.dimension)
        return evaluator.evaluate(Points(theta.expand(count, -1), {}))

    with pytest.raises(RuntimeError):
        evaluate(impossible, impossible.points)
    possible = Strategy("contiguous", 8, 1)
    assert fastest([impossible, possible], evaluate) == possible
