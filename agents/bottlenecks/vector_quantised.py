"""Vector quantisation (van den Oord, Vinyals, Kavukcuoglu 2017), normalised and with noise: a message is a row of a codebook."""

from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from agents.bottlenecks.contract import Bottleneck, Message, at_least, gumbel, information, positive, straight_through, tabled


class VectorQuantised(Bottleneck):
    """One symbol of M, the code nearest to the encoded vector z; a listener reads the code, and gradients pass straight to z.

    The nearest code alone never learned to signal. What did, and is done here: codes and z have length 1 (Yu et al. 2022), in
    training the symbol is drawn with odds softmax(cosine / temperature) by Gumbel noise, and `revive` moves codes that nobody
    uses to vectors that no code stands for (a restart of Dhariwal et al. 2020, by farthest point).
    length: of z and of a code; temperature: 0 would be the nearest code; commitment: weight of z being drawn to its code.
    rate: KL(odds || the batch's mean), in bits, as in Gumbel-softmax. loss: |sg z - code|^2 + commitment * |z - sg code|^2.
    """

    def __init__(self, width: int, symbols: int, length: int = 8, temperature: float = 0.1, commitment: float = 0.25) -> None:
        super().__init__()
        symbols, length = at_least("symbols", symbols, 1), at_least("length", length, 1)
        self.alphabet, self.reads, self.noise = (symbols,), length, symbols
        self.temperature, self.commitment = positive("temperature", temperature), commitment
        self.encode = nn.Linear(width, length)
        self.codebook = nn.Parameter(torch.randn(symbols, length))

    @classmethod
    def of(cls, width: int, bits: int, *, length: int = 8, temperature: float = 0.1, commitment: float = 0.25) -> Self:
        """2**bits codes."""
        return cls(width, tabled("vector_quantised", bits), length, temperature, commitment)

    def forward(self, hidden: Tensor, noise: Tensor | None = None) -> Message:
        """hidden [..., width], noise [..., M] -> one symbol, read as its code [..., length]."""
        z, codes = normalize(self.encode(hidden), dim=-1), normalize(self.codebook, dim=-1)
        logp = (z @ codes.T / self.temperature).log_softmax(-1)
        symbols = (logp if noise is None else logp + gumbel(noise)).argmax(-1, keepdim=True)
        code = codes[symbols[..., 0]]
        loss = (z.detach() - code).square().sum(-1) + self.commitment * (z - code.detach()).square().sum(-1)
        return Message(symbols, straight_through(code, z), information(logp.unsqueeze(-2)), loss, logp.unsqueeze(-2))

    def read(self, symbols: Tensor) -> Tensor:
        """symbols [..., 1] -> codes [..., length]."""
        return normalize(self.codebook, dim=-1)[symbols[..., 0]]

    @torch.no_grad()
    def revive(self, hidden: Tensor) -> int:
        """Codes that are nearest to none of hidden [..., width] move, one by one, to the vector that is farthest from all codes.

        Stops where every vector has its code: a code that has nothing to stand for stays where it is. Returns how many moved.
        """
        z = normalize(self.encode(hidden), dim=-1).reshape(-1, self.reads)
        near, used = (z @ normalize(self.codebook, dim=-1).T).max(-1)
        dead = torch.ones(len(self.codebook), dtype=torch.bool).index_fill(0, used, False).nonzero()[:, 0].tolist()
        for moved, code in enumerate(dead):
            cosine, farthest = near.min(0)
            if cosine > 1 - 1e-5:
                return moved
            self.codebook[code] = z[farthest]
            near = torch.maximum(near, z @ z[farthest])
        return len(dead)
