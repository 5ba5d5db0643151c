"""Herding on a graph: agents act one after another, each on a private signal and on what its neighbours tell of themselves.

Exact for few agents, who are fully rational: they know the graph, the order and each other. For many there is a model, `crowd`.
After Bikhchandani, Hirshleifer, Welch (1992); on networks Acemoglu, Dahleh, Lobel, Ozdaglar (2011), Bayesian learning in social
networks.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numba import njit

from commenv.core.errors import bad, number, whole

Array = np.ndarray
Heard = Sequence[Sequence[int]]

MOST = 20
"""Agents beyond which not all rows of signals are listed: they are 2**20."""
SAME = 1e-9
"""Log-likelihood ratios, in nats, that differ by less are taken for equal."""
KINDS = ("nothing", "action", "signal", "action and signal", "posterior")
DESIGNED = 7
"""Agents beyond which not all graphs are tried."""


def before(graph: Any, order: Sequence[Any] | None = None) -> list[list[int]]:
    """Whom each agent hears, by place in the order: its neighbours, in a directed graph its predecessors, who acted earlier.

    graph: of networkx. order: all its nodes; None: as the graph lists them. Raises ValueError for another order.
    """
    nodes = list(graph.nodes if order is None else order)
    if len(nodes) != len(graph) or set(nodes) != set(graph.nodes):
        raise bad("order", order, "every node of the graph, once")
    place = {node: k for k, node in enumerate(nodes)}
    sources = graph.predecessors if graph.is_directed() else graph.neighbors
    return [sorted(place[other] for other in sources(node) if place[other] < place[node]) for node in nodes]


@dataclass(frozen=True)
class Herd:
    """Agents who have acted: what each does in every row of signals; row S holds its bits, agent 0's the lowest."""

    signals: Array
    """Shape (2**n, n)."""
    actions: Array
    """Shape (2**n, n)."""
    chance: Array
    """P(signals | state), shape (2, 2**n)."""
    prior: Array
    """P(state), shape (2,)."""
    bits: float
    """Sent over all links in one game."""
    said: Array
    """What each sends, shape (2**n, n)."""

    @cached_property
    def joint(self) -> Array:
        """P(state, signals), shape (2, 2**n)."""
        return self.prior[:, None] * self.chance

    @property
    def accuracy(self) -> Array:
        """P(agent t is right), shape (n,)."""
        return self.joint[0] @ (1 - self.actions) + self.joint[1] @ self.actions

    def last_wrong(self, k: int = 3) -> float:
        """P(the last k agents are all wrong): a herd that has gone astray."""
        last = self.actions[:, -whole("k", k, 1, self.actions.shape[1]) :]
        return float(self.joint[0] @ last.all(axis=1) + self.joint[1] @ (~last.astype(bool)).all(axis=1))

    def information(self) -> Array:
        """I(state; action of agent t | actions of those before it), bits, shape (n,)."""
        found, history = [], np.zeros(len(self.actions), int)
        known = _state_bits(self.joint, history)
        for t in range(self.actions.shape[1]):
            history = np.unique(2 * history + self.actions[:, t], return_inverse=True)[1]
            after = _state_bits(self.joint, history)
            found.append(known - after)
            known = after
        return np.maximum(found, 0)


def _state_bits(joint: Array, history: Array) -> float:
    """H(state | history), bits."""
    masses = np.stack([np.bincount(history, row) for row in joint])
    total = masses.sum(axis=0)
    share = np.divide(masses, total, where=total > 0, out=np.zeros_like(masses))
    return -float((masses * np.log2(share, where=share > 0, out=np.zeros_like(share))).sum())


