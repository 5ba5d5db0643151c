"""Cauchy-Schwarz bottleneck (Yu et al. 2024): the price of a message is its kernel dependence on what the agent knows."""

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor

from agents.bottlenecks.contract import Message, none, positive
from agents.bottlenecks.finite_scalar import FiniteScalar, of_bits

SAMPLE = 512
"""Messages of a batch that the estimate takes at most: its cost grows with their square."""
STRIDE = 2_654_435_761
"""From one to the next of them, round and round: a prime, so that it is in step with no number of agents or of games."""


class CauchySchwarz(FiniteScalar):
    """Messages as in finite scalar quantisation; no assumption on their distribution is made to price them.

    rate: Cauchy-Schwarz quadratic mutual information of hidden vector and message, in bits, one number for the whole batch;
    gradients go through the message alone. It is 0 for independent ones and NO bound of mutual information: for the pmf
    [[.4, .1], [.1, .4]] it is .444 bits where mutual information is .278. It need not be below the bits of a message.
    kernel: standard deviation of the message's Gaussian kernel, in what is read (-1 to 1). That of the hidden vector is the
    root of half its mean squared distance.
    """

    def __init__(self, width: int, levels: Sequence[int], kernel: float = 0.5) -> None:
        super().__init__(width, levels)
        self.kernel = positive("kernel", kernel)

    @classmethod
    def of(cls, width: int, bits: int, *, levels: Sequence[int] | None = None, kernel: float = 0.5) -> Self:
        """levels: their product is 2**bits; None: a coordinate of 2 levels for each bit."""
        return cls(width, of_bits(bits, levels), kernel)

    def forward(self, hidden: Tensor, noise: Tensor | None = None) -> Message:
        """hidden [..., width] -> d levels, read as [..., d]; takes no noise."""
        symbols, read, _ = self.rounded(hidden)
        known, said = (x.reshape(-1, x.shape[-1]) for x in (hidden.detach(), read))
        taken = torch.arange(min(len(known), SAMPLE)) * STRIDE % len(known)
        far, near = squared_distances(known[taken]), squared_distances(said[taken])
        gram = (-far / far.mean().clamp_min(1e-12)).exp(), (-near / (2 * self.kernel**2)).exp()
        return Message(symbols, read, none(hidden) + quadratic_information(*gram), none(hidden))


def squared_distances(x: Tensor) -> Tensor:
    """Squared distances of all pairs: x [n, d] -> [n, n]."""
    return (x.unsqueeze(0) - x.unsqueeze(1)).square().sum(-1)  # not by torch.cdist, whose gradient is undefined at 0


def quadratic_information(first: Tensor, second: Tensor) -> Tensor:
    """Cauchy-Schwarz quadratic mutual information of n pairs, in bits: -log2 (E pq)^2 / (E p^2 E q^2), p joint, q product.

    first, second: Gram matrices [n, n] of the two variables; the equality of values as a kernel gives that of their pmf.
    """
    joint, product = (first * second).mean(), first.mean() * second.mean()
    cross = (first.mean(-1) * second.mean(-1)).mean()
    return (joint * product / cross.square()).log2()
