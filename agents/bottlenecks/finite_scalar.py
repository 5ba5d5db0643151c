"""Finite scalar quantisation (Mentzer et al. 2023): coordinates are rounded to a few levels; no code can die."""

import math
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn

from agents.bottlenecks.contract import Bottleneck, Message, at_least, none, straight_through


class FiniteScalar(Bottleneck):
    """Each of d coordinates, bounded by tanh, is rounded to one of L levels from -1 to 1; gradients pass straight through.

    The levels are symmetric for even L too (Parker et al. 2024): the paper's own bound has next to no gradient for L = 2.
    levels: one L a coordinate, at least 2.
    rate: surprisal of the levels under the batch's histogram, in bits, coordinate by coordinate; a value between two levels
    counts for both in proportion, so that it has gradients. Its mean estimates the sum of the coordinates' entropies, which is
    at least that of the message.
    """

    steps: Tensor
    """Levels less 1, [d]."""

    def __init__(self, width: int, levels: Sequence[int]) -> None:
        super().__init__()
        self.levels = tuple(at_least("a level of finite_scalar", n, 2) for n in levels)
        at_least("the number of levels", len(self.levels), 1)
        self.alphabet, self.reads, self.noise = self.levels, len(self.levels), 0
        self.coordinates = nn.Linear(width, len(self.levels))
        self.register_buffer("steps", torch.tensor(self.levels, dtype=torch.get_default_dtype()) - 1, persistent=False)

    @classmethod
    def of(cls, width: int, bits: int, *, levels: Sequence[int] | None = None) -> Self:
        """levels: their product is 2**bits; None: a coordinate of 2 levels for each bit."""
        return cls(width, of_bits(bits, levels))

    def forward(self, hidden: Tensor, noise: Tensor | None = None) -> Message:
        """hidden [..., width] -> d levels, read as [..., d]; takes no noise."""
        symbols, read, place = self.rounded(hidden)
        return Message(symbols, read, surprisal(place, max(self.levels)), none(hidden))

    def rounded(self, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Symbols, what is read of them, and the place of each coordinate on its scale of levels, not rounded; all [..., d]."""
        bounded = self.coordinates(hidden).tanh()
        place = (bounded + 1) / 2 * self.steps
        symbols = place.round().long()
        return symbols, straight_through(self.read(symbols), bounded), place

    def read(self, symbols: Tensor) -> Tensor:
        """symbols [..., d] -> levels between -1 and 1, [..., d]."""
        return 2 * symbols / self.steps - 1


def of_bits(bits: int, levels: Sequence[int] | None) -> Sequence[int]:
    """The levels themselves, or 2 for each bit; ValueError where they do not multiply to 2**bits.

    More coordinates of fewer levels learn better: a linear listener tells corners of a cube apart, not points in a row.
    """
    chosen = [2] * bits if levels is None else list(levels)
    if math.prod(chosen) != 2**bits:
        raise ValueError(f"levels {chosen} multiply to {math.prod(chosen)}: {bits} bits need 2**{bits}")
    return chosen


def surprisal(place: Tensor, levels: int) -> Tensor:
    """Bits of places [..., d] from 0 to levels - 1 under the batch's histogram of each coordinate: [...], the sum over d."""
    share = (1 - (place.unsqueeze(-1) - torch.arange(levels, dtype=place.dtype)).abs()).clamp_min(0.0)
    mean = share.reshape(-1, *share.shape[-2:]).mean(0).clamp_min(1e-12)
    return -(share * mean.log2()).sum((-2, -1))
