"""Soft values against figures of CodeGrid and of the maze that were computed independently (Sokota et al. 2022; Ebrahimi, Chen,
Khisti 2024), against brute force over policies, and the identities that tie value, reward and entropy."""

import math
from itertools import product

import numpy as np
import pytest

from commenv.games.coding import code_grid, code_maze
from commenv.solvers.soft_value import (
    Mdp,
    naming_value,
    objective_bound,
    played,
    soft_converse,
    soft_q,
    soft_values,
)

GRID = code_grid.Options().mdp
MAZE = code_maze.Options().mdp


def bandit(*rewards):
    n = len(rewards)
    P, r = np.zeros((2, n, 2)), np.zeros((2, n, 2))
    P[:, :, 1] = 1
    r[0, :, 1] = rewards
    return Mdp(P, r, np.array([1.0, 0.0]), np.array([False, True]), np.ones((2, n), bool))


@pytest.mark.parametrize(
    ("alpha", "value", "reward", "bits"),
    [
        (0, 1.000000000, 1.000000000, 7.680162),
        (0.1, 1.575658693, 0.999155643, 8.317181),
        (0.2, 2.174779637, 0.888557450, 9.278132),
        (0.3, 2.879495917, 0.600949620, 10.957491),
        (0.5, 4.506976683, 0.284161894, 12.184468),
        (1.0, 8.815960157, 0.127426195, 12.534905),
    ],
)
def test_code_grid(alpha, value, reward, bits):
    found = soft_values(GRID, alpha, 8)
    told = played(GRID, found.policy, 8)
    assert found.value == pytest.approx(value, abs=1e-9)
    assert told.reward == pytest.approx(reward, abs=1e-9)
    assert told.bits == pytest.approx(bits, abs=6e-7)
    assert found.value == pytest.approx(told.reward + alpha * math.log(2) * told.bits, abs=1e-12)


@pytest.mark.parametrize(
    ("bonus", "temperature", "value", "reward", "steps", "bits"),
    [
        (True, 0, 0.334155172, 0.334155, 21.7585, 0),
        (True, math.exp(-6), 0.340558153, 0.332376, 21.8729, 5.3267),
        (True, math.exp(-5), 0.358355633, 0.320528, 22.6348, 9.8973),
        (True, math.exp(-4.5), 0.394394477, 0.268387, 26.5448, 23.9793),
        (True, math.exp(-4), 0.520948597, 0.092548, 59.83, 101.95),
        (False, math.exp(-6), 0.339416024, 0.332371, 21.8733, 5.3307),
        (False, math.exp(-5), 0.355363581, 0.320112, 22.6623, 10.0277),
        (False, math.exp(-4.5), 0.390285072, 0.265243, 26.8165, 24.7967),
        (False, math.exp(-4), 0.518884470, 0.081855, 65.1317, 113.2533),
    ],
)
def test_maze(bonus, temperature, value, reward, steps, bits):
    found = soft_q(MAZE, temperature, 0.95, 100 if bonus else None, bonus)
    told = played(MAZE, found.policy, 1000, 0.95)
    assert found.value == pytest.approx(value, abs=6e-10 if bonus else 1e-8)
    assert told.reward == pytest.approx(reward, abs=6e-7)
    assert told.steps == pytest.approx(steps, abs=6e-3 if bonus else 6e-5)
    assert told.bits == pytest.approx(bits, abs=6e-3 if bonus else 6e-5)


def test_maze_policy():
    found = soft_q(MAZE, math.exp(-6), 0.95, 100, True)
    start = 5 * 8 + 4
    np.testing.assert_allclose(found.policy[start], [0.002648298, 0.000559252, 0.000018667, 0.996773784], atol=6e-10)
    np.testing.assert_allclose(found.action_values[start], [0.325849639, 0.321994999, 0.313567663, 0.340550143], atol=6e-10)
    np.testing.assert_allclose(found.action_values[2 * 8 + 7], [-0.634912208, 0.408953361, 0.586368861, 0.497482448], atol=6e-10)
    clean = soft_q(MAZE, math.exp(-6), 0.95)
    np.testing.assert_allclose(clean.policy[start], [0.002701386, 0.000573670, 0.000019413, 0.996705531], atol=6e-10)


@pytest.mark.parametrize(
    ("bits", "reward"), [(8, 1.0), (9, 0.925579533), (10, 0.778671813), (11, 0.592103720), (12, 0.343883324)]
)
def test_converse_of_code_grid(bits, reward):
    """The figures were made on a grid of temperatures: the minimum over all of them is lower by at most 5e-5."""
    found = soft_converse(GRID, bits, 8)
    assert reward - 5e-5 <= found <= reward + 1e-9
    for alpha in np.geomspace(0.01, 10, 40):
        assert found <= soft_values(GRID, alpha, 8).value - alpha * math.log(2) * bits + 1e-9


def test_more_bits_than_there_are():
    assert soft_converse(GRID, 13, 8) == -np.inf


def test_every_policy_keeps_the_converse():
    rng = np.random.default_rng(0)
    for concentration in (0.05, 0.3, 1, 5):
        policy = rng.dirichlet(np.full(4, concentration), (8, 16)) * GRID.available
        policy /= policy.sum(axis=2, keepdims=True)
        told = played(GRID, policy, 8)
        assert told.reward <= soft_converse(GRID, told.bits, 8) + 1e-9


