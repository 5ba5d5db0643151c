"""Teams whose size varies between games: who is not there is nowhere, and where all are there the game is what it was."""

from dataclasses import replace
from math import comb

import numpy as np
import pytest
import torch

import commenv
from agents import CommPPOConfig
from agents.graph_learning import GraphLoss, loss
from commenv.games import rules
from commenv.games.classic import predator_prey

PREY, JUNCTION = "classic/predator_prey-v0", "classic/traffic_junction-v0"
N = 5
VARYING = {"predators": N, "sizes": [2, 4], "bits": 2}


def random_steps(batch, steps, seed=0):
    rng, seen = np.random.default_rng(seed), batch.reset()
    yield seen, None, None
    for _ in range(steps):
        actions = {
            name: rng.integers(0, space.nvec if hasattr(space, "nvec") else space.n, size=(batch.num_envs, *space.shape))
            for name, space in batch.action_spaces.items()
        }
        seen, rewards, *_, infos = batch.step(actions)
        yield seen, rewards, infos


def test_how_many_and_who_is_uniform():
    """On 6,000 games: each size a third of them, each agent in 3 of 5 games on average, and each pair as the sizes say."""
    batch = commenv.make_batch(PREY, 6000, 0, **VARYING)
    batch.reset()
    there = batch.state.agents["there"]
    sizes = np.bincount(there.sum(1), minlength=N + 1)
    assert sizes.sum() == sizes[2:5].sum() == 6000
    assert np.abs(sizes[2:5] - 2000).max() < 5 * np.sqrt(6000 * 2 / 9)
    assert np.abs(there.mean(0) - 0.6).max() < 5 * np.sqrt(0.24 / 6000)
    pairs = np.mean([comb(n, 2) / comb(N, 2) for n in (2, 3, 4)])
    together = (there.T @ there / 6000)[~np.eye(N, dtype=bool)]
    assert np.abs(together - pairs).max() < 5 * np.sqrt(pairs / 6000)


def test_who_is_not_there_is_nowhere():
    batch = commenv.make_batch(PREY, 300, 1, **VARYING)
    names = batch.possible_agents
    own = batch.options.setting.grid**2 + predator_prey.CLASSES
    before = None
    for seen, rewards, infos in random_steps(batch, 60):
        there = batch.state.agents["there"] == 1
        observations = np.stack([seen[name] for name in names], 1)
        assert not observations[~there].any()
        assert observations[there].any(-1).all()
        board = np.zeros_like(batch.state.board)
        rows, who = np.nonzero(there)
        np.add.at(board, (rows, batch.state.agents["cell"][rows, who]), 1)
        assert np.array_equal(batch.state.board, board)
        for j, listener in enumerate(names):  # nobody hears who is not there: the places of its link are empty
            inbox = seen[listener][:, own:].reshape(300, N - 1, -1)
            for k, i in enumerate(i for i in range(N) if i != j):
                assert not inbox[~there[:, i], k].any()
        if rewards is not None:
            earned = np.stack([rewards[name] for name in names], 1)
            assert not earned[~before].any()
            assert (earned[before] <= 0).all()
            sent = np.stack([infos[name]["messages"] for name in names], 1)
            assert not sent[~there].any()
        before = there.copy()


def test_a_game_ends_when_all_who_are_there_have_arrived():
    batch = commenv.make_batch(PREY, 500, 2, **{**VARYING, "bits": 0, "vision": 4})
    names, grid, ended = batch.possible_agents, batch.options.setting.grid, 0
    batch.reset()
    for _ in range(9):  # nobody is farther than 8 steps
        here, prey = batch.state.agents["cell"], batch.state.games["prey"][:, None]
        down, right = prey // grid - here // grid, prey % grid - here % grid
        move = np.where(down > 0, predator_prey.DOWN, np.where(down < 0, predator_prey.UP, 0))
        move = np.where(down != 0, move, np.where(right > 0, predator_prey.RIGHT, np.where(right < 0, predator_prey.LEFT, 0)))
        _, _, terminated, _, infos = batch.step({name: move[:, i] for i, name in enumerate(names)})
        over = terminated[names[0]]
        if over.any():
            assert (infos[names[0]]["final_info"]["success"][over] == 1).all()
            ended += int(over.sum())
    assert ended >= 500


