"""Couplings of low entropy: joint distributions with given marginals that tell as much of one another as they can.

For two marginals H(X, Y) = H(X) + H(Y) - I(X; Y), so least joint entropy is most mutual information. To find it is NP-hard
(Kovacevic, Stanojevic, Senk 2015); the greedy coupling is near, the lower bounds say how near, small ones are solved exactly.
A sender and a receiver who couple the same beliefs get the same coupling bit for bit: ties go to the lowest index.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from commenv.info.distributions import Array, distribution

NEGLIGIBLE = 1e-12
"""Mass of a cell below which it is left out."""
GRID = 2.0**40
"""Masses are compared in units of 1 / GRID, below NEGLIGIBLE: what differs by rounding alone is a tie, the lowest index wins."""
LONGEST = 1 << 22
"""Outcomes of a marginal: a mass in units of the grid and an index share 63 bits."""
DENSE = 1 << 24
"""Cells beyond which a coupling is not made an array."""
SOLVED = 12
"""Outcomes of two marginals together, beyond which there is no exact coupling."""


@dataclass(frozen=True)
class Coupling:
    """A joint distribution of m variables, by its cells of positive mass."""

    indices: NDArray[np.int64]
    """Outcome of every variable in each cell, shape (cells, m)."""
    masses: Array
    """Probability of each cell, shape (cells,); they sum to 1."""
    shape: tuple[int, ...]
    """Number of outcomes of every variable."""

    @property
    def entropy(self) -> float:
        """Joint entropy in bits."""
        return max(0.0, float(-self.masses @ np.log2(self.masses)))

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> NDArray:
        """The joint distribution with an axis a variable. Raises ValueError beyond 2**24 entries."""
        size = np.prod(self.shape, dtype=float)
        if size > DENSE:
            raise ValueError(f"a coupling of shape {self.shape} has {size:.0f} entries: at most {DENSE} are made an array")
        joint = np.zeros(self.shape, dtype or np.float64)
        joint[tuple(self.indices.T)] = self.masses
        return joint


def greedy_coupling(*marginals: ArrayLike) -> Coupling:
    """Couple distributions, the k-th of shape (n_k,), by pairing their largest masses again and again.

    At most sum n_k - m + 1 cells, in O(m n log n). For two marginals its entropy is at most log2(e) / e = .530738 bits above the
    least, for any number (1 + log2 e) / 2 = 1.221348. Kocaoglu, Dimakis, Vishwanath, Hassibi (2017); the constants: Compton,
    Katz, Qi, Greenewald, Kocaoglu (2023). Raises ValueError for what is no distribution, or none at all.

    >>> np.asarray(greedy_coupling([0.7, 0.3], [0.5, 0.5]))
    array([[0.5, 0.2],
           [0. , 0.3]])
    """
    masses, starts = _flat(marginals)
    m, most = len(starts) - 1, len(masses) - len(starts) + 2
    indices, cells = np.empty((most, m), np.int64), np.empty(most)
    count = pair_largest(masses, starts, np.empty(len(masses), np.int64), indices, cells)
    return Coupling(indices[:count].copy(), cells[:count] / cells[:count].sum(), tuple(np.diff(starts).tolist()))


@njit(cache=True, error_model="numpy")
def pair_largest(masses, starts, heaps, indices, cells):
    """The greedy coupling of marginals that stand one behind the other in `masses`, the k-th from starts[k] to starts[k + 1].

    `heaps` is room for as many integers; `masses` is used up. Cells come out largest first, not normalised; returns how many.
    """
    m, count = len(starts) - 1, 0
    for k in range(m):
        lo, n = starts[k], starts[k + 1] - starts[k]
        for i in range(n):
            heaps[lo + i] = ordered(masses[lo + i], i)
        for root in range(n // 2 - 1, -1, -1):
            _sink(heaps[lo : lo + n], root)
    while count < len(cells):
        mass = np.inf
        for k in range(m):
            i = LONGEST - 1 - (heaps[starts[k]] & (LONGEST - 1))
            indices[count, k] = i
            mass = min(mass, masses[starts[k] + i])
        if not mass > NEGLIGIBLE:
            break
        cells[count] = mass
        for k in range(m):
            lo, i = starts[k], indices[count, k]
            rest = masses[lo + i] - mass
            masses[lo + i] = rest if rest >= NEGLIGIBLE else 0.0
            heaps[lo] = ordered(masses[lo + i], i)
            _sink(heaps[lo : starts[k + 1]], 0)
        count += 1
    return count


@njit(cache=True, error_model="numpy")
def ordered(mass, i):
    """A mass on the grid and its index in one integer: the larger mass, and of equal ones the lower index, is the larger."""
    return (np.int64(mass * GRID + 0.5) << np.int64(22)) | np.int64(LONGEST - 1 - i)


@njit(cache=True, error_model="numpy")
def _sink(heap, root):
    """Let what stands at `root` down to its place among its heirs."""
    key, n = heap[root], len(heap)
    child = 2 * root + 1
    while child < n:
        if child + 1 < n:
            child += np.int64(heap[child + 1] > heap[child])  # as a sum, not as a branch, which nobody could predict
        if heap[child] <= key:
            break
        heap[root] = heap[child]
        root, child = child, 2 * child + 1
    heap[root] = key


def coupling_lower_bound(*marginals: ArrayLike) -> float:
    """Bits that no coupling of these distributions goes below: the larger of `majorisation_bound` and `profile_bound`.

    >>> round(coupling_lower_bound([0.6, 0.4], [0.25, 0.25, 0.25, 0.25]), 9)
    2.0
    """
    return max(majorisation_bound(*marginals), profile_bound(*marginals))


def majorisation_bound(*marginals: ArrayLike) -> float:
    """Entropy in bits of the largest distribution that all marginals majorise; at least that of each.

    Sorted from the largest, its partial sums are the least of theirs. Cicalese, Gargano, Vaccaro (2019).
    """
    given = _checked(marginals)
    longest = max(map(len, given))
    sums = np.stack([np.cumsum(np.pad(np.sort(p)[::-1], (0, longest - len(p)))) for p in given]).min(axis=0)
    steps = np.diff(sums, prepend=0).clip(min=0)
    steps = steps[steps > 0]
    return max(0.0, float(-steps @ np.log2(steps)))


def profile_bound(*marginals: ArrayLike) -> float:
    """Integral over t in 0..1, in bits, of log2 of 1 over the least of the marginals' profiles at t.

    A profile at t is the mass of the atom that holds quantile t where atoms stand in ascending order. Every atom of a coupling
    lies within an atom of each marginal, so its own profile is nowhere above theirs.
    """
    ascending = [np.sort(p[p > 0]) for p in _checked(marginals)]
    ends = [np.cumsum(p) for p in ascending]
    knots = np.unique(np.concatenate(ends).clip(max=1.0))
    widths = np.diff(knots, prepend=0)
    middles = knots - widths / 2
    profiles = [p[np.searchsorted(end, middles).clip(max=len(p) - 1)] for p, end in zip(ascending, ends, strict=True)]
    return float(-widths @ np.log2(np.minimum.reduce(profiles)))


def exact_coupling(p: ArrayLike, q: ArrayLike) -> Coupling:
    """The coupling of least entropy of two distributions with at most 12 positive outcomes together.

    Entropy is concave, so a least one is a vertex of the transportation polytope: its cells form a forest, and a forest has a
    leaf, whose cell holds all that is left of one outcome. Every order of such leaves is tried, outcomes of equal mass as one.
    Raises ValueError for larger distributions.

    >>> round(exact_coupling([0.36, 0.25, 0.2, 0.19], [0.45, 0.3, 0.25]).entropy, 9)
    2.139847463
    """
    x, y = distribution(p), distribution(q)
    outcomes = np.count_nonzero(x) + np.count_nonzero(y)
    if outcomes > SOLVED:
        raise ValueError(f"p and q have {outcomes} positive outcomes together: at most {SOLVED} are solved exactly")
    left, right = ([(mass, i) for i, mass in enumerate(side.tolist()) if mass > 0] for side in (x, y))
    found: dict[_Residual, tuple[float, _Pair]] = {}
    cells: dict[tuple[int, int], float] = {}
    while len(left) > 1 and len(right) > 1:
        _, leaf = _least(_rounded(left), _rounded(right), found)
        (a, i), (b, j) = _nearest(left, leaf[0]), _nearest(right, leaf[1])
        mass = cells[i, j] = min(a, b)
        for side, atom in ((left, (a, i)), (right, (b, j))):
            side.remove(atom)
            if atom[0] - mass > NEGLIGIBLE:
                side.append((atom[0] - mass, atom[1]))
    cells |= {(i, j): min(a, b) for a, i in left for b, j in right}
    masses = np.array(list(cells.values()))
    return Coupling(np.array(list(cells), np.int64).reshape(-1, 2), masses / masses.sum(), (len(x), len(y)))


_Residual = tuple[tuple[float, ...], tuple[float, ...]]
_Pair = tuple[float, float]


def _rounded(atoms: Sequence[tuple[float, int]]) -> tuple[float, ...]:
    return tuple(sorted(round(mass, 12) for mass, _ in atoms))


def _nearest(atoms: Sequence[tuple[float, int]], mass: float) -> tuple[float, int]:
    return min(atoms, key=lambda atom: abs(atom[0] - mass))


def _least(a: tuple[float, ...], b: tuple[float, ...], found: dict[_Residual, tuple[float, _Pair]]) -> tuple[float, _Pair]:
    """Least bits of a coupling of what is left, and the masses whose cell is peeled first."""
    if len(a) <= 1 or len(b) <= 1:
        return sum(-mass * log2(mass) for mass in (b if len(a) == 1 else a)), (a[0] if a else 0.0, b[0] if b else 0.0)
    if (a, b) not in found:
        tried = []
        for x in dict.fromkeys(a):
            for y in dict.fromkeys(b):
                mass = min(x, y)
                bits, _ = _least(_less(a, x, mass), _less(b, y, mass), found)
                tried.append((bits - mass * log2(mass), (x, y)))
        found[a, b] = min(tried)
    return found[a, b]


def _less(atoms: tuple[float, ...], atom: float, mass: float) -> tuple[float, ...]:
    """The atoms, of which one has given a mass away."""
    k = atoms.index(atom)
    rest = round(atom - mass, 12)
    others = atoms[:k] + atoms[k + 1 :]
    return tuple(sorted((*others, rest))) if rest > NEGLIGIBLE else others


def _checked(marginals: Sequence[ArrayLike]) -> list[Array]:
    if not marginals:
        raise ValueError("a coupling needs marginals: give at least one distribution")
    given = [distribution(p) for p in marginals]
    for p in given:
        if len(p) > LONGEST:
            raise ValueError(f"a marginal has {len(p)} outcomes: at most {LONGEST} are allowed")
    return given


def _flat(marginals: Sequence[ArrayLike]) -> tuple[Array, NDArray[np.int64]]:
    """All marginals one behind the other, and where each begins."""
    given = _checked(marginals)
    return np.concatenate(given), np.cumsum([0, *map(len, given)])
