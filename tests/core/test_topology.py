"""Links from graphs, by name and by networkx, fixed and drawn for each game."""

import math
import subprocess
import sys

import networkx as nx
import numpy as np
import pytest
from examples import digest, heard, random_actions, trajectory

import commenv
from commenv.core.topology import links
from commenv.games import CATALOGUE


@pytest.fixture(autouse=True)
def roaming(monkeypatch):
    monkeypatch.setitem(CATALOGUE, "tests/roaming-v0", "roaming")


def edges(graph: nx.Graph) -> set:
    return {(a, b) for a, b in graph.to_directed().edges if a != b}


@pytest.mark.parametrize(
    ("topology", "graph"),
    [
        (("complete", 5, {}), nx.complete_graph(5)),
        (("complete", 1, {}), nx.complete_graph(1)),
        (("ring", 5, {}), nx.cycle_graph(5)),
        (("ring", 2, {}), nx.path_graph(2)),
        (("ring", 1, {}), nx.complete_graph(1)),
        (("star", 5, {}), nx.star_graph(4)),
        (("grid", 6, {"rows": 2}), nx.convert_node_labels_to_integers(nx.grid_2d_graph(2, 3))),
        (("grid", 6, {"rows": 6}), nx.path_graph(6)),
        (("erdos-renyi", 9, {"p": 0.3, "seed": 4}), nx.gnp_random_graph(9, 0.3, seed=4)),
        (("erdos-renyi", 9, {"p": 1}), nx.complete_graph(9)),
        (("watts-strogatz", 9, {"k": 4, "p": 0.5, "seed": 4}), nx.watts_strogatz_graph(9, 4, 0.5, seed=4)),
    ],
    ids=str,
)
def test_topologies_by_name_are_networkx_s(topology, graph):
    name, n, options = topology
    found = links(name, n, **options)
    assert set(found) == edges(graph)
    assert list(found) == sorted(found)
    assert found == links(name, n, **options)


def test_any_graph():
    directed = nx.DiGraph([(0, 1), (2, 0), (1, 1)])
    assert links(directed) == links(directed, 3) == ((0, 1), (2, 0))
    named = nx.Graph([("ann", "bob")])
    named.add_node("cid")
    assert links(named, names=["bob", "cid", "ann"]) == ((0, 2), (2, 0))
    assert links(nx.MultiGraph([(0, 1), (1, 0)])) == ((0, 1), (1, 0))


@pytest.mark.parametrize(
    ("arguments", "options", "named"),
    [
        (("torus", 4), {}, "topology='torus'"),
        ((7, 4), {}, "topology=7"),
        (("ring",), {}, "n=None"),
        (("ring", 0), {}, "n=0"),
        (("ring", 4), {"p": 0.5}, "'p'"),
        (("grid", 4), {}, "needs rows"),
        (("grid", 4), {"rows": 3}, "rows=3"),
        (("erdos-renyi", 4), {}, "needs p"),
        (("erdos-renyi", 4), {"p": 2}, "p=2"),
        (("erdos-renyi", 4), {"p": 0.5, "seed": -1}, "seed=-1"),
        (("watts-strogatz", 4), {"k": 4, "p": 0.5}, "k=4"),
        (("watts-strogatz", 9), {"k": 3, "p": 0.5}, "k=3"),
        ((nx.path_graph(3), 4), {}, "not the agents"),
        ((nx.Graph([("a", "b")]),), {}, "not the agents"),
        ((nx.Graph([("a", 0)]),), {"names": ["a", "b"]}, "not the agents"),
        ((nx.path_graph(3),), {"p": 0.5}, "no p"),
    ],
)
def test_bad_topologies_are_named(arguments, options, named):
    with pytest.raises(ValueError, match=r".") as caught:
        links(*arguments, **options)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_networkx_is_loaded_only_when_used():
    code = "import sys; from commenv.core.topology import links; links('grid', 6, rows=2); print('networkx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"


@pytest.mark.parametrize("directed", [False, True])
def test_edges_are_drawn_for_each_game(directed):
    """Each with its probability, all by themselves; the links that carry anything are of the mask."""
    n, p, reach = 20_000, 0.3, 0.5
    batch = commenv.make_batch("tests/roaming-v0", n, seed=1, bits=1, edge=p, reach=reach, directed=directed)
    batch.reset()
    mask = batch.state.board.reshape(n, 5, 5).copy()
    observations, *_ = batch.step({name: np.ones(n, int) for name in batch.possible_agents})
    for name in batch.possible_agents:
        inbox = observations[name][:, batch.inbox(name)].reshape(n, 4, 3)
        for k, (source, target) in enumerate(batch.heard_by(name)):
            carried = heard(inbox[:, k]) == 1
            assert not (carried & (mask[:, source, target] == 0)).any()
            assert batch.meter.links[f"player_{source}", f"player_{target}"].offered == carried.sum()
    off = ~np.eye(5, dtype=bool)
    assert (mask[:, ~off] == 0).all()
    assert (np.abs(mask.sum(axis=0)[off] - n * p) <= 4 * math.sqrt(n * p * (1 - p))).all()
    both = (mask & mask.transpose(0, 2, 1)).sum(axis=0)[off]
    expected = n * (p * p if directed else p)
    assert (np.abs(both - expected) <= 4 * math.sqrt(expected)).all()


def test_reach():
    """The rule reads positions as the step leaves them, as a message is heard where the listener then stands."""
    n = 5_000
    batch = commenv.make_batch("tests/roaming-v0", n, seed=2, bits=1, edge=1.0, reach=0.4)
    batch.reset()
    for _ in range(3):
        observations, *_ = batch.step({name: np.ones(n, int) for name in batch.possible_agents})
        x, y = batch.state.agents["x"], batch.state.agents["y"]
        for name in batch.possible_agents:
            inbox = observations[name][:, batch.inbox(name)].reshape(n, 4, 3)
            for k, (source, target) in enumerate(batch.heard_by(name)):
                near = (x[:, source] - x[:, target]) ** 2 + (y[:, source] - y[:, target]) ** 2 <= 0.4 * 0.4
                np.testing.assert_array_equal(heard(inbox[:, k]) == 1, near)


def test_a_game_alone_has_the_same_edges():
    together = commenv.make_batch("tests/roaming-v0", 6, seed=1, channel={"bits": 2, "delay": (0, 2), "winners": 2})
    alone = commenv.make_batch("tests/roaming-v0", 1, seed=4, channel={"bits": 2, "delay": (0, 2), "winners": 2})
    actions = random_actions(together, 15)
    for one, other in zip(
        trajectory(together, actions), trajectory(alone, [{k: v[3:4] for k, v in a.items()} for a in actions]), strict=True
    ):
        ours, theirs = (step[0] if isinstance(step, tuple) else step for step in (one, other))
        assert digest({k: v[3:4] for k, v in ours.items()}) == digest(theirs)
