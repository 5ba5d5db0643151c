"""A sensor and a controller by theory: a quantiser whose unit both follow, for both know what was said."""

from collections.abc import Mapping

import numpy as np

from agents.team import Deployed
from commenv.games.messaging.tracking import Options
from commenv.solvers.tracking import Zoom, zoom

ID = "messaging/tracking-v0"


class ZoomTeam(Deployed):
    """The quantiser of `commenv.solvers.tracking.zoom`, the best found; other quantisers may be better.

    Raises ValueError for channels with a memory, with noise, or of floats: both ends must know what was heard.
    """

    def __init__(self, options: Options) -> None:
        super().__init__(ID, options)
        link = options.link
        if not link.memoryless or link.floats or link.capacity < np.log2(link.size):
            raise ValueError("both ends follow what was said: over a channel without memory and noise, of symbols")
        self.zoom = zoom(link.size, float(options.gain), options.steps, options.points, float(options.reach)).zoom
        self.gain, self.grid = float(options.gain), options.grid

    def player(self, games: int) -> "_Following":
        return _Following(self, games)


class _Unit:
    """What one agent remembers of each game."""

    def __init__(self, games: int) -> None:
        self.unit, self.before, self.run = np.ones(games), np.full(games, -1), np.zeros(games, int)

    def begin(self, fresh: np.ndarray) -> None:
        self.unit[fresh], self.before[fresh] = 1.0, -1  # no run goes on from another game

    def follow(self, zoom: Zoom, message: np.ndarray, gain: float, now: np.ndarray) -> None:
        run = np.where(message == self.before, self.run + 1, 0)
        unit = zoom.after(self.unit, message, run, gain)
        self.unit, self.run = np.where(now, unit, self.unit), np.where(now, run, self.run)
        self.before = np.where(now, message, self.before)


class _Following:
    def __init__(self, team: ZoomTeam, games: int) -> None:
        self.team, self.sensor, self.controller = team, _Unit(games), _Unit(games)

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        zoom, gain, grid = self.team.zoom, self.team.gain, self.team.grid
        for unit in (self.sensor, self.controller):
            unit.begin(fresh)
        message = np.searchsorted(zoom.thresholds, seen["sensor"][:, 0] / self.sensor.unit)
        self.sensor.follow(zoom, message, gain, seen["sensor"][:, 1] > 0)
        inbox = seen["controller"][:, 2:]
        heard = np.minimum(inbox.argmax(axis=1), len(zoom.points) - 1)
        estimate = zoom.points[heard] * self.controller.unit
        named = np.searchsorted((grid[1:] + grid[:-1]) / 2, estimate)
        self.controller.follow(zoom, heard, gain, seen["controller"][:, 0] > 0)
        return {"sensor": message, "controller": named}
