"""Looking for a thing in one of n boxes, several looks a round: the optimal plan, which needs no communication.

What is in a box is seen with probability `detect` by each look. That nobody has found it yet is all there is to know, and
everybody knows it; so the plan can be made beforehand. The m-th look into box j finds the thing with probability p_j a (1 -
a)^(m - 1), whenever it comes, and these fall with m: taking the largest first makes the thing found by every time as likely as
it can be (for one searcher Blackwell, in Matula 1964; for several the same exchange of looks proves it).
"""

import heapq
import itertools
import math
from collections.abc import Iterator, Sequence

from commenv.info.distributions import distribution

LEFT = 1e-15
"""Probability that the thing is not found yet below which the sum over all rounds ends."""


def looks(prior: Sequence[float], detect: float = 1.0) -> Iterator[tuple[int, float]]:
    """(box, probability that this look finds the thing) of the optimal order; ties go to the lowest number.

    It ends where no look finds anything. Raises ValueError for a bad prior, and for detect outside (0, 1].
    """
    if not 0 < detect <= 1:
        raise ValueError(f"detect={detect!r} must be in (0, 1]")
    heap = [(-p * detect, j) for j, p in enumerate(distribution(prior).tolist()) if p > 0]
    heapq.heapify(heap)
    while heap:
        found, j = heap[0]
        yield j, -found
        if detect < 1:
            heapq.heapreplace(heap, (found * (1 - detect), j))
        else:
            heapq.heappop(heap)


def expected_rounds(prior: Sequence[float], searchers: int, detect: float = 1.0, rounds: int | None = None) -> float:
    """Expected number of rounds of the optimal plan: until the thing is found or, if that is said, so many rounds are over.

    >>> expected_rounds([0.5, 0.25, 0.25], 1), expected_rounds([0.5, 0.25, 0.25], 2)
    (1.75, 1.25)
    """
    if searchers < 1:
        raise ValueError(f"searchers={searchers!r} must be at least 1")
    order, missing, total = looks(prior, detect), 1.0, 0.0
    for _ in itertools.count() if rounds is None else range(rounds):
        total += missing
        missing -= math.fsum(found for _, found in itertools.islice(order, searchers))
        if missing < LEFT:
            break
    return total
