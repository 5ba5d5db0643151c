"""Linear bandit: agents pull arms of one bandit side by side and tell each other what they have seen, in a few bits a round.

Agents: `agent_0`, `agent_1` by default, and `server` if there is one. The arms are e_1..e_d, the parameter is theta = gap * e_j,
j drawn alike: the minimax instance. A round: all agents pull an arm, and each sees its own reward <x, theta> + N(0, noise**2);
then all send one message each, to every other agent, or to the server, which then sends one to all of them. There is no talk
after the last round. `channel.topology` leaves some links of a graph, `channel.rates` makes uplinks and
downlinks differ.

| | each agent | server |
|---|---|---|
| observation | what it has seen itself, shape (3d + 3,), then the inboxes | share of rounds gone, 1 if it may speak, inboxes |
| action | arm and message, MultiDiscrete([d, 2**bits]); one counts in a step | message, Discrete(2**bits) |

An agent sees, in this order: own pulls of each arm / rounds, the mean of own rewards of each, the share of rounds gone, the
reward of the last pull, the last arm one-hot, 1 if it is time to pull. Each link has its inbox of 2**bits + 1 places, the last
for an erasure. One who is alone has no step to talk in, and no message in its action.

Reward: gap if the agent pulled arm j, else 0, that is the mean of what it was paid; averaged over the agents, the same for all.
Regret is gap * rounds less the return. Ends after the last round.

Limits: silent: each agent alone; with two arms, or two rounds, exact, else what it earns that keeps what is best after its
first pull. reachable: of two agents, two arms and two rounds the best quantiser of what was seen, by a dynamic program, exact up
to 16 symbols; elsewhere the ceiling. ceiling: everybody knows what all have seen before; with more than two arms, as if each pull
showed a reward of every arm.

Salgia, Zhao (2023), Distributed linear bandits under communication constraints; Amani, Lattimore, Gyorgy, Yang (2023),
Distributed contextual linear bandits with minimax optimal communication cost. Their algorithms, over long horizons, are in
`commenv study linear_bandit`; phased elimination can be played here as well, with a server, a number a message:
server=True, channel={"floats": 1, "bits": b, "silence": True}. Version history: v0 first release.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from scipy.integrate import quad
from scipy.stats import norm

from commenv.core import game as core
from commenv.core.errors import bad, number, whole
from commenv.core.game import Layout, Role
from commenv.core.generator import integer
from commenv.core.limits import Limit, Limits
from commenv.core.relay import FARTHEST, normal
from commenv.solvers.linear_bandit import MOST_CELLS, quantiser, right

PULL, UP, DOWN = 0, 1, 2
MILLIONTH = 1e-6


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 1

    agents: int = 2
    """Number of agents M that pull, 1 to 64."""
    dimension: int = 2
    """Number of arms d, 2 to 64."""
    rounds: int = 2
    """Pulls T of each agent, 1 to 10,000."""
    gap: float = 1.0
    """What the best arm pays more than the others on average, positive."""
    noise: float = 1.0
    """Standard deviation of a reward, positive."""
    server: bool = False
    """Whether agents talk to a server that talks to all, instead of to each other."""

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("agents", self.agents, 1, 64)
        whole("dimension", self.dimension, 2, 64)
        whole("rounds", self.rounds, 1, 10_000)
        for name in ("gap", "noise"):
            number(name, getattr(self, name), 1e-6, 1e6)
        if not isinstance(self.server, bool):
            raise bad("server", self.server, "True or False")

    @property
    def halves(self) -> int:
        """Steps from one pull to the next."""
        return 3 if self.server else 2 if self.agents > 1 else 1


class Parameters(NamedTuple):
    agents: int
    dimension: int
    rounds: int
    gap: float
    noise: float
    halves: int


class Game(core.Game):
    state: int  # the better arm
    pulled: int  # rounds that have been played
    phase: int


class Agent(core.Agent):
    last: int  # the arm of the last pull, from 1; 0 before
    paid: float  # by it


def layout(options: Options) -> Layout:
    M, d = options.agents, options.dimension
    reach = options.gap + FARTHEST * options.noise
    roles = [Role(f"agent_{i}", actions=d, observation=3 * d + 3, low=-reach, high=max(reach, 1.0)) for i in range(M)]
    links = [(i, k) for i in range(M) for k in range(M) if i != k]
    if options.server:
        roles.append(Role("server", actions=1, observation=2))
        links = [(i, M) for i in range(M)] + [(M, i) for i in range(M)]
    # Of each agent and arm the number of pulls, and the sum of rewards in millionths: a board holds integers.
    return Layout(roles=tuple(roles), links=tuple(links) if options.halves > 1 else (), cells=2 * M * d)


def parameters(options: Options) -> Parameters:
    o = options
    return Parameters(o.agents, o.dimension, o.rounds, float(o.gap), float(o.noise), o.halves)


def reset(p, game, agents, board, rng):
    game.state = integer(rng, p.dimension)
    game.pulled, game.phase = 0, PULL
    for i in range(len(agents)):
        agents[i].last, agents[i].paid = 0, 0.0
    for k in range(len(board)):
        board[k] = 0


def has_floor(p, game, agents, board, i):
    return game.phase == (UP if i < p.agents else DOWN)


def step(p, game, agents, board, act, sent, reward, rng):
    if game.phase != PULL:
        game.phase = (game.phase + 1) % p.halves
        return False
    found = 0.0
    for i in range(p.agents):
        arm = act[i]
        mean = p.gap if arm == game.state else 0.0
        found += mean
        place = 2 * (i * p.dimension + arm)
        # What is remembered is what was seen, to the millionth.
        seen = round((mean + p.noise * normal(rng)) / MILLIONTH)
        agents[i].last, agents[i].paid = arm + 1, seen * MILLIONTH
        board[place] += 1
        board[place + 1] += seen
    for i in range(len(agents)):
        reward[i] = found / p.agents
    game.pulled += 1
    game.phase = (PULL + 1) % p.halves
    return game.pulled == p.rounds


def observe(p, game, agents, board, i, obs):
    d = p.dimension
    for k in range(len(obs)):
        obs[k] = 0.0
    if i >= p.agents:
        obs[0] = game.pulled / p.rounds
        obs[1] = 1.0 if game.phase == DOWN else 0.0
        return
    for arm in range(d):
        place = 2 * (i * d + arm)
        obs[arm] = board[place] / p.rounds
        if board[place] > 0:
            obs[d + arm] = board[place + 1] * MILLIONTH / board[place]
    obs[2 * d] = game.pulled / p.rounds
    obs[2 * d + 1] = agents[i].paid
    if agents[i].last > 0:
        obs[2 * d + 1 + agents[i].last] = 1.0
    obs[3 * d + 2] = 1.0 if game.phase == PULL else 0.0


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    phase = ("pulling", "talking", "the server talks")[game["phase"]]
    arms = (agents["last"][: options.agents] - 1).tolist()
    return f"round {game['pulled'] + 1} of {options.rounds}, {phase}: best arm {game['state']}, last arms {arms}"


def situations(options: Options) -> None:
    return None


# ---------------------------------------------------------------------------------------------------------------- limits
def best_shown(gap: float, noise: float, dimension: int, observations: float) -> float:
    """Probability that the arm that looks best is, after so many observations of every arm: of the largest of d Gaussians."""
    shift = gap * math.sqrt(observations) / noise
    value = quad(lambda z: norm.pdf(z) * norm.cdf(z + shift) ** (dimension - 1), -9, 9, epsabs=1e-12, limit=200)[0]
    return float(value)


def limits(options: Options) -> Limits:
    M, d, gap, noise = options.agents, options.dimension, options.gap, options.noise
    T = options.rounds if options.max_cycles is None else min(options.rounds, -(-options.max_cycles // options.halves))
    if d == 2:
        silent = Limit(gap * sum(right(gap, noise, t) for t in range(T)), True, "each pulls the arm that is likelier")
        most = gap * sum(right(gap, noise, M * t) for t in range(T))
        ceiling = Limit(most, M == 1, "everybody knows all earlier rewards of all")
    else:
        # After one pull: stay if it paid more than gap / 2, else any other arm; right with probability 2 / d Phi(gap / 2 noise).
        kept = gap * (1 / d + (T - 1) * 2 / d * right(gap, noise, 1))
        silent = Limit(
            kept, T <= 2, "the arm that is likeliest after the first pull" + ("" if T <= 2 else ", kept: a lower bound")
        )
        most = gap * sum(best_shown(gap, noise, d, M * t) for t in range(T))
        ceiling = Limit(most, T == 1, "upper bound: as if each of all earlier pulls had shown a reward of every arm")
    if options.halves == 1 or options.link.size == 1:
        bound = (
            silent if silent.exact else Limit(gap * sum(best_shown(gap, noise, d, t) for t in range(T)), False, ceiling.source)
        )
        return Limits(silent=silent, reachable=bound, ceiling=ceiling)
    link = options.link
    clean = link.memoryless and not link.floats and not any((link.error, link.erasure, link.flip, link.fade, link.drop))
    small = (M, d, T, options.server) == (2, 2, 2, False) and options.max_cycles is None
    if small and clean and not link.delays[0] and link.size <= MOST_CELLS:
        told = gap * (0.5 + quantiser(gap, noise, link.size).value)
        return Limits(silent, Limit(told, True, "dynamic program for the best quantiser of what was seen"), ceiling)
    return Limits(silent=silent, reachable=Limit(ceiling.value, ceiling.exact, f"the ceiling: {ceiling.source}"), ceiling=ceiling)
