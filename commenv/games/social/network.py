"""Network: agents act one after another, each on a private signal and on what its neighbours told it over links of b bits.

Agents: `agent_0`, `agent_1`, `agent_2`, `agent_3`, `agent_4`, `agent_5`, `agent_6`, `agent_7`, or more or fewer, who move in
turn, once each. The state is 0 or 1. An agent has a signal, which is right with probability `precision`, and hears those of its
neighbours who acted before it. It names the state, and sends one message to all its later neighbours. Inboxes keep what they
have.

| | each agent |
|---|---|
| observation | its signal, one-hot, shape (2,), then an inbox for each earlier neighbour, shape (2**bits + 1,) each |
| action | state and message, MultiDiscrete([2, 2**bits]); who has no later neighbour sends none, Discrete(2) |

Graphs: `complete`, `path`, `cycle`, `star` (agent 0 the hub), `grid` (two rows), `watts_strogatz` (four neighbours on a ring), or
edges of your own; who acts before whom is the agents' order. The graph may as well be left complete and cut by the channel's
`topology`, fixed or drawn; limits then are bounds.

Reward: with `reward="team"`, the share of agents that named the state, to all of them; with `own`, 1 to each that did.
Ends when all have acted. Success: share of agents that named the state.

Limits, in reward a game. silent: everybody by its own signal and the prior. reachable: Bayesians who tell what they did or what
they saw (1 bit), both, or their quantised posterior, whichever is best at this rate; exact for them by enumeration of all
signals, up to 16 agents, and a lower bound for teams, which may do better, unless it is the ceiling: on the complete graph it is,
with one bit, which tells one's signal where an act cannot. Over noisy or other channels, and for more agents, the ceiling stands
in its place. ceiling: each agent knows the signals of all from whom a path of links leads to it.
`commenv.solvers.herding` has accuracies, wrong herds, information, a model of large crowds, and the best graph with few links.

Acemoglu, Dahleh, Lobel, Ozdaglar (2011), Bayesian learning in social networks; Bikhchandani, Hirshleifer, Welch (1992).
Version history: v0 first release.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from commenv.core.errors import bad, whole
from commenv.core.game import Layout, Role
from commenv.core.limits import Limit, Limits
from commenv.games.social import herd
from commenv.games.social.herd import *  # noqa: F403 - all but who hears whom and what it is worth
from commenv.solvers import herding
from commenv.solvers.herding import all_told

EXACT = 16
"""Agents beyond which not all rows of signals are listed here."""
GRAPHS = ("complete", "path", "cycle", "star", "grid", "watts_strogatz")


@dataclass(frozen=True, kw_only=True)
class Options(herd.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 1

    agents: int = 8
    """Number of agents, 2 to 200."""
    graph: str | Sequence[tuple[int, int]] = "complete"
    """A name, or edges (i, j) between agents, whichever acts first being heard."""
    reward: str = "team"
    """`team`: the share of agents that are right, for all; `own`: each agent for itself."""

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("agents", self.agents, 2, 200)
        if isinstance(self.graph, str):
            if self.graph not in GRAPHS:
                raise bad("graph", self.graph, f"one of {', '.join(GRAPHS)}, or edges")
            if self.graph == "watts_strogatz" and self.agents < 5:
                raise bad("agents", self.agents, "at least 5 in a ring of four neighbours each")
            return
        if not isinstance(self.graph, Sequence):
            raise bad("graph", self.graph, f"one of {', '.join(GRAPHS)}, or edges")
        edges = []
        for edge in self.graph:
            if not isinstance(edge, Sequence) or len(edge) != 2 or edge[0] == edge[1]:
                raise bad("an edge", edge, "two different agents")
            edges.append(tuple(sorted(whole("an agent of an edge", end, 0, self.agents - 1) for end in edge)))
        object.__setattr__(self, "graph", tuple(sorted(set(edges))))

    @property
    def heard(self) -> list[list[int]]:
        """Whom each agent hears, ascending."""
        n = self.agents
        match self.graph:
            case "complete":
                return [list(range(i)) for i in range(n)]
            case "path":
                edges = {(i, i + 1) for i in range(n - 1)}
            case "cycle":
                edges = {(i, i + 1) for i in range(n - 1)} | {(0, n - 1)}
            case "star":
                edges = {(0, i) for i in range(1, n)}
            case "grid":  # rows first, as wide as half of the agents
                width = (n + 1) // 2
                edges = {(i, i + 1) for i in range(n - 1) if (i + 1) % width} | {(i, i + width) for i in range(n - width)}
            case "watts_strogatz":
                edges = {(min(i, j), max(i, j)) for i in range(n) for j in ((i + 1) % n, (i + 2) % n)}
            case _:
                edges = set(self.graph)  # type: ignore[arg-type]
        return [sorted(j for j, k in edges if k == i) for i in range(n)]


def layout(options: Options) -> Layout:
    roles = tuple(Role(f"agent_{i}", actions=2, observation=2) for i in range(options.agents))
    links = tuple((j, i) for i, others in enumerate(options.heard) for j in others)
    return Layout(roles=roles, links=links, turns=True, holds=True)


def observe(p, game, agents, board, i, obs):
    obs[0], obs[1] = 0.0, 0.0
    obs[agents[i].signal] = 1.0


# ---------------------------------------------------------------------------------------------------------------- limits
def ways(bits: int) -> list[dict[str, Any]]:
    """What a Bayesian may tell at a rate, as `commenv.solvers.herding.herd` takes it."""
    if bits == 0:
        return [{"message": "nothing"}]
    told: list[dict[str, Any]] = [{"message": "action"}, {"message": "signal"}, {"message": "posterior", "bits": bits}]
    return told + [{"message": "action and signal"}] * (bits >= 2)


def limits(options: Options) -> Limits:
    n, q, prior = options.agents, options.precision, options.prior
    if options.max_cycles is not None and options.max_cycles < n:
        nothing = Limit(0.0 if options.reward == "team" else 1.0, options.reward == "team", "the game is cut short")
        return Limits(silent=Limit(0.0, False, nothing.source), reachable=nothing, ceiling=nothing)
    known: list[set[int]] = []
    for i, others in enumerate(options.heard):
        known.append({i}.union(*(known[j] for j in others)))
    told = all_told(n, q, prior)
    silent = Limit(float(told[0]), True, "each by its own signal and the prior")
    link = options.link
    if link.size == 1:
        same = Limit(silent.value, True, "nothing can be said")
        return Limits(silent=silent, reachable=same, ceiling=same)
    ceiling = Limit(
        float(np.mean([told[len(who) - 1] for who in known])), False, "upper bound: all signals along links are known"
    )
    bits = int(np.log2(link.size))
    plain = link.capacity == np.log2(link.size) and link.memoryless and bits >= 1
    if not plain or n > EXACT:
        return Limits(
            silent=silent, reachable=Limit(ceiling.value, False, "the ceiling: no team was worked out"), ceiling=ceiling
        )
    best = max(
        (float(herding.herd(options.heard, q, prior=prior, **way).accuracy.mean()), way["message"]) for way in ways(min(bits, 16))
    )
    attained = best[0] > ceiling.value - 1e-12
    reachable = Limit(
        best[0], attained, f"{'' if attained else 'lower bound: '}Bayesians who tell their {best[1]}, all signals enumerated"
    )
    if attained:
        ceiling = Limit(best[0], True, "all signals along links are known")
    return Limits(silent=silent, reachable=reachable, ceiling=ceiling)
