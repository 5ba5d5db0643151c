"""Sensors and a centre by theory: shared thresholds, and the sum of log-likelihood ratios of what is heard (Neyman, Pearson)."""

from collections.abc import Mapping

import numpy as np

from agents.team import Deployed
from commenv.games.messaging.fusion import Options
from commenv.solvers.detection import detector, levels

ID = "messaging/fusion-v0"


class DetectorTeam(Deployed):
    """Each sensor sends the level of its reading, the centre decides by what it hears; a tie is theta = 1.

    Raises ValueError for channels with a memory, or of floats.
    """

    def __init__(self, options: Options) -> None:
        super().__init__(ID, options)
        link = options.link
        if not link.memoryless or link.floats:
            raise ValueError("a level is one message: over a channel without memory, of symbols")
        W = link.matrix
        self.thresholds = detector(options.sensors, options.sigma, W).thresholds
        heard = levels(self.thresholds, options.sigma) @ W[: len(self.thresholds) + 1]
        self.ratios = np.zeros(link.size + 2)
        """Of each symbol, an erasure, and nothing heard: log P(it | theta = 1) - log P(it | theta = -1)."""
        possible = heard.min(axis=0) > 0
        self.ratios[: heard.shape[1]][possible] = np.log(heard[1, possible] / heard[0, possible])

    def player(self, games: int) -> "DetectorTeam":
        return self

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        N = self.options.sensors  # type: ignore[attr-defined]
        inboxes = seen["centre"][:, 1:].reshape(len(fresh), N, -1)
        heard = np.where(inboxes.any(axis=2), inboxes.argmax(axis=2), inboxes.shape[2])
        said = {f"sensor_{i}": np.searchsorted(self.thresholds, seen[f"sensor_{i}"][:, 0]) for i in range(N)}
        return {**said, "centre": (self.ratios[heard].sum(axis=1) >= -1e-9).astype(int)}
