"""What a channel does to a message, as transition probabilities and capacities.

A message on the air is dropped with probability `drop`, else erased with `erasure`, else distorted by E F Z, in this order:

    E   K-ary symmetric: another of the K symbols on the air with probability error / (K - 1) each
    F   b binary symmetric channels:  P(y | m) = flip**d (1 - flip)**(b - d), d the bits in which m and y differ
    Z   b Z-channels:  P(y | m) = fade**d (1 - fade)**(bits of y), d the bits of m that y lacks; 0 where y has one of its own

Silence is not on the air: its row is itself.
"""

from math import log2
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from commenv.core.channel import Channel

MOST = 2**12
"""Messages beyond which nobody wants the matrix: it would fill the memory."""


def states(channel: "Channel") -> list[tuple[float, float, float]]:
    """(probability, error, erasure) of each state of a link: one, or under bursts a good and a bad one."""
    bursts = channel.bursts
    if bursts is None:
        return [(1.0, channel.error, channel.erasure)]
    return [(1 - bursts.bad, channel.error, channel.erasure), (bursts.bad, bursts.error, bursts.erasure)]  # type: ignore[union-attr]


def matrix(channel: "Channel") -> np.ndarray:
    """W[m, y], shape (M, M + 1), or (M, M + 2) where a message may vanish without silence being heard in its place."""
    return sum((share * in_state(channel, *noise) for share, *noise in states(channel)), np.zeros(()))


def capacity(channel: "Channel") -> float:
    """Bits a message, closed where a form is known; under bursts the mean over states that both ends see, a bound."""
    return sum(share * _capacity(channel, *noise) for share, *noise in states(channel))


def through(W: np.ndarray, size: int, cut: int, corruption: tuple[float, int | None] | None) -> np.ndarray:
    """W on a link of its own: replaced messages go in, and come out with `cut` trailing bits 0."""
    if corruption is not None:
        probability, message = corruption
        row = W.mean(axis=0) if message is None else W[message]
        W = (1 - probability) * W + probability * row
    if cut:
        kept = np.zeros_like(W)
        np.add.at(kept.T, np.arange(size) >> cut << cut, W[:, :size].T)
        kept[:, size:] = W[:, size:]
        return kept
    return W


def in_state(channel: "Channel", error: float, erasure: float) -> np.ndarray:
    """The matrix of one state of the noise."""
    M, silence, drop = channel.size, int(channel.silence), channel.drop
    if channel.gaussian:
        raise ValueError("a channel with gaussian noise has no matrix: what arrives is a real number")
    if M > MOST:
        raise ValueError(f"the matrix of {M:,} messages is too large: it is made up to {MOST:,}")
    vanishes = bool(drop) and not silence
    W = np.zeros((M, M + 1 + vanishes))
    W[:, :M] = (1 - drop) * (1 - erasure) * _distortion(channel, error)
    W[:, M] = (1 - drop) * erasure
    W[:, M + 1 if vanishes else 0] += drop
    if silence:
        W[0] = 0.0
        W[0, 0] = 1.0
    return W


def _distortion(channel: "Channel", error: float) -> np.ndarray:
    """E F Z, shape (M, M); the row of silence means nothing."""
    M, silence = channel.size, int(channel.silence)
    air, first = M - silence, silence if channel.floats else 0
    W = np.eye(M)
    if error and air > 1:
        W[silence:, silence:] = error / (air - 1)
        np.fill_diagonal(W[silence:, silence:], 1 - error)
    for bit in _bits(channel):
        if not np.array_equal(bit, np.eye(2)):
            word = np.eye(1)
            for _ in range(channel.width):
                word = np.kron(word, bit)
            W[:, first:] = W[:, first:] @ word
    return W


def _bits(channel: "Channel") -> list[np.ndarray]:
    """What flipping and fading do to one bit."""
    flip, fade = channel.flip, channel.fade
    return [np.array([[1 - flip, flip], [flip, 1 - flip]]), np.array([[1.0, 0.0], [fade, 1 - fade]])]


def _capacity(channel: "Channel", error: float, erasure: float) -> float:
    from commenv import info

    M, flip, fade = channel.size, channel.flip, channel.fade
    air = M - channel.silence
    if M == 1:
        return 0.0
    if not (error or erasure or flip or fade or channel.drop or channel.gaussian):
        return log2(M)
    arrives = (1 - channel.drop) * (1 - erasure)
    if channel.silence and not channel.floats and (flip or fade or channel.drop):  # silence may be heard in place of a message
        return info.capacity(in_state(channel, error, erasure)).bits
    if air == 1:
        own = 0.0
    elif channel.gaussian:
        own = arrives * (channel.floats or 0) * info.quantised_gaussian_capacity(channel.levels, channel.gaussian).upper
    elif not (flip or fade):
        own = arrives * info.symmetric_capacity(air, error)
    elif not error:  # bits pass side by side
        flipping, fading = _bits(channel)
        own = arrives * channel.width * info.capacity(flipping @ fading).bits
    else:
        own = arrives * info.capacity(_distortion(channel, error)[channel.silence :, channel.silence :]).bits
    # Silence is one more channel beside that of the messages, and one hears which was used (Shannon 1948). Where floats are
    # dropped one does not, and this is a bound.
    return float(np.logaddexp2(0.0, own)) if channel.silence else own
