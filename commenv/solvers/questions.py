"""Searching by yes-or-no questions: the optimal plan, the greedy one, and what the answers tell.

Hypotheses 0..n-1 have a prior p. A query is a set of hypotheses, given as a bit mask: bit h is its answer if h is true; an answer
is wrong with probability `noise`, independently. A round asks up to `parallel` queries at once; it costs 1, and `price` for each.
The search is over when a hypothesis has posterior `confidence`; after so many rounds without that, `failure` is paid. Values are
expected costs.

A belief is what is known after some answers. Without noise: the bit mask of the hypotheses that may still be true. With noise: of
each hypothesis how many answers it contradicts, less what all have in common, a tuple of n counts.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from commenv.info import entropy
from commenv.info.distributions import Array, distribution

Belief = int | tuple[int, ...]
Asked = tuple[int, ...]
"""Queries of one round, by number, in increasing order."""
Policy = Callable[[Belief], Asked]

STATES = 100_000
"""Beliefs beyond which no plan is made."""
SURE = 1e-12
"""By how much rounding may keep a posterior from the confidence it has, or one plan from being better than another."""


@dataclass(frozen=True)
class Search:
    """A problem of search. Raises ValueError for one that is none."""

    prior: Sequence[float]
    queries: Sequence[int]
    """Bit masks, 0..2**n - 1."""
    parallel: int = 1
    price: float = 0.0
    noise: float = 0.0
    """In [0, 1/2)."""
    confidence: float = 1.0
    """In (0, 1], below 1 where answers are noisy."""
    p: Array = field(init=False, repr=False, compare=False)
    _peaks: dict[int, tuple[float, float]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "p", distribution(self.prior))
        n = len(self.p)
        if not self.queries or not all(0 <= mask < 2**n for mask in self.queries):
            raise ValueError(f"queries={list(self.queries)!r} must be bit masks of {n} hypotheses, 0..{2**n - 1}, one at least")
        if self.parallel < 1:
            raise ValueError(f"parallel={self.parallel!r} must be at least 1")
        if not 0 <= self.noise < 0.5:
            raise ValueError(f"noise={self.noise!r} must be in [0, 0.5)")
        if not 0 < self.confidence <= 1 or (self.noise and self.confidence == 1):
            raise ValueError(f"confidence={self.confidence!r} must be in (0, 1], and below 1 where answers are noisy")

    @cached_property
    def answers(self) -> np.ndarray:
        """The right answers, 0 or 1, shape (Q, n)."""
        return np.array([[mask >> h & 1 for h in range(len(self.p))] for mask in self.queries])

    @cached_property
    def rounds(self) -> list[Asked]:
        """Everything that may be asked in a round, nothing first; where answers are noisy also one query several times."""
        again = itertools.combinations_with_replacement if self.noise else itertools.combinations
        return [asked for k in range(self.parallel + 1) for asked in again(range(len(self.queries)), k)]

    @property
    def beginning(self) -> Belief:
        """What is known before any answer."""
        return (0,) * len(self.p) if self.noise else sum(1 << h for h, p in enumerate(self.p) if p > 0)

    def posterior(self, belief: Belief) -> Array:
        """Probabilities of the hypotheses, shape (n,)."""
        if isinstance(belief, int):
            weights = self.p * [belief >> h & 1 for h in range(len(self.p))]
        else:
            weights = self.p * (self.noise / (1 - self.noise)) ** np.array(belief, float)
        return weights / weights.sum()

    def over(self, belief: Belief) -> bool:
        mass, peak = self.weigh(belief) if isinstance(belief, int) else (1.0, float(self.posterior(belief).max()))
        return peak >= (self.confidence - SURE) * mass

    def learned(self, belief: Belief, query: int, answer: int) -> Belief:
        """What is known after one more answer; without noise it must be possible."""
        if isinstance(belief, int):
            return belief & self.queries[query] if answer else belief & ~self.queries[query]
        counts = np.array(belief) + (self.answers[query] != answer)
        return tuple((counts - counts.min()).tolist())

    def outcomes(self, belief: Belief, asked: Asked) -> list[tuple[float, Belief]]:
        """(probability, belief) after every answer that is possible; they add up to 1."""
        if isinstance(belief, int):
            parts = [belief]
            for q in asked:
                mask = self.queries[q]
                parts = [part for whole in parts for part in (whole & mask, whole & ~mask) if part]
            return [(self.weigh(part)[0] / self.weigh(belief)[0], part) for part in parts]
        posterior = self.posterior(belief)
        found: list[tuple[float, Belief]] = []
        for told in itertools.product((0, 1), repeat=len(asked)):
            wrong = np.zeros(len(self.p), int)
            after: Belief = belief
            for q, answer in zip(asked, told, strict=True):
                wrong, after = wrong + (self.answers[q] != answer), self.learned(after, q, answer)
            found.append((float(posterior @ (self.noise**wrong * (1 - self.noise) ** (len(asked) - wrong))), after))
        return found

    def information(self, belief: Belief, asked: Asked) -> float:
        """I(answers; hypothesis | belief) in bits. Given the hypothesis answers are independent, so what noise adds is known."""
        chances = np.array([chance for chance, _ in self.outcomes(belief, asked)])
        return max(0.0, entropy(chances / chances.sum()) - len(asked) * entropy([self.noise, 1 - self.noise]))

    def weigh(self, mask: int) -> tuple[float, float]:
        """Probability of a set of hypotheses, and of its likeliest."""
        if mask not in self._peaks:
            inside = [float(p) for h, p in enumerate(self.p) if mask >> h & 1]
            self._peaks[mask] = sum(inside), max(inside, default=0.0)
        return self._peaks[mask]


@dataclass(frozen=True)
class Plan:
    """An optimal plan: its expected cost, and what it asks."""

    value: float
    chosen: dict[tuple[Belief, int | None], tuple[float, Asked]] = field(repr=False)
    """By belief and rounds left: the cost from there on, and what is asked."""

    def ask(self, belief: Belief, left: int | None = None) -> Asked:
        """What to ask with so many rounds left. Raises KeyError for a belief that the plan never comes to."""
        return self.chosen[belief, left][1]


def optimal(search: Search, rounds: int | None = None, failure: float = 0.0, beginning: Belief | None = None) -> Plan:
    """The plan of least expected cost, by dynamic programming over beliefs; ties go to the first of `search.rounds`.

    V(b) = min over what may be asked of 1 + price * queries + E V(b'), 0 where the search is over. rounds: None, as many as it
    takes, which noisy answers do not allow, or so many, after which `failure` is paid. beginning: what is known already.
    Raises ValueError where the queries do not tell apart what they must, and where there are more beliefs than STATES.
    """
    plan = Planner(search, failure)
    if rounds is None and search.noise:
        raise ValueError(f"noise={search.noise:g} needs a number of rounds: without one there are infinitely many beliefs")
    return Plan(plan.cost(search.beginning if beginning is None else beginning, rounds), plan.chosen)


class Planner:
    """The dynamic program, which remembers what it has worked out."""

    def __init__(self, search: Search, failure: float) -> None:
        self.search, self.failure = search, failure
        self.chosen: dict[tuple[Belief, int | None], tuple[float, Asked]] = {}

    def cost(self, belief: Belief, left: int | None) -> float:
        """Of the best plan from here on."""
        search = self.search
        if search.over(belief):
            return 0.0
        if left == 0:
            return self.failure
        if (belief, left) in self.chosen:
            return self.chosen[belief, left][0]
        if len(self.chosen) >= STATES:
            raise ValueError(f"the search has more than {STATES:,} beliefs: that is too many for a plan")
        best: tuple[float, Asked] = (math.inf, ())
        for asked in search.rounds:
            cost = 1 + search.price * len(asked)
            if cost >= best[0] - SURE:
                continue
            outcomes = search.outcomes(belief, asked)
            if left is None and len(outcomes) == 1:  # nothing would be learned, for ever
                continue
            for chance, after in outcomes:
                cost += chance * self.cost(after, None if left is None else left - 1)
                if cost >= best[0] - SURE:
                    break
            else:
                best = cost, asked
        if math.isinf(best[0]):
            raise ValueError("the queries do not tell all hypotheses apart: some search would never end")
        self.chosen[belief, left] = best
        return best[0]


def pursuit(search: Search) -> Policy:
    """Information pursuit: ask what tells most of the hypothesis now (Geman, Jedynak 1996); ties go to the lowest number.

    Of several queries at once each is the one that tells most beside those before it, as long as it tells anything.
    """

    def ask(belief: Belief) -> Asked:
        asked: Asked = ()
        for _ in range(search.parallel):
            told = [round(search.information(belief, (*asked, q)), 12) for q in range(len(search.queries))]
            best = int(np.argmax(told))
            if told[best] <= round(search.information(belief, asked), 12):
                break
            asked = (*asked, best)
        return tuple(sorted(asked))

    return ask


def follow(search: Search, policy: Policy, rounds: int | None = None, failure: float = 0.0) -> float:
    """Expected cost of a policy, summed over every course that the search may take; rounds, failure as in `optimal`.

    Raises ValueError for a policy that, with all the time in the world, asks what tells nothing.
    """
    known: dict[tuple[Belief, int | None], float] = {}

    def cost(belief: Belief, left: int | None) -> float:
        if search.over(belief):
            return 0.0
        if left == 0:
            return failure
        here = belief, left
        if here not in known:
            asked = policy(belief)
            outcomes = search.outcomes(belief, asked)
            if left is None and len(outcomes) == 1:
                raise ValueError(f"the policy asks {asked!r}, which tells nothing: its search never ends")
            after = None if left is None else left - 1
            known[here] = 1 + search.price * len(asked) + sum(chance * cost(new, after) for chance, new in outcomes)
        return known[here]

    return cost(search.beginning, rounds)


def cost_bound(search: Search, failure: float = math.inf) -> float:
    """A cost that no search of any length beats.

    An answer tells 1 - h(noise) bits at most, and what is left to know where a search ends is bounded by the confidence (Fano
    1961). A share q of searches may fail instead: they pay `failure`, and leave log2 n bits at most. The cost is least at either
    end of where answers are missing.
    """
    n, c = len(search.p), search.confidence
    if search.over(search.beginning):
        return 0.0
    left = entropy([c, 1 - c]) + (1 - c) * math.log2(max(n - 1, 1)) if c > 0.5 else math.log2(n)
    missing = max(0.0, entropy(search.p) - left)
    if missing == 0:
        return 1.0
    answers = missing / (1 - entropy([search.noise, 1 - search.noise]))
    failing = missing / (math.log2(n) - left)  # the share of failures at which no answer is missing
    return max(1.0, min(answers * (1 / search.parallel + search.price), failing * failure))
