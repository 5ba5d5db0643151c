"""What a channel does to a message, as transition probabilities and capacities.

A message on the air is dropped with probability `drop`, else erased with `erasure`, else distorted by E F Z N, in this order:

    E   K-ary symmetric: another of the K symbols on the air with probability error / (K - 1) each
    F   b binary symmetric channels:  P(y | m) = flip**d (1 - flip)**(b - d), d the bits in which m and y differ
    Z   b Z-channels:  P(y | m) = fade**d (1 - fade)**(bits of y), d the bits of m that y lacks; 0 where y has one of its own
    N   of floats, Gaussian noise on each number:  y = x + std n, n standard normal

Silence is not on the air: its row is itself. Capacities, in bits a message, M' the messages on the air:

    of one that arrives     E: log2 M' - h(error) - error log2(M' - 1);  F: b (1 - h(flip));  E F: b - H(noise), `_flipped`;
                            Z: b log2(1 + (1 - fade) fade**(fade / (1 - fade)));  F Z: b times that of one bit;
                            E Z, E F Z: Blahut-Arimoto, beyond MOST messages the lesser of their own;
                            N: at most d log2(1 + 2 A / sqrt(2 pi e std**2)), A the largest level, and at most that of E F Z
    told                    (1 - drop) (1 - erasure) times that: erasures and drops are heard for what they are
    with silence            log2(1 + 2**told), Shannon's sum of channels; with drop, which is heard as silence,
                            log2(1 + 2**((told - h(drop)) / (1 - drop))), or told where one would always speak;
                            with flip or fade, which may end in silence too, Blahut-Arimoto, beyond MOST messages the same bound
    with bursts             the mean over the two states: both ends see them; `info.burst_capacity` for ends who do not
    on a link of its own    Blahut-Arimoto; beyond MOST messages or with N at most (1 - p) min(C, C of its leading bits)
"""

from math import comb, log2
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
    return sum(share * in_bits(channel, *noise) for share, *noise in states(channel))


def through(W: np.ndarray, carried: np.ndarray, corruption: tuple[float, int | None] | None) -> np.ndarray:
    """W on a link of its own: replaced messages go in, and come out as what it makes of each, `carried`."""
    if corruption is not None:
        probability, message = corruption
        row = W.mean(axis=0) if message is None else W[message]
        W = (1 - probability) * W + probability * row
    size = len(carried)
    kept = np.zeros_like(W)
    np.add.at(kept.T, carried, W[:, :size].T)
    kept[:, size:] = W[:, size:]
    return kept


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


def in_bits(channel: "Channel", error: float, erasure: float) -> float:
    """Capacity in one state of the noise."""
    from commenv import info

    if channel.size == 1:
        return 0.0
    told = (1 - channel.drop) * (1 - erasure) * _told(channel, error)
    if not channel.silence:
        return told
    if channel.floats is None and (channel.flip or channel.fade) and channel.size <= MOST:
        return info.capacity(in_state(channel, error, erasure)).bits
    return _beside_silence(channel.drop, told)


def _beside_silence(drop: float, told: float) -> float:
    """max over q of h(q (1 - drop)) - q h(drop) + q told, q how often one speaks: silence is one more channel beside that of
    the messages, and one hears which was used (Shannon 1948), but for messages that are dropped."""
    from commenv import info

    if drop == 1:
        return 0.0
    gain = (told - info.entropy([drop, 1 - drop])) / (1 - drop)
    speaking = np.exp2(-np.logaddexp2(0.0, -gain)) / (1 - drop)
    return float(np.logaddexp2(0.0, gain)) if speaking <= 1 else told


def _told(channel: "Channel", error: float) -> float:
    """Bits that a message tells which is neither dropped nor erased: capacity of E F Z, and of N after it."""
    from commenv import info

    air, flip, fade, width = channel.size - channel.silence, channel.flip, channel.fade, channel.width
    if air == 1:
        return 0.0
    if not (flip or fade):
        told = info.symmetric_capacity(air, error)
    elif not fade and air == 2**width:
        told = _flipped(width, error, flip)
    else:
        flipping, fading = _bits(channel)
        told = min(log2(air), width * info.capacity(flipping @ fading).bits)  # bits pass side by side
        if error and air <= MOST:
            silence = channel.silence
            told = info.capacity(_distortion(channel, error)[silence:, silence * bool(channel.floats) :]).bits
        elif error:
            told = min(told, info.symmetric_capacity(air, error))  # no processing adds information: a bound
    if channel.gaussian:
        peak = float(channel.levels.max())
        told = min(told, (channel.floats or 0) * info.peak_gaussian_capacity(peak, channel.gaussian))
    return told


def _flipped(width: int, error: float, flip: float) -> float:
    """b - H(noise): E and F add to the message one of 2**b words, P(z) = (1 - e) flip**d (1 - flip)**(b - d) + e / 2**b, where
    d are the bits of z and e = error 2**b / (2**b - 1)."""
    weight = np.arange(width + 1)
    alike = np.array([float(comb(width, d)) for d in weight])  # words of that many bits
    evenly = error / (1 - 2.0**-width)
    p = ((1 - evenly) * flip**weight * (1 - flip) ** (width - weight) + evenly * 2.0**-width).clip(0)
    return max(0.0, width + float(alike @ (p * np.log2(p, where=p > 0, out=np.zeros_like(p)))))
