"""Conformal sets: a bound that no joint violates, a coverage that no data avoid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commenv.solvers.conformal import best_query, calibrate, entropy_bound, prediction_sets, threshold


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 6))
def test_no_set_predictor_violates_the_bound(seed, x, y):
    rng = np.random.default_rng(seed)
    joint = rng.dirichlet(np.full(x * y, 0.3)).reshape(x, y)
    conditional, bound = entropy_bound(joint, rng.random((x, y)) < rng.random())
    assert conditional <= bound + 1e-9


def test_the_bound_is_met():
    """Uniform labels, a set of half of them: one bit says which half, one more which label."""
    assert entropy_bound(np.full((1, 4), 0.25), np.array([[1, 1, 0, 0]])) == pytest.approx((2.0, 2.0))
    assert entropy_bound(np.eye(3) / 3, np.eye(3)) == pytest.approx((0.0, 0.0))
    assert entropy_bound(np.full((1, 4), 0.25), np.ones((1, 4))) == pytest.approx((2.0, 2.0))
    with pytest.raises(ValueError, match="do not fit"):
        entropy_bound(np.eye(2) / 2, np.eye(3))


@given(st.integers(1, 40), st.sampled_from([0.05, 0.1, 0.25, 0.5]))
def test_a_new_score_is_covered_often_enough(n, alpha):
    """Exactly: of n + 1 exchangeable scores the last is equally likely to have any rank."""
    ranks = np.arange(n + 1)
    covered = np.mean([rank <= threshold(np.delete(ranks, rank), alpha) for rank in ranks])
    assert covered >= 1 - alpha - 1e-12
    assert covered <= 1 - alpha + 1 / (n + 1) + 1e-12 or n < 1 / alpha - 1


def test_thresholds():
    assert threshold([0.4, 0.1, 0.3, 0.2], 0.25) == 0.4
    assert threshold([0.4, 0.1, 0.3, 0.2], 0.5) == 0.3
    assert threshold([0.1] * 18, 0.05) == np.inf  # 18 < 1 / .05 - 1
    assert threshold([0.1] * 19, 0.05) == 0.1
    with pytest.raises(ValueError, match="alpha=0"):
        threshold([0.1], 0)


def test_sets():
    f = np.array([[0.7, 0.2, 0.1], [0.4, 0.35, 0.25]])
    assert prediction_sets(f, 0.65).tolist() == [[True, False, False], [True, True, False]]
    assert prediction_sets(f, 0.1).tolist() == [[True, False, False], [True, False, False]]  # none is likely enough
    assert prediction_sets(f, np.inf).all()


def test_calibration_covers_at_every_length():
    rng = np.random.default_rng(0)
    predicted = [rng.dirichlet(np.ones(5), 8_000) for _ in range(2)]
    truths = [(rng.random((len(f), 1)) > f.cumsum(1)).sum(1).clip(max=4) for f in predicted]
    half = 4_000
    for tau, f, y in zip(
        calibrate([f[:half] for f in predicted], [y[:half] for y in truths], 0.1), predicted, truths, strict=True
    ):
        covered = prediction_sets(f[half:], tau)[np.arange(half), y[half:]].mean()
        assert abs(covered - 0.9) < 4 * np.sqrt(2 * 0.09 / half)


def test_a_query_that_makes_sets_small():
    """Four labels: the first query tells nothing, the second halves them, the third names one of them."""
    truth = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]])
    likelihood = np.stack([1 - truth, truth], -1).astype(float)
    uniform = np.full((1, 4), 0.25)
    assert 0.75 * np.log2(3) > 1  # mean log2 of the sets' sizes: of one label and three, and of halves
    assert best_query(uniform, likelihood, 0.8).tolist() == [1]
