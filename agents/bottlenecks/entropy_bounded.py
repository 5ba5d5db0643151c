"""A signal of limited entropy about a state of known distribution: the encoder of Ebrahimi, Chen, Khisti (2024), MEC-B."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from agents.bottlenecks.contract import Bottleneck, Message, gumbel, information, none, straight_through, tabled
from commenv import info
from commenv.core.errors import number
from commenv.info.bottleneck import METHODS, PartitionMethod


class EntropyBounded(Bottleneck):
    """One symbol: the cell of the state that the hidden vector speaks of; a listener reads the belief that the cell leaves.

    belief [K]: distribution of the state, known to both ends. Its states are partitioned once into cells with H(symbol) <= rate
    bits, so that the symbol tells most of the state (`info.entropy_bounded_partition`); what is learned is to which state a
    hidden vector belongs. reads = K: p(state | symbol). In training the symbol is drawn with the cells' odds by Gumbel noise.
    rate: KL(odds || the batch's mean), in bits. The bits of the message are log2 of the cells, its entropy is at most the rate:
    an entropy code may spend no more than a bit above that.
    """

    posterior: Tensor
    cells: Tensor

    def __init__(
        self, width: int, belief: ArrayLike, rate: float, method: PartitionMethod = "best", symbols: int | None = None
    ) -> None:
        super().__init__()
        p = info.distribution(belief)
        labels = info.entropy_bounded_partition(p, number("rate", rate, 0, np.inf), method).labels
        if symbols is not None:
            labels = merged(p, labels, symbols)
        count = symbols or int(labels.max()) + 1
        joint = np.zeros((count, len(p)))
        joint[labels, np.arange(len(p))] = p
        mass = joint.sum(axis=1, keepdims=True)
        posterior = np.where(mass > 0, joint / np.where(mass > 0, mass, 1), p)  # a symbol that is never sent tells nothing
        self.alphabet, self.reads, self.noise = (count,), len(p), count
        self.encode = nn.Linear(width, len(p))
        self.register_buffer("posterior", torch.tensor(posterior, dtype=torch.float32))
        self.register_buffer("cells", torch.from_numpy(np.eye(count, dtype=np.float32)[labels]))

    @classmethod
    def of(
        cls,
        width: int,
        bits: int,
        *,
        belief: Sequence[float] | None = None,
        rate: float | None = None,
        method: PartitionMethod = "best",
    ) -> Self:
        """2**bits symbols, of at most `rate` bits of entropy, or of `bits`; belief None: 2**(bits + 1) states, all alike."""
        symbols = tabled("entropy_bounded", bits)
        if method not in METHODS:
            raise ValueError(f"method of entropy_bounded is {method!r}: one of {', '.join(METHODS)} is needed")
        known: ArrayLike = np.full(2 * symbols, 0.5 / symbols) if belief is None else belief
        return cls(width, known, bits if rate is None else rate, method, symbols)

    def forward(self, hidden: Tensor, noise: Tensor | None = None) -> Message:
        """hidden [..., width], noise [..., symbols] -> one symbol, read as the belief [..., K] that it leaves."""
        odds = (self.encode(hidden).softmax(-1) @ self.cells).clamp_min(1e-12)
        logp = odds.log().log_softmax(-1)
        symbols = (logp if noise is None else logp + gumbel(noise)).argmax(-1, keepdim=True)
        hard = nn.functional.one_hot(symbols[..., 0], self.alphabet[0]).to(odds.dtype)
        read = straight_through(self.posterior[symbols[..., 0]], straight_through(hard, logp.exp()) @ self.posterior)
        return Message(symbols, read, information(logp.unsqueeze(-2)), none(hidden), logp.unsqueeze(-2))

    def read(self, symbols: Tensor) -> Tensor:
        """symbols [..., 1] -> beliefs [..., K]."""
        return self.posterior[symbols[..., 0]]


def merged(p: np.ndarray, labels: np.ndarray, symbols: int) -> np.ndarray:
    """Labels of at most so many cells: the two smallest are merged until there are no more, which loses least entropy a time."""
    labels = labels.copy()
    while labels.max() + 1 > symbols:
        first, second = sorted(np.argsort(np.bincount(labels, p), kind="stable")[:2].tolist())
        labels[labels == second] = first
        labels[labels > second] -= 1
    return labels
