"""Cascade: agents act one after another, each on a private signal and on what all before it did, and may herd.

Agents: `agent_0`, `agent_1`, `agent_2`, `agent_3`, `agent_4`, `agent_5`, `agent_6`, `agent_7`, or more or fewer, who move in
turn, once each. The state is 0 or 1. Each agent has a signal, which is right with probability `precision`, and names the state.

| | each agent |
|---|---|
| observation | its signal, one-hot, (2,), then what each agent has done, one-hot, (2 T,), zeros where it has not acted yet |
| action | 0 or 1, Discrete(2) |

Nobody sends messages: acts are seen by all later agents, which is what the game is about. The channel carries nothing.

Reward: with `reward="own"`, 1 to an agent that names the state; with `team`, the share of agents that do, to all of them.
Ends when all have acted. Success: share of agents that named the state.

Limits, in reward a game. silent: everybody by its own signal and the prior. reachable: the best team, whose first agents follow
their signals so that others learn from them (dynamic program); selfish Bayesians earn less, they herd too soon:
`commenv.solvers.cascade` has their chain, with ties by the signal or by a coin, and rows of Bayesian, naive and any other agents.
ceiling: agents who know the signals of all before them. All are exact; the rate of the channel plays no part.

Bikhchandani, Hirshleifer, Welch (1992), A theory of fads, fashion, custom, and cultural change as informational cascades;
Banerjee (1992), A simple model of herd behavior.
Version history: v0 first release.
"""

from dataclasses import dataclass
from typing import ClassVar

from commenv.core.errors import whole
from commenv.core.game import Layout, Role
from commenv.core.limits import Limit, Limits
from commenv.games.social import herd
from commenv.games.social.herd import *  # noqa: F403 - all but what is seen and what it is worth
from commenv.games.social.herd import NOT_YET
from commenv.solvers.cascade import best_team
from commenv.solvers.herding import all_told


@dataclass(frozen=True, kw_only=True)
class Options(herd.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 0

    agents: int = 8
    """Number of agents T, 1 to 1,000."""

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("agents", self.agents, 1, 1000)


def layout(options: Options) -> Layout:
    roles = tuple(Role(f"agent_{i}", actions=2, observation=2 + 2 * options.agents) for i in range(options.agents))
    return Layout(roles=roles, links=(), turns=True)


def observe(p, game, agents, board, i, obs):
    for k in range(len(obs)):
        obs[k] = 0.0
    obs[agents[i].signal] = 1.0
    for j in range(len(agents)):
        if agents[j].act != NOT_YET:
            obs[2 + 2 * j + agents[j].act] = 1.0


def limits(options: Options) -> Limits:
    T, q, prior = options.agents, options.precision, options.prior
    acting = T if options.max_cycles is None else min(T, options.max_cycles)
    share = acting / T
    if share < 1 and options.reward == "team":
        nothing = Limit(0.0, True, "the game is cut short before the team is paid")
        return Limits(silent=nothing, reachable=nothing, ceiling=nothing)
    # A team is paid the share that is right, an agent for itself: the mean over agents is the same.
    alone = share * float(all_told(1, q, prior)[0])
    return Limits(
        silent=Limit(alone, True, "each by its own signal and the prior"),
        reachable=Limit(share * best_team(acting, q, prior=prior), True, "the best team, dynamic program over the public belief"),
        ceiling=Limit(share * float(all_told(acting, q, prior).mean()), True, "who knows all signals so far"),
    )
