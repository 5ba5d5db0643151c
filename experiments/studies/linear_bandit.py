"""Distributed linear bandits: regret against rounds, agents and bits; servers, gossip and late feedback."""

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

from agents.exact.distributed_bandits import (
    FLOAT_BITS,
    Losses,
    Run,
    batched_elimination,
    delayed_dual_averaging,
    distances,
    gaussian_contexts,
    phased_elimination,
)
from commenv.solvers.linear_bandit import least_squares_slope
from experiments.files import Tell, silent, write
from experiments.studies import Study, spread

DIMENSION = 4
GAPS = [share * 2.0**-k for k in range(1, 9) for share in (1, 0.75)]
"""The minimax instance is the worst of these: where regret grows as sqrt(T), the worst gap shrinks with T."""
HORIZONS = (10_000, 40_000, 160_000, 640_000, 2_560_000)
TEAMS = (1, 4, 16, 64)
RATES = (1, 2, 3, 4, 5, 6, 8, 10, None)
USUAL = 10
"""Bits a coordinate where nothing else is said."""
GOSSIP = (2, 3, 4, 8)
"""Bits a coordinate in each message of gossip."""
CONTEXTUAL = (1_000, 4_000, 16_000)
Row = list[Any]


def study(seeds: Sequence[int], folder: Path, tell: Tell = silent) -> Study:
    tell(0, 4, "phased elimination over horizons and teams")
    rows: list[Row] = []
    horizons = [_worst(8, T, USUAL, seeds) for T in HORIZONS]
    teams = [_worst(M, 100_000, USUAL, seeds) for M in TEAMS]
    rows += [_row("phased elimination, horizon", 8, T, USUAL, runs) for T, runs in zip(HORIZONS, horizons, strict=True)]
    rows += [_row("phased elimination, agents", M, 100_000, USUAL, runs) for M, runs in zip(TEAMS, teams, strict=True)]
    tell(1, 4, "phased elimination over bits")
    rates = [_worst(8, 100_000, B, seeds) for B in RATES]
    rows += [_row("phased elimination, bits", 8, 100_000, B, runs) for B, runs in zip(RATES, rates, strict=True)]
    tell(2, 4, "batched elimination")
    batched: dict[str, list[list[Run]]] = {}
    for name, bits, graph in (
        ("DisBE-LUCB, server", USUAL, None),
        ("DecBE-LUCB, cycle, floats", None, nx.cycle_graph(8)),
        ("DecBE-LUCB, cycle, 6 bits", 6, nx.cycle_graph(8)),
        ("DecBE-LUCB, hypercube, floats", None, nx.hypercube_graph(3)),
        ("DecBE-LUCB, hypercube, 6 bits", 6, nx.hypercube_graph(3)),
    ):
        batched[name] = [[_contextual(8, T, bits, graph, seed) for seed in seeds] for T in CONTEXTUAL]
        rows += [_row(name, 8, T, bits, runs) for T, runs in zip(CONTEXTUAL, batched[name], strict=True)]
    few = {B: [_contextual(8, 4_000, B, nx.hypercube_graph(3), seed) for seed in seeds] for B in GOSSIP}
    rows += [_row("DecBE-LUCB, hypercube, bits", 8, 4_000, B, runs) for B, runs in few.items()]
    crowd = (2, 8, 32)
    growth = [[_contextual(M, 4_000, USUAL, None, seed) for seed in seeds] for M in crowd]
    rows += [_row("DisBE-LUCB, agents", M, 4_000, USUAL, runs) for M, runs in zip(crowd, growth, strict=True)]
    tell(3, 4, "late feedback")
    rows += [_late(T, lag, adaptive, seeds) for T in (1_000, 10_000) for lag in (0, 10, 100) for adaptive in (False, True)]
    rows += [_late_ball(M, lag, seeds) for M in (1, 4) for lag in (0, 10, 100)]
    _draw(folder, horizons, teams, rates, batched)
    slopes = {
        "phased elimination in T": _slope(HORIZONS, horizons),
        "phased elimination in M": _slope(TEAMS, teams),
        **{f"{name} in T": _slope(CONTEXTUAL, runs) for name, runs in batched.items()},
        "DisBE-LUCB in M": _slope(crowd, growth),
    }
    shares = [
        run.bits / _count(M, T)
        for M, T, runs in [(8, T, r) for T, r in zip(HORIZONS, horizons, strict=True)]
        + [(M, 100_000, r) for M, r in zip(TEAMS, teams, strict=True)]
        for run in runs
    ]
    return Study(
        "Distributed linear bandits: regret and bits",
        ["algorithm", "agents M", "rounds T", "bits a coordinate", "regret", "all bits", "bits / (2 d M B log2(M T))"],
        rows,
        notes=[
            f"d = {DIMENSION}, noise 1. Phased elimination: arms e_1..e_4, theta = gap e_1, the worst of {len(GAPS)} gaps by its "
            "mean over seeds; batched elimination: 10 arms in random directions each round. "
            "Regret: median (least-most) of seeds.",
            "Log-log slopes of mean regret, in theory 1/2 and logarithms: "
            + ", ".join(f"{name} {slope:.3f}" for name, slope in slopes.items())
            + ".",
            f"Bits of phased elimination are {min(shares):.3f} to {max(shares):.3f} of 2 d M B log2(M T).",
            _knee(rates),
            "Late feedback: losses |x - z|, z a fair sign; with d = 3 losses <z, x>, z in a random direction, all agents' "
            "alike. In the last column stands regret / sqrt(M T (1 + 2 (M (1 + lag) - 1))), that is regret / sqrt(T (1 + 2 lag)) "
            "of one agent, which theory keeps below a constant.",
            "DecBE-LUCB gossips over each edge both ways in every round of gossip, floats of 64 bits or differences of so many "
            "bits a coordinate.",
        ],
    )


