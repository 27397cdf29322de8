import math

import pytest
import torch

from landscape.core.errors import RequestError
from landscape.core.requests import TrainRequest
from landscape.training.schedules import (
    checkpoint_label,
    checkpoint_steps,
    cycle_length,
    is_restart,
    learning_rate,
)
from tests import reference


def rates(request: TrainRequest, steps: int) -> list[float]:
    return [learning_rate(step, request, steps) for step in range(1, steps + 1)]


# alpha_0 = 0.2 and ten steps per cycle: the values of Huang et al. (2017), equation 2, to eight digits
@pytest.mark.parametrize(
    ("step", "expected"),
    [(1, 0.2), (2, 0.19510565), (3, 0.1809017), (6, 0.1), (10, 0.00489435), (11, 0.2)],
)
def test_snapshot_follows_equation_2(step, expected):
    request = TrainRequest(learning_rate=0.2, cycles=3)
    assert learning_rate(step, request, 30) == pytest.approx(expected, abs=5e-9)


@pytest.mark.parametrize(("steps", "cycles"), [(30, 3), (35, 5), (23, 1), (12, 12)])
def test_paper_phase_equals_its_twin(steps, cycles):
    request = TrainRequest(learning_rate=0.2, cycles=cycles, epochs=steps)
    assert rates(request, steps) == pytest.approx(reference.snapshot_rates(0.2, steps, cycles), abs=1e-12)


@pytest.mark.parametrize(("epochs", "batches", "cycles"), [(6, 7, 3), (10, 3, 2), (4, 5, 1)])
def test_reference_phase_equals_the_released_code(epochs, batches, cycles):
    request = TrainRequest(learning_rate=0.2, cycles=cycles, epochs=epochs, phase="reference")
    expected = reference.snapshot_rates_as_released(0.2, epochs, batches, cycles)
    assert rates(request, epochs * batches) == pytest.approx(expected, abs=1e-12)


def test_reference_phase_is_one_step_ahead_and_ends_at_zero():
    paper = rates(TrainRequest(learning_rate=0.2, cycles=3), 30)
    ahead = rates(TrainRequest(learning_rate=0.2, cycles=3, phase="reference"), 30)
    assert ahead[:9] == paper[1:10]
    assert ahead[:3] == pytest.approx([0.19510565, 0.1809017, 0.15877853], abs=5e-9)
    assert ahead[9] == ahead[19] == ahead[29] == 0.0
    assert max(ahead) < 0.2


def test_paper_phase_equals_torch_warm_restarts_stepped_per_iteration():
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=7)
    expected = []
    for _ in range(35):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates(TrainRequest(learning_rate=0.2, cycles=5, epochs=5), 35) == pytest.approx(
        expected, abs=1e-12
    )


def test_one_cycle_is_plain_cosine():
    expected = [0.05 * (1 + math.cos(math.pi * t / 11)) for t in range(11)]
    assert rates(TrainRequest(cycles=1, epochs=11), 11) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("steps", [1, 3, 4, 5, 23, 40, 101])
def test_standard_equals_its_twin(steps):
    request = TrainRequest(recipe="standard", learning_rate=0.3)
    assert rates(request, steps) == pytest.approx(reference.step_decay_rates(0.3, steps), abs=1e-12)


def test_standard_drops_after_half_and_three_quarters():
    values = rates(TrainRequest(recipe="standard", learning_rate=0.1), 40)
    assert values[19:21] == pytest.approx([0.1, 0.01], abs=1e-12)
    assert values[29:31] == pytest.approx([0.01, 0.001], abs=1e-12)


def test_standard_rate_does_not_depend_on_the_number_of_checkpoints():
    assert rates(TrainRequest(recipe="standard", cycles=1), 41) == rates(
        TrainRequest(recipe="standard", cycles=7), 41
    )


@pytest.mark.parametrize(
    ("epochs", "steps", "message"),
    [
        (10, 230, "10 epochs of 23 steps are 230. Use 6 or 12 epochs."),
        (3, 69, "3 epochs of 23 steps are 69. Use 6 epochs."),
        (5, 20, "5 epochs of 4 steps are 20. Use 3 or 6 epochs."),
        (60, 31, "31 do not divide. Use 30 or 36 steps."),
    ],
)
def test_cycles_that_do_not_divide_are_refused(epochs, steps, message):
    request = TrainRequest(cycles=6, epochs=epochs)
    with pytest.raises(RequestError, match="6 cycles need a number of steps divisible by 6; " + message):
        cycle_length(request, steps)


def test_what_the_sentence_offers_is_accepted():
    assert cycle_length(TrainRequest(cycles=6, epochs=12), 12 * 23) == 46
    assert cycle_length(TrainRequest(cycles=6, epochs=3), 3 * 4) == 2


def test_snapshots_are_taken_at_the_ends_of_cycles():
    request = TrainRequest(cycles=3, epochs=5)
    assert checkpoint_steps(request, 30) == (10, 20, 30)
    assert [step for step in range(1, 31) if is_restart(step, request, 30)] == [11, 21]


@pytest.mark.parametrize(("steps", "cycles"), [(30, 3), (23, 6), (7, 7), (100, 8)])
def test_standard_checkpoints_lie_at_equal_steps(steps, cycles):
    found = checkpoint_steps(TrainRequest(recipe="standard", cycles=cycles), steps)
    assert found[-1] == steps
    assert len(set(found)) == cycles
    # rounding moves each by half a step at most
    assert all(abs(step - (k + 1) * steps / cycles) <= 0.5 for k, step in enumerate(found))


def test_standard_has_no_restarts():
    assert not any(is_restart(step, TrainRequest(recipe="standard"), 60) for step in range(1, 61))


def test_more_checkpoints_than_steps_are_refused():
    with pytest.raises(RequestError, match="9 checkpoints do not fit into 4 steps; ask for at most 4"):
        checkpoint_steps(TrainRequest(cycles=9, recipe="standard"), 4)


def test_labels():
    snapshot = TrainRequest(cycles=2, epochs=4)
    standard = TrainRequest(cycles=2, epochs=4, recipe="standard")
    assert checkpoint_label(0, snapshot, 5) == "start"
    assert checkpoint_label(20, snapshot, 5) == "snapshot 2"
    assert checkpoint_label(10, standard, 5) == "epoch 2"
    assert checkpoint_label(7, standard, 5) == "step 7"


@pytest.mark.parametrize(("momentum", "expected"), [("keep", 0.2964), ("reset", 0.0986)])
def test_momentum_trap(momentum, expected):
    # L = x^2 / 2 from x = 1, momentum 0.9 without Nesterov, ten steps per cycle: torch multiplies the old buffer by
    # the new rate, so the eleventh step is three times the plain gradient step -0.2 x, which forgetting leaves.
    request = TrainRequest(learning_rate=0.2, cycles=2, restart_momentum=momentum)
    x = torch.nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
    optimizer = torch.optim.SGD([x], lr=1.0, momentum=0.9)
    before = 0.0
    for step in range(1, 12):
        if momentum == "reset" and is_restart(step, request, 20):
            optimizer.state.clear()
        optimizer.param_groups[0]["lr"] = learning_rate(step, request, 20)
        before = x.item()
        optimizer.zero_grad()
        (x**2 / 2).backward()
        optimizer.step()
    assert x.item() - before == pytest.approx(expected, abs=1e-4)
    if momentum == "reset":
        assert x.item() - before == pytest.approx(-0.2 * before, rel=1e-12)
