"""What is a budget for features worth to a planner, to greedy buyers exact and learned, and to a team trained by RLlib?"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from commenv.core.game import choose
from commenv.games import rules
from commenv.games.acquisition.features import Options
from commenv.solvers.feature_selection import Selection, follow, greedy, optimal
from experiments import repeats
from experiments.files import Tell, silent, write_json
from experiments.recipes import recipe
from experiments.studies import Cell, Study, spread

ID, GAMES = "acquisition/features-v0", 100_000
BUDGETS = (0, 1, 2, 3, 4, 5, 6)
TRAINED = (1, 3, 6)
"""Budgets at which a team is trained."""


def study(seeds: Sequence[int], folder: Path, tell: Tell = silent) -> Study:
    dime = [_dime(seed, folder) for seed in seeds]
    rows: list[list[Cell]] = []
    for budget in BUDGETS:
        problem = _problem(budget)
        best = optimal(problem).value
        learned: list[Cell] = [None, None]
        if budget in TRAINED:
            one = replace(recipe("features", options={"budget": float(budget)}), seed=0)
            k = TRAINED.index(budget)

            def told(done: int, total: int, what: str, k: int = k, budget: int = budget) -> None:
                tell(1000 * k + 1000 * done // total, 1000 * len(TRAINED), f"budget {budget}, {what}")

            points = repeats.run(one, seeds, folder / f"budget={budget}", games=GAMES, tell=told)["points"]
            rewards = [point["reward"] for point in points]
            learned = [spread(rewards), spread([reward / best for reward in rewards])]
        exact = [follow(problem, greedy(problem, ratio=ratio)).accuracy for ratio in (True, False)]
        rows.append(
            [budget, best, *exact, *(spread([one[key][budget] for one in dime]) for key in ("ratio", "unscaled")), *learned]
        )
    return Study(
        title="Features: accuracy at every budget",
        columns=[
            "budget",
            "optimum",
            "greedy, by cost",
            "greedy",
            "DIME, by cost",
            "DIME",
            "learned team, 1 bit",
            "learned / optimum",
        ],
        rows=rows,
        notes=[
            "Four features of accuracies .9, .75, .7, .65 and costs 3, 1, 1, 1; no budget is worth anything with 0 bits, where "
            "the accuracy is .5. All but the learned teams are summed over every course of the game; these played "
            f"{GAMES:,} games each. Median of the seeds (least-most).",
            "At a budget of 3 who divides what a feature tells by its cost buys three cheap ones, and falls short: exact and "
            "DIME alike. DIME is trained on 102,400 samples, and names the label by its own predictor. The learned teams have no "
            "memory; the hub sees what each sensor told last.",
        ],
    )


def _problem(budget: float) -> Selection:
    options = choose(rules(ID), {"budget": float(budget)})
    assert isinstance(options, Options)
    return options.problem


def _dime(seed: int, folder: Path) -> dict[str, list[float]]:
    """Accuracies of one DIME at every budget, by whether it divides by the cost; kept in the folder."""
    path = folder / f"dime-{seed}.json"
    if not path.is_file():
        from agents.dime import LearnedPolicy, train  # torch is slow to import

        network = train(_problem(max(BUDGETS)), seed)
        page: dict[str, list[float]] = {"ratio": [], "unscaled": []}
        for budget in BUDGETS:
            problem = _problem(budget)
            for key, ratio in (("ratio", True), ("unscaled", False)):
                policy = LearnedPolicy(network, problem, ratio=ratio)
                page[key].append(follow(problem, policy, policy.name).accuracy)
        write_json(path, page)
    return json.loads(path.read_text())
