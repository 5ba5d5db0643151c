"""Signals of limited entropy: what T of H(T) <= R bits tells most of X, and couplings of X and Y that pass through it.

The bottleneck coupling max I(X; Y), X - T - Y, H(T) <= R, with both marginals given, is at least I(X; T) + I(T; Y) - R: so T is
first made to tell much of X (EBIM, the encoder), then coupled with Y (the decoder). Ebrahimi, Chen, Khisti (2024), Minimum
entropy coupling with bottleneck. All rates in bits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor
from typing import Literal, get_args

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from commenv.info.coupling import LONGEST, greedy_coupling, ordered
from commenv.info.distributions import Array, distribution
from commenv.info.measures import entropy, mutual_information

PartitionMethod = Literal["best", "paper", "smallest", "uniform", "exact"]
METHODS: tuple[PartitionMethod, ...] = get_args(PartitionMethod)

SLACK = 1e-12
"""Bits by which an entropy may exceed its rate: rounding."""
SEARCHED = 32
"""Positive outcomes beyond which `best` leaves out moves and swaps: they cost the square."""
ENUMERATED = 10
"""Positive outcomes beyond which no longer all partitions are tried: they are 115,975."""
CANDIDATES = 7
"""Positive outcomes up to which a stochastic channel starts from every partition: they are 877."""


@dataclass(frozen=True)
class Partition:
    """A deterministic signal t(x): which cell every outcome falls into."""

    labels: NDArray[np.int64]
    """Cell of each outcome, shape (n,); numbered by their first outcomes. Outcomes of no probability are in cell 0."""
    masses: Array
    """Probability of each cell, shape (cells,)."""

    @property
    def entropy(self) -> float:
        """H(T) = I(X; T) in bits."""
        return entropy(self.masses)

    @property
    def cells(self) -> list[list[int]]:
        """The outcomes in each cell."""
        return [np.flatnonzero(self.labels == cell).tolist() for cell in range(len(self.masses))]


@dataclass(frozen=True)
class BoundedChannel:
    """A stochastic signal."""

    matrix: Array
    """p(t | x), shape (n, symbols), rows sum to 1."""
    entropy: float
    """H(T) in bits, at most the rate."""
    information: float
    """I(X; T) in bits."""


@dataclass(frozen=True)
class BottleneckCoupling:
    """A coupling of X and Y through a signal T of limited entropy."""

    partition: Partition
    """The encoder t(x)."""
    decoder: Array
    """p(y | t), shape (cells, m)."""
    joint: Array
    """p(x, y), shape (n, m), with the given marginals."""
    information: float
    """I(X; Y) in bits."""
    bound: float
    """I(X; T) + I(T; Y) - R, which `information` is never below."""


def entropy_bounded_partition(p: ArrayLike, rate: float, method: PartitionMethod = "best") -> Partition:
    """A partition of the outcomes of `p`, shape (n,), with H(T) of at most `rate` >= 0 bits, that tells much: I(X; T) = H(T).

    paper: Algorithm 1 of Ebrahimi, Chen, Khisti (2024): merge the two largest cells until merging the two smallest, or they, is
    enough; at most h(p_2) short of the best, p_2 the second largest probability. smallest: merge the two smallest until it fits.
    uniform: 2**rate cells of as many neighbours each, whatever their probability. best: the best of these three after moves and
    swaps of single outcomes, which are left out beyond 32 outcomes. exact: the best of all partitions, of at most 10 outcomes.
    Raises ValueError for a rate below 0, another method, or too many outcomes for `exact`.

    >>> entropy_bounded_partition([0.4, 0.3, 0.2, 0.1], rate=1.0).cells
    [[0, 3], [1, 2]]
    """
    p = distribution(p)
    _check_rate(rate)
    if method not in METHODS:
        raise ValueError(f"method={method!r} is not allowed: it must be one of {', '.join(METHODS)}")
    positive = np.flatnonzero(p)
    q = p[positive]
    if method == "exact" and len(q) > ENUMERATED:
        raise ValueError(f"p has {len(q)} positive outcomes: at most {ENUMERATED} have all their partitions tried")
    labels = np.zeros(len(p), np.int64)
    if method == "uniform":  # its cells are neighbours among all outcomes, likely or not
        uniform_cells(len(p), rate, labels)
        return _partition(p, np.where(p > 0, labels, -1))
    labels[:] = -1
    labels[positive] = _search(q, rate, method)
    return _partition(p, labels)


def _check_rate(rate: float) -> None:
    if not rate >= 0:
        raise ValueError(f"rate must be at least 0 bits, got {rate}")


def _search(q: Array, rate: float, method: PartitionMethod) -> NDArray[np.int64]:
    """Labels of positive outcomes."""
    if method == "exact":
        return best_of_all(q, rate)
    labels = np.zeros(len(q), np.int64)
    {"paper": paper_cells, "smallest": smallest_cells, "best": best_cells}[method](q, rate, labels)
    return labels


def _partition(p: Array, labels: NDArray[np.int64]) -> Partition:
    """Cells numbered by their first outcomes; those of label -1 join cell 0."""
    names, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    order = np.argsort(np.where(names < 0, -1, first), kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    found = (place[inverse] - (names[0] < 0)).clip(min=0)
    return Partition(found, np.bincount(found, p).astype(np.float64))


@njit(cache=True, error_model="numpy")
def bits_of(masses):
    total = 0.0
    for mass in masses:
        if mass > 0.0:
            total -= mass * np.log2(mass)
    return total


@njit(cache=True, error_model="numpy")
def _drop(a, b):
    """Bits of entropy that are lost when cells of masses a and b are merged."""
    return _term(a) + _term(b) - _term(a + b)


@njit(cache=True, error_model="numpy")
def _term(mass):
    return -mass * np.log2(mass) if mass > 1e-15 else 0.0


@njit(cache=True, error_model="numpy")
def paper_cells(p, rate, labels):
    """Algorithm 1 on positive masses: fill `labels` and return the number of cells. O(n log n).

    The merged largest cell stays the largest, and the two smallest are never touched before the end: one sort is enough.
    """
    n = len(p)
    keys, order = np.empty(n, np.int64), np.empty(n, np.int64)
    for i in range(n):
        keys[i] = ordered(p[i], n - 1 - i)  # ascending, and of equal masses the lower index first
    keys.sort()
    for k in range(n):
        order[k] = n - LONGEST + (keys[k] & (LONGEST - 1))
    bits, top, largest, joined = (
        bits_of(p),
        n - 1,
        p[order[n - 1]],
        0,
    )  # cells: `joined` at the bottom, those between, `top` and above
    while top > 0 and bits > rate + SLACK:
        second = p[order[1]] if top > 1 else largest
        if bits - _drop(p[order[0]], second) <= rate + SLACK:
            joined = 1
            break
        bits -= _drop(p[order[top - 1]], largest)
        largest += p[order[top - 1]]
        top -= 1
    for k in range(n):
        labels[order[k]] = max(min(k, top) - joined, 0)
    return top - joined + 1


@njit(cache=True, error_model="numpy")
def smallest_cells(p, rate, labels):
    """Merge the two smallest of positive masses until H(T) fits; fill `labels` and return the number of cells. O(n**2)."""
    n = len(p)
    masses = p.copy()
    for i in range(n):
        labels[i] = i
    bits, cells = bits_of(p), n
    while cells > 1 and bits > rate + SLACK:
        a = b = -1
        for i in range(n):  # cells stand at the place of their first outcome; merged ones have no mass
            if masses[i] > 0.0:
                if a < 0 or ordered(masses[i], n - i) < ordered(masses[a], n - a):
                    a, b = i, a
                elif b < 0 or ordered(masses[i], n - i) < ordered(masses[b], n - b):
                    b = i
        bits -= _drop(masses[a], masses[b])
        first, other = min(a, b), max(a, b)
        masses[first] += masses[other]
        masses[other] = 0.0
        for i in range(n):
            if labels[i] == other:
                labels[i] = first
        cells -= 1
    return compact(labels)


@njit(cache=True, error_model="numpy")
def uniform_cells(n, rate, labels):
    """As many equal runs of neighbours as 2**rate allows; fill `labels` and return the number of cells."""
    size = -(-n // min(floor(2.0 ** min(rate, 60.0) + 1e-9), n))
    for i in range(n):
        labels[i] = i // size
    return -(-n // size)


@njit(cache=True, error_model="numpy")
def compact(labels):
    """Number cells from 0 in the order of their first outcomes; returns how many there are."""
    numbers = np.full(labels.max() + 1, -1)
    cells = 0
    for i in range(len(labels)):
        if numbers[labels[i]] < 0:
            numbers[labels[i]] = cells
            cells += 1
        labels[i] = numbers[labels[i]]
    return cells


@njit(cache=True, error_model="numpy")
def improve(p, rate, labels):
    """Make the single move of an outcome, or swap of two, that raises H(T) most within the rate, until there is none."""
    n = len(p)
    while True:
        masses = np.zeros(n + 1)
        for i in range(n):
            masses[labels[i]] += p[i]
        cells = labels.max() + 1
        now = bits_of(masses)
        best, first, second, target = now + SLACK, -1, -1, -1
        for i in range(n):
            a = labels[i]
            for b in range(min(cells + 1, n)):  # the last: a cell of its own
                if b != a:
                    bits = now + _gain(masses[a], masses[b], masses[a] - p[i], masses[b] + p[i])
                    if best < bits <= rate + SLACK:
                        best, first, second, target = bits, i, -1, b
            for j in range(i + 1, n):
                b = labels[j]
                if b != a:
                    bits = now + _gain(masses[a], masses[b], masses[a] - p[i] + p[j], masses[b] + p[i] - p[j])
                    if best < bits <= rate + SLACK:
                        best, first, second, target = bits, i, j, b
        if first < 0:
            return compact(labels)
        if second >= 0:
            labels[second] = labels[first]
        labels[first] = target
        compact(labels)


@njit(cache=True, error_model="numpy")
def _gain(a, b, after_a, after_b):
    return _term(after_a) + _term(after_b) - _term(a) - _term(b)


@njit(cache=True, error_model="numpy")
def best_cells(q, rate, labels):
    """The partition of most entropy of paper, smallest and uniform after moves and swaps: fill `labels`, return the cells."""
    n, most, cells = len(q), -1.0, 0
    tried = np.empty(n, np.int64)
    for way in range(3):
        if way == 0:
            paper_cells(q, rate, tried)
        elif way == 1:
            smallest_cells(q, rate, tried)
        else:
            uniform_cells(n, rate, tried)
        count = improve(q, rate, tried) if n <= SEARCHED else compact(tried)
        masses = np.zeros(count)
        for k in range(n):
            masses[tried[k]] += q[k]
        bits = bits_of(masses)
        if bits > most + SLACK:
            most, cells = bits, count
            labels[:] = tried
    return cells


@njit(cache=True, error_model="numpy")
def best_of_all(p, rate):
    """Labels of the partition of most entropy within the rate, of all that there are."""
    n = len(p)
    labels, best = np.zeros(n, np.int64), np.zeros(n, np.int64)
    most = -1.0
    while True:
        masses = np.zeros(n)
        for i in range(n):
            masses[labels[i]] += p[i]
        bits = bits_of(masses)
        if most < bits <= rate + SLACK:
            most = bits
            best[:] = labels
        if not following(labels):
            return best


@njit(cache=True, error_model="numpy")
def following(labels):
    """The next partition in the order of restricted growth strings; False after the last."""
    for i in range(len(labels) - 1, 0, -1):
        if labels[i] <= labels[:i].max():
            labels[i] += 1
            labels[i + 1 :] = 0
            return True
    return False


# ------------------------------------------------------------------------------------------------------------ stochastic
def entropy_bounded_channel(p: ArrayLike, rate: float) -> BoundedChannel:
    """A stochastic signal with H(T) of at most `rate` >= 0 bits that tells more of X than deterministic ones that do not meet
    the rate.

    From a deterministic map there are two ways to meet a rate nearby: upwards, part of the cell of least p(x, t) / p(t) gets a
    symbol of its own; downwards, part of the smallest cell of the smallest symbol joins the largest symbol. Ebrahimi, Chen,
    Khisti (2024), theorem 3. The best of these from every map is taken, of up to 7 positive outcomes; of more, from the maps
    that merging passes.

    >>> round(entropy_bounded_channel([0.7, 0.2, 0.1], rate=0.6).information, 9)
    0.510510331
    """
    p = distribution(p)
    _check_rate(rate)
    positive = np.flatnonzero(p)
    q = p[positive]
    best: BoundedChannel | None = None
    for labels in _maps(q, rate):
        joint = np.zeros((len(q), labels.max() + 2))  # the last symbol is new
        joint[np.arange(len(q)), labels] = q
        found = _meet(joint, rate)
        if found is not None and (best is None or found[0] > best.information + SLACK):
            information, joint = found
            joint = joint[:, joint.sum(axis=0) > 0]
            matrix = np.zeros((len(p), joint.shape[1]))
            matrix[:, 0] = 1.0
            matrix[positive] = joint / q[:, None]
            best = BoundedChannel(matrix, entropy(joint.sum(axis=0)), information)
    assert best is not None  # one symbol for all tells nothing, and is always within the rate
    return best


def _maps(q: Array, rate: float) -> Iterator[NDArray[np.int64]]:
    """Deterministic maps that may be near the rate; a single cell among them."""
    n = len(q)
    if n <= CANDIDATES:
        labels = np.zeros(n, np.int64)
        yield labels
        while following(labels):
            yield labels
        return
    yield _search(q, rate, "best")
    for descending in (False, True):
        cells = [[i] for i in np.argsort(q, kind="stable").tolist()]
        while True:
            labels = np.zeros(n, np.int64)
            for k, cell in enumerate(cells):
                labels[cell] = k
            yield labels
            if len(cells) == 1:
                break
            cells.sort(key=lambda cell: q[cell].sum(), reverse=descending)
            cells = [cells[0] + cells[1], *cells[2:]]


def _meet(joint: Array, rate: float) -> tuple[float, Array] | None:
    """I(X; T) and p(x, t) after the one move from a deterministic map towards the rate; None where it does not come within it."""
    masses = joint.sum(axis=0)
    upwards = entropy(masses) <= rate
    if upwards:
        share = np.where(joint > 0, joint / np.where(masses > 0, masses, 1), np.inf)
        x, source = divmod(int(share.argmin()), joint.shape[1])
        target = joint.shape[1] - 1
        if share[x, source] == 1:  # every outcome has its own symbol: there is no more to tell
            return mutual_information(joint), joint
    else:
        source, target = int(np.where(masses > 0, masses, np.inf).argmin()), int(masses.argmax())
        target = target if target != source else int(np.flatnonzero((masses > 0) & (np.arange(len(masses)) != source))[0])
        x = int(np.where(joint[:, source] > 0, joint[:, source], np.inf).argmin())

    def moved(amount: float) -> Array:
        after = joint.copy()
        after[x, source] -= amount
        after[x, target] += amount
        return after

    def fits(amount: float) -> bool:
        return entropy(moved(amount).sum(axis=0)) <= rate

    most = float(joint[x, source])
    within, beyond = (0.0, most) if upwards else (most, 0.0)
    if fits(most):
        within, beyond = (most, most) if upwards else (most, 0.0)
    elif not upwards:
        return None
    for _ in range(80):
        middle = (within + beyond) / 2
        within, beyond = (middle, beyond) if fits(middle) else (within, middle)
    after = moved(within)
    return mutual_information(after), after


def bottleneck_coupling(p_x: ArrayLike, p_y: ArrayLike, rate: float, method: PartitionMethod = "best") -> BottleneckCoupling:
    """Couple X and Y through a signal t(x) with H(T) of at most `rate` bits: a partition of X, then its greedy coupling with Y.

    p_x, shape (n,), and p_y, shape (m,), are the marginals of what comes out, exactly. Ebrahimi, Chen, Khisti (2024), MEC-B.

    >>> round(bottleneck_coupling([0.7, 0.2, 0.1], [0.6, 0.4], rate=0.9).information, 9)
    0.556779649
    """
    x, y = distribution(p_x), distribution(p_y)
    partition = entropy_bounded_partition(x, rate, method)
    signal = np.asarray(greedy_coupling(partition.masses, y))
    decoder = signal / partition.masses[:, None]
    joint = x[:, None] * decoder[partition.labels]
    bound = partition.entropy + mutual_information(signal) - rate
    return BottleneckCoupling(partition, decoder, joint, mutual_information(joint), bound)
