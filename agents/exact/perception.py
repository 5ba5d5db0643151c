"""Sensors and a centre by theory: messages by information filling or by the best code found, maps by what they leave likely."""

from collections.abc import Mapping

import numpy as np

from agents.team import Deployed
from commenv.core.errors import bad
from commenv.games.messaging.perception import Options, fits, matrix

ID = "messaging/perception-v0"
CODES = ("best", "filling")


class CodedTeam(Deployed):
    """Each sensor says the entry of its reading, the centre names the map with the best expected F1 (Bayes).

    code: `filling` (masks of the cells that others leave most in doubt) or `best` (the best found). Raises ValueError for
    another, and for channels with a memory, of floats, or of too many messages.
    """

    def __init__(self, options: Options, code: str = "best") -> None:
        super().__init__(ID, options)
        link = options.link
        if code not in CODES:
            raise bad("code", code, f"one of {', '.join(CODES)}")
        if not link.memoryless or link.floats:
            raise ValueError(f"an entry is one message: over a channel without memory, of symbols, not {link!r}")
        if not fits(options):
            raise ValueError(f"codes for {options.sensors} sensors of {link.size:,} messages each are too many to search")
        scene, W = options.scene, matrix(options)
        self.code = scene.best_code(W) if code == "best" else scene.filling(W)
        self.cells = [len(cells) for cells in scene.seen]
        self.outputs = W.shape[1]

    def player(self, games: int) -> "CodedTeam":
        return self

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        centre, v, N = seen["centre"], self.cells[0], len(self.cells) - 1
        inboxes = centre[:, v + 1 :].reshape(len(centre), N, -1)
        heard = np.where(inboxes.any(axis=2), inboxes.argmax(axis=2), self.outputs - 1)  # nothing, where it can be, is the last
        said = {}
        for i, encoder in enumerate(self.code.encoders):
            said[f"sensor_{i}"] = encoder[_number(seen[f"sensor_{i}"][:, : self.cells[i + 1]])]
        return {"centre": self.code.decoder[(_number(centre[:, :v]), *heard.T)], **said}


def _number(readings: np.ndarray) -> np.ndarray:
    """Readings (n, v) as numbers (n,), bit k for the k-th."""
    return readings.astype(int) @ 2 ** np.arange(readings.shape[1])
