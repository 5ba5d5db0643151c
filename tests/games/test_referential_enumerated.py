"""The referential game's reachable reward against everything that a team could do, tried one by one."""

from collections.abc import Callable
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from examples import NOISES, heard
from examples import REFERENTIAL as ID

import commenv
from commenv import Channel
from commenv.games.messaging import referential


def exactly(value: float) -> Any:
    return pytest.approx(value, abs=1e-9)


def pick(states: int, C: int, W: np.ndarray, encoder: tuple[int, ...]) -> float:
    """Success of the best receiver that hears W[encoder[target]] and sees the candidates."""
    sets = list(combinations(range(states), C))
    return sum(W[[encoder[c] for c in seen]].max(axis=0).sum() for seen in sets) / len(sets) / C


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize(("states", "candidates", "symbols"), [(5, 2, 2), (5, 3, 2), (5, 2, 3), (4, 4, 3), (6, 3, 2)])
def test_candidates_against_all_encoders(states, candidates, symbols, noise):
    channel = Channel(symbols=symbols, **NOISES[noise])
    best = max(pick(states, candidates, channel.matrix, code) for code in product(range(symbols), repeat=states))
    reachable = commenv.limits(ID, states=states, candidates=candidates, channel=channel).reachable
    if reachable.exact:
        assert reachable.value == exactly(best)
    else:
        assert reachable.value <= best + 1e-9


