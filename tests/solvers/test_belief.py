"""Cross-values: exploring is worth something, never less than nothing, and cashing changes no choice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commenv.solvers.bandit import plan
from commenv.solvers.belief import BeliefGame
from commenv.solvers.treasure import asking


def random_game(seed, E=3, S=3, A=2, horizon=3, discount=0.9):
    rng = np.random.default_rng(seed)
    transition = rng.dirichlet(np.full(S, 0.5), (E, S, A))
    return BeliefGame(rng.dirichlet(np.ones(E)), transition, rng.normal(size=(E, S, A)), horizon, discount)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1.0, 0.9]), st.integers(1, 3))
def test_exploring_is_never_worth_less_than_nothing_and_cashing_is_shaping(seed, discount, horizon):
    game = random_game(seed, horizon=horizon, discount=discount)
    value, cashed = game.value(0), game.cashed(0, game.prior, 0)
    assert value >= cashed - 1e-12
    assert game.value(0, cashing=True) == pytest.approx(value - cashed, abs=1e-10)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_nobody_who_is_wrong_of_the_environment_earns_more_than_who_is_right(seed):
    C = random_game(seed).cross_values  # [t, e, e', s]
    own = np.einsum("tees->tes", C)
    assert (own[:, :, None] - C >= -1e-12).all()


def test_who_knows_the_environment_has_nothing_to_explore():
    game = random_game(1, E=1)
    assert game.value(0) == pytest.approx(game.cashed(0, game.prior, 0))


def bandit(chances, horizon):
    """Two arms; the state tells whether the last pull paid. chances: P(success) by environment and arm."""
    E, A = chances.shape
    transition = np.zeros((E, 2, A, 2))
    transition[..., 1], transition[..., 0] = chances[:, None], 1 - chances[:, None]
    return BeliefGame(np.full(E, 1 / E), transition, np.repeat(chances[:, None], 2, axis=1), horizon)


def test_a_bandit_of_two_chances_by_hand():
    game = bandit(np.array([[0.9, 0.5], [0.1, 0.5]]), 2)
    # Pull the unknown arm: it pays with probability 1/2 and is then worth .9 .9 + .1 .1 = .82, else the sure one .5.
    assert game.value(0) == pytest.approx(0.5 + 0.5 * 0.82 + 0.5 * 0.5)
    assert game.cashed(0, game.prior, 0) == pytest.approx(1.0)
    assert game.cashed(0, np.array([1.0, 0.0]), 0) == pytest.approx(1.8)


def test_a_fine_grid_of_chances_comes_to_the_beta_prior():
    grid = (np.arange(12) + 0.5) / 12
    game = bandit(np.array([(a, b) for a in grid for b in grid]), 3)
    assert game.value(0) == pytest.approx(plan([[1, 1], [1, 1]], 3).value, abs=2e-3)


def test_treasure_and_oracle_is_such_a_game():
    K, r, c, discount = 3, 0.6, 0.1, 0.9
    states, begin, out = K + 2, 0, K + 1  # nothing known, told of door k, over
    transition, reward = np.zeros((K, states, K + 1, states)), np.zeros((K, states, K + 1))
    for e in range(K):
        for s in range(states):
            transition[e, s, :K, out] = 1
            reward[e, s, e] = s != out
            transition[e, s, K, s], reward[e, s, K] = 1, -c * (s != out)
        transition[e, begin, K, begin], transition[e, begin, K, 1 + e] = 1 - r, r
    game = BeliefGame(np.full(K, 1 / K), transition, reward, horizon=6, discount=discount)
    assert game.value(0) == pytest.approx(asking(K, c, r, discount, symbols=K, questions=5).value, rel=1e-12)


def test_what_does_not_belong_together_is_refused():
    with pytest.raises(ValueError, match="do not belong together"):
        BeliefGame(np.ones(1), np.ones((2, 1, 1, 1)), np.ones((2, 1, 1)), 1)
    with pytest.raises(ValueError, match="transition is not allowed"):
        BeliefGame(np.ones(1), np.full((1, 1, 1, 1), 0.5), np.ones((1, 1, 1)), 1)
