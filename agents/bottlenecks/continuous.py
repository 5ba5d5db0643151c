"""Real-valued messages, counted as what they are on a wire: 32 bits a float (CommNet, Sukhbaatar et al. 2016, and its heirs)."""

from typing import Self

import torch
from torch import Tensor, nn

from agents.bottlenecks.contract import Bottleneck, Message, at_least, none

FLOAT = 32
"""Bits of a float."""


class Continuous(Bottleneck):
    """d floats between -1 and 1; the symbols are their bit patterns, so that a listener reads them bit for bit.

    rate: all 32 d bits, which no loss can lower.
    """

    def __init__(self, width: int, floats: int) -> None:
        super().__init__()
        floats = at_least("floats", floats, 1)
        self.alphabet, self.reads, self.noise = (2**FLOAT,) * floats, floats, 0
        self.values = nn.Linear(width, floats)

    @classmethod
    def of(cls, width: int, bits: int) -> Self:
        """One float for each 32 bits."""
        if bits % FLOAT:
            raise ValueError(f"continuous of {bits} bits cannot be made: a multiple of {FLOAT}, the bits of a float, is needed")
        return cls(width, bits // FLOAT)

    def forward(self, hidden: Tensor, noise: Tensor | None = None) -> Message:
        """hidden [..., width] -> d bit patterns, read as [..., d]; takes no noise."""
        values = self.values(hidden).tanh()
        return Message(patterns(values), values, none(hidden) + self.bits, none(hidden))

    def read(self, symbols: Tensor) -> Tensor:
        """symbols [..., d] -> floats [..., d]."""
        return floats(symbols)


def patterns(values: Tensor) -> Tensor:
    """Bit patterns of float32 values, long, below 2**32."""
    return values.detach().float().view(torch.int32).long() & 2**FLOAT - 1


def floats(patterns: Tensor) -> Tensor:
    """The float32 values that have these bit patterns."""
    signed = torch.where(patterns < 2 ** (FLOAT - 1), patterns, patterns - 2**FLOAT)  # the upper half are negative int32
    return signed.to(torch.int32).view(torch.float32)
