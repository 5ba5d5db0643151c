"""The figure of a frontier: reward over bits of every team and of the median, beside silence, the best team and the best code.

Three axes, each with the limits that belong to it (curves.py):
    capacity    bits that the channel offers. reachable: the best one-shot team of every alphabet; ceiling: F(capacity)
    payload     bits put on the air. With silence, which informs at no cost, the ceiling is F(most information at that cost)
    entropy     of what is sent. ceiling: F(H); reachable: the best code of that entropy, whatever its alphabet
"""

import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from commenv.core.errors import bad
from experiments.curves import Curve, Curves
from experiments.files import write
from experiments.options import chosen, differing

AXES = {
    "capacity": "capacity offered, bits a game",
    "payload": "payload sent, bits a game",
    "entropy": "entropy of what is sent, bits a game",
}
MEDIAN = "median of the seeds"
INK, TEAM, REACHABLE, CEILING = "#555555", "#1f5fa8", "#d1603d", "#222222"


def draw(page: dict[str, Any], folder: Path, axis: str = "capacity") -> Path:
    """Write the figure of a frontier.json and return its path. Raises ValueError for an unknown axis."""
    figure = plot(page, axis)
    path = folder / ("frontier.png" if axis == "capacity" else f"frontier_{axis}.png")
    write(path, lambda aside: figure.savefig(aside, format="png", dpi=200))
    return path


def plot(page: dict[str, Any], axis: str = "capacity") -> Any:
    """A matplotlib Figure of a frontier.json."""
    from matplotlib.figure import Figure

    if axis not in AXES:
        raise bad("axis", axis, f"one of {', '.join(AXES)}")
    points, key = page["points"], f"{axis}_bits"
    end = max((point[key] for point in points), default=0.0) or 1.0
    curves = Curves(page, end)
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.subplots()

    _line(axes, curves.ceiling(axis), "ceiling: no code beats it", CEILING)
    reachable = curves.reachable(axis)
    _line(axes, reachable, f"reachable: best team{'' if reachable.exact else ' found'}", REACHABLE)
    axes.axhline(curves.silent, color=INK, lw=1.2, ls=":", label="silent: no communication", zorder=1)
    _teams(axes, points, key, end)

    axes.set_xlabel(AXES[axis])
    axes.set_ylabel("reward a game")
    axes.set_title("\n".join(textwrap.wrap(title(page), 80)), fontsize=10, loc="left")
    axes.set_xlim(-0.05 * end, 1.06 * end)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3, lw=0.6)
    axes.set_axisbelow(True)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8.5, columnspacing=1.5)
    return figure


def title(page: dict[str, Any]) -> str:
    """The game, and what was chosen other than its defaults."""
    options = differing(chosen(page["id"], page["options"]))
    learn = [] if page["learn"] == "differentiable" else [f"learn={page['learn']}"]
    return ", ".join([page["id"], *(textwrap.shorten(f"{k}={v}", 60) for k, v in options.items()), *learn])


def _line(axes: Any, curve: Curve, label: str, color: str) -> None:
    if not len(curve.x):
        return
    if curve.steps:  # a mark where the next alphabet, or code, begins
        risen = np.diff(curve.y, prepend=-np.inf) > 1e-12
        axes.plot(curve.x[risen], curve.y[risen], ls="", marker="s", ms=3, color=color, zorder=2)
    axes.plot(curve.x, curve.y, color=color, lw=1.4, drawstyle="steps-post" if curve.steps else "default", label=label, zorder=2)


def _teams(axes: Any, points: list[dict[str, Any]], key: str, end: float) -> None:
    """Every team, beside its place where all seeds share one, and each rate's median with the span of its seeds."""
    rates = [[point for point in points if point["bits"] == rate] for rate in sorted({point["bits"] for point in points})]
    shared = all(np.ptp([point[key] for point in here]) < 1e-9 for here in rates)
    apart = min(0.014, 0.07 / max(map(len, rates))) * end if shared else 0.0
    for k, here in enumerate(rates):
        x, y = np.array([[point[key], point["reward"]] for point in here]).T
        beside = x + apart * (1 + np.arange(len(here)))
        label = f"team of one seed{' (shifted)' if apart else ''}"
        style = {"ls": "", "marker": "o", "ms": 3.6, "mfc": "white", "color": TEAM, "mew": 1, "zorder": 5}
        axes.plot(beside, y, **style, label="" if k else label)
        error = np.array([2 * point["standard_error"] for point in here])
        if error.any():
            axes.errorbar(beside, y, error, ls="", ecolor=TEAM, zorder=4)
        axes.plot(np.median(x), np.median(y), ls="", marker="D", ms=5.5, color=TEAM, zorder=4, label="" if k else MEDIAN)
        axes.vlines(np.median(x), y.min(), y.max(), color=TEAM, lw=1.5, zorder=3)
