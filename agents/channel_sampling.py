"""Sampling of teams that speak over the game's own channel: as everybody's, and with the clock for their critics."""

from typing import Any

import numpy as np

from agents.fragments import Fragment
from agents.sampling import BatchedEnvRunner


class ChannelEnvRunner(BatchedEnvRunner):
    """Messages are sampled and sent, and the meter counts them. Columns of each agent also hold time [B, T] and last_time [B]:
    how much of the game is over, 0..1; 0 where nothing cuts it."""

    def _play(self, *args: Any) -> tuple[Fragment, list[Any]]:
        self._times: list[np.ndarray] = []
        return super()._play(*args)

    def _act(self, *args: Any) -> dict[str, np.ndarray]:
        self._times.append(self._time())
        return super()._act(*args)

    def _fragment(self, *args: Any) -> Fragment:
        fragment, clock = super()._fragment(*args), {"time": np.stack(self._times, 1), "last_time": self._time()}
        for columns in fragment.agents.values():
            columns |= clock
        return fragment
