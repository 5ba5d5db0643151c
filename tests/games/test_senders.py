"""The game of senders against its program: what it earns, what it shows, what its limits say."""

import numpy as np
import pytest
from examples import SENDERS

import commenv
from agents.exact.senders import Panel
from commenv.core.game import choose
from commenv.games import rules
from commenv.games.acquisition.senders import Options
from commenv.solvers import senders as theory
from experiments.evaluation import evaluate

GAMES = 20_000
ONE = {
    "prior": [0.5, 0.3, 0.2],
    "kernel": [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]],
    "utilities": [np.eye(3).tolist(), np.eye(3).tolist()],
}
"""A single sender of three signals, who wants what the receiver wants."""


def options(**given) -> Options:
    found = choose(rules(SENDERS), given)
    assert isinstance(found, Options)
    return found


@pytest.mark.parametrize(
    "given",
    [{}, {"bias": 0.5}, {"bits": 0}, {"commitment": "none", "bits": 2}, {"margin": 0.05, "bias": 1.5}, {**ONE, "bits": 1}, ONE],
    ids=lambda given: ", ".join(f"{k}={v}" for k, v in given.items() if k in ("bias", "bits", "commitment")) or "default",
)
def test_truth_earns_the_receiver_what_the_program_promises(given):
    chosen = options(**given)
    found = evaluate(Panel(chosen), games=GAMES)
    assert abs(found["reward"] - chosen.committed().value) < 4 * found["standard_error"] + 1e-9
    assert found["silent"] - 1e-9 <= found["reachable"] <= found["ceiling"] + 1e-9


def test_any_reports_under_any_rule_earn_what_theory_says():
    rng = np.random.default_rng(1)
    policy = rng.dirichlet(np.ones(3), size=4)
    chosen = options(commitment=policy.tolist())
    said = [rng.integers(2, size=2) for _ in range(2)]
    batch = commenv.make_batch(SENDERS, GAMES, seed=2, commitment=policy.tolist())
    seen, nothing = batch.reset(), np.zeros(GAMES, int)
    acts = {f"sender_{i}": said[i][seen[f"sender_{i}"][:, 3].astype(int)] for i in range(2)} | {"receiver": nothing}
    batch.step(acts)
    _, rewards, over, *_ = batch.step(dict.fromkeys(acts, nothing))
    assert over["receiver"].all()
    expected = theory.earns(chosen.worth, (2, 2), policy, (2, 2), said)
    for name, value in zip(("receiver", "sender_0", "sender_1"), expected, strict=True):
        assert abs(rewards[name].mean() - value) < 4 * rewards[name].std() / GAMES**0.5, name


def test_a_receiver_without_commitment_acts_for_itself():
    env = commenv.make(SENDERS, commitment="none")
    seen, _ = env.reset(seed=0)
    assert env.action_space("receiver").n == 3
    seen, *_ = env.step({"sender_0": 1, "sender_1": 0, "receiver": 0})
    assert seen["receiver"].tolist() == [0, 1, 0, 1, 0, 1, 0, 0]
    _, rewards, *_ = env.step({"sender_0": 0, "sender_1": 0, "receiver": 2})
    assert rewards == {"sender_0": 0.5, "sender_1": 0.5, "receiver": 0.3}
    assert commenv.make(SENDERS).action_space("receiver").n == 1


def test_limits():
    """The printed optima; with no bias nothing can be learned, with much everything (Cacciamani, Castiglioni, Gatti 2023)."""
    for bias, value in ((0, 0.3), (0.5, 0.373846153846), (1, 0.69), (2, 0.696)):
        found = commenv.limits(SENDERS, bias=bias)
        assert found.reachable.value == pytest.approx(value, rel=1e-9)
        assert found.reachable.exact
        assert (found.silent.value, found.ceiling.value) == (pytest.approx(0.3), pytest.approx(0.696))
    talk = commenv.limits(SENDERS, commitment="none")
    assert talk.reachable.value == pytest.approx(0.69)
    assert not talk.reachable.exact
    found = [commenv.limits(SENDERS, **ONE, bits=bits).reachable for bits in (0, 1, 2)]
    assert [limit.value for limit in found] == pytest.approx([0.5, 0.5 * 0.9 + 0.3 * 0.8, 0.8])  # 1 bit: signal 1 or not
    assert all(limit.exact for limit in found)
    assert commenv.limits(SENDERS, max_cycles=1).ceiling.value == 0


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"accuracy": 0.4}, "accuracy=0.4"),
        ({"bias": -1}, "bias=-1"),
        ({"commitment": "some"}, "commitment='some'"),
        ({"commitment": [[1, 0, 0]]}, r"shape \(4, 3\)"),
        ({"commitment": [[2, -1, 0]] * 4}, "commitment="),
        ({"channel": {"error": 0.1}}, "committed receiver"),
        ({"prior": [1.0]}, "prior alone"),
        ({**ONE, "bias": 0.5}, "accuracy and bias"),
        ({**ONE, "utilities": [np.eye(3).tolist()]}, "utilities of shape"),
        ({**ONE, "kernel": [[1.0]]}, "kernel has shape"),
        ({**ONE, "kernel": [[0.5], [0.5], [0.5]]}, "sum to 1"),
    ],
    ids=str,
)
def test_bad_options_are_named(given, says):
    with pytest.raises(ValueError, match=says):
        options(**given)


def test_a_margin_that_no_rule_has_is_refused():
    with pytest.raises(ValueError, match="margin"):
        commenv.make(SENDERS, bias=0.0, margin=0.1)
    with pytest.raises(ValueError, match="without noise"):
        Panel(options(commitment="none", channel={"error": 0.1}))
