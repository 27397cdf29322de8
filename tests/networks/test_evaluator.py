import numpy as np
import pytest
import torch
from torch import nn

from landscape.core.errors import RequestError
from landscape.networks.checkpoints import Checkpoint
from landscape.networks.evaluator import Evaluator, Points, choose_device
from landscape.networks.strategies import Strategy, candidates, fastest
from landscape.networks.tasks import Task
from tests import reference
from tests.conftest import PlainNet, TinyNet, tiny_checkpoint, tiny_data, tiny_task

CPU = torch.device("cpu")
STRATEGIES = [
    Strategy(),
    Strategy("channels-last", 8, 1),
    Strategy("contiguous", 5, 1),
    Strategy("contiguous", 0, 3),
    Strategy("contiguous", 8, 2),
]


def points_of(*checkpoints) -> Points:
    theta = torch.stack([checkpoint.theta for checkpoint in checkpoints])
    names = checkpoints[0].buffers
    return Points(theta, {name: torch.stack([c.buffers[name] for c in checkpoints]) for name in names})


def module_of(checkpoint, network=TinyNet) -> nn.Module:
    module = network()
    checkpoint.load_into(module)
    return module


@pytest.mark.parametrize("strategy", STRATEGIES, ids=str)
@pytest.mark.parametrize("recalibrate", [True, False])
@pytest.mark.parametrize("network", [TinyNet, PlainNet])
def test_values_equal_the_naive_twin(strategy, recalibrate, network):
    checkpoints = [tiny_checkpoint(seed, network) for seed in range(4)]
    task = tiny_task(network)
    evaluator = Evaluator(task, recalibrate=recalibrate, device=CPU, strategy=strategy)
    values = evaluator.evaluate(points_of(*checkpoints))
    assert values.shape == (4, 2, 2)
    for value, checkpoint in zip(values, checkpoints, strict=True):
        expected = reference.evaluate_point(
            module_of(checkpoint, network), task.data, recalibrate=recalibrate
        )
        # float32 against float64: rounding of a three-layer network
        np.testing.assert_allclose(value, expected, rtol=2e-5, atol=1e-6)


def test_recalibration_is_exact_in_float64():
    class Double(TinyNet):
        def forward(self, inputs):
            return super().forward(inputs.double())

    task = Task("double", lambda: Double().double(), tiny_data())
    checkpoint = tiny_checkpoint(3)
    points = points_of(checkpoint)
    points = Points(
        points.theta.double(),
        {n: b.double() if b.is_floating_point() else b for n, b in points.buffers.items()},
    )
    expected = reference.evaluate_point(module_of(checkpoint), task.data, recalibrate=True)
    for strategy in STRATEGIES[:4]:
        found = Evaluator(task, recalibrate=True, device=CPU, strategy=strategy).evaluate(points)
        np.testing.assert_allclose(found[0], expected, rtol=1e-12)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=str)
def test_a_point_has_the_same_bits_whatever_stands_beside_it(strategy):
    checkpoints = [tiny_checkpoint(seed) for seed in range(5)]
    evaluator = Evaluator(tiny_task(), recalibrate=True, device=CPU, strategy=strategy)
    together = evaluator.evaluate(points_of(*checkpoints))
    for number, checkpoint in enumerate(checkpoints):
        assert np.array_equal(evaluator.evaluate(points_of(checkpoint))[0], together[number])
    assert np.array_equal(evaluator.evaluate(points_of(*checkpoints)), together)


def test_evaluation_leaves_random_state_and_data_alone():
    task = tiny_task()
    before = torch.random.get_rng_state(), task.data.train.inputs.clone()
    Evaluator(task, recalibrate=True, device=CPU, strategy=Strategy()).evaluate(points_of(tiny_checkpoint(1)))
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert torch.equal(task.data.train.inputs, before[1])


class Fragile(TinyNet):
    """Raises where its second layer sees weights above 100."""

    def forward(self, inputs):
        hidden = self.norm(self.first(inputs))
        if self.second.weight.abs().max() > 100:
            raise FloatingPointError("weights too large")
        return self.head(torch.relu(self.shared_norm(self.second(hidden))).mean((2, 3)))


def test_a_network_that_raises_leaves_the_evaluator_and_the_users_module_as_they_were():
    mine = Fragile()
    state = {name: tensor.clone() for name, tensor in mine.state_dict().items()}
    mine.train()
    import copy

    task = Task("mine", lambda: copy.deepcopy(mine), tiny_data())
    evaluator = Evaluator(task, recalibrate=True, device=CPU, strategy=Strategy("contiguous", 8, 1))
    good = points_of(tiny_checkpoint(1))
    before = evaluator.evaluate(good)
    with pytest.raises(FloatingPointError):
        evaluator.evaluate(Points(good.theta * 1e4, good.buffers))
    assert np.array_equal(evaluator.evaluate(good), before)
    assert mine.training
    assert all(parameter.requires_grad for parameter in mine.parameters())
    assert all(torch.equal(tensor, state[name]) for name, tensor in mine.state_dict().items())


def test_waiting_batches_are_counted_at_the_widest_layer():
    # 5 channels of 5 x 7 floats for each of 37 examples, twice
    for strategy in (Strategy(), Strategy("channels-last", 8, 1)):
        evaluator = Evaluator(tiny_task(), recalibrate=True, device=CPU, strategy=strategy)
        assert evaluator.waiting_bytes() == 2 * 37 * 5 * 35 * 4
    assert Evaluator(tiny_task(), recalibrate=False, device=CPU, strategy=Strategy()).waiting_bytes() == 0


