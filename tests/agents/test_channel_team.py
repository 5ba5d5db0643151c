"""Teams over the game's own channel: the sum over messages is the sum over messages, and what trains is what was played."""

import itertools

import numpy as np
import pytest
import torch

import commenv
from agents import CommPPOConfig, Team, load
from agents.channel_learning import MarginalLoss, acts, columns, loss, say
from agents.channel_team import ChannelPolicy, ChannelTeamModule, Seat, seats
from agents.networks import choices
from commenv.core.channel import Channel
from commenv.core.game import choose
from commenv.games import rules

SPEAKER, REFERENCE = "classic/speaker_listener-v0", "classic/reference-v0"


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def module_of(seated, separate=False, seed=0, spread=0.5):
    """A module of weights far from where they begin, so that no term is small."""
    torch.manual_seed(seed)
    made = ChannelTeamModule(
        observation_space=None, action_space=None, inference_only=False, model_config={**seated, "separate": separate}
    )
    for p in made.parameters():
        torch.nn.init.normal_(p, std=spread)
    return made


def two_speakers(**channel):
    """A listener who hears two speakers: a toy of our own."""
    own, symbols = 3, channel["symbols"]
    seat = {"own": own, "links": 0, "symbols": symbols, "actions": 0, "messages": symbols, "hidden": (4,)}
    listener = {**seat, "links": 2, "actions": 3, "messages": 0}
    return {
        "seats": {"a": seat, "b": {**seat, "own": 2}, "c": listener},
        "senders": {"a": [], "b": [], "c": ["a", "b"]},
        "channel": Channel(**channel).fields(),
    }


def steps(rows=6, seed=0, symbols=2):
    g = torch.Generator().manual_seed(seed)
    width = {"a": 3, "b": 2, "c": 3}
    seen = {f"{when}_{name}": torch.randn(rows, w, generator=g) for name, w in width.items() for when in ("own", "before")}
    heard = torch.nn.functional.one_hot(torch.randint(symbols + 1, (rows, 2), generator=g), symbols + 1).float()
    return {
        **seen,
        "heard_c": heard,
        "follows": torch.arange(rows) % 3 != 0,
        "time": torch.rand(rows, generator=g),
        "action_c": torch.randint(3, (rows,), generator=g),
        "advantage_c": torch.randn(rows, generator=g),
        "target_c": torch.randn(rows, generator=g),
    }


def enumerated(module, batch, row):
    """P(a | x, x') of one row: over messages, then over what is delivered, one policy's call for each."""
    policy, own = module.policies["c"], batch["own_c"][row]
    W, symbols, total = module.channel.matrix, module.channel.wire.symbols, 0.0
    said = {name: module.policies[name].say(batch[f"before_{name}"][row : row + 1])[0].exp() for name in "ab"}
    for messages in itertools.product(range(symbols), repeat=2):
        for heard in itertools.product(range(symbols + 1), repeat=2):
            p = np.prod([float(said[n][m] * W[m, y]) for n, m, y in zip("ab", messages, heard, strict=True)])
            inbox = torch.zeros(2, symbols + 1)
            inbox[range(2), heard] = 1  # as the game shows it: the last place is an erasure
            answer = policy(torch.cat([own, inbox.flatten()])).softmax(-1)
            total += p * float(answer[batch["action_c"][row]])
    return total


@pytest.mark.parametrize("channel", [{"symbols": 2}, {"symbols": 3, "error": 0.2, "erasure": 0.1}])
@torch.no_grad()
def test_the_marginal_is_the_sum_over_messages_and_noise(channel):
    module, batch = module_of(two_speakers(**channel)), steps(symbols=channel["symbols"])
    found = acts(module, "c", batch, say(module, batch)).probability
    for row in range(6):
        if batch["follows"][row]:
            assert float(found[row]) == pytest.approx(enumerated(module, batch, row), rel=1e-5)
        else:  # what was said before is not known: what is heard stands for itself, and "nothing" is an empty inbox
            symbols = batch["heard_c"][row, :, :-1]
            inbox = torch.cat([symbols, torch.zeros(2, 1)], -1).flatten()
            answer = module.policies["c"](torch.cat([batch["own_c"][row], inbox])).softmax(-1)
            assert float(found[row]) == pytest.approx(float(answer[batch["action_c"][row]]), rel=1e-5)


