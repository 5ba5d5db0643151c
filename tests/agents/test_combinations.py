"""Every graph with every bottleneck and every memory, and every term with every bottleneck: what RLlib asks of a module, and one
update of PPO whose loss and gradients are numbers."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModule, MultiRLModuleSpec
from ray.rllib.core.rl_module.rl_module import RLModule, RLModuleSpec
from test_graph_team import BITS

from agents.bottlenecks import BOTTLENECKS
from agents.fragments import Fragment
from agents.graph_learning import GraphLoss, columns, loss
from agents.graphs import GRAPHS
from agents.memory import MEMORIES
from agents.modules import GraphTeamModule
from agents.networks import sample
from agents.terms import TERMS
from commenv.core.topology import NAMES

WIDTHS, CHOICES = (5, 3, 5), ((4,), (2, 3), (4,))
"""Heterogeneous: other observations, other actions, one agent with two components."""
SHARED = [name for name in GRAPHS if not NAMES.get(name)]
B, T, N = 4, 5, 3


def spec(inference_only=False, central=True, terms=None, **plan):
    names = [f"agent_{i}" for i in range(N)]
    boxes = {name: gym.spaces.Box(0, 1, (width,), np.float32) for name, width in zip(names, WIDTHS, strict=True)}
    acts = {
        name: gym.spaces.MultiDiscrete(own) if len(own) > 1 else gym.spaces.Discrete(own[0])
        for name, own in zip(names, CHOICES, strict=True)
    }
    plan["bits"] = BITS.get(plan.get("bottleneck", ""), 3)
    config = {"central": central, "plan": {"width": 8, **plan}, "terms": terms or {}}
    return RLModuleSpec(
        module_class=GraphTeamModule,
        observation_space=gym.spaces.Dict(boxes),
        action_space=gym.spaces.Dict(acts),
        inference_only=inference_only,
        model_config=config,
    )


@torch.no_grad()
def played(module, seed=0):
    """A fragment as GraphEnvRunner makes it, of a game that is nothing but noise: agents come and go, games end and are cut."""
    team, generator = module.team, torch.Generator().manual_seed(seed)

    def rand(*shape):
        return torch.rand(shape, generator=generator)

    obs = rand(B, T + 1, N, max(WIDTHS)) + 0.1
    for i, width in enumerate(WIDTHS):
        obs[:, :, i, width:] = 0
    obs[rand(B, T + 1, N) < 0.25] = 0  # absent
    obs[0, :, 1:] = 0  # a game of one agent
    obs[1, 2] = 0  # a step of none
    ends = rand(B, T) < 0.3
    fresh = torch.cat([torch.ones(B, 1, dtype=torch.bool), ends[:, :-1]], 1)
    state, noise = team.beginning(B), rand(B, T, N, team.noise)
    actions, logps = [], []
    for t in range(T):
        state = state * (~fresh[:, t])[:, None, None]
        step = team(obs[:, t], state, noise[:, t])
        state = step.state
        drawn, logp = sample(step.logits, generator)
        actions.append(drawn)
        logps.append(logp.sum(-1))
    data = {
        "obs": obs[:, :T],
        "actions": torch.stack(actions, 1),
        "logp": torch.stack(logps, 1),
        "active": torch.ones(B, T, N, dtype=torch.bool),
        "rewards": torch.randn(B, T, N, generator=generator),
        "noise": noise,
        "fresh": fresh,
        "time": rand(B, T),
        "last_obs": obs[:, T],
        "last_time": rand(B),
        "state": team.beginning(B),
    }
    cut = ends & (rand(B, T) < 0.5)
    return Fragment({"team": {k: v.numpy() for k, v in data.items()}}, (ends & ~cut).numpy(), cut.numpy())


def update(module):
    """One step of Adam; returns what changed. Everything must be a number."""
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    batch = columns(module, played(module), 0.95, 0.9, GraphLoss(shared=0.3), module.terms)
    assert all(torch.isfinite(column).all() for column in batch.values() if column.is_floating_point())
    parts = loss(module, batch, 0.2, 0.01, 0.3, GraphLoss(), module.terms)
    for name, part in parts.items():
        assert torch.isfinite(part), name
    optimizer = torch.optim.Adam(module.parameters(), 1e-2)
    sum(parts.values()).backward()
    for name, p in module.named_parameters():
        assert p.grad is None or torch.isfinite(p.grad).all(), name
    optimizer.step()
    module.after_update(0.3)
    for name, p in module.named_parameters():
        assert torch.isfinite(p).all(), name
    return {name for name, p in module.named_parameters() if not torch.equal(before[name], p)}


@pytest.mark.parametrize("bottleneck", BOTTLENECKS)
@pytest.mark.parametrize("graph", SHARED)
def test_every_graph_bottleneck_and_memory_learn_together(graph, bottleneck):
    for k, memory in enumerate(MEMORIES):
        torch.manual_seed(k)
        near = {"graph_options": {"similarity": -1.0}} if graph == "selforg" else {}  # else few are near enough to be heard
        parts = {"graph": graph, "bottleneck": bottleneck, "memory": memory, "rounds": 1 + k % 2, **near}
        module = spec(central=k != 1, separate=k == 2, identities=k == 1, **parts).build()
        changed = update(module)
        assert any(name.startswith("critic") for name in changed)
        assert {"team.minds.0.encoder.0.weight", "team.minds.0.head.2.weight"} <= changed
        if memory != "none":
            assert any(".memory." in name for name in changed)
        if graph not in ("none", "commformer"):  # its edges and the rest take turns, which is the learner's doing
            assert any(".bottleneck." in name for name in changed)


@pytest.mark.parametrize("term", TERMS)
def test_every_term_with_every_bottleneck(term):
    """Some terms need messages that are drawn from odds, and say so."""
    fitting = 0
    for bottleneck in BOTTLENECKS:
        torch.manual_seed(0)
        options = {"target": 0.5} if term in ("hinge", "lagrangian") else {}
        try:
            module = spec(terms={term: {"weight": 0.5, **options}}, bottleneck=bottleneck, graph="tarmac", memory="gru").build()
        except ValueError:
            continue
        assert update(module)
        fitting += 1
    assert fitting


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("bottleneck", BOTTLENECKS)
def test_what_rllib_asks_of_a_module(bottleneck, memory, tmp_path):
    """What RLlib does with any module: forward in three ways, state, inference-only copies, checkpoints of one and of many."""
    for graph in ("none", "full", "commformer", "magic", "selforg"):
        parts = {"bottleneck": bottleneck, "memory": memory, "graph": graph, "separate": True, "identities": True}
        module = spec(terms={"bits_price": 0.1}, **parts).build()
        seen = {
            Columns.OBS: {name: torch.rand(6, width) + 0.1 for name, width in zip(module.team.plan.names, WIDTHS, strict=True)}
        }
        for forward in (module.forward_inference, module.forward_exploration):
            logits = forward(seen)[Columns.ACTION_DIST_INPUTS]
            assert {name: x.shape for name, x in logits.items()} == {
                name: (6, sum(own)) for name, own in zip(module.team.plan.names, CHOICES, strict=True)
            }
        assert module.forward_train(seen) == {}
        runner = spec(inference_only=True, **parts).build()
        assert not any(name.startswith(("critic", "extras")) for name, _ in runner.named_parameters())
        runner.set_state(module.get_state(inference_only=True))
        assert runner.get_state().keys() == module.get_state(inference_only=True).keys()
        one, other = (m.forward_inference(seen)[Columns.ACTION_DIST_INPUTS] for m in (module, runner))
        assert all(torch.equal(one[name], other[name]) for name in one)

        module.save_to_path(tmp_path / graph)
        again = RLModule.from_checkpoint(tmp_path / graph)
        assert all(np.array_equal(a, again.get_state()[key]) for key, a in module.get_state().items())
    many = MultiRLModuleSpec(rl_module_specs={DEFAULT_MODULE_ID: spec(**parts), "other": spec()}).build()
    many.save_to_path(tmp_path / "many")
    assert set(MultiRLModule.from_checkpoint(tmp_path / "many").keys()) == {DEFAULT_MODULE_ID, "other"}