def test_no_more_cars_than_were_drawn_are_on_the_road():
    batch = commenv.make_batch(JUNCTION, 200, 0, sizes=[1, 3], bits=0)
    most = np.zeros(200, int)
    for _ in random_steps(batch, 19):
        assert (batch.state.games["cars"] <= batch.state.games["most"]).all()
        assert (batch.state.agents["driving"].sum(1) == batch.state.games["cars"]).all()
        most = np.maximum(most, batch.state.games["cars"])
    assert set(most) == {1, 2, 3}


@pytest.mark.parametrize(("id", "options"), [(PREY, {"predators": 4, "bits": 2}), (JUNCTION, {"bits": 1})])
def test_where_all_are_there_the_game_is_what_it_was(id, options):
    n = len(commenv.make_batch(id, 1, **options).possible_agents)
    usual, sized = commenv.make_batch(id, 50, 3, **options), commenv.make_batch(id, 50, 3, **options, sizes=[n, n])
    for (seen, rewards, _), (others, theirs, _) in zip(random_steps(usual, 45), random_steps(sized, 45), strict=True):
        assert all(np.array_equal(seen[name], others[name]) for name in seen)
        assert rewards is None or all(np.array_equal(rewards[name], theirs[name]) for name in seen)


def test_limits_are_means_over_sizes():
    made = predator_prey.Options(predators=N, sizes=[2, 3], vision=4)
    apart = [rules(PREY).limits(replace(made, predators=n, sizes=None)).ceiling.value for n in (2, 3)]
    assert rules(PREY).limits(made).ceiling.value == pytest.approx((2 / N * apart[0] + 3 / N * apart[1]) / 2)
    assert rules(PREY).limits(made).ceiling.exact


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        (3, "a pair"),
        ([1], "a pair"),
        ([0, 2], "fewest of sizes=0"),
        ([3, 2], "most of sizes=2"),
        ([1, 6], "most of sizes=6"),
        ("12", "a pair"),
    ],
)
@pytest.mark.parametrize("id", [PREY, JUNCTION])
def test_bad_sizes(id, sizes, sentence):
    key = "predators" if id == PREY else "cars"
    with pytest.raises(ValueError, match=sentence):
        commenv.make_batch(id, 1, **{key: N, "sizes": sizes})


# -------------------------------------------------------------------------------------------------- teams of any size
@pytest.mark.usefixtures("ray_session")
@pytest.mark.parametrize("graph", ["relation", "tarmac"])
def test_a_team_trains_on_some_sizes_and_plays_on_others(graph):
    """3 to 5 of 8 in training, 2 to 8 as deployed: who is not there has no part in graph, loss or meter."""
    config = CommPPOConfig().environment(PREY, env_config={"predators": 8, "sizes": [3, 5], "max_cycles": 10})
    config.communication(graph=graph, width=16, total_steps=1000, memory="gru", loss={"shared": 0.5})
    config.env_runners(num_envs_per_env_runner=16, rollout_fragment_length=12)
    algo = config.training(train_batch_size_per_learner=192, minibatch_size=16).debugging(seed=0, log_level="ERROR").build_algo()
    try:
        figures = algo.train()["env_runners"]
        batch = algo.learner_group._learner._make_batch_if_necessary(_episodes(algo.env_runner.sample()))["team"]
        there = (batch["obs"] != 0).any(-1)
        assert set(there.sum(-1).unique().tolist()) <= {3, 4, 5}
        assert not batch["acts"][~there].any()
        module = algo.learner_group._learner.module["team"].unwrapped()
        other = {**batch, **{key: torch.where(there, batch[key], 7.0) for key in ("advantages", "targets", "logp")}}
        losses = [loss(module, columns, 0.2, 0.01, 0.0, GraphLoss()) for columns in (batch, other)]
        assert all(torch.equal(losses[0][name], losses[1][name]) for name in losses[0])
        team = algo.team()
    finally:
        algo.stop()
    assert 3 * 2 * 2 <= figures["communication"]["heard_bits_per_step"] <= 5 * 4 * 2
    for n in (2, 8):
        batch = commenv.make_batch(PREY, 32, 0, predators=8, sizes=[n, n], bits=0)
        player, seen, fresh = team.player(32), batch.reset(), np.ones(32, bool)
        for _ in range(5):
            seen, *_ = batch.step(player.act(seen, batch.active, fresh))
            fresh = batch.buffers.terminated | batch.buffers.truncated
        assert player.talk.figures()["heard_bits_per_step"] == n * (n - 1) * 2


def _episodes(fragments):
    from ray.rllib.core.learner.training_data import TrainingData

    return TrainingData(episodes=fragments)
