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

    def test_a_team_learns_a_code(self):
        """A collector, a policy an agent, and REINFORCE: which of two states it is takes one bit, and guessing earns a half."""
        import torch
        from tensordict.nn import TensorDictModule, TensorDictSequential
        from torchrl.collectors import Collector
        from torchrl.envs.libs.pettingzoo import PettingZooWrapper
        from torchrl.modules import MaskedCategorical, ProbabilisticActor

        torch.manual_seed(0)
        env = PettingZooWrapper(commenv.make(REFERENTIAL, states=2, bits=1), use_mask=True, categorical_actions=True, seed=0)
        logits, actors = {}, []
        for name in env.group_map:
            seen, actions = env.observation_spec[name, "observation"].shape[-1], env.full_action_spec[name, "action"].space.n
            logits[name] = TensorDictModule(torch.nn.Linear(seen, actions), [(name, "observation")], [(name, "logits")])
            keys = {"logits": (name, "logits"), "mask": (name, "action_mask")}
            actors.append(ProbabilisticActor(logits[name], keys, [(name, "action")], distribution_class=MaskedCategorical))
        team = TensorDictSequential(*actors)
        optimiser = torch.optim.Adam(team.parameters(), lr=0.3)
        collector, earned = Collector(env, team, frames_per_batch=64, total_frames=64 * 20), []
        for steps in collector:
            games = steps["next", "receiver", "reward"].reshape(-1, 2).sum(1)  # a game is two steps: one speaks, one names
            earned.append(games.mean().item())
            advantage, chance = (games - games.mean()).repeat_interleave(2), 0.0
            for name, module in logits.items():
                law = MaskedCategorical(module(steps)[name, "logits"], mask=steps[name, "action_mask"])
                chance = chance + law.log_prob(steps[name, "action"]).squeeze(-1)
            optimiser.zero_grad()
            (-advantage * chance).mean().backward()
            optimiser.step()
        collector.shutdown()
        assert np.mean(earned[:2]) < 0.75
        assert np.mean(earned[-3:]) > 0.9


@pytest.mark.filterwarnings("ignore")
def test_stable_baselines3_trains_through_supersuit():
    """pip install commenv[sb3]. One network plays all agents, so SuperSuit pads their spaces to equal ones."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        supersuit = pytest.importorskip("supersuit", reason="pip install commenv[sb3]")
        sb3 = pytest.importorskip("stable_baselines3", reason="pip install commenv[sb3]")

    def train(seed: int) -> str:
        padded = supersuit.pad_observations_v0(commenv.make(REFERENTIAL, states=4, bits=2, rounds=3))
        env = supersuit.pad_action_space_v0(padded)
        assert env.observation_space("sender") == env.observation_space("receiver")
        assert env.action_space("sender") == env.action_space("receiver")
        many = supersuit.concat_vec_envs_v1(supersuit.pettingzoo_env_to_vec_env_v1(env), 2, base_class="stable_baselines3")
        # PPO(seed=...) asks for a seed() that SuperSuit's vectors lack; their reset takes one, and PPO's reset goes on from it.
        sb3.common.utils.set_random_seed(seed)
        many.venv.reset(seed=seed)
        learner = sb3.PPO("MlpPolicy", many, n_steps=16, batch_size=32, n_epochs=1, device="cpu")
        before = digest([p.detach().numpy() for p in learner.policy.parameters()])
        learner.learn(64)
        after = digest([p.detach().numpy() for p in learner.policy.parameters()])
        assert before != after
        actions, _ = learner.predict(many.reset())
        assert actions.shape == (4,)  # two games of two agents
        return after

    assert train(0) == train(0) != train(1)
