"""Quantisers and the CEO's rate against the spec's vectors, closed forms, brute force and quadrature."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.stats import norm

from commenv.solvers.estimation import ceo_distortion, ceo_rate, grid_error, lloyd_max, on_grid, told

HALF = 0.5**0.5
GRID = np.linspace(-4, 4, 65)


# spec/games.md 8.3
@pytest.mark.parametrize(
    ("sensors", "distortion", "rate"), [(2, 1 / 3, 1.792481250), (3, 0.181818182, 4.229715809), (10, 0.171149812, 3.273334192)]
)
def test_the_rate_of_the_ceo(sensors, distortion, rate):
    assert ceo_rate(distortion, sensors, HALF) == pytest.approx(rate, abs=5e-8)


@pytest.mark.parametrize(("sensors", "own"), [(2, 0.5), (3, 1.0), (10, 0.2)])
def test_the_rate_of_the_ceo_is_the_gaussian_test_channels(sensors, own):
    """I(Y; U) of U = Y + Gaussian noise that tells `own` bits of a sensor's own noise: a ratio of determinants."""
    noise = 0.5
    added = noise / (4.0**own - 1)
    Y = np.ones((sensors, sensors)) + noise * np.eye(sensors)
    U = Y + added * np.eye(sensors)
    rate = 0.5 * (np.linalg.slogdet(U)[1] - sensors * np.log(added)) / np.log(2)
    distortion = 1 - np.ones(sensors) @ np.linalg.solve(U, np.ones(sensors))
    assert ceo_rate(distortion, sensors, HALF) == pytest.approx(rate, rel=1e-9)
    assert ceo_distortion(rate, sensors, HALF) == pytest.approx(distortion, rel=1e-9)


@pytest.mark.parametrize(
    ("sensors", "distortions"),
    [
        (1, (0.5, 0.375, 0.3359375)),
        (2, (0.475959179, 0.311651514, 0.223645591)),
        (4, (0.465104945, 0.284028685, 0.169925100)),
    ],
)
def test_the_distortion_of_the_ceo(sensors, distortions):
    assert [ceo_distortion(bits, sensors, HALF) for bits in (1, 2, 4)] == pytest.approx(distortions, abs=6e-10)


@given(st.floats(0.01, 12), st.integers(1, 12), st.floats(0.1, 3), st.floats(0.2, 5))
def test_the_rate_and_the_distortion_are_inverse(bits, sensors, noise, variance):
    found = ceo_distortion(bits, sensors, noise, variance)
    assert 1 / (1 / variance + sensors / noise**2) <= found <= variance
    assert found <= ceo_distortion(bits / 2, sensors, noise, variance)
    least = 1 / (1 / variance + sensors / noise**2)
    if found > least * (1 + 1e-4):  # nearer than that rates are differences of almost equal numbers
        assert ceo_rate(found, sensors, noise, variance) == pytest.approx(bits, rel=1e-6)


@pytest.mark.parametrize(
    ("bits", "error"), [(0, 1), (1, 0.363380228), (2, 0.117481848), (3, 0.034547761), (4, 0.009501008)]
)  # spec/games.md 8.3
def test_lloyd_and_max(bits, error):
    found = lloyd_max(2**bits)
    assert found.error == pytest.approx(error, abs=6e-10)
    assert found.error >= 4.0**-bits
    edges = np.concatenate([[-np.inf], found.thresholds, [np.inf]])
    for point, low, high in zip(found.points, edges[:-1], edges[1:], strict=True):
        mass = quad(norm.pdf, low, high)[0]
        assert point == pytest.approx(quad(lambda z: z * norm.pdf(z), low, high)[0] / mass, abs=1e-9)


def test_many_levels_come_to_panter_and_dite():
    assert lloyd_max(4096).error * 4096**2 == pytest.approx(np.sqrt(3) * np.pi / 2, rel=1e-3)


@pytest.mark.parametrize("scale", [1.0, 0.7])
def test_no_points_of_a_grid_are_better(scale):
    points = np.array([-2.0, -1.1, -0.6, 0.0, 0.3, 1.0, 1.2, 2.5])
    for levels in (1, 2, 3, 5, 8):
        error, chosen = on_grid(levels, points, scale)
        tried = {subset: grid_error(points[list(subset)], scale) for subset in combinations(range(8), levels)}
        assert error == pytest.approx(min(tried.values()))
        assert tried[tuple(chosen)] == pytest.approx(error)
    nearest = quad(lambda z: np.abs(points - scale * z).min() ** 2 * norm.pdf(z), -9, 9, limit=400, epsabs=1e-10)[0]
    assert grid_error(points, scale) == pytest.approx(nearest, abs=1e-8)


@pytest.mark.parametrize(("noise", "bits"), [(HALF, 1), (1.0, 2)])
def test_one_sensor_by_search_comes_to_the_exact_team(noise, bits):
    """A channel that is all but noiseless is searched; without noise the team is the best for E[X | Y]."""
    exact = told(1, noise, np.eye(2**bits), GRID)
    nearly = np.eye(2**bits) * (1 - 1e-9) + 1e-9 / 2**bits
    searched = told(1, noise, nearly, GRID)
    assert exact.exact
    assert not searched.exact
    assert exact.error - 1e-6 <= searched.error <= exact.error + 1e-3


def test_two_sensors_of_one_bit_against_all_thresholds():
    """The mean squared error of two thresholds and the best four numbers, by quadrature over X, minimised over both."""
    x = np.linspace(-8, 8, 401)
    weight = norm.pdf(x) / norm.pdf(x).sum()

    def error(thresholds):
        above = norm.sf(thresholds[:, None], loc=x, scale=HALF)
        tables = [np.stack([1 - share, share]) for share in above]
        joint = (tables[0][:, None] * tables[1][None]).reshape(4, -1) * weight
        return 1 - ((joint @ x) ** 2 / joint.sum(axis=1)).sum()

    best = min(minimize(error, begun, method="Nelder-Mead").fun for begun in ([0.0, 0.0], [-0.6, 0.6], [0.0, 1.0]))
    fine = np.linspace(-4, 4, 1025)
    assert told(2, HALF, np.eye(2), fine).error == pytest.approx(best, abs=1e-4)


def test_sensors_that_read_x_itself_say_digits():
    three, one = told(3, 0.0, np.eye(2), GRID), told(1, 0.0, np.eye(8), GRID)
    assert three.exact
    assert three.error == pytest.approx(one.error)


def test_more_bits_and_more_sensors_err_less():
    errors = [told(L, HALF, np.eye(2), GRID).error for L in (1, 2, 3, 4)]
    assert errors == sorted(errors, reverse=True)
    assert all(error > ceo_distortion(L, L, HALF) for L, error in enumerate(errors, 1))
    assert told(2, HALF, np.eye(4), GRID).error < errors[1] < told(2, HALF, [[0.8, 0.2], [0.2, 0.8]], GRID).error
