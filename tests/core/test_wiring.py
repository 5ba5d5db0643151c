"""Which of a game's links a channel's topology leaves, in games as they are played."""

import json
import math
import pickle

import networkx as nx
import numpy as np
import pytest
from test_kernel import second_process

import commenv
from commenv import Channel
from commenv.core.topology import links

PREY = "classic/predator_prey-v0"
DRAWN = {"name": "erdos-renyi", "p": 0.3, "each_game": True}
ONE_WAY = nx.DiGraph([(0, 1), ("predator_2", 0)])


@pytest.mark.parametrize(
    ("topology", "expected"),
    [
        ("ring", links("ring", 6)),
        ("star", links("star", 6)),
        ({"name": "grid", "rows": 2}, links("grid", 6, rows=2)),
        ({"name": "watts-strogatz", "k": 2, "p": 0.5, "seed": 3}, links("watts-strogatz", 6, k=2, p=0.5, seed=3)),
        (nx.path_graph(6), links(nx.path_graph(6))),
        (ONE_WAY, [(0, 1), (2, 0)]),
        ([(0, 1), ("predator_2", "predator_0")], [(0, 1), (2, 0)]),
    ],
    ids=str,
)
def test_a_topology_leaves_its_links(topology, expected):
    channel = Channel(bits=2, topology=topology)
    batch = commenv.make_batch(PREY, 1, predators=6, channel=channel)
    assert set(batch.meter.links) == {(f"predator_{a}", f"predator_{b}") for a, b in expected}
    stored = json.loads(json.dumps(channel.fields()))
    for same in (Channel.of(stored), Channel.of(channel.fields()), pickle.loads(pickle.dumps(channel))):
        assert same == channel
        assert hash(same) == hash(channel)


def heard(n=1, seed=1, threads=1, steps=3, **topology):
    batch = commenv.make_batch(PREY, n, seed=seed, threads=threads, channel={"bits": 1, "topology": {**DRAWN, **topology}})
    batch.reset()
    still = {name: np.tile([4, 1], (n, 1)) for name in batch.possible_agents}
    rows = []
    for _ in range(steps):
        seen = batch.step(still)[0]
        rows.append(np.concatenate([seen[name][:, batch.inbox(name)] for name in batch.possible_agents], axis=1))
    return batch, np.array(rows)


@pytest.mark.parametrize("directed", [False, True])
def test_links_are_drawn_for_each_game(directed):
    n, p, steps = 20_000, 0.3, 3
    batch, rows = heard(n, directed=directed)
    there = rows.reshape(steps, n, 3, 2, 3)[..., 1] == 1
    assert (there == there[0]).all()
    assert (np.abs(there[0].sum(axis=0) - n * p) <= 4 * math.sqrt(n * p * (1 - p))).all()
    assert rows.sum() == there.sum()  # a link that does not stand shows nothing
    assert sum(link.offered for link in batch.meter.links.values()) == there.sum()
    both = (there[0, :, 0, 0] & there[0, :, 1, 0]).sum()
    expected = n * (p * p if directed else p)
    assert abs(both - expected) <= 4 * math.sqrt(expected)


def test_a_game_alone_on_threads_and_without_the_compiler():
    _, rows = heard(8)
    np.testing.assert_array_equal(heard(8, threads=2)[1], rows)
    np.testing.assert_array_equal(heard(1, seed=6)[1][:, 0], rows[:, 5])
    code = "import sys; sys.path.insert(0, 'tests/core'); import test_wiring as t; print(json.dumps(t.heard(8)[1].tolist()))"
    assert second_process(code, NUMBA_DISABLE_JIT="1") == rows.tolist()


def test_limits_claim_nothing_of_links_that_are_gone():
    found = commenv.limits("messaging/referential-v0", bits=3, channel={"topology": DRAWN})
    assert not found.reachable.exact
    assert commenv.limits("messaging/referential-v0", bits=3).reachable.exact


def test_reach():
    batch = commenv.make_batch(PREY, 1, seed=0, bits=1, reach=1.5)
    batch.reset()
    batch.state.agents["cell"][0], batch.state.games["prey"] = [0, 6, 12], 24  # on a diagonal
    batch.step({name: np.array([[4, 1]]) for name in batch.possible_agents})
    offered = {ends for ends, link in batch.meter.links.items() if link.offered}
    assert offered == {(f"predator_{a}", f"predator_{b}") for a, b in [(0, 1), (1, 0), (1, 2), (2, 1)]}


def test_reach_of_cars():
    batch = commenv.make_batch("classic/traffic_junction-v0", 1, seed=0, bits=1, reach=2, add_rate=0)
    batch.reset()
    agents = batch.state.agents
    agents["driving"][0, :3], agents["place"][0, :3] = 1, [0, 2, 5]
    batch.state.board[0, :7], batch.state.games["cars"] = 1, 3
    batch.step({name: np.array([[1, 1]]) for name in batch.possible_agents})
    assert {ends for ends, link in batch.meter.links.items() if link.offered} == {("car_0", "car_1"), ("car_1", "car_0")}


@pytest.mark.parametrize(
    ("topology", "named"),
    [
        ("torus", "topology='torus'"),
        (7, "topology=7"),
        ({"rows": 2}, "topology="),
        ({"name": "ring", "p": 0.5}, "'p'"),
        ({"name": "grid"}, "needs rows"),
        ({"name": "grid", "rows": 2}, "rows=2"),
        ({"name": "erdos-renyi", "p": 2}, "p=2"),
        ({"name": "erdos-renyi", "p": 0.5, "directed": True}, "directed"),
        ({**DRAWN, "seed": 1}, "seed=1"),
        ({**DRAWN, "each_game": 1}, "each_game=1"),
        ([(0, 9)], "topology=9"),
        ([(0, 1.5)], "topology=(0, 1.5)"),
        ([], "leaves a link"),
    ],
    ids=str,
)
def test_bad_topologies_are_named(topology, named):
    with pytest.raises(ValueError, match=r".") as caught:
        commenv.make_batch(PREY, 1, channel={"bits": 1, "topology": topology})
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)
