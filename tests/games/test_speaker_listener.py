"""Speaker and listener: mpe2's world step for step, a scripted team's returns, and nothing heard but the channel."""

import numpy as np
import pytest
from examples import digest
from worlds import scatter, side_by_side

import commenv
from commenv import Channel
from commenv.core.batch import Batch
from commenv.games.classic import particles, speaker_listener

ID = "classic/speaker_listener-v0"


def hear_two(channel: Channel, t: int) -> np.ndarray:
    """Two symbols that tell the first landmark from the others, and nothing more."""
    return np.array([0, 1, 1])


# ---------------------------------------------------------------------------------------------------------------- mpe2
@pytest.mark.parametrize("wild", [False, True])
def test_it_is_mpe2_s_world_step_for_step(wild):
    mpe2 = pytest.importorskip("mpe2.simple_speaker_listener_v4")
    batch = commenv.make_batch(ID, 30, seed=1)
    assert tuple(batch.possible_agents) == tuple(mpe2.parallel_env().possible_agents)
    side_by_side(batch, mpe2.parallel_env, 25, 1, lambda actions: {name: int(a) for name, a in actions.items()}, wild)


# ---------------------------------------------------------------------------------------------------------------- rules
def test_a_push_shows_in_the_position_two_observations_later():
    batch = commenv.make_batch(ID, 5, seed=0)
    before = batch.reset()["listener_0"][:, 2:4]
    push = {"speaker_0": np.zeros(5, int), "listener_0": np.arange(5)}
    rest = {name: np.zeros(5, int) for name in push}
    velocity = 0.5 * np.array([[0, 0], [-1, 0], [1, 0], [0, -1], [0, 1]])
    once = batch.step(push)[0]["listener_0"]
    np.testing.assert_array_equal(once[:, 2:4], before)
    np.testing.assert_allclose(once[:, :2], velocity)
    twice = batch.step(rest)[0]["listener_0"]
    np.testing.assert_allclose(twice[:, 2:4], before - 0.1 * velocity, atol=1e-6)
    np.testing.assert_allclose(twice[:, :2], 0.75 * velocity)


def test_reward_and_success_are_of_the_goal():
    batch = commenv.make_batch(ID, 300, seed=2, max_cycles=1)
    observations = batch.reset()
    goal = observations["speaker_0"].argmax(axis=1)
    distances = np.linalg.norm(observations["listener_0"][:, 2:8].reshape(-1, 3, 2), axis=2)
    _, rewards, _, truncations, infos = batch.step({name: np.zeros(300, int) for name in batch.possible_agents})
    np.testing.assert_allclose(rewards["listener_0"], -(distances[np.arange(300), goal] ** 2), rtol=1e-5)
    np.testing.assert_array_equal(rewards["listener_0"], rewards["speaker_0"])
    assert truncations["listener_0"].all()
    np.testing.assert_array_equal(infos["speaker_0"]["final_info"]["success"], distances.argmin(axis=1) == goal)


def test_games_begin_uniformly():
    n = 20_000
    batch = commenv.make_batch(ID, n, seed=3)
    batch.reset()
    games, agents = batch.state.games, batch.state.agents
    goals = np.bincount(agents["goal"][:, 0], minlength=3)
    assert (np.abs(goals - n / 3) < 4 * np.sqrt(n * 2 / 9)).all()
    for values in (agents["x"][:, 1], agents["y"][:, 1], *(games[f"{axis}{k}"] for axis in "xy" for k in range(3))):
        assert values.min() >= -1
        assert values.max() < 1
        assert abs(values.mean()) < 4 / np.sqrt(3 * n)
        assert abs((values**2).mean() - 1 / 3) < 4 * np.sqrt(4 / 45 / n)


# ---------------------------------------------------------------------------------------------------------------- limits
def agrees(returns: np.ndarray, spec: float, error: float = 0.06) -> bool:
    """Two means of 20,000 games that differ by less than 4 standard errors."""
    return bool(abs(returns.mean() - spec) < 4 * np.hypot(returns.std() / np.sqrt(len(returns)), error))


@pytest.mark.parametrize(
    ("knows", "bits", "name", "spec"),
    [
        ("nothing", None, "nothing", -15.481),
        ("heard", 1, "heard from 2", -7.575),
        ("heard", None, "heard from more", -7.500),
        ("start", None, "start", -7.357),
    ],
)
def test_the_scripted_team(knows, bits, name, spec):  # spec/benchmarks.md
    options = speaker_listener.Options(bits=bits)
    mean, error = particles.measured(speaker_listener, options, speaker_listener.PAIRS, True, knows)
    assert (mean, error) == pytest.approx(speaker_listener.RECORDED[name], abs=1e-4)
    assert abs(mean - spec) < 4 * np.hypot(error, 0.06)


def test_two_symbols_cap_a_listener_without_memory():
    batch = commenv.make_batch(ID, 20_000, seed=40_000, bits=1, copy=False)
    assert agrees(particles.earned(batch, speaker_listener.PAIRS, True, code=hear_two, memory=False), -11.439)


def test_limits_fall_with_noise_and_rise_with_the_rate():
    def reachable(**options) -> float:
        limits = commenv.limits(ID, **options)
        assert limits.silent.value <= limits.reachable.value <= limits.ceiling.value
        assert not limits.reachable.exact
        return limits.reachable.value

    assert reachable(bits=0) < reachable(bits=1) < reachable() == reachable(bits=16)
    assert reachable(channel={"erasure": 0.9}) < reachable(channel={"erasure": 0.5}) < reachable()
    assert reachable(channel={"error": 0.3}) < reachable()
    once = reachable(channel={"bits": 2, "silence": True, "cap": 2})  # one message, and no noise: as good as many
    assert once == pytest.approx(reachable(bits=2), abs=1e-4)


# ---------------------------------------------------------------------------------------------------------------- silence
def test_nobody_sees_but_through_the_channel():
    """Another goal: the listener sees the same. Another place of the listener: the speaker sees the same."""
    n, rng = 200, np.random.default_rng(0)

    def batch() -> Batch:
        made = commenv.make_batch(ID, n, seed=6, channel={"error": 0.2, "erasure": 0.1})
        made.reset()
        return made

    ours, other_goal, other_place = batch(), batch(), batch()
    other_goal.state.agents["goal"][:, 0] = (ours.state.agents["goal"][:, 0] + rng.integers(1, 3, n)) % 3
    scatter(other_place, rng)
    for _ in range(24):
        action = {"speaker_0": rng.integers(3, size=n), "listener_0": rng.integers(5, size=n)}
        told, told_goal, told_place = (b.step(action) for b in (ours, other_goal, other_place))
        assert digest(told[0]["listener_0"], told[2:4]) == digest(told_goal[0]["listener_0"], told_goal[2:4])
        assert digest(told[0]["speaker_0"], told[2:4]) == digest(told_place[0]["speaker_0"], told_place[2:4])
        assert digest(told[4]["listener_0"]["payload_bits"]) == digest(told_goal[4]["listener_0"]["payload_bits"])


@pytest.mark.parametrize("options", [{"max_cycles": None}, {"max_cycles": 0}, {"bits": 17}, {"channel": {"error": 2}}])
def test_bad_options_are_named(options):
    name = next(iter(options))
    with pytest.raises(ValueError, match="error=2" if name == "channel" else f"{name}="):
        commenv.make(ID, **options)
