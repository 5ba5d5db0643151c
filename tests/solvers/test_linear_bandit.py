"""What distributed linear bandits are made of: designs, quantisers, gossip; and two arms told in a few bits."""

import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm

from commenv.solvers.linear_bandit import (
    batches,
    chebyshev_gossip,
    gossip_ranges,
    gossip_rounds,
    metropolis,
    mixing,
    optimal_design,
    quantise,
    quantised_gossip,
    quantiser,
    right,
)

GRAPHS = {
    "cycle": (nx.cycle_graph(8), 0.804737854, 15),
    "path": (nx.path_graph(8), 0.949253022, 30),
    "hypercube": (nx.hypercube_graph(3), 0.5, 9),
    "star": (nx.star_graph(7), 0.875, 19),
    "complete": (nx.complete_graph(8), 0.0, 1),
}
"""Of eight agents: the graph, its second eigenvalue under Metropolis weights, rounds for an error of a thousandth."""


@pytest.mark.parametrize("name", GRAPHS)
def test_gossip(name):
    graph, second, rounds = GRAPHS[name]
    W = metropolis(graph)
    np.testing.assert_allclose(W.sum(axis=1), 1)
    assert mixing(W) == pytest.approx(second, abs=5e-10)
    assert gossip_rounds(W, 1e-3) == rounds
    values = np.random.default_rng(0).normal(size=(8, 3))
    reached, plain = chebyshev_gossip(values, W, rounds), np.linalg.matrix_power(W, rounds) @ values
    mean = values.mean(axis=0)
    np.testing.assert_allclose(reached.mean(axis=0), mean)
    apart = np.linalg.norm(reached - mean, axis=0) / np.linalg.norm(values - mean, axis=0)
    assert (apart <= 1e-3).all()
    if rounds > 1:
        assert np.linalg.norm(reached - mean) < np.linalg.norm(plain - mean) / 10


def test_gossip_hears_neighbours_only():
    values = np.zeros((8, 1))
    values[0] = 1
    W = metropolis(nx.path_graph(8))
    for rounds in range(5):
        assert not chebyshev_gossip(values, W, rounds)[rounds + 1 :].any()


def errors(name, bits, rounds=None, runs=150):
    """Rows that gossip of so many bits leaves of one table of numbers, and rows of float gossip."""
    graph, _, usual = GRAPHS[name]
    W, rng = metropolis(graph), np.random.default_rng(1)
    values = rng.uniform(-1, 1, (8, 3))
    rounds = rounds or usual
    return values, chebyshev_gossip(values, W, rounds), [quantised_gossip(values, W, rounds, 1.0, bits, rng) for _ in range(runs)]


@pytest.mark.parametrize("name", ["cycle", "path", "hypercube"])
def test_quantised_gossip_keeps_the_mean_and_has_the_expectation_of_float_gossip(name):
    values, floats, told = errors(name, 6)
    for rows in told:
        np.testing.assert_allclose(rows.mean(axis=0), values.mean(axis=0), atol=1e-12)
    error = np.mean(told, axis=0) - floats
    assert (np.abs(error) <= 4.5 * np.std(told, axis=0) / np.sqrt(len(told))).all()
    assert np.std(told) > 0
    np.testing.assert_array_equal(errors(name, None, runs=1)[2][0], floats)


@pytest.mark.parametrize("name", ["cycle", "path", "hypercube"])
def test_consensus_falls_with_bits_to_that_of_floats(name):
    """Each bit more halves errors until what gossip itself leaves is all; of 4 bits on they shrink from round to round."""
    apart = {}
    for bits in (1, 2, 3, 4, 5, 6, 8, 12):
        values, floats, told = errors(name, bits, runs=20)
        apart[bits] = np.mean([np.linalg.norm(rows - values.mean(axis=0)) for rows in told])
    float_apart, first = np.linalg.norm(floats - values.mean(axis=0)), np.linalg.norm(values - values.mean(axis=0))
    assert sorted(apart.values(), reverse=True) == pytest.approx(list(apart.values()), rel=0.1)
    assert apart[1] > first
    assert apart[4] < first / 20
    assert apart[12] == pytest.approx(float_apart, rel=0.2)
    assert apart[5] < apart[4] / 2


def test_ranges_shrink_as_gossip_contracts():
    """By 1 / q_s a round: (1 - sqrt(1 - second**2)) / second."""
    graph, second, _ = GRAPHS["cycle"]
    ranges = gossip_ranges(metropolis(graph), 30, 1.0, 10)
    factor = (1 - math.sqrt(1 - second**2)) / second
    assert (ranges[29] / ranges[9]) ** (1 / 20) == pytest.approx(factor, rel=0.05)
    growing = gossip_ranges(metropolis(graph), 30, 1.0, 2)
    assert growing[29] > growing[9]


