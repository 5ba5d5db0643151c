"""Teams that talk within a step: nothing passes but messages, what trains is what was played, and bytes carry the whole game."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import commenv
from agents import CommPPOConfig, TalkingTeam, load
from agents.bottlenecks import BOTTLENECKS
from agents.graph_learning import GraphLoss, columns, loss, unroll
from agents.graph_team import Critic, GraphTeam, Plan, Talk, build
from agents.graphs import GRAPHS
from agents.wire import unpack
from commenv.core.topology import NAMES

JUNCTION, PREY = "classic/traffic_junction-v0", "classic/predator_prey-v0"
CAPTURE, SPEAKER = "classic/predator_capture_prey-v0", "classic/speaker_listener-v0"
BITS = {"continuous": 64, "gaussian": 8, "cauchy_schwarz": 8}
"""Of bottlenecks that cannot say just 3 bits."""


def plan(agents=3, sees=5, choices=((4,),) * 3, **parts):
    names = tuple(f"agent_{i}" for i in range(agents))
    return Plan(names, (sees,) * agents, choices if agents == 3 else ((4,),) * agents, **{"width": 16, **parts})


def seen(games=7, agents=3, sees=5, seed=0):
    return torch.rand(games, agents, sees, generator=torch.Generator().manual_seed(seed)) + 0.1


@pytest.mark.parametrize("memory", ["none", "gru", "attention", "heard"])
@pytest.mark.parametrize("graph", [name for name in GRAPHS if not NAMES.get(name)])
def test_every_part_plays_with_every_other(graph, memory):
    torch.manual_seed(0)
    options = {"agents": 4, "graph": graph, "memory": memory, "rounds": 2}
    team = build(plan(**options, choices=((4,),) * 4))
    x, noise = seen(agents=4), torch.rand(7, 4, team.noise)
    step = team(x, team.beginning(7), noise)
    assert step.logits.shape == (7, 4, 1, 4)
    assert step.links.shape == (7, 2, 4, 4)
    assert (step.links * torch.eye(4)).sum() == 0
    assert set(step.links.unique().tolist()) <= {0.0, 1.0}
    again = team(x, team.beginning(7), noise)
    assert torch.equal(step.logits, again.logits)
    assert torch.equal(step.symbols, again.symbols)


def test_messages_of_more_symbols_than_a_float_can_count_are_played():
    team = build(plan(bottleneck="continuous", bits=1024))
    talk = Talk(team)
    talk.add(team(seen(), team.beginning(7)))
    assert talk.figures()["heard_bits_per_step"] == 3 * 2 * 1024


@pytest.mark.parametrize("separate", [False, True])
def test_without_links_nothing_passes(separate):
    torch.manual_seed(0)
    team = build(plan(graph="none", separate=separate, identities=True))
    one, other = seen(), seen()
    other[:, 1] = 0.7
    with torch.no_grad():
        a, b = (team(x, team.beginning(7)).logits for x in (one, other))
    assert torch.equal(a[:, 0], b[:, 0])
    assert torch.equal(a[:, 2], b[:, 2])
    assert not torch.equal(a[:, 1], b[:, 1])


def test_the_message_is_all_that_passes():
    """With bits enough for two symbols, another's observation moves my choice only where it moves its symbol."""
    torch.manual_seed(1)
    team = build(plan(bits=1))
    one, other = seen(200), seen(200)
    other[:, 1:] = seen(200, seed=9)[:, 1:]
    with torch.no_grad():
        a, b = (team(x, team.beginning(200)) for x in (one, other))
    same = (a.symbols[:, 0, 1:] == b.symbols[:, 0, 1:]).all((-1, -2))
    assert 0 < same.sum() < 200
    assert torch.equal(a.logits[same, 0], b.logits[same, 0])


def test_the_absent_neither_speak_nor_hear():
    torch.manual_seed(0)
    team = build(plan())
    x = seen()
    x[:, 2] = 0
    step = team(x, team.beginning(7))
    assert step.links[..., 2, :].sum() == 0
    assert step.links[..., :, 2].sum() == 0
    assert not step.present[:, 2].any()


@pytest.mark.parametrize("memory", ["gru", "attention", "heard"])
def test_a_new_game_remembers_nothing(memory):
    torch.manual_seed(0)
    team = build(plan(memory=memory))
    x = seen()
    later = team(x, team(seen(seed=3), team.beginning(7)).state)
    assert not torch.equal(later.logits, team(x, team.beginning(7)).logits)


