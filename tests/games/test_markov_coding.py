"""Markov coding games: rules played by hand and against Gymnasium, the channel they are, and their limits."""

import gymnasium
import numpy as np
import pytest

import commenv
from commenv import coding
from commenv.core.game import choose
from commenv.games import rules
from commenv.interfaces.audit import audit

GRID, MAZE, MDP = "coding/code_grid-v0", "coding/code_maze-v0", "coding/mdp-v0"
RIGHT, DOWN = 1, 0  # of CodeGrid: (0, +1) and (+1, 0)


def play(env, actions, guesses):
    """One game of a sender who knows its way; returns the last infos and the rewards of every step."""
    env.reset(seed=3)
    rewards = []
    for action in actions:
        _, reward, *_ = env.step({"sender": action})
        rewards.append(reward["receiver"])
    for guess in guesses:
        _, reward, _, _, infos = env.step({"receiver": guess})
        rewards.append(reward["sender"])
    assert not env.agents
    return infos["sender"], rewards


def test_code_grid_by_hand():
    env = commenv.make(GRID, messages=4, zeta=2.0)
    for guess in range(4):
        infos, rewards = play(env, [RIGHT, DOWN] * 3, [guess])
        message = env.batch.buffers.final[:181].argmax()  # not the message: the place, which is the corner
        assert message == 15
        assert rewards[:6] == [0, 0, 0, 0, 0, 1]
        assert rewards[6] in (0, 2)
        assert infos["mdp_return"] == 1
        assert infos["decode_correct"] == infos["success"] == rewards[6] / 2
        assert infos["bits_delivered"] == rewards[6]  # log2 4 bits, or none


def test_one_guess_is_right():
    env = commenv.make(GRID, messages=4)
    assert sum(play(env, [RIGHT, DOWN] * 3, [guess])[0]["decode_correct"] for guess in range(4)) == 1


def test_code_grid_ends_after_its_horizon():
    env = commenv.make(GRID)
    infos, rewards = play(env, [RIGHT, 3] * 4, [0])
    assert infos["mdp_return"] == 0
    assert len(rewards) == 9


def test_what_is_not_available_is_the_next_that_is():
    env = commenv.make(GRID)
    env.reset(seed=0)
    observations, *_ = env.step({"sender": 2})  # x - 1 from the corner: then y - 1, which there is not either, then x + 1
    public = observations["receiver"]
    assert public[:16].argmax() == 4
    assert public[17 + 16 : 17 + 20].argmax() == 0  # what was executed is what is seen


def test_both_see_the_whole_way():
    env = commenv.make(GRID)
    env.reset(seed=0)
    way = [RIGHT, RIGHT, DOWN, DOWN, DOWN, RIGHT]
    for action in way:
        observations, *_ = env.step({"sender": action})
    slots = observations["receiver"][17:].reshape(8, 20)
    assert slots[:6, 16:].argmax(axis=1).tolist() == way
    assert slots[:6, :16].argmax(axis=1).tolist() == [0, 1, 2, 6, 10, 14]
    assert not slots[6:].any()
    np.testing.assert_array_equal(observations["sender"][:177], observations["receiver"])
    assert observations["sender"][177:].sum() == 1


def test_actuator_noise_replaces_one_action_in_four():
    batch = commenv.make_batch(GRID, 20_000, seed=0, noise=0.25, horizon=1, history=1)
    batch.reset()
    observations, *_ = batch.step({"sender": np.zeros(20_000, int), "receiver": np.zeros(20_000, int)})
    share = (observations["receiver"][:, :16].argmax(axis=1) == 1).mean()  # y + 1 instead of x + 1
    assert abs(share - 0.125) < 4 * np.sqrt(0.125 * 0.875 / 20_000)


def test_messages_follow_their_prior():
    prior = [0.4, 0.2, 0.2, 0.1, 0.1]
    batch = commenv.make_batch(GRID, 20_000, seed=0, messages=5, prior=prior)
    seen = batch.reset()["sender"][:, 177:]
    assert np.abs(seen.mean(axis=0) - prior).max() < 4 * np.sqrt(0.4 * 0.6 / 20_000)


