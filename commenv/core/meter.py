"""Honest bits: what was offered, what was sent, and how much of it could have been news."""

from dataclasses import dataclass

import numpy as np

from commenv.core.channel import Channel

TALLY = np.dtype([(name, np.int64) for name in ("offered", "messages", "blocked", "erased", "altered")])
"""What the kernel counts on each link."""


@dataclass(frozen=True)
class LinkMeter:
    """What one link has carried, or several together."""

    channel: Channel
    offered: int
    """Times a message could be sent."""
    messages: int
    """Messages put on the air: silence is none."""
    blocked: int
    """Messages over the budget, which became silence."""
    erased: int
    """Messages lost by the channel, visibly."""
    altered: int
    """Messages that arrived as another symbol."""
    counts: np.ndarray
    """How often each of the M events was sent, silence included; shape (M,)."""

    @property
    def capacity_bits(self) -> float:
        """Bits that the channel offered: Shannon capacity times the times it could be used; a budget is left aside."""
        return self.offered * self.channel.capacity

    @property
    def payload_bits(self) -> float:
        """Bits in the messages put on the air, log2 M each."""
        return self.messages * self.channel.rate

    @property
    def entropy(self) -> float:
        """Entropy of what was sent, in bits a message, silence included (plug-in); 0 before anything was sent."""
        from commenv import info

        return info.entropy(self.counts / self.counts.sum()) if self.offered else 0.0


@dataclass(frozen=True)
class Meter:
    """Snapshot of all links since the batch was made, or since its meter was cleared."""

    links: dict[tuple[str, str], LinkMeter]
    """By (source, target)."""

    @property
    def total(self) -> LinkMeter:
        """All links together; its entropy is that of a symbol on a link drawn by use. Raises ValueError without links."""
        meters = list(self.links.values())
        if not meters:
            raise ValueError("this game has no links: nobody can send anything")
        sums = {name: sum(getattr(m, name) for m in meters) for name in TALLY.names or ()}
        return LinkMeter(channel=meters[0].channel, counts=np.sum([m.counts for m in meters], axis=0), **sums)
