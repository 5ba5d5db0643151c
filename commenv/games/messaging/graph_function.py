"""Graph function: N agents with a bit each send messages along the edges of a graph; then each says a function of all bits.

Agents: `agent_0`, `agent_1`, ... (`agent_0`, `agent_1`, `agent_2`, `agent_3`, `agent_4` by default), who all act at once. In each
round each sends one message to all its neighbours, which hear it in the next step, and in that step only: what came before, an
agent has to remember. In the step after the last round all answer.

| | each agent |
|---|---|
| observation | its bit, one-hot (2,), and rounds done, one-hot (rounds + 1,), then an inbox a neighbour, (2**bits + 1,) each |
| action | answer and message, MultiDiscrete([2, 2**bits]); without a neighbour the answer, Discrete(2) |

Bits are fair. Functions: `parity` (whether the number of ones is odd), `majority` (whether more than half are ones). The graph is
the channel's `topology`: complete if it says nothing, ring, star, a networkx graph, ...

Reward: share of the agents that answer right, the same for all. Ends with the answers. Success: whether all are right. Infos of a
game that is over tell of each agent whether it was `right`.

Limits, in reward a game. silent: the best guess by one bit, exact. ceiling: each knows the bits of all who have it within as
many links as there are rounds; an upper bound at any rate. reachable: the best of random linear codes over GF(2) (of what it
knows each sends parities), of beliefs told to the nearest level, and of the one after the other, with the best answers (Bayes);
exact where it meets the ceiling, as on complete graphs, stars and short rings from one bit on, else a lower bound. Through
noise, and on graphs drawn in each game, the ceiling stands in its place.

Gallager (1988), Finding parity in a simple broadcast network; Giridhar, Kumar (2005), Computing and communicating functions over
sensor networks. Version history: v0 first release.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from commenv.core import game as core
from commenv.core.errors import whole, word
from commenv.core.game import Layout, Role
from commenv.core.generator import integer
from commenv.core.limits import Limit, Limits
from commenv.core.links import cut
from commenv.solvers.spreading import FUNCTIONS, MOST_AGENTS, Protocol, best_found, guessed, reached

FIGURES = ("right",)
MOST_BITS = 4
"""Bits of a message that protocols use at most: with more there are more codes than are tried, and `exact` says what is known."""


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 1

    function: str = "majority"
    """`parity` or `majority`."""
    agents: int = 5
    """Number of agents N, 2 to 9."""
    rounds: int = 1
    """Rounds of messages, 1 to 16."""

    def __post_init__(self) -> None:
        super().__post_init__()
        word("function", self.function, FUNCTIONS)
        whole("agents", self.agents, 2, MOST_AGENTS)
        whole("rounds", self.rounds, 1, 16)


class Parameters(NamedTuple):
    rounds: int
    majority: int


class Game(core.Game):
    wanted: int  # the value of the function
    right: int  # agents that said so


class Agent(core.Agent):
    bit: int
    right: int


def layout(options: Options) -> Layout:
    N = options.agents
    roles = tuple(Role(f"agent_{i}", actions=2, observation=2 + options.rounds + 1) for i in range(N))
    full = Layout(roles=roles, links=tuple((i, j) for i in range(N) for j in range(N) if i != j))
    return cut(full, options)


def parameters(options: Options) -> Parameters:
    return Parameters(options.rounds, int(options.function == "majority"))


def reset(p, game, agents, board, rng):
    ones = 0
    for i in range(len(agents)):
        agents[i].bit, agents[i].right = integer(rng, 2), 0
        ones += agents[i].bit
    game.right = 0
    game.wanted = ones % 2 if p.majority == 0 else int(2 * ones > len(agents))


def has_floor(p, game, agents, board, i):
    return game.t < p.rounds


def step(p, game, agents, board, act, sent, reward, rng):
    if game.t < p.rounds:
        return False
    N = len(agents)
    for i in range(N):
        agents[i].right = int(act[i] == game.wanted)
        game.right += agents[i].right
    for i in range(N):
        reward[i] = game.right / N
    return True


def observe(p, game, agents, board, i, obs):
    for k in range(len(obs)):
        obs[k] = 0.0
    obs[agents[i].bit] = 1.0
    if game.t <= p.rounds:
        obs[2 + game.t] = 1.0


def success(p, game, agents, board):
    return 1.0 if game.right == len(agents) else 0.0


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    bits = "".join(str(bit) for bit in agents["bit"].tolist())
    return f"step {game['t']} of {options.rounds + 1}: bits {bits}, {options.function} {game['wanted']}"


def situations(options: Options) -> None:
    return None


# ---------------------------------------------------------------------------------------------------------------- limits
def protocol(options: Options) -> Protocol:
    """What the best agents found say and answer, without noise; at least one bit a message."""
    bits = min(int(np.log2(options.link.size)), MOST_BITS)
    return best_found(options.function, options.agents, layout(options).links, options.rounds, bits)


def limits(options: Options) -> Limits:
    function, N, link = options.function, options.agents, options.link
    if options.max_cycles is not None and options.max_cycles <= options.rounds:
        nothing = Limit(0.0, True, "nobody comes to answer")
        return Limits(silent=nothing, reachable=nothing, ceiling=nothing)
    silent = Limit(guessed(function, N, 1), True, "the best guess by one bit")
    if link.size == 1 or link.delays[0] >= options.rounds:
        mute = Limit(silent.value, True, "nothing is heard in time")
        return Limits(silent=silent, reachable=mute, ceiling=mute)
    known = reached(N, layout(options).links, options.rounds)
    most = sum(guessed(function, N, k) for k in known) / N
    source = "all bits known that come within so many links as there are rounds"
    if not link.memoryless or link.floats or link.capacity != np.log2(link.size) or link.drawn:
        ceiling = Limit(most, False, f"upper bound: {source}")
        return Limits(silent=silent, reachable=Limit(most, False, f"the ceiling: {source}"), ceiling=ceiling)
    best = protocol(options)
    exact = best.value >= most - 1e-12
    reachable = Limit(best.value, exact, f"{'' if exact else 'lower bound: '}{best.method}")
    return Limits(silent=silent, reachable=reachable, ceiling=Limit(most, exact, source))
