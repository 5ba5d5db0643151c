"""Distributed linear bandits over short horizons: bits are counted, regret scales as in theory, late feedback costs its share."""

import networkx as nx
import numpy as np
import pytest

from agents.exact.distributed_bandits import (
    batched_elimination,
    delayed_dual_averaging,
    distances,
    gaussian_contexts,
    phased_elimination,
)
from commenv.solvers.linear_bandit import gossip_rounds, least_squares_slope, metropolis

THETA = np.eye(4)[0]
GAPS = [share * 2.0**-k for k in range(1, 9) for share in (1, 0.75)]


def worst(agents, horizon, bits=10, seeds=2):
    def mean(gap):
        runs = [phased_elimination(np.eye(4), gap * THETA, agents, horizon, bits, np.random.default_rng(s)) for s in range(seeds)]
        return np.mean([run.regret for run in runs])

    return max(map(mean, GAPS))


def test_regret_grows_as_the_root_of_rounds_and_of_agents():
    """On the minimax instance; Salgia, Zhao (2023): sqrt(d M T) but for logarithms."""
    horizons, teams = [10_000, 160_000, 2_560_000], [1, 8, 64]
    assert 0.4 < least_squares_slope(horizons, [worst(8, T) for T in horizons]) < 0.65
    assert 0.4 < least_squares_slope(teams, [worst(M, 100_000) for M in teams]) < 0.65


def test_bits_are_those_of_estimates_and_means():
    run = phased_elimination(np.eye(4), 0.5 * THETA, 8, 100_000, 6, np.random.default_rng(0))
    assert run.uplink_bits == run.downlink_bits == 8 * 4 * 6 * run.phases
    assert run.bits <= 2 * 4 * 8 * 6 * np.log2(8 * 100_000)
    whole = phased_elimination(np.eye(4), 0.5 * THETA, 8, 100_000, None, np.random.default_rng(0))
    assert whole.uplink_bits == 8 * 4 * 64 * whole.phases


def test_one_bit_a_coordinate_costs_several_times_the_regret():
    assert worst(8, 100_000, bits=1) > 3 * worst(8, 100_000, bits=None)


def test_no_gap_no_regret_and_one_arm_is_enough():
    assert phased_elimination(np.eye(3), np.zeros(3), 4, 1000, 4, np.random.default_rng(0)).regret == 0
    assert phased_elimination(np.eye(3)[:1], np.eye(3)[0], 4, 1000, 4, np.random.default_rng(0)).regret == 0


def test_arms_that_span_less_than_the_space():
    arms = np.array([[1.0, 0, 0], [0, 1, 0], [0.6, 0.6, 0]])
    run = phased_elimination(arms, np.array([0.9, 0.1, 0.3]), 4, 50_000, 8, np.random.default_rng(0))
    assert run.regret < 4 * 50_000 * 0.1  # far from a constant share of what there is to lose


def contextual(agents, horizon, bits=10, graph=None, seed=0):
    rng = np.random.default_rng(seed)
    return batched_elimination(gaussian_contexts(6, 4), np.full(4, 0.5), agents, horizon, bits, rng, graph)


def test_batches_send_little_and_gossip_does_as_a_server_would():
    server = contextual(8, 1_000, None)
    gossip = contextual(8, 1_000, None, nx.hypercube_graph(3))
    assert gossip.regret == pytest.approx(server.regret, rel=0.02)
    assert server.phases <= 5
    assert server.uplink_bits == 8 * 4 * 64 * server.phases
    assert gossip.bits > server.bits


def test_quantised_gossip_sends_so_many_bits_and_regrets_as_floats_do():
    graph, T = nx.hypercube_graph(3), 1_000
    rounds = gossip_rounds(metropolis(graph), 1 / (8 * T))
    few, some, floats = (contextual(8, T, bits, graph) for bits in (2, 6, None))
    for run, bits in ((few, 2), (some, 6), (floats, 64)):
        assert run.uplink_bits == run.phases * rounds * (2 * 12) * 4 * bits  # both ways over 12 edges, 4 coordinates
        assert run.downlink_bits == 0
    assert some.regret == pytest.approx(floats.regret, rel=0.05)
    assert few.regret > 1.5 * floats.regret  # errors grow from round to round: all that is told is noise


def test_batched_regret_grows_as_a_root():
    horizons = [500, 8_000]
    assert 0.35 < least_squares_slope(horizons, [contextual(4, T).regret for T in horizons]) < 0.65
    alone, together = contextual(1, 4_000).regret, contextual(16, 4_000).regret
    assert together / 16 < 0.7 * alone  # what each regrets falls with how many share


