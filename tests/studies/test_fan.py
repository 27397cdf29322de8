import numpy as np
import pytest
import torch

from landscape.core.errors import RequestError
from landscape.core.requests import BATCH_NORM_POLICIES, FanRequest, LineRequest
from landscape.core.results import SCHEMAS, check_result, self_check
from landscape.studies.sweeps import Loaded
from landscape.studies.table import STUDIES
from tests import reference
from tests.conftest import PlainNet, TinyNet, tiny_checkpoint, tiny_task
from tests.studies.test_sweeps import evaluated, loaded

# Two groups, of three and of two checkpoints: three lines.
GROUPS = ("a", "a", "a", "b", "b")
PAIRS = [(0, 2), (1, 2), (3, 4)]


def fan_of(policy="recalibrate", network=TinyNet, *, groups=GROUPS, points=5, start=-0.1, stop=1.1):
    checkpoints = tuple(tiny_checkpoint(seed, network) for seed in range(1, len(groups) + 1))
    request = FanRequest(
        checkpoints=tuple(map(str, range(len(groups)))),
        groups=groups if len(set(groups)) > 1 else (),
        batch_norm=policy,
        points=points,
        start=start,
        stop=stop,
    )
    return STUDIES["fan"](loaded(request, checkpoints, tiny_task(network)))


def line_of(sweep, pair, **options):
    checkpoints = tuple(sweep.loaded.checkpoints[k] for k in pair)
    request = LineRequest(checkpoints=("x", "y"), batch_norm=sweep.loaded.request.batch_norm, **options)
    return STUDIES["line"](loaded(request, checkpoints, sweep.loaded.task))


@pytest.mark.parametrize("policy", BATCH_NORM_POLICIES)
def test_each_pair_has_the_bits_of_its_line(policy):
    sweep = fan_of(policy)
    result = evaluated(sweep)
    assert list(zip(result["pair_first"].values, result["pair_last"].values, strict=True)) == PAIRS
    for number, pair in enumerate(PAIRS):
        line = evaluated(line_of(sweep, pair, points=5, start=-0.1, stop=1.1))
        for measure in ("nll", "error"):
            assert np.array_equal(result[measure].values[:, number], line[measure].values)
        for name in ("loss", "norm"):
            # their norms come from one product of all checkpoints, and from one of two
            np.testing.assert_allclose(result[name].values[..., number, :], line[name].values, rtol=1e-12)
        np.testing.assert_allclose(
            result["length"].values[number], line["distance"].values[-1] / 1.1, rtol=1e-12
        )
        assert np.array_equal(result["t"], line["t"])


@pytest.mark.parametrize("policy", BATCH_NORM_POLICIES)
def test_a_fan_equals_its_naive_twin(policy):
    sweep = fan_of(policy)
    result = evaluated(sweep)
    for number, (first, last) in enumerate(PAIRS):
        for column, t in ((1, 0.2), (3, 0.8)):
            coefficients = np.zeros(5)
            coefficients[[first, last]] = 1 - t, t
            module = reference.mixed_module(
                sweep.loaded.task.build,
                sweep.loaded.checkpoints,
                coefficients.tolist(),
                buffers_of=None if policy == "interpolate" else first,
            )
            nll, error = reference.evaluate_point(
                module, sweep.loaded.task.data, recalibrate=policy == "recalibrate"
            ).T
            np.testing.assert_allclose(result["nll"].values[:, number, column], nll, rtol=3e-5)
            np.testing.assert_allclose(result["error"].values[:, number, column], error, atol=1e-6)


@pytest.mark.parametrize("policy", ["recalibrate", "interpolate"])
def test_the_ends_of_each_line_and_the_rebuilt_places_are_the_checkpoints_themselves(policy):
    result = evaluated(fan_of(policy, start=0.0, stop=1.0))
    for number, (first, last) in enumerate(PAIRS):
        own = result["own_nll"].values
        assert np.array_equal(result["nll"].values[:, number, 0], own[:, first])
        assert np.array_equal(result["nll"].values[:, number, -1], own[:, last])
    assert np.array_equal(result["rebuilt_nll"], result["own_nll"])
    assert self_check(result) == 0


def test_stored_statistics_are_those_of_the_earlier_checkpoint_of_each_line():
    result = evaluated(fan_of("stored", start=0.0, stop=1.0))
    own, rebuilt, on_lines = (result[name].values for name in ("own_nll", "rebuilt_nll", "nll"))
    for number, (first, _) in enumerate(PAIRS):
        assert np.array_equal(on_lines[:, number, 0], own[:, first])
    assert np.array_equal(rebuilt[:, [0, 1, 3]], own[:, [0, 1, 3]])
    # the last of a group stands on several lines, and is rebuilt on the first of them
    assert np.array_equal(rebuilt[:, 2], on_lines[:, 0, -1])
    assert not np.allclose(rebuilt[:, 2], on_lines[:, 1, -1])
    assert not np.allclose(rebuilt[:, 2], own[:, 2])
    assert np.array_equal(rebuilt[:, 4], on_lines[:, 2, -1])


def test_one_group_needs_no_name():
    result = evaluated(fan_of(groups=("",) * 3, points=2))
    assert result["pair_first"].values.tolist() == [0, 1]
    assert result["pair_last"].values.tolist() == [2, 2]
    assert result["checkpoint_group"].values.tolist() == ["", "", ""]
    assert evaluated(fan_of(points=2))["checkpoint_group"].values.tolist() == list(GROUPS)


def test_the_coarse_points_of_all_lines_come_first():
    sweep = fan_of(points=9)
    order = np.concatenate(sweep.groups)
    assert sorted(order) == list(range(27))
    assert set(sweep.groups[0] % 9) == {0, 2, 4, 6, 8}
    assert set(sweep.groups[0] // 9) == {0, 1, 2}


@pytest.mark.parametrize("policy", BATCH_NORM_POLICIES)
def test_points_do_not_depend_on_the_points_beside_them(policy):
    sweep = fan_of(policy)
    everything = sweep.points(np.arange(len(sweep.coefficients)))
    for number in (0, 4, 6, 12, 19, 24):
        alone = sweep.points(np.array([number]))
        assert torch.equal(alone.theta[0], everything.theta[number])
        for name, buffer in alone.buffers.items():
            assert torch.equal(buffer[0], everything.buffers[name][number])


def test_results_follow_the_schema():
    result = evaluated(fan_of())
    assert {name: result[name].dims for name in SCHEMAS["fan"].variables} == dict(SCHEMAS["fan"].variables)
    with pytest.raises(Exception, match="provenance"):  # all that is missing here is what `compute` adds
        check_result(result.assign_attrs(study="fan"))


def test_a_pair_of_identical_checkpoints_is_refused():
    one, other = tiny_checkpoint(1, PlainNet), tiny_checkpoint(2, PlainNet)
    request = FanRequest(checkpoints=("x", "y", "z"))
    for checkpoints in ((other, one, one), (one, other, one)):
        wanted = Loaded(
            request=request,
            checkpoints=checkpoints,
            labels=("first", "second", "third"),
            task=tiny_task(PlainNet),
            weight_decay=0.0,
        )
        with pytest.raises(
            RequestError, match=r"and 'third' have identical weights, .*; leave one of the two out"
        ):
            STUDIES["fan"](wanted)
