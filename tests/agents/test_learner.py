"""What the learner does with a team that talks over a graph, update by update."""

import pytest
import torch
from ray.rllib.core.learner.training_data import TrainingData

from agents import CommPPOConfig
from agents.graph_learning import GraphLoss, columns, unroll
from agents.graphs.contract import others

JUNCTION = "classic/traffic_junction-v0"


def learner_of(algo):
    return algo.learner_group._learner


def weights(algo):
    module = learner_of(algo).module["team"].unwrapped()
    return {key: parameter.detach().clone() for key, parameter in module.named_parameters()}


@pytest.mark.usefixtures("ray_session")
def test_commformer_is_trained_in_its_phases():
    """Hu et al. 2024: dense at first, every fifth epoch for the edges alone, and from post_ratio on the edges rest.

    Each time round two fragments are sampled, one to look at.
    """
    updates = 12
    config = CommPPOConfig().environment(JUNCTION).communication(graph="commformer", width=16, total_steps=updates * 2 * 64)
    config.communication(graph_options={"warm": 2, "post_ratio": 0.75})
    config.env_runners(num_envs_per_env_runner=8, rollout_fragment_length=8)
    config.training(train_batch_size_per_learner=64, minibatch_size=8, num_epochs=1).debugging(seed=1, log_level="ERROR")
    algo = config.build_algo()
    try:
        learner, runner = learner_of(algo), algo.env_runner
        for update in range(updates):
            graph = runner.module["team"].team.graph
            batch = columns(learner.module["team"].unwrapped(), runner.sample()[0], 0.98, 0.9, GraphLoss())
            step = unroll(runner.module["team"].team, batch)
            listeners = step.links.amax(-1, keepdim=True)  # who receives: the temporal gate
            dense = torch.equal(step.links[:, 0], others(step.present) * listeners[:, 0])
            assert dense == (update < 2)
            assert not listeners[:, 0][step.present.sum(-1) > 1].all()

            before = weights(algo)
            algo.train()
            changed = {key for key, old in before.items() if not torch.equal(old, weights(algo)[key])}
            edges = "team.graph.relation"
            assert (edges in changed) == (update == 4)  # 9 would be their turn again, but they rest by then
            assert ("team.graph.receive.weight" in changed) == ("critic.head.0.weight" in changed) == (update != 4)
            assert int(runner.module["team"].team.graph.updates) == update + 1
            assert bool(runner.module["team"].team.graph.frozen) == (update >= 8)
            assert graph is runner.module["team"].team.graph
    finally:
        algo.stop()


@pytest.mark.usefixtures("ray_session")
@pytest.mark.parametrize("rate", [None, 0.25])
def test_edges_learn_at_a_rate_of_their_own(rate):
    """Adam's first step is as long as the learning rate, whatever the gradient that is no speck; E's first epoch is the fifth."""
    config = CommPPOConfig().environment(JUNCTION).communication(graph="commformer", width=16, total_steps=10_000)
    config.communication(graph_options={"warm": 0, "post_ratio": 1.0, "edge_rate": rate})
    config.env_runners(num_envs_per_env_runner=8, rollout_fragment_length=8)
    config.training(lr=1e-3, train_batch_size_per_learner=64, minibatch_size=8, num_epochs=1)
    algo = config.debugging(seed=1, log_level="ERROR").build_algo()
    try:
        edges, other = "team.graph.relation", "team.graph.query.weight"
        for update in range(5):
            before = weights(algo)
            algo.train()
            longest = {key: float((weights(algo)[key] - before[key]).abs().max()) for key in (edges, other)}
            if update == 0:
                assert 0.5e-3 < longest[other] < 1.001e-3
            if update < 4:
                assert longest[edges] == 0
        expected = rate or 1e-3
        assert 0.5 * expected < longest[edges] < 1.001 * expected
    finally:
        algo.stop()


@pytest.mark.usefixtures("ray_session")
def test_a_value_learns_from_errors_of_any_size():
    """A planner earns a hundred a step, far from what its fresh value function says."""
    config = CommPPOConfig().environment(
        "social/steering-v0", env_config={"planner": "biased", "preference": 100.0, "prior": 0.9}
    )
    config.communication(learn="independent").env_runners(num_envs_per_env_runner=8, rollout_fragment_length=8)
    config.training(train_batch_size_per_learner=64, num_epochs=50, lr=1e-2).debugging(seed=1, log_level="ERROR")
    algo = config.build_algo()
    try:
        module = learner_of(algo).module["planner"].unwrapped()
        seen = torch.tensor([[0.9, 0.27, 1.0, 0.0]])
        before = module.compute_values({"obs": seen}).item()
        algo.train()
        assert module.compute_values({"obs": seen}).item() > before + 1
    finally:
        algo.stop()


@pytest.mark.usefixtures("ray_session")
@pytest.mark.parametrize("size", [16, None])
def test_who_seldom_acts_holds_nobody_up(size):
    """Each module's rows are gone through once an epoch, in minibatches as many as the busiest module's need."""
    config = CommPPOConfig().environment("acquisition/purchase-v0").communication(learn="independent")
    config.env_runners(num_envs_per_env_runner=8, rollout_fragment_length=8)
    config.training(train_batch_size_per_learner=64, minibatch_size=size, num_epochs=3).debugging(seed=1, log_level="ERROR")
    algo = config.build_algo()
    try:
        learner, episodes = learner_of(algo), algo.env_runner.sample()
        whole = learner._make_batch_if_necessary(TrainingData(episodes=episodes)).policy_batches
        counts = {id: len(columns) for id, columns in whole.items()}
        assert 0 < counts["source"] < min(size or 64, counts["subscriber"])
        made = list(
            learner._create_iterator_if_necessary(
                training_data=TrainingData(episodes=episodes), minibatch_size=size, num_epochs=3
            )
        )
        assert len(made) == 3 * (1 if size is None else -(-counts["subscriber"] // size))
        for id, columns in whole.items():
            for epoch in range(3):
                third = made[epoch * len(made) // 3 : (epoch + 1) * len(made) // 3]
                rows = torch.cat([part.policy_batches[id]["advantages"] for part in third if id in part.policy_batches])
                assert torch.allclose(rows.sort().values, columns["advantages"].sort().values)
        assert all(len(columns) <= (size or 64) for part in made for columns in part.policy_batches.values())
    finally:
        algo.stop()


@pytest.mark.usefixtures("ray_session")
@pytest.mark.filterwarnings("ignore:var()")  # RLlib's own figure of how much of one value is explained
def test_who_has_no_turn_is_left_as_it_is():
    """The first step of a game is the subscriber's: a fragment of it has no row of the source."""
    config = CommPPOConfig().environment("acquisition/purchase-v0").communication(learn="independent")
    config.env_runners(num_envs_per_env_runner=1, rollout_fragment_length=1)
    config.training(train_batch_size_per_learner=1, num_epochs=2).debugging(seed=1, log_level="ERROR")
    algo = config.build_algo()
    try:

        def now(agent):
            return {key: torch.tensor(value) for key, value in learner_of(algo).module[agent].unwrapped().get_state().items()}

        before = {agent: now(agent) for agent in ("source", "subscriber")}
        algo.train()
        assert all(torch.equal(value, now("source")[key]) for key, value in before["source"].items())
        assert not all(torch.equal(value, now("subscriber")[key]) for key, value in before["subscriber"].items())
        assert all(value.isfinite().all() for value in now("subscriber").values())
    finally:
        algo.stop()
