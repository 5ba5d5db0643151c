"""How near do searchers come to the optimum, with and without a word: planned, greedy, silent and learned?"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import commenv
from commenv.core.game import choose
from commenv.games import rules
from commenv.games.acquisition.twenty_questions import Options
from commenv.solvers.questions import follow, pursuit
from experiments import repeats
from experiments.files import Tell, silent
from experiments.recipes import recipe
from experiments.runs import Recipe
from experiments.studies import Cell, Study, spread

QUESTIONS, BOXES = "acquisition/twenty_questions-v0", "acquisition/box_search-v0"
GAMES = 100_000
GAP = {"hypotheses": 8, "prior": [w / 31 for w in (1, 4, 1, 8, 1, 8, 1, 7)], "queries": [208, 93, 195, 201, 57, 156]}
PRICED = [(K, price) for K in (1, 2, 3) for price in (0, 0.5, 2)]
TREE = {"hypotheses": 16, "queries": "tree", "rounds": 6}
EXACT = {
    **{f"8 by masks, K={K}, price {price:g}": {**GAP, "searchers": K, "price": price} for K, price in PRICED},
    "line of 9, K=2": {},
    "line of 9, K=2, R=1": {"answers": 1},
    "tree of 16, K=2": TREE,
}
"""Instances that are only worked out: name, options."""
LEARNED: dict[str, tuple[str, dict]] = {
    "line of 9, K=2, 0 bits": ("twenty_questions", {"bits": 0}),
    "line of 9, K=2, 1 bit": ("twenty_questions", {"bits": 1}),
    "8 boxes, K=2, 0 bits": ("box_search", {}),
}


def study(seeds: Sequence[int], folder: Path, tell: Tell = silent) -> Study:
    rows = [*_exact()]
    for k, (name, (known, options)) in enumerate(LEARNED.items()):

        def told(done: int, total: int, what: str, k: int = k, name: str = name) -> None:
            tell(1000 * k + 1000 * done // total, 1000 * len(LEARNED), f"{name}, {what}")

        rows.append(_learned(name, recipe(known, options=options), seeds, folder / f"team={k}", told))
    return Study(
        title="Searchers: rounds and prices paid until the search is over",
        columns=["search", "optimum", "information pursuit", "best silent team", "learned", "optimum / learned"],
        rows=rows,
        notes=[
            "Costs: rounds, and the price of each answer; lower is better. The optimum is that of the rate: with no bit, of the "
            "best silent team. Exact but for the learned teams, whose cells are the median of the seeds (least-most), each of "
            f"{GAMES:,} games.",
            "Where the last column is below 1.000 learning falls short of the optimum by that share.",
        ],
    )


def _exact() -> Iterator[list[Cell]]:
    for name, given in EXACT.items():
        options = choose(rules(QUESTIONS), given)
        assert isinstance(options, Options)
        limits, (rounds, failure) = commenv.limits(QUESTIONS, **given), options.playable
        greedy = follow(options.search, pursuit(options.search), rounds, failure)
        apart = -limits.silent.value if limits.silent.exact else None
        yield [name, -limits.reachable.value, greedy, apart, None, None]


def _learned(name: str, one: Recipe, seeds: Sequence[int], folder: Path, tell: Tell) -> list[Cell]:
    page = repeats.run(replace(one, seed=0), seeds, folder, games=GAMES, tell=tell)
    costs = [-point["reward"] for point in page["points"]]
    limits = commenv.limits(one.id, **one.options)
    best = -limits.reachable.value
    return [name, best, None, -limits.silent.value, spread(costs), spread([best / cost for cost in costs])]
