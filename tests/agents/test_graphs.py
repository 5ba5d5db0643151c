"""Who listens to whom: what every graph keeps to, the vectors of spec/games.md 7, and what each paper says of its own."""

import itertools

import networkx
import pytest
import torch

from agents.graphs import GRAPHS, graph
from agents.graphs.commformer import sample
from agents.graphs.contract import attend, coin, highest, mean, others
from agents.graphs.selforg import acyclic, contributions, exact_shapley, topological_order

AGENTS, WIDTH, READS, BATCH = 6, 16, 5, 64
OPTIONS = {
    "commformer": {"warm": 0},
    "grid": {"rows": 2},
    "erdos-renyi": {"p": 0.5},
    "watts-strogatz": {"k": 2, "p": 0.1},
    "tarmac": {"heads": 2},
    "schednet": {"k": 2},
    "selforg": {"similarity": 0.0},
}
NAMES = list(GRAPHS)
TALKING = [name for name in NAMES if name != "none"]
ALIKE = ["none", "full", "commnet", "tarmac", "ic3net", "schednet", "magic", "selforg"]
"""Graphs in which no agent has a place of its own: any number of agents, in any order."""


def make(name, agents=AGENTS):
    torch.manual_seed(0)
    return graph(name, agents, WIDTH, READS, **OPTIONS.get(name, {}))


def situation(agents=AGENTS, batch=BATCH, absent=True):
    """Hidden vectors, what is read, who is present, noise for any graph of AGENTS."""
    generator = torch.Generator().manual_seed(1)
    hidden = torch.randn(batch, agents, WIDTH, generator=generator)
    read = torch.randn(batch, agents, READS, generator=generator)
    present = torch.rand(batch, agents, generator=generator) < 0.8 if absent else torch.ones(batch, agents, dtype=torch.bool)
    return hidden, read, present, torch.rand(batch, agents, AGENTS + 1, generator=generator)


def play(team, hidden, read, present, noise=None):
    """Control, links and what is gathered, of one round."""
    noise = None if noise is None else noise[..., : team.noise]
    control = team.control(hidden, noise)
    links = team.schedule(control, present, noise)
    return control, links, team.gather(hidden, read, links, control * present.unsqueeze(-1))


