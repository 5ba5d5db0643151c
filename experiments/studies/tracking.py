"""How well does a quantiser control a plant that drifts, at 1 to 6 bits a step, and what happens below log2 of its gain?

Teams of `agents/exact/tracking.py` play messaging/tracking-v0 in batches, one batch a seed; limits are the sequential
rate-distortion function, step by step and in the long run.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agents.exact.tracking import ID, ZoomTeam
from commenv.core.batch import Batch
from commenv.core.game import choose
from commenv.games import rules
from commenv.solvers.tracking import distortions, needed_rate, sequential_distortion
from experiments.files import Tell, write
from experiments.studies import Cell, Study

GAINS = (0.9, 1.0, 1.2, 2.0)
RATES = (1, 2, 3, 4, 5, 6)
STEPS = 32
GAMES = 4096
"""Of each seed."""
WATCHED = ((1.2, 0), (2.0, 0), (2.0, 1), (3.0, 1), (3.0, 2), (3.0, 3))
"""Gains, and rates below, at and, for comparison, above log2 of them: how do errors grow?"""
MOMENTS = (4, 8, 16, 24)
"""Steps after which it is looked how errors have grown."""
COLOURS = ("#1f5fa8", "#2a9d6f", "#e3a32b", "#d1603d")


def study(seeds: Sequence[int], folder: Path, tell: Tell) -> Study:
    """Every gain at every rate, and unstable plants step by step at rates that are too low."""
    rows: list[list[Cell]] = []
    curves: dict[float, list[tuple[int, float]]] = {gain: [] for gain in GAINS}
    growth: dict[tuple[float, int], np.ndarray] = {}
    total = len(GAINS) * len(RATES) + len(WATCHED)
    for gain in GAINS:
        for bits in RATES:
            tell(len(rows), total, f"gain {gain:g}, {bits} bits")
            errors = np.concatenate([errors_of(gain, bits, STEPS, seed) for seed in seeds])
            limit, by_game = float(distortions(bits, gain, STEPS).mean()), errors.mean(axis=1)
            curves[gain].append((bits, float(by_game.mean())))
            rows.append(
                [
                    f"{gain:g}",
                    bits,
                    f"{needed_rate(gain):.3f}",
                    f"{by_game.mean():.4g} ± {by_game.std() / len(by_game) ** 0.5:.1g}",
                    f"{limit:.4g}",
                    f"{by_game.mean() / limit:.3g}",
                    f"{sequential_distortion(bits, gain):.4g}",
                    f"{errors[:, -8:].mean():.4g}",
                ]
            )
    notes = [
        f"Means over {STEPS} steps of {GAMES:,} games a seed. Limit: no code without delay errs less (mean of the same steps); "
        "long run: 1 / (4^R - a^2). One plant quantised by itself stays above it, with many of Lloyd's and Max's levels by "
        "pi sqrt(3) / 2 = 2.72.",
    ]
    for done, (gain, bits) in enumerate(WATCHED):
        tell(len(GAINS) * len(RATES) + done, total, f"gain {gain:g}, {bits} bits")
        errors = np.concatenate([errors_of(gain, bits, MOMENTS[-1], seed) for seed in seeds])
        growth[gain, bits] = errors.mean(axis=0)
        limit = distortions(bits, gain, MOMENTS[-1])
        grows = ", ".join(f"{growth[gain, bits][t - 1]:.3g} ({limit[t - 1]:.3g})" for t in MOMENTS)
        which = "above" if bits > needed_rate(gain) else "at" if bits == needed_rate(gain) else "below"
        notes.append(
            f"Gain {gain:g}, {bits} bits, {which} log2 a = {needed_rate(gain):.3f}: squared error (its limit) in steps "
            f"{', '.join(map(str, MOMENTS))}: {grows}."
        )
    notes.append(
        "At and below log2 a the limit itself grows without bound. Above it a quantiser may still fall short: see gain 3."
    )
    figure = plot(curves, growth)
    write(folder / "tracking.png", lambda aside: figure.savefig(aside, format="png", dpi=160))
    columns = [
        "gain a",
        "bits R",
        "needed, log2 a",
        "MSE of the quantiser",
        "limit",
        "MSE / limit",
        "limit, long run",
        "MSE, last 8 steps",
    ]
    return Study("Tracking: quantisers that zoom, against sequential rate distortion", columns, rows, notes)


def errors_of(gain: float, bits: int, steps: int, seed: int) -> np.ndarray:
    """Squared errors [game, step] of the team at play: fine numbers at high rates, far ones at low rates, where plants escape."""
    given = {"gain": gain, "bits": bits, "steps": steps, "points": 16_385, "reach": 2048.0 / 2 ** max(bits, 2)}
    options: Any = choose(rules(ID), given)
    team = ZoomTeam(options)
    batch, player = Batch(rules(ID), options, GAMES, seed * GAMES), team.player(GAMES)
    seen, errors = batch.reset(), []
    for t in range(2 * steps):
        seen, rewards, *_ = batch.step(player.act(seen, {}, np.full(GAMES, t == 0)))
        if t % 2:
            errors.append(-rewards["controller"].astype(float))
    return np.stack(errors, axis=1)


def plot(curves: dict[float, list[tuple[int, float]]], growth: dict[tuple[float, int], np.ndarray]) -> Any:
    """Errors against rates beside their limits in the long run; and errors step by step beside the limits."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 4.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    for colour, (gain, points) in zip(COLOURS, curves.items(), strict=False):
        held = [(bits, error) for bits, error in points if bits > needed_rate(gain)]
        left.plot(*zip(*held, strict=True), color=colour, marker="o", ms=4, lw=1.2, label=f"a = {gain:g}")
        rates = np.linspace(needed_rate(gain) + 0.02, max(RATES), 200)
        left.plot(rates, [sequential_distortion(rate, gain) for rate in rates], color=colour, lw=1, ls="--")
        if gain > 1:
            left.axvline(needed_rate(gain), color=colour, lw=0.8, ls=":")
    left.set(
        yscale="log",
        ylim=(1e-4, 30),
        xlabel="bits a step",
        ylabel="mean squared error",
        title="dashed: the limit; dotted: log2 a",
    )
    for k, ((gain, bits), errors) in enumerate(growth.items()):
        steps = np.arange(1, len(errors) + 1)
        colour = f"C{k}"
        right.plot(steps, errors, color=colour, lw=1.2, label=f"a = {gain:g}, {bits} bits")
        right.plot(steps, distortions(bits, gain, len(errors)), color=colour, lw=1, ls="--")
    right.set(yscale="log", xlabel="step", ylabel="squared error", title="step by step; dashed: the limit")
    for axis in (left, right):
        axis.legend(frameon=False, fontsize=8)
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25, lw=0.6)
    return figure
