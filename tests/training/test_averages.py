import numpy as np
import pytest
import torch

from landscape.training.averages import Average
from tests import reference


def vectors(count: int) -> list[np.ndarray]:
    return list(np.random.default_rng(3).normal(1.5, 2.0, size=(count, 7)))


def average(decay: float, given: list[np.ndarray]) -> np.ndarray:
    mean = Average(decay)
    for vector in given:
        mean.add(torch.from_numpy(vector))
    return mean.value.numpy()


@pytest.mark.parametrize("count", [1, 2, 41])
def test_decay_one_is_the_arithmetic_mean_in_any_order(count):
    given = vectors(count)
    np.testing.assert_allclose(average(1.0, given), np.mean(given, axis=0), rtol=0, atol=1e-12)
    np.testing.assert_allclose(average(1.0, given[::-1]), np.mean(given, axis=0), rtol=0, atol=1e-12)


@pytest.mark.parametrize("decay", [0.0, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("count", [1, 2, 41])
def test_other_decays_are_the_debiased_exponential_average(decay, count):
    given = vectors(count)
    np.testing.assert_allclose(
        average(decay, given), reference.exponential_average(given, decay), rtol=0, atol=1e-12
    )


def test_decay_zero_is_the_newest_and_one_vector_is_itself():
    given = vectors(5)
    np.testing.assert_allclose(average(0.0, given), given[-1], rtol=0, atol=1e-15)
    np.testing.assert_array_equal(average(0.7, given[:1]), given[0])


def test_gradient_descent_on_a_quadratic_has_the_closed_form_mean():
    # Constant rate: the mean error is (1/n) (rate H)^-1 (I - (I - rate H)^n) e_0.
    hessian = torch.tensor([[1.7, 0.4], [0.4, 0.9]], dtype=torch.float64)
    error, rate, count = torch.tensor([1.3, -0.6], dtype=torch.float64), 0.31, 17
    mean, current = Average(1.0), error.clone()
    for _ in range(count):
        mean.add(current)
        current = current - rate * hessian @ current
    step = torch.eye(2, dtype=torch.float64) - rate * hessian
    power = torch.linalg.matrix_power(step, count)
    expected = torch.linalg.solve(rate * hessian, (torch.eye(2, dtype=torch.float64) - power) @ error) / count
    torch.testing.assert_close(mean.value, expected, rtol=0, atol=1e-12)


def test_it_goes_on_where_it_was():
    given = vectors(9)
    first = Average(0.8)
    for vector in given[:4]:
        first.add(torch.from_numpy(vector))
    second = Average(0.8)
    second.restore(first.tensors(), torch.device("cpu"))
    for vector in given[4:]:
        second.add(torch.from_numpy(vector))
    np.testing.assert_array_equal(second.value.numpy(), average(0.8, given))


def test_what_is_added_is_not_kept_by_reference():
    vector = torch.ones(3, dtype=torch.float64)
    mean = Average(1.0)
    mean.add(vector)
    vector.fill_(5.0)
    assert mean.value.tolist() == [1.0, 1.0, 1.0]
