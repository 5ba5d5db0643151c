"""How fast does a principal learn whom to hire, and at what price? Regret of explore-then-commit against T^(2/3).

The principal knows costs and prior, but not what signals are worth; it explores each profile of efforts T^(2/3) times, and
commits to the best mechanism that is incentive compatible for all kernels its data leave open.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.files import Tell, silent, write
from experiments.studies import Study, spread

ROUNDS = tuple(round(10 ** (k / 2)) for k in range(8, 17))
NOISE, COST, CAP = 0.2, 0.05, 1.0


def study(seeds: Sequence[int], folder: Path, tell: Tell = silent) -> Study:
    from agents.exact.hiring_online import explore_then_commit
    from commenv.solvers.hiring import common_source

    instance, rows, regrets = common_source(NOISE, COST), [], []
    for k, rounds in enumerate(ROUNDS):
        tell(k, len(ROUNDS), f"{rounds:,} rounds")
        runs = [explore_then_commit(instance, CAP, rounds, seed) for seed in seeds]
        regrets.append([run.regret for run in runs])
        rows.append(
            [
                *(f"{rounds:,}", runs[0].explored, spread([run.gap for run in runs], 4)),
                spread([run.violation for run in runs], 4),
                *(spread([run.regret for run in runs], 0), spread([run.regret / rounds ** (2 / 3) for run in runs], 2)),
            ]
        )
    slope = float(np.polyfit(np.log(ROUNDS), np.log(np.mean(regrets, axis=1)), 1)[0])
    write(folder / "regret.png", lambda aside: _plot(np.array(regrets), slope).savefig(aside, format="png", dpi=200))
    columns = ["rounds T", "explored", "gap a round", "violation a round", "regret", "regret / T^(2/3)"]
    notes = [
        f"Common source with noise {NOISE}, cost {COST}, cap {CAP}. Median (least-most) over seeds. A round of exploration is "
        "charged 1, all that is at stake. Violation is the most that an agent of the true instance gains by deviating.",
        f"Slope of log regret in log T: {slope:.3f}. Theory: 2/3, up to logarithms.",
    ]
    return Study("Hiring without knowing what signals are worth: explore, then commit", columns, rows, notes)


def _plot(regrets: np.ndarray, slope: float) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.subplots()
    rounds, middle = np.array(ROUNDS, float), np.median(regrets, axis=1)
    axes.fill_between(rounds, regrets.min(axis=1), regrets.max(axis=1), color="#1f5fa8", alpha=0.2, lw=0)
    axes.loglog(
        rounds,
        middle,
        color="#1f5fa8",
        marker="o",
        ms=4,
        label=f"explore-then-commit, slope {slope:.2f}: median, and span of the seeds",
    )
    theory = middle[-1] * (rounds / rounds[-1]) ** (2 / 3)
    axes.loglog(rounds, theory, color="#555555", ls=":", label="T^(2/3), through the last point")
    axes.set_xlabel("rounds T")
    axes.set_ylabel("regret")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3, lw=0.6)
    axes.legend(frameon=False, fontsize=9)
    return figure
