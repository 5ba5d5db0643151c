"""Discrete infomax codes (DIMCO; Lee et al. 2019): d digits of k values that tell much, each something else."""

import math
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from agents.bottlenecks.contract import Bottleneck, Message, at_least, gumbel, information, straight_through


class Dimco(Bottleneck):
    """d digits of k values, drawn independently in training; a listener reads them one-hot, gradients are the relaxed draws'.

    rate: sum of the digits' informations H(digit) - H(digit | hidden), from the batch's mean odds.
    loss: - infomax * rate + independence * sum over pairs of digits of their mutual information, all in bits. It pays for
    talking: set infomax to 0 where bits have a price.
    """

    def __init__(self, width: int, digits: int, values: int, infomax: float = 0.1, independence: float = 0.1) -> None:
        super().__init__()
        self.digits, self.values = at_least("digits", digits, 1), at_least("values", values, 2)
        self.alphabet, self.reads = (self.values,) * self.digits, self.digits * self.values
        self.noise = self.reads
        self.infomax, self.independence = infomax, independence
        self.logits = nn.Linear(width, self.reads)

    @classmethod
    def of(cls, width: int, bits: int, *, values: int = 2, infomax: float = 0.1, independence: float = 0.1) -> Self:
        """values: k; as many digits as make k**d = 2**bits."""
        each = at_least("values", values, 2).bit_length() - 1
        if values != 2**each or bits % each:
            raise ValueError(f"digits of {values} values do not make {bits} bits: 2**b values are needed, b a divisor of {bits}")
        return cls(width, bits // each, values, infomax, independence)

    def forward(self, hidden: Tensor, noise: Tensor | None = None) -> Message:
        """hidden [..., width], noise [..., d * k] -> d digits, read as [..., d * k]."""
        logp = self.logits(hidden).unflatten(-1, (self.digits, self.values)).log_softmax(-1)
        drawn = logp if noise is None else logp + gumbel(noise).reshape(logp.shape)
        symbols = drawn.argmax(-1)
        rate = information(logp)
        loss = self.independence * dependence(logp.exp()) - self.infomax * rate
        return Message(symbols, straight_through(self.read(symbols), drawn.softmax(-1).flatten(-2)), rate, loss, logp)

    def read(self, symbols: Tensor) -> Tensor:
        """symbols [..., d] -> one-hot digits side by side, [..., d * k]."""
        return one_hot(symbols, self.values).flatten(-2).to(torch.get_default_dtype())


def dependence(p: Tensor) -> Tensor:
    """Mutual information of two digits, in bits, summed over pairs of digits: a scalar. p [..., d, k], the odds of each digit."""
    p = p.reshape(-1, *p.shape[-2:])
    d, mean = p.shape[1], p.mean(0)
    joint = torch.einsum("nia,njb->ijab", p, p).div(len(p)).clamp_min(1e-12)
    product = torch.einsum("ia,jb->ijab", mean, mean).clamp_min(1e-12)
    each = (joint * (joint / product).log()).sum((-2, -1)) / math.log(2)
    return each.masked_select(torch.ones(d, d, dtype=torch.bool).triu(1)).sum()
