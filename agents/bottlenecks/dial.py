"""DIAL's discretise/regularise unit (Foerster et al. 2016): a noisy sigmoid in training, a bit when deployed."""

from typing import Self

import torch
from torch import Tensor, nn
from torch.special import log_ndtr

from agents.bottlenecks.contract import Bottleneck, Message, at_least, information, none, normal, positive, straight_through


class Dial(Bottleneck):
    """d bits, each 1 where its activation m is above 0.

    In training a listener reads sigmoid(m + sigma * Gaussian noise), which is more than the bit tells: noise is what drives
    activations apart until the bit is all there is to read.
    sigma: standard deviation of the noise, 2 in the paper.
    rate: information of the d noisy bits, that of a bit being Bernoulli(Phi(m / sigma)).
    """

    relaxed = True

    def __init__(self, width: int, digits: int, sigma: float = 2.0) -> None:
        super().__init__()
        digits = at_least("digits", digits, 1)
        self.alphabet, self.reads, self.noise = (2,) * digits, digits, digits
        self.sigma = positive("sigma", sigma)
        self.activation = nn.Linear(width, digits)

    @classmethod
    def of(cls, width: int, bits: int, *, sigma: float = 2.0) -> Self:
        """As many digits as bits."""
        return cls(width, bits, sigma)

    def forward(self, hidden: Tensor, noise: Tensor | None = None) -> Message:
        """hidden [..., width], noise [..., d] -> d bits, read as [..., d]."""
        activation = self.activation(hidden)
        noisy = activation if noise is None else activation + self.sigma * normal(noise)
        symbols, soft = (noisy > 0).long(), noisy.sigmoid()
        read = straight_through(self.read(symbols), soft) if noise is None else soft
        odds = activation / self.sigma
        logp = torch.stack([log_ndtr(-odds), log_ndtr(odds)], -1)
        return Message(symbols, read, information(logp), none(hidden), logp)

    def read(self, symbols: Tensor) -> Tensor:
        """symbols [..., d] -> 0. and 1., [..., d]."""
        return symbols.to(torch.get_default_dtype())
