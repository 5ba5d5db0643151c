"""What a channel says of single links, found among the links of a game."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from commenv.core import noise
from commenv.core.channel import Channel, End
from commenv.core.errors import bad
from commenv.core.game import Layout, Options, Rules
from commenv.core.limits import Limit, Limits


@dataclass(frozen=True)
class Line:
    """The channel as one link has it."""

    channel: Channel
    bits: int | None = None
    """The leading bits that it carries, of floats of each; None: all."""
    corruption: tuple[float, int | None] | None = None
    """With what probability a message is replaced, and by which; None: by any."""

    @property
    def cut(self) -> int:
        """Trailing bits that it does not carry, of floats of each."""
        channel = self.channel
        width = (channel.bits or 0) if channel.floats else channel.width
        return 0 if self.bits is None else max(width - self.bits, 0)

    @property
    def rate(self) -> float:
        """Bits that a message on this link comes to."""
        return self.channel.rate - self.cut * (self.channel.floats or 1)

    @property
    def mask(self) -> int:
        """The bits of a message that it carries."""
        if not self.cut:
            return -1
        depth = (self.channel.bits or 0) if self.channel.floats else self.channel.width
        own = (1 << depth) - (1 << self.cut)
        return sum(own << depth * place for place in range(self.channel.floats or 1))

    @property
    def record(self) -> tuple[int, int, int, float]:
        """What the kernel has to know: a relay.LINE."""
        probability, message = self.corruption or (0.0, None)
        return self.cut, self.mask, -1 if message is None else message, probability

    @cached_property
    def matrix(self) -> np.ndarray:
        """Transition probabilities as in `Channel.matrix`."""
        return self._own(self.channel.matrix)

    @cached_property
    def capacity(self) -> float:
        """Bits a message, as in `Channel.capacity`."""
        from commenv import info

        channel = self.channel
        if not self.cut and self.corruption is None:
            return channel.capacity
        if channel.gaussian or channel.size > noise.MOST:
            return self._bound
        return sum(
            share * info.capacity(self._own(noise.in_state(channel, *kind))).bits for share, *kind in noise.states(channel)
        )

    @property
    def _bound(self) -> float:
        """Capacity where there is no matrix: exact for bits that pass side by side, else a bound, as information is convex in
        the channel and no processing adds to it."""
        bound = self.channel.capacity
        if self.cut:
            coarse = replace(self.channel, bits=int(self.bits or 0), symbols=None, rates=(), corrupt=(), error=0.0)
            erasures = [(share, erasure) for share, _, erasure in noise.states(self.channel)]
            bound = min(bound, sum(share * noise.in_bits(coarse, 0.0, erasure) for share, erasure in erasures))
        return bound * (1 - self.corruption[0]) if self.corruption else bound

    def _own(self, W: np.ndarray) -> np.ndarray:
        return noise.through(W, self._carried, self.corruption)

    @property
    def _carried(self) -> np.ndarray:
        """What the link makes of each message, shape (M,)."""
        first = int(self.channel.silence and self.channel.floats is not None)
        messages = np.arange(self.channel.size)
        return np.where(messages < first, messages, first + ((messages - first) & self.mask))

    @cached_property
    def prices(self) -> np.ndarray:
        """Bits that each message on this link comes to, shape (M,); of floats that are not counted one by one (0,)."""
        if not self.channel.counted:
            return np.zeros(0)
        prices = self.channel.prices
        prices[int(self.channel.silence) :] -= self.channel.rate - self.rate
        return prices


def layout(rules: Rules, options: Options) -> Layout:
    """A game's layout with the links that the channel's topology leaves; an agent's link to itself stays.

    Raises ValueError for a topology that does not fit the agents, or leaves none of the game's links.
    """
    return cut(rules.layout(options), options)


def cut(full: Layout, options: Options) -> Layout:
    """A layout with the links that the channel's topology leaves: for games whose limits are worked out for these."""
    topology = options.link.topology
    if topology is None or not full.links:
        return full
    if topology.each_game:
        left = set(full.links)
    elif topology.pairs is not None:
        left = {(_agent(full, "topology", source), _agent(full, "topology", target)) for source, target in topology.pairs}
    else:
        from commenv.core.topology import links

        left = set(links(topology.name, len(full.names), **topology.options))
    kept = tuple(link for link in full.links if link in left or link[0] == link[1])
    if not kept:
        known = ", ".join(f"{full.names[a]} -> {full.names[b]}" for a, b in full.links[:9])
        raise bad("topology", topology.fields, f"one that leaves a link of the game's: {known}")
    return replace(full, links=kept)


def limits(rules: Rules, options: Options) -> Limits:
    """A game's limits. They are worked out for all its links: with fewer, or drawn ones, its ceiling is all that is known, and
    exact only where silence attains it."""
    found = rules.limits(options)
    if not options.link.drawn and layout(rules, options) == rules.layout(options):
        return found
    exact = found.silent.exact and found.silent.value >= found.ceiling.value - 1e-12
    source = f"with all the game's links, of which the topology leaves some: {found.ceiling.source}"
    bound = Limit(found.ceiling.value, exact, source)
    return Limits(silent=found.silent, reachable=bound, ceiling=bound)


def lines(channel: Channel, layout: Layout) -> list[Line]:
    """The links of a game, in its order. Raises ValueError for a link or agent that it has not, or floats in a shared inbox."""
    if channel.floats and layout.anonymous and (not layout.turns or channel.delays[1]):
        raise ValueError("floats need an inbox for each link: in this game all links share one, and several may deliver at once")
    rates = {k: int(row[2]) for k, row in _by_link(layout, "rates", channel.rates).items()}
    corrupt = {k: (float(row[2]), row[3]) for k, row in _by_link(layout, "corrupt", channel.corrupt).items()}
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


def _by_link(layout: Layout, name: str, rows: Sequence[tuple]) -> dict[int, tuple]:
    found = {_link(layout, name, row[:2]): row for row in rows}
    if len(found) < len(rows):  # one end by name, and once more by number
        raise bad(name, rows, "at most one entry a link")
    return found


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
