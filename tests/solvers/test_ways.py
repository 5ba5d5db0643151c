"""Ways through deterministic processes: counted one by one, and the best of all teams by brute force."""

from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import commenv
from commenv.core.game import choose
from commenv.games import rules
from commenv.solvers.soft_value import Mdp, objective_bound
from commenv.solvers.ways import best_objective, ways

GRID = "coding/code_grid-v0"


def process(S, A, seed):
    rng = np.random.default_rng(seed)
    P = np.eye(S)[rng.integers(S, size=(S, A))]
    over = np.arange(S) == S - 1
    return Mdp(P, rng.integers(-2, 3, size=(S, A, S)) / 2.0, np.eye(S)[0], over, np.ones((S, A), bool))


def listed(mdp, horizon, discount):
    """Sum of rewards of every way, one by one."""
    found = []

    def go(t, s, value):
        if t == horizon or mdp.terminal[s]:
            found.append(value)
            return
        for a in range(mdp.transition.shape[1]):
            after = int(mdp.transition[s, a].argmax())
            go(t + 1, after, value + discount ** (t + 1) * mdp.reward[s, a, after])

    go(0, 0, 0.0)
    return np.array(found)


@settings(max_examples=40)
@given(st.integers(2, 4), st.integers(2, 3), st.integers(0, 10_000), st.sampled_from([1.0, 0.9]))
def test_ways_are_those_that_are_walked(S, A, seed, discount):
    mdp = process(S, A, seed)
    all_ways = listed(mdp, 4, discount)
    found = ways(mdp, 4, np.inf, discount)
    np.testing.assert_allclose(np.repeat(list(found), list(found.values())), np.sort(all_ways)[::-1], atol=1e-8)
    near = ways(mdp, 4, 0.75, discount)
    assert sum(near.values()) == (all_ways >= all_ways.max() - 0.75 - 1e-9).sum()


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from([0.3, 1.0, 2.5]), st.booleans())
def test_no_team_does_better_and_one_does_as_well(seed, zeta, uniform):
    """Every receiver, a name for each way; the sender's best answer to each."""
    rng = np.random.default_rng(seed)
    mdp, prior = process(3, 2, seed), np.full(3, 1 / 3) if uniform else rng.dirichlet(np.ones(3))
    earned = listed(mdp, 2, 1.0)
    best = max(
        sum(p * (earned + zeta * (np.array(names) == m)).max() for m, p in enumerate(prior))
        for names in product(range(3), repeat=len(earned))
    )
    found = best_objective(mdp, prior, zeta, 2)
    assert found == pytest.approx(best, abs=1e-9)
    assert found <= objective_bound(mdp, prior, zeta, 2) + 1e-6


def test_ways_of_the_grid():
    found = ways(choose(rules(GRID), {}).mdp, 8, 0.5)
    assert list(found) == [1.0]
    assert found[1.0] > comb(6, 3)  # those of six steps, and those of eight
    assert commenv.limits(GRID, horizon=6, messages=20).reachable.value == pytest.approx(2)
    limits = commenv.limits(GRID, horizon=6, messages=40)
    assert limits.reachable.value == pytest.approx(1.5)
    assert limits.reachable.exact
    assert limits.ceiling.value >= 1.5


@pytest.mark.parametrize("uneven", [False, True])
def test_parts_are_a_message_of_all_their_values(uneven):
    prior, mdp = np.array([0.7, 0.3]) if uneven else np.full(2, 0.5), process(3, 3, 1)
    assert best_objective(mdp, prior, 1.0, 3, parts=3) == pytest.approx(
        best_objective(mdp, np.array([a * b * c for a, b, c in product(prior, repeat=3)]), 1.0, 3), abs=1e-9
    )


def test_what_is_not_counted():
    slippery = choose(rules("coding/code_maze-v0"), {}).mdp
    with pytest.raises(ValueError, match="one outcome"):
        ways(slippery, 3, 1.0)
    uneven = np.random.default_rng(0).dirichlet(np.ones(300))
    assert best_objective(process(2, 2, 0), uneven, 1.0, 2, parts=2) is None
