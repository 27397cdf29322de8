import numpy as np
import pytest
import torch
from torch import nn

from landscape.core.errors import RequestError
from landscape.core.requests import BATCH_NORM_POLICIES, LineRequest, PlaneRequest
from landscape.core.results import SCHEMAS
from landscape.networks.checkpoints import Checkpoint
from landscape.networks.evaluator import Evaluator
from landscape.networks.strategies import Strategy
from landscape.networks.tasks import Task
from landscape.studies.sweeps import Loaded, Sweep
from landscape.studies.table import STUDIES
from tests import reference
from tests.conftest import PlainNet, TinyNet, tiny_checkpoint, tiny_data, tiny_task

WEIGHT_DECAY = 3e-3


def loaded(request, checkpoints, task) -> Loaded:
    labels = tuple(checkpoint.label for checkpoint in checkpoints)
    return Loaded(
        request=request, checkpoints=checkpoints, labels=labels, task=task, weight_decay=WEIGHT_DECAY
    )


def evaluated(sweep: Sweep, chunk: int = 4):
    recalibrate = sweep.loaded.request.batch_norm == "recalibrate"
    evaluator = Evaluator(
        sweep.loaded.task,
        recalibrate=recalibrate,
        device=torch.device("cpu"),
        strategy=Strategy("contiguous", 8, 1),
    )
    values = np.full((len(sweep.coefficients), 2, 2), np.nan)
    for index in sweep.chunks(chunk):
        values[index] = evaluator.evaluate(sweep.points(index))
    return sweep.to_dataset(values)


def line_of(policy="recalibrate", network=TinyNet, points=5, start=-0.5, stop=1.25):
    checkpoints = (tiny_checkpoint(1, network), tiny_checkpoint(2, network))
    request = LineRequest(checkpoints=("1", "2"), batch_norm=policy, points=points, start=start, stop=stop)
    return STUDIES["line"](loaded(request, checkpoints, tiny_task(network)))


def plane_of(policy="recalibrate", network=TinyNet, columns=4, rows=3):
    checkpoints = tuple(tiny_checkpoint(seed, network) for seed in (1, 2, 3))
    request = PlaneRequest(
        checkpoints=("1", "2", "3"), batch_norm=policy, columns=columns, rows=rows, margin=0.3
    )
    return STUDIES["plane"](loaded(request, checkpoints, tiny_task(network)))


def expected_at(sweep: Sweep, coefficients) -> np.ndarray:
    policy = sweep.loaded.request.batch_norm
    module = reference.mixed_module(
        sweep.loaded.task.build,
        sweep.loaded.checkpoints,
        coefficients,
        buffers_of=None if policy == "interpolate" else 0,
    )
    return reference.evaluate_point(module, sweep.loaded.task.data, recalibrate=policy == "recalibrate")


@pytest.mark.parametrize("policy", BATCH_NORM_POLICIES)
def test_a_line_equals_its_naive_twin(policy):
    # Inside the segment: beyond it, interpolated variances may turn negative, which the next test looks at.
    sweep = line_of(policy, start=-0.1, stop=1.1)
    result = evaluated(sweep)
    for number, t in enumerate(np.linspace(-0.1, 1.1, 5)):
        nll, error = expected_at(sweep, [1 - t, t]).T
        np.testing.assert_allclose(result["nll"][:, number], nll, rtol=3e-5)
        np.testing.assert_allclose(result["error"][:, number], error, atol=1e-6)
        theta = (1 - t) * sweep.anchors[0] + t * sweep.anchors[1]
        penalty = 0.5 * WEIGHT_DECAY * float(theta.square().sum())
        np.testing.assert_allclose(result["loss"][:, number] - result["nll"][:, number], penalty, rtol=1e-9)
        np.testing.assert_allclose(result["norm"][number], theta.norm(), rtol=1e-12)
        np.testing.assert_allclose(
            result["distance"][number], t * (sweep.anchors[1] - sweep.anchors[0]).norm(), atol=1e-12
        )


def test_negative_interpolated_variances_are_shown_as_diverged():
    result = evaluated(line_of("interpolate", start=-30.0, stop=0.0, points=3))
    assert np.isinf(result["nll"].values[:, 0]).all()
    assert np.isfinite(result["nll"].values[:, -1]).all()