def _worst(agents: int, horizon: int, bits: int | None, seeds: Sequence[int]) -> list[Run]:
    """The runs, one a seed, of the gap whose mean regret is largest."""
    theta = np.eye(DIMENSION)[0]
    tried = [
        [
            phased_elimination(np.eye(DIMENSION), gap * theta, agents, horizon, bits, np.random.default_rng([seed, k]))
            for seed in seeds
        ]
        for k, gap in enumerate(GAPS)
    ]
    return max(tried, key=_mean)


def _contextual(agents: int, horizon: int, bits: int | None, graph: nx.Graph | None, seed: int) -> Run:
    theta = np.full(DIMENSION, DIMENSION**-0.5)
    return batched_elimination(gaussian_contexts(10, DIMENSION), theta, agents, horizon, bits, np.random.default_rng(seed), graph)


def _late(horizon: int, lag: int, adaptive: bool, seeds: Sequence[int]) -> Row:
    """Losses |x - z| on the line, z a fair sign."""
    regrets = []
    for seed in seeds:
        signs = np.where(np.random.default_rng([seed, horizon]).random(horizon) < 0.5, -1.0, 1.0)
        played = delayed_dual_averaging(distances(signs[:, None]), np.full(horizon, lag), adaptive=adaptive)
        regrets.append(played.paid - float(np.abs(np.median(signs) - signs).sum()))
    return _late_row(f"dual averaging, lag {lag}, {'adaptive' if adaptive else 'lag known'}", 1, horizon, regrets, 1 + 2 * lag)


def _late_ball(agents: int, lag: int, seeds: Sequence[int]) -> Row:
    """Losses <z, x> in the ball of radius 1, z in random directions; what agents meet is known to all `lag` rounds later."""
    horizon, regrets = 1_000, []
    for seed in seeds:
        slopes = np.random.default_rng([seed, horizon]).normal(size=(horizon, 3))
        slopes /= np.linalg.norm(slopes, axis=1, keepdims=True)
        met = _linear(slopes)
        played = delayed_dual_averaging(met, np.full((horizon, agents, agents), lag), 3)
        regrets.append(played.paid + agents * float(np.linalg.norm(slopes.sum(axis=0))))
    most = agents * (1 + 2 * (agents * (1 + lag) - 1))
    return _late_row(f"dual averaging, d = 3, lag {lag}, adaptive", agents, horizon, regrets, most)


def _linear(slopes: np.ndarray) -> Losses:
    return lambda t, x: (x @ slopes[t], np.tile(slopes[t], (len(x), 1)))


