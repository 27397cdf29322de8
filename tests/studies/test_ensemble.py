from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from landscape.core.requests import EnsembleRequest
from landscape.core.results import QUALITIES, SCHEMAS
from landscape.networks.predictions import Predictions, Predictor
from landscape.studies.prediction_studies import calibration_error, mean_outputs, qualities, softmax_outputs
from landscape.studies.table import STUDIES
from tests import reference, reference_predictions
from tests.conftest import PlainNet, TinyNet, tiny_checkpoint, tiny_data, tiny_task
from tests.studies.test_sweeps import loaded

GROUPS = ("a", "a", "a", "b", "b")
BINS = 7


def random_predictions(seed: int, *, scale: float = 2.0) -> Predictions:
    generator = np.random.default_rng(seed)
    return Predictions(*(generator.normal(0, scale, (n, 3)).astype(np.float32) for n in (37, 11)))


def comparison_of(groups=GROUPS, networks=None, **options):
    networks = networks or [PlainNet] * len(groups)
    checkpoints = tuple(tiny_checkpoint(seed, network) for seed, network in enumerate(networks, start=1))
    request = EnsembleRequest(
        checkpoints=tuple(map(str, range(len(groups)))),
        groups=groups if len(set(groups)) > 1 else (),
        bins=BINS,
        **options,
    )
    tasks = tuple(tiny_task(network) for network in networks)
    return STUDIES["ensemble"](replace(loaded(request, checkpoints, tasks[0]), tasks=tasks))


def measured(predictions, **options):
    comparison = comparison_of(**options)
    return comparison.measure(predictions)


def expected(members, split) -> dict[str, float]:
    targets = tiny_data().split(split).targets.tolist()
    return reference_predictions.ensemble_quality([each.split(split) for each in members], targets, BINS)


@pytest.fixture(scope="module")
def seven():
    """Predictions of five members and of the two networks at the mean of the weights."""
    return [random_predictions(seed) for seed in range(7)]


@pytest.fixture(scope="module")
def result(seven):
    return measured(seven)


@pytest.mark.parametrize("split", ["train", "test"])
def test_every_ensemble_equals_its_naive_twin(seven, result, split):
    subsets = {
        ("last", "a"): [[2], [1, 2], [0, 1, 2]],
        ("first", "a"): [[0], [0, 1], [0, 1, 2]],
        ("last", "b"): [[4], [3, 4]],
        ("first", "b"): [[3], [3, 4]],
    }
    for (order, group), ensembles in subsets.items():
        for size, members in enumerate(ensembles, start=1):
            here = {"split": split, "order": order, "group": group, "size": size}
            for name, value in expected([seven[k] for k in members], split).items():
                assert float(result[name].sel(here)) == pytest.approx(value, rel=1e-12), (name, here)


@pytest.mark.parametrize("split", ["train", "test"])
def test_members_and_averages_equal_their_naive_twins(seven, result, split):
    for place in range(5):
        for name, value in expected([seven[place]], split).items():
            found = result[f"member_{name}"].sel(split=split).values[place]
            assert found == pytest.approx(value, rel=1e-12)
    for group, place in (("a", 5), ("b", 6)):
        for name, value in expected([seven[place]], split).items():
            found = float(result[f"average_{name}"].sel(split=split, group=group))
            assert found == pytest.approx(value, rel=1e-12)


def test_an_ensemble_of_one_is_that_member(result):
    for name in QUALITIES:
        for group, first, last in (("a", 0, 2), ("b", 3, 4)):
            one, member = result[name].sel(group=group, size=1), result[f"member_{name}"].values
            assert np.array_equal(one.sel(order="last"), member[:, last])
            assert np.array_equal(one.sel(order="first"), member[:, first])


def test_all_members_together_are_the_same_in_both_orders(result):
    for name in QUALITIES:
        for group, size in (("a", 3), ("b", 2)):
            whole = result[name].sel(group=group, size=size)
            assert np.array_equal(whole.sel(order="last"), whole.sel(order="first"))


def test_the_order_of_the_members_does_not_matter(seven):
    turned = measured([*seven[2::-1], *seven[3:]])
    whole = measured(seven)
    for name in QUALITIES:
        np.testing.assert_allclose(
            turned[name].sel(group="a", size=3), whole[name].sel(group="a", size=3), rtol=1e-12
        )
        # and the last of one order are the first of the other
        np.testing.assert_allclose(
            turned[name].sel(group="a", order="last"), whole[name].sel(group="a", order="first"), rtol=1e-12
        )


def test_jensen_the_ensemble_is_no_worse_than_its_members_on_average(result):
    members = result["member_nll"].values
    for group, size, places in (("a", 3, slice(0, 3)), ("b", 2, slice(3, 5))):
        whole = result["nll"].sel(group=group, size=size, order="last").values
        assert (whole < members[:, places].mean(1)).all()
        brier = result["brier"].sel(group=group, size=size, order="last").values
        assert (brier < result["member_brier"].values[:, places].mean(1)).all()


def test_sizes_beyond_a_group_are_not_evaluated(result):
    assert result["size"].values.tolist() == [1, 2, 3]
    for name in QUALITIES:
        assert np.isnan(result[name].sel(group="b", size=3)).all()
        assert np.isfinite(result[name].sel(group="a")).all()


def test_results_follow_the_schema(result):
    schema = SCHEMAS["ensemble"]
    assert {name: result[name].dims for name in schema.variables} == dict(schema.variables)
    assert result["checkpoint_group"].values.tolist() == list(GROUPS)
    assert result["order"].values.tolist() == ["last", "first"]


