"""A channel of which a team uses a few messages only: limits are worked out on it when its alphabet is large."""

import math
from dataclasses import replace

from commenv.core.channel import Channel


def narrowed(channel: Channel, most: int) -> Channel:
    """The channel as those see it who send its first `most` messages only, at least 2; other symbols show themselves as noise.

    Prices and budgets are counted in messages of the new rate.
    """
    if channel.size <= most:
        return channel
    others, used = channel.size - channel.silence - 1, most - channel.silence - 1
    shown = channel.error * (others - used) / others
    error = channel.error * used / others / (1 - shown) if shown < 1 else 0.0
    scale = math.log2(most) / channel.rate
    budget = {name: getattr(channel, name) for name in ("refill", "burst", "cap")}
    return replace(
        channel,
        bits=None,
        symbols=most,
        erasure=channel.erasure + (1 - channel.erasure) * shown,
        error=error,
        **{name: value * scale for name, value in budget.items() if value is not None},
    )
