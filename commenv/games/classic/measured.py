"""What a scripted team achieves, played and averaged: a floor where the best team's value is not known."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from commenv.core.batch import Batch
from commenv.core.game import Options, Rules
from commenv.core.limits import Limit

GAMES, AT_ONCE, FEWEST = 4096, 1024, 64
SEEN, SEEN_AT_ONCE = 3 * 10**9, 3 * 10**7
"""Numbers in all observations, and in those of one step: a few seconds, and a few hundred megabytes. Larger games are fewer."""

Policy = Callable[[Batch], dict[str, np.ndarray]]


def measured(rules: Rules, options: Options, policy: Policy, of: str, team: str) -> Limit:
    """Mean over the first game of each of 4,096 seeds (fewer where they are large) of `success`, or of `episode_return` by agent.

    options: with max_cycles, so that every game ends. policy: from a batch to the actions of all its agents.
    """
    values = np.concatenate([first_games(batch, policy, of) for batch in batches(rules, options)])
    return Limit(float(values.mean()), False, f"lower bound: {team}, {sample(values)}")


def batches(rules: Rules, options: Options) -> Iterator[Batch]:
    """Fresh batches with seeds 0, 1, ..., as many games as are measured."""
    assert options.max_cycles is not None
    seen = sum(space.shape[0] for space in Batch(rules, options, 1, seed=0).observation_spaces.values() if space.shape)
    games = max(min(GAMES, SEEN // (options.max_cycles * seen)), FEWEST)
    at_once = max(min(AT_ONCE, SEEN_AT_ONCE // seen), 1)
    for first in range(0, games, at_once):
        yield Batch(rules, options, min(at_once, games - first), seed=first, copy=False)


def sample(values: np.ndarray) -> str:
    """How sure their mean is, in words."""
    return f"measured over {len(values):,} games, s.e. {values.std() / np.sqrt(len(values)):.2g}"


def first_games(batch: Batch, policy: Policy, of: str) -> np.ndarray:
    """Of every row's first game the success, or the mean return of its agents."""
    batch.reset()
    values, running = np.zeros(batch.num_envs), np.ones(batch.num_envs, bool)
    while running.any():
        infos: dict[str, dict[str, Any]] = batch.step(policy(batch))[-1]
        finals = [info["final_info"][of] for info in infos.values() if "final_info" in info]
        if finals:
            over = running & infos[batch.possible_agents[0]]["_final_info"]
            values[over] = np.mean(finals, axis=0)[over]
            running &= ~over
    return values
