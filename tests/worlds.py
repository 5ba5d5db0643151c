"""mpe2's worlds put into the state of ours, and played beside them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from commenv.core.batch import Batch


def put(world: Any, batch: Batch, i: int) -> None:
    """Give an mpe2 world the bodies, landmarks and goals of game i."""
    game, agents = batch.state.games[i], batch.state.agents[i]
    for k, landmark in enumerate(world.landmarks):
        landmark.state.p_pos = np.array([game[f"x{k}"], game[f"y{k}"]])
    for a, (theirs, ours) in enumerate(zip(world.agents, agents, strict=True)):
        theirs.state.p_pos, theirs.state.p_vel = np.array([ours["x"], ours["y"]]), np.array([ours["vx"], ours["vy"]])
        if batch.layout.speaks(a):
            theirs.goal_b = world.landmarks[int(ours["goal"])]


def scatter(batch: Batch, rng: np.random.Generator) -> None:
    """Any bodies, at any speed, and any landmarks: what no reset would give."""
    agents, games = batch.state.agents, batch.state.games
    for name in ("x", "y", "vx", "vy"):
        agents[name] = rng.normal(size=agents.shape)
    for k in range(3):
        games[f"x{k}"], games[f"y{k}"] = rng.normal(size=(2, len(games)))


def side_by_side(batch: Batch, world: Any, steps: int, seed: int, theirs: Callable[[dict], dict], wild: bool = False) -> None:
    """Every game of the batch plays one episode beside an mpe2 environment in its state; all that is told must be the same.

    theirs: from our actions of one game to theirs. wild: also from states that no reset gives.
    """
    rng = np.random.default_rng(seed)
    n, names = batch.num_envs, batch.possible_agents
    high = {name: getattr(space, "nvec", getattr(space, "n", None)) for name, space in batch.action_spaces.items()}
    actions = [{name: rng.integers(high[name], size=(n, *np.shape(high[name]))) for name in names} for _ in range(steps)]
    observations = batch.reset()
    if wild:
        scatter(batch, rng)
    worlds = []
    for i in range(n):
        env = world(max_cycles=steps)
        env.reset(seed=0)
        put(env.aec_env.unwrapped.world, batch, i)
        worlds.append(env)
        for name in names if not wild else []:
            np.testing.assert_array_equal(seen(batch, name, observations[name][i]), env.aec_env.unwrapped.observe(name))
    for t, action in enumerate(actions):
        observations, rewards, terminations, truncations, infos = batch.step(action)
        if t + 1 == steps:
            observations = {name: infos[name]["final_obs"] for name in names}
        for i, env in enumerate(worlds):
            told = env.step(theirs({name: action[name][i] for name in names}))
            for name in names:
                np.testing.assert_array_equal(seen(batch, name, observations[name][i]), told[0][name], strict=True)
                assert rewards[name][i] == told[1][name]
                assert (terminations[name][i], truncations[name][i]) == (told[2][name], told[3][name])


def seen(batch: Batch, name: str, row: np.ndarray) -> np.ndarray:
    """Our observation as theirs has it: without the place of an erasure."""
    return row[:-1] if batch.inbox(name).stop > batch.inbox(name).start else row
