"""What every bottleneck is: between what an agent knows and what it says, a message whose bits are known."""

import math
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn


class Message(NamedTuple):
    """What agents say, [...] agents at once."""

    symbols: Tensor
    """[..., d] long: what goes on the wire, the k-th below `alphabet[k]`."""
    read: Tensor
    """[..., reads] what a listener reads of it; gradients reach the speaker. Equals `Bottleneck.read(symbols)`, unless the
    bottleneck is `relaxed` and this is training."""
    rate: Tensor
    """[...] bits that the message tells, as training estimates it; what losses may hold down. Each says how it is estimated.
    It is no measurement: a message drawn from nearly equal odds tells little in training, and deployed, where the likeliest
    is sent, as much as it has bits. What a deployed team tells is the entropy of the symbols it sends."""
    loss: Tensor
    """[...] the bottleneck's own loss (commitment, independence of digits, ...), 0 where it has none."""
    logp: Tensor | None = None
    """[..., d, k] log-probabilities that each digit was drawn from; None where messages are not drawn from odds."""


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
    relaxed: bool = False
    """Whether a listener in training reads more than the symbols tell (the real number behind DIAL's bit)."""

    @classmethod
    def of(cls, width: int, bits: int, *arguments: Any, **options: Any) -> Self:
        """The bottleneck whose message has exactly so many bits, at least 1; ValueError where there is none."""
        raise NotImplementedError

    @property
    def bits(self) -> float:
        """Bits of a message on the wire: sum of the log2 of its alphabets."""
        return math.fsum(math.log2(n) for n in self.alphabet)

    def forward(self, hidden: Tensor, noise: Tensor | None = None) -> Message:
        """hidden [..., width] and noise [..., self.noise] in (0, 1) -> a message; noise None: as it is deployed, deterministic.

        The same noise gives the same symbols: a rollout keeps it, and its gradients are those of what was played.
        """
        raise NotImplementedError

    def read(self, symbols: Tensor) -> Tensor:
        """What a listener reads of symbols [..., d] that came over a wire, checked by `agents.wire.unpack`: [..., reads]."""
        raise NotImplementedError

    def revive(self, hidden: Tensor) -> int:
        """Bring symbols that nobody uses back into use, between updates; hidden [..., width], a batch fit to judge by.

        Returns how many; 0 where symbols cannot die. Deterministic.
        """
        return 0


def gumbel(uniform: Tensor) -> Tensor:
    """Standard Gumbel noise of uniform numbers in (0, 1)."""
    return -(-uniform.clamp(1e-20, 1 - 1e-7).log()).log()


def normal(uniform: Tensor) -> Tensor:
    """Standard normal noise of uniform numbers in (0, 1)."""
    return torch.special.ndtri(uniform.clamp(1e-20, 1 - 1e-7))


def straight_through(hard: Tensor, soft: Tensor) -> Tensor:
    """`hard` forwards and the gradient of `soft` backwards (Bengio et al. 2013)."""
    return hard.detach() + (soft - soft.detach())  # the bracket is 0 exactly, so that `hard` is what is read on the wire


def information(logp: Tensor) -> Tensor:
    """Bits that digits drawn from logp [..., d, k] tell of where they were drawn: [...], the sum of KL(p || the batch's mean).

    Its mean over the batch is the sum of the digits' mutual informations with the hidden vector: what the message tells if it
    has one digit, and at most that if it has more, for they are drawn independently.
    """
    p = logp.exp()
    mean = p.reshape(-1, *p.shape[-2:]).mean(0).clamp_min(1e-12)
    return (p * (logp - mean.log())).sum((-2, -1)) / math.log(2)


def none(like: Tensor) -> Tensor:
    """Zeros [...] for a hidden [..., width]: no rate, no loss."""
    return like.new_zeros(like.shape[:-1])


def positive(name: str, value: float) -> float:
    """The value itself; ValueError unless it is a finite number above 0."""
    if not 0 < value < math.inf:
        raise ValueError(f"{name} is {value}: a number above 0 is needed")
    return value


def at_least(name: str, value: int, least: int) -> int:
    """The value itself; ValueError unless it is a whole number from `least`."""
    if value != int(value) or value < least:
        raise ValueError(f"{name} is {value}: a whole number of at least {least} is needed")
    return int(value)


LARGEST = 16
"""Bits of the largest alphabet that is held as a table, one row a symbol."""


def tabled(name: str, bits: int) -> int:
    """2**bits symbols; ValueError where their table would be too large."""
    if bits > LARGEST:
        raise ValueError(f"{name} of {bits} bits needs a table of 2**{bits} symbols: at most {LARGEST} bits are allowed")
    return 2**bits
