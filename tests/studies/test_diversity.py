import numpy as np
import pytest

from landscape.core.requests import DiversityRequest
from landscape.core.results import CORRELATIONS, QUALITIES, SCHEMAS
from landscape.networks.predictions import Predictions
from landscape.studies import diversity as module_under_test
from landscape.studies.diversity import correlation, disagreement
from landscape.studies.prediction_studies import Outputs, softmax_outputs
from landscape.studies.table import STUDIES
from tests import reference_predictions
from tests.conftest import PlainNet, tiny_checkpoint, tiny_data, tiny_task
from tests.studies.test_ensemble import random_predictions
from tests.studies.test_sweeps import loaded

COUNT = 4


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(module_under_test, "BLOCK_EXAMPLES", 5)


def comparison_of(count=COUNT, groups=("a", "a", "b", "b")):
    checkpoints = tuple(tiny_checkpoint(seed, PlainNet) for seed in range(1, count + 1))
    request = DiversityRequest(checkpoints=tuple(map(str, range(count))), groups=groups)
    return STUDIES["diversity"](loaded(request, checkpoints, tiny_task(PlainNet)))


@pytest.fixture(scope="module")
def predictions() -> list[Predictions]:
    # related, so that correlations of both signs and of all sizes appear
    first = random_predictions(0)
    mixed = [(1.0, 0.0), (0.8, 0.6), (-0.7, 1.0), (0.1, 1.0)]
    others = [random_predictions(seed) for seed in range(COUNT)]
    return [
        Predictions(a * first.train + b * other.train, a * first.test + b * other.test)
        for (a, b), other in zip(mixed, others, strict=True)
    ]


@pytest.fixture(scope="module")
def result(predictions):
    return comparison_of().measure(predictions)


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("variant", CORRELATIONS)
def test_correlations_equal_their_naive_twin(predictions, result, split, variant):
    found = result["correlation"].sel(split=split, variant=variant).values
    each = [reference_predictions.softmax(p.split(split)) for p in predictions]
    for i in range(COUNT):
        for j in range(COUNT):
            expected = reference_predictions.correlation(each[i], each[j], variant)
            assert found[i, j] == pytest.approx(expected, rel=1e-12, abs=1e-14)


def test_correlations_are_symmetric_within_one_and_one_on_the_diagonal(result):
    found = result["correlation"].values
    assert np.array_equal(found, found.swapaxes(-1, -2))
    assert (np.diagonal(found, axis1=-2, axis2=-1) == 1.0).all()
    assert (np.abs(found) <= 1).all()
    assert len(np.unique(found[0, :, 0, 1])) == 3  # the variants differ


def test_the_mean_over_examples_and_classes_is_one_over_the_number_of_classes(predictions):
    for each in predictions:
        outputs = softmax_outputs(each.train, tiny_data().train.targets.numpy())
        np.testing.assert_allclose(outputs.probabilities.sum(1), 1, rtol=1e-14)
        assert outputs.probabilities.mean() == pytest.approx(1 / 3, rel=1e-14)


@pytest.mark.parametrize("variant", CORRELATIONS)
def test_a_network_correlates_fully_with_itself(predictions, variant):
    outputs = [softmax_outputs(predictions[0].train, tiny_data().train.targets.numpy())] * 2
    assert correlation(outputs, variant) == pytest.approx(np.ones((2, 2)), rel=1e-14)


def of(*probabilities) -> list[Outputs]:
    return [Outputs(np.array(p, dtype=float), np.zeros(len(p))) for p in probabilities]


def test_what_is_constant_is_left_out():
    p = [[0.2, 0.5, 0.3], [0.2, 0.1, 0.7], [0.2, 0.6, 0.2]]  # the first class is constant
    q = [[0.1, 0.5, 0.4], [0.6, 0.1, 0.3], [1 / 3, 1 / 3, 1 / 3]]  # the last example is
    both = of(p, q)
    for variant in CORRELATIONS:
        expected = reference_predictions.correlation(p, q, variant)
        assert correlation(both, variant)[0, 1] == pytest.approx(expected, rel=1e-12)
    kept = [reference_predictions.pearson([row[k] for row in p], [row[k] for row in q]) for k in (1, 2)]
    assert correlation(both, "per class")[0, 1] == pytest.approx(sum(kept) / 2, rel=1e-12)


