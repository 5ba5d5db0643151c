"""Codes of limited entropy and symbols that cost, against the vectors of spec/information.md 4.4 and 4.6."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from commenv.info import entropy, entropy_coded, information_at_cost, rate_reward

PRIOR6 = [0.25, 0.2, 0.15, 0.15, 0.15, 0.1]
TABLE6 = np.array(
    [[1, 0.2, 0, 0.5], [0.9, 0.1, 0.3, 0], [0, 1, 0.4, 0.2], [0.2, 0.7, 0.1, 0], [0.1, 0.3, 1, 0.6], [0, 0, 0.2, 1]]
)


@pytest.mark.parametrize(("bits", "reward"), [(0, 0.475), (0.5, 0.575), (1, 0.73), (1.2, 0.76), (1.5, 0.835), (3, 0.935)])
def test_best_code_of_so_much_entropy(bits, reward):
    entropies, values = entropy_coded(PRIOR6, TABLE6)
    assert values[entropies <= bits][-1] == pytest.approx(reward, abs=1e-9)


@given(arrays(np.int64, 4, elements=st.integers(0, 5)).filter(np.any), arrays(np.int64, (4, 3), elements=st.integers(-3, 5)))
def test_the_frontier_is_that_of_all_encoders(mass, table):
    p, r = mass / mass.sum(), table / 5
    entropies, values = entropy_coded(p, r)
    assert (np.diff(entropies) > 0).all()
    assert (np.diff(values) > 0).all()
    for encoder in map(np.array, product(range(4), repeat=4)):
        cells = [encoder == m for m in range(4)]
        bits, value = entropy([p[c].sum() for c in cells]), sum((p[c] @ r[c]).max() for c in cells)
        assert values[entropies <= bits + 1e-9][-1] >= value - 1e-9
    assert all(value <= rate_reward(p, r, bits).upper + 1e-9 for bits, value in zip(entropies, values, strict=True))


def test_too_many_states():
    with pytest.raises(ValueError, match="at most 10 states"):
        entropy_coded(np.full(11, 1 / 11), np.eye(11))


@pytest.mark.parametrize(
    ("costs", "budget", "bits"),
    [
        ([0, 1, 1], 0.5, 1.5),
        ([0, 1, 1], 0.1, 0.568995594),
        ([0] + [2] * 4, 0.5, 1.311278124),
        ([0] + [3] * 8, 1, 1.918295834),
        ([0, 1, 1, 2, 2, 2, 2], 1, 2.584962501),
        ([0, 1], 0, 0),
        ([2, 1, 1], 1, 1),
        ([0, 1, 2, 3], np.inf, 2),
    ],
)
def test_silence_informs(costs, budget, bits):
    assert information_at_cost(costs, budget) == pytest.approx(bits, abs=1e-9)


@given(arrays(np.int64, (2, 5), elements=st.integers(1, 9)))
def test_no_distribution_of_that_cost_has_more_entropy(drawn):
    costs, p = drawn[0] - drawn[0].min(), drawn[1] / drawn[1].sum()
    assert entropy(p) <= information_at_cost(costs, p @ costs) + 1e-9


@pytest.mark.parametrize(("costs", "budget"), [([0, -1], 1), ([1, 2], 0.5), ([], 1), ([0, np.inf], 1), ([0, 1], np.nan)])
def test_bad_costs(costs, budget):
    with pytest.raises(ValueError, match="must be"):
        information_at_cost(costs, budget)
