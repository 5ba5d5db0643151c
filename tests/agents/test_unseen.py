"""Critics that see, in training, what no agent sees; the team that is deployed does not."""

import numpy as np
import pytest
import torch

from agents import CommPPOConfig
from agents.graph_learning import GraphLoss, columns

PREY, JUNCTION = "classic/predator_prey-v0", "classic/traffic_junction-v0"


def config(id, **parts):
    found = CommPPOConfig().environment(id).communication(graph="full", memory="gru", width=16, total_steps=10_000, **parts)
    found.env_runners(num_envs_per_env_runner=32, rollout_fragment_length=20)
    found.training(train_batch_size_per_learner=640, minibatch_size=32, num_epochs=1)
    return found.debugging(seed=3, log_level="ERROR")


@pytest.mark.usefixtures("ray_session")
def test_the_critic_sees_the_prey_and_nobody_else_does():
    algo = config(PREY, value="state").build_algo()
    try:
        (own,) = algo.env_runner.sample()[0].agents.values()
        unseen, observations = own["unseen"], own["obs"]
        assert unseen.shape == (32, 20, 25)
        assert (unseen.sum(-1) == 1).all()
        on_prey = observations[..., 27] == 1  # after 25 cells, a spare place and the outside
        assert on_prey.any()
        cell = np.broadcast_to(unseen[:, :, None], (*observations.shape[:3], 25))
        assert np.array_equal(observations[on_prey][:, :25], cell[on_prey])
        within = ~own["fresh"][:, 1:]
        assert np.array_equal(unseen[:, 1:][within], unseen[:, :-1][within])
        assert not np.array_equal(unseen[:, 1:], unseen[:, :-1])  # another game, another prey
        assert own["last_unseen"].shape == (32, 25)

        module = algo.learner_group._learner.module["team"].unwrapped()
        batch = columns(module, algo.env_runner.sample()[0], 0.98, 0.9, GraphLoss())
        values = module.critic(batch["obs"][:, 0], batch["time"][:, 0], batch["unseen"][:, 0])
        moved = module.critic(batch["obs"][:, 0], batch["time"][:, 0], batch["unseen"][:, 0].roll(1, -1))
        assert not torch.equal(values, moved)
        before = module.critic.encoder[0].weight[:, -25:].detach().clone()
        algo.train()
        assert not torch.equal(module.critic.encoder[0].weight[:, -25:], before)
        assert algo.team().network.longest == 29
    finally:
        algo.stop()


def test_a_game_that_hides_nothing_says_so():
    with pytest.raises(ValueError, match="nothing that critics alone may see"):
        config(JUNCTION, value="state").validate()
    with pytest.raises(ValueError, match="value='all' is not allowed: it must be central, own or state"):
        config(PREY, value="all")