def _late_row(name: str, agents: int, horizon: int, regrets: Sequence[float], lag: float) -> Row:
    share = statistics.median(regrets) / (horizon * lag) ** 0.5
    return [name, agents, horizon, None, spread(regrets, 1), None, round(share, 4)]


def _mean(runs: Sequence[Run]) -> float:
    return statistics.mean(run.regret for run in runs)


def _slope(x: Sequence[int], cells: Sequence[Sequence[Run]]) -> float:
    return least_squares_slope(x, [_mean(runs) for runs in cells])


def _count(agents: int, horizon: int, bits: int | None = USUAL) -> float:
    """2 d M B log2(M T): what theory lets both directions come to, but for a constant."""
    return 2 * DIMENSION * agents * (FLOAT_BITS if bits is None else bits) * float(np.log2(agents * horizon))


def _row(name: str, agents: int, horizon: int, bits: int | None, runs: Sequence[Run]) -> Row:
    sent = statistics.mean(run.bits for run in runs)
    return [
        name, agents, horizon, "float" if bits is None else bits, spread([run.regret for run in runs], 0), round(sent),
        round(sent / _count(agents, horizon, bits), 4),
    ]  # fmt: skip


def _knee(rates: Sequence[Sequence[Run]]) -> str:
    """From how many bits a coordinate on regret stays within a quarter of what floats regret."""
    whole = _mean(rates[-1])
    near = [_mean(runs) <= 1.25 * whole for runs in rates]
    first = next(k for k in range(len(rates)) if all(near[k:]))
    rate = RATES[first]
    return (
        f"Knee: from {'floats' if rate is None else f'{rate} bits'} a coordinate on mean regret is within 1.25 of that of floats."
    )


def _draw(
    folder: Path,
    horizons: Sequence[Sequence[Run]],
    teams: Sequence[Sequence[Run]],
    rates: Sequence[Sequence[Run]],
    batched: dict[str, list[list[Run]]],
) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6.4), layout="constrained")
    axes = figure.subplots(2, 2)
    _scaling(axes[0, 0], HORIZONS, {"phased elimination, M = 8": horizons}, "rounds T")
    _scaling(axes[0, 1], TEAMS, {"phased elimination, T = 100,000": teams}, "agents M")
    panel = axes[1, 0]
    bits, regret = [statistics.mean(r.bits for r in runs) for runs in rates], [_mean(runs) for runs in rates]
    panel.loglog(bits, regret, marker="o", color="#1f5fa8", lw=1.2)
    for rate, x, y in zip(RATES, bits, regret, strict=True):
        panel.annotate("float" if rate is None else str(rate), (x, y), textcoords="offset points", xytext=(4, 5), fontsize=8)
    panel.set_xlabel("all bits; beside each point those a coordinate")
    panel.set_ylabel("regret")
    _scaling(axes[1, 1], CONTEXTUAL, batched, "rounds T, contexts, M = 8")
    for panel in axes.flat:
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(alpha=0.3, lw=0.6, which="both")
    write(folder / "regret.png", lambda aside: figure.savefig(aside, format="png", dpi=150))


def _scaling(panel: Any, x: Sequence[int], curves: dict[str, Any], label: str) -> None:
    """Mean regret with the span of the seeds, and a line of slope 1/2 through the first point."""
    styles = ("o-", "s--", "^:", "v-.", "D--")
    for (name, cells), style, colour in zip(curves.items(), styles, _COLOURS, strict=False):
        mean = np.array([_mean(runs) for runs in cells])
        low, high = ([pick(r.regret for r in runs) for runs in cells] for pick in _ENDS)
        slope = least_squares_slope(x, mean)
        panel.loglog(x, mean, style, color=colour, lw=1.2, ms=4, label=f"{name}: slope {slope:.2f}")
        panel.vlines(x, low, high, color=colour, lw=1.2)
    panel.loglog(x, mean[0] * np.sqrt(np.array(x) / x[0]), color="#bbbbbb", lw=1, label="slope 1/2")
    panel.set_xlabel(label)
    panel.set_ylabel("regret")
    panel.legend(fontsize=8, frameon=False)


_COLOURS = ("#1f5fa8", "#d1603d", "#e3a483", "#333333", "#999999")
_ENDS: tuple[Callable[..., float], ...] = (min, max)
