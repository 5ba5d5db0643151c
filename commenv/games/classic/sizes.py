"""Teams whose size varies between games: how many play is drawn for each, and who."""

from collections.abc import Sequence
from typing import Any

from commenv.core.errors import bad, whole
from commenv.core.generator import integer, rule
from commenv.core.limits import Limit, Limits


def checked(sizes: Any, most: int) -> tuple[int, int] | None:
    """Fewest and most agents of a game, of `most` that there are; None stays. Raises ValueError for anything else."""
    if sizes is None:
        return None
    if not isinstance(sizes, Sequence) or isinstance(sizes, str) or len(sizes) != 2:
        raise bad("sizes", sizes, "a pair: the fewest and the most agents of a game")
    fewest = whole("fewest of sizes", sizes[0], 1, most)
    return fewest, whole("most of sizes", sizes[1], fewest, most)


@rule
def drawn_size(rng, fewest, most):
    """How many play, uniform on fewest..most; nothing is drawn where there is no choice: such games stay what they were."""
    return fewest if fewest == most else fewest + integer(rng, most - fewest + 1)


@rule
def choose_agents(rng, agents, count):
    """Mark `count` of the agents, uniformly drawn, as being there; nothing is drawn where all are."""
    n = len(agents)
    for i in range(n):
        agents[i].there = 1 if count == n else 0
    for k in range(count if count < n else 0):
        free = integer(rng, n - k)
        i = 0
        while agents[i].there == 1 or free > 0:
            free -= 1 - agents[i].there
            i += 1
        agents[i].there = 1


def mean_limits(found: Sequence[tuple[int, Limits]], most: int) -> Limits:
    """Limits of a game whose size is drawn, of those of each size: who is not there earns 0, and all sizes are as likely."""
    parts = []
    for name in ("silent", "reachable", "ceiling"):
        each = [(n, getattr(limits, name)) for n, limits in found]
        value = sum(n / most * limit.value for n, limit in each) / len(each)
        parts.append(Limit(value, all(limit.exact for _, limit in each), f"mean over sizes; {each[-1][1].source}"))
    return Limits(*parts)
