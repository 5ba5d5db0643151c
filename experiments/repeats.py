"""A recorded recipe over several seeds: trained, evaluated, and held against the limits.

results.json        everything about it, written after every seed
seed=0/             a run (runs.py), and point.json, its evaluation
"""

import json
import statistics
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from experiments.files import Kinds, Tell, command_line, not_a_file, read_json, silent, versions, write_json
from experiments.runs import RUN, Recipe, train

POINT: Kinds = {
    **{"seed": int, "commit": str | None, "games_evaluated": int},
    **dict.fromkeys(("reward", "standard_error", "silent", "reachable", "seconds", "entropy_bits"), int | float),
    **dict.fromkeys(("efficiency", "success"), int | float | None),
}
"""What is read of point.json."""


def run(
    recipe: Recipe,
    seeds: Sequence[int],
    folder: Path,
    games: int | None = None,
    tell: Tell = silent,
    finished: Callable[[dict[str, Any]], None] = lambda point: None,
) -> dict[str, Any]:
    """Train and evaluate the seeds that are missing in a folder, and return results.json, which holds all that stand in it.

    recipe: its seed is not used. games: to play for each evaluation; None: as many as `evaluate` would. After every seed
    `finished` is told. Raises ValueError for a folder of another recipe, and for a point in it that is damaged.
    """
    not_a_file(folder)
    before = read_json(folder / "results.json", {"recipe": dict})
    for page in (before["recipe"] if before else None, *(read_json(path, RUN) for path in folder.glob("seed=*/run.json"))):
        if page is not None:
            recipe.check(page, folder, but=("seed",))
    recipe.validate()
    missing = [seed for seed in seeds if not (_place(folder, seed) / "point.json").is_file()]
    for k, seed in enumerate(missing):
        one = replace(recipe, seed=seed)

        def told(done: int, total: int, what: str, k: int = k, seed: int = seed) -> None:
            tell(1000 * k + 1000 * done // total, 1000 * len(missing), f"seed {seed}: {what}")

        done = train(one, _place(folder, seed), told)
        point = _point(done, _place(folder, seed), games)
        write_json(_place(folder, seed) / "point.json", point)
        write_json(folder / "results.json", _page(recipe, folder, before))
        finished(point)
    return _page(recipe, folder, before)


def _place(folder: Path, seed: int) -> Path:
    return folder / f"seed={seed}"


def _point(done: dict[str, Any], place: Path, games: int | None) -> dict[str, Any]:
    from agents import load
    from experiments.evaluation import evaluate

    found = evaluate(load(place), games=games)
    return {"seed": done["seed"], "commit": commit(), **found, "seconds": done["seconds"], "games": done["games"]}


def _page(recipe: Recipe, folder: Path, before: dict[str, Any] | None) -> dict[str, Any]:
    made = before or {"command": command_line(), "versions": versions()}
    found = [read_json(path, POINT) or {} for path in folder.glob("seed=*/point.json")]
    points = sorted(found, key=lambda point: point["seed"])
    return {
        **{key: made.get(key) for key in ("command", "versions")},
        "recipe": json.loads(json.dumps({key: value for key, value in asdict(recipe).items() if key != "seed"})),
        "summary": summary(points),
        "points": points,
    }


def summary(points: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Median, worst and best of the seeds; None where a figure is not known of all of them."""
    page: dict[str, Any] = {"seeds": len(points)}
    for name in ("reward", "efficiency", "success", "steps", "entropy_bits", "seconds"):
        values = [point.get(name) for point in points]
        known = bool(values) and None not in values
        page[name] = {"median": statistics.median(values), "least": min(values), "most": max(values)} if known else None
    return page


def line(point: dict[str, Any]) -> str:
    """A point in a line."""
    share = "" if point["efficiency"] is None else f", efficiency {point['efficiency']:.3f}"
    return f"seed {point['seed']}: reward {point['reward']:.4f}{share}, {point['seconds']:.1f} s"


def commit() -> str | None:
    """The commit that is checked out, with + where more than results was changed since; None where this is no checkout."""
    git = ["git", "-C", str(Path(__file__).parent.parent)]
    try:
        head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", ".", ":!experiments/results"], check=False).returncode
    except (OSError, subprocess.CalledProcessError):
        return None
    return head + "+" * bool(changed)
