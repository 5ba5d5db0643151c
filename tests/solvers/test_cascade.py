"""The chain of a cascade against closed forms, and against every row of signals."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commenv.solvers.cascade import best_team, cascade, discounted_accuracy, limit_correct, mixed
from commenv.solvers.herding import all_told


@pytest.mark.parametrize(
    ("q", "tie", "limit", "after_four"),
    [
        (0.6, "signal", 0.692307692308, (0.2304, 0.5328, 0.2368)),
        (0.7, "signal", 0.844827586207, (0.1764, 0.6958, 0.1278)),
        (0.9, "signal", 0.987804878049, (0.0324, 0.9558, 0.0118)),
        (0.6, "coin", 0.631578947368, (0.0576, 0.5952, 0.3472)),
        (0.7, "coin", 0.753164556962, (0.0441, 0.71995, 0.23595)),
        (0.9, "coin", 0.939560439560, (0.0081, 0.93195, 0.05995)),
    ],
)
def test_shares(q, tie, limit, after_four):
    found = cascade(400, q, tie=tie)
    np.testing.assert_allclose([found.none[3], found.correct[3], found.wrong[3]], after_four, atol=1e-12)
    assert limit_correct(q, tie) == pytest.approx(limit, abs=5e-13)
    assert found.correct[-1] == pytest.approx(limit, abs=5e-13)


@pytest.mark.parametrize(
    ("q", "d", "value"),
    [
        (0.6, 0.9, 0.6636125654450261),
        (0.6, 0.99, 0.6888388675710788),
        (0.7, 0.9, 0.8031221582297664),
        (0.7, 0.99, 0.8399290907916608),
    ],
)
def test_discounted_accuracy(q, d, value):
    assert discounted_accuracy(q, d) == pytest.approx(value, rel=1e-13)
    assert cascade(200, q).discounted(d) == pytest.approx(value, rel=1e-12)


def played(signals, coins, q, prior, tie):
    """Actions of a row of agents, by Bayes' rule written out: each compares how likely what it saw is in either state."""
    seen = np.array([1 - prior, prior])
    actions = []
    for s, coin in zip(signals, coins, strict=True):

        def choice(signal, seen=seen):
            weight = seen * np.where(np.arange(2) == signal, q, 1 - q)
            if abs(weight[1] - weight[0]) > 1e-9 * weight.sum():
                return float(weight[1] > weight[0])
            return float(signal) if tie == "signal" else 0.5

        ones = [choice(0), choice(1)]
        action = int(coin) if ones[s] == 0.5 else int(ones[s])
        chance = np.array([q * ones[0] + (1 - q) * ones[1], (1 - q) * ones[0] + q * ones[1]])
        seen = seen * (chance if action else 1 - chance)
        seen = seen / seen.sum()
        actions.append(action)
    return actions


@pytest.mark.parametrize("tie", ["signal", "coin"])
@pytest.mark.parametrize(("q", "prior"), [(0.7, 0.5), (0.6, 0.55), (0.8, 0.2), (0.7, 0.3)])
def test_against_every_row_of_signals(q, prior, tie):
    n = 5
    right = np.zeros(n)
    for w in (0, 1):
        for signals in product((0, 1), repeat=n):
            chance = (prior if w else 1 - prior) * np.prod([q if s == w else 1 - q for s in signals])
            for coins in product((0, 1), repeat=n):
                right += chance / 2**n * (np.array(played(signals, coins, q, prior, tie)) == w)
    np.testing.assert_allclose(cascade(n, q, prior=prior, tie=tie).accuracy, right, atol=1e-12)


@given(st.floats(0.5, 1), st.floats(0.01, 0.99), st.sampled_from(["signal", "coin"]))
def test_shares_are_shares(q, prior, tie):
    found = cascade(12, q, prior=prior, tie=tie)
    np.testing.assert_allclose(found.none + found.correct + found.wrong, 1)
    assert (np.diff(found.none) <= 1e-12).all()
    assert (found.accuracy >= max(prior, 1 - prior) - 1e-9).all() or q < 0.5 + 1e-9


def test_signals_that_tell_nothing_and_all():
    void = cascade(6, 0.5)
    np.testing.assert_allclose(void.none, 1)
    np.testing.assert_allclose(void.accuracy, 0.5)
    sure = cascade(3, 1.0)
    np.testing.assert_allclose(sure.correct, 1)
    np.testing.assert_allclose(sure.accuracy, 1)


@pytest.mark.parametrize(
    "wrong", [{"agents": 0}, {"precision": 0.4}, {"prior": 0}, {"prior": 1.0}, {"tie": "none"}, {"precision": float("nan")}]
)
def test_bad_input_is_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        cascade(**{"agents": 3, "precision": 0.7, **wrong})


@pytest.mark.parametrize(("q", "prior"), [(0.7, 0.5), (0.6, 0.55), (0.8, 0.3)])
def test_the_best_team_of_all(q, prior):
    """Two agents, and every way to act: of the first on its signal, of the second on signal and act."""
    best = 0.0
    for first in product((0, 1), repeat=2):
        for second in product((0, 1), repeat=4):
            rules = [lambda s, a, f=first: np.array(f)[s], lambda s, a, g=second: np.array(g)[2 * s + a[:, 0]]]
            best = max(best, mixed(rules, q, prior=prior)[0].accuracy.mean())
    assert best_team(2, q, prior=prior) == pytest.approx(best, abs=1e-12)


@given(st.integers(1, 8), st.floats(0.51, 0.99), st.floats(0.05, 0.95))
def test_a_team_that_cares_is_between_the_selfish_and_the_told(n, q, prior):
    team = best_team(n, q, prior=prior)
    assert cascade(n, q, prior=prior).accuracy.mean() <= team + 1e-9
    assert team <= all_told(n, q, prior).mean() + 1e-9


@pytest.mark.parametrize(("q", "prior"), [(0.7, 0.5), (0.8, 0.3)])
def test_a_row_of_bayesians_is_the_chain(q, prior):
    herd, tables = mixed(["bayesian"] * 7, q, prior=prior)
    np.testing.assert_allclose(herd.accuracy, cascade(7, q, prior=prior).accuracy, atol=1e-12)
    assert [table.shape for table in tables] == [(2, 2**t) for t in range(7)]


def test_the_naive_herd_harder():
    """They count every act of a herd as one more signal; and a Bayesian who knows so does not follow them."""
    wise, naive = mixed(["bayesian"] * 6, 0.7)[0], mixed(["naive"] * 6, 0.7)[0]
    np.testing.assert_allclose(naive.accuracy, wise.accuracy)  # acts are alike: once in a herd, both stay in it
    contrary = mixed(["naive"] * 3 + [lambda s, a: 1 - s] + ["bayesian", "naive"], 0.7)[0]
    assert contrary.accuracy[3] == pytest.approx(0.3)
    assert contrary.accuracy[4] > contrary.accuracy[5]  # who knows the contrarian learns from it


@pytest.mark.parametrize("rule", ["wise", 3, lambda s, a: s + 1, lambda s, a: s[:-1]])
def test_a_rule_that_is_none_is_named(rule):
    with pytest.raises(ValueError, match="rule 1"):
        mixed(["naive", rule], 0.7)