@pytest.mark.parametrize(("memory", "remembered"), [("gru", False), ("heard", True)])
def test_who_remembers_what_was_heard(memory, remembered):
    """The others see something else in the first step; in the second, where nobody is there but me, only a memory can tell."""
    torch.manual_seed(0)
    team = build(plan(memory=memory, bits=4))
    one, other = seen(50), seen(50)
    other[:, 1:] = seen(50, seed=9)[:, 1:]
    alone = seen(50, seed=3)
    alone[:, 1:] = 0
    with torch.no_grad():
        firsts = [team(x, team.beginning(50)) for x in (one, other)]
        a, b = (team(alone, first.state).logits[:, 0] for first in firsts)
        unheard = []
        for x in (one, other):
            encoded, present = team.look(x)
            unheard.append(team.talk(*team.recall(encoded, team.beginning(50)), present, silent=True).state[:, 0])
    assert torch.equal(a, b) != remembered
    assert torch.equal(*unheard)  # where nothing is heard, nothing else is remembered of the others


def small(id=JUNCTION, env_config=None, games=16, fragment=12, **parts):
    return (
        CommPPOConfig()
        .environment(id, env_config=env_config or {})
        .communication(graph=parts.pop("graph", "full"), total_steps=10_000, width=16, **parts)
        .env_runners(num_envs_per_env_runner=games, rollout_fragment_length=fragment)
        .training(train_batch_size_per_learner=games * fragment, minibatch_size=games, num_epochs=1)
        .debugging(seed=5, log_level="ERROR")
    )


@pytest.mark.usefixtures("ray_session")
@pytest.mark.parametrize(
    ("id", "parts"),
    [
        (JUNCTION, {}),
        (JUNCTION, {"memory": "gru", "graph": "ic3net", "rounds": 2}),
        (PREY, {"memory": "attention", "graph": "tarmac", "bottleneck": "vector_quantised"}),
        (PREY, {"memory": "heard", "graph": "tarmac", "rounds": 2, "separate": True, "identities": True}),
        (CAPTURE, {"memory": "gru", "graph": "magic", "separate": True}),
        (SPEAKER, {"graph": "commformer", "bottleneck": "dial"}),
    ],
)
def test_what_trains_is_what_was_played(id, parts):
    """At the first epoch every probability is the one it was drawn with, over games that end within the fragment too."""
    algo = small(id, **parts).build_algo()
    try:
        fragment = algo.env_runner.sample()[0]
        fragment = algo.env_runner.sample()[0]  # one that begins in the middle of games
        module = algo.learner_group._learner.module["team"].unwrapped()
        assert module.team.plan.names == tuple(algo.env_runner.agents)  # not sorted by name: its places are the game's
        algo.team()
        batch = columns(module, fragment, 0.98, 0.9, GraphLoss())
        step = unroll(module.team, batch)
        logp = step.logits.log_softmax(-1).gather(-1, batch["actions"].flatten(0, 1).unsqueeze(-1)).squeeze(-1).sum(-1)
        assert torch.allclose(logp, batch["logp"].flatten(0, 1), atol=1e-5)
        before = {key: value.clone() for key, value in module.state_dict().items()}
        algo.train()
        assert any(not torch.equal(before[key], value) for key, value in module.state_dict().items())
    finally:
        algo.stop()


@pytest.mark.usefixtures("ray_session")
def test_games_that_are_forced_to_begin_anew_remember_nothing():
    algo = small(memory="gru").build_algo()
    try:
        algo.env_runner.sample()
        fragment = algo.env_runner.sample(force_reset=True)[0].agents["team"]
        assert fragment["fresh"][:, 0].all()
        assert not fragment["state"].any()
    finally:
        algo.stop()


@pytest.mark.usefixtures("ray_session")
def test_the_learner_revives_symbols_that_nobody_uses():
    algo = small(bottleneck="vector_quantised", bits=3).build_algo()
    try:
        codebook = algo.learner_group._learner.module["team"].unwrapped().team.bottleneck.codebook
        with torch.no_grad():
            codebook[:] = codebook[0]  # one code for all: seven are dead
        figures = algo.train()["learners"]["team"]
        assert figures["revived"] > 0
        assert len(torch.unique(torch.nn.functional.normalize(codebook.detach(), dim=-1).round(decimals=3), dim=0)) > 1
        played = algo.env_runner.module["team"].team.bottleneck.codebook
        assert torch.equal(played, codebook)  # what was revived is played next
    finally:
        algo.stop()


