"""Functions of many bits on a graph: what can be known, against all protocols of small teams."""

from itertools import product

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commenv.solvers import spreading

PATH = [(0, 1), (1, 0), (1, 2), (2, 1)]


def in_order(links):
    return sorted(links, key=lambda link: (link[1], link[0]))


@pytest.mark.parametrize("function", spreading.FUNCTIONS)
@pytest.mark.parametrize("agents", [2, 4, 5])
def test_what_one_guesses_who_knows_some_bits(function, agents):
    every, wanted = spreading.words(agents), spreading.values(function, agents)
    for known in range(agents + 1):
        classes = every[:, :known] @ 2 ** np.arange(known)
        right = sum(np.bincount(wanted[classes == c]).max() for c in np.unique(classes)) / len(every)
        assert spreading.guessed(function, agents, known) == pytest.approx(right)


@pytest.mark.parametrize("function", spreading.FUNCTIONS)
def test_one_round_of_a_bit_on_a_path_is_the_best_of_all(function):
    """Who says what of its one bit, 4 ways each, all tried: with the best answers no protocol of one round is better."""
    every, wanted = spreading.words(3), spreading.values(function, 3)
    best = 0.0
    for said in product(product((0, 1), repeat=2), repeat=3):
        right = 0.0
        for i in range(3):
            heard = [every[:, i]] + [np.array(said[a])[every[:, a]] for a, b in PATH if b == i]
            classes = np.unique(np.stack(heard), axis=1, return_inverse=True)[1].ravel()
            right += sum(np.bincount(wanted[classes == c]).max() for c in np.unique(classes)) / 24
        best = max(best, right)
    assert spreading.best_found(function, 3, in_order(PATH), 1, 1).value == pytest.approx(best)


@settings(max_examples=20, deadline=None)
@given(
    agents=st.integers(2, 6),
    edges=st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5))),
    rounds=st.integers(1, 3),
    function=st.sampled_from(spreading.FUNCTIONS),
)
def test_nobody_knows_what_cannot_have_come(agents, edges, rounds, function):
    links = in_order({(a % agents, b % agents) for a, b in edges if a % agents != b % agents})
    graph = nx.DiGraph(links)
    graph.add_nodes_from(range(agents))
    known = spreading.reached(agents, links, rounds)
    for i in range(agents):
        assert known[i] == len(nx.single_source_shortest_path_length(graph.reverse(), i, cutoff=rounds))
    most = np.mean([spreading.guessed(function, agents, k) for k in known])
    found = spreading.best_found(function, agents, links, rounds, 1)
    assert spreading.guessed(function, agents, 1) - 1e-12 <= found.value <= most + 1e-12


@pytest.mark.parametrize(
    ("function", "graph", "rounds", "value"),
    [
        ("parity", nx.complete_graph(6), 1, 1.0),
        ("majority", nx.complete_graph(5), 1, 1.0),
        ("parity", nx.star_graph(4), 1, 0.6),  # the hub alone knows: (1 + 4 / 2) / 5
        ("parity", nx.star_graph(4), 2, 1.0),
        ("majority", nx.star_graph(4), 2, 1.0),
        ("parity", nx.cycle_graph(5), 2, 1.0),
        ("majority", nx.cycle_graph(5), 2, 1.0),
        ("parity", nx.cycle_graph(5), 1, 0.5),
        ("parity", nx.path_graph(4), 3, 1.0),
    ],
)
def test_what_a_bit_a_message_comes_to(function, graph, rounds, value):
    links = in_order([*graph.edges, *((b, a) for a, b in graph.edges)])
    assert spreading.best_found(function, len(graph), links, rounds, 1).value == pytest.approx(value)


def test_too_many_agents_are_refused():
    with pytest.raises(ValueError, match="agents=10"):
        spreading.words(10)
    with pytest.raises(ValueError, match="function='mean'"):
        spreading.values("mean", 3)