def test_the_maze_slips_and_has_walls():
    options = choose(rules(MAZE), {})
    P = options.mdp.transition
    start = 5 * 8 + 4
    assert P[start, 0, 4 * 8 + 4] == 0  # a wall at (4, 4)
    assert P[start, 0, start] == pytest.approx(0.9)  # and one at (5, 5), to which it would slip
    assert P[start, 0, 5 * 8 + 3] == pytest.approx(0.1)
    assert P[0, 1, 0] == pytest.approx(0.1)
    np.testing.assert_allclose(P.sum(axis=2), 1)


def test_rewards_of_the_maze_are_discounted():
    """A shortest way of a maze that does not slip."""
    env = commenv.make(MAZE, slip=0.0, rate_limit="none")
    env.reset(seed=0)
    up, right, _, left = range(4)
    for move in [left] * 4 + [up] * 5 + [right] * 7:  # walls leave one gap, at the corner
        observations, rewards, *_ = env.step({"sender": move})
    assert observations["receiver"][:64].argmax() == 7
    assert rewards["receiver"] == pytest.approx(0.95**16)
    assert env.movers == ["receiver"]


@pytest.mark.parametrize(("limit", "speaks"), [("per_step", 3), ("total", 1)])
def test_the_source_speaks_before_each_step_or_once(limit, speaks):
    env = commenv.make(MAZE, rate_limit=limit, horizon=3, messages=4, bits=2)
    env.reset(seed=0)
    order = []
    while env.agents:
        (mover,) = env.movers
        order.append(mover)
        env.step({mover: 0})
    assert order.count("source") == speaks
    assert order.count("sender") == 3
    assert order[-1] == "receiver"


@pytest.mark.parametrize("id", [GRID, "coding/code_cart-v0"])
def test_when_all_parts_are_named_none_is_to_be_named(id):
    """The last observation once wrote beyond its end, into the next game's."""
    batch = commenv.make_batch(id, 3, seed=0, messages=2, parts=3, horizon=1)
    batch.reset()
    for _ in range(4):
        *_, infos = batch.step({"sender": np.zeros(3, int), "receiver": np.zeros(3, int)})
    last = infos["receiver"]["final_obs"]
    assert not last[:, -3:].any()
    if id == GRID:
        np.testing.assert_array_equal(last[:, :16].sum(axis=1), 1)


def test_gymnasiums_lake_is_played_alike():
    """The same actions on a frozen lake without slipping, step for step."""
    lake = gymnasium.make("FrozenLake-v1", is_slippery=False)
    env = coding.from_mdp(lake.unwrapped.P, horizon=30, messages=4)
    rng = np.random.default_rng(0)
    for _ in range(20):
        place, _ = lake.reset(seed=0)
        env.reset(seed=0)
        for _ in range(30):
            action = int(rng.integers(4))
            place, reward, over, *_ = lake.step(action)
            observations, rewards, *_ = env.step({"sender": action})
            assert observations["receiver"][:16].argmax() == place
            assert rewards["receiver"] == reward
            assert env.movers == (["receiver"] if over else env.movers)
            if over:
                break


def test_a_process_of_arrays():
    P = np.zeros((3, 2, 3))
    P[0, 0] = [0.5, 0.5, 0]
    P[0, 1, 2] = P[1, :, 2] = P[2, :, 2] = 1
    for R in (np.array([0.0, 1.0, 3.0]), np.ones((3, 2)), np.ones((3, 2, 3))):
        env = coding.from_mdp(P, R, terminal=[2], horizon=4, messages=2)
        env.reset(seed=0)
        _, rewards, *_ = env.step({"sender": 1})
        assert rewards["sender"] == (3 if R.ndim == 1 else 1)
    with pytest.raises(ValueError, match="R="):
        coding.from_mdp(P, np.ones(4), horizon=1)
    with pytest.raises(ValueError, match="P="):
        coding.from_mdp(P[0], np.ones(3), horizon=1)
    with pytest.raises(ValueError, match="each row of sum 1"):
        coding.from_mdp(P * 0.5, np.ones(3), horizon=1)


