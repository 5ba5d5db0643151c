"""Published algorithms for distributed linear bandits over long horizons: what they regret, and how many bits they send.

M agents pull arms x of a bandit <x, theta> + N(0, noise**2), |x| <= 1, |theta| <= 1, for T rounds each. Regret is the sum over
agents and rounds of max_x <x, theta> - <x_pulled, theta>. Every number that is sent counts as many bits as it has; 64 where it is
not quantised. The means of an agent's pulls in a phase are drawn at once: they are all that is used of them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np

from commenv.solvers.distributional_design import mixed_softmax
from commenv.solvers.linear_bandit import batches, gossip_rounds, metropolis, optimal_design, quantise, quantised_gossip

FLOAT_BITS = 64
KNOWN = 20_000
"""Contexts from which everybody works out the same expected information; nobody has to send it."""
LEARNED = 4_000
"""The first of them, from which the policy is learned."""


@dataclass(frozen=True)
class Run:
    """One run: its regret, what all agents sent and were sent in bits, and in how many phases or batches."""

    regret: float
    uplink_bits: float
    downlink_bits: float
    phases: int

    @property
    def bits(self) -> float:
        return self.uplink_bits + self.downlink_bits


def phased_elimination(
    arms: np.ndarray,
    theta: np.ndarray,
    agents: int,
    horizon: int,
    bits: int | None,
    rng: np.random.Generator,
    noise: float = 1.0,
) -> Run:
    """Distributed phased elimination with a server, `bits` a coordinate; None: floats.

    In phase l all agents pull by the G-optimal design of the arms left, until together they know each to 2**-l; each sends its
    least-squares estimate, d numbers, quantised without bias; the server sends back the mean, quantised as well, and arms more
    than 2 * 2**-l below the best leave. The skeleton of Salgia, Zhao (2023).
    """
    K, d = arms.shape
    means, left = arms @ theta, horizon
    gaps, active = means.max() - means, np.arange(K)
    regret, said, phase = 0.0, 0.0, 0
    while left > 0:
        phase += 1
        x, precision = arms[active], 2.0**-phase
        confidence = math.log(2 * K * phase * (phase + 1) * agents * horizon)
        pulls = np.ceil(np.ceil(2 * d * optimal_design(x) * noise**2 / precision**2 * confidence) / agents)
        each = float(pulls.sum())
        if each >= left:  # the end comes within this phase; its pulls stand in any order
            return Run(regret + agents * left * float(pulls @ gaps[active]) / each, said, said, phase - 1)
        regret, left = regret + agents * float(pulls @ gaps[active]), left - int(each)
        seen = means[active] + noise * rng.normal(size=(agents, len(active))) / np.sqrt(np.maximum(pulls, 1))
        information = np.linalg.pinv(x.T @ (pulls[:, None] * x))
        estimates = (pulls * seen) @ x @ information
        radius = 1 + 6 * noise * math.sqrt(float(information.diagonal().max()))
        told = quantise(quantise(estimates, radius, bits, rng).mean(axis=0), radius, bits, rng)
        said += agents * d * (FLOAT_BITS if bits is None else bits)
        shown = x @ told
        active = active[shown >= shown.max() - 2 * precision]
    return Run(regret, said, said, phase)


Contexts = Callable[[np.random.Generator, int], np.ndarray]
"""Draws so many sets of arms, shape (n, K, d), all in the unit ball: the law is known to everybody, the draws are not."""


def gaussian_contexts(arms: int, dimension: int) -> Contexts:
    """Arms in uniformly random directions, of length 1."""

    def draw(rng: np.random.Generator, n: int) -> np.ndarray:
        x = rng.normal(size=(n, arms, dimension))
        return x / np.linalg.norm(x, axis=2, keepdims=True)

    return draw


def batched_elimination(
    contexts: Contexts,
    theta: np.ndarray,
    agents: int,
    horizon: int,
    bits: int | None,
    rng: np.random.Generator,
    graph: nx.Graph | None = None,
    noise: float = 1.0,
) -> Run:
    """DisBE-LUCB with a server, or, given a graph, DecBE-LUCB, whose agents average by Chebyshev gossip.

    ln ln T batches. In each an agent keeps the arms whose upper confidence is above the best lower one under every estimate so
    far, and draws one of them from a distributional G-optimal policy, learned for what is left; at the end it sends sum x y, d
    numbers. How much all have learned, the sum of x x', nobody sends: everybody works out its expectation from the known law of
    contexts. After Amani, Lattimore, Gyorgy, Yang (2023); theirs are elimination, policy and what is sent. Ours: the policy is
    learned from draws of the law, where theirs come from a batch; the grid of batches, the width 1 + noise sqrt(2 ln(2 K M T)),
    and the quantisers. bits: of a coordinate, in a message to or from the server, or to a neighbour in a round of gossip, which
    needs about 4 (`quantised_gossip`); None: floats.
    """
    d, lengths = len(theta), batches(horizon)
    K = contexts(np.random.default_rng(0), 1).shape[1]
    width = 1 + noise * math.sqrt(2 * math.log(2 * K * agents * horizon))
    weights = metropolis(graph) if graph is not None else None
    rounds = gossip_rounds(weights, 1 / (agents * horizon)) if weights is not None else 0
    known: list[tuple[np.ndarray, np.ndarray]] = []  # of each batch the estimates (M, d), and the inverse of what was learned
    regret, up, down = 0.0, 0.0, 0.0
    for length in lengths:
        # Agents differ in their estimates by no more than gossip leaves, so the first one's policy stands for all.
        pool = contexts(np.random.default_rng(len(known)), KNOWN)
        kept = _left(pool, [(estimates[0], inverse) for estimates, inverse in known])
        policy = mixed_softmax(pool[:LEARNED], kept[:LEARNED], 1 / (agents * length))
        x = pool[np.arange(KNOWN), policy.draw(pool, kept, np.random.default_rng([len(known), 1]))]
        learned = np.linalg.inv(np.eye(d) + agents * length * (x.T @ x) / KNOWN)
        sums = np.zeros((agents, d))
        for m in range(agents):
            x = contexts(rng, length)
            chosen = policy.draw(x, _left(x, [(estimates[m], inverse) for estimates, inverse in known]), rng)
            means = x @ theta
            pulled = means[np.arange(length), chosen]
            regret += float((means.max(axis=1) - pulled).sum())
            sums[m] = (pulled + noise * rng.normal(size=length)) @ x[np.arange(length), chosen]
        radius = 1 + 6 * noise / math.sqrt(length)
        if weights is None:
            mean = quantise(sums / length, radius, bits, rng).mean(axis=0)
            told = np.tile(agents * length * quantise(mean, radius, bits, rng), (agents, 1))
            up += agents * d * (FLOAT_BITS if bits is None else bits)
            down += agents * d * (FLOAT_BITS if bits is None else bits)
        else:
            assert graph is not None
            told = agents * length * quantised_gossip(sums / length, weights, rounds, radius, bits, rng)
            up += rounds * 2 * graph.number_of_edges() * d * (FLOAT_BITS if bits is None else bits)
        known.append((told @ learned, learned * width**2))
    return Run(regret, up, down, len(lengths))


def _left(x: np.ndarray, known: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Which arms of each set (n, K, d) may be the best under every estimate, shape (n, K); all where estimates contradict."""
    left = np.ones(x.shape[:2], bool)
    for estimate, inverse in known:
        spread, mean = np.sqrt(((x @ inverse) * x).sum(axis=2)), x @ estimate
        left &= mean + spread >= (mean - spread).max(axis=1, keepdims=True)
    return left | ~left.any(axis=1, keepdims=True)


