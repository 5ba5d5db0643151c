"""Straight-through Gumbel-softmax (Jang, Gu, Poole 2017; Maddison, Mnih, Teh 2017): a message is one of 2**bits symbols."""

from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from agents.bottlenecks.contract import (
    Bottleneck,
    Message,
    at_least,
    gumbel,
    information,
    none,
    positive,
    straight_through,
    tabled,
)


class GumbelSoftmax(Bottleneck):
    """One symbol of M; a listener reads it one-hot. In training it is drawn, and gradients are those of the relaxed draw.

    temperature of the relaxation: it moves gradients, not the odds of the symbols.
    rate: KL(p(symbol | hidden) || the batch's mean), in bits: its mean is the mutual information of symbol and hidden vector.
    """

    def __init__(self, width: int, symbols: int, temperature: float = 1.0) -> None:
        super().__init__()
        symbols = at_least("symbols", symbols, 1)
        self.alphabet, self.reads, self.noise = (symbols,), symbols, symbols
        self.temperature = positive("temperature", temperature)
        self.logits = nn.Linear(width, symbols)

    @classmethod
    def of(cls, width: int, bits: int, *, temperature: float = 1.0) -> Self:
        """2**bits symbols."""
        return cls(width, tabled("gumbel_softmax", bits), temperature)

    def forward(self, hidden: Tensor, noise: Tensor | None = None) -> Message:
        """hidden [..., width], noise [..., M] -> one symbol, read as [..., M]."""
        logp = self.logits(hidden).log_softmax(-1)
        drawn = logp if noise is None else logp + gumbel(noise)
        symbols = drawn.argmax(-1, keepdim=True)
        read = straight_through(self.read(symbols), (drawn / self.temperature).softmax(-1))
        return Message(symbols, read, information(logp.unsqueeze(-2)), none(hidden), logp.unsqueeze(-2))

    def read(self, symbols: Tensor) -> Tensor:
        """symbols [..., 1] -> one-hot [..., M]."""
        return one_hot(symbols[..., 0], self.reads).to(torch.get_default_dtype())
