"""Gymnasium's views: its own checks, the same games as the batch, others who play, ids that gymnasium finds."""

import subprocess
import sys
import warnings

import gymnasium
import numpy as np
import pytest
from examples import OPTION_SETS, REFERENCE, REFERENTIAL, RING, digest, random_actions
from gymnasium.utils.env_checker import check_env
from gymnasium.wrappers.vector import DictInfoToList, RecordEpisodeStatistics

import commenv
from commenv.interfaces.registration import gymnasium_id
from commenv.interfaces.single import SingleGame
from commenv.interfaces.vector import VectorGame


def copies(observations: np.ndarray) -> np.ndarray:
    """A sender that sends its state, a receiver that names what it heard: both read a one-hot vector."""
    return observations.argmax(axis=1)


# ------------------------------------------------------------------------------------------------ one agent
@pytest.mark.parametrize(("id", "agent"), [(REFERENTIAL, "sender"), (REFERENTIAL, "receiver"), (RING, "player_1")])
@pytest.mark.filterwarnings("ignore:.*not within the observation space")
def test_gymnasium_s_own_check(id, agent):
    check_env(SingleGame(id, agent, rounds=3) if id == REFERENTIAL else SingleGame(id, agent), skip_render_check=True)


@pytest.mark.parametrize("id", commenv.ids())
def test_every_id_can_be_made_and_played(id):
    agent = commenv.make(id).possible_agents[0]
    env = gymnasium.make(gymnasium_id(id), agent=agent)
    env.reset(seed=0)
    over = False
    while not over:
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
        over = terminated or truncated
    many = gymnasium.make_vec(gymnasium_id(id), num_envs=3)
    observations, _ = many.reset(seed=0)
    assert many.observation_space.contains(observations)
    many.step(many.action_space.sample())


def test_an_agent_earns_what_its_partner_lets_it_earn():
    env = SingleGame(REFERENTIAL, "sender", {"receiver": lambda seen: seen[:, -5:].argmax(1)}, states=4, bits=2, rounds=5)
    seen, _ = env.reset(seed=0)
    earned, over = 0.0, False
    while not over:
        seen, reward, over, _, _ = env.step(seen.argmax())
        earned += reward
    assert earned == 5


def test_a_team_may_play_the_others():
    class Team:
        def act(self, name: str, observation: np.ndarray) -> np.ndarray:
            assert name == "sender"
            return copies(observation)

    env = SingleGame(REFERENTIAL, "receiver", Team(), states=4)
    for seed in range(5):
        seen, _ = env.reset(seed=seed)
        assert env.step(seen.argmax())[1:3] == (1.0, True)


def test_numbers_of_pairs_are_pairs():
    seen = []

    def pairs(observations: np.ndarray) -> np.ndarray:
        seen.append(observations)
        return np.full(len(observations), 1 * 4 + 3)

    env = SingleGame(RING, "player_0", {"player_2": pairs}, bits=2)
    env.reset(seed=0)
    observation, *_ = env.step([0, 0])
    assert observation[env.batch.inbox("player_0")].argmax() == 3  # player_2's message


def test_one_agent_in_n_games_lives_each_of_them():
    many = VectorGame(RING, 4, "player_1", {"player_0": _fixed, "player_2": _fixed})
    observations, _ = many.reset(seed=6)
    single = SingleGame(RING, "player_1", {"player_0": _fixed, "player_2": _fixed})
    seen, _ = single.reset(seed=8)
    for step in range(20):
        np.testing.assert_array_equal(observations[2], seen)
        observations, rewards, terminated, _, infos = many.step(np.full((4, 2), step % 2))
        seen, reward, over, _, _ = single.step([step % 2, step % 2])
        assert (rewards[2], terminated[2]) == (reward, over)
        if over:
            np.testing.assert_array_equal(infos["final_obs"][2], seen)
            seen, _ = single.reset()


def _fixed(observations: np.ndarray) -> np.ndarray:
    return np.tile([1, 2], (len(observations), 1))


NUMBERS = {"floats": 2, "bits": 3}


