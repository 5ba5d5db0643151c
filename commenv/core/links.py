"""What a channel says of single links, found among the links of a game."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from commenv.core import noise
from commenv.core.channel import Channel, End
from commenv.core.errors import bad
from commenv.core.game import Layout


@dataclass(frozen=True)
class Line:
    """The channel as one link has it."""

    channel: Channel
    bits: int | None = None
    """The leading bits that it carries; None: all."""
    corruption: tuple[float, int | None] | None = None
    """With what probability a message is replaced, and by which; None: by any."""

    @property
    def cut(self) -> int:
        """Trailing bits that it does not carry."""
        return 0 if self.bits is None else max(self.channel.width - self.bits, 0)

    @property
    def record(self) -> tuple[int, int, float]:
        """What the kernel has to know: a relay.LINE."""
        probability, message = self.corruption or (0.0, None)
        return self.cut, -1 if message is None else message, probability

    @cached_property
    def matrix(self) -> np.ndarray:
        """Transition probabilities as in `Channel.matrix`."""
        return self._own(self.channel.matrix)

    @cached_property
    def capacity(self) -> float:
        """Bits a message, as in `Channel.capacity`."""
        from commenv import info

        if not self.cut and self.corruption is None:
            return self.channel.capacity
        states = noise.states(self.channel)
        return sum(share * info.capacity(self._own(noise.in_state(self.channel, *kind))).bits for share, *kind in states)

    def _own(self, W: np.ndarray) -> np.ndarray:
        return noise.through(W, self.channel.size, self.cut, self.corruption)

    @cached_property
    def prices(self) -> np.ndarray:
        """Bits that each message on this link comes to, shape (M,)."""
        if self.channel.floats:
            return np.zeros(0)
        prices = self.channel.prices
        return np.where(prices == self.channel.rate, prices - self.cut, prices) if self.cut else prices


def lines(channel: Channel, layout: Layout) -> list[Line]:
    """The links of a game, in its order. Raises ValueError for a link or agent that it has not."""
    rates = {_link(layout, "rates", row[:2]): int(row[2]) for row in channel.rates}
    corrupt = {_link(layout, "corrupt", row[:2]): (float(row[2]), row[3]) for row in channel.corrupt}  # type: ignore[misc]
    usual = Line(channel)
    return [
        Line(channel, rates.get(k), corrupt.get(k)) if k in rates or k in corrupt else usual for k in range(len(layout.links))
    ]


def taps(channel: Channel, layout: Layout) -> list[tuple[int, int]]:
    """(listener, link) of every eavesdropper, in the order of the listeners."""
    found = set()
    for *link, listener in channel.eavesdrop:
        k, a = _link(layout, "eavesdrop", link), _agent(layout, "eavesdrop", listener)
        if a in layout.links[k]:
            raise bad("eavesdrop", (*link, listener), "a listener who is at neither end of the link")
        found.add((a, k))
    return sorted(found)


def _agent(layout: Layout, name: str, end: End) -> int:
    if isinstance(end, str) and end in layout.names:
        return layout.names.index(end)
    if not isinstance(end, str) and 0 <= end < len(layout.names):
        return end
    raise bad(name, end, f"one of the agents {', '.join(map(str, layout.names))}")


def _link(layout: Layout, name: str, ends: Sequence[End]) -> int:
    link = (_agent(layout, name, ends[0]), _agent(layout, name, ends[1]))
    if link not in layout.links:
        known = ", ".join(f"{layout.names[a]} -> {layout.names[b]}" for a, b in layout.links)
        raise ValueError(f"{name} of {ends[0]!r} -> {ends[1]!r} are not allowed: there is no such link, only {known or 'none'}")
    return layout.links.index(link)
