"""What a return in the maze costs in names, and names in return: exact agents over temperatures and rates, beside the converse.

The figure of Ebrahimi, Chen, Khisti (2024): 512 messages; the marginal policy is soft Q-learning's as they published it, the
receiver's accuracy is E max of its last belief. Rates are shares of H(M), per step: R = share * H(M) (their captions say H(M) /
R). Curves go over temperatures. Each point is 200 games a seed.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.exact import coding as exact
from commenv.core.game import choose
from commenv.games import rules
from commenv.games.coding.tabular import Options
from commenv.info import entropy
from commenv.solvers.soft_value import played, soft_converse
from experiments.files import Tell, write, write_json
from experiments.studies import Cell, Study

ID = "coding/code_maze-v0"
GAMES = 200
TEMPERATURES = (-6.0, -5.5, -5.0, -4.5, -4.25, -4.0)
"""Natural logarithms."""
SIGNALS = (
    *((1.0, "paper"), (0.75, "paper"), (0.5, "paper"), (0.25, "paper"), (0.1, "paper")),
    *((0.75, "uniform"), (0.5, "uniform"), (0.25, "uniform")),
)
"""Share of H(M), and how beliefs are compressed to it."""
ACCURACIES = (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.97, 1.0)


@dataclass(frozen=True)
class Point:
    """One temperature at one rate, over all games."""

    log_temperature: float
    share: float
    method: str
    games: int
    mdp_return: float
    return_error: float
    exact_return: float
    accuracy: float
    accuracy_error: float
    correct: float
    bits: float
    steps: float


def study(seeds: Sequence[int], folder: Path, tell: Tell) -> Study:
    options: Any = choose(rules(ID), {})
    points, jobs = [], [(beta, *signal) for beta in TEMPERATURES for signal in SIGNALS]
    for k, (beta, share, method) in enumerate(jobs):
        tell(k, len(jobs) + 1, f"temperature e^{beta:g}, R = {share:g} H(M), {method}")
        points.append(_point(options, beta, share, method, seeds))
    tell(len(jobs), len(jobs) + 1, "converse")
    line = converse(options)
    write_json(folder / "points.json", {"points": [asdict(point) for point in points], "converse": line})
    figure = plot(points, line)
    write(folder / "code_maze.png", lambda aside: figure.savefig(aside, format="png", dpi=200))
    return table(points)


def _point(options: Options, beta: float, share: float, method: str, seeds: Sequence[int]) -> Point:
    rate = None if share == 1 else share * entropy(options.probabilities)
    team = exact.CodingTeam(ID, options, math.exp(beta), rate=rate, method=method, terminal_bonus=True)
    told = [exact.tell(team, GAMES, GAMES * seed) for seed in seeds]
    returns, sure = (np.concatenate([getattr(one, name) for one in told]) for name in ("mdp_return", "certainty"))
    others = {
        name: float(np.mean([getattr(one, name).mean() for one in told])) for name in ("correct", "bits_delivered", "steps")
    }
    n = len(returns)
    return Point(
        log_temperature=beta,
        share=share,
        method=method,
        games=n,
        mdp_return=float(returns.mean()),
        return_error=float(returns.std() / math.sqrt(n)),
        exact_return=played(options.noisy, team.carrier.table[0], options.horizon, options.discount).reward,
        accuracy=float(sure.mean()),
        accuracy_error=float(sure.std() / math.sqrt(n)),
        correct=others["correct"],
        bits=others["bits_delivered"],
        steps=others["steps"],
    )


def converse(options: Options, accuracies: Sequence[float] = ACCURACIES) -> list[tuple[float, float]]:
    """(accuracy, return that nobody exceeds whose message is named so well): Fano's bits, then the soft-value converse."""
    return [
        (accuracy, soft_converse(options.noisy, fano(accuracy, options.messages), options.horizon, options.discount))
        for accuracy in accuracies
    ]


def fano(accuracy: float, messages: int) -> float:
    """Bits that naming one of so many equally likely messages with this accuracy takes, at least."""
    if accuracy <= 1 / messages:
        return 0.0
    return math.log2(messages) - entropy([accuracy, 1 - accuracy]) - (1 - accuracy) * math.log2(messages - 1)


def plot(points: Sequence[Point], line: Sequence[tuple[float, float]]) -> Any:
    """Return against accuracy: a curve a rate, over temperatures, below the converse."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(*zip(*line, strict=True), color="#222222", lw=1.4, label="converse: nobody is above it")
    shades = {1.0: "#0b2e5c", 0.75: "#15467f", 0.5: "#1f5fa8", 0.25: "#5b9bd5", 0.1: "#9fc5e8"}
    for share, method in dict.fromkeys((point.share, point.method) for point in points):
        here = sorted((p for p in points if (p.share, p.method) == (share, method)), key=lambda p: p.log_temperature)
        x, y = [p.accuracy for p in here], [p.mdp_return for p in here]
        uniform = method == "uniform"
        label = "the whole belief" if share == 1 else f"R = {share:g} H(M), {'uniform quantiser' if uniform else 'EBIM'}"
        colour = {0.75: "#a83a1b", 0.5: "#d1603d", 0.25: "#e8a48c"}[share] if uniform else shades[share]
        axes.errorbar(
            *(x, y),
            xerr=[2 * p.accuracy_error for p in here],
            yerr=[2 * p.return_error for p in here],
            **{"marker": "s" if uniform else "o", "ms": 4, "lw": 1.2, "color": colour, "label": label, "elinewidth": 0.8},
        )
    axes.set_xlabel("accuracy of the receiver, of 512 messages")
    axes.set_ylabel("discounted return of the maze")
    axes.set_title(f"{ID}: return against accuracy, over temperatures e^-6 ... e^-4", fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3, lw=0.6)
    axes.set_axisbelow(True)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8.5)
    return figure


def table(points: Sequence[Point]) -> Study:
    columns = ["temperature", "R / H(M)", "compressed", "return", "exact return", "accuracy", "named rightly", "bits", "steps"]
    rows: list[list[Cell]] = [
        [
            *(f"e^{p.log_temperature:g}", p.share, "not" if p.share == 1 else p.method),
            *(f"{p.mdp_return:.4f} ± {p.return_error:.4f}", f"{p.exact_return:.4f}"),
            *(f"{p.accuracy:.3f} ± {p.accuracy_error:.3f}", f"{p.correct:.3f}", f"{p.bits:.3f}", f"{p.steps:.2f}"),
        ]
        for p in points
    ]
    away = [abs(p.mdp_return - p.exact_return) / p.return_error for p in points if p.return_error]
    notes = [
        f"Each point is {points[0].games} games; ± is one standard error. bits: I(message; way), of 9.",
        "The return is the marginal policy's whatever the rate and the method: of its exact value every point is within "
        f"{max(away):.1f} standard errors.",
    ]
    return Study("Return against accuracy in the maze, exact agents", columns, rows, notes)
