import numpy as np
import pytest
import torch

from landscape.core.errors import RequestError
from landscape.geometry.paths import Segment
from landscape.geometry.planes import Plane


def three_points(dimension: int = 23) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(11)
    return tuple(3 + torch.randn(dimension, dtype=torch.float64, generator=generator) for _ in range(3))


def test_vertices_have_the_published_coordinates():
    a, b, c = three_points()
    plane = Plane.through(a, b, c)
    u = (b - a) / (b - a).norm()
    along = torch.dot(c - a, u)
    height = (c - a - along * u).norm()
    expected = np.array([[0, 0], [float((b - a).norm()), 0], [float(along), float(height)]])
    np.testing.assert_allclose(plane.vertices, expected, atol=1e-13)


def test_basis_is_orthonormal():
    plane = Plane.through(*three_points())
    gram = torch.stack([plane.u, plane.v]) @ torch.stack([plane.u, plane.v]).T
    torch.testing.assert_close(gram, torch.eye(2, dtype=torch.float64), atol=1e-14, rtol=0)


def test_point_and_project_are_inverse_on_the_plane():
    plane = Plane.through(*three_points())
    for alpha, beta in ((0.0, 0.0), (-1.7, 4.2), (6.0, 0.3)):
        found = plane.project(plane.point(alpha, beta))
        np.testing.assert_allclose(found, (alpha, beta, 0), atol=1e-12)


def test_projection_reports_the_distance_lost():
    a, b, c = three_points()
    plane = Plane.through(a, b, c)
    normal = torch.randn(23, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    normal -= torch.dot(normal, plane.u) * plane.u + torch.dot(normal, plane.v) * plane.v
    alpha, beta, lost = plane.project(plane.point(1.5, -0.5) + normal)
    np.testing.assert_allclose((alpha, beta, lost), (1.5, -0.5, float(normal.norm())), atol=1e-12)


def test_coefficients_rebuild_points_and_are_exact_at_the_vertices():
    a, b, c = three_points()
    plane = Plane.through(a, b, c)
    weights = plane.coefficients(np.array([1.5, -0.3]), np.array([-0.5, 2.0]))
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-15)
    rebuilt = torch.from_numpy(weights) @ torch.stack([a, b, c])
    torch.testing.assert_close(rebuilt[0], plane.point(1.5, -0.5), atol=1e-12, rtol=0)
    at_vertices = plane.coefficients(plane.vertices[:, 0], plane.vertices[:, 1])
    assert np.array_equal(at_vertices, np.eye(3))


def test_the_mean_of_three_checkpoints_lies_at_the_centroid():
    # Izmailov et al. (2018): the average lies in the plane of what it averages.
    points = three_points()
    plane = Plane.through(*points)
    alpha, beta, lost = plane.project(torch.stack(points).mean(0))
    np.testing.assert_allclose((alpha, beta), plane.vertices.mean(0), atol=1e-12)
    assert lost < 1e-12


def test_collinear_and_identical_points_are_refused():
    a, b, _ = three_points()
    with pytest.raises(
        RequestError, match="three checkpoints lie on one line, so they span no plane; draw the line"
    ):
        Plane.through(a, b, a + 0.3 * (b - a))
    # rounded to float32, as weights are, such points miss the line by about 1e-7 of their size
    with pytest.raises(RequestError, match="lie on one line"):
        Plane.through(a.float(), b.float(), (a + 1.7 * (b - a)).float())
    with pytest.raises(RequestError, match="Two of the three checkpoints have identical weights"):
        Plane.through(a, b, b.clone())


def test_segment_is_exact_at_both_ends_and_refuses_one_point():
    a, b, _ = three_points()
    segment = Segment.between(a, b)
    assert np.array_equal(segment.coefficients(np.array([0.0, 1.0])), np.eye(2))
    np.testing.assert_allclose(segment.coefficients(np.array([-0.5, 0.3])), [[1.5, -0.5], [0.7, 0.3]])
    assert segment.length == pytest.approx(float((b - a).norm()), rel=1e-15)
    with pytest.raises(
        RequestError, match="two checkpoints have identical weights, so no line passes through them"
    ):
        Segment.between(a, a.clone())
