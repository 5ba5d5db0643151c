"""Function: one agent knows x, the other y, and after one message from the first the second says f(x, y).

Agents: `speaker`, who sees x and sends one message, and `listener`, who sees y and what the channel delivers, and answers.

| | speaker | listener |
|---|---|---|
| observation | x, one-hot, (X,) | y, one-hot, (Y,), then the inbox, (2**bits + 1,) |
| action | message, Discrete(2**bits) | answer, Discrete(A) |

Functions, of `size` n: `index` (x a word of n bits, y one of its places: which bit stands there, place 0 first), `equality`
(whether x = y; half the pairs are equal), `greater` (whether x > y), `gcd` (greatest common divisor of x + 1 and y + 1, less 1),
`parity` (of the ones in x and y together). But for index, x and y are 0..n-1. Pairs are as likely as each other, but for
equality's half. Parity of any size needs one bit; index needs n, equality and greater log2 n.
Of the bits of N agents on a graph, parity and majority are messaging/graph_function.

Reward: 1 for the right answer, else 0, the same for both. Ends after the answer.

Limits, in reward a game: how often the answer is right. silent: the likeliest answer to each y. reachable: the best code;
without noise exact over all partitions of the x that differ, up to 16 of them (index up to 4 bits, others up to size 16), beyond
and through noise as its source says: all codes where these can be tried, else a lower bound by local search. In particular
greater, gcd and index of 3 bits at 2 bits a message are exact. ceiling: reward-rate function at capacity, dual bound, with y as
side information at the listener (Wyner, Ziv 1976) where x and y are independent and the listener's answers are up to 4,096
functions of y; else for a speaker who knows y as well (Gray 1972): an upper
bound, and a loose one, for one bit would then tell the answer of a yes-or-no question.

Yao (1979), Some complexity questions related to distributive computing; index: Ambainis, Nayak, Ta-Shma, Vazirani (1999).
Version history: v0 first release.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from commenv.core import game as core
from commenv.core.errors import whole, word
from commenv.core.game import Layout
from commenv.core.limits import Limits
from commenv.core.situations import Situations
from commenv.games.messaging import questions
from commenv.games.messaging.questions import Agent, Game, Parameters, Questions, observe, reset, step

__all__ = ["Agent", "Game", "Options", "Parameters", "observe", "reset", "step"]

FUNCTIONS = ("index", "equality", "greater", "gcd", "parity")


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 2

    function: str = "index"
    """`index`, `equality`, `greater`, `gcd` or `parity`."""
    size: int | None = None
    """Bits of the word of index, 1 to 10, 3 by default; numbers that x and y may be, 2 to 64, 8 by default."""

    def __post_init__(self) -> None:
        super().__post_init__()
        word("function", self.function, FUNCTIONS)
        low, high, usual = (1, 10, 3) if self.function == "index" else (2, 64, 8)
        object.__setattr__(self, "size", usual if self.size is None else whole("size", self.size, low, high))

    @cached_property
    def answers(self) -> np.ndarray:
        """f(x, y), shape (X, Y)."""
        n = self.size or 0
        x = np.arange(2**n if self.function == "index" else n)[:, None]
        y = np.arange(n)
        match self.function:
            case "index":
                return x >> (n - 1 - y) & 1
            case "equality":
                return (x == y).astype(int)
            case "greater":
                return (x > y).astype(int)
            case "gcd":
                return np.gcd(x + 1, y + 1) - 1
            case _:
                return (np.bitwise_count(x) + np.bitwise_count(y)) % 2

    @cached_property
    def questions(self) -> Questions:
        """The game's tables."""
        answers = self.answers
        prior = np.full(answers.shape, 1 / answers.size)
        if self.function == "equality":
            n = len(answers)
            prior = np.where(answers, 1 / (2 * n), 1 / (2 * n * (n - 1)))
        return Questions(prior, np.eye(int(answers.max()) + 1)[answers], np.eye(len(answers)))


def layout(options: Options) -> Layout:
    return questions.layout(options.questions)


def parameters(options: Options) -> Parameters:
    return questions.parameters(options.questions)


def situations(options: Options) -> Situations | None:
    return questions.situations(options.questions, options)


def limits(options: Options) -> Limits:
    return questions.limits(options.questions, options)


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    x, y = game["state"], game["own"]
    return f"{options.function} of x={x} and y={y} is {options.answers[x, y]}; {questions.sketch(game)}"
