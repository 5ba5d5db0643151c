"""What does a receiver lose, and whom does it tempt, while it learns what its senders know? Regret and violation over T rounds.

With full feedback it learns state and signals of each round; with bandit feedback what everybody earned from the action that was
taken, after T^alpha rounds of exploration. Senders tell the truth throughout: violation is what it would have been worth to them
not to.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.files import Tell, silent, write
from experiments.studies import Cell, Study, spread

ROUNDS = (1_000, 4_000, 16_000, 64_000, 256_000, 1_024_000)
ALPHAS = (0.5, 0.75, 1.0)
ACCURACY, BIAS, BANDIT_CAUTION = 0.8, 0.5, 0.3


def study(seeds: Sequence[int], folder: Path, tell: Tell = silent) -> Study:
    from agents.exact.senders import bandit_feedback, full_feedback
    from commenv.solvers.senders import two_experts

    tables, rows = two_experts(ACCURACY, BIAS), list[list[Cell]]()
    lines: dict[str, list[np.ndarray]] = {}
    for k, rounds in enumerate(ROUNDS):
        tell(k, len(ROUNDS), f"{rounds:,} rounds")
        runs = {"full": [full_feedback(*tables, rounds, seed) for seed in seeds]}
        for alpha in ALPHAS:
            made = [bandit_feedback(*tables, rounds, seed, alpha=alpha, caution=BANDIT_CAUTION) for seed in seeds]
            runs[f"bandit, alpha {alpha:g}"] = made
        for name, found in runs.items():
            alpha = float(name.rpartition(" ")[2]) if "alpha" in name else None
            power = 0.5 if alpha is None else 1 - alpha / 2
            regret, violation = ([getattr(run, key) for run in found] for key in ("regret", "violation"))
            scaled = spread([value / rounds**power for value in violation], 2)
            rows.append([name, f"{rounds:,}", found[0].explored, spread(regret, 0), spread(violation, 0), f"T^{power:g}", scaled])
            lines.setdefault(name, []).append(np.array(violation))
    rows = [row for name in lines for row in rows if row[0] == name]
    write(folder / "violation.png", lambda aside: _plot(lines).savefig(aside, format="png", dpi=200))
    columns = ["feedback", "rounds T", "explored", "regret", "violation", "rate in theory", "violation / rate"]
    notes = [
        f"Two experts with accuracy {ACCURACY}, bias {BIAS}. Median (least-most) over seeds. Caution 1 with full feedback, "
        f"{BANDIT_CAUTION} with bandit feedback.",
        "Regret is negative where the rules that are played tempt the senders, and so earn more than the best that does not: "
        "read it with the violation, never alone. With alpha 1 all is exploration, which tempts nobody and loses a constant a "
        "round.",
    ]
    return Study("Senders: learning what experts know, with full and with bandit feedback", columns, rows, notes)


def _plot(lines: dict[str, list[np.ndarray]]) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.subplots()
    for name, values in lines.items():
        middle = np.array([np.median(found) for found in values])
        if middle.any():
            axes.loglog(ROUNDS, middle, marker="o", ms=4, label=name)
    rounds = np.array(ROUNDS, float)
    for power, style in ((0.5, ":"), (0.75, "--")):
        axes.loglog(rounds, 4 * rounds**power, color="#555555", ls=style, lw=1, label=f"4 T^{power:g}")
    axes.set_xlabel("rounds T")
    axes.set_ylabel("violation, summed over rounds")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3, lw=0.6)
    axes.legend(frameon=False, fontsize=9)
    return figure
