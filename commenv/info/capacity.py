"""Capacity of discrete memoryless channels, in bits a use; and of noiseless ones whose symbols cost."""

from dataclasses import dataclass
from math import e, log, log2, pi, sqrt

import numpy as np
from numpy.typing import ArrayLike

from commenv.info.distributions import Array, numbers, real, stochastic
from commenv.info.measures import entropy

RARE = 1e-100
"""Outputs that no input makes likelier than this are left out: they change no digit, but divide by zero."""

PRICELESS = 2.0**60
"""Bits by which a symbol is made rarer before it counts as never sent."""


@dataclass(frozen=True)
class Capacity:
    """Capacity of a channel, in bits a use: at least `bits`, at most `upper`."""

    bits: float
    """Information that `input` gets through, at least 0."""
    upper: float
    """Largest divergence of a row from the output distribution, which no input distribution can beat."""
    input: Array
    """Distribution of the input, shape (inputs,)."""


def capacity(W: ArrayLike, gap: float = 1e-12) -> Capacity:
    """Capacity of the channel `W[x, y]`, shape (inputs, outputs), rows sum to 1, in bits a use.

    Blahut's (1972) and Arimoto's (1972) problem and stopping rule: done when upper and lower bound differ by less than
    `gap` bits (rounding rarely lets them come closer than 1e-15; both are returned). Newton steps replace their
    updates, which crawl where a row is just not worth using. Raises ValueError for a matrix that is not row-stochastic.

    >>> round(capacity([[0.9, 0.1], [0.1, 0.9]]).bits, 9)
    0.531004406
    """
    if not gap > 0:
        raise ValueError(f"gap must be above 0 bits, got {gap}")
    W = stochastic(W)
    W = W[:, W.max(axis=0) > RARE]
    row = np.sum(W * np.log(W, where=W > 0, out=np.zeros_like(W)), axis=1)

    def divergence(p: Array) -> Array:  # D(W[x] || output) in nats, one value an input
        return row - W @ np.log(p @ W)

    from commenv.info.simplex import ENTROPY, minimise  # numba is slow to import

    outputs = np.ascontiguousarray(W.T)
    p = minimise(ENTROPY, outputs, np.ones(len(outputs)), -row, gap * log(2))
    nats = divergence(p)
    bits = max(0.0, float(p @ nats)) / log(2)
    return Capacity(bits=bits, upper=max(bits, float(nats.max()) / log(2)), input=p)


def finite_blocklength(W: ArrayLike, uses: int, error: float) -> float:
    """Bits a use that a block of so many uses of `W[x, y]` carries if it may be wrong with probability `error`, nearly.

    C - sqrt(V / n) Q^-1(error) + log2(n) / 2n, V the variance of the information density at the capacity's input; the last
    term is that of symmetric channels, and not of erasures, which lack it. Polyanskiy, Poor, Verdú (2010). An approximation,
    not a bound: good from about 100 uses on. Raises ValueError for less than 1 use, or an error not between 0 and 1.

    >>> round(finite_blocklength([[0.89, 0.11], [0.11, 0.89]], uses=500, error=1e-3), 6)
    0.378621
    """
    from scipy.stats import norm

    if isinstance(uses, bool) or not isinstance(uses, int | np.integer) or uses < 1:
        raise ValueError(f"uses must be a whole number of at least 1, got {uses!r}")
    if not 0 < error < 1:
        raise ValueError(f"error must be between 0 and 1, got {error}")
    W = stochastic(W)
    found = capacity(W)
    joint = found.input[:, None] * W
    sent = joint > 0
    density = np.log2(W[sent]) - np.log2(np.broadcast_to(joint.sum(axis=0), W.shape)[sent])
    variance = max(0.0, float(joint[sent] @ (density - found.bits) ** 2))
    return found.bits - sqrt(variance / uses) * float(norm.isf(error)) + log2(uses) / (2 * uses)


def symmetric_capacity(symbols: int, error: float) -> float:
    """Bits a use when one of `symbols` (at least 2) arrives as one of the others, evenly, with probability `error`.

    >>> round(symmetric_capacity(4, 0.1), 9)
    1.372508156
    """
    _check(symbols, error, "error")
    return max(0.0, log2(symbols) - entropy([error, 1 - error]) - error * log2(symbols - 1))


def erasure_capacity(symbols: int, erasure: float) -> float:
    """Bits a use when one of `symbols` (at least 2) is lost, and known to be lost, with probability `erasure`.

    Elias (1955). A packet of b bits that is dropped is one of 2**b symbols.
    """
    _check(symbols, erasure, "erasure")
    return (1 - erasure) * log2(symbols)


def z_capacity(fade: float) -> float:
    """Bits a use of the Z-channel, on which a 1 arrives as 0 with probability `fade` and a 0 as it is.

    log2(1 + (1 - fade) fade**(fade / (1 - fade))); Golomb (1980).

    >>> round(z_capacity(0.5), 9)
    0.321928095
    """
    _check(2, fade, "fade")
    return 0.0 if fade == 1 else log2(1 + (1 - fade) * fade ** (fade / (1 - fade)))


