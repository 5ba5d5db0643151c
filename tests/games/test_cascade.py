"""social/cascade: play earns what the chain says, signals stay private, acts are public."""

import numpy as np
import pytest

import commenv
from agents.exact.cascade import ID, Row
from commenv.games.social.cascade import Options
from commenv.solvers.cascade import cascade
from experiments.evaluation import played


@pytest.mark.parametrize(
    "options", [{}, {"precision": 0.6, "prior": 0.55, "agents": 5}, {"agents": 4, "reward": "team"}], ids=str
)
def test_bayesians_earn_what_the_chain_says(options):
    chosen = Options(**options)
    found = played(Row(chosen), chosen, 20_000)
    chain = cascade(chosen.agents, chosen.precision, prior=chosen.prior).accuracy.mean()
    assert abs(found.reward - chain) < 4 * found.standard_error
    assert found.success == pytest.approx(found.reward)
    limits = commenv.limits(ID, **options)
    assert limits.silent.value <= chain <= limits.reachable.value + 1e-12 <= limits.ceiling.value + 2e-12


def test_the_best_team_attains_its_limit():
    """Of three agents the first two follow their signals, and the third the majority."""
    chosen = Options(agents=3, reward="team")
    own, most = (lambda s, a: s), (lambda s, a: (a.sum(axis=1) + s >= 2).astype(int))
    found = played(Row(chosen, [own, own, most]), chosen, 20_000)
    assert abs(found.reward - commenv.limits(ID, agents=3, reward="team").reachable.value) < 4 * found.standard_error


def test_mixed_rows_play_as_enumerated():
    chosen = Options(agents=5)
    row = Row(chosen, ["naive", "bayesian", lambda s, a: 1 - s, "bayesian", "naive"])
    found = played(row, chosen, 20_000)
    assert abs(found.reward - row.herd.accuracy.mean()) < 4 * found.standard_error


def test_acts_are_seen_and_signals_are_not():
    batch = commenv.make_batch(ID, 64, seed=0, agents=3)
    before = batch.reset()
    signals = batch.state.agents["signal"].copy()
    for i in range(3):
        np.testing.assert_array_equal(before[f"agent_{i}"][:, :2].argmax(axis=1), signals[:, i])
        assert not before[f"agent_{i}"][:, 2:].any()
    acts = np.arange(64) % 2
    after, *_ = batch.step({"agent_0": acts, "agent_1": np.zeros(64, int), "agent_2": np.zeros(64, int)})
    for i in range(3):
        np.testing.assert_array_equal(after[f"agent_{i}"][:, 2:4], np.eye(2)[acts])
        assert not after[f"agent_{i}"][:, 4:].any()


@pytest.mark.parametrize(
    "wrong", [{"agents": 0}, {"precision": 0.3}, {"prior": 1}, {"reward": "all"}, {"precision": float("nan")}], ids=str
)
def test_bad_options_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        commenv.make(ID, **wrong)


def test_rules_must_fit():
    with pytest.raises(ValueError, match="2 rules do not fit 8 agents"):
        Row(Options(), ["naive", "naive"])