Losses = Callable[[int, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Of a round, from 0, and the points of M agents, shape (M, d): their losses, shape (M,), and gradients of these, (M, d)."""


def distances(targets: np.ndarray) -> Losses:
    """Losses |x - target|, the same for all agents; targets: shape (T, d). At the target the gradient is 0."""

    def losses(t: int, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        away = x - targets[t]
        size = np.linalg.norm(away, axis=1)
        return size, away / np.where(size > 0, size, 1.0)[:, None]

    return losses


@dataclass(frozen=True, eq=False)
class Played:
    """What agents played against losses."""

    points: np.ndarray
    """Shape (T, M, d)."""
    paid: float
    """The sum of all losses."""
    lag: float
    """Of all gradients g, whether they arrived or not: sum of |g|**2 + 2 |g| times what was on its way to the one who played."""


def delayed_dual_averaging(
    losses: Losses, delays: np.ndarray, dimension: int = 1, radius: float = 1.0, adaptive: bool = True, steepest: float = 1.0
) -> Played:
    """Dual averaging in the ball of a radius about 0, for convex losses whose gradients arrive late.

    delays: whole numbers of at least 0, shape (T,) for one agent, or (T, M, M): the gradient that agent m meets in round t is
    known to agent k from round t + 1 + delays[t, m, k] on, so that M agents share what they meet. Each plays the sum of what it
    knows times - radius / sqrt(lag), brought back into the ball; lag is the sum, over what has arrived, of |g|**2 + 2 |g| times
    the sizes of gradients that had come up but were not yet known to the one who met g, those of agents before it in the same
    round included; or, not adaptive, the most it may be, steepest**2 M T (1 + 2 (M (1 + longest delay) - 1)), which must be
    known. Regret is of order radius sqrt(lag). Raises ValueError for delays of another shape. Hsieh, Iutzeler, Malick,
    Mertikopoulos (2022), Multi-agent online optimization with delays.
    """
    late = delays.reshape(-1, 1, 1) if delays.ndim == 1 else delays
    if late.ndim != 3 or late.shape[1] != late.shape[2]:
        raise ValueError(f"delays have shape {delays.shape}: it must be (T,), or (T, M, M) of M agents")
    T, M = late.shape[:2]
    arrives: list[list[tuple[int, int, int]]] = [[] for _ in range(T + 1)]  # by round: of which round, from whom, to whom
    gradients, size, behind = np.zeros((T, M, dimension)), np.zeros((T, M)), np.zeros((T, M))
    dual, lag, waiting = np.zeros((M, dimension)), np.zeros(M), np.zeros(M)
    longest = steepest**2 * M * T * (1 + 2 * (M * (1 + float(late.max(initial=0))) - 1))
    points, paid = np.zeros((T, M, dimension)), 0.0
    for t in range(T):
        for s, m, k in arrives[t]:
            dual[k] += gradients[s, m]
            waiting[k] -= size[s, m]
            lag[k] += size[s, m] ** 2 + 2 * size[s, m] * behind[s, m]
        scale = lag if adaptive else np.full(M, longest)
        x = -radius * dual / np.sqrt(np.where(scale > 0, scale, 1.0))[:, None]
        x *= np.minimum(1, radius / np.maximum(np.linalg.norm(x, axis=1), 1e-300))[:, None]
        points[t] = x
        loss, gradients[t] = losses(t, x)
        paid += float(loss.sum())
        size[t] = np.linalg.norm(gradients[t], axis=1)
        behind[t] = waiting + size[t].cumsum() - size[t]
        waiting += size[t].sum()
        for m, k in np.ndindex(M, M):
            arrives[min(t + 1 + int(late[t, m, k]), T)].append((t, m, k))
    return Played(points, paid, float((size**2 + 2 * size * behind).sum()))
