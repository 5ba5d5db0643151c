"""Do senders who learn under the best rule end up telling the truth, and what is commitment worth?

The receiver is committed to the best rule that makes every untrue message worse by a margin, and the senders learn by PPO, each
alone. Without commitment the receiver learns as well, and nothing binds it: cheap talk (Crawford, Sobel 1982). Figures are exact,
all acting greedily.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import commenv
from experiments.files import Tell, read_json, silent, write_json
from experiments.runs import Recipe
from experiments.studies import Study, spread
from experiments.studies.hiring import trained

MARGIN = 0.05
CASES = (("optimal", (0, 1, 2)), ("none", (1,)))
"""Commitment, and bits a report."""
TRAINING: dict[str, Any] = {
    "num_envs_per_env_runner": 1024,
    "rollout_fragment_length": 2,
    "num_epochs": 4,
    "lr": [[0, 3e-3], [1, 3e-4]],
    "entropy_coeff": [[0, 0.1], [0.7, 0.0]],
}
STEPS = 102_400
KINDS = {"reward": float, "promised": float, "true": float, "gain": float}


def study(seeds: Sequence[int], folder: Path, tell: Tell = silent) -> Study:
    jobs = [(commitment, bits, seed) for commitment, rates in CASES for bits in rates for seed in seeds]
    found = {}
    for k, job in enumerate(jobs):
        tell(k, len(jobs), f"commitment {job[0]}, {job[1]} bits, seed {job[2]}")
        found[job] = _kept(folder, *job)
    rows, worst = [], 0.0
    for commitment, rates in CASES:
        for bits in rates:
            teams = [found[commitment, bits, seed] for seed in seeds]
            limits = commenv.limits("acquisition/senders-v0", bits=bits)
            shares = [limits.efficiency(team["reward"]) for team in teams]
            rows.append(
                [
                    *(commitment, bits, len(seeds), spread([team["reward"] for team in teams], 4)),
                    *(round(teams[0]["promised"], 4), round(limits.reachable.value, 4)),
                    None if None in shares else spread([share for share in shares if share is not None]),
                    spread([team["true"] for team in teams]),
                    spread([team["gain"] for team in teams], 4),
                ]
            )
            if commitment == "optimal":
                worst = max(worst, *(team["gain"] for team in teams))
    columns = [
        *("commitment", "bits", "seeds", "receiver's reward", "promised", "best rule", "efficiency"),
        *("true reports", "largest gain by deviating"),
    ]
    notes = [
        f"Two experts with accuracy .8 and bias 1; the rule has margin {MARGIN}. Promised is what it earns the receiver of the "
        "truth, best rule the optimum without a margin. Median (least-most) over seeds, all exact.",
        f"Under commitment no sender gains more than {worst:.2g} by any other way to report.",
        "Without commitment a report is true only up to the names of messages, which the receiver learns: where no report is "
        "true all may have been told.",
    ]
    return Study("Senders: learning under a rule, and without one", columns, rows, notes)


def _kept(folder: Path, commitment: str, bits: int, seed: int) -> dict[str, Any]:
    path = folder / f"seed={seed}" / f"{commitment}, {bits} bits.json"
    page = read_json(path, KINDS)
    if page is None:
        page = _learned(commitment, bits, seed)
        write_json(path, page)
    return page


def _learned(commitment: str, bits: int, seed: int) -> dict[str, Any]:
    from agents.exact import senders
    from commenv.solvers.senders import best_responses, earns

    options = {"commitment": commitment, "margin": MARGIN, "bits": bits}
    recipe = Recipe("acquisition/senders-v0", options, seed, "independent", STEPS, {"hidden": [32]}, TRAINING)
    team = trained(recipe)
    chosen, said, policy = team.options, senders.reports(team), senders.decided(team)
    table, signals, messages = chosen.worth, chosen.signals, senders.alphabets(chosen)
    earned = earns(table, signals, policy, messages, said)
    rule = chosen.committed()
    prior, kernel, _ = chosen.tables
    seen = np.tensordot(prior, kernel, 1)
    shares = [
        np.moveaxis(seen, i, 0).reshape(S, -1).sum(axis=1) @ (said[i] == np.array(rule.codes[i])) for i, S in enumerate(signals)
    ]
    return {
        "reward": float(earned[0]),
        "promised": rule.value,
        "true": float(np.mean(shares)),
        "gain": float((best_responses(table, signals, policy, messages, said) - earned[1:]).max()),
    }