class _Module:
    """What the loss asks of a module."""

    def __init__(self, team: GraphTeam, critic: Critic) -> None:
        self.team, self.critic = team, critic


def test_with_every_coefficient_zero_it_is_plain_ppo():
    """PPO's three terms, written out again from Schulman et al. 2017."""
    torch.manual_seed(0)
    module = _Module(build(plan()), Critic(5, 16, central=True))
    b, T, N, generator = 4, 6, 3, torch.Generator().manual_seed(2)
    batch = {
        "obs": seen(b * T).view(b, T, N, 5),
        "actions": torch.randint(4, (b, T, N, 1), generator=generator),
        "logp": -torch.rand(b, T, N, generator=generator) * 2,
        "noise": torch.rand(b, T, N, module.team.noise, generator=generator),
        "state": module.team.beginning(b),
        "fresh": torch.zeros(b, T, dtype=torch.bool),
        "time": torch.rand(b, T, generator=generator),
        "acts": torch.rand(b, T, N, generator=generator) < 0.7,
        "advantages": torch.randn(b, T, N, generator=generator),
        "targets": torch.randn(b, T, N, generator=generator),
        "spread": torch.ones(b),
    }
    terms = loss(module, batch, 0.2, 0.01, 0.0, GraphLoss(value=0.5, bottleneck=0.0, graph=0.0))
    found = sum(terms.values())

    policy = value = entropy = 0.0
    step = unroll(module.team, batch)
    values = module.critic(batch["obs"].flatten(0, 1), batch["time"].flatten()).view(b, T, N)
    odds = torch.distributions.Categorical(logits=step.logits[..., 0, :].view(b, T, N, 4))
    logp = odds.log_prob(batch["actions"][..., 0])
    for i, t, a in batch["acts"].nonzero().tolist():
        ratio = float((logp.detach()[i, t, a] - batch["logp"][i, t, a]).exp())
        advantage = float(batch["advantages"][i, t, a])
        policy += min(ratio * advantage, min(max(ratio, 0.8), 1.2) * advantage)
        value += float(values.detach()[i, t, a] - batch["targets"][i, t, a]) ** 2
        entropy += float(odds.entropy().detach()[i, t, a])
    wanted = (-policy + 0.5 * value - 0.01 * entropy) / int(batch["acts"].sum())
    assert float(found.detach()) == pytest.approx(wanted, rel=1e-4)


# ------------------------------------------------------------------------------------------------------------ the wire
def over_the_wire(agents, observations, fresh):
    """One step of N lone agents: their actions, payload bits and bytes of all messages. Nothing but bytes passes here."""
    present, payload, controls_bits = {}, 0.0, 0.0
    for i, agent in enumerate(agents):
        agent.see(observations[agent.name], fresh)
        present[i] = agent.present
    for _ in range(agents[0].plan.rounds):
        controls = {i: packed for i, agent in enumerate(agents) if (packed := agent.control()) is not None}
        for i, agent in enumerate(agents):
            agent.told({j: packed.payload for j, packed in controls.items() if j != i}, present)
        if sum(present.values()) > 1:
            controls_bits += sum(packed.payload_bits for packed in controls.values())
        said = {i: agent.say() for i, agent in enumerate(agents)}
        payload += sum(packed.payload_bits for packed in said.values() if packed)
        for agent in agents:
            agent.hear({j: said[j].payload for j in agent.speakers})
    return {agent.name: agent.act() for agent in agents}, payload, controls_bits


def play_both(id, options, parts, steps=25, seed=3):
    torch.manual_seed(seed)
    batch = commenv.make_batch(id, 1, seed, **{"bits": 0, **options})
    from agents.networks import choices

    names = tuple(batch.possible_agents)
    made = build(
        Plan(
            names,
            tuple(batch.observation_spaces[name].shape[0] for name in names),
            tuple(tuple(choices(batch.action_spaces[name])) for name in names),
            **{"width": 16, **parts},
        )
    )
    for p in made.parameters():
        torch.nn.init.normal_(p, std=0.4)
    team = TalkingTeam(id, batch.options, made)
    player, agents = team.player(1), team.split()
    observations, fresh, bits, controls = batch.reset(), np.ones(1, bool), 0.0, 0.0
    for t in range(steps):
        acted = player.act(observations, batch.active, fresh)
        alone, sent, control = over_the_wire(agents, {name: x[0] for name, x in observations.items()}, bool(fresh[0]))
        bits, controls = bits + sent, controls + control
        assert alone == {name: tuple(np.atleast_1d(a[0]).tolist()) for name, a in acted.items()}, f"step {t}"
        observations, _, terminated, truncated, _ = batch.step(acted)
        fresh = terminated[names[0]] | truncated[names[0]]
    figures = player.talk.figures()
    assert figures["sent_bits_per_step"] * steps == pytest.approx(bits)
    assert figures["control_bits_per_step"] * steps == pytest.approx(controls)
    return bits