def herd(
    heard: Heard, precision: float, *, message: str = "action", bits: int = 3, span: float = 3.0, prior: float = 0.5
) -> Herd:
    """Rational agents, exactly, over all 2**n rows of signals; n is at most 20.

    heard: for each agent whom it hears, all of them earlier. precision: q of signals, 1/2 to 1; who finds both states alike
    follows its own. prior: P(state = 1).
    message: what goes over every link. `nothing`; `action` (1 bit); `signal` (1 bit; not what was learnt); `action and signal`
    (2 bits); `posterior` (so many `bits`: the sender's log-likelihood ratio, uniformly quantised to 2**bits levels of
    [-span, span] nats).
    Raises ValueError for what is not so.
    """
    n = whole("agents", len(heard), 1, MOST)
    for i, others in enumerate(heard):
        if any(not 0 <= j < i for j in others):
            raise bad(f"whom agent {i} hears", list(others), f"agents before it, 0 to {i - 1}")
    q = number("precision", precision, 0.5, 1)
    if not 0 < number("prior", prior, 0, 1) < 1:
        raise bad("prior", prior, "between 0 and 1")
    if message not in KINDS:
        raise bad("message", message, f"one of {', '.join(KINDS)}")
    whole("bits", bits, 1, 16)
    number("span", span, 1e-9, 1e6)
    signals = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    ones = signals.sum(axis=1)
    chance = np.stack([(1 - q) ** ones * q ** (n - ones), q**ones * (1 - q) ** (n - ones)])
    weights = np.array([1 - prior, prior])
    actions = np.zeros((2**n, n), int)
    said = np.zeros((2**n, n), int)
    for i, others in enumerate(heard):
        key = signals[:, i]
        for j in others if message != "nothing" else ():
            key = np.unique(key * (said[:, j].max() + 1) + said[:, j], return_inverse=True)[1]
        mass = np.stack([np.bincount(key, row) for row in chance])
        with np.errstate(divide="ignore"):
            ratio = np.log(mass[1]) - np.log(mass[0]) + math.log(weights[1] / weights[0])
        ratio = np.where(mass.sum(axis=0) > 0, ratio, 0.0)[key]
        actions[:, i] = np.where(np.abs(ratio) < SAME, signals[:, i], ratio > 0)
        if message == "action and signal":
            said[:, i] = 2 * actions[:, i] + signals[:, i]
        elif message == "posterior":
            level = (np.clip(ratio, -span, span) + span) / (2 * span) * 2**bits + SAME  # rounding must not move a level
            said[:, i] = np.minimum(level.astype(int), 2**bits - 1)
        elif message != "nothing":
            said[:, i] = actions[:, i] if message == "action" else signals[:, i]
    width = {"nothing": 0, "action": 1, "signal": 1, "action and signal": 2, "posterior": bits}[message]
    return Herd(signals, actions, chance, weights, float(width * sum(map(len, heard))), said)


def all_told(n: int, precision: float, prior: float = 0.5) -> Array:
    """P(right) of who sees the signals of t agents, its own among them, t = 1..n, shape (n,): no agent beats it.

    With even odds it follows the majority.

    >>> all_told(3, 0.7).round(12).tolist()
    [0.7, 0.7, 0.784]
    """
    from scipy.stats import binom

    found = []
    for t in range(1, whole("n", n, 1) + 1):
        ones = np.arange(t + 1)
        found.append(np.maximum(prior * binom.pmf(ones, t, precision), (1 - prior) * binom.pmf(t - ones, t, precision)).sum())
    return np.array(found)


# ----------------------------------------------------------------------------------------------------------------- crowds
@dataclass(frozen=True)
class Crowd:
    """Many agents, played."""

    accuracy: Array
    """Share of runs in which agent t is right, shape (n,)."""
    wrong_herds: float
    """Share of runs in which the last tenth of the agents, at least one, are all wrong."""
    standard_error: float
    """Of the mean accuracy, from run to run."""
    bits: float
    """Sent over all links in one game: one a link."""


