"""Terms of the loss: each against a closed form, a vector or brute force; none of them changes plain PPO when its weight is 0."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from agents import CommPPOConfig
from agents.bottlenecks.gaussian import divergence as gaussian_divergence
from agents.graph_learning import GraphLoss, columns, loss, unroll
from agents.graph_team import Critic, Plan, build
from agents.terms import TERMS, chosen_terms
from agents.terms.contract import Moment, RewardTerm, Surrogate
from agents.terms.counterfactual import answers, capacity, influence
from agents.terms.eccles import difference, signalling
from agents.terms.entropy_mechanism import covariance
from agents.terms.infomax import barber_agakov
from agents.terms.messages import chosen, entropy, joint, marginal_entropy, spoken
from agents.terms.rates import divergence
from agents.terms.smoothing import phase

JUNCTION = "classic/traffic_junction-v0"


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


class Module:
    """What the loss asks of a module: a team of 3 that see 5 numbers and choose among 4 actions."""

    def __init__(self, terms=None, **parts):
        torch.manual_seed(0)
        plan = Plan(("a", "b", "c"), (5,) * 3, ((4,),) * 3, **{"width": 16, "bits": 2, **parts})
        self.team, self.critic = build(plan), Critic(5, 16, central=True)
        for p in self.team.parameters():  # a team whose messages matter from the start
            torch.nn.init.normal_(p, std=0.5)
        self.terms = chosen_terms(terms or {})
        made = {name: term.extras(self.team) for name, term in self.terms.items()}
        self.extras = torch.nn.ModuleDict({name: network for name, network in made.items() if network is not None})


def minibatch(module, b=4, T=6, absent=False):
    """Columns as they would be had the team just played."""
    g = torch.Generator().manual_seed(2)
    obs = torch.rand(b, T, 3, 5, generator=g) + 0.1
    if absent:
        obs[:, :, 2] = 0.0
    batch = {
        "obs": obs,
        "actions": torch.randint(4, (b, T, 3, 1), generator=g),
        "noise": torch.rand(b, T, 3, module.team.noise, generator=g),
        "state": module.team.beginning(b),
        "fresh": torch.zeros(b, T, dtype=torch.bool),
        "time": torch.rand(b, T, generator=g),
        "acts": (torch.rand(b, T, 3, generator=g) < 0.7) & (obs != 0).any(-1),
        "advantages": torch.randn(b, T, 3, generator=g),
        "targets": torch.randn(b, T, 3, generator=g),
        "spread": torch.full((b,), 0.5),
    }
    with torch.no_grad():
        step = unroll(module.team, batch)
        batch["logp"] = step.logits.log_softmax(-1).gather(-1, batch["actions"].flatten(0, 1).unsqueeze(-1)).view(b, T, 3)
        batch["logp"] += 0.3 * torch.randn(b, T, 3, generator=g)  # some updates ago
        batch["symbols"] = step.symbols.unflatten(0, (b, T))
        if step.odds.shape[-1]:
            batch["message_logp"] = chosen(step.odds, step.symbols).unflatten(0, (b, T))
    return batch


def moment(module, batch, progress=0.0):
    flat = {key: x.flatten(0, 1) for key, x in batch.items() if key not in ("state", "spread")}
    step = unroll(module.team, batch)
    logp = step.logits.log_softmax(-1)
    ratio = (logp.gather(-1, flat["actions"].unsqueeze(-1)).squeeze(-1).sum(-1) - flat["logp"]).exp()
    return Moment(module, flat, step, logp, ratio, flat["acts"].float(), progress, batch["spread"][0], 0.2)


def value(name, options, module=None, batch=None, progress=0.0):
    """A term of a module made for it, at one minibatch."""
    module = module or Module({name: options})
    own = dict(module.extras.items()).get(name)
    return module.terms[name].loss(moment(module, batch or minibatch(module), progress), own)


def total(module, batch):
    return loss(module, batch, 0.2, 0.01, 0.3, GraphLoss(), module.terms)


# ------------------------------------------------------------------------------------------------------------ plain PPO
def test_with_every_weight_zero_it_is_plain_ppo_bit_for_bit():
    plain, weighed = Module(), Module(dict.fromkeys(TERMS, 0) | {"hinge": {"weight": 0.0, "target": 1.0}})
    losses, gradients = [], []
    for module in (plain, weighed):
        terms = total(module, minibatch(module))
        losses.append({name: float(term.detach()) for name, term in terms.items()})
        sum(terms.values()).backward()
        gradients.append([p.grad for p in [*module.team.parameters(), *module.critic.parameters()]])
    assert losses[0] == losses[1]
    assert not len(weighed.extras)
    assert all((a is None and b is None) or torch.equal(a, b) for a, b in zip(*gradients, strict=True))


@pytest.mark.parametrize("name", sorted(TERMS))
def test_every_term_moves_the_team(name):
    """With a weight each changes the gradient (or the rewards), and is finite where an agent is absent."""
    module = Module({name: {"weight": 0.5}}, rounds=2, memory="gru")
    plain = Module(rounds=2, memory="gru")
    batch = minibatch(module, absent=True)
    if isinstance(module.terms[name], RewardTerm):
        flat = batch["noise"].flatten(0, 1)
        with torch.no_grad():
            paid = module.terms[name].reward(module.team, unroll(module.team, batch), flat)
        assert paid.shape == (24, 3)
        assert paid.isfinite().all()
        assert paid[:, :2].any()
        assert not paid[:, 2].any()
        return
    gradients = []
    for each in (plain, module):
        for _ in range(2):  # a multiplier and a history need an update behind them
            each.team.zero_grad()
            sum(total(each, batch).values()).backward()
            for term, own in each.extras.items():
                each.terms[term].after_update(own)
        gradients.append(torch.cat([p.grad.flatten() for p in each.team.parameters() if p.grad is not None]))
    assert gradients[1].isfinite().all()
    assert not torch.allclose(*gradients, atol=1e-7)


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        ({"telepathy": 1.0}, "term 'telepathy' is unknown"),
        ({"hinge": {"goal": 1.0}}, "hinge has no option 'goal'"),
        ({"hinge": -1.0}, "weight of hinge=-1.0 is not allowed"),
        ({"hinge": {"target": math.nan}}, "target of hinge"),
        ({"hinge": "much"}, "weight of hinge='much' is not allowed"),
        ({"hinge": {"over": "sideways"}}, "marginal or bottleneck"),
        ({"clip_cov": 2.0}, "from 0 to 1"),
        ({"epo": {"bins": 0}}, "at least 1"),
        ({"clip_cov": 1.0, "kl_cov": 1.0}, "one policy loss at most"),
    ],
)
def test_what_is_not_there_is_refused_in_a_sentence(terms, sentence):
    with pytest.raises(ValueError, match=sentence):
        CommPPOConfig().communication(graph="full", terms=terms)


@pytest.mark.parametrize("name", ["hinge", "social_influence", "positive_signalling", "message_policy", "empowerment"])
def test_terms_of_odds_refuse_messages_that_have_none(name):
    with pytest.raises(ValueError, match="drawn from odds"):
        Module({name: 1.0}, bottleneck="finite_scalar")
    if name in ("social_influence", "empowerment"):
        with pytest.raises(ValueError, match="32 are more than 16"):
            Module({name: 1.0}, bits=5)


def test_other_refusals_of_a_team():
    with pytest.raises(ValueError, match="needs logits"):
        Module({"hinge": {"silence": 3.0}}, bottleneck="vector_quantised")
    with pytest.raises(ValueError, match="places"):
        Module({"infomax": {"places": (3, 9)}})


# ------------------------------------------------------------------------------------------------------- the second pass
def test_nobody_heard_is_a_team_without_links():
    module = Module()
    now = moment(module, minibatch(module))
    silent = now.again(silent=True)
    assert not torch.allclose(silent.logits, now.step.logits)
    assert torch.equal(now.again().logits, now.step.logits)
    batch = minibatch(module)
    module.team.graph.schedule = lambda control, present, noise: torch.zeros(*present.shape, 3)
    assert torch.equal(silent.logits, unroll(module.team, batch).logits)


@pytest.mark.parametrize("bottleneck", ["gumbel_softmax", "dimco", "dial", "vector_quantised"])
def test_odds_are_those_that_symbols_are_drawn_from(bottleneck):
    team = Module(bottleneck=bottleneck).team
    noise = torch.rand(20_000, team.bottleneck.noise)
    with torch.no_grad():
        message = team.bottleneck(torch.full((1, 16), 0.3).expand(20_000, -1), noise)
    place = message.symbols * torch.tensor([2 ** (message.symbols.shape[1] - 1 - k) for k in range(message.symbols.shape[1])])
    frequency = torch.bincount(place.sum(-1), minlength=4) / 20_000
    assert torch.allclose(frequency, joint(message.logp[0]).exp(), atol=0.015)


# --------------------------------------------------------------------------------------------------------------- vectors
def test_covariance_and_clip_cov():
    """spec/information.md 7.3."""
    A, logp = torch.tensor([1, -1, 0.5, 2, -0.5, 0]), torch.tensor([-0.1, -2, -0.5, -0.05, -3, -1])
    c = covariance(A, logp, torch.ones(6))
    assert c.tolist() == pytest.approx([0.672222, 1.188889, 0.101389, 1.763889, 1.576389, -0.036111], abs=1e-6)
    left_out = set()
    term = chosen_terms({"clip_cov": {"share": 0.5}})["clip_cov"]
    own = term.extras(None)
    now = played_decisions(A, logp)
    for _ in range(20):
        policy = term.policy(now, own).flatten()
        out = {i for i in range(6) if policy[i] == 0 and A[i] != 0}
        assert len(out) == 3
        left_out |= out
    assert left_out == {1, 3, 4}
    one = chosen_terms({"clip_cov": {"share": 0.01}})["clip_cov"].policy(now, own).flatten()
    assert len({i for i in range(6) if one[i] == 0 and A[i] != 0}) == 1


def played_decisions(A, logp, off=0.0):
    """A moment of 6 decisions whose probability is e**off that of when they were played."""
    odds = torch.stack([logp, torch.log1p(-logp.exp())], -1).view(6, 1, 1, 2)
    batch = {
        "advantages": A.view(6, 1),
        "actions": torch.zeros(6, 1, 1, dtype=torch.long),
        "logp": logp.view(6, 1) - off,
    }
    return Moment(None, batch, None, odds, torch.full((6, 1), math.exp(off)), torch.ones(6, 1), 0.0, torch.tensor(1.0), 0.2)


def test_clip_cov_spares_what_ppo_clips_and_nothing_out_of_range():
    A, logp = torch.tensor([1, -1, 0.5, 2, -0.5, 0]), torch.tensor([-0.1, -2, -0.5, -0.05, -3, -1])
    now = played_decisions(A, logp, off=0.5)  # ratio 1.65: gains are clipped, so that 3 is held already
    term = chosen_terms({"clip_cov": {"share": 1.0}})["clip_cov"]
    policy = term.policy(now, term.extras(None)).flatten()
    r = math.exp(0.5)
    assert policy.tolist() == pytest.approx([-1.2, 0.0, -0.6, -2.4, 0.0, 0.0])
    far = chosen_terms({"clip_cov": {"share": 1.0, "low": 9.0, "high": 10.0}})["clip_cov"]
    assert far.policy(now, far.extras(None)).flatten().tolist() == pytest.approx([-1.2, r, -0.6, -2.4, 0.5 * r, 0.0])


def test_kl_cov():
    A, logp = torch.tensor([1, -1, 0.5, 2, -0.5, 0]), torch.tensor([-0.1, -2, -0.5, -0.05, -3, -1])
    now = played_decisions(A, logp, off=0.5)
    term = chosen_terms({"kl_cov": {"share": 0.34, "strength": 0.7}})["kl_cov"]  # two of six: 3 and 4
    r, paid = math.exp(0.5), 0.35
    assert term.policy(now, None).flatten().tolist() == pytest.approx(
        [-r, r, -0.5 * r, -2 * r + paid, 0.5 * r + paid, 0], abs=1e-5
    )


def test_a_surrogate_counts_by_its_weight():
    losses = []
    for weight in (0.0, 0.25, 1.0):
        module = Module({"kl_cov": {"weight": weight, "share": 0.3}})
        losses.append(float(total(module, minibatch(module))["policy"].detach()))
    assert losses[1] == pytest.approx(0.75 * losses[0] + 0.25 * losses[2], rel=1e-5)
    assert losses[0] != losses[2]


@pytest.mark.parametrize(("step", "weight"), [(75, 0.827067), (76, 0.768632), (150, 0.039830)])
def test_phase_of_epo(step, weight):
    assert phase("code", step / 150) == pytest.approx(weight, abs=1e-6)
    assert phase("constant", step / 150) == 1
    assert phase("rising", step / 150) == step / 150


def test_epo_costs_what_entropy_is_outside_of_its_past():
    module = Module({"epo": {"bins": 1}})
    batch, own = minibatch(module), module.extras["epo"]
    now = moment(module, batch)
    term, H = module.terms["epo"], -(now.logp.exp() * now.logp).sum((-2, -1))
    assert float(term.loss(now, own).detach()) == 0  # no past
    term.after_update(own)
    assert float(own.mean()) == pytest.approx(float(now.mean(H).detach()))
    own.past.fill_(4.0)
    own.updates.fill_(2.0)
    inside = (0.1 * (1.6 - H).clamp_min(0) + 0.1 * (H - 2.4).clamp_min(0)).detach()
    assert float(term.loss(now, own).detach()) == pytest.approx(float(now.mean(inside)), rel=1e-5)
    assert float(now.mean(inside)) > 0


def test_entropy_target_moves_its_coefficient():
    module = Module({"entropy_target": {"target": 0.9, "final": 0.9, "step": 0.5}})
    own = module.extras["entropy_target"]
    first = float(value("entropy_target", None, module).detach())
    now = moment(module, minibatch(module))
    H = float(now.mean(-(now.logp.exp() * now.logp).sum((-2, -1))).detach())
    assert first == pytest.approx(-0.01 * H, rel=1e-5)
    module.terms["entropy_target"].after_update(own)
    assert float(own.coefficient) == pytest.approx(max(0.0, 0.01 + 0.5 * (0.9 - H / math.log(4))), rel=1e-4)


# ------------------------------------------------------------------------------------------------------ prices and rates
def test_rate_is_the_entropy_of_mean_odds():
    odds = torch.randn(6, 2, 3, 2, 2).log_softmax(-1)
    weight = (torch.rand(6, 2, 3) < 0.5).float()
    mean = np.zeros(4)
    for i in weight.nonzero().tolist():
        first, second = odds[tuple(i)].exp().numpy()
        mean += np.outer(first, second).ravel()
    mean /= mean.sum()
    assert float(marginal_entropy(odds, weight)) == pytest.approx(-(mean * np.log2(mean)).sum(), rel=1e-5)
    many = torch.full((4, 9, 2), 0.5).log()  # 512 messages: digit by digit
    assert float(marginal_entropy(many, torch.ones(4))) == pytest.approx(9.0, rel=1e-6)
    assert float(marginal_entropy(odds, 0 * weight)) == 0


def test_divergences_of_the_variational_bottleneck():
    """spec/information.md 5.4."""
    q = torch.tensor([[0.7, 0.2, 0.1]], dtype=torch.float64)
    assert float(divergence(q.log(), torch.full((1, 3), 1 / 3, dtype=torch.float64).log())) == pytest.approx(0.428182851)
    both = gaussian_divergence(torch.tensor([0.5, -1.0], dtype=torch.float64), torch.tensor([0.8, 1.2], dtype=torch.float64))
    assert float(both) == pytest.approx(1.018285891)


def test_a_learned_prior_bounds_the_information():
    module = Module({"vib": {"prior": "learned"}})
    batch, own = minibatch(module), module.extras["vib"]
    optimizer = torch.optim.Adam(own.parameters(), lr=0.1)
    with torch.no_grad():
        now = moment(module, batch)
    p = joint(now.step.odds).exp()[spoken(now.step) > 0]
    true = float(entropy(p.mean(0)) - entropy(p).mean())
    found = []
    for _ in range(200):
        optimizer.zero_grad()
        rate = module.terms["vib"].loss(now, own)
        rate.backward()
        optimizer.step()
        found.append(float(rate.detach()))
    assert min(found) >= true - 1e-5
    assert found[-1] == pytest.approx(true, abs=1e-3)
    assert found[0] > true + 0.01


def test_prices_are_in_rewards_over_the_largest_spread():
    module = Module({"price": 1.0})
    batch, own = minibatch(module), module.extras["price"]
    rate = float(value("price", None, Module({"price": {"units": "loss"}}), batch).detach())
    assert float(own.scale) == 0
    for spread, scale in ((0.5, 0.5), (2.0, 2.0), (0.1, 2.0)):
        batch["spread"] = torch.full((4,), spread)
        assert float(value("price", None, module, batch).detach()) == pytest.approx(rate / scale, rel=1e-5)


def test_the_multiplier_ascends_once_an_update():
    module = Module({"lagrangian": {"target": 1.0, "step": 0.25, "multiplier": 0.1, "units": "loss"}})
    term, own = module.terms["lagrangian"], module.extras["lagrangian"]
    costs = [float(term.price(torch.tensor(rate), own)) for rate in (1.4, 1.8)]
    assert costs == pytest.approx([0.04, 0.08])
    assert float(own.multiplier) == pytest.approx(0.1)
    term.after_update(own)
    assert float(own.multiplier) == pytest.approx(0.1 + 0.25 * 0.6)  # mean rate 1.6
    term.price(torch.tensor(0.2), own)
    term.after_update(own)
    assert float(own.multiplier) == pytest.approx(0.25 - 0.25 * 0.8)
    term.price(torch.tensor(0.0), own)
    term.after_update(own)
    assert float(own.multiplier) == 0  # .05 - .25, but not below
    term.after_update(own)
    assert float(own.multiplier) == 0  # without a minibatch nothing is known


@pytest.mark.parametrize(("bottleneck", "alphabet"), [("gumbel_softmax", 4), ("dimco", 2)])
def test_a_team_begins_near_silence(bottleneck, alphabet):
    plain, quiet = (Module({"hinge": {"silence": s}}, bottleneck=bottleneck).team.bottleneck.logits.bias for s in (0.0, 3.0))
    added = (quiet - plain).view(-1, alphabet)
    assert torch.allclose(added[:, 0], torch.tensor(3.0))
    assert not added[:, 1:].any()


def partitions(total, largest):
    """Sizes of the cells of a partition, largest first."""
    if total == 0:
        yield ()
    for size in range(min(total, largest), 0, -1):
        for rest in partitions(total - size, size):
            yield (size, *rest)


def test_no_linear_price_selects_an_interior_point_but_a_target_does():
    """All codes of 8 states: the best under a price has 3 bits below .2917 and none above; under a target every reward is had."""
    sizes = [np.array(cells) / 8 for cells in partitions(8, 8)]
    every_code = [(len(p) / 8, float(-(p * np.log2(p)).sum())) for p in sizes]
    chosen_bits = {}
    for price in np.arange(0.0, 0.6, 0.0005):
        chosen_bits[price] = max((r - price * h, h) for r, h in every_code)[1]
    assert {round(bits, 6) for bits in chosen_bits.values()} == {0.0, 3.0}
    flip = next(price for price, bits in chosen_bits.items() if bits == 0)
    assert flip == pytest.approx(0.2917, abs=5e-4)
    hinged = {
        target: max((r - 10 * max(0.0, h - target) ** 2, r) for r, h in every_code)[1]
        for target in (0.564, 1.081, 1.569, 2.02, 2.426, 2.77)
    }
    assert list(hinged.values()) == [0.25, 0.375, 0.5, 0.625, 0.75, 0.875]
    weak = max((r - max(0.0, h - 2.426) ** 2, h) for r, h in every_code)[1]  # with a weight of 2 a target can be exceeded
    assert weak - 2.426 == pytest.approx(0.324)


def told(odds):
    """A moment in which one message of each state, with odds [8, 8], is listened to."""
    step = SimpleNamespace(odds=odds.view(8, 1, 1, 1, 8), links=torch.ones(8, 1, 1, 1), rates=torch.zeros(8, 1, 1))
    return SimpleNamespace(step=step, spread=torch.tensor(1.0), progress=0.0)


@pytest.mark.parametrize(
    ("name", "options", "silence", "low", "high"),
    [
        ("hinge", {"weight": 8.0, "target": 1.5}, 0.0, 1.35, 1.6),
        ("hinge", {"weight": 8.0, "target": 1.5}, 3.0, 1.35, 1.6),
        ("price", {"weight": 0.05}, 3.0, 2.7, 3.0),
        ("price", {"weight": 0.6}, 3.0, 0.0, 0.05),
        ("price", {"weight": 0.6}, 0.0, 2.7, 3.0),  # silence is best, but even use of symbols has no gradient towards it
    ],
)
def test_a_hinge_lowers_the_rate_to_its_target_and_a_price_to_all_or_nothing(name, options, silence, low, high):
    """Sender and listener by exact gradients on 8 states, from a code that uses its symbols almost evenly, or near silence."""
    term = chosen_terms({name: options})[name]
    own = term.extras(SimpleNamespace(bottleneck=build(Module().team.plan).bottleneck, plan=Module().team.plan))
    sender = 2.5 * torch.eye(8) + 0.3 * torch.randn(8, 8, generator=torch.Generator().manual_seed(1))
    sender[:, 0] += silence
    sender.requires_grad_()
    listener = (2.5 * torch.eye(8)).clone().requires_grad_()
    optimizer = torch.optim.Adam([sender, listener], lr=0.05)
    for _ in range(600):
        optimizer.zero_grad()
        odds = sender.log_softmax(-1)
        reward = (odds.exp() @ listener.softmax(-1)).diagonal().mean()
        (-reward + term.weight * term.loss(told(odds), own)).backward()
        optimizer.step()
    assert low <= float(marginal_entropy(sender.log_softmax(-1).view(8, 1, 8), torch.ones(8)).detach()) <= high


def test_message_entropy_is_a_bonus_that_fades():
    module = Module({"message_entropy": {"until": 0.5}})
    batch = minibatch(module)
    step = moment(module, batch).step
    H = float(marginal_entropy(step.odds, spoken(step)).detach())
    for progress, share in ((0.0, 1.0), (0.25, 0.5), (0.5, 0.0), (1.0, 0.0)):
        assert float(value("message_entropy", None, module, batch, progress).detach()) == pytest.approx(-share * H, abs=1e-6)


# -------------------------------------------------------------------------------------------- signalling and listening
def test_positive_signalling_by_brute_force():
    p = torch.rand(5, 1, 2, 3, generator=torch.Generator().manual_seed(3))
    p = p / p.sum(-1, keepdim=True)
    sent = torch.ones(5, 1, 2)
    sent[0, 0, 0] = sent[3, 0, 1] = 0

    def H(q):
        return -sum(float(x) * math.log2(float(x)) for x in q)

    off, spread = [], []
    for agent in range(2):
        mine = [p[s, 0, agent] for s in range(5) if sent[s, 0, agent]]
        off += [(H(q) - 0.7) ** 2 for q in mine]
        spread.append(H(sum(mine) / len(mine)))
    wanted = sum(off) / len(off) - 1.5 * sum(spread) / 2
    assert float(signalling(p, sent, 1.5, 0.7)) == pytest.approx(wanted, rel=1e-5)


def test_positive_signalling_is_least_for_messages_that_tell_most():
    seen = torch.eye(4).view(4, 1, 1, 4)
    constant = torch.eye(4)[:1].expand(4, 4).reshape(4, 1, 1, 4)
    drawn = torch.full((4, 1, 1, 4), 0.25)
    losses = [float(signalling(p, torch.ones(4, 1, 1), 1.0, 0.0)) for p in (seen, constant, drawn)]
    assert losses == pytest.approx([-2.0, 0.0, 2.0], abs=1e-5)


def test_positive_listening_by_brute_force():
    p, q = (torch.rand(2, 2, 1, 3).softmax(-1) for _ in range(2))
    wanted = [[sum(abs(float(p[s, n, 0, a] - q[s, n, 0, a])) for a in range(3)) for n in range(2)] for s in range(2)]
    assert torch.allclose(difference(p.log(), q.log()), torch.tensor(wanted), atol=1e-6)
    deaf, hears = Module({"positive_listening": 1.0}, graph="none"), Module({"positive_listening": 1.0})
    assert float(value("positive_listening", None, deaf).detach()) == 0
    assert -2 <= float(value("positive_listening", None, hears).detach()) < -1e-3


# -------------------------------------------------------------------------------------------------------- counterfactuals
def test_influence_vector():
    """spec/information.md 6: its mean is the one-step causal influence."""
    p = torch.tensor([[0.5, 0.3, 0.2]], dtype=torch.float64)
    given = torch.tensor([[0.8, 0.2], [0.3, 0.7], [0.5, 0.5]], dtype=torch.float64)
    each = influence(p, given.log().view(3, 1, 1, 1, 2))[:, 0, 0]
    assert float(p[0] @ each) == pytest.approx(0.151149152, abs=1e-9)
    assert float(each[1]) == pytest.approx(0.247485973, abs=1e-9)


def test_social_influence_is_what_changing_a_message_does():
    """One speaker, by hand: its symbol is replaced on the wire, and KL is summed over those who listen."""
    module = Module({"social_influence": 1.0}, graph="ring", rounds=2)
    team, batch = module.team, minibatch(module, b=2, T=3)
    with torch.no_grad():
        step, noise = unroll(team, batch), batch["noise"].flatten(0, 1)
        paid = module.terms["social_influence"].reward(team, step, noise)
        speaker = 1
        s = int(paid[:, speaker].argmax())
        p = step.odds[s, 0, speaker, 0].exp()

        def answer(m):
            def instead(k, read):
                return read if k else torch.stack([torch.eye(4)[m] if i == speaker else read[0, i] for i in range(3)])[None]

            one = slice(s, s + 1)
            said = team.talk(step.perceived[one], step.state[one], step.present[one], noise[one], instead=instead)
            return said.logits[0, :, 0].softmax(-1)

        given = torch.stack([answer(m) for m in range(4)])
        mean = (p.view(4, 1, 1) * given).sum(0)
        m = int(step.symbols[s, 0, speaker, 0])
        wanted = sum(float((given[m, j] * (given[m, j] / mean[j]).log2()).sum()) for j in (0, 2))
    assert float(paid[s, speaker]) == pytest.approx(wanted, abs=1e-5)
    assert wanted > 1e-4


def test_who_is_not_heard_has_no_influence():
    module = Module({"social_influence": 1.0}, graph="none")
    batch = minibatch(module)
    with torch.no_grad():
        paid = module.terms["social_influence"].reward(module.team, unroll(module.team, batch), batch["noise"].flatten(0, 1))
    assert not paid.any()


def test_empowerment_is_a_capacity():
    channel = torch.tensor([[0.9, 0.1], [0.1, 0.9]]).log().view(2, 1, 1, 1, 2)
    assert float(capacity(channel, 1)) == pytest.approx(0.531004406, abs=1e-6)
    z = torch.tensor([[1.0, 1e-12], [0.5, 0.5]]).log().view(2, 1, 1, 1, 2)  # Z channel: log2(5 / 4)
    assert float(capacity(z, 60)) == pytest.approx(math.log2(1.25), abs=1e-4)
    assert float(capacity(torch.full((2, 1, 1, 1, 2), 0.5).log(), 5)) == pytest.approx(0.0, abs=1e-7)


def test_empowerment_is_no_less_than_influence():
    module = Module({"empowerment": 1.0})
    batch = minibatch(module)
    with torch.no_grad():
        now = moment(module, batch)
        speaker = torch.arange(24) % 3
        logp = answers(module.team, now.step, now.batch["noise"], speaker)
        p = joint(now.step.odds[torch.arange(24), 0, speaker]).exp()
        told = (p.T.unsqueeze(-1) * influence(p, logp)).sum(0)
        most = capacity(logp, 500)
    assert (most >= told - 1e-4).all()
    assert most.max() > told.max() > 1e-4


# ---------------------------------------------------------------------------------------------------- decoders and NDQ
def test_barber_agakov_bounds_the_information_of_a_channel():
    p = torch.tensor([[0.4, 0.1], [0.1, 0.4]])  # p(x, z): .278071905 bits
    true = 0.278071905
    assert float(barber_agakov(p.sum(1), -(p * (p / p.sum(0)).log()).sum())) == pytest.approx(true, abs=1e-6)
    for _ in range(50):
        q = torch.rand(2, 2).log_softmax(0)
        assert float(barber_agakov(p.sum(1), -(p * q).sum())) <= true + 1e-6


def test_a_decoder_learns_what_messages_tell_and_no_more():
    module = Module({"infomax": {"places": (0, 5)}})
    batch = minibatch(module, b=16, T=8)
    own, term = module.extras["infomax"], module.terms["infomax"]
    with torch.no_grad():
        now = moment(module, batch)
    x, m = now.batch["obs"].argmax(-1).flatten(), now.step.symbols[:, 0, :, 0].flatten()
    table = torch.zeros(5, 4).index_put_((x, m), torch.ones(len(x)), accumulate=True) / len(x)
    true = float(entropy(table.sum(0)) + entropy(table.sum(1)) - entropy(table.flatten()))
    optimizer, told = torch.optim.Adam(own.parameters(), lr=0.05), []
    for _ in range(150):
        optimizer.zero_grad()
        value = term.loss(now, own)
        value.backward()
        optimizer.step()
        told.append(-float(value.detach()))
    assert max(told) <= true + 1e-5
    assert told[-1] == pytest.approx(true, abs=2e-3)
    assert told[0] < true


def test_ndq_asks_of_messages_alone_what_listeners_do():
    module = Module({"ndq_expressive": 1.0, "ndq_succinct": {"weight": 1.0, "surprise": 0.5}})
    batch = minibatch(module)
    now = moment(module, batch)
    module.terms["ndq_expressive"].loss(now, module.extras["ndq_expressive"]).backward()
    assert module.team.bottleneck.logits.weight.grad.abs().sum() > 0
    mind = module.team.minds[0]
    assert all(p.grad is None for p in [*mind.head.parameters(), *mind.updates.parameters()])
    now = moment(module, batch)  # a uniform prior: KL is 2 - H(m | h), and what a message takes is 2 bits
    wanted = 2 - float(entropy(joint(now.step.odds).exp())[spoken(now.step) > 0].mean().detach()) + 0.5 * 2
    found = module.terms["ndq_succinct"].loss(now, module.extras["ndq_succinct"])
    assert float(found.detach()) == pytest.approx(wanted, rel=1e-5)


# ----------------------------------------------------------------------------------------------------------- bits paid
def test_bits_are_paid_by_who_sends():
    terms = {"bits_price": {"count": "payload"}, "optima": {"count": "payload"}}
    module = Module(terms, rounds=2, bits=3)
    batch = minibatch(module, absent=True)
    with torch.no_grad():
        step = unroll(module.team, batch)
        price, share = (module.terms[name].reward(module.team, step, None) for name in terms)
    assert torch.equal(price, torch.tensor([-6.0, -6.0, 0.0]).expand(24, 3))  # two rounds of 3 bits, once for all listeners
    assert torch.equal(share, torch.tensor([-1.0, -1.0, 0.0]).expand(24, 3))
    with torch.no_grad():
        everybody = unroll(module.team, minibatch(module))  # two listeners each
    assert torch.equal(module.terms["bits_price"].reward(module.team, everybody, None), torch.full((24, 3), -6.0))


def test_surprisal_is_what_an_ideal_code_takes():
    module = Module({"bits_price": {"count": "surprisal"}})
    batch = minibatch(module)
    with torch.no_grad():
        step = unroll(module.team, batch)
        paid = module.terms["bits_price"].reward(module.team, step, None)
    frequency = torch.bincount(step.symbols.flatten(), minlength=4) / step.symbols.numel()
    assert -float(paid.mean()) == pytest.approx(float(entropy(frequency)), rel=1e-5)
    assert -float(paid[0, 0]) == pytest.approx(-math.log2(frequency[step.symbols[0, 0, 0, 0]]), rel=1e-5)


def test_messages_are_actions_by_the_score_function():
    """At the first epoch the gradient is that of - A log p(message)."""
    module = Module({"message_policy": 1.0})
    batch = minibatch(module)
    now = moment(module, batch)
    found = torch.autograd.grad(value("message_policy", None, module, batch), module.team.bottleneck.logits.weight)[0]
    said = chosen(now.step.odds, now.batch["symbols"])[:, 0]
    wanted = -now.mean(now.batch["advantages"] * said)
    assert torch.allclose(found, torch.autograd.grad(wanted, module.team.bottleneck.logits.weight)[0], atol=1e-6)


# ------------------------------------------------------------------------------------------------------------- training
def small(terms, **parts):
    return (
        CommPPOConfig()
        .environment(JUNCTION)
        .communication(graph="full", total_steps=10_000, width=16, bits=1, terms=terms, **parts)
        .env_runners(num_envs_per_env_runner=8, rollout_fragment_length=6)
        .training(train_batch_size_per_learner=48, minibatch_size=4, num_epochs=1)
        .debugging(seed=5, log_level="ERROR")
    )


@pytest.mark.usefixtures("ray_session")
def test_all_terms_train_together():
    terms = {name: 0.01 for name in TERMS if name != "kl_cov"}
    terms["lagrangian"] = {"weight": 0.01, "target": 0.0}
    algo = small(terms, memory="gru").build_algo()
    try:
        figures = algo.train()["learners"]["team"]
        for name, term in chosen_terms(terms).items():
            if isinstance(term, RewardTerm):
                assert math.isfinite(figures[f"{name}_reward"])
            elif not isinstance(term, Surrogate):
                assert math.isfinite(figures[f"{name}_loss"])
        assert figures["lagrangian_multiplier"] > 0
        assert 0 <= figures["hinge_rate"] <= 1
        learned = algo.learner_group._learner.module["team"].unwrapped()
        assert len(learned.extras)
        assert not any(key.startswith("extras") for key in learned.get_state(inference_only=True))
        assert set(algo.team().network.state_dict()) == set(learned.team.state_dict())
    finally:
        algo.stop()


@pytest.mark.usefixtures("ray_session")
def test_rewards_of_terms_reach_advantages():
    algo = small({"bits_price": 0.5}).build_algo()
    try:
        fragment = algo.env_runner.sample()[0]
        module = algo.learner_group._learner.module["team"].unwrapped()
        with torch.no_grad():
            batch = columns(module, fragment, 0.98, 0.9, GraphLoss(), module.terms)
            plain = columns(module, fragment, 0.98, 0.9, GraphLoss())
        there = (batch["obs"] != 0).any(-1)
        assert "bits_price_reward" not in plain
        assert (batch["bits_price_reward"][~there] == 0).all()
        sends = there & (there.sum(-1, keepdim=True) > 1)
        assert sends.any()
        assert (batch["bits_price_reward"][sends] == -0.5).all()
        assert not torch.allclose(batch["targets"], plain["targets"])
    finally:
        algo.stop()
