"""Two libraries that train on the games, each by a program that its user would write."""

import warnings

import numpy as np
import pytest
from examples import REFERENTIAL, RING, digest

import commenv


@pytest.mark.filterwarnings("ignore")
class TestTorchRL:
    """pip install commenv[torchrl]"""

    @pytest.fixture(autouse=True)
    def installed(self):
        pytest.importorskip("torchrl", reason="pip install commenv[torchrl]")

    def test_a_rollout_is_the_game(self):
        """One group an agent, for they see vectors of different lengths; its actions, played by hand, earn the same."""
        from torchrl.envs.libs.pettingzoo import PettingZooWrapper

        game, twin = (commenv.make(RING, max_cycles=6, stop=0.0) for _ in range(2))
        names = game.possible_agents
        env = PettingZooWrapper(game, group_map={name: [name] for name in names}, categorical_actions=True)
        rollout = env.rollout(6)
        assert rollout.batch_size == (6,)
        seed = int(game.batch.state.games["seed"][0])
        episode = int(game.batch.state.games["episode"][0]) - 1  # the batch already stands at the next
        seen, _ = twin.reset(seed=seed)
        for _ in range(episode):
            seen, _ = twin.reset()
        for t in range(6):
            for name in names:
                np.testing.assert_array_equal(rollout[name, "observation"][t, 0].numpy(), seen[name])
            seen, reward, *_ = twin.step({name: rollout[name, "action"][t, 0].numpy() for name in names})
            for name in names:
                assert rollout["next", name, "reward"][t, 0].item() == pytest.approx(reward[name])

    def test_turns_come_with_their_masks(self):
        from torchrl.envs.libs.pettingzoo import PettingZooWrapper

        env = PettingZooWrapper(commenv.make(REFERENTIAL, states=2, bits=1), use_mask=True, categorical_actions=True, seed=0)
        data = env.rollout(2)
        assert set(env.group_map) == {"sender", "receiver"}
        assert data["receiver", "action_mask"].sum(-1).flatten().tolist() == [1, 2]
        assert data["sender", "action_mask"].sum(-1).flatten().tolist() == [2, 1]


@pytest.mark.filterwarnings("ignore")
def test_stable_baselines3_trains_through_supersuit():
    """pip install commenv[sb3]. One network plays all agents, so SuperSuit pads their spaces to equal ones."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        supersuit = pytest.importorskip("supersuit", reason="pip install commenv[sb3]")
        sb3 = pytest.importorskip("stable_baselines3", reason="pip install commenv[sb3]")

    env = supersuit.pad_action_space_v0(supersuit.pad_observations_v0(commenv.make(REFERENTIAL, states=4, bits=2, rounds=3)))
    assert env.observation_space("sender") == env.observation_space("receiver")
    assert env.action_space("sender") == env.action_space("receiver")
    many = supersuit.concat_vec_envs_v1(supersuit.pettingzoo_env_to_vec_env_v1(env), 2, base_class="stable_baselines3")
    learner = sb3.PPO("MlpPolicy", many, n_steps=16, batch_size=32, n_epochs=1, device="cpu")
    before = digest([p.detach().numpy() for p in learner.policy.parameters()])
    learner.learn(64)
    assert digest([p.detach().numpy() for p in learner.policy.parameters()]) != before
    actions, _ = learner.predict(many.reset())
    assert actions.shape == (4,)  # two games of two agents
