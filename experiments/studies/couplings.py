"""How near greedy couplings and partitions of limited entropy come to the best: random distributions against exact search.

Pairs of at most 4 outcomes against the exact coupling, 10,000 over all seeds: never below the lower bounds, never more than
log2(e) / e bits above the least (Compton et al. 2023). Partitions of 4 to 7 outcomes against all partitions, 300 over all seeds.
"""

from collections.abc import Sequence
from math import e, log2
from pathlib import Path

import numpy as np

from commenv.info import coupling_lower_bound, entropy, entropy_bounded_partition, exact_coupling, greedy_coupling
from commenv.info.bottleneck import PartitionMethod
from experiments.files import Tell
from experiments.studies import Cell, Study

PAIRS, PARTITIONS = 10_000, 300
METHODS: tuple[PartitionMethod, ...] = ("best", "paper", "smallest", "uniform")


def study(seeds: Sequence[int], folder: Path, tell: Tell) -> Study:
    excess, below, gaps = [], 0, {method: [] for method in METHODS}  # type: ignore[var-annotated]
    for k, seed in enumerate(seeds):
        rng = np.random.default_rng(seed)
        for pair in range(-(-PAIRS // len(seeds))):
            p, q = (rng.dirichlet(np.ones(rng.integers(2, 5))) for _ in range(2))
            least, greedy = exact_coupling(p, q).entropy, greedy_coupling(p, q).entropy
            excess.append(greedy - least)
            below += min(least, greedy) < coupling_lower_bound(p, q) - 1e-9
            if pair % 100 == 0:
                tell(k, len(seeds), f"seed {seed}: pair {pair}")
        for _ in range(-(-PARTITIONS // len(seeds))):
            p = rng.dirichlet(np.ones(rng.integers(4, 8)))
            rate = float(rng.uniform(0.1, 0.95) * entropy(p))
            best = entropy_bounded_partition(p, rate, "exact").entropy
            for method in METHODS:
                gaps[method].append(best - entropy_bounded_partition(p, rate, method).entropy)
    return table(np.array(excess), int(below), {method: np.array(gap) for method, gap in gaps.items()})


def table(excess: np.ndarray, below: int, gaps: dict[PartitionMethod, np.ndarray]) -> Study:
    """Bits above the least, or short of the most."""
    rows: list[list[Cell]] = [["greedy coupling, above the least", len(excess), *_figures(excess)]]
    rows += [[f"partition `{method}`, short of the most", len(gap), *_figures(gap)] for method, gap in gaps.items()]
    most = log2(e) / e
    over = int((excess > most + 1e-9).sum())
    notes = [
        f"{below} of {len(excess)} couplings were below the larger lower bound.",
        f"{over} greedy couplings were more than log2(e) / e = {most:.6f} bits above the least.",
    ]
    return Study(
        "Couplings and partitions against exact search, in bits", ["what", "cases", "mean", "most", "exact"], rows, notes
    )


def _figures(gap: np.ndarray) -> list[Cell]:
    return [f"{gap.mean():.5f}", f"{gap.max():.4f}", f"{(gap < 1e-9).mean():.1%}"]