def test_at_the_old_policy_the_gradient_is_exact():
    """With every ratio at 1 the policy's term has the gradient of - E A log P: by finite differences of the enumerated sum."""
    module, batch = module_of(two_speakers(symbols=2)), steps()
    module.double()
    module.channel.matrix = module.channel.matrix.double()
    batch = {key: value.double() if value.is_floating_point() else value for key, value in batch.items()}
    with torch.no_grad():
        batch["old_c"] = acts(module, "c", batch, say(module, batch)).probability
    loss(module, batch, 0.2, 1.0, MarginalLoss(value=0.0))["policy"].backward()
    rng = np.random.default_rng(0)
    for name, p in module.named_parameters():
        if name.startswith("critics"):
            assert p.grad is None
            continue
        place = tuple(int(rng.integers(n)) for n in p.shape)
        ends = []
        for change in (1e-5, -1e-5):
            with torch.no_grad():
                p[place] += change
                log = torch.log(acts(module, "c", batch, say(module, batch)).probability)
                ends.append(float(-(batch["advantage_c"] * log).mean()))
                p[place] -= change
        assert float(p.grad[place]) == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-7)


def test_terms_at_weight_zero_leave_ppo():
    module, batch = module_of(two_speakers(symbols=2)), steps()
    with torch.no_grad():
        batch["old_c"] = acts(module, "c", batch, say(module, batch)).probability / 1.5
    silent = MarginalLoss(speaker_entropy=0.0, listener_entropy=0.0, usage=0.0)
    terms = loss(module, batch, 0.2, 0.0, silent)
    A = batch["advantage_c"].numpy()
    assert terms["policy"].item() == pytest.approx(-np.minimum(1.5 * A, 1.2 * A).mean(), rel=1e-4)
    assert terms["annealing"].item() == 0
    assert loss(module, batch, 0.2, 0.9, MarginalLoss())["annealing"].item() == 0
    assert loss(module, batch, 0.2, 0.0, MarginalLoss())["annealing"].item() < 0


