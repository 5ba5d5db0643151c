"""One loop that trains any estimator, and values it on pairs that it has not seen."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn.functional import one_hot

from agents.estimators.bounds import NWJ, InfoNCE, JensenShannon, Mine, Smile
from agents.estimators.contract import Estimator
from agents.estimators.densities import BarberAgakov, Club, VariationalRate
from agents.estimators.kernels import CauchySchwarz, DiffusionSpectral
from agents.estimators.wasserstein import Wasserstein
from commenv.core.errors import bad, whole

Tell = Callable[[int, int, str], None]
"""Told how far work has come: done, total, and what is being done."""

ESTIMATORS: dict[str, type[Estimator]] = {
    kind.name: kind
    for kind in (
        NWJ,
        Mine,
        InfoNCE,
        JensenShannon,
        Smile,
        Club,
        BarberAgakov,
        VariationalRate,
        Wasserstein,
        CauchySchwarz,
        DiffusionSpectral,
    )
}


@dataclass(frozen=True)
class Found:
    """An estimate and what it cost."""

    method: str
    bits: float
    """Mean over batches that were held out; in `unit`."""
    standard_error: float
    """Of that mean; that training might have ended elsewhere is not in it."""
    bound: str
    """lower, upper, or nothing."""
    unit: str
    samples: int
    """Pairs held out."""
    seconds: float


def fit(
    method: str,
    x: ArrayLike,
    y: ArrayLike,
    *,
    steps: int = 1_000,
    batch: int = 256,
    width: int = 64,
    learning_rate: float = 2e-3,
    held_out: float = 0.5,
    entropy: float | None = None,
    seed: int = 0,
    tell: Tell | None = None,
) -> Found:
    """Train an estimator on part of the pairs and value it on the rest.

    x, y: numbers of shape (N,) or (N, d), best of scale about 1, or integers of shape (N,), which are labels. Batches of `batch`
    pairs at most. entropy: H(x) in bits, for barber_agakov; of labels it is estimated (Miller-Madow) where it is not given.
    held_out: share of the pairs. Estimators without anything to train take all pairs, in batches. The same seed gives the same.
    Raises ValueError for an unknown method, for shapes that do not fit, or for too few pairs.
    """
    if method not in ESTIMATORS:
        raise bad("method", method, f"one of {', '.join(ESTIMATORS)}")
    for name, value in (("steps", steps), ("batch", batch), ("width", width)):
        whole(name, value, 2 if name == "batch" else 1)
    if not 0 < held_out < 1:
        raise bad("held_out", held_out, "between 0 and 1")
    begun = time.process_time()
    kind = ESTIMATORS[method]
    (a, x_labels), (b, y_labels) = _vectors("x", x), _vectors("y", y)
    if len(a) != len(b):
        raise ValueError(f"x and y must have the same length, got {len(a)} and {len(b)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(whole("seed", seed, 0))
        estimator = _build(kind, a, b, width, x, x_labels, y_labels, entropy)
        order = torch.randperm(len(a))
        train = order[: 0 if not kind.learns else round(len(a) * (1 - held_out))]
        rest = order[len(train) :]
        if len(rest) < 2 or (kind.learns and len(train) < 2):
            raise ValueError(f"at least 4 pairs are needed, to train with and to hold out, got {len(a)}")
        if kind.learns:
            optimizer = torch.optim.Adam(estimator.parameters(), lr=learning_rate)
            decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
            for step in range(steps):
                if tell:
                    tell(step, steps, method)
                rows = train[torch.randint(len(train), (min(batch, len(train)),))]
                loss = estimator.loss(a[rows], b[rows])
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(estimator.parameters(), 1.0)
                optimizer.step()
                decay.step()
        with torch.no_grad():
            parts = rest.split(batch)
            parts = parts[:-1] if len(parts) > 1 and len(parts[-1]) < batch else parts  # values depend on the batch's size
            values = torch.stack([estimator.value(a[rows], b[rows]) for rows in parts])
    spread = float(values.std() / math.sqrt(len(values))) if len(values) > 1 else math.nan
    samples = sum(map(len, parts))
    seconds = time.process_time() - begun
    return Found(method, float(values.mean()), spread, kind.bound, kind.unit, samples, seconds)


def _build(
    kind: type[Estimator], a: Tensor, b: Tensor, width: int, x: ArrayLike, x_labels: bool, y_labels: bool, entropy: float | None
) -> Estimator:
    sizes = a.shape[1], b.shape[1], width
    if kind is BarberAgakov:
        if entropy is None:
            if not x_labels:
                raise ValueError("barber_agakov needs the entropy of x in bits where x are numbers: entropy=None is not enough")
            from commenv.info import estimate_entropy

            entropy = estimate_entropy(np.asarray(x), kind="samples").bits
        return BarberAgakov(*sizes, labels=x_labels, entropy=entropy)
    if kind is Club or kind is VariationalRate:
        return kind(*sizes, labels=y_labels)
    if kind is DiffusionSpectral and not y_labels:
        raise ValueError("diffusion_spectral is of numbers x and labels y: y must be integers")
    return kind(*sizes)


def _vectors(name: str, values: ArrayLike) -> tuple[Tensor, bool]:
    """Numbers as [N, d], labels one-hot; and whether they are labels."""
    found = np.asarray(values)
    if found.dtype.kind in "biu":
        if found.ndim != 1 or not found.size:
            raise ValueError(f"labels {name} must have shape (N,) with N at least 1, got shape {found.shape}")
        codes = np.unique(found, return_inverse=True)[1]
        return one_hot(torch.from_numpy(codes)).float(), True
    found = np.asarray(found, dtype=np.float32)
    found = found[:, None] if found.ndim == 1 else found
    if found.ndim != 2 or not found.size:
        raise ValueError(f"{name} must have shape (N,) or (N, d), both at least 1, got shape {np.shape(values)}")
    if not np.isfinite(found).all():
        raise ValueError(f"{name} must be finite, got {found[~np.isfinite(found)][0]}")
    return torch.from_numpy(found), False
