"""The reward-bit frontier of a game: teams trained at every rate with every seed, evaluated beside the limits.

frontier.json                   everything about it, written after the first point and after each that follows
frontier.png                    the figure
bits=2/seed=0/                  a run (runs.py), and point.json, its evaluation
"""

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from experiments.files import Kinds, Tell, command_line, not_a_file, read_json, silent, versions, write_json
from experiments.options import chosen
from experiments.runs import RUN, Recipe, train

TOLERANCE = 1e-9
"""Of reward, where figures are exact."""
PAGE: Kinds = {"command": str, "versions": dict, "id": str, "options": dict, "learn": str, "total_steps": int}
"""What is read of frontier.json, its points aside."""
POINT: Kinds = {
    **{"bits": int, "seed": int, "exact": bool, "channel": dict, "games": int},
    **dict.fromkeys(("reward", "standard_error", "silent", "reachable", "ceiling", "seconds"), int | float),
    **dict.fromkeys(("capacity_bits", "payload_bits", "entropy_bits"), int | float),
    **dict.fromkeys(("efficiency", "mutual_information_bits"), int | float | None),
}
"""What is read of point.json."""


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
    `finished` is told. Nothing is written before the first point is begun; a recipe that cannot be learned writes nothing.
    Raises ValueError for a folder of another frontier, and for a page or a point in it that is damaged.
    """
    not_a_file(folder)
    if {"bits", "symbols"} & {*recipe.options, *(recipe.options.get("channel") or {})}:
        raise ValueError("a frontier goes over rates: say them with --bits, and leave bits and symbols out of the options")
    before = _before(folder)
    if before:
        recipe.check(before, folder, but=("seed",))
        recipe = replace(recipe, total_steps=before["total_steps"])
    recipe, points = _points(recipe, folder)
    recipes = [(rate, replace(recipe, seed=seed).at(rate)) for seed in seeds for rate in bits]
    missing = [(rate, one) for rate, one in recipes if not (_place(folder, rate, one.seed) / "point.json").is_file()]
    for one in {rate: one for rate, one in missing}.values():
        one.validate()
    page = _page(recipe, points, before)
    if points:
        write_json(folder / "frontier.json", page)
    for k, (rate, one) in enumerate(missing):
        name, place = f"{rate} bits, seed {one.seed}", _place(folder, rate, one.seed)

        def told(done: int, total: int, what: str, k: int = k, name: str = name) -> None:
            tell(1000 * k + 1000 * done // total, 1000 * len(missing), f"{name}: {what}" if what else name)

        done = train(one, place, told)
        write_json(place / "point.json", _point(rate, done, place))
        recipe, points = _points(recipe, folder)
        page = _page(recipe, points, before)
        write_json(folder / "frontier.json", page)
        finished(next(point for point in page["points"] if (point["bits"], point["seed"]) == (rate, one.seed)))
    return page


def _place(folder: Path, rate: int, seed: int) -> Path:
    return folder / f"bits={rate}" / f"seed={seed}"


def _point(rate: int, done: dict[str, Any], place: Path) -> dict[str, Any]:
    from agents import load
    from experiments.evaluation import evaluate

    found = evaluate(load(place))
    return {"bits": rate, "seed": done["seed"], **found, "seconds": done["seconds"], "games": done["games"]}


def _before(folder: Path) -> dict[str, Any] | None:
    """The frontier.json that stands in a folder; None where there is none, or one without points, which binds nobody."""
    path = folder / "frontier.json"
    page = read_json(path, {"points": list})
    if page is None or not page["points"]:
        return None
    page = read_json(path, PAGE)
    if page and page["total_steps"] < 1:
        raise ValueError(f"{path} is damaged: total_steps={page['total_steps']!r}")
    return page


def _points(recipe: Recipe, folder: Path) -> tuple[Recipe, list[dict[str, Any]]]:
    """The points that stand in a folder, and the recipe with the steps that they were trained for.

    Raises ValueError for one that is damaged, or whose run was made by another recipe.
    """
    points = []
    for path in sorted(folder.glob("bits=*/seed=*/point.json")):
        point, run = read_json(path, POINT) or {}, read_json(path.with_name("run.json"), RUN)
        if path.parent != _place(folder, point["bits"], point["seed"]):
            raise ValueError(f"{path} is damaged: it is of bits={point['bits']}, seed={point['seed']}")
        if run is None or run["status"] != "finished":
            raise ValueError(f"{path} is not of a finished run: remove it, and it is made again")
        one = replace(recipe, seed=point["seed"]).at(point["bits"])
        one.check(run, path.parent)
        recipe = replace(recipe, total_steps=run["total_steps"])
        link = json.loads(json.dumps(chosen(one.id, one.options).link.fields()))  # as a file has it: tuples are lists
        if point["channel"] != link and one.learn != "graph":  # such a team has closed the game's own channel
            raise ValueError(f"{path} is damaged: its channel is {point['channel']}, its run's {link}")
        points.append(point)
    return recipe, sorted(points, key=lambda point: (point["bits"], point["seed"]))


def _page(recipe: Recipe, points: list[dict[str, Any]], before: dict[str, Any] | None) -> dict[str, Any]:
    """frontier.json, of all points in the folder."""
    ours = {key: value for key, value in asdict(recipe).items() if key != "seed" and (value or key in PAGE)}
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
