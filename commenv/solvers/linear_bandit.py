"""Distributed linear bandits: designs, quantisers and gossip that published algorithms are made of, and two arms solved.

Two arms e_1, e_2 and theta = gap * e_j, j alike, rewards with Gaussian noise: whichever arm is pulled, its reward tells as much,
a draw from N(+h, 1) or N(-h, 1) with h = gap / (2 noise). So the best pull is the likelier arm, and what an agent is told decides
what it earns.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
from scipy.stats import norm

GRID = 400
"""Places of a threshold that are tried before the best ones are polished."""
MOST_CELLS = 16
"""Symbols beyond which no quantiser is looked for."""


# -------------------------------------------------------------------------------------------------------------- two arms
@dataclass(frozen=True)
class Quantiser:
    """What to say of one observation, and what it is worth to one who has made another."""

    value: float
    """Probability that the listener then names the better arm."""
    thresholds: np.ndarray
    """Where one symbol ends and the next begins, increasing, shape (M - 1,)."""
    evidence: np.ndarray
    """ln P(symbol | first) - ln P(symbol | second), shape (M,)."""


def right(gap: float, noise: float, observations: float) -> float:
    """Probability that the likelier of two arms is the better one after so many observations: Phi(gap sqrt(n) / (2 noise))."""
    return float(norm.cdf(gap * math.sqrt(observations) / (2 * noise)))


def quantiser(gap: float, noise: float, symbols: int) -> Quantiser:
    """The best way to tell one observation in so many symbols, at most 16, to one who has made one as well.

    What a symbol is worth is convex in its probabilities under both arms, so the best symbols are intervals, and their worths
    add up: a dynamic program over a grid of thresholds (Kurkoski, Yagi 2014), then each threshold is moved to where its two
    symbols are worth the same until none moves (Lloyd 1982).

    >>> found = quantiser(1.0, 1.0, 2)
    >>> round(found.value, 9), [round(float(x), 6) for x in abs(found.thresholds)]
    (0.742420088, [0.0])
    """
    h = gap / (2 * noise)
    if h == 0 or symbols == 1:
        return Quantiser(right(gap, noise, 1), np.zeros(0), np.zeros(1))
    grid = np.concatenate([[-np.inf], np.linspace(-h - 6, h + 6, GRID), [np.inf]])
    first, second = norm.cdf(grid - h), norm.cdf(grid + h)
    pieces = np.triu(_worth(h, first[None] - first[:, None], second[None] - second[:, None]))
    n, best, cuts = len(grid), [pieces[0]], []
    for _ in range(symbols - 1):
        total = np.where(np.tri(n, k=-1, dtype=bool).T, best[-1][:, None] + pieces, -np.inf)
        total[0] = pieces[0]  # a cell more may stay empty
        cuts.append(total.argmax(axis=0))
        best.append(total.max(axis=0))
    places, end = [], n - 1
    for cut in reversed(cuts):
        end = int(cut[end])
        places.append(end)
    thresholds = np.clip(grid[places[::-1]], -h - 8, h + 8)
    for _ in range(1_000):
        moved = _best_replies(h, thresholds)
        if np.abs(moved - thresholds).max() < 1e-9:
            break
        thresholds = moved
    a, b = _cells(h, thresholds)
    with np.errstate(divide="ignore", invalid="ignore"):
        evidence = np.where((a > 0) & (b > 0), np.log(a) - np.log(b), 0.0)
    return Quantiser(_told(h, thresholds), thresholds, evidence)


def _best_replies(h: float, thresholds: np.ndarray) -> np.ndarray:
    """Where the speaker does as well by either of two neighbouring symbols, as the listener takes them now."""
    a, b = _cells(h, thresholds)
    shift = (np.log(a) - np.log(b)) / (2 * h)
    right_first, right_second = np.diff(norm.cdf(h + shift)), np.diff(norm.cdf(h - shift))
    return np.log(-right_second / right_first) / (2 * h)


def _cells(h: float, thresholds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probability of each symbol under either arm."""
    ends = np.concatenate([[-np.inf], thresholds, [np.inf]])
    return np.diff(norm.cdf(ends - h)), np.diff(norm.cdf(ends + h))


