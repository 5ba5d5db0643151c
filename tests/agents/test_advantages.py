"""Advantages against the definition, written out game by game, and against RLlib's own."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ray.rllib.utils.postprocessing.value_predictions import compute_value_targets

from agents import CommPPOConfig
from agents.advantages import generalised_advantages
from agents.graph_learning import GraphLoss, columns


def slow(rewards, values, active, terminated, truncated, finals, last, gamma, lambda_):
    """Of each decision: the lambda-weighted sum of the surprises that follow it, by following each game forwards."""
    T = len(rewards)
    advantages = np.zeros(T)
    decisions = [t for t in range(T) if active[t]]

    def surprise(t):
        total, u = rewards[t], t
        while not (terminated[u] or truncated[u]):
            u += 1
            if u == T:
                return total + gamma * last - values[t], None
            if active[u]:
                return total + gamma * values[u] - values[t], u
            total += rewards[u]
        return total + gamma * (0 if terminated[u] else finals[u]) - values[t], None

    for t in decisions:
        weight, at = 1.0, t
        while at is not None:
            delta, at = surprise(at)
            advantages[t] += weight * delta
            weight *= gamma * lambda_
    return advantages


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), always=st.booleans())
def test_against_the_definition(seed, always):
    rng = np.random.default_rng(seed)
    B, T = 3, 9
    rewards, values, finals, last = rng.normal(size=(B, T)), rng.normal(size=(B, T)), rng.normal(size=(B, T)), rng.normal(size=B)
    ends = rng.random((B, T)) < 0.3
    terminated = ends & (rng.random((B, T)) < 0.5)
    truncated = ends & ~terminated
    active = np.ones((B, T), bool) if always else rng.random((B, T)) < 0.6
    gamma, lambda_ = 0.9, 0.8
    arrays = [
        x if x.dtype == bool else x.astype(np.float32) for x in (rewards, values, active, terminated, truncated, finals, last)
    ]
    got = generalised_advantages(*map(torch.from_numpy, arrays), gamma, lambda_)
    for b in range(B):
        want = slow(rewards[b], values[b], active[b], terminated[b], truncated[b], finals[b], last[b], gamma, lambda_)
        assert np.allclose(got.advantages[b].numpy(), want, atol=1e-4)
        assert np.allclose(got.targets[b].numpy(), np.where(active[b], want + values[b], 0), atol=1e-4)


def test_against_rllib():
    """RLlib's value targets of one agent that always acts: it wants each episode one step longer, with its bootstrap value."""
    rng = np.random.default_rng(0)
    lengths, truncations = [3, 5, 4], [False, True, False]
    rewards, values, finals = (rng.normal(size=12).astype(np.float32) for _ in range(3))
    ends = np.cumsum(lengths) - 1
    terminated, truncated = np.zeros(12, bool), np.zeros(12, bool)
    terminated[ends], truncated[ends] = ~np.array(truncations), truncations
    long = {"rewards": [], "values": [], "terminateds": [], "truncateds": []}
    for end, length, cut in zip(ends, lengths, truncations, strict=True):
        at = slice(end - length + 1, end + 1)
        long["rewards"] += [*rewards[at], 0.0]
        long["values"] += [*values[at], finals[end] if cut else 0.0]
        long["terminateds"] += [*([False] * (length - 1)), not cut, True]
        long["truncateds"] += [*([False] * (length - 1)), cut, False]
    theirs = compute_value_targets(
        values=np.array(long["values"]),
        rewards=np.array(long["rewards"]),
        terminateds=np.array(long["terminateds"]),
        truncateds=np.array(long["truncateds"]),
        gamma=0.95,
        lambda_=0.9,
    )
    theirs = np.delete(theirs, np.cumsum(np.array(lengths) + 1) - 1)
    tensors = [torch.from_numpy(x)[None] for x in (rewards, values, np.ones(12, bool), terminated, truncated, finals)]
    ours = generalised_advantages(*tensors, torch.zeros(1), 0.95, 0.9)
    assert np.allclose(ours.targets[0].numpy(), theirs, atol=1e-5)


