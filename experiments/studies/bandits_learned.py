"""What RLlib teams learn of acquisition's bandit, treasure, purchase and linear_bandit, beside the best team at every budget.

Each team is a recorded recipe (experiments/recipes/bandits.py) at another rate. What is finished stays in the folder.
"""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from experiments.files import Tell, read_json, silent, write_json
from experiments.recipes import bandits
from experiments.runs import Recipe, train
from experiments.studies import Study, spread

GAMES = 100_000
"""Played for each evaluation."""
BITS: dict[str, Sequence[int]] = {"linear_bandit": (0, 1, 2), "bandit": (0, 1, 2), "treasure": (0, 1, 2), "purchase": (0, 1, 2)}


def study(seeds: Sequence[int], folder: Path, tell: Tell = silent) -> Study:
    teams = [(name, bits, True) for name, rates in BITS.items() for bits in rates] + [("bandit", 2, False)]
    found: dict[tuple[str, int, bool], list[dict[str, Any]]] = {team: [] for team in teams}
    for k, seed in enumerate(seeds):
        for j, (name, bits, cashing) in enumerate(teams):
            recipe = replace(bandits.RECIPES[name], seed=seed).at(bits)
            if not cashing:
                recipe = replace(recipe, options={**recipe.options, "cashing": False})
            label = f"{name}, {bits} bits" + ("" if cashing else ", not cashed")
            tell(k * len(teams) + j, len(seeds) * len(teams), f"seed {seed}: {label}")
            place = folder / f"seed={seed}" / f"{name}-{bits}{'' if cashing else '-plain'}"
            found[name, bits, cashing].append(_point(recipe, place))
    rows = [_row(name, bits, cashing, points) for (name, bits, cashing), points in found.items()]
    columns = ["game", "bits", "cashing", "reward", "s.e.", "silent", "reachable", "exact", "share of reachable", "efficiency"]
    return Study(
        "Bandits, oracles, subscriptions: what teams learn",
        columns,
        rows,
        notes=[
            "Median (least-most) of the seeds; reward over 100,000 games of the greedy team. Share of reachable: reward / "
            "reachable, or reachable / reward where rewards are costs. Efficiency: (reward - silent) / (reachable - silent). "
            "Cashing: whether the team learned with knowledge paid when it is won; its reward here is the game's own.",
            *_shortfalls(found),
        ],
    )


def _point(recipe: Recipe, place: Path) -> dict[str, Any]:
    """The evaluation of one team, which is trained unless it stands in its folder."""
    path = place / "point.json"
    known = read_json(path, {"reward": float, "steps": int})
    if known is not None and known["steps"] == recipe.total_steps:
        return known
    train(recipe, place)
    from agents import load
    from experiments.evaluation import evaluate

    team = load(place)
    if recipe.options.get("cashing"):  # its knowledge was paid when it was won; what it earns is told as the game itself pays
        team.options = replace(team.options, cashing=False)  # type: ignore[call-arg]
    found = evaluate(team, games=GAMES)
    keys = ("reward", "standard_error", "silent", "reachable", "efficiency")
    point = {**{key: found[key] for key in keys}, "exact": found["limits"]["reachable"]["exact"], "steps": recipe.total_steps}
    write_json(path, point)
    return point


def _row(name: str, bits: int, cashing: bool, points: list[dict[str, Any]]) -> list[Any]:
    best, alone = points[0]["reachable"], points[0]["silent"]
    rewards = [point["reward"] for point in points]
    shares = [reward / best if best > 0 else best / reward for reward in rewards]
    gains = [point["efficiency"] for point in points]
    exact = "yes" if points[0]["exact"] else "no"
    return [
        name,
        bits,
        {"bandit": "yes" if cashing else "no"}.get(name),
        spread(rewards),
        max(point["standard_error"] for point in points),
        alone,
        best,
        exact,
        spread(shares),
        None if None in gains else spread(gains),
    ]


def _shortfalls(found: dict[tuple[str, int, bool], list[dict[str, Any]]]) -> list[str]:
    """A sentence for every team that gains less than nine tenths of what communication could buy it."""
    notes = []
    for (name, bits, cashing), points in found.items():
        gains = [point["efficiency"] for point in points if point["efficiency"] is not None]
        if gains and statistics.median(gains) < 0.9:
            what = "" if cashing else ", not cashed,"
            notes.append(
                f"{name} at {bits} bits{what} falls short: the median team gains {statistics.median(gains):.3f} of what it could."
            )
    return notes
