"""messaging/graph_function: protocols as played over the channel's topology, what is paid, limits."""

import networkx as nx
import numpy as np
import pytest
from examples import alone

import commenv
from agents.exact.graph_function import ID, ProtocolTeam
from commenv.games.messaging.graph_function import Options
from experiments.evaluation import played

STAR = {"topology": "star"}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"function": "parity"},
        {"bits": 0},
        {"rounds": 2, "channel": STAR},
        {"rounds": 2, "bits": 2, "function": "parity", "channel": STAR},
        {"rounds": 2, "channel": {"topology": "ring"}},
        {"rounds": 2, "channel": {"topology": [(0, 1), (1, 2), (3, 2), (2, 4)]}},
    ],
    ids=str,
)
def test_protocols_are_right_as_often_as_reachable(options):
    limits, chosen = commenv.limits(ID, **options), Options(**options)
    found = played(ProtocolTeam(chosen), chosen, 10_000)
    assert abs(found.reward - limits.reachable.value) <= 4 * found.standard_error + 1e-9
    assert limits.silent.value <= limits.reachable.value <= limits.ceiling.value
    links = len(commenv.make_batch(ID, 1, **options).layout.links)
    assert found.payload_bits == pytest.approx(chosen.bits * chosen.rounds * links)


@pytest.mark.parametrize("function", ["parity", "majority"])
def test_a_team_plays_alike_through_pettingzoo(function):
    options = Options(function=function, rounds=2, channel=STAR)
    assert [alone(ProtocolTeam(options), options, seed) for seed in range(12)] == [1.0] * 12


def test_the_topology_is_the_graph():
    for topology, known in (("complete", 1.0), ("star", 0.6), ("ring", 0.5), (nx.path_graph(5), 0.5)):
        found = commenv.limits(ID, function="parity", channel={"topology": topology})
        assert found.reachable.value == found.ceiling.value == pytest.approx(known)
        assert found.reachable.exact
    drawn = commenv.limits(ID, channel={"topology": {"name": "erdos-renyi", "p": 0.5, "each_game": True}})
    assert not drawn.reachable.exact
    assert drawn.ceiling.value == 1
    assert commenv.limits(ID, channel={"error": 0.1}).reachable.value == 1
    assert commenv.limits(ID, channel={"delay": 1}).ceiling.value == commenv.limits(ID, bits=0).silent.value == 0.6875
    assert commenv.limits(ID, max_cycles=1).ceiling.value == 0


def test_answers_are_paid_by_the_share_that_is_right():
    batch = commenv.make_batch(ID, 200, seed=4, function="parity")
    batch.reset()
    bits = np.array([batch.state.agents["bit"][:, i] for i in range(5)])
    ones = {f"agent_{i}": np.ones((200, 2), int) for i in range(5)}
    batch.step(ones)
    acts = {**ones, "agent_0": np.zeros((200, 2), int)}
    _, rewards, over, _, infos = batch.step(acts)
    odd = bits.sum(axis=0) % 2
    assert over["agent_0"].all()
    assert rewards["agent_3"] == pytest.approx(np.where(odd == 1, 0.8, 0.2))
    assert (infos["agent_0"]["final_info"]["right"] == 1 - odd).all()
    assert not infos["agent_0"]["final_info"]["success"].any()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({"function": "mean"}, "function='mean'"), ({"agents": 10}, "agents=10"), ({"rounds": 0}, "rounds=0")],
)
def test_bad_options_are_named(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        commenv.make(ID, **options)


def test_protocols_go_by_what_they_hear():
    with pytest.raises(ValueError, match="noiseless"):
        ProtocolTeam(Options(channel={"erasure": 0.1}))
