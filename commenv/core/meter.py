"""Honest bits: what was offered, what was sent, what became of it, and how much of it could have been news."""

import math
from dataclasses import dataclass

import numpy as np

from commenv.core.links import Line

TALLY = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("offered", "messages", "blocked", "erased", "altered"),
            *("dropped", "collided", "late", "overflowed", "corrupted", "overheard"),
        )
    ]
)
"""What the kernel counts on each link."""


@dataclass(frozen=True)
class LinkMeter:
    """What one link has carried, or several together."""

    offered: int
    """Times a message could be sent."""
    messages: int
    """Messages put on the air: silence is none."""
    blocked: int
    """Messages over the budget, which became silence."""
    erased: int
    """Messages lost by noise, visibly."""
    altered: int
    """Messages that noise made another symbol."""
    dropped: int
    """Messages lost without a trace."""
    collided: int
    """Messages that did not get through to a shared medium."""
    late: int
    """Messages that came out of the queue, a step or more after they were sent."""
    overflowed: int
    """Messages lost because the queue was full."""
    corrupted: int
    """Messages, silence too, that a corrupted link replaced by another."""
    overheard: int
    """Messages that an eavesdropper heard."""
    counts: np.ndarray
    """How often each of the M events was sent, silence included; shape (M,), of floats beyond 16 bits (0,)."""
    payload_bits: float
    """Bits that the messages put on the air cost: log2 M each, a word what its symbols come to; silence its own price, and
    that in full also where the sender had less left and was charged no more."""
    uses: tuple[tuple[Line, int], ...]
    """The links, and how often each could be used."""

    @property
    def capacity_bits(self) -> float:
        """Bits that the channel offered: Shannon capacity times the times it could be used; a budget is left aside."""
        return float(sum(offered * line.capacity for line, offered in self.uses))

    @property
    def entropy(self) -> float:
        """Entropy of what was sent, in bits a message, silence included (plug-in); 0 before anything was sent. Of floats it is
        that of their levels, and nan beyond 16 bits a message, which are not counted one by one."""
        from commenv import info

        if self.offered and not self.counts.size:
            return math.nan
        return info.entropy(self.counts / self.counts.sum()) if self.offered else 0.0


def link_meter(line: Line, counts: np.ndarray, **sums: int) -> LinkMeter:
    """The meter of one link, from what was counted on it."""
    channel = line.channel
    silent = sums["offered"] - sums["messages"]
    payload = float(counts @ line.prices) if channel.counted else sums["messages"] * line.rate + silent * channel.silence_price
    return LinkMeter(counts=counts, payload_bits=payload, uses=((line, sums["offered"]),), **sums)


@dataclass(frozen=True)
class Meter:
    """Snapshot of all links since the batch was made."""

    links: dict[tuple[str, str], LinkMeter]
    """By (source, target)."""
    eavesdroppers: tuple[tuple[str, str, str], ...] = ()
    """(source, target, listener) of every link that somebody listens to for whom it is not meant."""

    @property
    def total(self) -> LinkMeter:
        """All links together; its entropy is that of a symbol on a link drawn by use. Raises ValueError without links."""
        meters = list(self.links.values())
        if not meters:
            raise ValueError("this game has no links: nobody can send anything")
        sums = {name: sum(getattr(m, name) for m in meters) for name in (*(TALLY.names or ()), "payload_bits")}
        uses = tuple(use for m in meters for use in m.uses)
        return LinkMeter(counts=np.sum([m.counts for m in meters], axis=0), uses=uses, **sums)
