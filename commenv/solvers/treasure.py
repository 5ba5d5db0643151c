"""Treasure and oracle: how often to ask where the treasure is, before one opens a door.

K doors, the treasure behind each alike. A question costs c and is answered with probability r, and everything that comes after
it counts discount times less. An answer is one of n symbols, so it tells in which of n parts of the doors the treasure is.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Asking:
    """The best plan, for q questions and k answers left and m doors among which the treasure is."""

    worth: np.ndarray
    """Its value times m, shape (Q + 1, answers + 1, K + 1)."""
    asks: np.ndarray
    """Whether to ask, likewise."""
    symbols: int

    @property
    def value(self) -> float:
        """Expected discounted reward of the whole game."""
        return float(self.worth[-1, -1, -1] / (self.worth.shape[2] - 1))

    def parts(self, questions: int, answers: int, doors: int) -> list[int]:
        """How many of the doors each symbol tells of, if this question is answered."""
        worth = self.worth[questions - 1, answers - 1]
        layers = _split(worth, min(self.symbols, doors))
        found, left = [], doors
        for n in range(len(layers) - 1, 0, -1):
            if left == 0:
                break
            size = int(np.argmax([worth[j] + layers[n - 1][left - j] if j else layers[n - 1][left] for j in range(left + 1)]))
            found += [size] if size else []
            left -= size
        return found


def asking(
    doors: int, cost: float, reliability: float, discount: float, symbols: int, answers: int = 1, questions: int = 64
) -> Asking:
    """The best plan for so many doors, questions at most, answers at most and symbols; exact dynamic program.

    What was answered is known to both, so an answer parts the doors that are left, and only the sizes of the parts matter.

    >>> round(asking(8, .02, .5, .95, symbols=8).value, 9)
    0.866666667
    """
    worth = np.ones((questions + 1, answers + 1, doors + 1))
    worth[:, :, 0] = 0.0
    asks = np.zeros(worth.shape, bool)
    m = np.arange(doors + 1)
    for q in range(1, questions + 1):
        for k in range(1, answers + 1):
            told = _split(worth[q - 1, k - 1], min(symbols, doors))[-1]
            ask = discount * (reliability * told + (1 - reliability) * worth[q - 1, k]) - cost * m
            asks[q, k] = ask > 1 + 1e-12
            worth[q, k] = np.where(asks[q, k], ask, worth[0, 0])
    return Asking(worth, asks, symbols)


def endless(doors: int, cost: float, reliability: float, discount: float, symbols: int | None = None) -> float:
    """Value where one may ask for ever, and be answered once: max(1 / K, (g r n / K - c) / (1 - g (1 - r))), g the discount
    and n = min(symbols, K), for a told part with one door is as good as any with more. symbols: None means K.

    >>> round(endless(4, .1, .2, .9), 9), endless(4, .1, .2, .9, symbols=1)
    (0.285714286, 0.25)
    """
    named = doors if symbols is None else min(symbols, doors)
    ask = (discount * reliability * named / doors - cost) / (1 - discount * (1 - reliability))
    return max(1 / doors, ask)


def _split(worth: np.ndarray, symbols: int) -> list[np.ndarray]:
    """Most that n parts of m doors are worth together, for n = 0..symbols; each of shape (K + 1,), and -inf where there is no
    way. Ends early where one more part brings nothing."""
    K = len(worth) - 1
    layers = [np.where(np.arange(K + 1) == 0, 0.0, -np.inf)]
    for _ in range(symbols):
        last = layers[-1]
        one_more = np.array([max(last[m], (worth[1 : m + 1] + last[:m][::-1]).max(initial=-np.inf)) for m in range(K + 1)])
        layers.append(one_more)
        if np.array_equal(one_more, last):
            break
    return layers
