"""Noise that comes in bursts."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from commenv.core.errors import number, plain, shown


@dataclass(frozen=True, kw_only=True)
class Bursts:
    """Noise that comes in bursts (Gilbert 1960, Elliott 1963): each link has a good and a bad state, a Markov chain.

    Good turns bad with probability `to_bad` a step and bad turns good with `to_good`, whether or not the link is used; a game
    starts in the stationary law, bad with probability to_bad / (to_bad + to_good). In the bad state `error` and `erasure` are
    these, in the good one the channel's own. Nobody sees the state.
    """

    to_bad: float
    """Probability a step that a good link turns bad."""
    to_good: float
    """Probability a step that a bad link turns good."""
    error: float = 0.0
    """Probability in the bad state that a symbol arrives as another one."""
    erasure: float = 0.0
    """Probability in the bad state that a message is lost and the receiver knows it."""

    def __post_init__(self) -> None:
        for name in ("to_bad", "to_good", "error", "erasure"):
            object.__setattr__(self, name, plain(getattr(self, name)))
            number(f"bursts.{name}", getattr(self, name), 0, 1)
        if self.to_bad + self.to_good == 0:
            raise ValueError("bursts need to_bad or to_good above 0: a link that never changes its state has no stationary law")

    @property
    def bad(self) -> float:
        """Stationary probability of the bad state."""
        return self.to_bad / (self.to_bad + self.to_good)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Bursts from their fields. Raises ValueError for one that is unknown or missing."""
        known = [f.name for f in fields(cls)]
        if unknown := sorted(set(given) - set(known), key=str):
            raise ValueError(f"unknown field {unknown[0]!r} of bursts; there are {', '.join(known)}")
        if missing := sorted({"to_bad", "to_good"} - set(given)):
            raise ValueError(f"bursts={shown(dict(given))} lack {missing[0]}")
        return cls(**given)
