"""The sequential rate-distortion bound against closed forms and a Gaussian recursion, and quantisers against it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commenv.solvers.estimation import lloyd_max
from commenv.solvers.tracking import Zoom, distortions, needed_rate, sequential_distortion, zoom


def test_the_data_rate_theorem():
    assert [needed_rate(a) for a in (0.5, 1, 2, 4)] == [0, 0, 1, 2]
    assert sequential_distortion(1.0, 2.0) == np.inf
    assert sequential_distortion(1.01, 2.0) < np.inf
    growing = distortions(1.0, 2.0, 40)
    assert np.diff(growing) == pytest.approx(np.full(39, 0.25))  # at log2 |a| errors grow by 4**-R a step
    below = distortions(1.0, 3.0, 40)
    assert below[1:] / below[:-1] == pytest.approx(9 / 4, rel=0.5)
    assert below[-1] / below[-2] == pytest.approx(9 / 4)  # and below it geometrically


@given(st.floats(0.1, 6), st.floats(0, 1.5))
def test_step_by_step_comes_to_the_long_run(bits, gain):
    errors = distortions(bits, gain, 400)
    if gain**2 < 0.95 * 4.0**bits:
        assert errors[-1] == pytest.approx(sequential_distortion(bits, gain), rel=1e-6)
    assert (distortions(bits + 0.1, gain, 400) < errors).all()


@pytest.mark.parametrize("gain", [0.5, 1.0, 1.5])
def test_without_a_bit_the_bound_is_the_plants_variance(gain):
    variance = np.array([sum(gain ** (2 * k) for k in range(t + 1)) for t in range(12)])
    assert distortions(0, gain, 12) == pytest.approx(variance)


def test_one_step_is_lloyd_and_max():
    for bits in (1, 3):
        found = zoom(2**bits, 0.0, 1, 4097, 8.0)
        assert abs(found.error - lloyd_max(2**bits).error) <= 4 * found.standard_error


@pytest.mark.parametrize("gain", [0.9, 2.0])
def test_quantisers_lie_above_the_bound_and_come_to_panter_and_dite(gain):
    ratios = []
    for bits in (2, 4, 6):
        found = zoom(2**bits, gain, 16, 16_385, 32.0)
        bound = distortions(bits, gain, 16)
        assert (found.by_step > bound).all()
        ratios.append(found.error / bound.mean())
    assert ratios[-1] == pytest.approx(np.pi * np.sqrt(3) / 2, rel=0.05)  # of many levels; 2.72


def test_stable_above_the_needed_rate_and_not_at_it():
    """Numbers of 512 and more must be at hand: else one game in a million escapes for good."""
    above, at = zoom(4, 2.0, 24, 16_385, 512.0), zoom(2, 2.0, 24, 16_385, 512.0)
    assert above.by_step[-4:].mean() < 1.3 * above.by_step[4:8].mean()
    assert at.by_step[-1] > 10 * at.by_step[4]
    assert (at.by_step > distortions(1, 2.0, 24)).all()


def test_the_unit_grows_where_the_outermost_comes_again():
    z = Zoom(np.array([-1.0, 0.0, 1.0]), np.array([-1.5, -0.5, 0.5, 1.5]), np.array([0.3, 0.1, 0.1, 0.3]), 4.0)
    message, run = np.array([3, 0, 3, 1]), np.array([0, 1, 2, 5])
    expected = np.sqrt(1 + 2.0**2 * np.array([0.3, 1.2, 4.8, 0.1]) * 2.0**2)
    np.testing.assert_allclose(z.after(np.full(4, 2.0), message, run, 2.0), expected)


@pytest.mark.parametrize(("bits", "gain"), [(1, 1.2), (2, 2.0)])
def test_a_plant_that_has_escaped_is_caught(bits, gain):
    """From 10,000 standard deviations away, without noise."""
    z, unit, x, before, run = zoom(2**bits, gain, 16, 4097, 16.0).zoom, np.ones(1), np.full(1, 1e4), -1, np.zeros(1, int)
    for _ in range(60):
        message = np.searchsorted(z.thresholds, x / unit)
        run = np.where(message == before, run + 1, 0)
        x, unit, before = gain * (x - z.points[message] * unit), z.after(unit, message, run, gain), message
    assert abs(x[0]) < 10
