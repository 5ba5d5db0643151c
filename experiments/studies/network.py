"""How well do agents on a graph learn from each other, bit for bit? Exact herds, the best graphs, and a crowd of 10,000."""

import time
from collections.abc import Sequence
from pathlib import Path

import networkx as nx
import numpy as np

from commenv.solvers.herding import before, best_graph, crowd, greedy_graph, herd
from experiments.files import Tell
from experiments.studies import Cell, Study

Q = 0.7
GRAPHS = {
    "empty": nx.empty_graph(10),
    "path": nx.path_graph(10),
    "cycle": nx.cycle_graph(10),
    "star, hub first": nx.star_graph(9),
    "grid 2 x 5": nx.convert_node_labels_to_integers(nx.grid_2d_graph(2, 5)),
    "Watts-Strogatz k = 4, p = 0": nx.watts_strogatz_graph(10, 4, 0),
    "bipartite 5 + 5": nx.complete_bipartite_graph(5, 5),
    "complete": nx.complete_graph(10),
}
WAYS = (("action", 1), ("action and signal", 2), ("posterior", 2), ("posterior", 4))
NODES, RUNS = 10_000, 1000


def study(seeds: Sequence[int], folder: Path, tell: Tell) -> Study:
    """Ten agents on eight graphs, exactly; sixteen on a complete one; few links well placed; and a crowd for every seed."""
    rows: list[list[Cell]] = []
    steps = len(GRAPHS) + 3 + len(seeds)
    for done, (name, graph) in enumerate(GRAPHS.items()):
        tell(done, steps, name)
        for message, bits in WAYS:
            found = herd(before(graph), Q, message=message, bits=bits)
            rows.append(_row(f"{name}, 10", message, bits, found.accuracy, found.last_wrong(), found.bits))
    tell(len(GRAPHS), steps, "16 agents")
    begun = time.perf_counter()
    found = herd(before(nx.complete_graph(16)), Q)
    seconds = time.perf_counter() - begun
    rows.append(_row("complete, 16", "action", 1, found.accuracy, found.last_wrong(), found.bits))
    for done, edges in enumerate((4, 8)):
        tell(len(GRAPHS) + 1 + done, steps, f"best graph of {edges} links")
        for how, design in (("best", best_graph), ("greedy", greedy_graph)):
            heard, _ = design(6, Q, edges)
            one = herd(heard, Q)
            rows.append(_row(f"{how} {edges} links, 6", "action", 1, one.accuracy, one.last_wrong(), one.bits))
    spent = []
    for done, seed in enumerate(seeds):
        tell(len(GRAPHS) + 3 + done, steps, f"crowd of seed {seed}")
        heard = before(nx.watts_strogatz_graph(NODES, 10, 0.1, seed=seed))
        begun = time.perf_counter()
        many = crowd(heard, 0.6, runs=RUNS, seed=seed)
        spent.append(time.perf_counter() - begun)
        name = f"Watts-Strogatz k = 10, p = .1, {NODES:,}, seed {seed}"
        rows.append(_row(name, "model", 1, many.accuracy, many.wrong_herds, many.bits))
    columns = [
        "graph, agents",
        "tells",
        "bits",
        "mean accuracy",
        "last agent's",
        "last wrong together",
        "bits a game",
        "gain a bit",
    ]
    notes = [
        f"Signals are right with probability {Q} (the crowd's .6). Last wrong together: the last three agents, of the crowd the "
        "last tenth. Gain a bit: mean accuracy above an agent's own signal, over bits sent in a game.",
        f"Exact for 16 agents in {seconds:.1f} s; {RUNS:,} runs of {NODES:,} agents in {max(spent):.1f} s at most, one thread.",
        "The crowd takes neighbours' acts for independent: a model, too trusting where they heard the same people.",
    ]
    return Study("Learning on graphs, bit for bit", columns, rows, notes)


def _row(graph: str, message: str, bits: int, accuracy: np.ndarray, wrong: float, sent: float) -> list[Cell]:
    mean = float(accuracy.mean())
    own = 0.6 if message == "model" else Q
    return [graph, message, bits, mean, float(accuracy[-1]), wrong, sent, (mean - own) / sent if sent else None]
