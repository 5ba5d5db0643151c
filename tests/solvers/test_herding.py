"""Herding on graphs: known accuracies, every possible graph of few agents, and a crowd held against exact agents."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commenv.info import mutual_information
from commenv.solvers.cascade import cascade
from commenv.solvers.herding import all_told, before, best_graph, crowd, greedy_graph, herd

GRAPHS = {
    "complete": nx.complete_graph(10),
    "path": nx.path_graph(10),
    "empty": nx.empty_graph(10),
    "cycle": nx.cycle_graph(10),
    "star, hub first": nx.star_graph(9),
    "watts_strogatz": nx.watts_strogatz_graph(10, 4, 0),
    "grid": nx.convert_node_labels_to_integers(nx.grid_2d_graph(2, 5)),
    "bipartite": nx.complete_bipartite_graph(5, 5),
}
ACTION, BOTH = "action", "action and signal"


@pytest.mark.parametrize(
    ("graph", "messages", "mean", "last", "astray"),
    [
        ("complete", [ACTION], 0.79553972, 0.84032099, 0.15174418),
        ("complete", [BOTH], 0.81921507, 0.90119134, 0.04122284),
        *((name, [ACTION, BOTH, "nothing"], 0.7, 0.7, 0.027) for name in ("path", "empty", "star, hub first")),
        ("cycle", [ACTION, BOTH], 0.7084, 0.784, 0.0459),
        ("watts_strogatz", [ACTION], 0.78163358, 0.82824465, 0.13798842),
        ("watts_strogatz", [BOTH], 0.81153144, 0.89263418, 0.08298346),
        ("grid", [ACTION, BOTH], 0.74776986, 0.84032099, 0.04700527),
        ("bipartite", [ACTION, BOTH], 0.76846000, 0.83692, 0.042687),
    ],
)
def test_known_herds(graph, messages, mean, last, astray):
    for message in messages:
        found = herd(before(GRAPHS[graph]), 0.7, message=message)
        assert found.accuracy.mean() == pytest.approx(mean, abs=5e-9)
        assert found.accuracy[-1] == pytest.approx(last, abs=5e-9)
        assert found.last_wrong(3) == pytest.approx(astray, abs=5e-9)


@pytest.mark.parametrize("message", [ACTION, BOTH])
def test_a_hub_that_acts_last(message):
    found = herd(before(nx.star_graph(9), [*range(1, 10), 0]), 0.7, message=message)
    assert found.accuracy.mean() == pytest.approx(0.72011913, abs=5e-9)
    assert found.accuracy[-1] == pytest.approx(0.90119134, abs=5e-9)
    assert found.last_wrong() == pytest.approx(0.026046, abs=5e-7)
    assert found.bits == 9 * (1 if message == ACTION else 2)


def test_all_signals_told():
    known = [0.7, 0.7, 0.784, 0.784, 0.83692, 0.83692, 0.873964, 0.873964, 0.90119134, 0.90119134]
    np.testing.assert_allclose(all_told(10, 0.7), known, atol=5e-9)


@pytest.mark.parametrize(("q", "prior"), [(0.7, 0.5), (0.6, 0.55), (0.8, 0.3)])
def test_who_sees_all_is_in_a_cascade(q, prior):
    found = herd(before(nx.complete_graph(7)), q, prior=prior)
    np.testing.assert_allclose(found.accuracy, cascade(7, q, prior=prior).accuracy, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**10 - 1), st.floats(0.51, 0.99), st.sampled_from([ACTION, BOTH, "posterior"]))
def test_nobody_beats_who_is_told_all_and_nobody_is_worse_than_alone(mask, q, message):
    pairs = [(i, j) for i in range(5) for j in range(i)]
    heard = [[j for k, (a, j) in enumerate(pairs) if a == i and mask >> k & 1] for i in range(5)]
    found = herd(heard, q, message=message)
    assert (found.accuracy <= all_told(5, q) + 1e-9).all()
    assert (found.accuracy >= q - 1e-9).all()
    assert found.joint.sum() == pytest.approx(1)
    history = found.actions @ (2 ** np.arange(5))
    joint = np.stack([np.bincount(history, row, 32) for row in found.joint])
    assert found.information().sum() == pytest.approx(mutual_information(joint), abs=1e-9)  # the chain rule


def test_the_last_agent_against_bayes_written_out():
    """Agent 2 hears 1, who hears 0; every row of signals weighed by hand."""
    q = 0.7
    found = herd([[], [0], [1]], q)
    for row, (a, b, c) in enumerate(found.signals):
        first = a
        weight = {w: (q if b == w else 1 - q) * (q if first == w else 1 - q) for w in (0, 1)}
        second = b if abs(weight[0] - weight[1]) < 1e-12 else int(weight[1] > weight[0])
        assert found.actions[row, :2].tolist() == [first, second]
        # Of an indifferent agent that follows its own signal the act tells its signal, and nothing of what it heard.
        told = {w: (q if c == w else 1 - q) * (q if second == w else 1 - q) for w in (0, 1)}
        assert found.actions[row, 2] == (c if abs(told[0] - told[1]) < 1e-12 else int(told[1] > told[0]))


def test_the_best_graph_of_all():
    for edges in (0, 2, 3):
        heard, value = best_graph(4, 0.7, edges)
        pairs = [(i, j) for i in range(4) for j in range(i)]
        tried = []
        for mask in range(2 ** len(pairs)):
            if mask.bit_count() <= edges:
                graph = [[j for k, (a, j) in enumerate(pairs) if a == i and mask >> k & 1] for i in range(4)]
                tried.append(herd(graph, 0.7).accuracy.mean())
        assert value == pytest.approx(max(tried), abs=1e-12)
        assert sum(map(len, heard)) <= edges
        assert herd(heard, 0.7).accuracy.mean() == pytest.approx(value, abs=1e-12)
        assert 0.7 - 1e-12 <= greedy_graph(4, 0.7, edges)[1] <= value + 1e-12


def test_a_crowd_is_exact_where_neighbours_are_independent():
    hub = [[] for _ in range(9)] + [list(range(9))]
    found = crowd(hub, 0.7, runs=20_000)
    exact = herd(hub, 0.7).accuracy
    assert np.abs(found.accuracy - exact).max() < 4.5 * np.sqrt(0.25 / 20_000)
    np.testing.assert_array_equal(crowd(hub, 0.7, runs=50, seed=3).accuracy, crowd(hub, 0.7, runs=50, seed=3).accuracy)


def test_a_crowd_trusts_too_much_where_they_are_not():
    """Against exact agents on a complete graph: no better on the mean, and oftener astray."""
    heard = before(nx.complete_graph(12))
    model, exact = crowd(heard, 0.7, runs=20_000), herd(heard, 0.7)
    assert model.accuracy.mean() < exact.accuracy.mean() + 4 * model.standard_error


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: herd([[1], []], 0.7), "whom agent 0 hears"),
        (lambda: herd([[]] * 21, 0.7), "agents=21"),
        (lambda: herd([[]], 0.3), "precision=0.3"),
        (lambda: herd([[]], 0.7, message="all"), "message='all'"),
        (lambda: herd([[]], 0.7, prior=0), "prior"),
        (lambda: crowd([[], [1]], 0.7), "whom agent 1 hears"),
        (lambda: crowd([[]], 1.0), "precision=1.0"),
        (lambda: before(nx.path_graph(3), [0, 1]), "order"),
        (lambda: best_graph(8, 0.7, 3), "n=8"),
    ],
)
def test_bad_input_is_named(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
