"""Reference: mpe2's world step for step, a scripted team's returns, and nothing heard but the channel."""

import numpy as np
import pytest
from examples import digest
from worlds import side_by_side

import commenv
from commenv import Channel
from commenv.games.classic import particles, reference

ID = "classic/reference-v0"


def as_one_number(actions: dict) -> dict:
    """mpe2's Discrete(50): move = a % 5, message = a // 5."""
    return {name: int(move + 5 * message) for name, (move, message) in actions.items()}


def hear_two(channel: Channel, t: int) -> np.ndarray:
    return np.array([0, 1, 1])


# ---------------------------------------------------------------------------------------------------------------- mpe2
@pytest.mark.parametrize("wild", [False, True])
@pytest.mark.parametrize("local_ratio", [0.5, 0.3, 1.0])
def test_it_is_mpe2_s_world_step_for_step(wild, local_ratio):
    mpe2 = pytest.importorskip("mpe2.simple_reference_v3")
    batch = commenv.make_batch(ID, 20, seed=1, local_ratio=local_ratio)
    assert tuple(batch.possible_agents) == tuple(mpe2.parallel_env().possible_agents)

    def world(max_cycles: int):
        return mpe2.parallel_env(max_cycles=max_cycles, local_ratio=local_ratio)

    side_by_side(batch, world, 25, 1, as_one_number, wild)


# ---------------------------------------------------------------------------------------------------------------- rules
def test_an_agent_is_paid_for_where_the_other_stands():
    batch = commenv.make_batch(ID, 300, seed=2, max_cycles=1, local_ratio=1)
    observations = batch.reset()
    goals = {name: rows[:, 8:11].argmax(axis=1) for name, rows in observations.items()}
    distances = {name: np.linalg.norm(rows[:, 2:8].reshape(-1, 3, 2), axis=2) for name, rows in observations.items()}
    _, rewards, *_, infos = batch.step({name: np.zeros((300, 2), int) for name in batch.possible_agents})
    arrived = np.zeros(300)
    for name, other in (("agent_0", "agent_1"), ("agent_1", "agent_0")):
        np.testing.assert_allclose(rewards[name], -distances[other][np.arange(300), goals[name]], rtol=1e-5)
        arrived += (distances[other].argmin(axis=1) == goals[name]) / 2
    np.testing.assert_array_equal(infos["agent_0"]["final_info"]["success"], arrived)


def test_words_are_worth_three_times_one_s_own_moves():
    """With the default mixture, an agent's reward changes by .75 of the other's distance and by .25 of its own."""
    batch = commenv.make_batch(ID, 1, seed=0, max_cycles=100)
    batch.reset()
    agents, still = batch.state.agents, {name: np.zeros((1, 2), int) for name in batch.possible_agents}
    games = batch.state.games
    for k in range(3):
        games[f"x{k}"] = games[f"y{k}"] = 0.0
    agents["y"] = agents["vx"] = agents["vy"] = 0.0
    agents["x"] = [[1.0, 3.0]]
    _, rewards, *_ = batch.step(still)
    assert rewards["agent_0"][0] == pytest.approx(-(0.75 * 3 + 0.25 * 1))
    assert rewards["agent_1"][0] == pytest.approx(-(0.75 * 1 + 0.25 * 3))


# ---------------------------------------------------------------------------------------------------------------- limits
@pytest.mark.parametrize(
    ("knows", "bits", "name", "spec"),
    [
        ("heard", 1, "heard from 2", -7.599),
        ("heard", None, "heard from more", -7.497),
        ("start", None, "start", -7.329),
    ],
)
def test_the_scripted_team(knows, bits, name, spec):  # spec/benchmarks.md
    options = reference.Options(bits=bits)
    mean, error = particles.measured(reference, options, reference.PAIRS, False, knows)
    assert (mean, error) == pytest.approx(reference.RECORDED[name], abs=1e-4)
    assert abs(mean - spec) < 4 * np.hypot(error, 0.06)


def test_a_silent_team_goes_to_the_median_which_beats_the_centroid():
    mean, error = particles.measured(reference, reference.Options(), reference.PAIRS, False, "nothing")
    assert (mean, error) == pytest.approx(reference.RECORDED["nothing"], abs=1e-4)
    batch = commenv.make_batch(ID, 20_000, seed=0, copy=False)  # the same games
    centroid = particles.earned(batch, reference.PAIRS, True, "nothing")
    assert abs(centroid.mean() + 17.420) < 4 * np.hypot(centroid.std() / np.sqrt(20_000), 0.06)  # spec/benchmarks.md
    assert mean > centroid.mean() + 0.5


def test_two_symbols_cap_agents_without_memory():
    batch = commenv.make_batch(ID, 20_000, seed=40_000, bits=1, copy=False)
    returns = particles.earned(batch, reference.PAIRS, False, code=hear_two, memory=False)
    error = np.hypot(returns.std() / np.sqrt(len(returns)), 0.06)
    assert abs(returns.mean() + 13.075) < 4 * error


# ---------------------------------------------------------------------------------------------------------------- silence
def test_nobody_sees_but_through_the_channel():
    """Another goal in one agent's hands, or another body: the other sees the same."""
    n, rng = 200, np.random.default_rng(0)

    def batch():
        made = commenv.make_batch(ID, n, seed=6, channel={"error": 0.2, "erasure": 0.1})
        made.reset()
        return made

    ours, theirs = batch(), batch()
    agents = theirs.state.agents
    agents["goal"][:, 0] = (agents["goal"][:, 0] + rng.integers(1, 3, n)) % 3
    for name in ("x", "y", "vx", "vy"):
        agents[name][:, 0] = rng.normal(size=n)
    for _ in range(24):
        action = {name: np.column_stack([rng.integers(5, size=n), rng.integers(10, size=n)]) for name in ours.possible_agents}
        changed = {**action, "agent_0": np.column_stack([rng.integers(5, size=n), action["agent_0"][:, 1]])}
        told, told_theirs = ours.step(action), theirs.step(changed)
        assert digest(told[0]["agent_1"], told[2:4]) == digest(told_theirs[0]["agent_1"], told_theirs[2:4])
        assert digest(told[4]["agent_1"]) == digest(told_theirs[4]["agent_1"])
        assert digest(told[0]["agent_0"]) != digest(told_theirs[0]["agent_0"])


@pytest.mark.parametrize("options", [{"max_cycles": None}, {"local_ratio": 1.5}, {"local_ratio": "half"}, {"bits": 17}])
def test_bad_options_are_named(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))}="):
        commenv.make(ID, **options)