@pytest.mark.usefixtures("ray_session")
@pytest.mark.parametrize("id", ["classic/predator_prey-v0", "classic/traffic_junction-v0"])
def test_recurrent_graph_teams_against_rllib(id):
    """RLlib's value targets of every agent of a team with memory, over games that end, are cut, and go on past the fragment, and
    agents that come and go. Critics see the clock: a game that is cut is over; the end of a fragment is bootstrapped."""
    config = CommPPOConfig().environment(id, env_config={"max_cycles": 6})
    config.communication(graph="tarmac", memory="gru", width=16, total_steps=1000)
    config.env_runners(num_envs_per_env_runner=8, rollout_fragment_length=15).training(train_batch_size_per_learner=120)
    algo = config.debugging(seed=4, log_level="ERROR").build_algo()
    try:
        (fragment,) = algo.env_runner.sample()
        module = algo.learner_group._learner.module["team"].unwrapped()
        ours = columns(module, fragment, 0.95, 0.9, GraphLoss())
    finally:
        algo.stop()
    data, over = fragment.agents["team"], fragment.terminated | fragment.truncated
    assert over.any()
    with torch.no_grad():
        values = module.critic(torch.from_numpy(data["obs"]).flatten(0, 1), torch.from_numpy(data["time"]).flatten())
        last = module.critic(torch.from_numpy(data["last_obs"]), torch.from_numpy(data["last_time"])).numpy()
    B, T, N = data["rewards"].shape
    values, bootstrapped, compared = values.view(B, T, N).numpy(), 0, 0
    present = (data["obs"] != 0).any(-1)
    after = np.concatenate([present[:, 1:], (data["last_obs"] != 0).any(-1)[:, None]], 1)
    for b, i in np.ndindex(B, N):
        t = 0
        while t < T:
            start = t
            while t < T and present[b, t, i] and not over[b, t] and after[b, t, i]:
                t += 1
            t = min(t + 1, T)
            if not present[b, start, i]:
                continue
            at, ends = slice(start, t), over[b, t - 1] or not after[b, t - 1, i]
            bootstrapped, compared = bootstrapped + (not ends), compared + 1
            n = t - start
            theirs = compute_value_targets(
                values=np.append(values[b, at, i], 0.0 if ends else last[b, i]),
                rewards=np.append(data["rewards"][b, at, i], 0.0),
                terminateds=np.array([*[False] * (n - 1), ends, True]),
                truncateds=np.array([*[False] * (n - 1), not ends, False]),
                gamma=0.95,
                lambda_=0.9,
            )
            assert np.allclose(ours["targets"][b, at, i], theirs[:-1], atol=1e-4)
    assert bootstrapped
    assert compared > B * N


@pytest.mark.usefixtures("ray_session")
def test_graph_teams_in_games_of_turns():
    """Who sees nothing waits for its turn, and is paid for what comes of its act: undiscounted, all that its game still earns."""
    config = CommPPOConfig().environment("acquisition/features-v0", env_config={"bits": 1, "budget": 6.0, "price": 0.1})
    config.communication(graph="none", width=8, total_steps=1000)
    config.env_runners(num_envs_per_env_runner=32, rollout_fragment_length=20).training(train_batch_size_per_learner=640)
    algo = config.debugging(seed=4, log_level="ERROR").build_algo()
    try:
        (fragment,) = algo.env_runner.sample()
        found = columns(algo.learner_group._learner.module["team"].unwrapped(), fragment, 1.0, 1.0, GraphLoss())
    finally:
        algo.stop()
    rewards, over, told = fragment.agents["team"]["rewards"], fragment.terminated | fragment.truncated, 0
    for b, t, i in np.argwhere(found["acts"].numpy()):
        ends = np.flatnonzero(over[b, t:])
        if len(ends):
            assert float(found["targets"][b, t, i]) == pytest.approx(rewards[b, t : t + ends[0] + 1, i].sum(), abs=1e-5)
            told += i > 0
    assert told > 50
