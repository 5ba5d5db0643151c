"""What do experiments tell, as it is and as it is estimated, and what do two experimenters learn who share b bits?"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

import commenv
from commenv.core.game import choose
from commenv.games import rules
from commenv.games.acquisition.experiments import Options
from commenv.solvers import experiments as theory
from experiments import repeats
from experiments.files import Tell, silent
from experiments.recipes import recipe
from experiments.studies import Cell, Study, spread

ID, GAMES = "acquisition/experiments-v0", 100_000
BITS = (0, 1, 2)
OUTER, INNER = 10_000, (1, 10, 100, 1000)


def study(seeds: Sequence[int], folder: Path, tell: Tell = silent) -> Study:
    rows: list[list[Cell]] = [*_estimates(seeds[0]), *_exact()]
    for k, bits in enumerate(BITS):

        def told(done: int, total: int, what: str, k: int = k, bits: int = bits) -> None:
            tell(1000 * k + 1000 * done // total, 1000 * len(BITS), f"{bits} bits, {what}")

        one = replace(recipe("experiments", bits=bits), seed=0)
        points = repeats.run(one, seeds, folder / f"bits={bits}", games=GAMES, tell=told)["points"]
        limits = commenv.limits(ID, bits=bits)
        rewards, best = [point["reward"] for point in points], limits.reachable.value
        shares = spread([reward / best for reward in rewards])
        rows.append([f"two experimenters, two rounds, {bits} bits, learned", best, spread(rewards), f"{shares} of the optimum"])
    return Study(
        title="Experiments: information gained, in nats",
        columns=["what", "exact", "found", "beside the exact value"],
        rows=rows,
        notes=[
            "Location: 25 places with prior N(0, 1), design 0.5. Estimates of nested Monte Carlo, with so many inner draws M, "
            f"are too high, prior contrastive estimates too low; {OUTER:,} outer draws each, by the first seed. The exact value "
            "is a quadrature.",
            f"Learned teams: median of the seeds (least-most), each of {GAMES:,} games. Without messages the best pair earns "
            f"{commenv.limits(ID).silent.value:.4f}: a learned team with bits that earns less has not learned to use them.",
        ],
    )


def _estimates(seed: int) -> Iterator[list[Cell]]:
    theta = np.linspace(-3, 3, 25)
    prior = np.exp(-0.5 * theta**2) / np.exp(-0.5 * theta**2).sum()
    means = theory.location_mean(theta, 0.5)
    exact = theory.normal_gain(prior, means, 0.5)
    for name, contrastive in (("nested Monte Carlo", False), ("prior contrastive", True)):
        for M in INNER:
            found = theory.nested_monte_carlo(prior, means, 0.5, OUTER, M, seed, contrastive)
            error = f"{found.nats - exact:+.4f} +- {found.standard_error:.4f}"
            yield [f"location, {name}, M={M}", exact, f"{found.nats:.4f}", error]


def _exact() -> Iterator[list[Cell]]:
    options = choose(rules(ID), {})
    assert isinstance(options, Options)
    prior, designs = options.problem
    adaptive = theory.adaptive_gain(prior, designs, 2, 2)
    for name, value in (
        ("greedy designs for both rounds at once", theory.greedy_designs(prior, designs, 4)[0]),
        ("best designs for both rounds at once", theory.best_designs(prior, designs, 4)[0]),
        *((f"best pair, {bits} bits", theory.best_pair(prior, designs, 2**bits).value) for bits in BITS),
    ):
        yield [f"two experimenters, two rounds, {name}", value, None, f"{value / adaptive:.4f} of all results shared"]