def name_state(prior: np.ndarray, table: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Best reward at each output, of a code given as the states' rows P(y | s)."""
    return lambda rows: np.einsum("s,sy,sa->ya", prior, rows, table).max(axis=1)


def pick_candidate(states: int, C: int) -> Callable[[np.ndarray], np.ndarray]:
    sets = [list(seen) for seen in combinations(range(states), C)]
    return lambda rows: sum(rows[seen].max(axis=0) for seen in sets) / len(sets) / C


def best_policy(channel: Channel, rounds: int, prior: np.ndarray, reward: Callable[[np.ndarray], np.ndarray]) -> float:
    """Enumerates every policy of the sender: an encoder for each history of deliveries, played under the budget."""
    K, M, outputs, wire = len(prior), channel.size, channel.size + 1, channel.wire
    encoders = np.array(list(product(range(M), repeat=K)))
    histories = [h for t in range(rounds) for h in product(range(outputs), repeat=t)]
    best = -np.inf

    def play(policy: dict[tuple, int], history: tuple, tokens: float, spent: float) -> float:
        if len(history) == rounds:
            return 0.0
        affordable = wire.price <= tokens + 1e-9 and spent + wire.price <= wire.cap + 1e-9
        sent = encoders[policy[history]] if affordable else np.zeros(K, int)
        rows = channel.matrix[sent]
        total = float(reward(rows).sum())
        for y in np.flatnonzero(prior @ rows > 0):
            price = 0.0 if y == 0 else wire.price  # silence is heard as silence, and nothing else is
            left = min(tokens - price + 2 * wire.refill, wire.burst) if np.isfinite(wire.refill) else tokens
            total += (prior @ rows)[y] * play(policy, (*history, int(y)), left, spent + price)
        return total

    reached = [h for h in histories if all(y < M or channel.erasure for y in h)]  # nothing is erased without erasure
    for choice in product(range(len(encoders)), repeat=len(reached)):
        best = max(best, play(dict(zip(reached, choice, strict=True)), (), wire.burst, 0.0))
    return best


BUDGETS = [
    ({"cap": 1}, 2),
    ({"cap": 2}, 2),
    ({"cap": 0.5}, 2),
    ({"refill": 0.25, "burst": 1}, 2),
    ({"refill": 0.5}, 2),
    ({"refill": 0.0, "burst": 1}, 2),
    ({"refill": 0.3, "burst": 2, "cap": 1.5}, 2),
]


@pytest.mark.parametrize(("budget", "rounds"), BUDGETS)
@pytest.mark.parametrize("reward", ["identity", ((1.0, 0.2), (0.0, 0.5), (0.3, 0.9))])
def test_budgets_against_all_policies(budget, rounds, reward):
    prior = (0.5, 0.2, 0.3)
    channel = Channel(bits=1, silence=True, **budget)
    options = referential.Options(states=3, prior=prior, reward=reward, rounds=rounds, channel=channel)
    best = best_policy(channel, rounds, options.probabilities, name_state(options.probabilities, options.table))
    reachable = commenv.limits(ID, states=3, prior=prior, reward=reward, rounds=rounds, channel=channel).reachable
    assert reachable.value == exactly(best)
    assert reachable.exact


@pytest.mark.parametrize("budget", [{"cap": 1}, {"refill": 0.5, "burst": 1}])
def test_budgets_over_three_rounds(budget):
    prior = (0.7, 0.3)
    channel = Channel(bits=1, silence=True, **budget)
    best = best_policy(channel, 3, np.array(prior), name_state(np.array(prior), np.eye(2)))
    assert commenv.limits(ID, states=2, prior=prior, rounds=3, channel=channel).reachable.value == exactly(best)


@pytest.mark.parametrize("budget", [{"cap": 1}, {"refill": 0.25, "burst": 1}])
def test_budgets_with_candidates(budget):
    channel = Channel(bits=1, silence=True, **budget)
    best = best_policy(channel, 2, np.full(3, 1 / 3), pick_candidate(3, 2))
    reachable = commenv.limits(ID, states=3, candidates=2, rounds=2, channel=channel).reachable
    assert reachable.value == exactly(best)


@pytest.mark.parametrize("budget", [{"cap": 1}, {"refill": 0.25, "burst": 1}])
def test_budgets_with_noise_are_never_overrated(budget):
    prior = np.array([0.5, 0.2, 0.3])
    channel = Channel(bits=1, silence=True, erasure=0.4, **budget)
    best = best_policy(channel, 2, prior, name_state(prior, np.eye(3)))
    limits = commenv.limits(ID, states=3, prior=prior, rounds=2, channel=channel)
    assert limits.silent.value <= limits.reachable.value <= best + 1e-9


def best_by_history(channel: Channel, rounds: int, prior: np.ndarray, table: np.ndarray) -> float:
    """All encoders after each history of deliveries, which both agents know: nothing is lost on the way."""
    encoders, prices, wire = list(product(range(channel.size), repeat=len(prior))), channel.prices, channel.wire

    def value(left: int, tokens: float, spent: float) -> float:
        if left == 0:
            return 0.0
        best = -np.inf
        fits = [price <= tokens + 1e-9 and spent + price <= wire.cap + 1e-9 for price in prices]
        charged = [p if fit else max(min(prices[0], tokens, wire.cap - spent), 0) for p, fit in zip(prices, fits, strict=True)]
        later = [
            value(left - 1, min(min(tokens - c + wire.refill, wire.burst) + wire.refill, wire.burst), spent + c) for c in charged
        ]
        for encoder in encoders:
            heard_as = [m if fits[m] else 0 for m in encoder]
            rows = np.eye(channel.size)[heard_as]
            reward = np.einsum("s,sy,sa->ya", prior, rows, table).max(axis=1).sum()
            best = max(best, reward + sum(p * later[m] for p, m in zip(prior, encoder, strict=True)))
        return float(best)

    return value(rounds, wire.burst, 0.0)


@pytest.mark.parametrize(
    "fields",
    [
        {"length": 2, "symbols": 2, "cap": 3},
        {"length": 2, "symbols": 3, "cap": 4},
        {"length": 2, "symbols": 2, "refill": 0.5, "burst": 2},
        {"length": 2, "symbols": 2, "refill": 0.5, "burst": 2, "silence_price": 0.25},
        {"bits": 1, "cap": 1.5, "silence_price": 0.5},
        {"bits": 1, "cap": 2, "silence_price": 1.5},  # silence is the dearer message
        {"symbols": 3, "refill": 1, "burst": 2, "silence_price": 0.3},
    ],
    ids=repr,
)
@pytest.mark.parametrize("reward", ["identity", ((1.0, 0.2), (0.0, 0.5), (0.3, 0.9))])
def test_prices_against_all_codes(fields, reward):
    prior, channel, rounds = (0.5, 0.2, 0.3), Channel(silence=True, **fields), 3
    options = referential.Options(states=3, prior=prior, reward=reward, rounds=rounds, channel=channel)
    limits = commenv.limits(ID, states=3, prior=prior, reward=reward, rounds=rounds, channel=channel)
    best = best_by_history(channel, rounds, options.probabilities, options.table)
    assert limits.reachable.value == exactly(best)
    assert limits.reachable.exact
    assert best <= limits.ceiling.value + 1e-9


@pytest.mark.parametrize(("silence", "delay"), [(False, (0, 1)), (True, (0, 1)), (False, 1), (False, (0, 3)), (True, (0, 2))])
def test_only_what_is_in_time_counts(silence, delay):
    """States named by what has just arrived, else by the likeliest: what that earns is reachable, or what bounds it is above."""
    n, rounds, prior = 50_000, 3, np.array([0.4, 0.3, 0.2, 0.1])
    options = {"states": 4, "prior": prior, "rounds": rounds, "channel": {"bits": 2, "delay": delay, "silence": silence}}
    batch, total, idle = commenv.make_batch(ID, n, seed=9, **options), np.zeros(n), np.zeros(n, int)
    observations = batch.reset()
    for _ in range(rounds):
        observations, *_ = batch.step({"sender": observations["sender"].argmax(axis=1), "receiver": idle})
        delivered = heard(observations["receiver"][:, batch.inbox("receiver")])
        observations, rewards, *_ = batch.step({"sender": idle, "receiver": np.where(delivered < 4, delivered, 0)})
        total += rewards["sender"]
    limits, error = commenv.limits(ID, **options), total.std() / np.sqrt(n)
    assert limits.reachable.exact == (delay in (1, (0, 1)))
    if limits.reachable.exact:
        assert abs(total.mean() - limits.reachable.value) <= 4 * error
    else:
        assert total.mean() <= limits.reachable.value + 4 * error
    if delay == 1:
        assert limits.reachable.value == exactly(limits.silent.value)
        assert limits.ceiling.value == exactly(limits.silent.value)
