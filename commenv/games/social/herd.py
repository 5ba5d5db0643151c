"""What games of herding share: agents with private signals who name the state one after another, once each."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from commenv.core import game as core
from commenv.core.errors import bad, number, word
from commenv.core.generator import chance

__all__ = ["Agent", "Game", "Parameters", "describe", "parameters", "reset", "situations", "step", "success"]
"""What a game of herding has from here; its own are the page, the Options, who sees what, and the limits."""

NOT_YET = -1


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose of any herd."""

    precision: float = 0.7
    """Probability that a signal names the state, 1/2 to 1."""
    prior: float = 0.5
    """P(state = 1), between 0 and 1."""
    reward: str = "own"
    """`own`: each agent for itself; `team`: the share of agents that are right, for all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        number("precision", self.precision, 0.5, 1)
        if not 0 < number("prior", self.prior, 0, 1) < 1:
            raise bad("prior", self.prior, "between 0 and 1")
        word("reward", self.reward, ("own", "team"))


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


def success(p, game, agents, board):
    return game.right / len(agents)


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    acts = "".join(str(act) if act != NOT_YET else "." for act in agents["act"].tolist())
    return f"state {game['state']}, signals {''.join(map(str, agents['signal'].tolist()))}, acts {acts}"


def situations(options: Options) -> None:
    return None
