"""Rules for informed senders: printed optima, brute force, and properties on random instances."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commenv.solvers.senders import (
    best_code,
    best_responses,
    earns,
    gains,
    informed,
    optimal,
    truthful,
    two_experts,
    without,
    worth,
)

TWO = (2, 2)


def random_table(rng, signals=TWO, states=3, actions=3):
    law = rng.dirichlet(np.ones(int(np.prod(signals))), size=states).reshape(states, *signals)
    return worth(rng.dirichlet(np.ones(states)), law, rng.uniform(0, 1, (1 + len(signals), actions, states)))


# After Cacciamani, Castiglioni, Gatti (2023): two experts of accuracy .8, by bias.
@pytest.mark.parametrize(("bias", "value"), [(0, 0.3), (0.5, 0.373846153846), (1, 0.69), (2, 0.696)])
def test_two_experts(bias, value):
    table = worth(*two_experts(0.8, bias))
    assert optimal(table, TWO).value == pytest.approx(value, rel=1e-9, abs=5e-13)
    assert (without(table), informed(table)) == (pytest.approx(0.3), pytest.approx(0.696))


def test_an_enemy_and_a_friend():
    """Whoever wants the opposite tells nothing; the friend's one signal is worth 2 * .8 - 1."""
    prior, kernel, utilities = two_experts(0.8, 0.5)
    table = worth(prior, kernel, np.stack([utilities[0], -utilities[0], utilities[0]]))
    assert optimal(table, TWO).value == pytest.approx(0.6, rel=1e-9)


@given(st.integers(0, 2**32 - 1), st.sampled_from([(2,), (3,), (2, 2), (2, 3)]))
@settings(max_examples=20)
def test_the_best_rule_tempts_nobody_and_lies_between(seed, signals):
    table = random_table(np.random.default_rng(seed), signals)
    rule = optimal(table, signals)
    assert without(table) - 1e-9 <= rule.value <= informed(table) + 1e-9
    assert gains(table, signals, rule.policy).max(initial=0) < 1e-7
    earned = earns(table, signals, rule.policy, signals, truthful(signals))
    assert earned[0] == pytest.approx(rule.value, abs=1e-7)
    best = best_responses(table, signals, rule.policy, signals, truthful(signals))
    assert (best - earned[1:]).max() < 1e-6


def test_no_rule_of_a_grid_is_better():
    """One sender, two signals, two actions: every rule in steps of a hundredth."""
    rng = np.random.default_rng(4)
    for _ in range(5):
        table = random_table(rng, (2,), actions=2)
        # gains are linear in the policy: what each entry of it adds
        adds = np.array([gains(table, (2,), entry.reshape(2, 2)) for entry in np.eye(4)])
        p, q = (mixed.ravel() for mixed in np.meshgrid(np.linspace(0, 1, 101), np.linspace(0, 1, 101)))
        policies = np.column_stack([p, 1 - p, q, 1 - q])
        fair = (policies @ adds).max(axis=1) <= 1e-12
        best = float((policies[fair] @ table[0].ravel()).max())
        found = optimal(table, (2,)).value
        assert best - 1e-9 <= found < best + 0.02


def test_temptations_are_what_lies_gain():
    rng = np.random.default_rng(0)
    table, policy = random_table(rng, (2, 3)), rng.dirichlet(np.ones(3), size=6)
    rows = iter(gains(table, (2, 3), policy))
    true = truthful((2, 3))
    for i, S in enumerate((2, 3)):
        for s, m in itertools.product(range(S), repeat=2):
            if s != m:
                lie = [list(code) for code in true]
                lie[i][s] = m
                before, after = (earns(table, (2, 3), policy, (2, 3), said)[1 + i] for said in (true, lie))
                assert next(rows) == pytest.approx(after - before, abs=1e-12)


def test_slack_buys_reward_and_margin_costs_it():
    table = worth(*two_experts(0.8, 0.5))
    values = [optimal(table, TWO, slack=slack).value for slack in (-0.02, 0, 0.02, 0.1, 1)]
    assert np.diff(values).min() > 0
    assert values[-1] == pytest.approx(0.696)
    mass = [np.full(2, 0.5)] * 2
    kept, _ = best_code(table, TWO, 2, margin=0.04, mass=mass)
    assert kept.value == pytest.approx(values[0])  # .04 for who has seen a signal that comes up half the time
    with pytest.raises(ValueError, match="margin"):
        best_code(table, TWO, 2, margin=1, mass=mass)


def test_few_messages():
    """A friend of three signals with two messages names two of them, and by brute force over all codes nothing is better."""
    prior, kernel = [0.5, 0.3, 0.2], 0.7 * np.eye(3) + 0.1
    table = worth(prior, kernel, [np.eye(3), np.eye(3)])
    values = []
    for messages in (1, 2, 3, 4):
        rule, exact = best_code(table, (3,), messages)
        assert exact
        values.append(rule.value)
    every = [
        table[0][[s for s in range(3) if code[s] == 0]].sum(axis=0).max(initial=0)
        + table[0][[s for s in range(3) if code[s] == 1]].sum(axis=0).max(initial=0)
        for code in itertools.product(range(2), repeat=3)
    ]
    assert values == pytest.approx([0.5, max(every), informed(table), informed(table)])
    assert not best_code(random_table(np.random.default_rng(0), (3, 3)), (3, 3), 2)[1]


def test_tables_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="kernel has shape"):
        worth([0.5, 0.5], np.ones((3, 1)), np.ones((2, 2, 2)))
    with pytest.raises(ValueError, match="utilities of shape"):
        worth([0.5, 0.5], np.ones((2, 1)), np.ones((3, 2, 2)))
    table = random_table(np.random.default_rng(0), (8,))
    policy = optimal(table, (8,)).policy
    with pytest.raises(ValueError, match="too many to try"):
        best_responses(table, (8,), policy, (8,), truthful((8,)))
