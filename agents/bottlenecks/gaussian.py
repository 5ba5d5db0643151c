"""Gaussian messages whose rate is bounded by a prior: variational bottleneck (Alemi et al. 2017), IMAC (Wang et al. 2020)."""

import math
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from agents.bottlenecks.continuous import FLOAT, floats, patterns
from agents.bottlenecks.contract import Bottleneck, Message, at_least, none, normal, positive, straight_through

FINEST = 16
"""Bits of a coordinate at most, unless it is sent as a float."""


class Gaussian(Bottleneck):
    """d coordinates drawn from N(mean, scale^2), both of the hidden vector; deployed the mean is sent.

    A coordinate is sent as a float (32 bits), or in b bits as one of 2**b equal cells of [-limit, limit] * prior, of which the
    middle is read (what is outside goes to the cells at the ends). It is so in training too, and gradients pass straight.
    prior: standard deviation s of the prior N(0, s^2); limit: in units of it.
    rate: KL(N(mean, scale^2) || N(0, s^2)) in bits: its mean is no less than what the drawn message tells of the hidden vector.
    """

    def __init__(self, width: int, coordinates: int, bits_each: int = FLOAT, prior: float = 1.0, limit: float = 3.0) -> None:
        super().__init__()
        coordinates = at_least("coordinates", coordinates, 1)
        if bits_each != FLOAT and bits_each not in range(1, FINEST + 1):
            raise ValueError(
                f"a coordinate of {bits_each} bits cannot be sent: 1 to {FINEST}, or {FLOAT} for a float, are allowed"
            )
        self.alphabet, self.reads, self.noise = (2**bits_each,) * coordinates, coordinates, coordinates
        self.bits_each, self.prior = bits_each, positive("prior", prior)
        self.edge = positive("limit", limit) * prior
        self.moments = nn.Linear(width, 2 * coordinates)

    @classmethod
    def of(cls, width: int, bits: int, *, coordinates: int | None = None, prior: float = 1.0, limit: float = 3.0) -> Self:
        """coordinates share the bits equally; None: a coordinate for each bit."""
        count = bits if coordinates is None else at_least("coordinates", coordinates, 1)
        if bits % count:
            raise ValueError(f"{count} coordinates cannot share {bits} bits equally: a divisor of {bits} is needed")
        return cls(width, count, bits // count, prior, limit)

    def forward(self, hidden: Tensor, noise: Tensor | None = None) -> Message:
        """hidden [..., width], noise [..., d] -> d cells or bit patterns, read as [..., d]."""
        mean, raw = self.moments(hidden).chunk(2, -1)
        scale = softplus(raw) + 1e-4  # not 0: its rate would be infinite
        value = mean if noise is None else mean + scale * normal(noise)
        symbols = self.cells(value)
        read = straight_through(self.read(symbols), value)
        return Message(symbols, read, divergence(mean, scale, self.prior), none(hidden))

    def cells(self, value: Tensor) -> Tensor:
        """What values [..., d] are sent as: symbols [..., d]."""
        if self.bits_each == FLOAT:
            return patterns(value + 0.0)  # no negative zero: adding the gradient's path would lose its sign
        count = 2**self.bits_each
        return ((value.detach() / self.edge + 1) / 2 * count).floor().clamp(0, count - 1).long()

    def read(self, symbols: Tensor) -> Tensor:
        """symbols [..., d] -> floats, or middles of cells, [..., d]."""
        if self.bits_each == FLOAT:
            return floats(symbols)
        return ((2 * symbols + 1).to(torch.get_default_dtype()) / 2**self.bits_each - 1) * self.edge


def divergence(mean: Tensor, scale: Tensor, prior: float = 1.0) -> Tensor:
    """KL(N(mean, scale^2) || N(0, prior^2)) of independent coordinates, [..., d] -> [...], in bits.

    >>> round(float(divergence(torch.tensor([0.5, -1.0]), torch.tensor([0.8, 1.2]))), 5)
    1.01829
    """
    nats = ((scale.square() + mean.square()) / prior**2 - 1) / 2 - (scale / prior).log()
    return nats.sum(-1) / math.log(2)
