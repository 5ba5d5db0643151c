"""Channels: how many bits a message may carry, what they cost, and what happens to them on the way.

What noise does to a message, as formulas, stands in noise.py; what the kernel does, in transmission.py and relay.py.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from commenv.core import words
from commenv.core.bursts import Bursts
from commenv.core.errors import bad, number, plain, shown, whole
from commenv.core.wire import Wire
from commenv.core.wiring import Topology

MAX_BITS = 16
"""Largest rate of a message, in bits: an inbox is a one-hot vector with a place for every symbol."""
MAX_FLOATS = 62
"""Largest rate of a message of floats, in bits: the kernel carries it as one integer."""
MAX_DELAY = 4096
"""Longest delay, in steps."""

End = str | int
"""One end of a link: an agent's name, or its place among the agents."""


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A channel with a rate, and perhaps noise, loss, delay, contention, a budget, and links of their own.

    A message of b bits is one of exactly 2**b events, silence included where it is allowed. Silence is not put on the air:
    noise cannot touch it and everybody hears it for what it is. On its way a message meets, in this order: the budget (what
    exceeds it becomes silence), contention (`winners`, `collisions`), corruption (`corrupt`), drop, erasure, error, flip,
    fade, the link's own rate (`rates`), the queue (`delay`, `queue`), and `gaussian` noise. Raises ValueError for anything
    out of range.

    Everything random is drawn for each link and step from streams of its own: noise never moves the game's draws, and one
    kind of noise never moves another's. The matrix of what is sent and heard is `matrix`, its capacity `capacity`.

    >>> round(Channel(bits=2, error=.1).capacity, 9)
    1.372508156
    >>> round(Channel(bits=1, fade=.5).capacity, 9)
    0.321928095
    """

    bits: int | None = None
    """Rate: bits a message, 0 to 16. None where `symbols` says it, or where the game's own `bits` will."""
    symbols: int | None = None
    """Rate: number of distinguishable messages, 1 to 65,536, for alphabets that are no power of two; see `length`."""
    length: int | None = None
    """Rate: messages are words of 1 to `length` symbols, all different from the end symbol but for the last, which is it: a
    prefix code of sum_k (symbols - 1)**k words, k < length. A word costs its number of symbols, the end symbol included,
    times log2(symbols) bits. EGG's games count so; its max_len, which leaves out the end symbol, is length - 1."""
    floats: int | None = None
    """Rate: messages are d numbers in [-1, 1], of `bits` each (at least 1 where silence is allowed), at most 62 bits together:
    a message is one 64-bit integer, the first number's bits leading (`pack`). Each is quantised to the nearest of 2**bits
    levels (2 i + 1) / 2**bits - 1, i from 0: uniform, mid-rise, off by 2**-bits at most, and no level is 0. The inbox shows
    the levels, then 1 for an erasure; zeros for silence. The action is a Box (d,); where silence is allowed (d + 1,), and the
    sender speaks where the last number is at least 0. Error, flip and fade act on the integer, not on its numbers."""
    gaussian: float = 0.0
    """Standard deviation of the noise added to each of the `floats` that arrives, after all other noise: y = x + N(0, std**2),
    each with a noise of its own. Capacity: `info.quantised_gaussian_capacity`."""
    silence: bool = False
    """Whether message 0 is silence; with `length` and `floats` it comes on top of the words and numbers."""
    silence_price: float = 0.0
    """Bits that silence costs. A sender who has less left is silent for what it has."""
    error: float = 0.0
    """Probability that a symbol arrives as another one, each with error / (K - 1): the K-ary symmetric channel, of capacity
    log2 K - h(error) - error log2(K - 1). No effect where there is one symbol."""
    erasure: float = 0.0
    """Probability that a message is lost and the receiver knows it: (1 - erasure) times the capacity."""
    flip: float = 0.0
    """Probability that a bit of the message is flipped, each of the b bits by itself: b binary symmetric channels, of
    capacity b (1 - h(flip))."""
    fade: float = 0.0
    """Probability that a bit that is 1 arrives as 0, each by itself: b Z-channels, of capacity
    b log2(1 + (1 - fade) fade**(fade / (1 - fade))). Where silence is allowed, a message whose
    bits have all become 0, by fading or flipping, is heard as silence."""
    drop: float = 0.0
    """Probability that a message is lost without a trace: silence is heard where it is allowed, else nothing."""
    bursts: Bursts | Mapping[str, Any] | None = None
    """Gilbert-Elliott noise, on each link by itself."""
    delay: int | tuple[int, int] = 0
    """Steps that a message is late: a number, or (low, high) for a uniform one. First in, first out, one a step on each link:
    a message can only be held up by those before it, and never beyond `high`. Silence is not delayed, for it is not sent:
    where nothing arrives one hears silence, if it is allowed and the sender could have spoken in this step, else nothing. A
    message carries what it would at once, but the last d of a game's T arrive too late: (T - d) times the capacity."""
    queue: int | None = None
    """Messages that a link holds at most from step to step, at least 1; one more overflows and is lost. None: all."""
    winners: int | None = None
    """A medium shared by all agents: where more than so many speak in a step, so many get through, each set alike (as in
    SchedNet, Kim et al. 2019). Losers pay, and are heard as silence where it is allowed, else not at all. None: no such limit.
    How many get through: `info.contention_throughput`."""
    collisions: bool = False
    """Where more than `winners` speak nobody gets through, and on every link an erasure is heard, also from those who kept
    silent: slotted ALOHA (Abramson 1970)."""
    rates: Sequence[tuple[End, End, int]] = ()
    """(source, target, r): this link carries the r leading bits of a message, the others arrive as 0. If r is less than b,
    messages of r leading zeros are heard as silence where it is allowed. Of floats it carries the r leading bits of each, that
    is the nearest of 2**r levels; r is at least 1 where silence is allowed."""
    corrupt: Sequence[tuple[End, End, float] | tuple[End, End, float, int | None]] = ()
    """(source, target, p): what this link carries, silence too, is replaced with probability p by any of the M messages, each
    alike; (source, target, p, m): by message m, of floats their `pack`."""
    eavesdrop: Sequence[tuple[End, End, End]] = ()
    """(source, target, listener): the listener hears all that this link delivers, behind its own links in its inbox."""
    topology: Any = None
    """Which of the game's links there are; None: all. One of complete, ring, star, or a mapping: {"name": "grid", "rows": 2},
    {"name": "erdos-renyi", "p": .3, "seed": 0}, {"name": "watts-strogatz", "k": 2, "p": .1, "seed": 0}; a networkx graph,
    directed or not; or pairs (source, target); see `core.topology.links`. It says which links there are, not their capacity.
    {"name": "erdos-renyi", "p": p, "each_game": True} draws them anew in each episode, both directions of an edge together
    unless "directed" is True: a link is there in a share p of games and carries nothing in the others, so its capacity an
    episode of T messages, known to both ends, is p T C, C that of a message."""
    refill: float | None = None
    """Token bucket: bits a sender gains each step. None: no such limit. A message over the budget becomes silence."""
    burst: float | None = None
    """Token bucket: bits it holds at most, and at the start. None: one message, or one refill if that is more."""
    cap: float | None = None
    """Bits a sender may spend in one game. None: no such limit. In T steps a sender spends at most
    min(cap, burst + (T - 1) refill) bits; what messages of such prices tell, silence among them: `info.information_at_cost`."""

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, plain(getattr(self, field.name)))
        if isinstance(self.bursts, Mapping):
            object.__setattr__(self, "bursts", Bursts.of(self.bursts))
        if isinstance(self.delay, list | tuple):
            object.__setattr__(self, "delay", tuple(plain(end) for end in self.delay))
        for name in ("rates", "corrupt", "eavesdrop"):
            object.__setattr__(self, name, _rows(name, getattr(self, name)))
        if self.topology is not None:
            object.__setattr__(self, "topology", Topology.of(self.topology))
        self._check_rate()
        for name in ("error", "erasure", "flip", "fade", "drop"):
            number(name, getattr(self, name), 0, 1)
        if self.bursts is not None and not isinstance(self.bursts, Bursts):
            raise bad("bursts", self.bursts, "Bursts, a mapping of its fields, or None")
        self._check_medium()
        self._check_links()
        self._check_budget()
        if self.rated and self.size > 1 and (self.flip or self.fade or self.rates) and not self.width:
            raise ValueError(
                f"flip, fade and rates act on the bits of a message: {self.size} messages are not 2**b, or are words; give bits"
            )

    def _check_rate(self) -> None:
        if self.bits is not None and self.symbols is not None:
            raise ValueError(f"a channel has bits or symbols, not both: bits={shown(self.bits)}, symbols={shown(self.symbols)}")
        if self.bits is not None:
            object.__setattr__(self, "bits", whole("bits", self.bits, 0, MAX_BITS))  # plain: NumPy's have no bit_length
        if self.symbols is not None:
            object.__setattr__(self, "symbols", whole("symbols", self.symbols, 1, 2**MAX_BITS))
        if not isinstance(self.silence, bool):
            raise bad("silence", self.silence, "True or False")
        number("gaussian", self.gaussian, 0, math.inf)
        if self.floats is not None:
            whole("floats", self.floats, 1, MAX_FLOATS)
            if self.symbols is not None:
                raise ValueError(f"floats={self.floats!r} need bits, those of each number, not symbols={self.symbols!r}")
            if self.bits is not None and self.floats * self.bits > MAX_FLOATS:
                raise ValueError(f"floats={self.floats!r} of bits={self.bits!r} each are more than {MAX_FLOATS} bits a message")
            if self.silence and self.bits == 0:
                raise ValueError("floats of 0 bits cannot be told from silence: give bits at least 1, or silence=False")
        elif self.gaussian:
            raise ValueError(f"gaussian={self.gaussian!r} needs floats: it is added to numbers")
        if self.length is not None:
            whole("length", self.length, 1, 2**MAX_BITS)
            if self.symbols is None or self.symbols < 2:
                raise ValueError(f"length={self.length!r} needs symbols: at least 2, the end symbol and another")
            if words.count(self.symbols - 1, self.length) + self.silence > 2**MAX_BITS:
                raise ValueError(
                    f"words of up to {self.length} of {self.symbols} symbols are more than {2**MAX_BITS:,}: make them shorter"
                )

    def _check_medium(self) -> None:
        ends = self.delay if isinstance(self.delay, tuple) else (self.delay, self.delay)
        if len(ends) != 2:
            raise bad("delay", self.delay, "a number of steps, or (low, high)")
        for end in ends:
            whole("delay", end, 0, MAX_DELAY)
        if ends[0] > ends[1]:
            raise bad("delay", self.delay, "(low, high) with low <= high")
        if self.queue is not None:
            whole("queue", self.queue, 1, MAX_DELAY)
            if not ends[1]:
                raise ValueError(f"queue={self.queue!r} needs a delay: without one nothing waits")
        if self.winners is not None:
            whole("winners", self.winners, 1, 2**31)
        if not isinstance(self.collisions, bool):
            raise bad("collisions", self.collisions, "True or False")
        if self.collisions and self.winners is None:
            raise ValueError("collisions=True needs winners: how many may speak at once")

    def _check_links(self) -> None:
        for source, target, bits in self.rates:
            whole(f"rates of {source!r} -> {target!r}", bits, int(bool(self.floats and self.silence)), MAX_BITS)
        for source, target, probability, message in self.corrupt:  # type: ignore[misc]
            number(f"corrupt of {source!r} -> {target!r}", probability, 0, 1)
            if message is not None:
                whole(f"corrupt of {source!r} -> {target!r}", message, 0, self.size - 1 if self.rated else None)
        for name in ("rates", "corrupt"):
            links = [row[:2] for row in getattr(self, name)]
            if len(set(links)) < len(links):
                raise bad(name, getattr(self, name), "at most one entry a link")

    def _check_budget(self) -> None:
        number("silence_price", self.silence_price, 0, math.inf)
        if self.silence_price and not self.silence:
            raise ValueError(f"silence_price={self.silence_price!r} needs silence=True")
        for name in ("refill", "burst", "cap"):
            if getattr(self, name) is not None:
                number(name, getattr(self, name), 0, math.inf)
        if self.limited and not self.silence:
            raise ValueError(
                "a channel with a budget (refill or cap) needs silence=True: what exceeds the budget becomes silence"
            )
        if self.burst is not None and self.refill is None:
            raise ValueError(f"burst={self.burst!r} needs a refill: the bits a sender gains each step")

    @classmethod
    def of(cls, value: "Channel | Mapping[str, Any] | None") -> "Channel":
        """A channel from its fields, for files and command lines. Raises ValueError for an unknown field."""
        if isinstance(value, Channel):
            return value
        if value is not None and not isinstance(value, Mapping):
            raise bad("channel", value, "a Channel or a mapping of its fields")
        given = dict(value or {})
        known = [f.name for f in fields(cls)]
        if unknown := sorted(set(given) - set(known), key=str):
            raise ValueError(f"unknown channel field {unknown[0]!r}; a channel has {', '.join(known)}")
        return cls(**given)

    # ------------------------------------------------------------------------------------------------ rate and price
    @property
    def rated(self) -> bool:
        """Whether the rate is said."""
        return self.bits is not None or self.symbols is not None

    @property
    def limited(self) -> bool:
        """Whether there is a budget."""
        return self.refill is not None or self.cap is not None

    @property
    def size(self) -> int:
        """Number of distinguishable messages M, silence included."""
        if self.bits is None and self.symbols is None:
            raise ValueError("the channel has no rate: give it bits or symbols")
        if self.symbols is not None and self.length is not None:
            return words.count(self.symbols - 1, self.length) + self.silence
        if self.floats is not None:
            return 2 ** (self.floats * (self.bits or 0)) + self.silence
        return self.symbols if self.symbols is not None else 2 ** (self.bits or 0)

    @property
    def rate(self) -> float:
        """Bits a message, log2 M, of floats d times their bits, silence aside; words cost more, see `prices`."""
        return math.log2(self.size) if self.floats is None else float(self.floats * (self.bits or 0))

    @property
    def width(self) -> int:
        """Bits of a symbol where messages are such, else 0."""
        if self.floats is not None:
            return self.floats * (self.bits or 0)
        return self.size.bit_length() - 1 if self.length is None and self.size.bit_count() == 1 else 0

    @property
    def counted(self) -> bool:
        """Whether messages are few enough to be counted one by one: floats are up to 16 bits together, others always."""
        return self.floats is None or self.rate <= MAX_BITS

    @property
    def prices(self) -> np.ndarray:
        """Bits that each message costs, shape (M,): log2 M, or what a word's symbols come to, or the price of silence."""
        if not self.counted:
            raise ValueError(f"messages of {self.rate:g} bits of floats are too many to list: each costs {self.rate:g} bits")
        if self.length is not None:
            per_symbol = math.log2(self.symbols or 0)
            lengths = [words.length(index, (self.symbols or 0) - 1) for index in range(self.size - self.silence)]
            prices = per_symbol * np.array([0] * self.silence + lengths, float)
        else:
            prices = np.full(self.size, self.rate)
        if self.silence:
            prices[0] = self.silence_price
        return prices

    def word(self, message: int) -> tuple[int, ...]:
        """The symbols of a message on a channel of words: letters from 1, then the end symbol 0; () is silence."""
        if self.length is None or self.symbols is None:
            raise ValueError("this channel's messages are no words: give it a length")
        whole("message", message, 0, self.size - 1)
        return () if self.silence and message == 0 else words.decode(message - self.silence, self.symbols)

    def message(self, word: Sequence[int]) -> int:
        """The message that is this word: inverse of `word`."""
        if self.length is None or self.symbols is None:
            raise ValueError("this channel's messages are no words: give it a length")
        if self.silence and len(word) == 0:
            return 0
        index = words.encode(word, self.symbols) + self.silence
        if index >= self.size:
            raise bad("word", tuple(word), f"at most {self.length} symbols long")
        return index

    @property
    def levels(self) -> np.ndarray:
        """The values that each float may take, shape (2**bits,)."""
        if self.floats is None or self.bits is None:
            raise ValueError("this channel's messages are no floats: give it floats and bits")
        return (2 * np.arange(2**self.bits) + 1) / 2**self.bits - 1

    @property
    def places(self) -> int:
        """Length of the inbox that shows what one link delivers."""
        return self.size + 1 if self.floats is None else self.floats + 1

    def pack(self, values: np.ndarray) -> np.ndarray:
        """Actions (..., d), or (..., d + 1) where silence is allowed -> messages (...), each float by its nearest level."""
        d, bits = self.floats or 0, self.bits or 0
        steps = np.floor((np.asarray(values[..., :d], np.float64) + 1) / 2 * 2**bits).clip(0, 2**bits - 1).astype(np.int64)
        message = np.zeros(values.shape[:-1], np.int64)
        for component in np.moveaxis(steps, -1, 0):
            message = (message << bits) | component
        return np.where(values[..., d] >= 0, message + 1, 0) if self.silence else message

    def unpack(self, messages: np.ndarray) -> np.ndarray:
        """Messages (n,) -> actions that `pack` makes them of, each float at its level; silence is zeros and -1."""
        d, bits = self.floats or 0, self.bits or 0
        steps = ((messages - self.silence)[:, None] >> (bits * np.arange(d - 1, -1, -1))) & (2**bits - 1)
        values = self.levels[steps]
        if not self.silence:
            return values
        speaks = (messages > 0)[:, None]
        return np.concatenate([values * speaks, np.where(speaks, 1, -1)], axis=1)

    # ------------------------------------------------------------------------------------------------ what arrives
    @property
    def delays(self) -> tuple[int, int]:
        """Shortest and longest delay, in steps."""
        return self.delay if isinstance(self.delay, tuple) else (self.delay, self.delay)

    @property
    def memoryless(self) -> bool:
        """Whether what a link delivers depends on this step's message and on fresh noise alone, alike on all links."""
        others = self.limited, self.bursts, self.delays[1], self.winners, self.rates, self.corrupt, self.eavesdrop, self.drawn
        return not any(others)

    @property
    def drawn(self) -> bool:
        """Whether links are drawn anew in each game."""
        return self.topology is not None and self.topology.each_game

    @property
    def matrix(self) -> np.ndarray:
        """Transition probabilities W[m, y], shape (M, M + 1), the last output an erasure; in noise.py.

        With `drop` and without silence there is one more output: nothing. Under bursts this is the mean over the state's
        stationary law. Delay, contention, budget and links of their own are left aside. Raises ValueError where too large.
        """
        from commenv.core import noise

        if self.size > noise.MOST:
            raise ValueError(f"a channel of {self.size:,} symbols has no matrix here: at most {noise.MOST:,} symbols have")
        return noise.matrix(self)

    @property
    def capacity(self) -> float:
        """Bits a message that no code can exceed: Shannon capacity of `matrix`; under bursts that of ends who see the state
        (`info.burst_capacity` has that of ends who do not); of floats in Gaussian noise, and of more than 4,096 messages where
        no form is known, a bound. The forms stand in noise.py.

        Budget, delay, queue and contention only lower it and are left aside.
        """
        from commenv.core import noise

        return noise.capacity(self)

    @property
    def wire(self) -> Wire:
        unlimited = math.inf
        dearest = float(self.prices.max()) if self.counted else max(self.rate, self.silence_price)
        refill = unlimited if self.refill is None else float(self.refill)
        bursts = self.bursts if isinstance(self.bursts, Bursts) else None
        noises = (self.error, self.erasure, self.flip, self.fade, self.drop, bursts)
        others = (self.gaussian, self.drop, bursts, self.delays[1], self.winners, self.rates, self.corrupt, self.eavesdrop)
        return Wire(
            symbols=self.size,
            silence=int(self.silence),
            error=float(self.error),
            erasure=float(self.erasure),
            price=self.rate if self.length is None else math.log2(self.symbols or 0),
            refill=refill,
            burst=max(refill, dearest) if self.burst is None else float(self.burst),
            cap=unlimited if self.cap is None else float(self.cap),
            limited=int(self.limited),
            silence_price=float(self.silence_price),
            letters=0 if self.length is None else (self.symbols or 0) - 1,
            width=self.width,
            places=self.places,
            floats=self.floats or 0,
            depth=int(self.bits or 0),
            gaussian=float(self.gaussian),
            noisy=int(any(noises)),
            plain=int(not any(others)),
            flip=float(self.flip),
            fade=float(self.fade),
            drop=float(self.drop),
            winners=self.winners or 0,
            collisions=int(self.collisions),
            soonest=int(self.delays[0]),
            latest=int(self.delays[1]),
            queue=int(self.queue or self.delays[1]),
            bursts=int(bursts is not None),
            to_bad=float(bursts.to_bad if bursts else 0.0),
            to_good=float(bursts.to_good if bursts else 1.0),
            bad_error=float(bursts.error if bursts else 0.0),
            bad_erasure=float(bursts.erasure if bursts else 0.0),
            drawn=(1 + int(self.topology.directed)) * self.drawn if self.topology else 0,
            share=float(self.topology.p) if self.drawn else 1.0,
        )

    def at(self, bits: int) -> "Channel":
        """The same channel at another rate, in bits a message."""
        return replace(self, bits=bits, symbols=None, length=None)

    def fields(self) -> dict[str, Any]:
        """What differs from the default, for files: Channel.of gives it back."""
        default, own = asdict(Channel()), asdict(self)
        own["topology"] = self.topology.fields if self.topology else None
        return {k: v for k, v in own.items() if v != default[k]}


_ROWS = {
    "rates": "(source, target, bits)",
    "corrupt": "(source, target, probability) or (source, target, probability, message)",
    "eavesdrop": "(source, target, listener)",
}


def _rows(name: str, given: Any) -> tuple[tuple, ...]:
    """What is said of single links, as tuples of one length."""
    lengths, ends = ((3, 4), 2) if name == "corrupt" else ((3,), 2 if name == "rates" else 3)
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise bad(name, given, f"a list of {_ROWS[name]}")
    rows = []
    for row in given:
        fits = isinstance(row, Sequence) and not isinstance(row, str) and len(row) in lengths
        row = tuple(map(plain, row)) if fits else ()
        if not fits or not all(isinstance(end, str | int) and not isinstance(end, bool) for end in row[:ends]):
            raise bad(name, given, f"a list of {_ROWS[name]}, agents by name or number")
        rows.append((*row, None) if name == "corrupt" and len(row) == 3 else row)
    return tuple(rows)
