"""Policies for sets that are drawn anew: their value against bounds, and against simpler rules."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from commenv.solvers.distributional_design import drawn, local_designs, mixed_softmax, softmax, value

SETS = 6_000


def alike(d, K):
    """Arms in uniformly random directions."""
    x = np.random.default_rng(d).normal(size=(SETS, K, d))
    return x / np.linalg.norm(x, axis=2, keepdims=True)


def rare(d, K):
    """One arm of every set shows a direction, each half as often as the one before; the others, which are longer, the first."""
    rng, x = np.random.default_rng(d), np.zeros((SETS, K, d))
    x[:, :, 0] = 1
    x[np.arange(SETS), rng.integers(K, size=SETS)] = 0.9 * np.eye(d)[np.minimum(rng.geometric(0.5, SETS) - 1, d - 1)]
    return x


LAWS = [(alike, 4, 10), (alike, 12, 8), (rare, 2, 5), (rare, 8, 10), (rare, 12, 20)]


@pytest.mark.parametrize(("law", "d", "K"), LAWS)
@pytest.mark.parametrize("ridge", [1e-2, 1e-5])
def test_the_value_is_bounded_and_below_that_of_simpler_rules(law, d, K, ridge):
    sets, rng = law(d, K), np.random.default_rng(0)
    left = np.ones((SETS, K), bool)
    policy = mixed_softmax(sets, left, ridge)
    assert policy.shares.sum() == pytest.approx(1)
    fresh = law(d, K)  # the law's own draws, which the policy has learned from; its choices are new
    found = value(fresh, left, policy.draw(fresh, left, rng), ridge)
    # Half a local design: x x' <= 2 r V(X) for each x of X, so that the mean of max x' V^-1 x is at most 2 * 2 d**2. Half a
    # softmax: while the determinant doubles, x' W^-1 x adds up to at most 1, and once more where it crosses; the softmax earns
    # a share 1 / e of the largest at least; what came later only adds.
    doublings = 1 + d * math.log2(1 + 1 / (d * ridge))
    assert found <= min(2 * d, math.sqrt(2 * 2 * math.e * doublings))
    assert found <= 2 * math.sqrt(d * (1 + math.log(d)))  # the order sqrt(d log d), whatever the ridge
    longest = (sets**2).sum(axis=2).argmax(axis=1)
    others = {
        "uniform": rng.integers(K, size=SETS),
        "most uncertain before anything is known": longest,
        "local designs": drawn(local_designs(sets, left), rng),
    }
    for chosen in others.values():
        assert found <= 1.02 * value(sets, left, chosen, ridge)
    if law is rare and d > 2:
        assert found < 0.7 * value(sets, left, others["uniform"], ridge)
        assert found < 0.6 * value(sets, left, longest, ridge)
        assert found < 0.96 * value(sets, left, others["local designs"], ridge)


def test_of_sets_that_are_all_the_same_the_value_is_that_of_the_best_design_but_for_its_constants():
    arms = np.random.default_rng(3).normal(size=(12, 5))
    sets, left = np.tile(arms / np.linalg.norm(arms, axis=1).max(), (SETS, 1, 1)), np.ones((SETS, 12), bool)
    policy = mixed_softmax(sets, left, 1e-4)
    found = value(sets, left, policy.draw(sets, left, np.random.default_rng(0)), 1e-4)
    assert 0.98 * math.sqrt(5) < found < math.sqrt(2) * math.sqrt(2) * math.sqrt(5)


@settings(max_examples=40, deadline=None)
@given(arrays(float, st.tuples(st.just(3), st.integers(1, 7), st.integers(1, 4)), elements=st.floats(-1, 1)), st.randoms())
def test_local_designs_are_within_a_factor_of_two(sets, random):
    sets = np.round(sets, 1)  # no direction is one only by rounding
    left = np.array([[random.random() < 0.6 for _ in range(sets.shape[1])] for _ in sets])
    left[:, 0] = True
    weights = local_designs(sets, left)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert (weights >= 0).all()
    assert not weights[~left].any()
    for x, w, may in zip(sets, weights, left, strict=True):
        V = np.linalg.pinv(x.T @ (w[:, None] * x), rcond=1e-10, hermitian=True)
        assert np.einsum("ki,ij,kj->k", x[may], V, x[may]).max() <= 2 * np.linalg.matrix_rank(x[may]) + 1e-6


def test_what_is_not_left_is_never_drawn_and_weights_are_kept():
    rng = np.random.default_rng(0)
    sets = alike(4, 6)
    left = rng.random((SETS, 6)) < 0.5
    left[:, 2] = True
    policy = mixed_softmax(sets, left, 1e-3)
    assert left[np.arange(SETS), policy.draw(sets, left, rng)].all()
    weights = np.array([0.5, 0.0, 0.3, 0.2])
    counts = np.bincount(drawn(np.tile(weights, (SETS, 1)), rng), minlength=4) / SETS
    assert (np.abs(counts - weights) <= 4 * np.sqrt(weights * (1 - weights) / SETS)).all()


def test_the_softmax_by_hand():
    sets = np.array([[[1.0, 0], [0, 1.0], [0.5, 0]]])
    weights = softmax(sets, np.ones((1, 3), bool), np.diag([1.0, 4.0]))
    power = np.array([1, 4, 0.25]) ** math.log(3)
    np.testing.assert_allclose(weights[0], power / power.sum())