def small(id, learn="marginal", games=16, fragment=10, hidden=(16,), env_config=None, **said):
    return (
        CommPPOConfig()
        .environment(id, env_config={"max_cycles": 7} if env_config is None else env_config)
        .communication(learn=learn, hidden=hidden, total_steps=10_000, **said)
        .env_runners(num_envs_per_env_runner=games, rollout_fragment_length=fragment)
        .training(train_batch_size_per_learner=games * fragment, minibatch_size=games * fragment // 2, num_epochs=1)
        .debugging(seed=5, log_level="ERROR")
    )


@pytest.mark.usefixtures("ray_session")
@pytest.mark.parametrize(
    ("id", "options", "said"),
    [
        (SPEAKER, {"max_cycles": 7}, {}),
        (REFERENCE, {"max_cycles": 7, "channel": {"symbols": 4, "error": 0.1, "erasure": 0.2}}, {"separate": True}),
        (REFERENCE, {"max_cycles": 7}, {"loss": {"usage": 0.2}}),
    ],
)
def test_what_trains_is_what_was_played(id, options, said):
    """Over games that end within a fragment and go on in the next: rows follow, the ratio is 1, and one iteration learns."""
    algo = small(id, env_config=options, **said).build_algo()
    try:
        algo.env_runner.sample()
        before_meter = algo.env_runner.env.meter.total.counts.sum()
        fragment = algo.env_runner.sample()[0]  # one that begins in the middle of games
        module = algo.learner_group._learner.module["team"].unwrapped()
        rows = columns(module, fragment, 0.95, 0.9)
        over = fragment.terminated | fragment.truncated
        assert over[:, :-1].any()
        assert np.array_equal(rows["follows"].view(16, 10)[:, 1:].numpy(), ~over[:, :-1])
        assert not rows["follows"].view(16, 10)[:, 0].any()
        for name in module.actors:
            again = acts(module, name, rows, say(module, rows)).probability
            assert torch.equal(again, rows[f"old_{name}"])
            played, mine = module.policies[name], fragment.agents[name]
            logits = played(torch.from_numpy(mine["obs"])).detach()[..., : played.seat.actions]
            action = mine["actions"][..., :1] if mine["actions"].ndim == 3 else mine["actions"][..., None]
            drawn = logits.softmax(-1).gather(-1, torch.from_numpy(action)).flatten()
            known = ~rows["follows"]
            assert torch.allclose(rows[f"old_{name}"][known], drawn[known], atol=1e-6)
        # What was sent is what the channel carried: one message a link and step stands in the meter.
        links = len(algo.config.layout().links)
        assert algo.env_runner.env.meter.total.counts.sum() - before_meter == links * 160
        state = {key: value.clone() for key, value in module.state_dict().items()}
        algo.train()
        assert all(torch.isfinite(value).all() for value in module.state_dict().values())
        for part in ("weight", "voice.0.weight"):
            keys = [key for key in state if key.endswith(part) and key.startswith("minds")]
            assert any(not torch.equal(state[key], module.state_dict()[key]) for key in keys)
    finally:
        algo.stop()


@pytest.mark.usefixtures("ray_session")
def test_saved_teams_play_on_as_they_were(tmp_path):
    algo = small(REFERENCE).build_algo()
    try:
        team = algo.team()
    finally:
        algo.stop()
    team.save(tmp_path)
    again = load(tmp_path)
    assert isinstance(again, Team)
    batch = commenv.make_batch(REFERENCE, 30, 3, max_cycles=7)
    seen, fresh = batch.reset(), np.ones(30, bool)
    one, other = team.player(30), again.player(30)
    for _ in range(9):
        acted, theirs = one.act(seen, batch.active, fresh), other.act(seen, batch.active, fresh)
        assert all(np.array_equal(acted[name], theirs[name]) and acted[name].shape == (30, 2) for name in acted)
        seen, *_ = batch.step(acted)


def test_likely_acts_follow_from_the_own_part_and_the_inbox():
    """The speaker's words do not move with what it hears; the listener reads an erasure as nothing."""
    torch.manual_seed(0)
    policy = ChannelPolicy(Seat(own=11, links=1, symbols=10, actions=5, messages=10, hidden=(8, 8)))
    for p in policy.parameters():
        torch.nn.init.normal_(p)
    own, inbox = torch.randn(50, 11), torch.eye(11)[torch.arange(50) % 11]
    logits, empty = (policy(torch.cat([own, x], -1)) for x in (inbox, torch.zeros(50, 11)))
    assert torch.equal(logits[:, 5:], empty[:, 5:])
    erased = inbox[:, -1] == 1
    assert torch.allclose(logits[erased], empty[erased])
    assert not torch.allclose(logits[~erased, :5], empty[~erased, :5])
    space = commenv.make_batch(REFERENCE, 1).action_spaces["agent_0"]
    assert logits.shape[-1] == sum(choices(space))
    assert policy.sizes == [22, 8, 8, 15]


def test_those_alike_share_a_mind_unless_separate():
    options = choose(rules(REFERENCE), {})
    seated = seats(rules(REFERENCE), options, [8], 64)
    shared, apart = module_of(seated), module_of(seated, separate=True)
    assert shared.policies["agent_0"] is shared.policies["agent_1"]
    assert apart.policies["agent_0"] is not apart.policies["agent_1"]
    own = {name: torch.randn(4, 11) for name in seated["seats"]}
    swapped = {"agent_0": own["agent_1"], "agent_1": own["agent_0"]}
    time = torch.rand(4)
    assert torch.allclose(shared.values("agent_0", own, time), shared.values("agent_1", swapped, time))


@pytest.mark.parametrize(
    ("id", "env_config", "said", "words"),
    [
        ("messaging/referential-v0", {}, {}, "all act at once"),
        ("classic/switch_riddle-v0", {}, {}, "all act at once"),
        (REFERENCE, {"bits": 6}, {}, "65 inboxes, and marginal_up_to=64"),
        (REFERENCE, {}, {"marginal_up_to": 4}, "11 inboxes"),
        (REFERENCE, {"channel": {"symbols": 4, "delay": 1}}, {}, "not memoryless"),
        (REFERENCE, {"channel": {"symbols": 4, "silence": True, "cap": 9.0}}, {}, "budget"),
        (REFERENCE, {}, {"graph": "full"}, "graph is a part of teams that talk over a graph"),
    ],
)
def test_what_cannot_be_learned_is_refused(id, env_config, said, words):
    with pytest.raises(ValueError, match=words):
        small(id, env_config=env_config, **said).validate()


def test_links_that_the_channel_leaves_out_are_heard_by_nobody():
    options = choose(rules(REFERENCE), {"channel": {"symbols": 3, "topology": [(0, 1)]}})
    found = seats(rules(REFERENCE), options, [8], 64)
    assert [len(senders) for senders in found["senders"].values()] == [0, 1]
    widths = [seat["own"] + seat["links"] * (seat["symbols"] + 1) for seat in found["seats"].values()]
    spaces = commenv.make_batch(REFERENCE, 1, channel={"symbols": 3, "topology": [(0, 1)]}).observation_spaces
    assert widths == [space.shape[0] for space in spaces.values()]


def test_unknown_coefficients_are_refused():
    with pytest.raises(ValueError, match="a team's loss has anneal"):
        CommPPOConfig().communication(learn="marginal", loss={"exchange": 1.0})