def test_epochs_come_from_the_checkpoints(seven):
    comparison = comparison_of()
    known = tuple(
        replace(each, metadata=type(each.metadata)(architecture="PlainNet", epoch=epoch))
        for each, epoch in zip(comparison.loaded.checkpoints, (2.5, None, 10.0, 5.0, 10.0), strict=True)
    )
    again = STUDIES["ensemble"](replace(comparison.loaded, checkpoints=known)).measure(seven)
    np.testing.assert_array_equal(again["epochs"], [2.5, np.nan, 10.0, 5.0, 10.0])


# The mean of the weights ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["stored", "recalibrate"])
def test_the_average_is_the_network_at_the_mean_of_the_weights_with_statistics_of_its_own(policy):
    comparison = comparison_of(("a",) * 3, [TinyNet] * 3, batch_norm=policy)
    assert [wanted.statistics for wanted in comparison.wanted] == [policy] * 3 + ["recalibrate"]
    device = torch.device("cpu")
    predictions = [
        Predictor(wanted.task, statistics=wanted.statistics, device=device).predict(wanted.checkpoint)
        for wanted in comparison.wanted
    ]
    result = comparison.measure(predictions)
    module = reference.mixed_module(TinyNet, comparison.loaded.checkpoints, [1 / 3] * 3, buffers_of=0)
    nll, error = reference.evaluate_point(module, tiny_data(), recalibrate=True).T
    np.testing.assert_allclose(result["average_nll"].values[:, 0], nll, rtol=3e-5)
    np.testing.assert_allclose(result["average_error"].values[:, 0], error, atol=1e-6)


def test_the_average_of_one_is_the_member_with_re_estimated_statistics():
    comparison = comparison_of(("a",), [TinyNet], batch_norm="recalibrate")
    member, average = comparison.wanted
    assert torch.equal(member.checkpoint.theta, average.checkpoint.theta)
    assert member.checkpoint.digest == average.checkpoint.digest  # so that it is computed once


def test_there_is_no_average_of_different_networks(seven):
    comparison = comparison_of(networks=[PlainNet, TinyNet, PlainNet, PlainNet, PlainNet])
    assert len(comparison.wanted) == 6
    assert [wanted.task.name for wanted in comparison.wanted] == ["PlainNet", "TinyNet", *["PlainNet"] * 4]
    result = comparison.measure(seven[:6])
    for name in QUALITIES:
        assert np.isnan(result[f"average_{name}"].sel(group="a")).all()
        assert np.isfinite(result[f"average_{name}"].sel(group="b")).all()
        assert np.isfinite(result[name].sel(group="a")).all()


def test_there_is_no_average_where_statistics_cannot_be_re_estimated():
    class Mine(nn.BatchNorm2d):
        def forward(self, inputs):
            return 2 * super().forward(inputs)

    class Net(TinyNet):
        def __init__(self):
            super().__init__()
            self.norm = Mine(5)

    comparison = comparison_of(("a",) * 2, [Net] * 2)
    assert len(comparison.wanted) == 2
    result = comparison.measure([random_predictions(1), random_predictions(2)])
    assert np.isnan(result["average_nll"]).all()


# Extremes ---------------------------------------------------------------------------------------------------------


def test_probabilities_too_small_for_a_float_have_a_finite_loss():
    logits = np.array([[0.0, 2000.0], [3000.0, 0.0]], dtype=np.float32)
    outputs = [softmax_outputs(logits, np.array([0, 0])), softmax_outputs(logits[::-1], np.array([0, 0]))]
    assert outputs[0].probabilities[0, 0] == 0
    (error, nll, _, brier) = qualities(outputs[:1], np.array([0, 0]), bins=15)[:, 0]
    assert (error, nll, brier) == (0.5, 1000.0, 1.0)
    both = mean_outputs(outputs)
    np.testing.assert_allclose(both.log_true, [-np.log(2), -np.log(2)], rtol=1e-15)
    alike = mean_outputs([outputs[0]] * 3)
    np.testing.assert_allclose(alike.log_true, [-2000, 0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("overflow", [np.inf, -np.inf, np.nan])
def test_a_network_that_overflows_is_wrong_there_and_its_losses_are_infinite(overflow):
    logits = np.array([[0.0, 1.0], [overflow, 0.0], [2.0, 0.0]], dtype=np.float32)
    targets = np.array([1, 0, 1])
    sound = softmax_outputs(np.zeros((3, 2), dtype=np.float32), targets)
    diverged = softmax_outputs(logits, targets)
    assert diverged.classes.tolist() == [1, -1, 0]
    for outputs in (diverged, mean_outputs([sound, diverged])):
        error, *rest = qualities([outputs], targets, bins=15)[:, 0]
        assert error == pytest.approx(2 / 3)
        assert rest == [np.inf] * 3


def test_calibration_error_of_a_table_worked_by_hand():
    # bins of a half: (0, 0.5] holds 0.5 and 0.4 (one right), (0.5, 1] holds 0.9, 0.8 and 1 (two right)
    confidence = np.array([0.5, 0.9, 0.4, 0.8, 1.0])
    right = np.array([True, True, False, False, True])
    expected = 2 / 5 * abs(1 / 2 - 0.9 / 2) + 3 / 5 * abs(2 / 3 - 2.7 / 3)
    assert calibration_error(confidence, right, 2) == pytest.approx(expected, rel=1e-12)
    assert calibration_error(confidence, right, 1) == pytest.approx(abs(3 / 5 - 3.6 / 5), rel=1e-12)


def test_a_calibrated_network_has_no_calibration_error():
    confidence = np.repeat([0.25, 0.75], 4)
    right = np.array([True, False, False, False, True, True, True, False])
    assert calibration_error(confidence, right, 2) == pytest.approx(0, abs=1e-15)