@pytest.mark.parametrize("policy", BATCH_NORM_POLICIES)
def test_a_plane_equals_its_naive_twin(policy):
    sweep = plane_of(policy)
    result = evaluated(sweep)
    assert result["nll"].shape == (2, 3, 4)  # split, beta, alpha
    a, b, c = (anchor for anchor in sweep.anchors)
    u = (b - a) / (b - a).norm()
    v = (c - a) - torch.dot(c - a, u) * u
    v = v / v.norm()
    anchors = torch.stack([a, b, c])
    for row, column in ((0, 0), (2, 1), (1, 3)):
        point = a + float(result["alpha"][column]) * u + float(result["beta"][row]) * v
        coefficients = torch.linalg.lstsq((anchors[1:] - a).T, (point - a)[:, None]).solution[:, 0]
        nll, error = expected_at(sweep, [1 - float(coefficients.sum()), *coefficients.tolist()]).T
        np.testing.assert_allclose(result["nll"].values[:, row, column], nll, rtol=3e-5)
        np.testing.assert_allclose(result["error"].values[:, row, column], error, atol=1e-6)


class Coordinates(nn.Module):
    """Outputs its own two weights, so that a loss can be a function of where it is."""

    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.zeros(2))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.place.expand(len(inputs), 2)


def test_rows_are_beta_and_columns_are_alpha():
    # loss = x + 10 y on a non-square grid: swapped, shifted or flattened axes cannot pass.
    def at(x: float, y: float) -> Checkpoint:
        module = Coordinates()
        with torch.no_grad():
            module.place.copy_(torch.tensor([x, y]))
        return Checkpoint.from_module(module)

    task = Task(
        "coordinates",
        Coordinates,
        tiny_data(),
        losses=lambda outputs, targets: outputs @ torch.tensor([1.0, 10.0]),
        errors=lambda outputs, targets: torch.zeros(len(outputs)),
    )
    origin = (3.0, -2.0)
    checkpoints = (at(*origin), at(7.0, -2.0), at(4.0, 1.0))
    request = PlaneRequest(checkpoints=("a", "b", "c"), columns=6, rows=4, margin=0.25)
    result = evaluated(STUDIES["plane"](loaded(request, checkpoints, task)))
    np.testing.assert_allclose(result["alpha"], np.linspace(-1, 5, 6), atol=1e-12)
    np.testing.assert_allclose(result["beta"], np.linspace(-0.75, 3.75, 4), atol=1e-12)
    alpha, beta = np.meshgrid(result["alpha"], result["beta"])
    expected = (origin[0] + alpha) + 10 * (origin[1] + beta)
    np.testing.assert_allclose(result["nll"].values[0], expected, atol=1e-5)
    np.testing.assert_allclose(result["checkpoint_alpha"], [0, 4, 1], atol=1e-12)
    np.testing.assert_allclose(result["checkpoint_beta"], [0, 0, 3], atol=1e-12)
    np.testing.assert_allclose(result["off_plane"], 0, atol=1e-12)


@pytest.mark.parametrize("policy", ["recalibrate", "interpolate"])
@pytest.mark.parametrize("make", [line_of, plane_of])
def test_the_self_check_is_exact(policy, make):
    result = evaluated(make(policy))
    for measure in ("nll", "loss", "error"):
        assert np.array_equal(result[f"own_{measure}"], result[f"rebuilt_{measure}"])


def test_the_first_point_and_the_last_of_a_line_equal_the_checkpoints_themselves():
    result = evaluated(line_of(start=0.0, stop=1.0))
    assert np.array_equal(result["nll"].values[:, [0, -1]], result["own_nll"].values)


def test_stored_statistics_are_those_of_the_first_checkpoint():
    result = evaluated(line_of("stored"))
    assert np.array_equal(result["own_nll"][:, 0], result["rebuilt_nll"][:, 0])
    assert not np.allclose(result["own_nll"][:, 1], result["rebuilt_nll"][:, 1])
    # each checkpoint's own value uses its own statistics
    second = line_of("stored").loaded.checkpoints[1]
    module = TinyNet()
    second.load_into(module)
    own = reference.evaluate_point(module, tiny_data(), recalibrate=False)[:, 0]
    np.testing.assert_allclose(result["own_nll"][:, 1], own, rtol=3e-5)