def _told(h: float, thresholds: np.ndarray) -> float:
    return float(_worth(h, *_cells(h, thresholds)).sum())


def _worth(h: float, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Probability that a symbol is said and the listener is right, of its probabilities under either arm."""
    a, b = np.maximum(a, 0), np.maximum(b, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = (np.log(a) - np.log(b)) / (2 * h)
    shift = np.where(a + b > 0, shift, 0.0)
    return (a * norm.cdf(h + shift) + b * norm.cdf(h - shift)) / 2


# ----------------------------------------------------------------------------------------------------------------- design
def optimal_design(arms: np.ndarray, tolerance: float = 0.01) -> np.ndarray:
    """G-optimal design: weights of the arms under which the most uncertain arm is least uncertain, shape (K,).

    arms: shape (K, d), of any rank r. Frank-Wolfe with the exact step; stops when max_k x_k' V^-1 x_k <= (1 + tolerance) r, r
    being the least there is (Kiefer, Wolfowitz 1960).
    """
    _, size, basis = np.linalg.svd(arms, full_matrices=False)
    x = arms @ basis[size > 1e-10 * size[0]].T
    K, r = x.shape
    weights = np.full(K, 1 / K)
    while True:
        spread = np.einsum("ki,ij,kj->k", x, np.linalg.inv(x.T @ (weights[:, None] * x)), x)
        k = int(spread.argmax())
        if spread[k] <= (1 + tolerance) * r:
            return weights
        step = (spread[k] / r - 1) / (spread[k] - 1)
        weights *= 1 - step
        weights[k] += step


def quantise(values: np.ndarray, radius: float, bits: int | None, rng: np.random.Generator) -> np.ndarray:
    """Numbers as 2**bits levels from -radius to radius tell them, each rounded up or down at random so that its mean is right.

    What is beyond the radius is cut to it; bits=None: as they are.
    """
    if bits is None:
        return values
    place = (np.clip(values, -radius, radius) + radius) * ((2**bits - 1) / (2 * radius))
    below = np.floor(place)
    return (below + (rng.random(values.shape) < place - below)) * (2 * radius / (2**bits - 1)) - radius


# ----------------------------------------------------------------------------------------------------------------- gossip
def metropolis(graph: nx.Graph) -> np.ndarray:
    """Symmetric weights with which neighbours average: 1 / (1 + the larger of both degrees); shape (n, n), rows sum to 1."""
    nodes = list(graph)
    W = np.zeros((len(nodes), len(nodes)))
    for a, b in graph.edges:
        i, j = nodes.index(a), nodes.index(b)
        W[i, j] = W[j, i] = 1 / (1 + max(graph.degree[a], graph.degree[b]))
    return W + np.diag(1 - W.sum(axis=1))


def mixing(W: np.ndarray) -> float:
    """The second largest absolute eigenvalue of symmetric weights: by how much a round of plain gossip shrinks disagreement."""
    size = np.sort(np.abs(np.linalg.eigvalsh(W)))
    return float(size[-2]) if len(size) > 1 and size[-2] > 1e-12 else 0.0


def gossip_rounds(W: np.ndarray, error: float) -> int:
    """Rounds of Chebyshev gossip after which disagreement is at most `error` of what it was: ceil(ln(2 N / error) /
    sqrt(2 ln(1 / lambda))); 1 where one round makes all agree."""
    second = mixing(W)
    return 1 if second == 0 else math.ceil(math.log(2 * len(W) / error) / math.sqrt(2 * math.log(1 / second)))


def chebyshev_gossip(values: np.ndarray, W: np.ndarray, rounds: int) -> np.ndarray:
    """What each agent holds after so many rounds; values: shape (n, ...), a row an agent. The mean stays.

    In each round an agent hears its neighbours' rows only (Arioli, Scott 2014, Chebyshev acceleration of iterative refinement).
    """
    flat = values.reshape(len(values), -1)
    last, now = flat, flat
    for mine, before in _chebyshev(mixing(W), rounds):
        last, now = now, mine * (W @ now) - before * last
    return now.reshape(values.shape)


def quantised_gossip(
    values: np.ndarray, W: np.ndarray, rounds: int, radius: float, bits: int | None, rng: np.random.Generator
) -> np.ndarray:
    """Chebyshev gossip in `bits` a number; values: shape (n, d), a row an agent, each within the radius. None: floats.

    All keep a copy of what each agent has told, at first 0. In a round an agent tells its neighbours how far its number is from
    its own copy, quantised at random without bias, and all add that to the copy; averages are then of copies, but for one's own
    number. As weights are symmetric, what errors add to one agent they take from its neighbours: the mean stays as it is, and
    without cuts the expectation of every row is that of float gossip. The range shrinks as numbers come together
    (`gossip_ranges`); beyond it differences are cut, and what is cut waits for the next round.
    """
    if bits is None:
        return chebyshev_gossip(values, W, rounds)
    last, now, copy = values, values, np.zeros_like(values)
    for (mine, before), reach in zip(_chebyshev(mixing(W), rounds), gossip_ranges(W, rounds, radius, bits), strict=True):
        copy = copy + quantise(now - copy, reach, bits, rng)
        last, now = now, mine * (now + W @ copy - copy) - before * last
    return now


def gossip_ranges(W: np.ndarray, rounds: int, radius: float, bits: int) -> list[float]:
    """What quantised gossip takes for the largest difference of a number and its copy in each round, of numbers within a radius.

    The most that float gossip can move a number in a round, and three standard deviations of what earlier errors may have done:
    an error has variance step**2 / 4 at most. Everybody works it out from the graph. It falls as 1 / q_s, as gossip contracts,
    while bits are enough for the second part to fall as well.
    """
    n = len(W)
    if not rounds:
        return []
    still, moves = np.eye(n), W - np.eye(n)
    last, now = still, still  # what the numbers are of those at first, in this round and in the one before
    errors: list[tuple[np.ndarray, np.ndarray, float]] = []  # of each earlier round: the same of its errors, and their variance
    ranges = []
    for k, (mine, before) in enumerate(_chebyshev(mixing(W), rounds)):
        moved = radius * (np.abs(now - last).sum(axis=1).max() if k else 1.0)
        variance = sum(
            size * ((new - old - (still if j == k - 1 else 0)) ** 2).sum(axis=1) for j, (old, new, size) in enumerate(errors)
        )
        reach = float(moved + 3 * np.sqrt(np.max(variance)))
        ranges.append(reach)
        errors.append((np.zeros((n, n)), np.zeros((n, n)), (reach / (2**bits - 1)) ** 2))
        errors = [
            (new, mine * (W @ new + (moves if j == k else 0)) - before * old, size) for j, (old, new, size) in enumerate(errors)
        ]
        last, now = now, mine * (W @ now) - before * last
    return ranges


def _chebyshev(second: float, rounds: int) -> list[tuple[float, float]]:
    """Of each round the weights of the average and of the round before: 1 and 0 at first, and all along where `second` is 0."""
    weights, q_last, q = [(1.0, 0.0)], 1.0, 1 / second if second else 1.0
    for _ in range(rounds - 1):
        q_next = 2 * q / second - q_last if second else q
        weights.append((2 * q / (second * q_next), q_last / q_next) if second else (1.0, 0.0))
        q_last, q = q, q_next
    return weights[:rounds]


def batches(horizon: int) -> list[int]:
    """Lengths of batches, about ln ln T of them, that sum to the horizon: the j-th begins after T**(1 - 2**-j) rounds.

    So each is about sqrt(T) times the root of the one before (Perchet, Rigollet, Chassang, Snowberg 2016).
    """
    count = max(math.ceil(math.log2(max(math.log2(max(horizon, 2)), 1))), 1)
    ends = sorted({*(round(horizon ** (1 - 0.5**j)) for j in range(1, count + 1)), horizon})
    return np.diff([0, *ends]).tolist()


def least_squares_slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Of ln y over ln x.

    >>> round(least_squares_slope([1, 4, 16], [3, 6, 12]), 12)
    0.5
    """
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])