def test_babbling_and_separating():
    """Two messages and three actions that earn 4, 3 and 0: separating is better exactly if zeta exceeds 1."""
    for zeta in (0.5, 1.5):
        batch = commenv.make_batch(MDP, 4000, seed=0, zeta=zeta)
        message = batch.reset()["sender"][:, -2:].argmax(axis=1)
        earned = {}
        for name, actions in (("babble", 0 * message), ("separate", message)):
            batch.reset(seed=0)
            *_, first = batch.step({"sender": actions, "receiver": 0 * message})[1].values()
            guess = message if name == "separate" else 0 * message
            *_, second = batch.step({"sender": 0 * message, "receiver": guess})[1].values()
            earned[name] = (first + second).mean()
        assert earned["babble"] == pytest.approx(4 + zeta / 2, abs=4 * zeta / 2 / np.sqrt(4000))
        assert earned["separate"] == pytest.approx(3.5 + zeta, abs=4 / 2 / np.sqrt(4000))
        assert (earned["separate"] > earned["babble"]) == (zeta > 1)
        assert max(earned.values()) <= commenv.limits(MDP, zeta=zeta).ceiling.value + 4 / np.sqrt(4000)


def test_nothing_but_acts_carries_the_message():
    """Another message and the same acts: whoever does not see the message sees the same, until it is named."""
    for id, options in ((GRID, {"noise": 0.2}), (MAZE, {"horizon": 6, "messages": 4, "bits": 2}), (MDP, {"zeta": 1.0})):
        told = []
        for message in (0, 1):
            batch = commenv.make_batch(id, 1, seed=5, **options)
            batch.reset()
            batch.state.board[0, 0] = batch.state.games["state"][0] = message
            seen = [batch.observations]
            while not batch.active["receiver"][0]:
                seen.append(batch.step({name: np.zeros(1, int) for name in batch.possible_agents})[0])
            told.append(seen)
        blind = ["receiver"] if "source" not in batch.possible_agents else ["sender", "receiver"]
        for first, second in zip(*told, strict=True):
            for name in blind:
                np.testing.assert_array_equal(first[name], second[name])


@pytest.mark.parametrize("id", [GRID, MAZE, MDP])
def test_the_audit_sees_that_acts_are_seen(id):
    found = audit(lambda: commenv.make(id, **({"messages": 8, "bits": 3} if id == MAZE else {})), seeds=2, steps=6)
    assert "observation" in found.seen
    assert found.passed


def test_limits():
    grid = commenv.limits(GRID, messages=4)
    assert grid.silent.value == 1.25
    assert grid.silent.exact
    assert grid.ceiling.value == pytest.approx(2.0)
    assert commenv.limits(GRID, messages=1024, zeta=1).ceiling.value < 1.9  # more messages than ways of the best reward
    once = commenv.limits(MAZE, messages=16, rate_limit="total", bits=2)
    assert once.silent.value < once.ceiling.value < commenv.limits(MAZE, messages=16).ceiling.value - 0.1
    mute = commenv.limits(MAZE, messages=16, bits=0)
    assert mute.ceiling.value == pytest.approx(mute.silent.value)
    assert mute.ceiling.exact


@pytest.mark.parametrize(
    "options",
    [
        {"messages": 1},
        {"prior": [0.5, 0.6, 0.1, 0.1]},
        {"parts": 0},
        {"zeta": -1},
        {"noise": 1.5},
        {"rate_limit": "some"},
        {"horizon": 0},
        {"discount": 0.0},
        {"history": 65},
        {"size": 1},
    ],
)
def test_options_that_are_not_allowed_are_named(options):
    (name,) = options
    with pytest.raises(ValueError, match=name):
        commenv.make(GRID, **options)


def test_a_process_that_is_none_is_refused():
    with pytest.raises(ValueError, match="transition"):
        commenv.make(MDP, transition=[[[1.0]]])
    for states in ((7,), (2.5,), (-1,), (float("nan"),)):
        with pytest.raises(ValueError, match=r"^terminal=.* is not allowed: it must be states, from 0 to"):
            commenv.make(MDP, terminal=states)