def median_regret(targets, played):
    best = float(np.clip(np.median(targets), -1, 1))
    return played.paid - float(np.abs(best - targets).sum())


@pytest.mark.parametrize("lag", [0, 10, 100])
@pytest.mark.parametrize("horizon", [1_000, 10_000])
@pytest.mark.parametrize("adaptive", [False, True])
def test_late_feedback(horizon, lag, adaptive):
    """Hsieh, Iutzeler, Malick, Mertikopoulos (2022): at most a constant times sqrt(T (1 + 2 lag))."""
    signs = np.where(np.random.default_rng(lag).random(horizon) < 0.5, -1.0, 1.0)
    ramp = np.linspace(-0.9, 0.9, horizon)
    for targets in (signs, ramp, np.full(horizon, 0.7))[: 3 if horizon < 5_000 else 1]:
        played = delayed_dual_averaging(distances(targets[:, None]), np.full(horizon, lag), adaptive=adaptive)
        assert median_regret(targets, played) < 1.5 * np.sqrt(horizon * (1 + 2 * lag))


def test_adaptive_steps_take_what_arrives_when_it_does():
    rng = np.random.default_rng(0)
    delays = np.where(rng.random(5_000) < 0.05, 400, 0)  # few are late
    targets = np.full(5_000, 0.8)
    regret = median_regret(targets, delayed_dual_averaging(distances(targets[:, None]), delays))
    assert regret < 1.5 * np.sqrt(5_000 * (1 + 2 * delays.mean()))


def linear(slopes):
    """Losses <slope, x>; the best point of the ball is opposite to their sum."""
    return lambda t, x: (x @ slopes[t], np.tile(slopes[t], (len(x), 1)))


@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize("delay", ["fixed", "random"])
@pytest.mark.parametrize("agents", [1, 3])
@pytest.mark.parametrize("radius", [1.0, 2.5])
def test_regret_in_a_ball(d, delay, agents, radius):
    """Below radius sqrt(lag) times 1.5, for slopes that turn against what was played last, and for ones drawn at random."""
    T, rng = 1_500, np.random.default_rng(d)
    shape = (T, agents, agents) if agents > 1 else (T,)
    delays = np.full(shape, 15) if delay == "fixed" else rng.integers(0, 40, shape)
    drift = np.eye(d)[0] * np.where(np.arange(T) % 200 < 120, 0.6, -0.6)[:, None]
    slopes = rng.normal(size=(T, d)) * 0.4 + drift
    slopes /= np.maximum(np.linalg.norm(slopes, axis=1, keepdims=True), 1)
    for adaptive in (True, False):
        played = delayed_dual_averaging(linear(slopes), delays, d, radius, adaptive)
        assert np.linalg.norm(played.points, axis=2).max() <= radius * (1 + 1e-12)
        regret = played.paid + agents * radius * np.linalg.norm(slopes.sum(axis=0))
        most = agents * T * (1 + 2 * (agents * (1 + delays.max()) - 1))
        assert regret < 1.5 * radius * np.sqrt(played.lag if adaptive else most)
        assert played.lag <= most


def test_late_steps_by_hand():
    """Two rounds late: nothing is known for two rounds; then the first slope, of lag 1, and the second, of lag 1 + 2 * 1."""
    slopes = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    points = delayed_dual_averaging(linear(slopes), np.full(4, 1), 2, 0.5).points[:, 0]
    np.testing.assert_allclose(points, [[0, 0], [0, 0], [0, -0.5], np.array([-1, -1]) * 0.25])
    with pytest.raises(ValueError, match=r"shape \(4, 2\)"):
        delayed_dual_averaging(linear(slopes), np.zeros((4, 2)), 2)


def test_agents_that_share_gradients_regret_less_than_ones_that_do_not():
    """Each with noise of its own about one slope: alone each would have to learn all by itself."""
    T, M, rng = 2_000, 4, np.random.default_rng(0)
    noise = rng.normal(size=(T, M, 2))
    slope = np.array([0.1, 0.05])
    shared = np.full((T, M, M), 2)
    alone = np.where(np.eye(M, dtype=bool), 2, T + 1) * np.ones((T, 1, 1), int)

    def regret(delays):
        played = delayed_dual_averaging(lambda t, x: (x @ slope, slope + noise[t]), delays, 2)
        return played.paid + M * T * np.linalg.norm(slope)

    assert regret(shared) < 0.8 * regret(alone)
