"""Deterministic processes: how many ways through one earn how much, and the most that a sender and a receiver can have of them.

Where every action has one outcome a sender chooses its way, and a receiver who sees the way knows all that it can. The best team
then gives messages ways of their own as long as that pays.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import product
from math import prod

import numpy as np

from commenv.solvers.soft_value import Array, Mdp

MOST_SUMS = 4096
"""Different sums of rewards, of all states and steps together, beyond which they are not counted."""
MOST_MESSAGES = 65_536
"""Messages of unequal odds beyond which they are not listed."""
DIGITS = 10
"""Sums of rewards that agree to so many decimals are equal."""


def deterministic(mdp: Mdp) -> bool:
    """Whether it begins in one state and every action has one outcome."""
    return bool(mdp.start.max() == 1 and (mdp.transition.max(axis=2)[~mdp.terminal] == 1).all())


def ways(mdp: Mdp, horizon: int, within: float, discount: float = 1.0, enough: int | None = None) -> dict[float, int] | None:
    """How many ways through a deterministic process have each sum of rewards, from the best to `within` below it.

    Two ways differ if an action does. enough: ways that are counted at most; None: all. None where there are too many different
    sums. Raises ValueError for a process that is not deterministic.
    """
    if not deterministic(mdp):
        raise ValueError("ways are counted in processes that begin in one state and whose actions have one outcome")
    S = len(mdp.start)
    after = mdp.transition.argmax(axis=2)
    reward = np.take_along_axis(mdp.reward, after[:, :, None], axis=2)[:, :, 0]
    over: Counter[float] = Counter({0.0: 1})
    rest = [over] * S
    for t in range(horizon - 1, -1, -1):
        worth, now = discount ** (t + 1), []
        for s in range(S):
            found: Counter[float] = Counter()
            for a in np.flatnonzero(mdp.available[s]) if not mdp.terminal[s] else ():
                for value, count in rest[after[s, a]].items():
                    found[round(worth * reward[s, a] + value, DIGITS)] += count
            now.append(_best(found, within, enough) if found else over)
        rest = now
        if sum(map(len, rest)) > MOST_SUMS:
            return None
    return dict(sorted(rest[int(mdp.start.argmax())].items(), reverse=True))


def _best(found: Counter[float], within: float, enough: int | None) -> Counter[float]:
    """What may be of use of the sums from a state on: a way that loses too much here is no better for how it began."""
    best, kept, counted = max(found), Counter[float](), 0
    for value in sorted(found, reverse=True):
        if value < best - within or (enough is not None and counted >= enough):
            break
        kept[value] = found[value]
        counted += found[value]
    return kept


def best_objective(mdp: Mdp, prior: Array, zeta: float, horizon: int, discount: float = 1.0, parts: int = 1) -> float | None:
    """Most E reward + zeta P(all parts named rightly) in a deterministic process, exactly; None where it is too much.

    A receiver gives each way a name. Whoever's message is a name takes its best way, or the best of all and is not understood;
    so the likeliest messages have the best ways, one each, down to those that cost more than zeta. What comes of it is attained.
    """
    uniform, total = np.ptp(prior) == 0, len(prior) ** parts
    if not uniform and total > MOST_MESSAGES:
        return None
    found = ways(mdp, horizon, zeta, discount, total)
    if found is None:
        return None
    best = max(found)
    gains = ((count, zeta - (best - value)) for value, count in found.items() if zeta > best - value)
    if uniform:
        left, gain = total, 0.0
        for count, each in gains:
            gain += each * (min(count, left) / total)
            left -= min(count, left)
        return best + gain
    odds = iter(sorted(map(prod, product(prior.tolist(), repeat=parts)), reverse=True))
    return best + sum(each * _sum_of_next(odds, count) for count, each in gains)


def _sum_of_next(odds: Iterator[float], count: int) -> float:
    return sum(p for _, p in zip(range(count), odds, strict=False))
