"""Do conformal sets cover as often as they should, and do queries chosen by their size find the truth?

A model of too little noise predicts which of eight hypotheses is true from noisy answers; sets made of its predictions are
calibrated at every length of history, on histories of random queries and then on those of the policy of the stage before.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from commenv.solvers.conformal import best_query, calibrate, entropy_bound, prediction_sets
from experiments.files import Tell, silent
from experiments.studies import Cell, Study, spread

N, LENGTH, NOISE, ASSUMED = 8, 12, 0.2, 0.05
CALIBRATION, TEST = 2_000, 4_000
JOINTS = 2_000
ALPHAS = (0.05, 0.1, 0.2)
TRUTH = np.array([[h >> bit & 1 for h in range(N)] for bit in range(3)] + [[int(h < j) for h in range(N)] for j in range(1, N)])
"""The right answers [queries, hypotheses]: three bits, and seven questions of the line."""

Choice = Callable[[np.ndarray, int], np.ndarray]
"""(beliefs [B, n], answers so far) -> queries [B]."""


def study(seeds: Sequence[int], folder: Path, tell: Tell = silent) -> Study:
    rows: list[list[Cell]] = [["bound on H(Y|X)", None, f"{violations(seeds[0])} of {JOINTS} joints violate it", *[None] * 4]]
    for k, alpha in enumerate(ALPHAS):
        found = [stages(alpha, seed) for seed in seeds]
        tell(k + 1, len(ALPHAS), f"alpha {alpha:g}")
        for policy in ("random", "information pursuit", "conformal pursuit"):
            runs = [one[policy] for one in found]
            cells = [spread([run[key] for run in runs]) for key in ("least", "mean", "answers", "right", "size")]
            rows.append([policy, alpha, *cells])
    return Study(
        title="Conformal information pursuit: coverage at every length of history, and what is found",
        columns=["queries", "alpha", "least coverage", "mean coverage", "answers until |C| = 1", "right", "mean log2 |C|"],
        rows=rows,
        notes=[
            f"{N} hypotheses, {len(TRUTH)} queries, answers wrong with probability {NOISE:g}, a model that takes it for "
            f"{ASSUMED:g}; {CALIBRATION:,} histories to calibrate, {TEST:,} to test; up to {LENGTH} answers. Median of the "
            "seeds (least-most).",
            "Coverage is at least 1 - alpha on average over calibrations, at each length; the least of 12 lengths in one sample "
            "may fall below by chance, by about .02. A policy is calibrated on its own histories: conformal pursuit chooses by "
            "the thresholds of the stage before, then it is fixed and calibrated anew. `right` is the share whose likeliest "
            "hypothesis is true when the set has shrunk to one or answers have run out.",
        ],
    )


def violations(seed: int) -> int:
    """Of so many random joints and set predictors, those in which H(Y|X) exceeds its conformal bound."""
    rng, count = np.random.default_rng(seed), 0
    for _ in range(JOINTS):
        x, y = rng.integers(1, 9, size=2)
        joint = rng.dirichlet(np.full(x * y, rng.choice([0.1, 0.5, 2.0]))).reshape(x, y)
        conditional, bound = entropy_bound(joint, rng.random((x, y)) < rng.random())
        count += bool(conditional > bound + 1e-9)
    return count


def stages(alpha: float, seed: int) -> dict[str, dict[str, float]]:
    """Random queries; then, by their thresholds, conformal ones; then, by the thresholds of these, once more. And greedy ones."""
    rng = np.random.default_rng(seed)
    model = np.stack([np.where(a == TRUTH, 1 - ASSUMED, ASSUMED) for a in (0, 1)], -1)  # [Q, n, answer]

    def random(beliefs: np.ndarray, k: int) -> np.ndarray:
        return rng.integers(len(TRUTH), size=len(beliefs))

    def greedy(beliefs: np.ndarray, k: int) -> np.ndarray:
        yes = beliefs @ model[:, :, 1].T
        return np.abs(yes - 0.5).round(12).argmin(1)  # the noise of all queries is the same: the nearest to even tells most

    found = {}
    chosen: Choice = random
    for name in ("random", "first", "conformal pursuit"):
        taus, found[name] = measured(chosen, alpha, rng, model)

        def conformal(beliefs: np.ndarray, k: int, taus: list[float] = taus) -> np.ndarray:
            return best_query(beliefs, model, taus[min(k + 1, LENGTH)])

        chosen = conformal
    _, found["information pursuit"] = measured(greedy, alpha, rng, model)
    return found


def measured(choose: Choice, alpha: float, rng: np.random.Generator, model: np.ndarray) -> tuple[list[float], dict[str, float]]:
    """Thresholds of a policy by length of history, and what its sets do on fresh histories."""
    truth, beliefs = histories(choose, CALIBRATION, rng, model)
    taus = calibrate(beliefs, [truth] * (LENGTH + 1), alpha)
    truth, beliefs = histories(choose, TEST, rng, model)
    sets = [prediction_sets(f, tau) for f, tau in zip(beliefs, taus, strict=True)]
    covered = [float(s[np.arange(TEST), truth].mean()) for s in sets[1:]]
    sizes = np.array([s.sum(1) for s in sets])
    single = sizes == 1
    stop = np.where(single.any(0), single.argmax(0), LENGTH)
    named = np.array(beliefs)[stop, np.arange(TEST)].argmax(1)
    return taus, {
        "least": min(covered),
        "mean": float(np.mean(covered)),
        "answers": float(stop.mean()),
        "right": float((named == truth).mean()),
        "size": float(np.log2(sizes[1:]).mean()),
    }


def histories(choose: Choice, count: int, rng: np.random.Generator, model: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """So many true hypotheses, and what the model believes after 0, 1, ..., LENGTH answers: [count, n] each."""
    truth, belief = rng.integers(N, size=count), np.full((count, N), 1 / N)
    found = [belief]
    for k in range(LENGTH):
        query = choose(belief, k)
        answer = TRUTH[query, truth] ^ (rng.random(count) < NOISE)
        belief = belief * model[query, :, answer]
        belief = belief / belief.sum(1, keepdims=True)
        found.append(belief)
    return truth, found
