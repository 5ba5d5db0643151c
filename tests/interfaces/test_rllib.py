"""Stock RLlib takes the games by their ids: only those who act are asked, and nobody's reward is lost."""

import numpy as np
import pytest
from examples import OPTION_SETS, REFERENTIAL, digest, one, random_actions

import commenv

ray = pytest.importorskip("ray")
rllib = pytest.importorskip("commenv.interfaces.rllib")


def test_rllib_s_own_check(chosen):
    from ray.rllib.utils.pre_checks.env import check_multiagent_environments

    id, options = chosen
    check_multiagent_environments(rllib.MultiAgentGame(id, options))


def test_every_id_is_registered():
    from ray.tune.registry import ENV_CREATOR, _global_registry

    rllib.register()
    rllib.register()
    for id in commenv.ids():
        env = _global_registry.get(ENV_CREATOR, id)({})
        assert env.observation_spaces.keys() == env.action_spaces.keys() == set(env.possible_agents)


def test_bad_options_are_named():
    with pytest.raises(ValueError, match="'colour'"):
        rllib.MultiAgentGame(REFERENTIAL, {"colour": 1})


def test_only_who_acts_is_asked(chosen):
    id, options = chosen
    env, parallel = rllib.MultiAgentGame(id, options), commenv.make(id, **options)
    for seed in (6, None):
        observations, infos = env.reset(seed=seed)
        all_observations, all_infos = parallel.reset(seed=seed)
        waiting, acted = dict.fromkeys(parallel.possible_agents, 0.0), set()
        for action in random_actions(parallel.batch, 50):
            asked = {name: all_observations[name] for name in (parallel.movers or parallel.possible_agents)}
            assert digest(observations) == digest(asked)
            assert digest(infos) == digest({name: all_infos[name] for name in asked})
            if not parallel.agents:
                break
            action_of = {name: one(action[name]) for name in observations}
            observations, rewards, terminations, truncations, infos = env.step(action_of)
            all_observations, all_rewards, over, cut, all_infos = parallel.step(
                {name: one(action[name]) for name in parallel.movers}
            )
            for name, reward in all_rewards.items():
                waiting[name] += reward  # until it acts for the first time, what it earns is kept for it
            acted |= action_of.keys()
            assert rewards == {name: waiting[name] if name in acted else 0.0 for name in all_rewards}
            waiting = {name: 0.0 if name in acted else kept for name, kept in waiting.items()}
            assert terminations["__all__"] == any(over.values())
            assert truncations["__all__"] == any(cut.values())


@pytest.mark.parametrize("name", OPTION_SETS)
def test_episodes_hold_all_rewards_of_who_acted(name):
    """RLlib's own episodes take our dictionaries, and an agent's return is what it earned."""
    from ray.rllib.env.multi_agent_episode import MultiAgentEpisode

    id, options = OPTION_SETS[name]
    env = rllib.MultiAgentGame(id, options)
    for seed in range(4):
        observations, infos = env.reset(seed=seed)
        episode = MultiAgentEpisode(observation_space=env.observation_spaces, action_space=env.action_spaces)
        episode.add_env_reset(observations=observations, infos=infos)
        earned, acted, steps = dict.fromkeys(env.possible_agents, 0.0), dict.fromkeys(env.possible_agents, 0), 0
        actions = iter(random_actions(commenv.make_batch(id, 1, **options), 200, seed=seed))
        while not episode.is_done:
            action = next(actions)
            action = {agent: one(action[agent]) for agent in episode.get_agents_to_act()}
            observations, rewards, terminations, truncations, infos = env.step(action)
            episode.add_env_step(observations, action, rewards, infos, terminateds=terminations, truncateds=truncations)
            steps += 1
            for agent in env.possible_agents:
                earned[agent] += rewards[agent]
                acted[agent] += agent in action
        assert len(episode) == steps
        for agent, own in episode.agent_episodes.items():
            assert own.is_done
            assert len(own) == acted[agent] > 0
            assert own.get_return() == pytest.approx(earned[agent])
        assert set(episode.agent_episodes) == {agent for agent, times in acted.items() if times}


def test_what_was_earned_before_an_agent_came_to_act_is_not_lost():
    """Of a coding game's receiver the whole return: RLlib drops rewards that come before an agent's first action."""
    env = rllib.MultiAgentGame("coding/code_grid-v0", {})
    env.reset(seed=0)
    for move in (0, 1, 0, 1, 0):
        rewards = env.step({"sender": move})[1]
        assert rewards["receiver"] == 0
    assert env.step({"sender": 1})[1] == {"sender": 1.0, "receiver": 0.0}
    assert env.step({"receiver": 0})[1]["receiver"] >= 1


def test_stock_ppo_trains(ray_session):
    from ray.rllib.algorithms.ppo import PPOConfig

    rllib.register()
    config = (
        PPOConfig()
        .environment(REFERENTIAL, env_config={"states": 2, "bits": 1, "rounds": 2})
        .env_runners(num_env_runners=0, num_envs_per_env_runner=2, rollout_fragment_length=16)
        .training(train_batch_size_per_learner=32, minibatch_size=32, num_epochs=1)
        .multi_agent(policies=["sender", "receiver"], policy_mapping_fn=lambda agent, *_, **__: agent)
        .rl_module(model_config={"fcnet_hiddens": [8]})
    )
    algorithm = config.build_algo()
    try:
        result = algorithm.train()
    finally:
        algorithm.stop()
    runners = result["env_runners"]
    assert runners["num_env_steps_sampled"] == 32
    assert runners["episode_len_mean"] == 4
    assert 0 <= runners["episode_return_mean"] <= 4  # two rounds, two agents
    assert {"sender", "receiver"} <= set(result["learners"])
    assert all(np.isfinite(result["learners"][name]["total_loss"]) for name in ("sender", "receiver"))