def both(observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(len(observations), int), np.full((len(observations), 2), 0.125)


@pytest.mark.parametrize(("id", "agent"), [(REFERENCE, "agent_0"), (REFERENTIAL, "receiver")])
def test_others_speak_numbers_at_random(id, agent):
    env = gymnasium.make(gymnasium_id(id), agent=agent, channel=NUMBERS)
    seen = []
    for _ in range(2):
        seen.append(env.reset(seed=3)[0])
        seen.append(env.step(env.action_space.sample())[0])
    np.testing.assert_array_equal(seen[0], seen[2])
    many = VectorGame(id, 3, agent, channel=NUMBERS)
    many.reset(seed=3)
    assert many.step(many.action_space.sample())[0].shape == (3, *many.single_observation_space.shape)


def test_others_may_answer_with_numbers():
    env = SingleGame(REFERENCE, "agent_0", {"agent_1": both}, channel=NUMBERS)
    env.reset(seed=0)
    seen, *_ = env.step(env.action_space.sample())
    np.testing.assert_array_equal(seen[env.batch.inbox("agent_0")], [0.125, 0.125, 0])
    many = VectorGame(REFERENCE, 3, "agent_0", {"agent_1": both}, channel=NUMBERS)
    many.reset(seed=0)
    np.testing.assert_array_equal(many.step(many.action_space.sample())[0][1], many._seen["agent_0"][1])
    assert (many._seen["agent_0"][:, many.batch.inbox("agent_0")] == [0.125, 0.125, 0]).all()


@pytest.mark.parametrize("answer", [None, 1, np.array(1), np.array([[1]]), np.array([1, 2]), "x", np.array([0.5]), np.array([4])])
def test_bad_answers_of_others_are_named(answer):
    env = SingleGame(REFERENTIAL, "receiver", {"sender": lambda seen: answer})
    with pytest.raises(ValueError, match="sender"):
        env.reset(seed=0)
    many = VectorGame(REFERENTIAL, 3, "receiver", {"sender": lambda seen: answer})
    many.reset(seed=0)
    with pytest.raises(ValueError, match="sender"):
        many.step(np.zeros(3, int))


# ------------------------------------------------------------------------------------------------ through gymnasium
@pytest.mark.parametrize("render_mode", [None, "human", "ansi", "rgb_array"])
def test_gymnasium_makes_games_without_a_warning(render_mode, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gymnasium.make(gymnasium_id(REFERENTIAL), agent="receiver", others={"sender": copies}, render_mode=render_mode)
        env.reset(seed=0)
        env.step(0)
    assert capsys.readouterr().out.count("over:") == (render_mode == "human")  # once, and without being asked


@pytest.mark.parametrize("vectorization_mode", ["sync", "vector_entry_point"])
def test_gymnasium_puts_games_side_by_side(vectorization_mode):
    many = gymnasium.make_vec(gymnasium_id(REFERENTIAL), 2, vectorization_mode, agent="sender", states=16)
    assert many.spec is not None
    seen, _ = many.reset(seed=4)
    for i in range(2):
        np.testing.assert_array_equal(seen[i], SingleGame(REFERENTIAL, "sender", states=16).reset(seed=4 + i)[0])


# ------------------------------------------------------------------------------------------------ n games
@pytest.mark.parametrize("name", OPTION_SETS)
def test_a_vector_is_the_batch(name):
    id, options = OPTION_SETS[name]
    batch, vector = commenv.make_batch(id, 5, seed=3, **options), VectorGame(id, 5, **options)
    assert digest(batch.reset()) == digest(vector.reset(seed=3)[0])
    for actions in random_actions(batch, 20):
        ours, theirs = batch.step(actions), vector.step(actions)
        assert digest(ours[0]) == digest(theirs[0])
        np.testing.assert_allclose(np.mean(list(ours[1].values()), axis=0), theirs[1])
        names = batch.possible_agents
        assert digest(ours[2][names[0]], ours[3][names[0]]) == digest(theirs[2], theirs[3])
        ended = theirs[2] | theirs[3]
        assert ("final_obs" in theirs[4]) == ended.any()
        if ended.any():
            assert [last is not None for last in theirs[4]["final_obs"]] == ended.tolist()


def test_gymnasium_s_wrappers_read_the_infos():
    env = RecordEpisodeStatistics(VectorGame(REFERENTIAL, 3, "receiver", {"sender": copies}, states=4))
    seen, _ = env.reset(seed=0)
    env.step(np.zeros(3, int))
    seen = env.unwrapped._seen["receiver"]
    *_, infos = env.step(copies(seen))
    assert infos["episode"]["r"].tolist() == [1, 1, 1]
    assert infos["episode"]["l"].tolist() == [2, 2, 2]
    listed = DictInfoToList(VectorGame(REFERENTIAL, 3))
    listed.reset(seed=0)
    *_, infos = listed.step(listed.action_space.sample())
    assert [info["sender"]["messages"] for info in infos] == [1, 1, 1]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: SingleGame(REFERENTIAL), r"agent=None.*sender"),
        (lambda: SingleGame(REFERENTIAL, "spy"), "agent='spy'"),
        (lambda: SingleGame(REFERENTIAL, "sender", {"sender": copies}), "others="),
        (lambda: SingleGame(REFERENTIAL, "sender", {"receiver": 3}), "others="),
        (lambda: SingleGame(REFERENTIAL, "sender", 3), "others=3"),
        (lambda: SingleGame(REFERENTIAL, "sender", colour=1), "'colour'"),
        (lambda: VectorGame(REFERENTIAL, 0), "num_envs=0"),
        (lambda: VectorGame(REFERENTIAL, 2, "spy"), "agent='spy'"),
        (lambda: VectorGame(REFERENTIAL, 2, others={}), "which agent is yours"),
        (lambda: VectorGame(REFERENTIAL, 2, render_mode="human"), "render_mode='human'"),
    ],
)
def test_what_does_not_fit_is_named(make, says):
    with pytest.raises(ValueError, match=says):
        make()


def test_no_step_outside_of_a_game():
    env = SingleGame(REFERENTIAL, "receiver")
    with pytest.raises(RuntimeError, match=r"reset\(\)"):
        env.step(0)
    env.reset(seed=0)
    env.step(0)
    with pytest.raises(RuntimeError, match=r"reset\(\)"):
        env.step(0)
    with pytest.raises(RuntimeError, match="never came to act"):
        SingleGame(REFERENTIAL, "receiver", max_cycles=1).reset(seed=0)


@pytest.mark.parametrize(
    ("first", "prefix"),
    [("import commenv, gymnasium", ""), ("import gymnasium, commenv", ""), ("import gymnasium", "commenv:")],
)
def test_gymnasium_finds_the_games(first, prefix):
    """Whichever is imported first; or commenv by gymnasium itself, from what stands before the colon."""
    id = prefix + gymnasium_id(REFERENTIAL)
    code = f"{first}; gymnasium.make({id!r}, agent='sender').reset(); gymnasium.make_vec({id!r}, num_envs=2).reset()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stderr
