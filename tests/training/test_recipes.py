import math
import warnings

import numpy as np
import pytest
import torch

from landscape.core.errors import RequestError
from landscape.core.requests import TrainRequest
from landscape.core.training_requests import RECIPES
from landscape.training.recipes import cycle_length, members, plan_of
from landscape.training.shapes import late_linear
from tests import reference


def request(recipe="snapshot", **fields) -> TrainRequest:
    return TrainRequest(**{"recipe": recipe, "learning_rate": 0.2, **fields})


def rates(asked: TrainRequest, steps_per_epoch: int) -> list[float]:
    return plan_of(asked, steps_per_epoch).rates.tolist()


def torch_rates(make, start: float, steps: int) -> list[float]:
    """The rates of a torch scheduler that is stepped after every update."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=start)
    schedule = make(optimizer)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of the order of its own two calls inside SequentialLR
        for _ in range(steps):
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
    return found


# Snapshot ensembles ----------------------------------------------------------------------------------------------


# alpha_0 = 0.2 and ten steps per cycle: the values of Huang et al. (2017), equation 2, to eight digits
@pytest.mark.parametrize(
    ("step", "expected"),
    [(1, 0.2), (2, 0.19510565), (3, 0.1809017), (6, 0.1), (10, 0.00489435), (11, 0.2)],
)
def test_snapshot_follows_equation_2(step, expected):
    assert rates(request(cycles=3, epochs=30), 1)[step - 1] == pytest.approx(expected, abs=5e-9)


@pytest.mark.parametrize(("steps", "cycles"), [(30, 3), (35, 5), (23, 1), (12, 12)])
def test_paper_phase_equals_its_twin(steps, cycles):
    found = rates(request(cycles=cycles, epochs=steps), 1)
    assert found == pytest.approx(reference.snapshot_rates(0.2, steps, cycles), abs=1e-12)


@pytest.mark.parametrize(("epochs", "batches", "cycles"), [(6, 7, 3), (10, 3, 2), (4, 5, 1)])
def test_reference_phase_equals_the_released_code(epochs, batches, cycles):
    found = rates(request(cycles=cycles, epochs=epochs, phase="reference"), batches)
    expected = reference.snapshot_rates_as_released(0.2, epochs, batches, cycles)
    assert found == pytest.approx(expected, abs=1e-12)


def test_reference_phase_is_one_step_ahead_and_ends_at_zero():
    paper = rates(request(cycles=3, epochs=30), 1)
    ahead = rates(request(cycles=3, epochs=30, phase="reference"), 1)
    assert ahead[:9] == paper[1:10]
    assert ahead[:3] == pytest.approx([0.19510565, 0.1809017, 0.15877853], abs=5e-9)
    assert ahead[9] == ahead[19] == ahead[29] == 0.0
    assert max(ahead) < 0.2


def test_paper_phase_equals_torch_warm_restarts_stepped_per_iteration():
    expected = torch_rates(
        lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=7), 0.2, 35
    )
    assert rates(request(cycles=5, epochs=35), 1) == pytest.approx(expected, abs=1e-12)


def test_one_cycle_is_plain_cosine():
    expected = [0.1 * (1 + math.cos(math.pi * t / 11)) for t in range(11)]
    assert rates(request(cycles=1, epochs=11), 1) == pytest.approx(expected, abs=1e-12)


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
    asked = TrainRequest(cycles=6, epochs=epochs)
    with pytest.raises(RequestError, match="6 cycles need a number of steps divisible by 6; " + message):
        cycle_length(asked, steps)


def test_what_the_sentence_offers_is_accepted():
    assert cycle_length(TrainRequest(cycles=6, epochs=12), 12 * 23) == 46
    assert cycle_length(TrainRequest(cycles=6, epochs=3), 3 * 4) == 2


def test_snapshots_are_taken_at_the_ends_of_cycles():
    plan = plan_of(request(cycles=3, epochs=5), 6)
    assert list(plan.kept) == [0, 10, 20, 30]
    assert [kept.label for kept in plan.kept.values()] == ["start", "snapshot 1", "snapshot 2", "snapshot 3"]
    assert plan.restarts == {11, 21}


# Standard, and the schedules that any recipe takes ---------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 3, 4, 5, 23, 40, 101])
def test_standard_equals_its_twin(steps):
    asked = request("standard", cycles=1, epochs=steps)
    assert rates(asked, 1) == pytest.approx(reference.step_decay_rates(0.2, steps), abs=1e-12)


def test_standard_drops_after_half_and_three_quarters():
    values = rates(request("standard", epochs=40, cycles=4), 1)
    assert values[19:21] == pytest.approx([0.2, 0.02], abs=1e-12)
    assert values[29:31] == pytest.approx([0.02, 0.002], abs=1e-12)


def test_nocycle_has_the_rates_of_a_single_run_whatever_it_keeps():
    assert rates(request("standard", cycles=1), 7) == rates(request("standard", cycles=6), 7)


@pytest.mark.parametrize(("steps", "cycles"), [(30, 3), (23, 6), (7, 7), (100, 8)])
def test_standard_checkpoints_lie_at_equal_steps(steps, cycles):
    start, *found = plan_of(request("standard", cycles=cycles, epochs=steps), 1).kept
    assert start == 0
    assert found[-1] == steps
    assert len(set(found)) == cycles
    # rounding moves each by half a step at most
    assert all(abs(step - (k + 1) * steps / cycles) <= 0.5 for k, step in enumerate(found))


def test_more_checkpoints_than_steps_are_refused():
    for recipe in ("standard", "snapshot"):
        with pytest.raises(RequestError, match="9 checkpoints do not fit into 4 steps; ask for at most 4"):
            plan_of(request(recipe, cycles=9, epochs=4), 1)


def test_labels_name_epochs_where_they_are_whole():
    labels = [kept.label for kept in plan_of(request("standard", cycles=2, epochs=3), 5).kept.values()]
    assert labels == ["start", "step 8", "epoch 3"]


def test_constant():
    assert rates(request("standard", schedule="constant", epochs=3, cycles=1), 3) == [0.2] * 9


def test_step_every_few_epochs_equals_torch():
    # half every five epochs, four steps per epoch
    asked = request("standard", schedule="step", drop_epochs=5, drop_factor=0.5, epochs=17, cycles=1)
    expected = torch_rates(
        lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, step_size=20, gamma=0.5), 0.2, 68
    )
    assert rates(asked, 4) == pytest.approx(expected, abs=1e-12)


def test_exponential_equals_torch_and_its_formula():
    asked = request("standard", schedule="exponential", decay=0.3, epochs=6, cycles=1)
    found = rates(asked, 5)
    gamma = math.exp(-0.3 / 5)
    expected = torch_rates(
        lambda optimizer: torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=gamma), 0.2, 30
    )
    assert found == pytest.approx(expected, abs=1e-12)
    assert found[10] == pytest.approx(0.2 * math.exp(-0.3 * 2), abs=1e-12)  # two epochs behind it


def test_inverse_time_equals_its_formula():
    found = rates(request("standard", schedule="inverse-time", decay=0.3, epochs=6, cycles=1), 5)
    assert found == pytest.approx([0.2 / (1 + 0.3 * taken / 5) for taken in range(30)], abs=1e-12)


def test_cosine_equals_torch():
    asked = request("standard", schedule="cosine", epochs=31, cycles=1)
    expected = torch_rates(
        lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=31), 0.2, 31
    )
    assert rates(asked, 1) == pytest.approx(expected, abs=1e-12)


# Garipov et al. (2018): 200 epochs at 0.1, epochs counted from 1
@pytest.mark.parametrize(
    ("epoch", "expected"), [(1, 0.1), (100, 0.1), (140, 0.0505), (180, 0.001), (200, 0.001)]
)
def test_late_linear_has_the_published_values(epoch, expected):
    assert 0.1 * late_linear(epoch / 200) == pytest.approx(expected, abs=1e-12)


def test_late_linear_equals_its_twin_per_epoch():
    found = rates(request("standard", schedule="late-linear", epochs=23, cycles=1), 3)
    expected = [reference.late_linear_rate(0.2, 0.002, epoch, 23) for epoch in range(23) for _ in range(3)]
    assert found == pytest.approx(expected, abs=1e-12)


def test_warm_up_equals_torch_in_front_of_any_schedule():
    for schedule in ("constant", "cosine", "step"):
        plain = rates(request("standard", schedule=schedule, epochs=8, cycles=1), 3)
        warm = rates(request("standard", schedule=schedule, epochs=8, cycles=1, warmup=2), 3)
        factors = torch_rates(
            lambda optimizer: torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=6),
            1.0,
            24,
        )
        assert warm == pytest.approx(np.multiply(plain, factors), abs=1e-12)
        assert warm[6:] == plain[6:]


def test_a_schedule_is_repeated_in_every_cycle():
    found = rates(request("snapshot", schedule="step", cycles=3, epochs=12), 2)
    assert found == pytest.approx(reference.step_decay_rates(0.2, 8) * 3, abs=1e-12)


# Warm restarts that grow -----------------------------------------------------------------------------------------


def test_sgdr_equals_torch_stepped_by_fractions_of_an_epoch():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2, T_mult=3)
    expected = []
    for step in range(26 * 5):
        schedule.step(step / 5)
        expected.append(optimizer.param_groups[0]["lr"])
    found = rates(request("sgdr", period=2, growth=3, epochs=26), 5)
    # torch finds the cycle by a logarithm of fractional epochs, whose rounding it passes on
    assert found == pytest.approx(expected, abs=1e-12)


def test_sgdr_keeps_the_end_of_every_cycle():
    plan = plan_of(request("sgdr", period=2, growth=3, epochs=26), 5)
    assert list(plan.kept) == [0, 10, 40, 130]
    assert plan.restarts == {11, 41}


@pytest.mark.parametrize(
    ("epochs", "ends"), [(60, [4, 12, 28, 60]), (14, [2, 6, 14]), (9, [3, 9]), (11, [11])]
)
def test_sgdr_fills_the_epochs_by_itself(epochs, ends):
    assert list(plan_of(request("sgdr", epochs=epochs), 1).kept)[1:] == ends


def test_sgdr_cycles_that_do_not_fill_the_epochs_are_refused():
    with pytest.raises(
        RequestError, match=r"Cycles of 10, 20, 40 epochs .* do not fill 60 epochs; use 30 or 70"
    ):
        plan_of(request("sgdr", period=10, epochs=60), 3)


# Fast geometric ensembling ---------------------------------------------------------------------------------------


# Four batches, cycles of two epochs, 0.05 and 0.01: what the paper's formula and the released code give
@pytest.mark.parametrize(
    ("phase", "expected"), [("paper", [0.04, 0.03, 0.02, 0.01]), ("reference", [0.05, 0.04, 0.03, 0.02])]
)
def test_fge_up_to_the_first_collection(phase, expected):
    asked = request("fge", start_from="x", epochs=2, period=2, high_rate=0.05, low_rate=0.01, phase=phase)
    assert rates(asked, 4) == pytest.approx(expected, abs=1e-12)


def test_fge_equals_its_twins():
    asked = {"start_from": "x", "epochs": 12, "period": 4, "high_rate": 0.05, "low_rate": 0.003}
    paper = plan_of(request("fge", **asked), 7)
    # Nothing is trained after the last collection, half a cycle before the end.
    assert paper.steps == 10 * 7
    assert paper.rates == pytest.approx(reference.fge_rates(0.05, 0.003, 70, 28), abs=1e-12)
    released = rates(request("fge", **asked, phase="reference"), 7)
    assert released == pytest.approx(reference.fge_rates_as_released(0.05, 0.003, 12, 7, 4)[:70], abs=1e-12)


def test_fge_is_collected_where_the_rate_is_lowest():
    plan = plan_of(request("fge", start_from="x", epochs=12, period=4, high_rate=0.05, low_rate=0.003), 7)
    assert list(plan.kept) == [0, 14, 42, 70]
    assert [kept.kind for kept in plan.kept.values()] == ["start", "snapshot", "snapshot", "snapshot"]
    assert plan.rates[[13, 41, 69]] == pytest.approx([0.003] * 3, abs=1e-15)
    assert np.argmin(plan.rates[:28]) == 13


def test_fge_with_equal_rates_is_constant():
    asked = request("fge", start_from="x", epochs=4, period=2, high_rate=0.03, low_rate=0.03)
    assert rates(asked, 5) == pytest.approx([0.03] * 15, abs=1e-15)


def test_fge_goes_on_with_standard_at_four_fifths():
    plan = plan_of(request("fge", epochs=40, learning_rate=0.1), 3)
    standard = rates(request("standard", epochs=40, learning_rate=0.1), 3)
    assert plan.rates[:96].tolist() == standard[:96]
    assert plan.kept[96].kind == "between"
    assert [step for step, kept in plan.kept.items() if kept.kind == "snapshot"] == [102, 114]
    # half and a tenth of the learning rate
    assert plan.rates[96:102].tolist() == pytest.approx(reference.fge_rates(0.05, 0.01, 6, 12), abs=1e-12)


def test_fge_cycles_that_do_not_fill_the_epochs_are_refused():
    with pytest.raises(
        RequestError, match=r"Cycles of 4 epochs do not fill the 6 epochs .* use 28 or 32 epochs"
    ):
        plan_of(request("fge", epochs=30, start_epoch=24), 5)
    with pytest.raises(RequestError, match="A cycle of 4 epochs does not fit into 3 epochs; use at least 4"):
        plan_of(request("fge", epochs=3), 5)


@pytest.mark.parametrize(
    ("epochs", "period", "start"),
    [(200, 4, 160), (60, 4, 48), (12, 2, 10), (12, 4, 8), (30, 4, 22), (4, 4, 0)],
)
def test_fge_begins_near_four_fifths_with_whole_cycles_left(epochs, period, start):
    plan = plan_of(request("fge", epochs=epochs, period=period), 3)
    first = min(step for step, kept in plan.kept.items() if kept.kind == "snapshot")
    assert first == 3 * start + 3 * period // 2


# Averaging -------------------------------------------------------------------------------------------------------


# 300 epochs, averaged from 161 on, 0.1 to 0.05: the values of the released code
@pytest.mark.parametrize(("epoch", "expected"), [(80, 0.1), (100, 0.0848602484472), (145, 0.05), (299, 0.05)])
def test_swa_has_the_rates_of_the_released_code(epoch, expected):
    plan = plan_of(request("swa", epochs=300, start_epoch=161, learning_rate=0.1), 2)
    assert plan.rates[2 * epoch] == plan.rates[2 * epoch + 1] == pytest.approx(expected, abs=1e-12)


def test_swa_of_the_released_code_averages_140_models():
    plan = plan_of(request("swa", epochs=300, start_epoch=161), 2)
    assert len(plan.averaged) == 140
    assert min(plan.averaged) == 322
    assert max(plan.averaged) == 600 == min(plan.average_kept)


def test_swa_equals_its_twin_in_both_phases():
    plan = plan_of(
        request("swa", epochs=19, start_epoch=10, period=3, high_rate=0.07, low_rate=0.02, cycles=3), 5
    )
    opening = [reference.late_linear_rate(0.2, 0.02, epoch, 10) for epoch in range(10) for _ in range(5)]
    expected = opening + reference.swa_rates(0.07, 0.02, 45, 15)
    assert plan.rates == pytest.approx(expected, abs=1e-12)
    assert sorted(plan.averaged) == [50, 65, 80, 95]
    assert plan.rates[[64, 79, 94]] == pytest.approx([0.02] * 3, abs=1e-12)


def test_swa_keeps_iterates_that_it_averages():
    plan = plan_of(request("swa", epochs=20, cycles=3), 4)
    kept = [step for step, kept in plan.kept.items() if kept.kind == "snapshot"]
    assert len(kept) == 3
    assert set(kept) <= plan.averaged
    few = plan_of(request("swa", epochs=12, period=3, cycles=6), 4)
    assert [step for step, kept in few.kept.items() if kept.kind == "snapshot"] == [48]


def test_swa_cycles_that_do_not_fill_the_epochs_are_refused():
    with pytest.raises(
        RequestError, match=r"Cycles of 3 epochs do not fill the 2 epochs .* after epoch 6; use 9"
    ):
        plan_of(request("swa", epochs=8, start_epoch=6, period=3), 4)
    # By itself it begins where whole cycles are left.
    assert sorted(plan_of(request("swa", epochs=20, period=6), 2).averaged) == [28, 40]


def test_swa_from_the_start_does_not_average_random_weights():
    assert sorted(plan_of(request("swa", epochs=4, start_epoch=0), 3).averaged) == [3, 6, 9, 12]
    assert sorted(plan_of(request("swa", epochs=4, start_from="x"), 3).averaged) == [0, 3, 6, 9, 12]


@pytest.mark.parametrize("recipe", ["fge", "swa"])
def test_a_second_phase_that_rises_where_it_should_fall_is_refused(recipe):
    with pytest.raises(
        RequestError, match=r"The low_rate 0.2 is above the high_rate 0.1; give a low_rate of at most"
    ):
        plan_of(request(recipe, high_rate=0.1, low_rate=0.2), 4)


def test_the_lowest_rate_of_fge_follows_the_highest():
    plan = plan_of(request("fge", start_from="x", epochs=4, high_rate=0.005), 3)
    assert plan.rates.min() == pytest.approx(0.001, abs=1e-15)
    assert plan.rates[-1] == plan.rates.min()


def test_ema_averages_every_step():
    plan = plan_of(request("ema", epochs=6, cycles=2), 4)
    assert plan.averaged == set(range(1, 25))
    assert plan.average_kept == {12, 24}
    assert plan.rates.tolist() == rates(request("standard", epochs=6, cycles=2), 4)


# Families --------------------------------------------------------------------------------------------------------


def test_the_members_of_a_family_are_runs_of_their_own():
    single = members(request("single-cycle", cycles=3, epochs=12, seed=2))
    assert [(m.recipe, m.cycles, m.epochs, m.seed) for m in single] == [
        ("snapshot", 1, 4, 3000),
        ("snapshot", 1, 4, 3001),
        ("snapshot", 1, 4, 3002),
    ]
    independent = members(request("independent", cycles=2, epochs=12))
    assert [(m.recipe, m.cycles, m.epochs, m.seed) for m in independent] == [
        ("standard", 1, 12, 1000),
        ("standard", 1, 12, 1001),
    ]


def test_single_cycle_has_the_budget_of_one_snapshot_run_and_its_rates():
    asked = {"cycles": 3, "epochs": 12}
    single, snapshot = (plan_of(request(name, **asked), 5) for name in ("single-cycle", "snapshot"))
    assert single.rates.tolist() == snapshot.rates.tolist()
    assert list(single.kept) == list(snapshot.kept)


def test_independent_spends_the_budget_of_each():
    plan = plan_of(request("independent", cycles=3, epochs=12), 5)
    assert plan.rates.tolist() == rates(request("standard", cycles=1, epochs=12), 5) * 3
    assert list(plan.kept) == [0, 60, 120, 180]


def test_epochs_that_do_not_divide_among_networks_are_refused():
    with pytest.raises(RequestError, match=r"5 networks share 12 epochs, .* use 10 or 15 epochs"):
        members(request("single-cycle", cycles=5, epochs=12))


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_plan_ends_with_a_kept_checkpoint_and_has_rates_within_bounds(recipe):
    plan = plan_of(request(recipe), 23)
    assert max(plan.kept) == plan.steps == len(plan.rates)
    assert plan.kept[0].kind == "start"
    assert ((plan.rates > 0) & (plan.rates <= 0.2)).all()
    assert max(plan.averaged, default=0) <= plan.steps
    assert plan.average_kept <= set(plan.kept)


@pytest.mark.parametrize(("momentum", "expected"), [("keep", 0.2964), ("reset", 0.0986)])
def test_momentum_trap(momentum, expected):
    # L = x^2 / 2 from x = 1, momentum 0.9 without Nesterov, ten steps per cycle: torch multiplies the old buffer by
    # the new rate, so the eleventh step is three times the plain gradient step -0.2 x, which forgetting leaves.
    plan = plan_of(request(cycles=2, epochs=20), 1)
    x = torch.nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
    optimizer = torch.optim.SGD([x], lr=1.0, momentum=0.9)
    before = 0.0
    for step in range(1, 12):
        if momentum == "reset" and step in plan.restarts:
            optimizer.state.clear()
        optimizer.param_groups[0]["lr"] = plan.rates[step - 1]
        before = x.item()
        optimizer.zero_grad()
        (x**2 / 2).backward()
        optimizer.step()
    assert x.item() - before == pytest.approx(expected, abs=1e-4)
    if momentum == "reset":
        assert x.item() - before == pytest.approx(-0.2 * before, rel=1e-12)
