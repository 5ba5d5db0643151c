"""The learning curves of a recipe: what its teams earned while they learned, trying things at random."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.files import write
from experiments.runs import logged

PLACES = 50
"""Points of a curve at most, each the mean of the iterations since the one before."""
MEASURES = ("success", "reward")
"""The first that the game has is drawn."""

Curve = tuple[list[int], list[float]]


def draw(folder: Path, title: str) -> list[Path]:
    """Write learning.png of the runs seed=*/ in a folder, and say so; nothing where none has a log."""
    lines = {place.parent.name: logged(place) for place in sorted(folder.glob("seed=*/metrics.jsonl"))}
    for name in MEASURES:
        curves = {seed: curve(own, name) for seed, own in lines.items()}
        if any(steps for steps, _ in curves.values()):
            break
    else:
        return []
    figure = plot(curves, name, title)
    write(folder / "learning.png", lambda aside: figure.savefig(aside, format="png", dpi=150))
    return [folder / "learning.png"]


def curve(lines: Sequence[dict[str, Any]], name: str) -> Curve:
    """(environment steps, mean of what is known since the point before); iterations in which no game ended count nothing."""
    found = [(int(line["steps"]), float(line[name])) for line in lines if _told(line.get(name))]
    each = math.ceil(len(found) / PLACES) or 1
    parts = [found[k : k + each] for k in range(0, len(found), each)]
    return [part[-1][0] for part in parts], [math.fsum(value for _, value in part) / len(part) for part in parts]


def plot(curves: dict[str, Curve], name: str, title: str) -> Any:
    """A matplotlib Figure, a line a seed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.add_subplot()
    for seed, (steps, values) in curves.items():
        axes.plot(steps, values, label=seed)
    axes.set(title=title, xlabel="environment steps", ylabel=f"{name} in training")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def _told(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