def gaussian_capacity(snr: float) -> float:
    """Bits a real use of the additive white Gaussian noise channel with signal-to-noise ratio `snr`. Shannon (1948).

    >>> gaussian_capacity(1)
    0.5
    """
    if not real("snr", snr) >= 0:
        raise ValueError(f"snr must be at least 0, got {snr}")
    return log2(1 + snr) / 2


def peak_gaussian_capacity(peak: float, std: float) -> float:
    """Bits a real use that no code exceeds when numbers from -peak to peak meet Gaussian noise of standard deviation `std`.

    The lesser of log2(1 + 2 peak / sqrt(2 pi e std**2)) (McKellips 2004) and log2(1 + (peak / std)**2) / 2 (Shannon 1948);
    the former is within a tenth of a bit from peak = 4 std on.

    >>> round(peak_gaussian_capacity(1, std=0.1), 3)
    2.546
    """
    if not 0 <= real("peak", peak) < np.inf:
        raise ValueError(f"peak must be finite and at least 0, got {peak}")
    if not 0 < real("std", std) < np.inf:
        raise ValueError(f"std must be finite and above 0, got {std}")
    return min(log2(1 + 2 * peak / (sqrt(2 * pi * e) * std)), gaussian_capacity((peak / std) ** 2))


def quantised_gaussian_capacity(levels: ArrayLike, std: float) -> Capacity:
    """Bits a real use when one of the `levels` is sent and Gaussian noise of standard deviation `std` > 0 is added.

    `bits` is what a receiver gets who reads the output on a grid of std / 16, short of the capacity by about 1e-4 bits at
    most; of more than 256 levels 256 are used, evenly. `upper` is the lesser of log2 levels and `peak_gaussian_capacity`.
    `input` is over the levels.

    >>> round(quantised_gaussian_capacity([-1, 1], std=1).bits, 3)
    0.486
    """
    from scipy.special import ndtr

    points = numbers("levels", levels)
    if points.ndim != 1 or points.size == 0 or not np.isfinite(points).all():
        raise ValueError(f"levels must be finite, shape (inputs,), got {levels!r}")
    if not 0 < real("std", std) < np.inf:
        raise ValueError(f"std must be finite and above 0, got {std}")
    order = np.argsort(points)
    used = order[np.linspace(0, points.size - 1, min(points.size, 256)).round().astype(int)]
    sent = points[used, None]
    edges = np.unique(np.round(sent / std * 16 + np.arange(-128, 129)))  # in sixteenths of std
    edges = edges[:: 1 + edges.size // 8192] * std / 16
    W = np.diff(ndtr((edges - sent) / std), axis=1, prepend=0, append=1)
    found = capacity(W / W.sum(axis=1, keepdims=True))
    upper = min(log2(points.size), peak_gaussian_capacity(float(np.ptp(points)) / 2, std))
    law = np.zeros(points.size)
    law[used] = found.input
    return Capacity(found.bits, max(found.bits, upper), law)


def information_at_cost(costs: ArrayLike, budget: float) -> float:
    """Most bits that a noiseless message carries where symbol k costs `costs[k]` and a message `budget` on average.

    max H(p) subject to p @ costs <= budget; then p[k] is proportional to 2**(-price costs[k]). Shannon (1948). Silence is a
    symbol of cost 0, and informs: payload bits alone undercount. Raises ValueError for costs that are not finite and at
    least 0, or a budget below the cheapest.

    >>> information_at_cost([0, 1, 1], 0.5)
    1.5
    """
    c, budget = numbers("costs", costs), real("budget", budget)
    if c.ndim != 1 or c.size == 0 or not np.isfinite(c).all() or c.min() < 0:
        raise ValueError(f"costs must be finite and at least 0, shape (symbols,), got {costs!r}")
    if not budget >= c.min():
        raise ValueError(f"budget must be at least the cheapest cost {c.min():g}, got {budget}")
    if c.mean() <= budget:
        return log2(c.size)

    def tilted(price: float) -> Array:
        p = np.exp2(-price * (c - c.min()))
        return p / p.sum()

    low, high = 0.0, 1 / (np.ptp(c) + budget)
    while tilted(high) @ c > budget and high < PRICELESS / np.ptp(c):
        low, high = high, 2 * high
    while high - low > 1e-14 * high:
        price = (low + high) / 2
        low, high = (price, high) if tilted(price) @ c > budget else (low, price)
    return entropy(tilted(high))


def _check(symbols: int, probability: float, name: str) -> None:
    if not real("symbols", symbols) >= 2 or symbols % 1:
        raise ValueError(f"symbols must be a whole number of at least 2, got {symbols}")
    if not 0 <= real(name, probability) <= 1:
        raise ValueError(f"{name} must be a probability from 0 to 1, got {probability}")
