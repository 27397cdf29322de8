import pytest

from landscape.training import pacing
from landscape.training.pacing import Pacing


@pytest.fixture
def clock(monkeypatch):
    """Time that stands still until the test moves it."""

    class Clock:
        now = 100.0

        def monotonic(self) -> float:
            return self.now

    found = Clock()
    monkeypatch.setattr(pacing, "time", found)
    return found


def test_reports_come_ten_times_a_second_at_most(clock):
    pace = Pacing()
    reports = 0
    for _ in range(1000):
        clock.now += 0.001
        reports += pace.report_is_due()
    assert 9 <= reports <= 10  # one second; the last may miss it by rounding


def test_saves_come_every_few_seconds(clock):
    pace = Pacing()
    clock.now += pacing.SAVE_SECONDS - 0.01
    assert not pace.save_is_due()
    clock.now += 0.02
    assert pace.save_is_due()
    with pace.saving():
        clock.now += 0.001
    assert not pace.save_is_due()


def test_slow_saves_come_less_often(clock):
    pace = Pacing()
    with pace.saving():
        clock.now += 2.0
    clock.now += 39.9  # 2 seconds are a twentieth of 40
    assert not pace.save_is_due()
    clock.now += 0.2
    assert pace.save_is_due()
