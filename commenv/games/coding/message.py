"""What Markov coding games share: a message of parts that is drawn, told to a sender, and named part by part by a receiver."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from commenv import info
from commenv.core import game as core
from commenv.core.errors import bad, number, whole, word
from commenv.core.game import Layout, Role
from commenv.core.generator import categorical, rule

SENDER, RECEIVER, SOURCE = 0, 1, 2
RATE_LIMITS = ("none", "per_step", "total")
UNLIMITED, PER_STEP, TOTAL = range(3)

FIGURES = ("mdp_return", "decode_correct", "bits_delivered")
"""What infos tell of a game that is over: reward of the process itself, whether every part was named rightly, and log2 1 / mu of
the parts that were, in bits."""


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose of every Markov coding game."""

    default_bits: ClassVar[int] = 0

    messages: int = 4
    """Values K of each part of the message, 2 to 4,096."""
    prior: Sequence[float] | None = None
    """Distribution mu of each part, length K; None: uniform."""
    parts: int = 1
    """Independent parts of the message, 1 to 64; named one after the other."""
    horizon: int = 8
    """Steps of the process at most, 1 to 100,000; then the receiver names the message."""
    zeta: float = 1.0
    """Reward for naming all parts rightly, at least 0."""
    noise: float = 0.0
    """Probability that an action is replaced by one drawn uniformly from those available, 0 to 1."""
    rate_limit: str = "none"
    """`none`: the sender sees the message. `per_step`: a third agent, the source, sees it and tells the sender in `bits` bits
    before each step. `total`: before the first step only."""

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("messages", self.messages, 2, 4096)
        whole("parts", self.parts, 1, 64)
        whole("horizon", self.horizon, 1, 100_000)
        number("zeta", self.zeta, 0, math.inf)
        number("noise", self.noise, 0, 1)
        word("rate_limit", self.rate_limit, RATE_LIMITS)
        if self.prior is not None:
            try:
                fits = len(info.distribution(self.prior)) == self.messages
            except ValueError:
                fits = False
            if not fits:
                raise bad("prior", self.prior, f"the probabilities of {self.messages} values: not negative, with sum 1")
            object.__setattr__(self, "prior", tuple(np.asarray(self.prior, float).tolist()))

    @property
    def probabilities(self) -> np.ndarray:
        """Prior of each part, shape (K,)."""
        return np.full(self.messages, 1 / self.messages) if self.prior is None else info.distribution(self.prior)

    @property
    def limit(self) -> int:
        """The rate limit as the rules read it."""
        return RATE_LIMITS.index(self.rate_limit)

    def told(self, steps: int) -> float:
        """Bits of the message that may reach the sender in so many steps of the process; infinite where it sees the message."""
        return {UNLIMITED: math.inf, PER_STEP: steps * self.link.capacity, TOTAL: self.link.capacity}[self.limit]

    @property
    def reached(self) -> tuple[int, bool]:
        """Steps of the process that there may be, and whether max_cycles cuts a game before its message is named."""
        each = 2 if self.limit == PER_STEP else 1
        if self.max_cycles is None or self.max_cycles >= each * self.horizon + self.parts + 1:
            return self.horizon, False
        return min(self.horizon, -(-self.max_cycles // each)), True

    @property
    def guess(self) -> float:
        """What the likeliest message earns where nothing is known."""
        return self.zeta * float(self.probabilities.max()) ** self.parts

    @property
    def shown(self) -> int:
        """Length of the message in an observation: each part one-hot."""
        return self.messages * self.parts


class Game(core.Game):
    state: int  # the first part of the message
    clock: int  # steps of the process
    named: int  # parts
    right: int  # of them
    bits: float


class Agent(core.Agent):
    mdp_return: float
    decode_correct: float
    bits_delivered: float


def seats(options: Options, actions: int, public: int, cells: int, low: float = 0.0, high: float = 1.0) -> Layout:
    """Who plays where `public` numbers are seen by all: the sender, or its source, sees the message behind them."""
    informed, blind = public + options.shown, public
    sender = Role("sender", actions, blind if options.limit else informed, low, high)
    receiver = Role("receiver", options.messages, blind, low, high)
    if not options.limit:
        return Layout(roles=(sender, receiver), links=(), turns=True, cells=options.parts + cells)
    source = Role("source", 1, informed, low, high)
    return Layout(roles=(sender, receiver, source), links=((SOURCE, SENDER),), turns=True, cells=options.parts + cells)


@rule
def draw_message(p, game, agents, board, rng):
    for k in range(p.parts):
        board[k] = categorical(rng, p.prior)
    game.state = board[0]
    game.clock = game.named = game.right = 0
    game.bits = 0.0
    game.turn = SENDER if p.limit == UNLIMITED else SOURCE
    for i in range(len(agents)):
        agents[i].mdp_return = agents[i].decode_correct = agents[i].bits_delivered = 0.0


@rule
def earn(agents, reward, value):
    """The process pays everybody."""
    for i in range(len(agents)):
        agents[i].mdp_return += value
        reward[i] += value


@rule
def go_on(p, game, over):
    """Whose turn it is after a step of the process."""
    if over:
        game.turn = RECEIVER
    else:
        game.turn = SOURCE if p.limit == PER_STEP else SENDER


@rule
def name_part(p, game, agents, board, named, reward):
    """The receiver names the next part; True after the last."""
    if named == board[game.named]:
        game.right += 1
        game.bits += p.surprise[named]
    game.named += 1
    if game.named < p.parts:
        return False
    for i in range(len(agents)):
        agents[i].bits_delivered = game.bits
        if game.right == p.parts:
            agents[i].decode_correct = 1.0
            reward[i] += p.zeta
    return True


@rule
def available_action(p, s, wanted):
    """The action itself, or of those available the next after it, in a ring."""
    while p.available[s, wanted] == 0:
        wanted = wanted + 1 if wanted + 1 < p.available.shape[1] else 0
    return wanted


@rule
def show_message(p, game, board, i, at, obs):
    """From `at` on: which of several parts is to be named, and the message to whoever sees it."""
    if p.parts > 1:
        if game.turn == RECEIVER and game.named < p.parts:
            obs[at + game.named] = 1.0
        at += p.parts
    if i == SOURCE or (i == SENDER and p.limit == UNLIMITED):
        for k in range(p.parts):
            obs[at + k * len(p.prior) + board[k]] = 1.0


def success(p, game, agents, board):
    return agents[RECEIVER].decode_correct


def situations(options: Options) -> None:
    return None


def told_turn(game: Any) -> str:
    """Who moves, in words."""
    return f"{('sender', 'receiver', 'source')[game['turn']]} to move"


def bits_of_values(options: Options) -> np.ndarray:
    """Bits of each value, 0 for one that never occurs."""
    mu = options.probabilities
    return -np.log2(mu, where=mu > 0, out=np.zeros_like(mu))
