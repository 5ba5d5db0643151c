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
from typing import Any, ClassVar, NamedTuple

from commenv.core import game as core
from commenv.core.errors import bad, number, whole
from commenv.core.game import Layout, Role
from commenv.core.generator import chance
from commenv.core.limits import Limit, Limits
from commenv.solvers.cascade import best_team
from commenv.solvers.herding import all_told

NOT_YET = -1


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 0

    agents: int = 8
    """Number of agents T, 1 to 1,000."""
    precision: float = 0.7
    """Probability that a signal names the state, 1/2 to 1."""
    prior: float = 0.5
    """P(state = 1), between 0 and 1."""
    reward: str = "own"
    """`own`: each agent for itself; `team`: the share of agents that are right, for all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("agents", self.agents, 1, 1000)
        number("precision", self.precision, 0.5, 1)
        if not 0 < number("prior", self.prior, 0, 1) < 1:
            raise bad("prior", self.prior, "between 0 and 1")
        if self.reward not in ("own", "team"):
            raise bad("reward", self.reward, "own or team")


class Parameters(NamedTuple):
    precision: float
    prior: float
    team: int


class Game(core.Game):
    state: int
    right: int  # agents that have named the state


class Agent(core.Agent):
    signal: int
    act: int


def layout(options: Options) -> Layout:
    roles = tuple(Role(f"agent_{i}", actions=2, observation=2 + 2 * options.agents) for i in range(options.agents))
    return Layout(roles=roles, links=(), turns=True)


def parameters(options: Options) -> Parameters:
    return Parameters(options.precision, options.prior, int(options.reward == "team"))


def reset(p, game, agents, board, rng):
    game.state = int(chance(rng, p.prior))
    game.right, game.turn = 0, 0
    for i in range(len(agents)):
        agents[i].signal = game.state if chance(rng, p.precision) else 1 - game.state
        agents[i].act = NOT_YET


def step(p, game, agents, board, act, sent, reward, rng):
    i = game.turn
    agents[i].act = act[i]
    if act[i] == game.state:
        game.right += 1
        if p.team == 0:
            reward[i] = 1.0
    game.turn += 1
    if game.turn < len(agents):
        return False
    if p.team != 0:
        for j in range(len(agents)):
            reward[j] = game.right / len(agents)
    return True


def observe(p, game, agents, board, i, obs):
    for k in range(len(obs)):
        obs[k] = 0.0
    obs[agents[i].signal] = 1.0
    for j in range(len(agents)):
        if agents[j].act != NOT_YET:
            obs[2 + 2 * j + agents[j].act] = 1.0


def success(p, game, agents, board):
    return game.right / len(agents)


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    acts = "".join(str(act) if act != NOT_YET else "." for act in agents["act"].tolist())
    return f"state {game['state']}, signals {''.join(map(str, agents['signal'].tolist()))}, acts {acts}"


def situations(options: Options) -> None:
    return None


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
