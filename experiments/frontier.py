"""The reward-bit frontier of a game: teams trained at every rate with every seed, evaluated beside the limits.

frontier.json                   everything about it, rewritten after each point
frontier.png                    the figure
bits=2/seed=0/                  a run (runs.py), and point.json, its evaluation
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from experiments.files import Tell, command_line, read_json, silent, versions, write_json
from experiments.runs import Recipe, train

TOLERANCE = 1e-9
"""Of reward, where figures are exact."""


def run(
    recipe: Recipe,
    bits: Sequence[int],
    seeds: Sequence[int],
    folder: Path,
    tell: Tell = silent,
    finished: Callable[[dict[str, Any]], None] = lambda point: None,
) -> dict[str, Any]:
    """Train and evaluate what is missing of bits x seeds, and return frontier.json, which holds all that stands in the folder.

    The recipe says the game, its options without a rate, how to learn, and for how long; its seed is not used. After every point
    `finished` is told. Raises ValueError for a folder of another frontier.
    """
    if {"bits", "symbols"} & {*recipe.options, *(recipe.options.get("channel") or {})}:
        raise ValueError("a frontier goes over rates: say them with --bits, and leave bits and symbols out of the options")
    before = read_json(folder / "frontier.json")
    if before:
        recipe.check(before, folder, but=("seed",))
        recipe = replace(recipe, total_steps=before["total_steps"])
    recipes = [(rate, replace(recipe, seed=seed, options={**recipe.options, "bits": rate})) for seed in seeds for rate in bits]
    missing = [(rate, one) for rate, one in recipes if not (_place(folder, rate, one.seed) / "point.json").is_file()]
    page = _page(recipe, folder, before)
    write_json(folder / "frontier.json", page)
    for k, (rate, one) in enumerate(missing):
        name, place = f"{rate} bits, seed {one.seed}", _place(folder, rate, one.seed)

        def told(done: int, total: int, what: str, k: int = k, name: str = name) -> None:
            tell(1000 * k + 1000 * done // total, 1000 * len(missing), f"{name}: {what}" if what else name)

        done = train(one, place, told)
        write_json(place / "point.json", _point(rate, done, place))
        recipe = replace(recipe, total_steps=done["total_steps"])
        page = _page(recipe, folder, before)
        write_json(folder / "frontier.json", page)
        finished(next(point for point in page["points"] if (point["bits"], point["seed"]) == (rate, one.seed)))
    return page


def _place(folder: Path, rate: int, seed: int) -> Path:
    return folder / f"bits={rate}" / f"seed={seed}"


def _point(rate: int, done: dict[str, Any], place: Path) -> dict[str, Any]:
    from agents import Team
    from experiments.evaluation import evaluate

    found = evaluate(Team.load(place))
    return {"bits": rate, "seed": done["seed"], **found, "seconds": done["seconds"], "games": done["games"]}


def _page(recipe: Recipe, folder: Path, before: dict[str, Any] | None) -> dict[str, Any]:
    """frontier.json, of all points in the folder."""
    points = [read_json(path) or {} for path in folder.glob("bits=*/seed=*/point.json")]
    points.sort(key=lambda point: (point["bits"], point["seed"]))
    ours = {"id": recipe.id, "options": recipe.options, "learn": recipe.learn, "total_steps": recipe.total_steps}
    made = {"command": command_line(), "versions": versions()} if before is None else before
    return {
        **{key: made[key] for key in ("command", "versions")},
        **ours,
        "checks": [check(point) for point in points if point["bits"] == 0],
        "points": points,
    }


def check(point: dict[str, Any]) -> dict[str, Any]:
    """Without a bit a team must earn what silence earns: more would be a leak, less a team that has not learned."""
    allowed = TOLERANCE if point["exact"] else 4 * point["standard_error"]
    difference = point["reward"] - point["silent"]
    name = "0 bits earn what silence earns"
    return {
        "check": name,
        "seed": point["seed"],
        "difference": difference,
        "allowed": allowed,
        "passed": abs(difference) <= allowed,
    }


def summary(page: dict[str, Any]) -> list[dict[str, Any]]:
    """A row a rate: medians over seeds, and the worst."""
    rows = []
    for rate in sorted({point["bits"] for point in page["points"]}):
        points = [point for point in page["points"] if point["bits"] == rate]
        rewards = [point["reward"] for point in points]
        efficiencies = [point["efficiency"] for point in points if point["efficiency"] is not None]
        rows.append(
            {
                "bits": rate,
                "seeds": len(points),
                "reward": statistics.median(rewards),
                "worst": min(rewards),
                **{key: points[0][key] for key in ("silent", "reachable", "ceiling")},
                "efficiency": statistics.median(efficiencies) if efficiencies else None,
                "worst_efficiency": min(efficiencies, default=None),
                **{
                    key: _median([point[key] for point in points])
                    for key in ("capacity_bits", "payload_bits", "entropy_bits", "mutual_information_bits")
                },
                "seconds": sum(point["seconds"] for point in points),
            }
        )
    return rows


def line(point: dict[str, Any]) -> str:
    """A point in a line."""
    share = "" if point["efficiency"] is None else f", efficiency {point['efficiency']:.3f}"
    return f"{point['bits']} bits, seed {point['seed']}: reward {point['reward']:.4f}{share}, {point['seconds']:.1f} s"


def _median(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
