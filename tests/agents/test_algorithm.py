"""CommPPO is an RLlib algorithm: it trains, saves, restores, tunes, and samples and learns in other processes."""

import numpy as np
import pytest
import torch
from gymnasium.spaces import Discrete, MultiDiscrete
from ray import tune
from ray.rllib.utils.test_utils import check_train_results_new_api_stack

import commenv
from agents import CommPPO, CommPPOConfig

ID = "messaging/referential-v0"
pytestmark = pytest.mark.usefixtures("ray_session")


def config(learn="differentiable", *, env_config=None, runners=0, games=64, **communication):
    return (
        CommPPOConfig()
        .environment(ID, env_config={"bits": 2} if env_config is None else env_config)
        .communication(learn=learn, **communication)
        .env_runners(num_env_runners=runners, num_envs_per_env_runner=games)
        .training(train_batch_size_per_learner=2 * games * max(1, runners))
        .debugging(seed=3)
    )


def weights(algo):
    state = algo.get_module(next(iter(algo.config.policies))).state_dict()
    return {key: tensor.clone() for key, tensor in state.items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def trained(algo, games):
    """Train twice with so many games of two steps each; what RLlib's own check of results and ours say of it."""
    before = weights(algo)
    for _ in range(2):
        check_train_results_new_api_stack(result := algo.train())
    figures = result["env_runners"]
    assert not same(before, weights(algo))
    assert figures["num_env_steps_sampled_lifetime"] == 4 * games
    assert figures["num_agent_steps_sampled"] == {"sender": games, "receiver": games}
    assert figures["episode_len_mean"] == 2
    assert figures["episode_return_mean"] == pytest.approx(2 * figures["agent_episode_returns_mean"]["receiver"])
    assert figures["communication"]["payload_bits_per_game"] == 2
    assert 0 < figures["communication"]["entropy_bits_per_message"] <= 2


@pytest.mark.parametrize("learn", ["differentiable", "independent"])
def test_trains(learn):
    algo = config(learn).build_algo()
    try:
        trained(algo, 64)
    finally:
        algo.stop()


def test_trains_with_remote_runners_and_learners():
    """Whose weights stay equal."""
    algo = config(runners=2).learners(num_learners=2).training(train_batch_size_per_learner=128).build_algo()
    try:
        trained(algo, 128)
        states = [state.get() for state in algo.learner_group.foreach_learner(lambda learner: learner.module.get_state())]
        assert len(states) == 2
        for id, state in states[0].items():
            assert all(np.array_equal(tensor, other[id][key]) for other in states for key, tensor in state.items())
    finally:
        algo.stop()


def test_defaults_work_with_two_runners():
    """Two runners of 2,048 games fill the train batch with one step each: too short for a message to be answered."""
    algo = CommPPOConfig().environment(ID).communication(learn="independent").env_runners(num_env_runners=2).build_algo()
    try:
        assert algo.train()["env_runners"]["episode_len_mean"] == 2
    finally:
        algo.stop()


TEAMS = {
    "marginal": ("classic/speaker_listener-v0", {"learn": "marginal", "hidden": [16]}),
    "graph": (
        "classic/predator_capture_prey-v0",
        {
            "graph": "commformer",
            "bottleneck": "vector_quantised",
            "memory": "gru",
            "width": 16,
            "separate": True,
            "identities": True,
        },
    ),
}


@pytest.mark.parametrize("remote", [0, 1])
@pytest.mark.parametrize("team", TEAMS)
def test_other_teams_train_here_and_elsewhere(team, remote):
    id, said = TEAMS[team]
    made = config(env_config={}, games=32, runners=remote, **{"learn": None, **said}).environment(id)
    made.env_runners(rollout_fragment_length=10).training(train_batch_size_per_learner=320).learners(num_learners=remote)
    algo = made.build_algo()
    try:
        before = weights(algo)
        check_train_results_new_api_stack(result := algo.train())
        assert result["env_runners"]["num_env_steps_sampled_lifetime"] == 320
        assert not same(before, weights(algo))
    finally:
        algo.stop()


def test_cut_games_are_trained_on():
    algo = config(env_config={"rounds": 2, "max_cycles": 3}, games=16).build_algo()
    try:
        for _ in range(3):
            algo.train()
    finally:
        algo.stop()


@pytest.mark.parametrize("id", [id for id in commenv.ids() if id != ID])
def test_every_game_can_be_learned_independently(id):
    """RIAL: messages are actions. Agents that act and speak, at once or in turn, some of them cut short."""
    spaces = commenv.make_batch(id, 1).action_spaces.values()
    if unfit := [space for space in spaces if not isinstance(space, Discrete | MultiDiscrete)]:
        pytest.skip(f"agents choose among discrete actions, and {unfit[0]} is none")
    short = {"horizon": 12} if id == "coding/code_maze-v0" else {}  # else its receiver is not asked within a fragment
    small = config("independent", games=8).environment(id, env_config=short)
    algo = small.env_runners(rollout_fragment_length=30).training(train_batch_size_per_learner=240).build_algo()
    try:
        before = weights(algo)
        algo.train()
        assert not same(before, weights(algo))
        assert set(algo.team().policies) == set(algo.config.layout().names)
    finally:
        algo.stop()


def test_games_cut_before_the_answer_are_refused():
    algo = config(env_config={"max_cycles": 1}, games=16).build_algo()
    try:
        with pytest.raises(ValueError, match="no message was answered"):
            algo.train()
    finally:
        algo.stop()


@pytest.mark.parametrize("learn", ["differentiable", "independent"])
def test_same_seed_same_weights(learn):
    finals = []
    for _ in range(2):
        algo = config(learn, env_config={"bits": 2, "channel": {"error": 0.1}}).build_algo()
        algo.train()
        algo.train()
        finals.append(weights(algo))
        algo.stop()
    assert same(*finals)


def test_restores_what_it_saved(tmp_path):
    algo = config().build_algo()
    algo.train()
    algo.save_to_path(tmp_path)
    saved = weights(algo)
    algo.stop()
    again = type(algo).from_checkpoint(tmp_path)
    try:
        assert same(saved, weights(again))
        assert again.train()["env_runners"]["num_env_steps_sampled_lifetime"] == 2 * 128
    finally:
        again.stop()


def test_tunes(tmp_path):
    tuner = tune.Tuner(
        CommPPO,
        param_space=config(env_config={"bits": tune.grid_search([1, 2])}),
        run_config=tune.RunConfig(stop={"training_iteration": 1}, storage_path=str(tmp_path), verbose=0),
    )
    results = tuner.fit()
    assert not results.errors
    assert sorted(r.metrics["env_runners"]["communication"]["payload_bits_per_game"] for r in results) == [1, 2]


def test_evaluates_the_number_of_games_asked_for():
    algo = config().evaluation(evaluation_duration=100, evaluation_duration_unit="episodes", evaluation_interval=1).build_algo()
    try:
        assert algo.train()["evaluation"]["env_runners"]["num_episodes"] >= 100
    finally:
        algo.stop()


@pytest.mark.parametrize(
    ("env_config", "optimum"),
    [({"bits": 2}, 0.5), ({"bits": 2, "channel": {"error": 0.05}}, 0.475), ({"bits": 1, "reward": "ordered"}, 6 / 7)],
)
def test_learns_the_best_code(env_config, optimum):
    """A short training finds an optimal code; the full recipe and 20 seeds are `commenv frontier`'s."""
    algo = config(env_config=env_config, games=512, total_steps=30 * 1024).build_algo()
    try:
        for _ in range(30):
            algo.train()
        team = algo.team()
    finally:
        algo.stop()
    o = team.options
    said = team.act("sender", np.eye(o.states))
    named = team.act("receiver", np.eye(o.link.size + 1))
    earned = float((o.probabilities[:, None] * o.link.matrix[said] * o.table[:, named]).sum())
    assert earned == pytest.approx(optimum)
    assert commenv.limits(ID, **env_config).efficiency(earned) == pytest.approx(1)


def test_straight_through_learns_too():
    """Where the alphabet is too large to sum over; one bit is enough to see that gradients pass."""
    algo = config(env_config={"bits": 1, "states": 2}, games=512, total_steps=40 * 1024, marginal_up_to=0).build_algo()
    try:
        for _ in range(40):
            result = algo.train()
    finally:
        algo.stop()
    assert result["env_runners"]["agent_episode_returns_mean"]["receiver"] > 0.95


def test_truncated_games_are_bootstrapped():
    """Games cut after three steps: the fragment holds the last observation of each, and training goes on."""
    algo = config("independent", env_config={"bits": 1, "rounds": 3, "max_cycles": 3}, games=16).build_algo()
    try:
        (fragment,) = algo.env_runner.sample(num_timesteps=16 * 9)
        assert fragment.truncated.sum() == 16 * 3
        assert len(fragment.agents["sender"]["final_obs"]) == 16 * 3
        assert not fragment.terminated.any()
        algo.train()
    finally:
        algo.stop()


def test_what_the_user_says_stays():
    """Also where it is what the class would do elsewhere: gamma=1 is no silence."""
    said = {"gamma": 1.0, "lambda_": 0.95, "num_epochs": 4, "lr": 5e-3}
    made = CommPPOConfig().environment("classic/predator_prey-v0").communication(graph="full").training(**said)
    made.env_runners(num_envs_per_env_runner=2048)
    for _ in range(2):
        made = made.copy(copy_frozen=False)
        made.validate()
        assert {key: getattr(made, key) for key in said} == said
        assert made.num_envs_per_env_runner == 2048
        assert (made.minibatch_size, made.grad_clip) == (64, 1.0)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda: config(learn="telepathy"), "learn='telepathy' is not allowed"),
        (lambda: config(loss={"entropi": 1.0}), "unknown coefficient 'entropi'"),
        (lambda: config(total_steps=0), "total_steps=0 is not allowed"),
        (lambda: config(env_config={"bitz": 2}).build_algo(), "unknown option 'bitz'"),
        (lambda: config(env_config={"bits": 2, "channel": {"silence": True, "cap": 2}}).validate(), "learn independently"),
        (lambda: config("independent", env_config={"channel": {"floats": 2, "bits": 2}}).validate(), "messages of floats"),
        (lambda: config(loss={"usage": "x"}), "usage='x' is not allowed"),
        (lambda: config(None, graph="tarmac", loss={"shared": 1.5}), "shared=1.5 is not allowed"),
        (lambda: config(None, graph="tarmac", loss={"ends_below": float("nan")}), "ends_below=nan is not allowed"),
        (lambda: config(None, memory="lstm").validate(), "memory='lstm' is not allowed"),
        (lambda: config(None, graph="full", rounds=0).validate(), "rounds=0 is not allowed"),
        (lambda: config(None, graph="full", separate=1).validate(), "separate=1 is not allowed"),
        (lambda: config(None, graph="telepathy").validate(), "graph='telepathy' is not allowed"),
        (lambda: config(None, bottleneck="telepathy").validate(), "'telepathy' is unknown"),
        (lambda: config(None, graph="full", heads=2), "unknown part 'heads'"),
        (lambda: CommPPOConfig().environment("CartPole-v1").build_algo(), "unknown id 'CartPole-v1'"),
    ],
)
def test_bad_input_gets_a_sentence(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        change()