@pytest.mark.parametrize("graph", ["full", "ring", "tarmac", "ic3net", "schednet", "magic", "commformer", "selforg", "none"])
def test_split_agents_play_the_same_game_with_every_graph(graph):
    parts = {"graph": graph, "rounds": 2, "memory": "gru"}
    bits = play_both(PREY, {"size": 5}, parts) + play_both(JUNCTION, {}, {**parts, "separate": True, "identities": True})
    assert (bits > 0) != (graph == "none")


@pytest.mark.parametrize("rounds", [1, 2])
def test_split_agents_remember_what_they_heard(rounds):
    assert play_both(PREY, {"size": 5}, {"memory": "heard", "rounds": rounds, "separate": True}) > 0


@pytest.mark.parametrize("bottleneck", BOTTLENECKS)
def test_split_agents_play_the_same_game_with_every_bottleneck(bottleneck):
    assert play_both(CAPTURE, {}, {"bottleneck": bottleneck, "bits": BITS.get(bottleneck, 3), "memory": "attention"}) > 0


def junction(cars, **parts):
    torch.manual_seed(0)
    batch = commenv.make_batch(JUNCTION, 1, cars=cars, bits=0)
    seats = Plan.seated(batch.observation_spaces, batch.action_spaces, **{"width": 8, **parts})
    return TalkingTeam(JUNCTION, batch.options, build(seats))


@pytest.mark.parametrize("graph", ["full", "ring", "relation", "tarmac", "ic3net", "schednet", "magic", "selforg"])
def test_a_team_plays_the_same_among_empty_places(graph):
    """Of four cars in a game of eight, the first four say, hear and do what they do in a game of four."""
    four = junction(4, graph=graph)
    eight = four.at(replace(four.options, cars=8))
    x = torch.rand(6, 8, eight.network.longest)
    x[:, 4:] = 0
    with torch.no_grad():
        a, b = four.network(x[:, :4], four.network.beginning(6)), eight.network(x, eight.network.beginning(6))
    if graph == "ring":  # whose ends meet elsewhere
        assert a.links[:, 0, 0, 3].all()
        assert not b.links[:, 0, 0, 3].any()
    else:
        assert torch.allclose(a.logits, b.logits[:, :4], atol=1e-6)
    assert len(eight.player(6).team.plan.names) == 8


@pytest.mark.parametrize("parts", [{"separate": True}, {"identities": True}, {"graph": "commformer"}])
def test_networks_of_so_many_agents_play_with_no_others(parts):
    team = junction(4, **parts)
    with pytest.raises(ValueError, match="made for 4 agents"):
        team.at(replace(team.options, cars=8))


def test_damaged_bytes_are_refused():
    torch.manual_seed(0)
    team = build(plan(bits=2, bottleneck="vector_quantised"))
    with pytest.raises(ValueError, match="bytes"):
        unpack(b"\x00\x00", team.bottleneck.alphabet, 1)


@given(st.integers(0, 3), st.integers(1, 3))
def test_saved_teams_play_on_as_they_were(tmp_path_factory, seed, rounds):
    torch.manual_seed(seed)
    batch = commenv.make_batch(JUNCTION, 5, seed, bits=0)
    names = tuple(batch.possible_agents)
    team = TalkingTeam(
        JUNCTION, batch.options, build(Plan(names, (17,) * 5, ((2,),) * 5, rounds=rounds, memory="gru", graph="tarmac", width=8))
    )
    folder = tmp_path_factory.mktemp("team")
    team.save(folder)
    again, fresh = load(folder), np.ones(5, bool)
    one, other, x = team.player(5), again.player(5), batch.reset()
    for _ in range(6):
        a, b = one.act(x, batch.active, fresh), other.act(x, batch.active, fresh)
        assert all(np.array_equal(a[name], b[name]) for name in names)
        x, *_ = batch.step(a)
        fresh = np.zeros(5, bool)
