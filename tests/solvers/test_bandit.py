"""Bayes-adaptive bandits: values that are known, and plans by brute force."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commenv.solvers.bandit import decoders, plan

# Two arms, Beta(1, 1), undiscounted; H = 1, 2, 3 by hand: 1/2, 13/12, 5/3.
VALUES = [(1, 0.5), (2, 1.083333333333), (3, 1.666666666667), (5, 2.888888888889), (10, 6.021785714286), (20, 12.431264905859)]


@pytest.mark.parametrize(("pulls", "value"), VALUES)
def test_two_arms(pulls, value):
    assert plan([[1, 1], [1, 1]], pulls).value == pytest.approx(value, abs=5e-13)


def by_hand(beta, pulls, stake, W):
    """Every decoder, and for each a recursion over what was seen; no layers, no codes."""
    K = len(beta)

    def best(won, lost, left, decoder):
        means = [(beta[k][0] + won[k]) / (sum(beta[k]) + won[k] + lost[k]) for k in range(K)]
        if left == 0:
            return max(stake * sum(W[m][y] * means[decoder[y]] for y in range(len(W[m]))) for m in range(len(W)))
        tried = []
        for k in range(K):
            more = tuple(x + (j == k) for j, x in enumerate(won)), lost
            less = won, tuple(x + (j == k) for j, x in enumerate(lost))
            tried.append(means[k] * (1 + best(*more, left - 1, decoder)) + (1 - means[k]) * best(*less, left - 1, decoder))
        return max(tried)

    nothing = (0,) * K
    return max(best(nothing, nothing, pulls, decoder) for decoder in product(range(K), repeat=len(W[0])))


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0.5, 1.0, 2.0]), st.sampled_from([0.5, 1.0, 3.0])), min_size=2, max_size=3),
    st.integers(0, 2),
    st.sampled_from([0.0, 1.0, 4.0]),
    st.sampled_from([np.eye(1), np.eye(2), np.array([[0.9, 0.1], [0.1, 0.9]]), np.array([[0.7, 0, 0.3], [0, 0.7, 0.3]])]),
)
def test_every_plan_is_the_best(beta, pulls, stake, W):
    if W.shape[0] == W.shape[1] == 2 and W[0, 0] == 1 and len(beta) == 2:
        W = np.eye(2)  # as many messages as arms
    assert plan(beta, pulls, stake, W).value == pytest.approx(by_hand(beta, pulls, stake, W.tolist()), rel=1e-10)


def test_more_messages_are_never_worse_and_knowing_the_arm_is_best():
    beta = [[1, 1], [2, 2], [1, 2], [3, 1]]
    values = [plan(beta, 3, 5, np.eye(M)).value for M in (1, 2, 3, 4, 8)]
    assert values == sorted(values)
    assert values[3] == pytest.approx(values[4]) == pytest.approx(plan(beta, 3, 5).value)


def test_silence_explores_for_itself_alone():
    alone = plan([[1, 1], [1, 1]], 5).value
    assert plan([[1, 1], [1, 1]], 5, 7, np.ones((1, 1))).value == pytest.approx(alone + 3.5)


def test_arms_of_one_prior_are_told_apart_by_nothing():
    assert len(decoders(np.ones((6, 2)), np.eye(3))) == 1
    assert len(decoders(np.ones((4, 2)), np.array([[0.9, 0.1], [0.1, 0.9]]))) == 2
    assert len(decoders(np.array([[1, 1], [1, 1], [2, 1.0]]), np.eye(2))) == 2


@pytest.mark.parametrize(("arms", "pulls", "W"), [(8, 20, None), (10, 1, np.full((5, 5), 0.2))])
def test_what_is_too_large_says_so(arms, pulls, W):
    with pytest.raises(ValueError, match="more than"):
        plan(np.ones((arms, 2)), pulls, 1, W)