@pytest.fixture(autouse=True)
def one_thread():
    """So little work is divided for nothing: 20 times slower where others use the machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(params=[False, True], ids=["deployed", "training"])
def drawn(request):
    return request.param


# ------------------------------------------------------------------------------------------------ what every graph keeps to
@pytest.mark.parametrize("name", NAMES)
def test_nobody_listens_to_himself_or_to_the_absent(name, drawn):
    hidden, read, present, noise = situation()
    _, links, gathered = play(team := make(name), hidden, read, present, noise if drawn else None)
    assert links.shape == (BATCH, AGENTS, AGENTS)
    assert gathered.shape == (BATCH, AGENTS, team.gathers)
    assert ((links == 0) | (links == 1)).all()
    assert not links.diagonal(dim1=-2, dim2=-1).any()
    assert not links[~present].any()
    assert not links.transpose(-1, -2)[~present].any()
    assert links.any() == (name != "none")


@pytest.mark.parametrize("name", NAMES)
def test_controls_and_their_bits_agree(name, drawn):
    hidden, _, _, noise = situation()
    team = make(name)
    control = team.control(hidden, noise[..., : team.noise] if drawn else None)
    assert control.shape == (BATCH, AGENTS, team.controls)
    one_bit = bool(((control == 0) | (control == 1)).all())
    assert team.control_bits == (1 if one_bit else 32) * team.controls


@pytest.mark.parametrize("name", NAMES)
def test_each_says_its_control_by_itself(name, drawn):
    hidden, _, _, noise = situation()
    team = make(name)
    noise = noise[..., : team.noise] if drawn else None
    other = hidden.clone()
    other[:, 2] = -other[:, 2]
    before, after = team.control(hidden, noise), team.control(other, noise)
    same = torch.arange(AGENTS) != 2
    assert torch.equal(before[:, same], after[:, same])
    assert not team.controls or not torch.equal(before[:, 2], after[:, 2])
    alone = team.control(hidden[:, 2:3], None if noise is None else noise[:, 2:3])
    assert torch.allclose(alone[:, 0], before[:, 2], atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_links_follow_from_controls_and_noise(name):
    hidden, _, present, noise = situation()
    team = make(name)
    noise = noise[..., : team.noise]
    control = team.control(hidden, noise)
    torch.manual_seed(5)  # nothing is drawn anywhere else
    first = team.schedule(control, present, noise)
    torch.manual_seed(6)
    assert torch.equal(first, team.schedule(control.clone(), present, noise.clone()))
    one = team.schedule(control[3:4], present[3:4], noise[3:4])
    assert torch.equal(first[3:4], one)  # a game's links do not depend on the games beside it
    if team.noise:
        other = 1 - noise
        assert not torch.equal(first, team.schedule(team.control(hidden, other), present, other))


@pytest.mark.parametrize("name", NAMES)
def test_what_the_absent_hold_changes_nothing(name, drawn):
    hidden, read, present, noise = situation()
    noise = noise if drawn else None
    other = torch.where(present.unsqueeze(-1), hidden, 3 * hidden.flip(0))
    _, links, gathered = play(team := make(name), hidden, read, present, noise)
    _, links_after, gathered_after = play(team, other, torch.where(present.unsqueeze(-1), read, -read), present, noise)
    assert torch.equal(links, links_after)
    assert torch.allclose(gathered[present], gathered_after[present], atol=1e-6)


@pytest.mark.parametrize("name", TALKING)
def test_a_listener_alone_hears_what_it_hears_among_many(name):
    hidden, read, present, noise = situation()
    control, links, gathered = play(team := make(name), hidden, read, present, noise)
    for i in range(AGENTS):
        told = control * present.unsqueeze(-1)
        alone = team.gather(hidden[:, i : i + 1], read, links[:, i : i + 1], told)
        assert torch.allclose(alone[:, 0], gathered[:, i], atol=1e-6)


@pytest.mark.parametrize("name", TALKING)
def test_only_what_is_heard_matters(name):
    hidden, read, present, noise = situation(absent=False)
    team = make(name)
    control = team.control(hidden, noise[..., : team.noise])
    links = (torch.rand(BATCH, AGENTS, AGENTS, generator=torch.Generator().manual_seed(3)) < 0.5).float() * others(present)
    before = team.gather(hidden, read, links, control)
    for j in range(AGENTS):
        changed = read.clone()
        changed[:, j] = 1000 * changed[:, j] + 7
        after = team.gather(hidden, changed, links, control)
        hears = links[..., j] == 1
        assert torch.equal(before[~hears], after[~hears])
        if name != "selforg":  # whose speakers may weigh nothing
            assert (before[hears] != after[hears]).any(-1).all()
    assert name != "selforg" or not torch.equal(before[hears], after[hears])


@pytest.mark.parametrize("name", NAMES)
def test_who_hears_nobody_gathers_zeros(name):
    hidden, read, _, _ = situation()
    team = make(name)
    nobody = torch.zeros(BATCH, AGENTS, AGENTS)
    assert not team.gather(hidden, read, nobody, team.control(hidden)).any()


@pytest.mark.parametrize("name", ALIKE)
def test_order_does_not_matter(name):
    hidden, read, present, _ = situation()
    order = torch.randperm(AGENTS, generator=torch.Generator().manual_seed(2))
    if name == "selforg":  # of two agents who contribute alike, the first is the higher
        enough = present.sum(-1) > 2
        hidden, read, present = hidden[enough], read[enough], present[enough]
    _, links, gathered = play(team := make(name), hidden, read, present)
    _, links_after, gathered_after = play(team, hidden[:, order], read[:, order], present[:, order])
    assert torch.equal(links[:, order][:, :, order], links_after)
    assert torch.allclose(gathered[:, order], gathered_after, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_fewer_agents_play_as_if_the_rest_were_absent(name, drawn):
    hidden, read, _, noise = situation(absent=False)
    noise = noise if drawn else None
    team = make(name)
    for n in (1, 2, 4):
        present = (torch.arange(AGENTS) < n).expand(BATCH, AGENTS)
        _, links, gathered = play(team, hidden, read, present, noise)
        few = play(team, hidden[:, :n], read[:, :n], present[:, :n], None if noise is None else noise[:, :n])
        assert torch.equal(links[:, :n, :n], few[1])
        assert torch.allclose(gathered[:, :n], few[2], atol=1e-6)


@pytest.mark.parametrize("name", ALIKE)
def test_more_agents_may_play_than_were_trained(name):
    team = make(name, agents=3)
    for n in (2, 8):
        hidden, read, present, _ = situation(agents=n)
        assert play(team, hidden, read, present)[2].shape == (BATCH, n, team.gathers)


@pytest.mark.parametrize("name", TALKING)
def test_gradients_reach_what_is_learned_and_those_who_speak(name):
    hidden, read, present, noise = situation()
    read.requires_grad_()
    play(team := make(name), hidden, read, present, noise)[2].square().sum().backward()
    for part, parameter in team.named_parameters():
        assert parameter.grad is not None, part
        assert parameter.grad.isfinite().all(), part
        assert parameter.grad.abs().max() > 1e-6, part
    heard = play(team, hidden, read, present, noise)[1].any(-2)
    assert (read.grad[heard].abs().sum(-1) > 0).float().mean() > 0.9
    assert not read.grad[~heard].any()


@pytest.mark.parametrize("name", NAMES)
def test_its_own_loss_is_a_scalar(name):
    assert make(name).loss().shape == ()


def informed(games, generator, fixed):
    """A team in which one agent knows the answer and says it, while the others make noise; its hidden vector tells that."""
    knows = torch.full((games,), 2) if fixed else torch.randint(AGENTS, (games,), generator=generator)
    read = torch.nn.functional.one_hot(torch.randint(READS, (games, AGENTS), generator=generator), READS).float()
    hidden = torch.randn(games, AGENTS, WIDTH, generator=generator)
    hidden[..., 0] = 2.0 * (torch.arange(AGENTS) == knows.unsqueeze(-1)) - 1
    return hidden, read, knows


@pytest.mark.parametrize("name", ["ic3net", "schednet", "magic", "commformer"])
def test_teams_learn_to_hear_who_knows(name):
    torch.manual_seed(0)
    team = graph(name, AGENTS, WIDTH, READS, **({"sparsity": 0.2} if name == "commformer" else {}))
    answer = torch.nn.Linear(WIDTH, READS)
    # Twice as fast, and MAGIC's links all stand for good before it knows better: a sure coin has no gradient.
    optimizer = torch.optim.Adam([*team.parameters(), *answer.parameters()], 0.01)
    generator = torch.Generator().manual_seed(0)
    present = torch.ones(games := 64, AGENTS, dtype=torch.bool)
    for _ in range(300):
        hidden, read, knows = informed(games, generator, name == "commformer")
        noise = torch.rand(games, AGENTS, AGENTS + 1, generator=generator)
        logits = answer(play(team, hidden, read, present, noise)[2])
        wanted = read[torch.arange(games), knows].argmax(-1, keepdim=True).expand(-1, AGENTS)
        listens = torch.arange(AGENTS) != knows.unsqueeze(-1)
        loss = torch.nn.functional.cross_entropy(logits[listens], wanted[listens])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    hidden, read, knows = informed(games, generator, name == "commformer")
    links = play(team, hidden, read, present)[1]
    to_who_knows = links[torch.arange(games), :, knows].sum()
    assert to_who_knows / (games * (AGENTS - 1)) > 0.95
    if name != "commformer":  # there each must hear one, and so does who knows himself
        assert to_who_knows / links.sum() > 0.8


# --------------------------------------------------------------------------------------------------- what they are made of
def test_a_coin_falls_as_it_should_and_its_gradient_is_that_of_its_probability():
    logit = torch.tensor([-1.0, 0.0, 2.0], requires_grad=True)
    noise = torch.rand(100_000, 3, generator=torch.Generator().manual_seed(0))
    tossed = coin(logit.expand(100_000, 3), noise)
    assert torch.allclose(tossed.mean(0), logit.sigmoid(), atol=0.006)
    deployed = coin(logit, None)
    assert deployed.tolist() == [0, 0, 1]
    p = logit.sigmoid().detach()
    assert torch.allclose(torch.autograd.grad(deployed.sum(), logit)[0], p * (1 - p))


def test_the_highest_of_equals_are_the_first():
    assert highest(torch.tensor([1.0, 2.0, 2.0, 1.0, 2.0]), 2).tolist() == [False, True, True, False, False]
    assert highest(torch.tensor([[3.0, 2.0, 1.0]] * 2), torch.tensor([[1], [2]])).sum(-1).tolist() == [1, 2]


def test_a_link_is_worth_what_it_brings():
    said = torch.tensor([[2.0], [6.0]])
    links = torch.tensor([[1.0, 0.0]], requires_grad=True)
    assert torch.autograd.grad(mean(said, links).sum(), links)[0].tolist() == [[2.0, 4.0]]  # not 0 for the only speaker
    both = torch.tensor([[1.0, 1.0]], requires_grad=True)
    assert torch.autograd.grad(mean(said, both).sum(), both)[0].tolist() == [[-1.0, 1.0]]
    score, rest = torch.tensor([[0.5, -0.5]]), torch.tensor([0.2])
    gained = torch.autograd.grad(attend(score, said, links, rest).sum(), links)[0]
    mass = torch.cat([score[0], rest]).exp()
    here = mass[0] * 2 / (mass[0] + mass[2])
    assert torch.allclose(gained[0], mass[:2] * (said[:, 0] - here) / (mass[0] + mass[2]))


def test_attention_bears_scores_of_any_size():
    score = torch.tensor([[900.0, -900.0, 5000.0]], requires_grad=True)
    links = torch.tensor([[1.0, 1.0, 0.0]], requires_grad=True)
    heard = attend(score, torch.tensor([[1.0], [2.0], [3.0]]), links, torch.tensor([0.0]))
    assert heard.tolist() == [[1.0]]
    assert all(found.isfinite().all() for found in torch.autograd.grad(heard.sum(), [score, links]))


# ------------------------------------------------------------------------------------------------------------ given graphs
def test_an_edge_lets_its_target_hear_its_source():
    team = graph(networkx.DiGraph([(0, 1), (2, 1)]), 3, WIDTH, READS)
    links = team.schedule(torch.zeros(3, 0), torch.ones(3, dtype=torch.bool))
    assert links.tolist() == [[0, 0, 0], [1, 0, 1], [0, 0, 0]]
    star = graph(networkx.star_graph(2), 3, WIDTH, READS).schedule(torch.zeros(3, 0), torch.ones(3, dtype=torch.bool))
    assert star.tolist() == [[0, 1, 1], [1, 0, 0], [1, 0, 0]]


def test_names_are_the_graphs_they_say():
    everybody = torch.ones(AGENTS, dtype=torch.bool)
    heard = {name: make(name).schedule(torch.zeros(AGENTS, 0), everybody).sum(-1).tolist() for name in ("full", "ring", "star")}
    assert heard == {"full": [5] * 6, "ring": [2] * 6, "star": [5, 1, 1, 1, 1, 1]}


@pytest.mark.parametrize(
    ("spec", "options", "said"),
    [
        ("telepathy", {}, r"graph='telepathy' is not allowed: it must be .*commformer"),
        (3, {}, r"graph=3 is not allowed: it must be a networkx graph or one of none, full"),
        ("tarmac", {"head": 2}, r"unknown option 'head' of graph 'tarmac'; it has heads"),
        ("tarmac", {"heads": 3}, r"heads=3 is not allowed: it must be a divisor of width=16"),
        ("commnet", {"k": 2}, r"unknown option 'k' of graph 'commnet'; it has none"),
        ("ring", {"topology": "star"}, r"unknown option 'topology' of graph 'ring'; it has none"),
        ("grid", {}, r"'grid' needs rows"),
        ("schednet", {"k": 7}, r"k=7 is not allowed: it must be from 1 to 6"),
        ("commformer", {"sparsity": 1.5}, r"sparsity=1.5 is not allowed: it must be from 0 to 1"),
        ("magic", {"floats": 0}, r"floats=0 is not allowed: it must be at least 1"),
        ("selforg", {"floats": 17}, r"floats=17 is not allowed: it must be from 1 to 16"),
        (networkx.path_graph(4), {}, r"nodes .* are not the agents"),
    ],
)
def test_what_is_not_allowed_is_said(spec, options, said):
    with pytest.raises(ValueError, match=said):
        graph(spec, AGENTS, WIDTH, READS, **options)


# ------------------------------------------------------------------------------------------------------------ paper by paper
def test_tarmac_is_softmax_attention_with_a_null_entry():
    hidden, read, present, _ = situation(absent=False)
    team = make("tarmac")
    torch.nn.init.normal_(team.null)
    gathered = play(team, hidden, read, present)[2]
    i, half = 1, WIDTH // 2
    heard = [j for j in range(AGENTS) if j != i]
    query, key, value = team.query(hidden[:, i]), team.key(read[:, heard]), team.value(read[:, heard])
    for head in range(2):
        part = slice(head * half, (head + 1) * half)
        keys = torch.cat([key[..., part], team.null[head].expand(BATCH, 1, half)], 1)
        weight = (keys @ query[:, part, None] / half**0.5).softmax(1)
        assert torch.allclose((weight[:, :-1] * value[..., part]).sum(1), gathered[:, i, part], atol=1e-6)


def test_ic3net_speakers_are_heard_by_all_or_by_none():
    hidden, read, present, noise = situation()
    team = make("ic3net")
    control, links, _ = play(team, hidden, read, present, noise)
    assert torch.equal(links, others(present) * control.transpose(-1, -2))
    torch.nn.init.zeros_(team.gate.weight)
    assert play(team, hidden, read, present, noise)[0].mean().item() == pytest.approx(0.731, abs=0.06)  # sigmoid(1)
    assert play(team, hidden, read, present)[0].all()


def test_schednet_gives_the_medium_to_k_of_those_present():
    hidden, read, present, noise = situation()
    for drawn in (None, noise):
        control, links, _ = play(make("schednet"), hidden, read, present, drawn)
        speaks = links.any(-2)
        assert torch.equal(speaks.sum(-1), torch.where(present.sum(-1) > 1, present.sum(-1).clamp(max=2), 0))
        weight = control.squeeze(-1)
        quiet = present & ~speaks
        busiest = weight.masked_fill(~quiet, -torch.inf).amax(-1)
        assert (weight.masked_fill(~speaks, torch.inf).amin(-1) >= busiest).all()


def test_schednet_in_training_draws_without_replacement():
    team = graph("schednet", 4, 4, READS, k=2)
    team.weight.weight.data = torch.eye(4)[:1]
    hidden = torch.zeros(200_000, 4, 4)
    hidden[..., 0] = torch.tensor([0, 0.5, 1, -1])
    noise = torch.rand(200_000, 4, 1, generator=torch.Generator().manual_seed(0))
    speaks = team.schedule(team.control(hidden, noise), torch.ones(200_000, 4, dtype=torch.bool)).any(-2)
    assert torch.allclose(speaks.float().mean(0), torch.tensor(INCLUDED), atol=0.005)


def test_magic_links_pair_by_pair():
    hidden, read, present, noise = situation(absent=False)
    links = play(make("magic"), hidden, read, present, noise)[1]
    assert not torch.equal(links, links.transpose(-1, -2))
    spoken = links.sum(-2) / (AGENTS - 1)
    assert ((spoken > 0) & (spoken < 1)).any()  # heard by some and not by others


INCLUDED = [0.4138081794, 0.6269727395, 0.7978366473, 0.1613824338]
"""Of logits (0, .5, 1, -1), the probability that each is among two: spec/games.md 7.1."""


def test_commformer_samples_in_proportion():
    logits, everybody = torch.tensor([0, 0.5, 1, -1]).expand(400_000, 4), torch.ones(4, dtype=torch.bool)
    noise = torch.rand(400_000, 4, generator=torch.Generator().manual_seed(0))
    mask = sample(logits, everybody, 2, noise)
    assert (mask.sum(-1) == 2).all()
    assert torch.allclose(mask.mean(0), torch.tensor(INCLUDED), atol=4 * 0.5 / 400_000**0.5)


def test_commformer_straight_through_gradient():
    logits = torch.tensor([0, 0.5, 1, -1], dtype=torch.float64, requires_grad=True)
    for k in (1, 2, 3):
        mask = sample(logits, torch.ones(4, dtype=torch.bool), k, None)
        assert mask.sum() == k
        found = torch.autograd.grad((mask * torch.arange(1.0, 5.0)).sum(), logits)[0]
        wanted = torch.tensor([-0.2489876156, -0.1230211973, 0.2711631815, 0.1008456314], dtype=torch.float64)
        assert torch.allclose(found, wanted, atol=1e-9)


def test_commformer_hears_as_many_as_its_sparsity_says():
    _, _, present, noise = situation()
    for sparsity, most in ((0.0, [1] * 7), (0.4, [1, 1, 1, 1, 1, 2, 2]), (1.0, [1, 1, 1, 2, 3, 4, 5])):
        team = graph("commformer", AGENTS, WIDTH, READS, sparsity=sparsity, gate=False, warm=0)
        team.relation.data.normal_()
        for drawn in (None, noise):
            heard = team.schedule(torch.zeros(BATCH, AGENTS, 0), present, drawn).sum(-1)
            wanted = torch.tensor(most)[present.sum(-1)].unsqueeze(-1) * others(present).any(-1)
            assert torch.equal(heard, wanted.to(heard.dtype))


def test_commformer_warm_then_drawn_then_frozen():
    hidden, read, present, noise = situation()
    team = graph("commformer", AGENTS, WIDTH, READS, warm=2, post_ratio=0.5)
    team.relation.data.normal_()
    exact = play(team, hidden, read, present)[1]
    receives = team.control(hidden, noise)
    team.advance(0.0)
    warm = play(team, hidden, read, present, noise)[1]
    assert torch.equal(warm, others(present) * receives)
    assert torch.autograd.grad(warm[:, :, 1].sum(), team.relation)[0].any()
    assert team.edge_parameters() == [team.relation]
    team.advance(0.49)
    assert not torch.equal(play(team, hidden, read, present, noise)[1], exact)
    team.advance(0.5)
    everybody = team.control(hidden) * receives  # who receives is still drawn
    assert torch.equal(play(team, hidden, read, present, noise)[1] * everybody, exact * receives)
    assert torch.equal(play(team, hidden, read, present)[1], exact)
    play(team, hidden, read, present, noise)[2].sum().backward()
    assert team.relation.grad is None
    assert team.edge_parameters() == []


def test_commformer_temporal_gate_closes_a_listener():
    hidden, read, present, noise = situation(absent=False)
    team = make("commformer")
    control, links, gathered = play(team, hidden, read, present, noise)
    closed = control.squeeze(-1) == 0
    assert closed.any()
    assert not links[closed].any()
    assert not gathered[closed].any()
    assert (links[~closed].sum(-1) == 2).all()
    assert graph("commformer", AGENTS, WIDTH, READS, gate=False).controls == 0


def test_commformer_attends_along_edges_as_its_paper_says():
    hidden, read, present, noise = situation(absent=False)
    team = make("commformer")
    _, links, gathered = play(team, hidden, read, present, noise)
    query, key, value, own = team.query(hidden), team.key(read), team.value(read), team.own_key(hidden)
    r_a, r_b = team.edge_parts(team.edge.weight[1]).chunk(2)
    for b, i in itertools.product(range(8), range(AGENTS)):
        heard = links[b, i].nonzero().squeeze(-1)
        keys = torch.cat([key[b, heard], own[b, i : i + 1]]) + r_b
        weight = (keys @ (query[b, i] + r_a) / WIDTH**0.5).softmax(0)
        assert torch.allclose(weight[:-1] @ value[b, heard], gathered[b, i], atol=1e-5)


# ------------------------------------------------------------------------------------------------------------------ SelfOrg
EMBEDDED = torch.tensor([[1, 0, 0], [0.9, 0.1, 0], [0.8, 0.2, 0.1], [0, 1, 0], [-0.2, 0.1, 1]], dtype=torch.float64)


def test_selforg_vector():
    psi = contributions(EMBEDDED)
    assert torch.allclose(psi, torch.tensor([0.8354371902, 0.8787248925, 0.9500415114, 0.4382576208, 0.2033415161]).double())
    assert psi.tolist() == pytest.approx([0.8354371902, 0.8787248925, 0.9500415114, 0.4382576208, 0.2033415161], abs=1e-9)
    links = graph("selforg", 5, WIDTH, READS, k=2, similarity=0.5).schedule(EMBEDDED, torch.ones(5, dtype=torch.bool))
    assert {(j, i) for i, j in links.nonzero().tolist()} == {(1, 0), (2, 0), (2, 1)}
    assert topological_order(links, psi).tolist() == [2, 1, 0, 3, 4]
    exact = [0.2603683842, 0.2720841102, 0.2893781806, 0.1260114634, 0.0521578615]
    assert exact_shapley(EMBEDDED).tolist() == pytest.approx(exact, abs=1e-9)


def test_exact_shapley_is_the_mean_over_orders():
    embedded = torch.randn(3, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    unit = embedded / embedded.norm(dim=-1, keepdim=True)
    gains = torch.zeros(3, 4, dtype=torch.float64)
    for order in itertools.permutations(range(4)):
        worth = torch.zeros(3, dtype=torch.float64)
        for size in range(1, 5):
            after = torch.cosine_similarity(unit[:, order[:size]].mean(1), unit.mean(1))
            gains[:, order[size - 1]] += (after - worth) / 24
            worth = after
    assert torch.allclose(exact_shapley(embedded), gains, atol=1e-12)
    with pytest.raises(ValueError, match="N=17 is not allowed"):
        exact_shapley(torch.zeros(17, 2))


def one_edge_at_a_time(links, contribution, similarity):
    """The rule as it is written: while there is a cycle, its edge of least contribution, then similarity, goes."""
    speech = networkx.DiGraph([(j, i) for i, j in links.nonzero().tolist()])
    while True:
        cyclic = [set(part) for part in networkx.strongly_connected_components(speech) if len(part) > 1]
        edges = [(j, i) for j, i in speech.edges if any(j in part and i in part for part in cyclic)]
        if not edges:
            return set(speech.edges)
        speech.remove_edge(*min(edges, key=lambda edge: (contribution[edge[0]].item(), similarity[edge].item())))


def test_selforg_breaks_cycles_by_its_rule():
    generator = torch.Generator().manual_seed(0)
    links = torch.rand(200, 7, 7, generator=generator) < torch.rand(200, 1, 1, generator=generator)
    links &= ~torch.eye(7, dtype=torch.bool)
    contribution = torch.rand(200, 7, generator=generator)
    similarity = torch.rand(7, 7, generator=generator)
    kept = acyclic(links, contribution)
    order = topological_order(kept, contribution)
    for game in range(200):
        found = {(j, i) for i, j in kept[game].nonzero().tolist()}
        assert found == one_edge_at_a_time(links[game], contribution[game], similarity)
        speech = networkx.DiGraph(list(found))
        speech.add_nodes_from(range(7))
        by_contribution = networkx.lexicographical_topological_sort(speech, key=lambda n: -contribution[game, n].item())
        assert order[game].tolist() == list(by_contribution)


def test_selforg_agents_alike_still_agree():
    alike = torch.ones(1, 4, 8)
    links = graph("selforg", 4, WIDTH, READS, k=3).schedule(alike, torch.ones(1, 4, dtype=torch.bool))[0]
    assert torch.equal(links, torch.ones(4, 4).tril(-1))  # the first speaks, the others follow


def test_selforg_weighs_messages_by_contribution():
    team = graph("selforg", 5, WIDTH, READS, k=2)
    read = torch.randn(5, READS, generator=torch.Generator().manual_seed(0))
    psi = contributions(EMBEDDED).float()
    links = torch.zeros(5, 5)
    links[0, [1, 2]] = 1
    heard = team.gather(torch.zeros(5, WIDTH), read, links, EMBEDDED)
    assert torch.allclose(heard[0], (psi[1] * read[1] + psi[2] * read[2]) / (psi[1] + psi[2]))
    told = torch.tensor([[1.0, 0.0], [1.0, 0.1], [1.0, -0.1], [-1.0, 0.2], [-1.0, 0.3]])
    links[0] = torch.tensor([0, 1, 0, 1, 0])
    links[1] = torch.tensor([0, 0, 0, 1, 1])
    heard = team.gather(torch.zeros(5, WIDTH), read, links, told)
    assert torch.allclose(heard[0], read[1])  # who is against the team weighs nothing beside who is not
    assert torch.allclose(heard[1], (read[3] + read[4]) / 2)  # but where all are, they weigh the same


def test_selforg_learns_nothing_and_embeds_everywhere_alike():
    torch.manual_seed(1)
    first = graph("selforg", 3, WIDTH, READS)
    torch.manual_seed(2)
    second = graph("selforg", 5, WIDTH, READS)
    assert not list(first.parameters())
    assert torch.equal(first.embedding, second.embedding)
    assert torch.allclose(first.embedding.T @ first.embedding, torch.eye(8), atol=1e-5)