def test_soft_values_are_the_best_of_many_policies():
    """One decision: the Boltzmann policy, in closed form, beats a fine grid of policies."""
    mdp, alpha = bandit(4, 3, 0), 0.7
    found = soft_values(mdp, alpha, 1)
    assert found.value == pytest.approx(alpha * math.log(sum(math.exp(r / alpha) for r in (4, 3, 0))), abs=1e-12)
    best = max(
        p @ [4, 3, 0] - alpha * p[p > 0] @ np.log(p[p > 0])
        for a, b in product(np.linspace(0, 1, 101), repeat=2)
        if a + b <= 1 and (p := np.array([a, b, max(1 - a - b, 0.0)])).sum() > 0
    )
    assert best <= found.value <= best + 3e-3


def test_noise_is_part_of_the_process():
    noisy = GRID.noisy(0.25)
    np.testing.assert_allclose(noisy.transition.sum(axis=2), 1)
    corner = noisy.transition[0, 0]  # two actions are available: the other is executed one time in eight
    assert corner[4] == pytest.approx(0.875)
    assert corner[1] == pytest.approx(0.125)
    uniform = np.where(GRID.available, 1.0, 0) / GRID.available.sum(axis=1, keepdims=True)
    assert played(noisy, uniform, 8).reward == pytest.approx(played(GRID, uniform, 8).reward)


# ------------------------------------------------------------------------------------------------ the bound on the objective
def decision_problem(mdp, rewards, prior, zeta):
    """The best of one decision with two messages by search: a pair of distributions over actions."""
    grid = [np.array([a, b, 1 - a - b]) for a, b in product(np.linspace(0, 1, 21), repeat=2) if a + b <= 1 + 1e-9]
    best = -np.inf
    for first, second in product(grid, repeat=2):
        reward = prior[0] * first @ rewards + prior[1] * second @ rewards
        named = np.maximum(prior[0] * first, prior[1] * second).sum()
        best = max(best, reward + zeta * named)
    return best


@pytest.mark.parametrize("zeta", [0.5, 1, 2, 5])
@pytest.mark.parametrize("prior", [[0.5, 0.5], [0.8, 0.2]])
def test_no_team_exceeds_the_bound(zeta, prior):
    rewards = np.array([4.0, 3.0, 0.0])
    bound = objective_bound(bandit(*rewards), prior, zeta, 1)
    best = decision_problem(bandit(*rewards), rewards, np.array(prior), zeta)
    assert best <= bound + 1e-9
    assert bound <= rewards.max() + zeta + 1e-9
    if prior[0] == 0.5:  # babble or separate: whichever is better
        assert best == pytest.approx(max(4 + zeta / 2, 3.5 + zeta))


def test_bits_that_are_not_told_cannot_be_named():
    mdp = bandit(1, 1, 1, 1)
    assert objective_bound(mdp, [0.25] * 4, 1.0, 1) == pytest.approx(2, abs=1e-6)
    assert objective_bound(mdp, [0.25] * 4, 1.0, 1, told=0) == pytest.approx(1.25, abs=1e-9)
    one = objective_bound(mdp, [0.25] * 4, 1.0, 1, told=1)
    assert one == pytest.approx(1 + 0.810710375082683, abs=1e-6)  # F(1 bit) of four alternatives


@pytest.mark.parametrize("price", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("prior", [[0.25] * 4, [0.5, 0.3, 0.2], [0.9, 0.1, 0.0]])
def test_naming_is_bounded_by_blahut(price, prior):
    """From above, and near what his iteration attains."""
    p = np.array(prior)
    K = np.exp2(np.eye(len(p)) / price)
    q = np.full(len(p), 1 / len(p))
    for _ in range(5000):
        q = q * (p / (K @ q) @ K)
    channel = q * K / (K @ q)[:, None]
    joint = p[:, None] * channel
    information = float((joint * np.log2(channel / np.where(q > 0, q, 1), where=joint > 0, out=np.zeros_like(joint))).sum())
    attained = np.trace(joint) - price * information
    assert attained - 1e-9 <= naming_value(p, 1.0, price) <= attained + 2e-3


def test_refusals():
    with pytest.raises(ValueError, match="alpha must be at least 0"):
        soft_values(GRID, -1, 8)
    with pytest.raises(ValueError, match="discount must be"):
        soft_q(GRID, 0.1, 1.0)
    with pytest.raises(ValueError, match="reward must have shape"):
        Mdp(GRID.transition, np.zeros((16, 4)), GRID.start, GRID.terminal, GRID.available)
    with pytest.raises(ValueError, match="each row of sum 1"):
        Mdp(GRID.transition * 0.9, GRID.reward, GRID.start, GRID.terminal, GRID.available)
    with pytest.raises(ValueError, match="to terminal states"):
        Mdp(GRID.transition, GRID.reward, np.eye(16)[15], GRID.terminal, GRID.available)
    with pytest.raises(ValueError, match="no action available"):
        Mdp(GRID.transition, GRID.reward, GRID.start, GRID.terminal, GRID.available & False)
