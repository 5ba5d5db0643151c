"""What games share in which sensors read once, speak once, and a centre, the last agent, answers in the next step; and numbers to
name, of which an answer is one."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from commenv.core import game as core
from commenv.core.errors import bad, number, whole


@dataclass(frozen=True, kw_only=True)
class Numbers(core.Options):
    """What a user may choose where numbers are named."""

    most_points: ClassVar[int] = 16_385
    """So many that a search over them ends."""

    points: int = 65
    """Numbers that may be named, odd, from 3 on."""
    reach: float = 4.0
    """The largest of them, .1 to 1,000."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not whole("points", self.points, 3, self.most_points) % 2:
            raise bad("points", self.points, "odd, so that 0 is among them")
        number("reach", self.reach, 0.1, 1000)

    @cached_property
    def grid(self) -> np.ndarray:
        """What each action names, shape (points,)."""
        half = self.points // 2
        return np.arange(-half, half + 1) * (self.reach / half)


def has_floor(p, game, agents, board, i):
    return game.t == 0 and i < len(agents) - 1


def observe(p, game, agents, board, i, obs):
    """A sensor its reading, and whether it may speak; the centre whether it answers."""
    now = 1.0 if game.t > 0 else 0.0
    if i < len(agents) - 1:
        obs[0], obs[1] = agents[i].reading, 1.0 - now
    else:
        obs[0] = now


def situations(options: core.Options) -> None:
    return None
