"""What every bottleneck is: between what an agent knows and what it says, a message whose bits are known."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Message(NamedTuple):
    """What agents say, [...] agents at once."""

    symbols: Tensor
    """[..., d] long: what goes on the wire, the k-th below `alphabet[k]`."""
    read: Tensor
    """[..., reads] what a listener reads of it; equals `Bottleneck.read(symbols)`, and gradients reach the speaker."""
    rate: Tensor
    """[...] bits that the message tells at most, as training estimates it; what losses may hold down."""
    loss: Tensor
    """[...] the bottleneck's own loss (commitment, independence of digits, ...), 0 where it has none."""


class Bottleneck(nn.Module):
    """Hidden vectors become messages of `d = len(alphabet)` symbols.

    Each subclass sets these in __init__(width, ...), where width is the length of the hidden vector.
    """

    alphabet: tuple[int, ...]
    """Number of values of each symbol."""
    reads: int
    """Length of what a listener reads."""
    noise: int
    """Uniform random numbers that a message in training takes; 0 where it is the same as when deployed."""

    @property
    def bits(self) -> float:
        """Bits of a message on the wire: sum of the log2 of its alphabets."""
        return sum(math.log2(n) for n in self.alphabet)

    def forward(self, hidden: Tensor, noise: Tensor | None = None) -> Message:
        """hidden [..., width] and noise [..., self.noise] in (0, 1) -> a message; noise None: as it is deployed, deterministic.

        The same noise gives the same symbols: a rollout keeps it, and its gradients are those of what was played.
        """
        raise NotImplementedError

    def read(self, symbols: Tensor) -> Tensor:
        """What a listener reads of symbols [..., d] that came over a wire: [..., reads]."""
        raise NotImplementedError


def gumbel(uniform: Tensor) -> Tensor:
    """Standard Gumbel noise of uniform numbers in (0, 1)."""
    return -(-uniform.clamp(1e-20, 1 - 1e-7).log()).log()


def straight_through(hard: Tensor, soft: Tensor) -> Tensor:
    """`hard` forwards, bit for bit, and the gradient of `soft` backwards (Bengio et al. 2013)."""
    return hard + (soft - soft.detach()) if not hard.requires_grad else hard.detach() + (soft - soft.detach())


def none(like: Tensor) -> Tensor:
    """Zeros [...] for a hidden [..., width]: no rate, no loss."""
    return torch.zeros(like.shape[:-1], dtype=like.dtype)
