"""Straight-through Gumbel-softmax (Jang, Gu, Poole 2017; Maddison, Mnih, Teh 2017): a message is one of 2**bits symbols."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from agents.bottlenecks.contract import Bottleneck, Message, gumbel, none, straight_through


class GumbelSoftmax(Bottleneck):
    """One symbol of M; a listener reads it one-hot. In training it is drawn, and gradients are those of the relaxed draw.

    rate: KL(p(symbol | hidden) || the batch's mean), in bits: its mean is the mutual information of symbol and hidden vector.
    """

    def __init__(self, width: int, symbols: int, temperature: float = 1.0) -> None:
        super().__init__()
        self.alphabet, self.reads, self.noise = (symbols,), symbols, symbols
        self.temperature = temperature
        self.logits = nn.Linear(width, symbols)

    def forward(self, hidden: Tensor, noise: Tensor | None = None) -> Message:
        logp = self.logits(hidden).log_softmax(-1)
        relaxed = logp if noise is None else ((logp + gumbel(noise)) / self.temperature)
        symbol = relaxed.argmax(-1)
        hard = one_hot(symbol, logp.shape[-1]).to(hidden.dtype)
        mean = logp.exp().flatten(0, -2).mean(0).clamp_min(1e-12).log()
        rate = (logp.exp() * (logp - mean)).sum(-1) / math.log(2)
        return Message(symbol.unsqueeze(-1), straight_through(hard, relaxed.softmax(-1)), rate, none(hidden))

    def read(self, symbols: Tensor) -> Tensor:
        return one_hot(symbols[..., 0], self.reads).to(torch.get_default_dtype())
