"""Ski rental and bought information: ratios that are known, and that they hold for every season and random processes."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commenv.solvers.purchase import Process, best_day, break_even, randomised_days, season_costs, worst_ratio

# 1 / (1 - (1 - 1/B)**B), Karlin, Manasse, McGeoch, Owicki (1994); the deterministic ratio is 2 - 1 / B.
RANDOMISED = [(2, 1.333333), (5, 1.4873869586), (10, 1.5353399328), (100, 1.5773675301)]


@pytest.mark.parametrize(("price", "ratio"), RANDOMISED)
def test_ski_rental(price, ratio):
    days = randomised_days(price)
    assert days.sum() == pytest.approx(1)
    assert worst_ratio(days) == pytest.approx(ratio, abs=5e-7 if price == 2 else 5e-11)
    assert worst_ratio(np.eye(price)[break_even(1, price) - 1]) == pytest.approx(2 - 1 / price)


@pytest.mark.parametrize("price", [2, 3, 5])
def test_no_law_of_days_has_a_smaller_ratio(price):
    """Yao's principle: seasons drawn so that every day costs the same bound all laws from below."""
    costs = season_costs(1.0, price, price)[:price]
    hindsight = np.minimum(np.arange(1, price + 1), price)
    # The season's law q with the same expected cost of every day of purchase, scaled by what hindsight pays.
    system = np.vstack([np.diff(costs, axis=0), np.ones(price)])
    q = np.linalg.solve(system, np.append(np.zeros(price - 1), 1))
    assert (q >= -1e-12).all()
    assert (costs @ q / (hindsight @ q)).min() == pytest.approx(worst_ratio(randomised_days(price)))


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=8), st.floats(0, 3), st.floats(0, 9))
def test_the_best_day_is_the_best_of_all(weights, rent, buy):
    season = np.array(weights) / sum(weights)
    n = len(season)

    def cost(day):
        return sum(p * (rent * min(day - 1, d) + buy * (d >= day)) for d, p in enumerate(season, 1))

    day, least = best_day(season, rent, buy)
    assert least == pytest.approx(min(cost(i) for i in range(1, n + 2)))
    assert cost(day) == pytest.approx(least)
    hindsight = sum(p * min(rent * d, buy) for d, p in enumerate(season, 1))
    assert least >= hindsight - 1e-9
    if rent > 0.05:
        assert cost(min(break_even(rent, buy), n + 1)) <= 2 * hindsight + 1e-9


def process(seed, states=6, units=60):
    """A random supermartingale with many small steps: costs fall with the state's number, and states only rise."""
    rng = np.random.default_rng(seed)
    cost = np.sort(rng.exponential(2, states))[::-1]
    P = np.triu(rng.dirichlet(np.full(states, 0.4), states))
    P[:, -1] += 1e-3
    return Process(0, P / P.sum(axis=1, keepdims=True), cost, 0.1, units)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 100_000))
def test_competitive_rules_on_random_processes(seed):
    found = process(seed)
    optimum = found.optimal()
    assert optimum <= found.deterministic() + 1e-12
    assert found.deterministic() <= 2 * optimum + found.price
    assert found.randomised() <= math.e / (math.e - 1) * (optimum + found.price)


def test_the_randomised_rule_is_the_mean_over_thresholds():
    found = process(3)
    shares = (np.arange(20_000) + 0.5) / 20_000
    density = np.exp(shares) / (math.e - 1)
    cuts = np.unique(np.searchsorted(shares, np.unique(found.price * np.arange(61)[:, None] / found.cost)))
    values = np.empty(len(shares))  # constant between cuts: one threshold stands for each piece
    for low, high in zip(np.append(0, cuts), np.append(cuts, len(shares)), strict=True):
        if low < high:
            values[low:high] = found.threshold(shares[(low + high) // 2])
    assert found.randomised() == pytest.approx(float((density * values).mean()), rel=1e-3)


def test_both_bounds_are_nearly_met():
    """The task costs 1 until, at the unit after which the rule stops, it would have cost nothing: twice as dear as stopping at
    once."""
    units = 200
    chain = Process(0, np.eye(1), np.ones(1), 1 / units, 2 * units)
    assert chain.deterministic() == pytest.approx(2)
    assert chain.optimal() == 1
    assert chain.randomised() == pytest.approx(math.e / (math.e - 1), abs=5e-3)


def test_information_that_makes_the_task_dearer_is_refused():
    with pytest.raises(ValueError, match="must fall in expectation"):
        Process(0, np.array([[0.0, 1.0], [0.0, 1.0]]), np.array([1.0, 2.0]), 0.1, 3)
