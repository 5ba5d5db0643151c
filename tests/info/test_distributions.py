"""What counts as a distribution, and what the refusal of anything else says."""

import numpy as np
import pytest

from commenv.info import distribution, stochastic


def test_rounding_is_forgiven():
    p = distribution([-1e-13, 0.5, 0.5 + 5e-10])
    assert p.min() == 0
    assert p.sum() == pytest.approx(1, abs=1e-15)
    assert p.dtype == np.float64


def test_the_caller_keeps_its_array():
    given = np.array([0.25, 0.75])
    distribution(given)[0] = 1
    stochastic(given[None])[0, 0] = 1
    assert given.tolist() == [0.25, 0.75]


@pytest.mark.parametrize(
    ("p", "says"),
    [
        ([0.5, 0.4], "sum to 1 .* got 0.9"),
        ([1.1, -0.1], "non-negative .* got -0.1"),
        ([0.5, np.nan], "finite, got nan"),
        ([np.inf, 0], "finite, got inf"),
        ([], r"shape \(0,\)"),
        ([[0.5, 0.5]], r"shape \(1, 2\)"),
        (1.0, r"shape \(\)"),
        ([0.5, 0.5 + 2e-9], "sum to 1"),
    ],
)
def test_refusals_of_a_distribution(p, says):
    with pytest.raises(ValueError, match=says):
        distribution(p)


@pytest.mark.parametrize(
    ("W", "says"),
    [
        ([[1, 0], [0.5, 0.4]], "row .* sum to 1 .* got 0.9"),
        ([[1, 0], [1.5, -0.5]], "row .* non-negative .* got -0.5"),
        ([0.5, 0.5], r"shape \(2,\)"),
        (np.empty((0, 3)), r"shape \(0, 3\)"),
    ],
)
def test_refusals_of_a_channel(W, says):
    with pytest.raises(ValueError, match=says):
        stochastic(W)