def test_where_nothing_is_left_there_is_no_correlation():
    constant = [[0.25, 0.75]] * 3
    other = [[0.1, 0.9], [0.4, 0.6], [0.7, 0.3]]
    found = correlation(of(constant, other), "per class")
    np.testing.assert_array_equal(found, [[np.nan, np.nan], [np.nan, 1.0]])
    even = [[0.5, 0.5]] * 3
    for variant in CORRELATIONS:
        np.testing.assert_array_equal(
            correlation(of(even, other), variant), [[np.nan, np.nan], [np.nan, 1.0]]
        )


def test_tiny_probabilities_still_correlate():
    p = [[1e-200, 1.0], [2e-200, 1.0], [5e-200, 1.0]]
    q = [[3e-180, 1.0], [6e-180, 1.0], [15e-180, 1.0]]
    assert correlation(of(p, q), "per class")[0, 1] == pytest.approx(1, rel=1e-12)


def test_a_network_that_overflows_has_no_correlation():
    logits = np.array([[0.0, 1.0], [3.0, 0.0], [2.0, 0.5]], dtype=np.float32)
    overflown = logits.copy()
    overflown[1, 0] = np.inf
    targets = np.zeros(3, dtype=int)
    outputs = [softmax_outputs(logits, targets), softmax_outputs(overflown, targets)]
    for variant in ("per class", "flattened"):
        np.testing.assert_array_equal(correlation(outputs, variant), [[1, np.nan], [np.nan, np.nan]])
    assert disagreement(outputs).tolist() == [[0, 1 / 3], [1 / 3, 0]]


@pytest.mark.parametrize("split", ["train", "test"])
def test_disagreement_is_a_distance_that_bounds_the_difference_of_errors(predictions, result, split):
    found = result["disagreement"].sel(split=split).values
    errors = result["member_error"].sel(split=split).values
    for i in range(COUNT):
        for j in range(COUNT):
            expected = reference_predictions.disagreement(
                predictions[i].split(split), predictions[j].split(split)
            )
            assert found[i, j] == pytest.approx(expected, abs=1e-15)
            assert abs(errors[i] - errors[j]) <= found[i, j] + 1e-15
            assert found[i, j] <= errors[i] + errors[j] + 1e-15
            assert all(found[i, j] <= found[i, k] + found[k, j] + 1e-15 for k in range(COUNT))
    assert np.array_equal(found, found.T)
    assert (found.diagonal() == 0).all()
    assert found.max() > 0


def test_members_have_the_qualities_that_an_ensemble_study_gives_them(predictions, result):
    targets = tiny_data().test.targets.tolist()
    for place, each in enumerate(predictions):
        expected = reference_predictions.ensemble_quality([each.test], targets, 15)
        for name in QUALITIES:
            found = result[f"member_{name}"].sel(split="test").values[place]
            assert found == pytest.approx(expected[name], rel=1e-12)


def test_results_follow_the_schema(result):
    schema = SCHEMAS["diversity"]
    assert {name: result[name].dims for name in schema.variables} == dict(schema.variables)
    assert result["variant"].values.tolist() == list(CORRELATIONS)
    assert result["other"].values.tolist() == result["checkpoint"].values.tolist()
    assert result["checkpoint_group"].values.tolist() == ["a", "a", "b", "b"]


def test_each_checkpoint_is_asked_once_under_the_policy_of_the_request():
    comparison = comparison_of()
    assert [wanted.checkpoint for wanted in comparison.wanted] == list(comparison.loaded.checkpoints)
    assert {wanted.statistics for wanted in comparison.wanted} == {"stored"}
