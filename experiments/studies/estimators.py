"""What is each estimator of mutual information worth: bias, spread and time where the truth is known?

Neural ones train on half of the pairs and are valued on the other; all others see every pair.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.integrate import trapezoid

from commenv import info
from commenv.core.errors import whole
from commenv.info.estimates import CONTINUOUS, METHODS
from experiments.files import Tell, silent, write
from experiments.studies import Cell, Study

SAMPLES = 2_000
STEPS, BATCH = 400, 128
"""Of training."""
LABELS, ERROR = 16, 0.1
"""Of a symmetric channel with uniform input."""
GROUPS, APART = 4, 2.0
"""Normal variables of variance 1 whose means, so far from each other, are told by a uniform label."""
NORMAL = math.log2(2 * math.pi * math.e) / 2
"""Bits of a standard normal variable."""
INK, SPAN = "#1f5fa8", "#999999"

Sample = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Truth:
    """A distribution, its mutual information, and who can estimate it."""

    name: str
    bits: float
    draw: Callable[[np.random.Generator], Sample]
    counted: Sequence[str]
    """Methods of commenv.info."""
    entropy: float | None
    """Of x, for barber_agakov; None: estimated."""
    mixed: bool = False
    """Whether x are numbers and y labels, which alone diffusion_spectral is of."""


def truths() -> list[Truth]:
    symmetric = info.symmetric_capacity(LABELS, ERROR)
    numbers = [name for name in CONTINUOUS if name != "ross"]
    return [
        Truth("Gaussian, rho .9, d 1", _gaussian_bits(0.9, 1), lambda rng: _gaussian(rng, 0.9, 1), numbers, NORMAL),
        Truth("Gaussian, rho .7, d 5", _gaussian_bits(0.7, 5), lambda rng: _gaussian(rng, 0.7, 5), numbers, 5 * NORMAL),
        Truth(f"symmetric, {LABELS} labels, error {ERROR:g}", symmetric, _labels, METHODS, None),
        Truth(f"{GROUPS} normals, {APART:g} apart", _mixed_bits(), _mixed, ("ross",), _mixture_entropy(), mixed=True),
    ]


def study(seeds: Sequence[int], folder: Path, tell: Tell = silent) -> Study:
    """A row an estimator and truth; `seeds` draw the samples and begin the training."""
    from agents.estimators import ESTIMATORS  # torch is slow to import

    rows: list[list[Cell]] = []
    work = list(_work(list(ESTIMATORS)))
    for k, (truth, method) in enumerate(work):
        found, seconds = [], []
        for j, seed in enumerate(seeds):
            tell(k * len(seeds) + j, len(work) * len(seeds), f"{method}: {truth.name}")
            bits, spent = _estimate(truth, method, seed)
            found.append(bits)
            seconds.append(spent)
        mean, spread = float(np.mean(found)), float(np.std(found, ddof=1)) if len(found) > 1 else None
        unit = ESTIMATORS[method].unit if method in ESTIMATORS else "bits"
        bound = ESTIMATORS[method].bound or "-" if method in ESTIMATORS else "-"
        bias = mean - truth.bits if unit == "bits" else None
        rows.append([truth.name, method, bound, truth.bits, mean, bias, spread, float(np.median(seconds))])
    write(folder / "estimators.png", lambda aside: _figure(rows).savefig(aside, format="png", dpi=160))
    return Study(
        f"Mutual information from {SAMPLES:,} pairs: bias, spread over seeds, seconds of CPU",
        ("truth", "method", "bound", "true bits", "mean", "bias", "sd", "seconds"),
        rows,
        [
            f"Neural estimators: {STEPS} steps of {BATCH} pairs, one separable critic or density of width 64, valued in batches "
            f"of {BATCH} that they did not see; infonce cannot exceed {math.log2(BATCH):g} bits.",
            "wasserstein is a distance, not bits, and has no bias here; cauchy_schwarz, club and diffusion_spectral, of "
            "entropies of spectra, differ from mutual information by what they are, not by how they are estimated.",
        ],
    )


def _work(neural: Sequence[str]) -> Iterator[tuple[Truth, str]]:
    for truth in truths():
        for method in (*truth.counted, *neural):
            if method != "diffusion_spectral" or truth.mixed:
                yield truth, method


def _estimate(truth: Truth, method: str, seed: int) -> tuple[float, float]:
    from agents.estimators import fit

    x, y = truth.draw(np.random.default_rng(whole("seed", seed, 0)))
    begun = time.process_time()
    if method in truth.counted:
        bits = info.estimate_mutual_information(x, y, method).bits  # type: ignore[arg-type]
    else:
        bits = fit(method, x, y, steps=STEPS, batch=BATCH, entropy=truth.entropy, seed=seed).bits
    return bits, time.process_time() - begun


def _gaussian(rng: np.random.Generator, rho: float, d: int) -> Sample:
    x = rng.standard_normal((SAMPLES, d))
    return x, rho * x + np.sqrt(1 - rho**2) * rng.standard_normal((SAMPLES, d))


def _gaussian_bits(rho: float, d: int) -> float:
    return -d * math.log2(1 - rho**2) / 2


def _labels(rng: np.random.Generator) -> Sample:
    x = rng.integers(0, LABELS, SAMPLES)
    wrong = (x + rng.integers(1, LABELS, SAMPLES)) % LABELS
    return x, np.where(rng.random(SAMPLES) < ERROR, wrong, x)


def _mixed(rng: np.random.Generator) -> Sample:
    y = rng.integers(0, GROUPS, SAMPLES)
    return (APART * y + rng.standard_normal(SAMPLES))[:, None], y


def _mixture_entropy() -> float:
    """Of the numbers of `_mixed`, bits, by the trapezoid rule, whose error is far below what is printed."""
    x = np.linspace(-12, APART * (GROUPS - 1) + 12, 20_001)
    density = np.exp(-((x[:, None] - APART * np.arange(GROUPS)) ** 2) / 2).sum(axis=1) / (GROUPS * math.sqrt(2 * math.pi))
    return float(trapezoid(-density * np.log2(density), x))


def _mixed_bits() -> float:
    return _mixture_entropy() - NORMAL


def _figure(rows: Sequence[Sequence[Cell]]):  # type: ignore[no-untyped-def]
    """Estimates beside the truth, a panel each."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(str(row[0]) for row in rows))
    figure = Figure(figsize=(4.2 * len(names), 4.8), layout="constrained")
    for axes, name in zip(np.atleast_1d(figure.subplots(1, len(names))), names, strict=True):
        own = [row for row in rows if row[0] == name and row[5] is not None]
        means, errors = [row[4] for row in own], [row[6] or 0.0 for row in own]
        axes.errorbar(means, range(len(own)), xerr=errors, fmt="o", color=INK, ecolor=SPAN, ms=4)
        axes.axvline(own[0][3], color="#d1603d", lw=1.2)
        axes.set_yticks(range(len(own)), [str(row[1]) for row in own])
        axes.invert_yaxis()
        axes.set_title(f"{name}: {own[0][3]:.3f} bits", fontsize=10, loc="left")
        axes.set_xlabel("bits: mean and sd over seeds")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3, lw=0.6)
    return figure
