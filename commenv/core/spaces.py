"""The space of what an agent observes."""

import numpy as np
from gymnasium.spaces import Box

from commenv.core.channel import Channel
from commenv.core.game import Role
from commenv.core.relay import FARTHEST


def box(role: Role, width: int, channel: Channel) -> Box:
    """Of an agent's own part, then its inbox, so wide together: ones and zeros, or floats as far as noise takes them."""
    low, high = np.zeros(width, np.float32), np.ones(width, np.float32)
    low[: role.observation], high[: role.observation] = role.low, role.high
    if channel.floats and width > role.observation:
        reach = 1.0 + FARTHEST * channel.gaussian
        inboxes = (part[role.observation :].reshape(-1, channel.places)[:, :-1] for part in (low, high))
        for part, bound in zip(inboxes, (-reach, reach), strict=True):
            part[:] = bound
    return Box(low, high, dtype=np.float32)