def test_a_batch_norm_of_ones_own_is_not_replaced():
    class Mine(nn.BatchNorm2d):
        def forward(self, inputs):
            return 2 * super().forward(inputs)

    class Net(TinyNet):
        def __init__(self):
            super().__init__()
            self.norm = Mine(5)

    with pytest.raises(RequestError, match="The layer 'norm' is a batch norm with a forward of its own"):
        Evaluator(tiny_task(Net), recalibrate=True, device=CPU, strategy=Strategy())
    checkpoint = tiny_checkpoint(1)
    values = Evaluator(tiny_task(Net), recalibrate=False, device=CPU, strategy=Strategy()).evaluate(
        points_of(checkpoint)
    )
    expected = reference.evaluate_point(module_of(checkpoint, Net), tiny_data(), recalibrate=False)
    np.testing.assert_allclose(values[0], expected, rtol=2e-5, atol=1e-6)


def test_a_layer_under_two_names_is_recalibrated_under_both():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.one = self.two = nn.BatchNorm2d(2)
            self.head = nn.Linear(2, 3)

        def forward(self, inputs):
            return self.head(self.two(torch.relu(self.one(inputs))).mean((2, 3)))

    module = Twice()
    with torch.no_grad():
        module.one.weight.uniform_(0.5, 2.0)
    checkpoint = Checkpoint.from_module(module)
    task = Task("twice", Twice, tiny_data())
    for strategy in STRATEGIES:
        values = Evaluator(task, recalibrate=True, device=CPU, strategy=strategy).evaluate(
            points_of(checkpoint)
        )
        expected = reference.evaluate_point(module, task.data, recalibrate=True)
        np.testing.assert_allclose(values[0], expected, rtol=2e-5, atol=1e-6)


def test_a_strategy_that_runs_out_of_memory_is_passed_over():
    def evaluate(strategy: Strategy, count: int) -> np.ndarray:
        if strategy.batch == 64:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return np.zeros((count, 2, 2))

    options = [Strategy("contiguous", 64, 1), Strategy("contiguous", 5, 1)]
    assert fastest(options, evaluate) == options[1]


def test_diverged_points_are_infinite_and_all_wrong():
    checkpoint = tiny_checkpoint(1, PlainNet)
    evaluator = Evaluator(tiny_task(PlainNet), recalibrate=False, device=CPU, strategy=Strategy())
    values = evaluator.evaluate(Points(torch.full_like(checkpoint.theta, torch.nan)[None], {}))
    assert np.array_equal(values, np.array([[[np.inf, 1.0]] * 2]))


def test_dropout_is_off():
    class Dropping(PlainNet):
        def forward(self, inputs):
            return super().forward(nn.functional.dropout(inputs, 0.5, self.training))

    evaluator = Evaluator(tiny_task(Dropping), recalibrate=True, device=CPU, strategy=Strategy())
    points = points_of(tiny_checkpoint(1, PlainNet))
    assert np.array_equal(evaluator.evaluate(points), evaluator.evaluate(points))


def test_losses_of_zero_and_below_are_kept():
    task = tiny_task(PlainNet)
    lowered = Task(
        "lowered", task.build, task.data, losses=lambda z, y: -(z.square().sum(1)) * 0 - 0.5 * (y == 0)
    )
    values = Evaluator(lowered, recalibrate=False, device=CPU, strategy=Strategy()).evaluate(
        points_of(tiny_checkpoint(1, PlainNet))
    )
    share = (task.data.train.targets == 0).double().mean().item()
    assert values[0, 0, 0] == pytest.approx(-0.5 * share, abs=1e-7)


def test_the_fastest_strategy_that_agrees_is_kept():
    import time

    def evaluate(strategy: Strategy, count: int) -> np.ndarray:
        time.sleep({0: 0.02, 64: 0.004, 128: 0.0, 256: 0.01}[strategy.batch])
        wrong = 1.0 if strategy.batch == 128 else 0.0  # quickest, but off
        return np.full((count, 2, 2), 2.0 + wrong)

    options = [Strategy("contiguous", batch, 1) for batch in (0, 256, 128, 64)]
    assert fastest(options, evaluate) == options[3]


def test_several_points_at_once_are_not_tried_on_slow_networks():
    import time

    tried = []

    def evaluate(strategy: Strategy, count: int) -> np.ndarray:
        tried.append(strategy.points)
        time.sleep(0.03)
        return np.zeros((count, 2, 2))

    fastest([Strategy("contiguous", 5, 1), Strategy("contiguous", 0, 8)], evaluate)
    assert set(tried) == {1}


def test_candidates_cover_layouts_and_several_points_for_small_networks():
    images = candidates(images=True, parameters=1000, device=CPU)
    assert {option.layout for option in images} == {"contiguous", "channels-last"}
    assert max(option.points for option in images) > 1
    assert all(option.points == 1 for option in candidates(images=True, parameters=10**7, device=CPU))


def test_cuda_without_a_device_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(
        RequestError, match="this machine has no usable CUDA device; use --device cpu or auto"
    ):
        choose_device("cuda")
    assert choose_device("auto").type == "cpu"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("recalibrate", [True, False])
def test_gpu_values_equal_cpu_values(recalibrate):
    points = points_of(*[tiny_checkpoint(seed) for seed in range(3)])
    cpu = Evaluator(tiny_task(), recalibrate=recalibrate, device=CPU, strategy=Strategy()).evaluate(points)
    for strategy in STRATEGIES:
        gpu = Evaluator(tiny_task(), recalibrate=recalibrate, device=torch.device("cuda"), strategy=strategy)
        np.testing.assert_allclose(gpu.evaluate(points), cpu, rtol=1e-4)
