"""Attributes: a speaker sees a thing with k attributes of v values each, and the listener is asked for one of them.

Agents: `speaker`, who sees the thing and sends one message, and `listener`, who sees which attribute is asked for, each as
likely, and names its value. The speaker does not know what will be asked, so that the mean reward is the fraction of attributes
that the message gets right: the game in which all are named at once and each pays 1 / k has the same best teams and rewards.

| | speaker | listener |
|---|---|---|
| observation | value of each attribute, one-hot, (k * v,) | attribute asked for, one-hot (k,), then the inbox, (2**bits + 1,) |
| action | message, Discrete(2**bits) | value, Discrete(v) |

Things: all v**k combinations, each as likely. `held_out` of them can be kept from training: make the training game with
`things="training"`, and what was learned is measured with `things="held_out"`. Each value of each attribute stays in training.
A language that names attributes apart carries over to new combinations (measured by `topographic` similarity of things and
messages: commenv/info); one that names things whole does not.

Reward: 1 for the right value, else 0, the same for both. Ends after the answer.

Limits, in reward a game. silent: the likeliest value. reachable: the best code; exact over all partitions for up to 16 things
and all choices of answers for more, as far as these can be tried (k = 2, v = 4: exact at every rate), else a lower bound by
local search, and the source says so. ceiling: reward-rate function at the channel's capacity (Shannon 1959, Blahut 1972),
dual bound; the listener's question is side information that tells nothing of the thing (Wyner, Ziv 1976).

Kottur, Moura, Lee, Batra (2017), Natural language does not emerge naturally in multi-agent dialog; Brighton, Kirby (2006).
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

MOST_THINGS = 4096


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 2

    attributes: int = 2
    """Number of attributes k, 1 to 12."""
    values: int = 4
    """Values v of each, 2 to 4,096; v**k is at most 4,096."""
    held_out: int = 0
    """Combinations that are kept out of training."""
    things: str = "all"
    """Which combinations are drawn: `all`, `training` or `held_out`."""
    split: int = 0
    """Seed by which combinations are chosen to be held out."""

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("attributes", self.attributes, 1, 12)
        whole("values", self.values, 2, MOST_THINGS)
        if self.values**self.attributes > MOST_THINGS:
            raise ValueError(f"{self.values}**{self.attributes} combinations are too many: at most {MOST_THINGS:,}")
        whole("held_out", self.held_out, 0, self.values**self.attributes - self.values)
        whole("split", self.split, 0)
        word("things", self.things, ("all", "training", "held_out"))
        if self.things == "held_out" and not self.held_out:
            raise ValueError("things='held_out' needs held_out to be at least 1: nothing is held out")
        assert self.kept.any()  # a split that leaves a value out of training is refused here

    @property
    def combinations(self) -> np.ndarray:
        """Values of the attributes of each thing, shape (v**k, k)."""
        return np.stack(np.unravel_index(np.arange(self.values**self.attributes), (self.values,) * self.attributes), axis=1)

    @cached_property
    def kept(self) -> np.ndarray:
        """Which combinations are in training, shape (v**k,)."""
        all_of_them = self.combinations
        kept, missing = np.ones(len(all_of_them), bool), self.held_out
        for thing in np.random.default_rng(self.split).permutation(len(all_of_them)) if missing else ():
            kept[thing] = False
            seen = (all_of_them[kept] == all_of_them[thing]).any(axis=0)
            if seen.all():
                missing -= 1
            else:
                kept[thing] = True  # it is the last with one of its values
            if not missing:
                break
        if missing:
            raise ValueError(f"held_out={self.held_out} is not allowed: a value would be in no combination of training")
        return kept

    @cached_property
    def questions(self) -> Questions:
        """The game's tables."""
        drawn = {"all": np.ones(len(self.kept), bool), "training": self.kept, "held_out": ~self.kept}[self.things]
        prior = np.outer(drawn / drawn.sum(), np.full(self.attributes, 1 / self.attributes))
        values = np.eye(self.values)[self.combinations]  # [thing, attribute, value]
        return Questions(prior, values, values.reshape(len(values), -1))


def layout(options: Options) -> Layout:
    return questions.layout(options.questions)


def parameters(options: Options) -> Parameters:
    return questions.parameters(options.questions)


def situations(options: Options) -> Situations | None:
    return questions.situations(options.questions, options)


def limits(options: Options) -> Limits:
    return questions.limits(options.questions, options)


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    thing = tuple(options.combinations[game["state"]].tolist())
    return f"thing {thing}, asked for attribute {game['own']}, {questions.sketch(game)}"
