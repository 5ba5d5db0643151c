"""Searchers who do not hear each other: the best team of them, exactly, where it is small.

Each knows its own answers and that the search goes on; the answers of all are put together, and end the search. That is a
decentralised Markov decision problem without communication, solved over what everybody's answers would leave before any is given
(the occupancy; Dibangoye et al. 2016), by branch and bound: who hears everything cannot do worse.

What one searcher may know is a set of hypotheses, a cell, and so is what all answers leave, a block. What a searcher asks follows
from what it knows, so a block lies within one cell of each searcher.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from commenv.solvers.questions import SURE, Planner, Search

NODES = 300_000
"""Choices looked at beyond which the search for the best team is given up."""

PASS = -1
"""Asked by who asks nothing."""

Told = tuple[int, int]
"""A query, or PASS, and its answer, or PASS where there was none."""
Situation = tuple[tuple[int, tuple[int, ...]], ...]
"""Blocks at which the search goes on, and of each the cells, by number, that it lies in, one a searcher."""
Splits = list[dict[tuple[int, ...], int]]
"""Of each block the parts, by the answers of all."""


@dataclass(frozen=True)
class Apart:
    """The best team whose searchers do not hear each other: its expected cost, and the query of each after what it was told."""

    value: float
    asks: list[dict[tuple[Told, ...], int]]


def apart(search: Search, searchers: int, rounds: int, failure: float = 0.0) -> Apart:
    """The team of least expected cost; rounds, failure as in `questions.optimal`. `search.parallel` is how many answers a round
    there are: the first searchers get them.

    Raises ValueError for noisy answers, and where more than NODES choices would have to be looked at.
    """
    if search.noise:
        raise ValueError(f"noise={search.noise:g}: searchers apart are worked out without noise only")
    return _Team(search, searchers, failure).solve(rounds)


class _Team:
    def __init__(self, search: Search, searchers: int, failure: float) -> None:
        self.search, self.searchers, self.failure = search, searchers, failure
        self.together = Planner(search, failure)
        self.known: dict[tuple[Situation, int], tuple[float, tuple[int, ...]]] = {}
        self.nodes = 0

    def solve(self, rounds: int) -> Apart:
        beginning = self.search.beginning
        assert isinstance(beginning, int)
        situation: Situation = () if self.search.over(beginning) else ((beginning, (0,) * self.searchers),)
        value = self.cost(situation, rounds)
        asks: list[dict[tuple[Told, ...], int]] = [{} for _ in range(self.searchers)]
        told: list[list[tuple[Told, ...]]] = [[()] for _ in range(self.searchers)]
        for left in range(rounds, 0, -1):
            if not situation:
                break
            queries = self.known[situation, left][1]
            for (i, cell), query in zip(self.cells(situation), queries, strict=True):
                asks[i][told[i][cell]] = query
            situation, told = self.after(situation, self.split(situation, queries), queries, told)
        return Apart(value, asks)

    def cells(self, situation: Situation) -> list[tuple[int, int]]:
        """(searcher, cell) of all that may be known: what there is to choose a query for."""
        return sorted({(i, cell) for _, own in situation for i, cell in enumerate(own)})

    def options(self, members: int) -> list[int]:
        """Queries that differ in a cell, and PASS; where asking is free and never in another's way, PASS only if none tells."""
        seen, found = set(), []
        for q, mask in enumerate(self.search.queries):
            split = min(members & mask, members & ~mask)
            if split and split not in seen:
                seen.add(split)
                found.append(q)
        free = self.search.price == 0 and self.search.parallel >= self.searchers
        return found if found and free else [*found, PASS]

    def parts(self, block: int, queries: Sequence[int]) -> tuple[dict[tuple[int, ...], int], int]:
        """What the answers of all make of a block, and how many answers there are."""
        found: dict[tuple[int, ...], int] = {(): block}
        answered = 0
        for query in queries:
            if query == PASS or answered == self.search.parallel:
                found = {(*told, PASS): part for told, part in found.items()}
                continue
            mask, answered = self.search.queries[query], answered + 1
            halves = (((*told, int(yes)), part & mask if yes else part & ~mask) for told, part in found.items() for yes in (0, 1))
            found = {told: part for told, part in halves if part}
        return found, answered

    def mass(self, block: int) -> float:
        return self.search.weigh(block)[0]

    # ------------------------------------------------------------------------------------------------ branch and bound
    def cost(self, situation: Situation, left: int) -> float:
        """From here on, times the probability to be here."""
        if not situation:
            return 0.0
        if left == 0:
            return self.failure * sum(self.mass(block) for block, _ in situation)
        here = situation, left
        if here not in self.known:
            best: tuple[float, tuple[int, ...]] = (math.inf, ())
            for bound, now, queries in sorted(self.candidates(situation, left)):
                if bound >= best[0] - SURE:
                    break
                then, _ = self.after(situation, self.split(situation, queries), queries)
                cost = now + self.cost(then, left - 1)
                if cost < best[0] - SURE:
                    best = cost, queries
            self.known[here] = best
        return self.known[here][0]

    def candidates(self, situation: Situation, left: int) -> Iterator[tuple[float, float, tuple[int, ...]]]:
        """(bound, cost of this round, a query for each cell) of every joint choice."""
        cells = self.cells(situation)
        members = [sum(block for block, own in situation if own[i] == cell) for i, cell in cells]  # blocks are disjoint
        options = [self.options(mask) for mask in members]
        tables = []  # of each block: where its cells stand among all, and (bound, cost) by their queries
        for block, own in situation:
            places = [cells.index((i, cell)) for i, cell in enumerate(own)]
            table = {q: self.block_cost(block, q, left) for q in itertools.product(*(options[place] for place in places))}
            tables.append((places, table))
        self.nodes += math.prod(map(len, options))
        if self.nodes > NODES:
            raise ValueError(f"searchers apart have more than {NODES:,} joint choices: that is too many to try")
        for queries in itertools.product(*options):
            costs = [table[tuple(queries[place] for place in places)] for places, table in tables]
            yield sum(bound for bound, _ in costs), sum(now for _, now in costs), queries

    def block_cost(self, block: int, queries: Sequence[int], left: int) -> tuple[float, float]:
        """(bound, cost of this round) of one block, times its probability."""
        parts, answered = self.parts(block, queries)
        now = self.mass(block) * (1 + self.search.price * answered)
        return now + sum(self.mass(part) * self.together.cost(part, left - 1) for part in parts.values()), now

    # --------------------------------------------------------------------------------------------- what comes of a choice
    def split(self, situation: Situation, queries: Sequence[int]) -> Splits:
        asked = dict(zip(self.cells(situation), queries, strict=True))
        return [self.parts(block, [asked[i, cell] for i, cell in enumerate(own)])[0] for block, own in situation]

    def after(
        self, situation: Situation, splits: Splits, queries: Sequence[int], told: list[list[tuple[Told, ...]]] | None = None
    ) -> tuple[Situation, list[list[tuple[Told, ...]]]]:
        """The next situation, and what each searcher was told in each of its cells; told: likewise, before."""
        names: list[dict[tuple[int, int], int]] = [{} for _ in range(self.searchers)]
        rows = []
        for (_, own), parts in zip(situation, splits, strict=True):
            for answers, part in parts.items():
                if not self.search.over(part):
                    new = [names[i].setdefault((own[i], answers[i]), len(names[i])) for i in range(self.searchers)]
                    rows.append((part, tuple(new)))
        if told is None:
            return tuple(rows), []
        asked = dict(zip(self.cells(situation), queries, strict=True))
        now = [[(*told[i][cell], (asked[i, cell], a)) for cell, a in names[i]] for i in range(self.searchers)]
        return tuple(rows), now