def test_policies_agree_where_there_is_no_batch_norm():
    results = [evaluated(line_of(policy, PlainNet)) for policy in BATCH_NORM_POLICIES]
    assert np.array_equal(results[0]["nll"], results[1]["nll"])
    assert np.array_equal(results[0]["nll"], results[2]["nll"])


@pytest.mark.parametrize("make", [line_of, plane_of])
def test_points_have_the_bits_of_the_plain_sum(make):
    sweep = make("interpolate")
    everything = sweep.points(np.arange(len(sweep.coefficients)))
    means = [checkpoint.buffers["norm.running_mean"].double() for checkpoint in sweep.loaded.checkpoints]
    for number, coefficients in enumerate(sweep.coefficients):
        theta, mean = (
            sum(c * each for c, each in zip(coefficients, values, strict=True))
            for values in (sweep.anchors, means)
        )
        assert torch.equal(everything.theta[number], theta.float())
        assert torch.equal(everything.buffers["norm.running_mean"][number], mean.float())


def test_integer_buffers_are_never_interpolated():
    sweep = line_of("interpolate")
    points = sweep.points(np.arange(len(sweep.coefficients)))
    assert points.buffers["norm.num_batches_tracked"].dtype == torch.int64


def test_reversing_a_line_reverses_its_values():
    sweep = line_of(start=0.0, stop=1.0)
    turned = loaded(sweep.loaded.request, sweep.loaded.checkpoints[::-1], sweep.loaded.task)
    forward, backward = evaluated(sweep), evaluated(STUDIES["line"](turned))
    # 1 - t is not exactly the mirror of t, so the points differ by rounding
    np.testing.assert_allclose(forward["nll"].values[:, ::-1], backward["nll"].values, rtol=1e-5)


def test_unevaluated_points_are_nan():
    sweep = plane_of()
    values = np.full((len(sweep.coefficients), 2, 2), np.nan)
    values[sweep.chunks(100)[1]] = 1.5
    result = sweep.to_dataset(values)
    assert np.isnan(result["own_nll"]).all()
    assert np.isfinite(result["nll"]).any()


def test_results_follow_the_schema():
    for make in (line_of, plane_of):
        result = evaluated(make())
        schema = SCHEMAS[make().loaded.request.study]
        assert {name: result[name].dims for name in schema.variables} == dict(schema.variables)


def test_quadratic_loss_along_a_line_is_a_parabola():
    # science.md 11.1: L(w* + a d) = L* + a^2 d'Hd / 2 for linear regression
    generator = torch.Generator().manual_seed(4)
    inputs = torch.randn(13, 3, dtype=torch.float64, generator=generator)
    hessian = (inputs.T @ inputs / 13).numpy()

    class Linear(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.zeros(3))

        def forward(self, x):
            return x.flatten(1)[:, :3].float() @ self.w[:, None]

    data = tiny_data()
    data.train.inputs[:13].flatten(1)[:, :3] = inputs.float()
    from dataclasses import replace

    from landscape.networks.tasks import Examples

    data = replace(data, train=Examples(data.train.inputs[:13], data.train.targets[:13]))
    task = Task(
        "linear",
        Linear,
        data,
        losses=lambda z, y: 0.5 * z[:, 0].square(),
        errors=lambda z, y: torch.zeros(len(z)),
    )

    def at(values) -> Checkpoint:
        module = Linear()
        with torch.no_grad():
            module.w.copy_(torch.tensor(values))
        return Checkpoint.from_module(module)

    direction = np.array([1.5, -0.25, 2.0])
    request = LineRequest(checkpoints=("a", "b"), points=7, start=-1.0, stop=2.0)
    result = evaluated(STUDIES["line"](loaded(request, (at([0.0] * 3), at(direction.tolist())), task)))
    t = np.linspace(-1, 2, 7)
    np.testing.assert_allclose(
        result["nll"][0], 0.5 * t**2 * (direction @ hessian @ direction), rtol=1e-5, atol=1e-7
    )


def test_identical_and_collinear_checkpoints_are_refused():
    one = tiny_checkpoint(1)
    request = LineRequest(checkpoints=("1", "1"))
    with pytest.raises(RequestError, match="identical weights"):
        STUDIES["line"](loaded(request, (one, one), tiny_task()))
    plane = PlaneRequest(checkpoints=("1", "1", "2"))
    with pytest.raises(RequestError, match="span no plane"):
        STUDIES["plane"](loaded(plane, (one, tiny_checkpoint(2), one), tiny_task()))
