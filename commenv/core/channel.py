"""Channels: how many bits a message may carry, what they cost, and what noise does to them."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np

from commenv.core.errors import bad, number, whole

MAX_BITS = 16
"""Largest rate of a message, in bits: an inbox is a one-hot vector with a place for every symbol."""

LARGEST_MATRIX = 4096
"""Symbols up to which a transition matrix is made: with 65,536 it would take 32 GiB."""


class Wire(NamedTuple):
    """What the compiled transmission reads."""

    symbols: int
    silence: int
    error: float
    erasure: float
    price: float
    refill: float
    burst: float
    cap: float


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A discrete memoryless channel with a rate, and perhaps a budget.

    A message of b bits is one of exactly 2**b events, silence included where it is allowed. Silence is not put on the air:
    noise cannot touch it, it costs nothing, and everybody hears it for what it is.
    A message on the air is erased with probability `erasure`, and the receiver sees that it was; a message that is not erased
    becomes one of the other symbols, each alike, with probability `error`. Raises ValueError for anything out of range.

    >>> round(Channel(bits=2, error=.1).capacity, 9)
    1.372508156
    """

    bits: int | None = None
    """Rate: bits a message, 0 to 16. None where `symbols` says it, or where the game's own `bits` will."""
    symbols: int | None = None
    """Rate: number of distinguishable messages, 1 to 65,536, for alphabets that are no power of two."""
    silence: bool = False
    """Whether message 0 is silence."""
    error: float = 0.0
    """Probability that a symbol arrives as another one: the K-ary symmetric channel. No effect where there is one symbol."""
    erasure: float = 0.0
    """Probability that a message is lost and the receiver knows it."""
    refill: float | None = None
    """Token bucket: bits a sender gains each step. None: no such limit. A message over the budget becomes silence."""
    burst: float | None = None
    """Token bucket: bits it holds at most, and at the start. None: one message, or one refill if that is more."""
    cap: float | None = None
    """Bits a sender may spend in one game. None: no such limit."""

    def __post_init__(self) -> None:
        if self.bits is not None and self.symbols is not None:
            raise ValueError(f"a channel has bits or symbols, not both: bits={self.bits!r}, symbols={self.symbols!r}")
        if self.bits is not None:
            whole("bits", self.bits, 0, MAX_BITS)
        if self.symbols is not None:
            whole("symbols", self.symbols, 1, 2**MAX_BITS)
        if not isinstance(self.silence, bool):
            raise bad("silence", self.silence, "True or False")
        number("error", self.error, 0, 1)
        number("erasure", self.erasure, 0, 1)
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
        if unknown := sorted(set(given) - set(known)):
            raise ValueError(f"unknown channel field {unknown[0]!r}; a channel has {', '.join(known)}")
        return cls(**given)

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
        return self.symbols if self.symbols is not None else 2 ** (self.bits or 0)

    @property
    def rate(self) -> float:
        """Bits a message: log2 M."""
        return math.log2(self.size)

    @property
    def matrix(self) -> np.ndarray:
        """Transition probabilities W[m, y], shape (M, M + 1), the last output an erasure. ValueError if too large."""
        if self.size > LARGEST_MATRIX:
            raise ValueError(f"a channel of {self.size:,} symbols has no matrix here: at most {LARGEST_MATRIX:,} symbols have")
        M, air = self.size, self.size - self.silence  # symbols that are put on the air
        error = self.error if air > 1 else 0.0
        W = np.zeros((M, M + 1))
        W[:, :M] = (1 - self.erasure) * (error / max(air - 1, 1))
        np.fill_diagonal(W, (1 - self.erasure) * (1 - error))
        W[:, M] = self.erasure
        if self.silence:
            W[0], W[1:, 0] = 0.0, 0.0
            W[0, 0] = 1.0
        return W

    @property
    def capacity(self) -> float:
        """Shannon capacity in bits a message; a budget, which only lowers it, is left aside."""
        from commenv import info

        if self.size == 1:
            return 0.0
        if self.silence and (self.error or self.erasure):
            return info.capacity(self.matrix).bits
        return (1 - self.erasure) * info.symmetric_capacity(self.size, self.error)

    @property
    def wire(self) -> Wire:
        unlimited = math.inf
        refill = unlimited if self.refill is None else float(self.refill)
        burst = max(refill, self.rate) if self.burst is None else float(self.burst)
        cap = unlimited if self.cap is None else float(self.cap)
        return Wire(self.size, int(self.silence), float(self.error), float(self.erasure), self.rate, refill, burst, cap)

    def at(self, bits: int) -> "Channel":
        """The same channel at another rate, in bits a message."""
        return replace(self, bits=bits, symbols=None)

    def fields(self) -> dict[str, Any]:
        """What differs from the default, for files: Channel.of gives it back."""
        default = asdict(Channel())
        return {k: v for k, v in asdict(self).items() if v != default[k]}
