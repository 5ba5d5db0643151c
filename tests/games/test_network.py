"""social/network: Bayesians play as they are enumerated, over links that hold what they carried."""

import math

import networkx as nx
import numpy as np
import pytest

import commenv
from agents.exact.network import ID, Bayesians
from commenv.games.social.network import Options
from commenv.solvers.herding import before, herd
from experiments.evaluation import played


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bits": 0},
        {"graph": "watts_strogatz", "bits": 2},
        {"graph": "grid", "agents": 6, "bits": 3, "prior": 0.6},
        {"graph": [(0, 3), (1, 3), (2, 3)], "agents": 5, "reward": "own"},
    ],
    ids=str,
)
def test_bayesians_earn_what_was_enumerated(options):
    chosen = Options(**options)
    limits = commenv.limits(ID, **options)
    assert limits.silent.value <= limits.reachable.value + 1e-12 <= limits.ceiling.value + 2e-12
    team = Bayesians(chosen)
    found = played(team, chosen, 20_000)
    assert abs(found.reward - limits.reachable.value) < 4 * found.standard_error
    assert found.payload_bits == pytest.approx(chosen.link.rate * sum(map(len, chosen.heard)))


@pytest.mark.parametrize(
    ("graph", "drawn"),
    [
        ("complete", nx.complete_graph(10)),
        ("path", nx.path_graph(10)),
        ("cycle", nx.cycle_graph(10)),
        ("star", nx.star_graph(9)),
        ("grid", nx.convert_node_labels_to_integers(nx.grid_2d_graph(2, 5))),
        ("watts_strogatz", nx.watts_strogatz_graph(10, 4, 0)),
    ],
)
def test_graphs_are_networkx_s(graph, drawn):
    assert Options(agents=10, graph=graph).heard == before(drawn)
    assert Options(agents=10, graph=tuple(drawn.edges)).heard == before(drawn)


@pytest.mark.parametrize(("message", "accuracy"), [("action", 0.79553972), ("action and signal", 0.81921507)])
def test_published_accuracies_are_of_bayesians_who_tell_what_they_did(message, accuracy):
    options = Options(agents=10)
    assert herd(options.heard, 0.7, message=message).accuracy.mean() == pytest.approx(accuracy, abs=5e-9)
    assert commenv.limits(ID, agents=10, bits=2).reachable.value >= accuracy - 5e-9


def test_on_the_complete_graph_a_bit_tells_all_where_an_act_would_not():
    """Agents who learned taught us: an act carries what its agent concluded, a bit beside it what it saw."""
    found = commenv.limits(ID, agents=10, bits=1)
    majority = [binomial_majority(t, 0.7) for t in range(1, 11)]
    assert found.reachable.exact
    assert found.ceiling.exact
    assert found.reachable.value == pytest.approx(np.mean(majority), abs=1e-12)


def binomial_majority(t, q):
    """P(most of t signals are right), ties by a coin."""
    return sum(math.comb(t, k) * q**k * (1 - q) ** (t - k) * (1 if 2 * k > t else 0.5) for k in range((t + 1) // 2, t + 1))


def test_a_narrow_or_noisy_channel_is_refused():
    with pytest.raises(ValueError, match="needs 4 messages, and the channel has 2"):
        Bayesians(Options(bits=1), {"message": "action and signal"})
    with pytest.raises(ValueError, match="noiseless"):
        Bayesians(Options(channel={"error": 0.1}))


def test_links_hold():
    batch = commenv.make_batch(ID, 8, seed=0, agents=3)
    batch.reset()
    say = {name: np.tile([0, 1], (8, 1)) for name in ("agent_0", "agent_1")} | {"agent_2": np.zeros(8, int)}
    batch.step(say)
    seen, *_ = batch.step({**say, "agent_1": np.zeros((8, 2), int)})
    np.testing.assert_array_equal(seen["agent_2"][:, 2:], np.tile([0, 1, 0, 1, 0, 0], (8, 1)))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"agents": 1}, "agents=1"),
        ({"graph": "moebius"}, "graph='moebius'"),
        ({"graph": [(0, 0)]}, "an edge"),
        ({"graph": [(0, 9)]}, "an agent of an edge=9"),
        ({"graph": "watts_strogatz", "agents": 4}, "agents=4"),
        ({"precision": 0.2}, "precision"),
        ({"reward": "none"}, "reward"),
        ({"prior": 1.0}, "prior"),
    ],
)
def test_bad_options_are_named(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        commenv.make(ID, **wrong)


def test_herd_says_what_it_does():
    found = herd([[], [0]], 0.7, message="action and signal")
    np.testing.assert_array_equal(found.said, 2 * found.actions + found.signals)
