"""Hallway: its rules by hand, and a ceiling that silence attains."""

from itertools import product

import numpy as np
import pytest
from examples import digest

import commenv
from commenv.games.classic.hallway import BACK, FORWARD, STAY

ID = "classic/hallway-v0"


def place(batch, places):
    batch.state.agents["place"] = places


def step(batch, *moves):
    n = batch.num_envs
    return batch.step({f"agent_{i}": np.tile([move, 0], (n, 1)) for i, move in enumerate(moves)})


# ---------------------------------------------------------------------------------------------------------------- rules
@pytest.mark.parametrize(
    ("places", "moves", "then", "reward", "over"),
    [
        ((3, 4), (STAY, STAY), (3, 4), 0, False),
        ((3, 4), (FORWARD, BACK), (2, 5), 0, False),
        ((6, 6), (BACK, BACK), (6, 6), 0, False),  # a wall
        ((1, 1), (FORWARD, FORWARD), (0, 0), 10, True),
        ((1, 2), (FORWARD, FORWARD), (0, 1), 0, True),
        ((2, 1), (STAY, FORWARD), (2, 0), 0, True),
        ((1, 1), (STAY, FORWARD), (1, 0), 0, True),
    ],
)
def test_transitions(places, moves, then, reward, over):
    batch = commenv.make_batch(ID, 1, seed=0)
    batch.reset()
    place(batch, places)
    observations, rewards, terminations, _, infos = step(batch, *moves)
    if over:
        observations = {name: info["final_obs"] for name, info in infos.items()}
        assert infos["agent_0"]["final_info"]["success"][0] == (reward > 0)
    assert tuple(int(rows[0, :7].argmax()) for rows in observations.values()) == then
    assert rewards["agent_0"][0] == rewards["agent_1"][0] == reward
    assert terminations["agent_0"][0] == over


def test_time_runs_out():
    env = commenv.make(ID)
    env.reset(seed=0)
    for t in range(16):
        _, rewards, terminations, truncations, infos = env.step({"agent_0": [STAY, 0], "agent_1": [STAY, 0]})
        assert rewards["agent_0"] == 0
        assert terminations["agent_0"] == (t == 15)
    assert not truncations["agent_0"]
    assert infos["agent_1"]["success"] == 0


def test_starts_are_uniform():
    n = 60_000
    batch = commenv.make_batch(ID, n, seed=1, lengths=(6, 4))
    batch.reset()
    places = batch.state.agents["place"]
    counts = np.histogram2d(places[:, 0], places[:, 1], bins=[range(1, 8), range(1, 6)])[0]
    assert counts.sum() == n
    assert (np.abs(counts - n / 24) < 4.5 * np.sqrt(n / 24)).all()


# ---------------------------------------------------------------------------------------------------------------- limits
def best_of_all(lengths: tuple[int, int], horizon: int) -> float:
    """What a team earns that sees everything: a dynamic program over places and steps left."""
    rows, columns = (np.arange(length + 1) for length in lengths)
    value = np.zeros((lengths[0] + 1, lengths[1] + 1))
    for _ in range(horizon):
        after = []
        for first, second in product((0, -1, 1), repeat=2):
            r, c = np.clip(rows + first, 0, lengths[0]), np.clip(columns + second, 0, lengths[1])
            reward = np.where((r[:, None] == 0) & (c == 0), 10.0, 0.0)
            after.append(reward + np.where((r[:, None] == 0) | (c == 0), 0.0, value[np.ix_(r, c)]))
        value = np.max(after, axis=0)
    return float(value[1:, 1:].mean())


@pytest.mark.parametrize("horizon", [1, 4, 5, 6, 16])
@pytest.mark.parametrize("lengths", [(6, 6), (3, 5), (1, 1)])
def test_silence_earns_all_there_is(lengths, horizon):
    n = 20_000
    limits = commenv.limits(ID, lengths=lengths, horizon=horizon)
    best = best_of_all(lengths, horizon)
    assert limits.silent.value == pytest.approx(best)
    assert limits.ceiling.value == limits.reachable.value == limits.silent.value
    assert limits.efficiency(best) is None
    assert commenv.limits(ID, lengths=lengths, max_cycles=horizon).silent.value == pytest.approx(best_of_all(lengths, horizon))
    batch = commenv.make_batch(ID, n, seed=2, lengths=lengths, horizon=horizon, bits=0)
    observations, total = batch.reset(), np.zeros(n)
    running = np.ones(n, bool)
    for t in range(horizon):  # wait until no more steps are left than places to go
        late = {
            name: rows[:, : lengths[i] + 1].argmax(axis=1) >= horizon - t for i, (name, rows) in enumerate(observations.items())
        }
        moves = {name: np.column_stack([np.where(go, FORWARD, STAY), np.zeros(n, int)]) for name, go in late.items()}
        observations, rewards, terminations, *_ = batch.step(moves)
        total += running * rewards["agent_0"]
        running &= ~terminations["agent_0"]
    assert not running.any()
    assert abs(total.mean() - best) <= 4 * total.std() / np.sqrt(n) + 1e-9
    if horizon >= max(lengths):
        assert (total == 10).all()


def test_without_a_clock_silence_earns_a_sixth():
    n = 20_000
    batch = commenv.make_batch(ID, n, seed=3)
    batch.reset()
    total, running = np.zeros(n), np.ones(n, bool)
    for _ in range(6):
        _, rewards, terminations, *_ = step(batch, FORWARD, FORWARD)
        total += running * rewards["agent_0"]
        running &= ~terminations["agent_0"]
    assert abs(total.mean() - 10 / 6) < 4 * total.std() / np.sqrt(n)


# ---------------------------------------------------------------------------------------------------------------- silence
def test_nobody_sees_the_other_s_place():
    n, rng = 300, np.random.default_rng(0)
    ours, theirs = (commenv.make_batch(ID, n, seed=4, bits=2, channel={"error": 0.1}) for _ in range(2))
    for batch in (ours, theirs):
        batch.reset()
        batch.state.agents["place"] = 5
    theirs.state.agents["place"][:, 0] = rng.integers(4, 7, n)
    for _ in range(3):  # nobody comes to the end, which all would see
        said = {name: rng.integers(4, size=n) for name in ours.possible_agents}
        action = {name: np.column_stack([rng.integers(3, size=n), said[name]]) for name in said}
        changed = {**action, "agent_0": np.column_stack([rng.integers(3, size=n), said["agent_0"]])}
        told, told_theirs = ours.step(action), theirs.step(changed)
        assert not told[2]["agent_0"].any()
        assert digest(told[0]["agent_1"], told[2:4], told[4]["agent_1"]) == digest(
            told_theirs[0]["agent_1"], told_theirs[2:4], told_theirs[4]["agent_1"]
        )


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"lengths": 6}, "lengths=6"),
        ({"lengths": (6,)}, "lengths="),
        ({"lengths": "66"}, "lengths="),
        ({"lengths": (6, 0)}, "length=0"),
        ({"lengths": (6, 2.5)}, "length=2.5"),
        ({"horizon": 0}, "horizon=0"),
    ],
)
def test_bad_options_are_named(options, named):
    with pytest.raises(ValueError, match=named):
        commenv.make(ID, **options)
