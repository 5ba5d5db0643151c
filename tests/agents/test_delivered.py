"""Bits that reach a receiver as reward: what they are of receivers that are known, and how they come into a training."""

import numpy as np
import pytest
import torch

from agents import CommPPOConfig
from agents.delivered import LEAST, PART, bits_delivered, paid, parts_to_name, telling
from agents.fragments import Fragment
from commenv.core.batch import Batch
from commenv.core.game import choose
from commenv.games import rules

GRID, NAMING = "coding/code_grid-v0", "messaging/referential-v0"


def played(options, steps=12, games=16):
    """A fragment of games whose sender walks anyhow, and the messages of each game and step."""
    batch = Batch(rules(GRID), options, games, 0)
    rng, seen = np.random.default_rng(0), batch.reset()
    rows = {name: {key: [] for key in ("obs", "active", "rewards")} for name in batch.possible_agents}
    messages, over = [], []
    for _ in range(steps):
        messages.append(batch.state.board[:, : options.parts].copy())
        before = {name: (seen[name], batch.active[name].copy()) for name in seen}
        sizes = {"sender": 4, "receiver": options.messages, "source": 2**options.link.bits if options.limit else 1}
        seen, rewards, done, *_ = batch.step({name: rng.integers(sizes[name], size=games) for name in seen})
        for name, (obs, active) in before.items():
            for key, value in (("obs", obs), ("active", active), ("rewards", rewards[name].astype(np.float32))):
                rows[name][key].append(value)
        over.append(done["receiver"])
    agents = {name: {key: np.stack(column, 1) for key, column in columns.items()} for name, columns in rows.items()}
    return Fragment(agents, np.stack(over, 1), np.zeros_like(np.stack(over, 1))), np.stack(messages, 1)


@pytest.mark.parametrize(
    "chosen",
    [
        {"messages": 4, "horizon": 2, "history": 1},
        {"messages": 3, "parts": 2, "prior": [0.5, 0.25, 0.25], "horizon": 2, "history": 1},
        {"messages": 4, "rate_limit": "per_step", "bits": 2, "horizon": 2, "history": 1},
    ],
)
def test_bits_of_receivers_that_are_known(chosen):
    options = choose(rules(GRID), chosen)
    fragment, messages = played(options)
    acts, K = fragment.agents["receiver"]["active"], options.messages
    assert acts.any()
    assert not acts.all()
    seen = fragment.agents["receiver"]["obs"][acts]
    which = seen[:, -2:].argmax(axis=1) if options.parts > 1 else np.zeros(len(seen), int)
    true = messages[acts][np.arange(len(seen)), which]

    np.testing.assert_array_equal(parts_to_name(fragment, options)[acts], true)

    def found(logits):
        bits = bits_delivered(fragment, options, lambda obs: torch.as_tensor(logits), parts_to_name(fragment, options))
        assert not bits[~acts].any()
        return bits[acts]

    prior = options.probabilities
    np.testing.assert_allclose(found(np.tile(np.log(prior), (len(true), 1))), 0, atol=1e-6)  # who knows nothing is told nothing
    np.testing.assert_allclose(found(100.0 * np.eye(K)[true]), -np.log2(prior[true]), atol=1e-6)  # who knows it, all of it
    np.testing.assert_allclose(found(100.0 * np.eye(K)[(true + 1) % K]), LEAST)
    half = np.log(0.5 * np.eye(K)[true] + 0.5 * prior)  # by Bayes' rule with a channel that erases half
    np.testing.assert_allclose(found(half), np.log2((0.5 + 0.5 * prior[true]) / prior[true]), atol=1e-6)


def test_everybody_is_paid():
    options = choose(rules(GRID), {"messages": 4, "horizon": 2, "history": 1})
    fragment, _ = played(options)
    more = paid(fragment, options, lambda obs: 3.0 * torch.ones(len(obs), 4), 0.5)
    for name, columns in fragment.agents.items():
        np.testing.assert_allclose(more.agents[name]["rewards"], columns["rewards"], atol=1e-6)
    told = bits_delivered(
        fragment, options, lambda obs: torch.eye(4)[torch.zeros(len(obs), dtype=torch.long)], parts_to_name(fragment, options)
    )
    more = paid(fragment, options, lambda obs: torch.eye(4)[torch.zeros(len(obs), dtype=torch.long)], 0.5)
    for name, columns in fragment.agents.items():
        np.testing.assert_allclose(more.agents[name]["rewards"] - columns["rewards"], 0.5 * told, atol=1e-6)
    np.testing.assert_array_equal(more.agents["receiver"][PART], parts_to_name(fragment, options))
    assert PART not in fragment.agents["receiver"]


def test_a_receiver_that_is_told_becomes_the_posterior():
    """Of a symmetric channel: what it is then short of certainty is H(message | seen)."""
    generator = torch.Generator().manual_seed(0)
    message = torch.randint(4, (20_000,), generator=generator)
    wrong = torch.rand(20_000, generator=generator) < 0.2
    seen = torch.where(wrong, (message + torch.randint(1, 4, (20_000,), generator=generator)) % 4, message)
    logits = torch.zeros(4, 4, requires_grad=True)
    optimiser = torch.optim.Adam([logits], 0.1)
    for _ in range(200):
        optimiser.zero_grad()
        short = telling(logits[seen], message)
        short.backward()
        optimiser.step()
    counts = torch.zeros(4, 4).index_put((seen, message), torch.ones(20_000), accumulate=True)
    torch.testing.assert_close(logits.detach().softmax(-1), counts / counts.sum(1, keepdim=True), atol=2e-3, rtol=0)
    assert short.item() == pytest.approx(-0.8 * np.log2(0.8) - 0.2 * np.log2(0.2 / 3), abs=0.03)


@pytest.mark.usefixtures("ray_session")
def test_a_training_with_it_is_another_one():
    def trained(**how):
        game = {"messages": 4, "horizon": 2, "history": 1, "size": 2}
        config = CommPPOConfig().environment(GRID, env_config=game).communication(learn="independent", hidden=[16], **how)
        config.env_runners(num_envs_per_env_runner=32, rollout_fragment_length=6)
        algo = config.training(train_batch_size_per_learner=192, minibatch_size=None).debugging(seed=0).build_algo()
        try:
            algo.train()
            return {key: tensor.clone() for key, tensor in algo.get_module("sender").state_dict().items()}
        finally:
            algo.stop()

    plain, without, shaped = trained(), trained(bits_delivered=0.0), trained(bits_delivered=0.5)
    assert all(torch.equal(plain[key], without[key]) for key in plain)
    assert not all(torch.equal(plain[key], shaped[key]) for key in plain)


@pytest.mark.parametrize(
    ("id", "learn"),
    [("messaging/referential-v0", "independent"), (GRID, "graph"), ("messaging/referential-v0", "differentiable")],
)
def test_refusals(id, learn):
    with pytest.raises(ValueError, match="coding games"):
        CommPPOConfig().environment(id).communication(learn=learn, bits_delivered=0.1).validate()
    with pytest.raises(ValueError, match="bits_delivered"):
        CommPPOConfig().communication(bits_delivered=-1.0)