def crowd(heard: Heard, precision: float, *, runs: int = 1000, prior: float = 0.5, seed: int = 0) -> Crowd:
    """A model for any number of agents: each takes what its neighbours did for independent, given the state.

    It is no exact Bayesian, who would know that neighbours heard the same people; where they did, the model trusts them too
    much. How much an agent's act tells is learnt from as many runs, of other seeds, that were played before. Time grows with
    links times runs. Raises ValueError for what is not so.
    """
    n = whole("agents", len(heard), 1)
    number("precision", precision, 0.5, 1 - 1e-9)
    if not 0 < number("prior", prior, 0, 1) < 1:
        raise bad("prior", prior, "between 0 and 1")
    whole("runs", runs, 1)
    whole("seed", seed, 0, 2**31 - 1)
    starts = np.zeros(n + 1, np.int64)
    np.cumsum([len(others) for others in heard], out=starts[1:])
    sources = np.array([j for others in heard for j in others], np.int64)
    owners = np.repeat(np.arange(n), np.diff(starts))
    if len(sources) and (sources < 0).any() | (sources >= owners).any():
        i = int(owners[np.argmax((sources < 0) | (sources >= owners))])
        raise bad(f"whom agent {i} hears", list(heard[i]), f"agents before it, 0 to {i - 1}")
    bias = math.log(prior / (1 - prior))
    tells = np.zeros((n, 2))
    for half in (0, 1):
        rng = np.random.default_rng([seed, half])
        state = rng.random(runs) < prior
        right = np.zeros((n, runs), np.bool_)
        for i in range(n):
            signal = (rng.random(runs) < precision) == state
            _act(i, starts, sources, tells, signal, state, right, bias, math.log(precision / (1 - precision)))
            if half == 0:
                _learn(i, right, state, tells)
    late = right[-max(n // 10, 1) :]
    return Crowd(
        accuracy=right.mean(axis=1),
        wrong_herds=float((~late).all(axis=0).mean()),
        standard_error=float(right.mean(axis=0).std() / math.sqrt(runs)),
        bits=float(len(sources)),
    )


@njit(cache=True, error_model="numpy")
def _act(i, starts, sources, tells, signal, state, right, bias, own):
    """Agent i acts in all runs; right[i] says where it is right. tells[j, a]: log-likelihood ratio of act a of agent j."""
    for run in range(len(signal)):
        ratio = bias + (own if signal[run] else -own)
        for k in range(starts[i], starts[i + 1]):
            j = sources[k]
            ratio += tells[j, 1 if right[j, run] == state[run] else 0]
        one = signal[run] if abs(ratio) < SAME else ratio > 0
        right[i, run] = one == state[run]


@njit(cache=True, error_model="numpy")
def _learn(i, right, state, tells):
    """How much an act tells, from runs; one run of each kind is added, so that nothing is certain."""
    ones = np.ones((2, 2))
    for run in range(len(state)):
        w = 1 if state[run] else 0
        ones[w, 1 if right[i, run] == state[run] else 0] += 1
    for a in range(2):
        tells[i, a] = math.log(ones[1, a] / ones[1].sum()) - math.log(ones[0, a] / ones[0].sum())


# ---------------------------------------------------------------------------------------------------------------- designs
def best_graph(n: int, precision: float, edges: int, *, message: str = "action") -> tuple[list[list[int]], float]:
    """Whom each of n agents should hear, with so many links in all, for the highest mean accuracy; exact, n at most 7.

    Agents hear some of those before them. Branch and bound: an agent is at best as good as a majority of all signals so far.
    message: `action` or `action and signal`. Returns the graph and its mean accuracy.
    """
    whole("n", n, 1, DESIGNED)
    whole("edges", edges, 0)
    ceiling = all_told(n, precision)
    best: tuple[float, list[list[int]]] = (-1.0, [])

    def extend(heard: list[list[int]], total: float, left: int) -> None:
        nonlocal best
        i = len(heard)
        if i == n:
            if total > best[0] + SAME:
                best = total, heard
            return
        if total + ceiling[i:].sum() <= best[0] + SAME:
            return
        for mask in sorted(range(2**i), key=lambda mask: -mask.bit_count()):
            if mask.bit_count() <= left:
                more = [*heard, [j for j in range(i) if mask >> j & 1]]
                extend(more, total + float(herd(more, precision, message=message).accuracy[-1]), left - mask.bit_count())

    extend([], 0.0, edges)
    return best[1], best[0] / n


def greedy_graph(n: int, precision: float, edges: int, *, message: str = "action") -> tuple[list[list[int]], float]:
    """One or two links to an agent at a time, whatever raises the mean accuracy most a link; it stops where nothing does.

    Two, since one alone never helps who can follow its own signal as well. n is at most 20. Returns the graph and its accuracy.
    """
    whole("n", n, 1, MOST)
    whole("edges", edges, 0)
    heard: list[list[int]] = [[] for _ in range(n)]
    value, left = float(herd(heard, precision, message=message).accuracy.mean()), edges
    while True:
        found = []
        for i in range(n):
            new = [j for j in range(i) if j not in heard[i]]
            for links in [*((j,) for j in new), *combinations(new, 2)]:
                if len(links) <= left:
                    tried = [sorted([*others, *links]) if k == i else others for k, others in enumerate(heard)]
                    after = float(herd(tried, precision, message=message).accuracy.mean())
                    found.append(((after - value) / len(links), after, len(links), tried))
        if not found or max(gain[0] for gain in found) <= SAME:
            return heard, value
        _, value, used, heard = max(found, key=lambda gain: gain[0])
        left -= used
