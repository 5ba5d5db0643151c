"""What is known of the best reward a team can reach."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Limit:
    """One value, in reward a game; whether it is exact (else a bound: see its source); and the theorem or method behind it."""

    value: float
    exact: bool
    source: str


@dataclass(frozen=True)
class Limits:
    """The expected reward a game of the best team: silent <= reachable <= ceiling.

    silent: without any communication. reachable: best team at this rate in the game's own horizon.
    ceiling: what no team can exceed, however long its codes, at the channel's capacity.
    """

    silent: Limit
    reachable: Limit
    ceiling: Limit

    def efficiency(self, reward: float) -> float | None:
        """(reward - silent) / (reachable - silent); None where communication buys nothing."""
        room = self.reachable.value - self.silent.value
        return None if room < 1e-12 else (reward - self.silent.value) / room

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