def test_within_their_ranges_differences_are_not_cut():
    """What is told lies on the levels' ends in hardly any round: values at the edge of the radius, of opposite signs."""
    graph, _, rounds = GRAPHS["cycle"]
    W, rng = metropolis(graph), np.random.default_rng(2)
    values = np.where(np.arange(8) < 4, 1.0, -1.0)[:, None] * np.ones(50)
    error = np.mean([quantised_gossip(values, W, rounds, 1.0, 5, rng) for _ in range(100)], axis=(0, 2)) - chebyshev_gossip(
        values, W, rounds
    ).mean(axis=1)
    assert np.abs(error).max() < 1e-5


def test_quantised_gossip_hears_neighbours_only():
    W = metropolis(nx.path_graph(8))
    here, there = np.zeros((8, 1)), np.zeros((8, 1))
    there[0] = 1
    for rounds in range(1, 5):
        one, other = (quantised_gossip(v, W, rounds, 1.0, 4, np.random.default_rng(0)) for v in (here, there))
        changed = one[:, 0] != other[:, 0]
        assert changed[: rounds + 1].any()
        assert not changed[rounds + 1 :].any()


@settings(max_examples=30, deadline=None)
@given(arrays(float, st.tuples(st.integers(2, 7), st.integers(1, 4)), elements=st.floats(-1, 1)))
def test_the_design_is_optimal(arms):
    size = np.linalg.svd(arms, compute_uv=False)
    if size[0] < 0.1 or ((size > 1e-12) & (size < 0.05)).any():
        return  # no arm, or a direction that is one only by rounding
    weights = optimal_design(arms)
    rank = int((size > 1e-10 * size[0]).sum())
    spread = np.einsum("ki,ij,kj->k", arms, np.linalg.pinv(arms.T @ (weights[:, None] * arms)), arms)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= -1e-12).all()
    assert rank - 1e-6 <= spread.max() <= 1.01 * rank + 1e-6


def test_the_design_of_a_basis_is_uniform():
    np.testing.assert_allclose(optimal_design(np.eye(5)), 0.2)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_quantisation_is_unbiased_and_has_so_many_levels(bits):
    rng, values = np.random.default_rng(0), np.array([-2.0, -0.93, 0.1, 0.6, 1.5])
    told = quantise(np.tile(values, (40_000, 1)), 1.5, bits, rng)
    assert len(np.unique(np.round(told, 9))) <= 2**bits
    assert (np.abs(told) <= 1.5 + 1e-12).all()
    error = np.abs(told.mean(axis=0) - np.clip(values, -1.5, 1.5))
    assert (error <= 4.5 * told.std(axis=0) / 200 + 1e-9).all()
    assert quantise(values, 1.5, None, rng) is values


@pytest.mark.parametrize("horizon", [1, 2, 17, 1_000, 1_000_000])
def test_batches_fill_the_horizon(horizon):
    lengths = batches(horizon)
    assert sum(lengths) == horizon
    assert min(lengths) > 0
    assert len(lengths) <= math.log2(max(math.log2(max(horizon, 2)), 1)) + 2


# ---------------------------------------------------------------------------------------------------------------- two arms
def told(h, thresholds):
    """The worth of thresholds by a sum over a fine grid of both observations."""
    x = np.linspace(-9, 9, 3601)
    first, second = norm.pdf(x - h), norm.pdf(x + h)
    cell = np.searchsorted(thresholds, x)
    total = 0.0
    for m in range(len(thresholds) + 1):
        a, b = first[cell == m].sum() * 0.005, second[cell == m].sum() * 0.005
        total += np.maximum(a * first, b * second).sum() * 0.005 / 2
    return total


@pytest.mark.parametrize(("gap", "noise"), [(1.0, 1.0), (2.0, 0.7), (0.3, 1.0)])
def test_one_bit_by_brute_force(gap, noise):
    h = gap / (2 * noise)
    found = quantiser(gap, noise, 2)
    tried = [told(h, np.array([cut])) for cut in np.linspace(-1.5, 1.5, 61)]
    assert found.value == pytest.approx(max(tried), abs=2e-4)
    assert abs(found.thresholds[0]) < 1e-6


def test_two_bits_by_random_search():
    rng, found = np.random.default_rng(0), quantiser(1.0, 1.0, 4)
    assert found.value == pytest.approx(told(0.5, found.thresholds), abs=2e-4)
    tried = max(told(0.5, np.sort(rng.normal(size=3))) for _ in range(60))
    near = max(told(0.5, np.sort(found.thresholds + 0.2 * rng.normal(size=3))) for _ in range(30))
    assert found.value >= max(tried, near) - 2e-4


def test_more_symbols_come_to_all_there_is_to_tell():
    values = [quantiser(1.0, 1.0, M).value for M in (1, 2, 3, 4, 8)]
    assert values == sorted(values)
    assert values[0] == right(1, 1, 1)
    assert right(1, 1, 2) - 2e-3 < values[-1] < right(1, 1, 2)
