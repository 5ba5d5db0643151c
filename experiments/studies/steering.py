"""What does a planner do at every belief, and what is it worth? Altruistic and biased, cheap and dear; regimes are marked."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from commenv.solvers.steering import Planner, Steering, convexity_report, grid
from experiments.files import Tell, write
from experiments.studies import Study

CASES = {
    "altruistic, k = 1": Planner(cost_weight=1),
    "altruistic, k = 20": Planner(cost_weight=20),
    "altruistic, k = 1, q at most .9": Planner(cost_weight=1, max_precision=0.9),
    "biased, k = 1": Planner(planner="biased", cost_weight=1, baseline=0.7, tie="planner"),
    "biased, k = 5": Planner(planner="biased", cost_weight=5, baseline=0.7, tie="planner"),
    "biased, k = 50": Planner(planner="biased", cost_weight=50, baseline=0.7, tie="planner"),
}
COLOURS = {
    "no investment": "#bbbbbb",
    "investment": "#1f5fa8",
    "full revelation": "#0b2f5c",
    "obfuscation": "#d1603d",
    "hiding": "#e3b23c",
}


def study(seeds: Sequence[int], folder: Path, tell: Tell) -> Study:
    """Value iteration on 1,001 beliefs and 201 precisions for each case. Seeds play no part: nothing is drawn."""
    rows, found = [], {}
    for done, (name, planner) in enumerate(CASES.items()):
        tell(done, len(CASES), name)
        begun = time.perf_counter()
        found[name] = solved = grid(planner)
        seconds = time.perf_counter() - begun
        alone = {"min_precision": planner.baseline, "max_precision": planner.baseline}
        free = grid(Planner(**{**vars(planner), **alone}), precisions=1)
        regimes = np.array(solved.regimes())
        shares = ", ".join(f"{regime} {np.mean(regimes == regime):.3f}" for regime in COLOURS if (regimes == regime).any())
        second, at = convexity_report(solved.value, solved.beliefs)
        values = [float(solved.value[k]) for k in (300, 500, 600)]
        rows.append([name, *values, float(free.value[500]), shares, f"{second:.0f} at {at:.3f}", round(seconds, 2)])
    figure = plot(found)
    write(folder / "steering.png", lambda aside: figure.savefig(aside, format="png", dpi=160))
    columns = ["planner", "V(.3)", "V(.5)", "V(.6)", "V(.5), no control", "beliefs", "least second difference", "seconds"]
    notes = [
        "Baseline .6 of altruists, .7 of the biased; discount .9; costs k (q - q0)^2. A least second difference well below 0 "
        "says where the value is not convex.",
        "A biased planner obfuscates between 1/2 and its baseline: the signal is too weak to be followed, and the herd stays.",
    ]
    return Study("A planner who steers a herd", columns, rows, notes)


def plot(found: dict[str, Steering]) -> Any:
    """Value above, precision below, a column a case; the colour of a belief is its regime."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    figure = Figure(figsize=(3.1 * len(found), 5.6), layout="constrained")
    axes = figure.subplots(2, len(found), sharex=True, squeeze=False)
    for column, (name, solved) in enumerate(found.items()):
        colours = [COLOURS[regime] for regime in solved.regimes()]
        axes[0, column].scatter(solved.beliefs, solved.value, c=colours, s=3)
        axes[1, column].scatter(solved.beliefs, solved.precision, c=colours, s=3)
        axes[1, column].plot(solved.beliefs, np.maximum(solved.beliefs, 1 - solved.beliefs), color="#999999", lw=0.8, ls=":")
        axes[0, column].set_title(name, fontsize=9.5)
        axes[1, column].set_xlabel("public belief in good")
    axes[0, 0].set_ylabel("value")
    axes[1, 0].set_ylabel("precision chosen")
    for axis in axes.ravel():
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25, lw=0.6)
    marks = [Line2D([], [], ls="", marker="o", color=colour, label=regime) for regime, colour in COLOURS.items()]
    dotted = Line2D([], [], color="#999999", lw=0.8, ls=":", label="weakest signal that is followed")
    figure.legend(handles=[*marks, dotted], loc="outside lower center", ncols=6, frameon=False, fontsize=9)
    return figure
