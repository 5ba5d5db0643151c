"""Do agents who learn under a hiring mechanism of theory end up doing as they are told, and telling the truth?

Payments are fixed; every agent and the principal learn by PPO, each alone, on the batched path. Under the deterministic mechanism
they begin at random. Under the correlated one truth is not the only equilibrium, and the agents' own favourite is that nobody
looks and all say the same; so there they begin obedient (each is first taught, by imitation, what it is told), to see whether
learning finds anything better, and at random as well. Figures are exact: sums over all that can happen when everybody acts
greedily.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import commenv
from experiments.files import Tell, read_json, silent, write_json
from experiments.runs import Recipe, quiet, session
from experiments.studies import Study, spread

MARGIN = 0.02
"""Of the mechanisms: agents who are indifferent learn nothing."""
CHANCE, OBEDIENCE = "at random", "obedient"
CASES = (
    ("deterministic", CHANCE, (0, 1, 2)),
    ("correlated", OBEDIENCE, (1,)),
    ("correlated", CHANCE, (1,)),
)
"""Mechanism, how the agents begin, and bits a report."""
TRAINING: dict[str, Any] = {
    "num_envs_per_env_runner": 1024,
    "rollout_fragment_length": 3,
    "num_epochs": 4,
    "lr": [[0, 3e-3], [1, 3e-4]],
}
STEPS = 184_320
KINDS = {"reward": float, "promised": float, "obeyed": float, "true": float, "gain": float}


def study(seeds: Sequence[int], folder: Path, tell: Tell = silent) -> Study:
    rows, worst = [], 0.0
    jobs = [(mechanism, start, bits, seed) for seed in seeds for mechanism, start, rates in CASES for bits in rates]
    found = {}
    for k, job in enumerate(jobs):
        tell(k, len(jobs), f"{job[0]}, {job[1]}, {job[2]} bits, seed {job[3]}")
        found[job] = _kept(folder, *job)
    for mechanism, start, rates in CASES:
        for bits in rates:
            teams = [found[mechanism, start, bits, seed] for seed in seeds]
            limits = commenv.limits("acquisition/hiring-v0", bits=bits)
            shares = [limits.efficiency(team["reward"]) for team in teams]
            rows.append(
                [
                    *(mechanism, start, bits, len(seeds), spread([team["reward"] for team in teams], 4)),
                    *(round(teams[0]["promised"], 4), round(limits.reachable.value, 4)),
                    None if None in shares else spread([share for share in shares if share is not None]),
                    *(spread([team[key] for team in teams]) for key in ("obeyed", "true")),
                    spread([team["gain"] for team in teams], 4),
                ]
            )
            if (mechanism, start) != ("correlated", CHANCE):
                worst = max(worst, *(team["gain"] for team in teams))
    columns = [
        *("mechanism", "agents begin", "bits", "seeds", "principal's reward", "promised", "best mechanism", "efficiency"),
        *("efforts as told", "true reports", "largest gain by deviating"),
    ]
    notes = [
        f"Common source with noise .2, cost .05, cap 1; each mechanism is the best of its kind with margin {MARGIN}. Promised is "
        "what it earns the principal of obedient agents, best mechanism the optimum without a margin. Median (least-most) over "
        "seeds, all exact.",
        f"But for the correlated mechanism from random beginnings, no agent gains more than {worst:.2g} of the cap of 1 by any "
        "deviation.",
    ]
    return Study("Hiring: agents who learn under a fixed mechanism", columns, rows, notes)


def _kept(folder: Path, mechanism: str, start: str, bits: int, seed: int) -> dict[str, Any]:
    path = folder / f"seed={seed}" / f"{mechanism}, {start}, {bits} bits.json"
    page = read_json(path, KINDS)
    if page is None:
        page = _learned(mechanism, start, bits, seed)
        write_json(path, page)
    return page


def _learned(mechanism: str, start: str, bits: int, seed: int) -> dict[str, Any]:
    from agents.exact import hiring
    from commenv.solvers.hiring import audit

    options = {"mechanism": mechanism, "margin": MARGIN, "bits": bits}
    taught = start == OBEDIENCE
    entropy = 0.0 if taught else 0.5  # an effort must be tried until reports mean something
    training = {**TRAINING, "entropy_coeff": [[0, entropy], [0.7, 0.0]]}
    recipe = Recipe("acquisition/hiring-v0", options, seed, "independent", STEPS, {"hidden": [32]}, training)
    team = trained(recipe, obedience if taught else lambda algorithm: None)
    instance, _ = team.options.plans()
    committed = team.options.committed()
    strategies = [hiring.strategy(team, i) for i in range(len(instance.costs))]
    obeyed, true = hiring.as_told(team.options, strategies)
    return {
        "reward": hiring.earned(team),
        "promised": committed.earns(instance),
        "obeyed": obeyed,
        "true": true,
        "gain": max(deviation.gain for deviation in audit(instance, committed, strategies)),
    }


def trained(recipe: Recipe, prepare: Callable[[Any], None] = lambda algorithm: None) -> Any:
    """The team that a recipe makes, once `prepare` has had the algorithm that is to train it."""
    quiet()
    session()
    config = recipe.config()
    algorithm = config.build_algo()
    try:
        prepare(algorithm)
        for _ in range(-(-config.total_steps // config.train_batch_size_per_learner)):
            algorithm.train()
        return algorithm.team()
    finally:
        algorithm.stop()


def obedience(algorithm: Any) -> None:
    """Teach every agent to do as it is told and to report what it sees: cross-entropy on all it may come to see."""
    import torch
    from torch.nn.functional import cross_entropy

    from agents.exact.hiring import Obedient, views
    from agents.networks import choices

    options = algorithm.config.options()
    weights = {}
    for i in range(len(options.instance.costs)):
        name, agent = f"agent_{i}", Obedient(options, i)
        seen = np.concatenate([view.reshape(-1, view.shape[-1]) for view in views(options, i)])
        wanted = torch.from_numpy(agent.act(seen).reshape(len(seen), -1))
        module = algorithm.get_module(name)
        parts = choices(module.action_space)
        optimiser = torch.optim.Adam(module.policy.parameters(), 1e-2)
        for _ in range(300):
            logits = module.policy(torch.from_numpy(seen)).split(parts, -1)
            loss = sum((cross_entropy(part, wanted[:, k]) for k, part in enumerate(logits)), torch.zeros(()))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        weights[name] = module.get_state()
    algorithm.learner_group.set_state({"learner": {"rl_module": weights}})
    algorithm.env_runner_group.sync_weights(from_worker_or_learner_group=algorithm.learner_group)
