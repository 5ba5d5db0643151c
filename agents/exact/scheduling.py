"""A scheduler and sources by theory: the oldest source transmits, or whom a dynamic program names."""

from collections.abc import Mapping

import numpy as np

from agents.team import Deployed
from commenv.games.messaging.scheduling import Options
from commenv.solvers.ages import alike, planned, whom

ID = "messaging/scheduling-v0"
NOBODY = -1


class SchedulerTeam(Deployed):
    """With messages enough for all sources the scheduler names who transmits; with fewer, at least two, it tells whether the last
    update got through, and each source keeps everybody's age in mind; with one, a schedule is followed.

    Raises ValueError for channels that may deliver anything but what was sent, in the step after.
    """

    def __init__(self, options: Options) -> None:
        super().__init__(ID, options)
        link = options.link
        if not link.memoryless or link.floats or link.capacity != np.log2(link.size):
            raise ValueError(f"these agents take what they hear for what was said: noiseless channels only, not {link!r}")
        self.sources, self.slots, self.messages = options.sources, options.slots, link.size
        self.names = link.size >= options.sources
        self.schedule = planned(options.each, options.slots).served if link.size == 1 else None
        self.table = whom(options.each, options.slots) if link.size > 1 and not alike(options.each) else None

    def player(self, games: int) -> "_Slots":
        return _Slots(self, games)

    def served(self, slot: np.ndarray, ages: np.ndarray) -> np.ndarray:
        """Who transmits (n,) in slots (n,) of ages (n, M): of the oldest the first."""
        if self.schedule is not None:
            return self.schedule[slot]
        if self.table is None:
            return ages.argmax(axis=1)
        return self.table[slot, (ages - 1) @ (self.slots + 1) ** np.arange(self.sources)]


class _Slots:
    """A team at play, which counts slots. What sources have in mind is the same for all, as all have heard the same."""

    def __init__(self, team: SchedulerTeam, games: int) -> None:
        self.team = team
        self.ages, self.last, self.slot = np.ones((games, team.sources), int), np.full(games, NOBODY), np.zeros(games, int)

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        team, M = self.team, self.team.sources
        self.ages[fresh], self.last[fresh], self.slot[fresh] = 1, NOBODY, 0
        ages = np.rint(seen["scheduler"][:, :M] * M).astype(int)
        now, heard = seen["source_0"][:, 0] > 0, seen["source_0"][:, -1 - team.messages :].argmax(axis=1)
        if team.schedule is not None:
            said, whose = np.zeros(len(now), int), team.served(self.slot, ages)
        elif team.names:
            said, whose = team.served(self.slot, ages), heard
        else:
            said = (ages[np.arange(len(now)), self.last] == 1).astype(int)
            self._remember(now & (self.last != NOBODY), heard == 1)
            whose = team.served(self.slot, self.ages)
        self.last, self.slot = np.where(now, whose, self.last), self.slot + now
        return {"scheduler": said, **{f"source_{i}": (now & (whose == i)).astype(int) for i in range(M)}}

    def _remember(self, games: np.ndarray, came: np.ndarray) -> None:
        """A slot later all are older, but for the last to transmit if its update came."""
        self.ages[games] += 1
        self.ages[games & came, self.last[games & came]] = 1
