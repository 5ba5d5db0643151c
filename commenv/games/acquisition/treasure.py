"""Treasure and oracle: a seeker before K doors may ask, at a price, an oracle who knows which of them hides the treasure.

Agents: `seeker`, `oracle`, who move in turn. In its turn the seeker opens a door, which ends the game, or asks. The oracle hears
a question with probability `reliability`; then it sends one message, which the seeker reads in its next turn. It answers
`answers` questions at most.

| | seeker | oracle |
|---|---|---|
| observation | how the asking stands, shape (3,), then the inbox, shape (2**bits + 1,) | the treasure's door, shape (K + 1,) |
| action | a door, or K to ask, Discrete(K + 1) | message, Discrete(2**bits) |

The seeker sees the share of questions left, that of answers left, and 1 if the last question was answered; the oracle the door,
one-hot, and the share of answers given. The inbox is the delivered symbol, one-hot, with a last place for an erasure.

Rewards, the same for both, discounted by the game itself: before the q-th question they count discount**(q - 1). A question
costs `cost`; a door opened with the treasure behind it pays 1. Ends when a door is opened, or when more than `questions` are
asked. Success: 1 if the treasure was found.

Limits: silent: 1 / K, any door at once. reachable: the best questions and answers, by a dynamic program over how many doors,
answers and questions are left; a seeker must remember what it was answered before if it is answered more than once. ceiling:
the same with an answer that names the door. Through a noisy channel the ceiling is all that is known.

Ambrogioni (2021), Knowledge is reward. Version history: v0 first release.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

from commenv.core import game as core
from commenv.core.errors import number, whole
from commenv.core.game import Layout, Role
from commenv.core.generator import chance, integer
from commenv.core.limits import Limit, Limits
from commenv.solvers.treasure import Asking, asking

SEEKER, ORACLE = 0, 1


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 3

    doors: int = 8
    """Number of doors K, 2 to 64."""
    cost: float = 0.02
    """What a question costs, 0 to 1."""
    reliability: float = 0.5
    """Probability that the oracle hears a question, 0 to 1."""
    discount: float = 0.95
    """What comes after a question counts so many times less, 0 to 1."""
    answers: int = 1
    """Questions that the oracle answers at most, 1 to 8."""
    questions: int = 64
    """Questions at most, 1 to 256."""

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("doors", self.doors, 2, 64)
        whole("answers", self.answers, 1, 8)
        whole("questions", self.questions, 1, 256)
        for name, high in (("cost", 1), ("reliability", 1), ("discount", 1)):
            number(name, getattr(self, name), 0, high)


class Parameters(NamedTuple):
    doors: int
    cost: float
    reliability: float
    discount: float
    answers: int
    questions: int


class Game(core.Game):
    state: int  # the treasure's door
    asked: int
    answered: int
    fresh: int  # whether the last question was answered
    found: int
    weight: float  # discount**asked


class Agent(core.Agent):
    pass


def layout(options: Options) -> Layout:
    seeker = Role("seeker", actions=options.doors + 1, observation=3)
    oracle = Role("oracle", actions=1, observation=options.doors + 1)
    return Layout(roles=(seeker, oracle), links=((ORACLE, SEEKER),), turns=True)


def parameters(options: Options) -> Parameters:
    o = options
    return Parameters(o.doors, float(o.cost), float(o.reliability), float(o.discount), o.answers, o.questions)


def reset(p, game, agents, board, rng):
    game.state = integer(rng, p.doors)
    game.asked = game.answered = game.fresh = game.found = 0
    game.weight, game.turn = 1.0, SEEKER


def step(p, game, agents, board, act, sent, reward, rng):
    if game.turn == ORACLE:
        game.answered += 1
        game.fresh, game.turn = 1, SEEKER
        return False
    door = act[SEEKER]
    if door < p.doors:
        game.found = 1 if door == game.state else 0
        reward[SEEKER] = reward[ORACLE] = game.weight * game.found
        return True
    if game.asked == p.questions:
        return True
    reward[SEEKER] = reward[ORACLE] = -p.cost * game.weight
    game.asked += 1
    game.weight *= p.discount
    game.fresh = 0
    if game.answered < p.answers and chance(rng, p.reliability):
        game.turn = ORACLE
    return False


def observe(p, game, agents, board, i, obs):
    for k in range(len(obs)):
        obs[k] = 0.0
    if i == SEEKER:
        obs[0] = 1.0 - game.asked / p.questions
        obs[1] = 1.0 - game.answered / p.answers
        obs[2] = game.fresh
    else:
        obs[game.state] = 1.0
        obs[p.doors] = game.answered / p.answers


def success(p, game, agents, board):
    return float(game.found)


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    return f"treasure behind door {game['state']}; {game['asked']} questions, {game['answered']} answers"


def situations(options: Options) -> None:
    return None


@lru_cache(64)
def plan(options: Options, symbols: int) -> Asking:
    """The best questions and answers, for answers of so many symbols."""
    o = options
    return asking(o.doors, o.cost, o.reliability, o.discount, symbols, o.answers, o.questions)


def limits(options: Options) -> Limits:
    method = "dynamic program over the doors, answers and questions that are left"
    silent = Limit(1 / options.doors, True, "any door, at once")
    told = Limit(plan(options, options.doors).value, options.max_cycles is None, f"{method}, an answer naming the door")
    link = options.link
    if options.max_cycles is not None:  # nobody earns more by having less time; who never asks needs one step
        return Limits(silent=silent, reachable=told, ceiling=told)
    clean = link.memoryless and not link.floats and not any((link.error, link.erasure, link.flip, link.fade, link.drop))
    if not clean and link.size > 1:
        bound = Limit(told.value, False, f"the ceiling, without noise or budget: {told.source}")
        return Limits(silent=silent, reachable=bound, ceiling=bound)
    return Limits(silent=silent, reachable=Limit(plan(options, link.size).value, True, method), ceiling=told)
