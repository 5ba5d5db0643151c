"""Entropy from counts, method by method: the formulas stand in commenv/info/estimates.py."""

from collections.abc import Callable
from math import log

import numpy as np

from commenv.info.distributions import Array

LOW, HIGH, POINTS = -12.0, 8.0, 4001
"""The grid on which nsb integrates over the logarithm of the concentration."""


def entropy(n: Array, kinds: int, method: str) -> float:
    """Bits, from the counts `n` >= 1 of what was seen, of `kinds` that there are."""
    values, times = np.unique(n, return_counts=True)  # few: N samples have at most sqrt(2 N) different counts
    return _METHODS[method](values, times.astype(np.float64), kinds) / log(2)


def _plug_in(n: Array, times: Array, kinds: int) -> float:
    N = times @ n
    return float(times @ (n / N * np.log(N / n)))


def _miller_madow(n: Array, times: Array, kinds: int) -> float:
    return _plug_in(n, times, kinds) + float(times.sum() - 1) / (2 * float(times @ n))


def _grassberger_1988(n: Array, times: Array, kinds: int) -> float:
    from scipy.special import digamma

    N = times @ n
    return float(times @ (n / N * (np.log(N) - digamma(n) - _alternating(n) / (n + 1))))


def _grassberger(n: Array, times: Array, kinds: int) -> float:
    from scipy.special import digamma

    N = times @ n
    G = digamma(n) + _alternating(n) * (digamma((n + 1) / 2) - digamma(n / 2)) / 2
    return float(np.log(N) - times @ (n * G) / N)


def _chao_shen(n: Array, times: Array, kinds: int) -> float:
    N, singletons = times @ n, times @ (n == 1)
    coverage = 1 - min(singletons, N - 1) / N  # of singletons alone it would be 0
    p = coverage * n / N
    return float(-times @ (p * np.log(p) / -np.expm1(N * np.log1p(-p)))) if len(n) > 1 or times[0] > 1 else 0.0


def _jackknife(n: Array, times: Array, kinds: int) -> float:
    N = times @ n
    if N < 2:
        raise ValueError("jackknife leaves one sample out: it needs at least 2 samples, got 1")
    total = times @ (n * np.log(n))
    fewer = total - n * np.log(n) + (n - 1) * np.log(np.maximum(n - 1, 1))
    without = np.log(N - 1) - fewer / (N - 1)  # entropy without one of each count
    return float(N * (np.log(N) - total / N) - (N - 1) / N * (times * n) @ without)


def _nsb(n: Array, times: Array, kinds: int) -> float:
    """Mean over concentrations b of the mean entropy under a Dirichlet prior, weighted so that the prior entropy is flat."""
    from scipy.special import digamma, gammaln, polygamma

    if kinds == 1:
        return 0.0
    N = times @ n
    log_b = np.linspace(LOW, HIGH, POINTS)
    b = np.exp(log_b)
    prior = kinds * polygamma(1, kinds * b + 1) - polygamma(1, b + 1)
    likelihood = gammaln(kinds * b) - gammaln(N + kinds * b) + times @ (gammaln(n[:, None] + b) - gammaln(b))
    unseen = kinds - times.sum()
    parts = times @ ((n[:, None] + b) * digamma(n[:, None] + b + 1)) + unseen * b * digamma(b + 1)
    mean = digamma(N + kinds * b + 1) - parts / (N + kinds * b)
    weight = prior * b * np.exp(likelihood - likelihood.max())  # db = b d(log b)
    return float(weight @ mean / weight.sum())


def _alternating(n: Array) -> Array:
    return 1 - 2 * (n % 2)


_METHODS: dict[str, Callable[[Array, Array, int], float]] = {
    "plug-in": _plug_in,
    "miller-madow": _miller_madow,
    "grassberger-1988": _grassberger_1988,
    "grassberger": _grassberger,
    "chao-shen": _chao_shen,
    "jackknife": _jackknife,
    "nsb": _nsb,
}
