"""Every bottleneck keeps the contract; rates are those of closed forms; each learns to tell states apart."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from agents.bottlenecks import (
    BOTTLENECKS,
    CauchySchwarz,
    Dial,
    Dimco,
    FiniteScalar,
    Gaussian,
    GumbelSoftmax,
    Silent,
    VectorQuantised,
    bottleneck,
)
from agents.bottlenecks.cauchy_schwarz import quadratic_information, squared_distances
from agents.bottlenecks.continuous import floats, patterns
from agents.bottlenecks.contract import gumbel, normal
from agents.bottlenecks.dimco import dependence
from agents.bottlenecks.finite_scalar import surprisal
from agents.bottlenecks.gaussian import divergence
from agents.wire import pack, unpack

WIDTH = 6
MAKE = {  # name: (how it is made, its bits)
    **{name: (lambda name=name: bottleneck(name, WIDTH, bits=3), 3) for name in BOTTLENECKS if name != "continuous"},
    "continuous": (lambda: bottleneck("continuous", WIDTH, bits=64), 64),
    "gumbel of 5": (lambda: GumbelSoftmax(WIDTH, 5, temperature=0.5), math.log2(5)),
    "codes of length 3": (lambda: bottleneck("vector_quantised", WIDTH, bits=4, length=3), 4),
    "levels 5 and 3": (lambda: FiniteScalar(WIDTH, [5, 3]), math.log2(15)),
    "kernel on 8 levels": (lambda: bottleneck("cauchy_schwarz", WIDTH, bits=5, levels=[8, 4], kernel=0.2), 5),
    "gaussian of 8 bits": (lambda: bottleneck("gaussian", WIDTH, bits=16, coordinates=2, prior=0.5), 16),
    "gaussian floats": (lambda: bottleneck("gaussian", WIDTH, bits=64, coordinates=2), 64),
    "digits of 4": (lambda: bottleneck("dimco", WIDTH, bits=6, values=4), 6),
    "silent": (lambda: Silent(WIDTH), 0),
}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Small tensors: a second thread only waits, and where others use the machine it waits long."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(params=MAKE)
def made(request):
    torch.manual_seed(1)
    return MAKE[request.param][0]()


def some(made, *shape, spread=3.0, seed=1):
    """Hidden vectors and noise of any leading shape."""
    generator = torch.Generator().manual_seed(seed)
    hidden = spread * torch.randn(*shape, WIDTH, generator=generator)
    return hidden.requires_grad_(), torch.rand(*shape, made.noise, generator=generator)


def identical(first, second):
    """The same bit for bit, negative zeros included."""
    return first.shape == second.shape and bool((first.view(torch.int32) == second.view(torch.int32)).all())


# ------------------------------------------------------------------------------------------------ the contract
@pytest.mark.parametrize("name", MAKE)
def test_it_knows_its_bits(name):
    make, bits = MAKE[name]
    assert make().bits == pytest.approx(bits, abs=1e-12)


@pytest.mark.parametrize("shape", [(), (7,), (4, 3), (2, 3, 5)], ids=str)
@pytest.mark.parametrize("training", [False, True])
def test_shapes_and_alphabets(made, shape, training):
    hidden, noise = some(made, *shape)
    message = made(hidden, noise if training else None)
    assert message.symbols.shape == (*shape, len(made.alphabet))
    assert message.symbols.dtype == torch.long
    assert message.read.shape == (*shape, made.reads)
    assert message.rate.shape == message.loss.shape == shape
    assert message.read.dtype == message.rate.dtype == message.loss.dtype == torch.float32
    assert (message.symbols >= 0).all()
    assert (message.symbols < torch.tensor(made.alphabet, dtype=torch.long)).all()
    assert all(x.isfinite().all() for x in (message.read, message.rate, message.loss))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("spread", [0.0, 0.01, 3.0, 1e4])
def test_read_on_the_wire_is_what_was_read(made, training, spread):
    hidden, noise = some(made, 200, spread=spread)
    message = made(hidden, noise if training else None)
    if made.relaxed and training:
        assert not torch.equal(message.read, made.read(message.symbols))
    else:
        assert identical(message.read.detach(), made.read(message.symbols).detach())


def test_bytes_carry_it(made):
    message = made(some(made, 50)[0])
    packed = pack(message.symbols, made.alphabet)
    assert packed.payload_bits == pytest.approx(50 * made.bits)
    arrived = torch.from_numpy(unpack(packed.payload, made.alphabet, 50))
    assert identical(message.read.detach(), made.read(arrived).detach())


@pytest.mark.parametrize("training", [False, True])
def test_the_same_noise_says_the_same(made, training):
    hidden, noise = some(made, 100)
    said = []
    for seed in (1, 2):  # a global generator must not matter
        torch.manual_seed(seed)
        said.append(made(hidden, noise if training else None))
    for one, other in zip(*said, strict=True):
        assert (one is None and other is None) or torch.equal(one, other)


def test_noise_matters_in_training_alone(made):
    hidden = some(made, 400, spread=0.5)[0]
    first, second = (made(hidden, some(made, 400, seed=seed)[1]) for seed in (2, 3))
    assert torch.equal(first.symbols, second.symbols) == (made.noise == 0)
    if made.noise == 0:
        assert torch.equal(first.symbols, made(hidden).symbols)


@pytest.mark.parametrize("extreme", [0.0, 1.0 - 2**-24])
def test_noise_may_be_extreme(made, extreme):
    hidden, noise = some(made, 20)
    message = made(hidden, torch.full_like(noise, extreme))
    assert all(x.isfinite().all() for x in (message.read, message.rate, message.loss))
    assert (message.symbols < torch.tensor(made.alphabet, dtype=torch.long)).all()


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("part", ["read", "rate"])
def test_gradients_reach_the_speaker(made, training, part):
    hidden, noise = some(made, 60, spread=1.0)
    value = getattr(made(hidden, noise if training else None), part)
    if not made.alphabet or (part == "rate" and made.alphabet[0] == 2**32 and not made.noise):
        assert not value.requires_grad  # silence, and floats at 32 bits each, have nothing to give
        return
    weights = torch.randn(value.shape, generator=torch.Generator().manual_seed(4))
    (gradient,) = torch.autograd.grad((weights * value).sum(), hidden)
    assert gradient.isfinite().all()
    assert (gradient.abs().sum(-1) > 0).float().mean() > 0.5


def test_deployed_agents_do_not_meet(made):
    """What an agent says alone is what it says beside others: nothing of a batch leaks into a message."""
    hidden = some(made, 40)[0]
    alone = torch.stack([made(h).read for h in hidden])
    assert torch.allclose(made(hidden).read, alone, atol=1e-5)  # matrix products of other shapes may round otherwise


# ------------------------------------------------------------------------------------------------ by name
@pytest.mark.parametrize("name", sorted(set(BOTTLENECKS) - {"continuous"}))
@pytest.mark.parametrize("bits", [1, 2, 5, 8])
def test_exactly_the_bits_that_were_asked_for(name, bits):
    assert bottleneck(name, WIDTH, bits=bits).bits == bits


@pytest.mark.parametrize("name", BOTTLENECKS)
def test_no_bits_say_nothing(name):
    made = bottleneck(name, WIDTH, bits=0)
    assert made.bits == made.noise == 0
    message = made(some(made, 3, 2)[0])
    assert message.symbols.shape == (3, 2, 0)
    assert not message.read.any()


@pytest.mark.parametrize(
    ("name", "bits", "options", "says"),
    [
        ("telepathy", 3, {}, "bottleneck 'telepathy' is unknown: continuous, dial"),
        ("dial", 3, {"levels": [2]}, "dial has no option 'levels': sigma can be chosen"),
        ("continuous", 32, {"sigma": 1}, "continuous has no option 'sigma': none can be chosen"),
        ("continuous", 33, {}, "continuous of 33 bits cannot be made: a multiple of 32"),
        ("dial", -1, {}, "bits of dial is -1: a whole number of at least 0"),
        ("dial", 1.5, {}, "bits of dial is 1.5: a whole number"),
        ("dial", 1, {"sigma": 0}, "sigma is 0: a number above 0"),
        ("gumbel_softmax", 40, {}, r"gumbel_softmax of 40 bits needs a table .* at most 16 bits"),
        ("gumbel_softmax", 4, {"temperature": math.nan}, "temperature is nan"),
        ("vector_quantised", 17, {}, "vector_quantised of 17 bits"),
        ("finite_scalar", 3, {"levels": [3, 3]}, r"levels \[3, 3\] multiply to 9: 3 bits need 2\*\*3"),
        ("cauchy_schwarz", 3, {"levels": [8, 1]}, "a level of finite_scalar is 1: a whole number of at least 2"),
        ("gaussian", 3, {"coordinates": 2}, "2 coordinates cannot share 3 bits equally"),
        ("gaussian", 20, {"coordinates": 1}, "a coordinate of 20 bits cannot be sent: 1 to 16, or 32"),
        ("dimco", 3, {"values": 4}, "digits of 4 values do not make 3 bits"),
        ("dimco", 3, {"values": 3}, "digits of 3 values do not make 3 bits"),
    ],
)
def test_errors_say_what_is_allowed(name, bits, options, says):
    with pytest.raises(ValueError, match=says) as error:
        bottleneck(name, WIDTH, bits=bits, **options)
    assert "\n" not in str(error.value)


# ------------------------------------------------------------------------------------------------ noise
def test_noise_has_its_law():
    uniform = (torch.arange(200_000, dtype=torch.float32) + 0.5) / 200_000
    assert float(normal(uniform).mean()) == pytest.approx(0, abs=1e-3)
    assert float(normal(uniform).std()) == pytest.approx(1, abs=1e-3)
    assert float(gumbel(uniform).mean()) == pytest.approx(0.577216, abs=1e-3)
    assert float(gumbel(uniform).std()) == pytest.approx(math.pi / 6**0.5, abs=3e-3)


@pytest.mark.parametrize("name", ["gumbel_softmax", "dimco", "vector_quantised", "dial"])
def test_symbols_are_drawn_with_the_odds_that_the_rate_counts(name):
    """Two hidden vectors: the mean rate is the mutual information of what was drawn, counted."""
    torch.manual_seed(3)
    made = bottleneck(name, WIDTH, bits=1, **({"temperature": 1.0} if name == "vector_quantised" else {}))
    n = 100_000
    hidden = torch.tensor([[2.0] * WIDTH, [-2.0] * WIDTH]).repeat(n, 1)
    noise = torch.rand(2 * n, made.noise, generator=torch.Generator().manual_seed(5))
    message = made(hidden, noise)
    joint = torch.bincount(2 * (torch.arange(2 * n) % 2) + message.symbols[:, 0], minlength=4).reshape(2, 2).double() / (2 * n)
    product = joint.sum(0, keepdim=True) * joint.sum(1, keepdim=True)
    counted = float((joint * (joint / product).clamp_min(1e-12).log2()).sum())
    assert counted > 0.01
    assert float(message.rate.detach().mean()) == pytest.approx(counted, abs=0.01)


# ------------------------------------------------------------------------------------------------ closed forms
def test_divergence_of_gaussians():  # spec/information.md 5.4
    mean, scale = torch.tensor([0.5, -1.0], dtype=torch.float64), torch.tensor([0.8, 1.2], dtype=torch.float64)
    assert float(divergence(mean, scale)) == pytest.approx(1.018285891, abs=1e-9)
    assert float(divergence(3 * mean, 3 * scale, prior=3.0)) == pytest.approx(1.018285891, abs=1e-9)


def test_the_gaussian_rate_is_its_divergence():
    made = Gaussian(2, 2)
    with torch.no_grad():
        made.moments.weight.zero_()
        made.moments.bias[:2] = torch.tensor([0.5, -1.0])
        made.moments.bias[2:] = (torch.tensor([0.8, 1.2]) - 1e-4).expm1().log()  # softplus undone
    assert float(made(torch.ones(2)).rate.detach()) == pytest.approx(1.018285891, abs=1e-5)
    drawn = made(torch.ones(100_000, 2), torch.rand(100_000, 2, generator=torch.Generator().manual_seed(6))).read
    assert torch.allclose(drawn.mean(0), torch.tensor([0.5, -1.0]), atol=0.02)
    assert torch.allclose(drawn.std(0), torch.tensor([0.8, 1.2]), atol=0.02)


def test_rate_of_a_categorical():  # spec/information.md 5.4: the three rotations have the uniform mean
    made = GumbelSoftmax(3, 3)
    odds = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.7, 0.2], [0.2, 0.1, 0.7]])
    with torch.no_grad():
        made.logits.weight.copy_(odds.log().T)
        made.logits.bias.zero_()
    assert made(torch.eye(3)).rate.tolist() == pytest.approx([0.428182851] * 3, abs=1e-6)


def test_cauchy_schwarz_of_a_pmf():  # spec/information.md 5.5
    first, second = (torch.tensor(x, dtype=torch.float64) for x in ([0] * 5 + [1] * 5, [0] * 4 + [1, 0] + [1] * 4))
    same = [(x.unsqueeze(0) == x.unsqueeze(1)).double() for x in (first, second)]
    assert float(quadratic_information(*same)) == pytest.approx(0.443606651, abs=1e-9)


@pytest.mark.parametrize(("correlation", "bits"), [(0.8, 0.361056818), (0.0, 0.0)])
def test_cauchy_schwarz_of_gaussians(correlation, bits):  # spec/information.md 5.5: the target at kernel width .4
    rng = np.random.default_rng(7)
    x = rng.standard_normal(1500)
    y = correlation * x + (1 - correlation**2) ** 0.5 * rng.standard_normal(1500)
    gram = [(-squared_distances(torch.from_numpy(v).unsqueeze(-1)) / (2 * 0.4**2)).exp() for v in (x, y)]
    assert float(quadratic_information(*gram)) == pytest.approx(bits, abs=0.06)


def test_cauchy_schwarz_prices_what_is_said():
    """A message that is the same for all costs nothing, and all pay the same."""
    torch.manual_seed(8)
    made = CauchySchwarz(WIDTH, [2, 2])
    hidden = some(made, 300)[0]
    rate = made(hidden).rate.detach()
    assert (rate == rate[0]).all()
    assert float(rate[0]) > 0.1
    with torch.no_grad():
        made.coordinates.weight.zero_()
    assert float(made(hidden).rate[0].detach()) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("agents", [2, 4, 8, 10])
def test_cauchy_schwarz_takes_its_sample_from_every_agent(agents):
    """Agents differ in what they know and nothing else varies: a sample that met one of them alone would cost nothing."""
    torch.manual_seed(8)
    made = CauchySchwarz(WIDTH, [2, 2, 2], kernel=0.3)
    with torch.no_grad():
        made.coordinates.weight.mul_(5)
    each = some(made, agents)[0].detach()
    few, many = (float(made(each.expand(games, agents, WIDTH)).rate[0, 0].detach()) for games in (1, 2048))
    assert few > 0.1
    assert many == pytest.approx(few, rel=0.02)


def test_surprisal_is_the_entropy_of_levels():
    place = torch.tensor([[0.0], [0.0], [1.0], [2.0]])
    assert float(surprisal(place, 4).mean()) == pytest.approx(1.5)
    assert surprisal(place, 4).tolist() == [1, 1, 2, 2]


def test_dependence_of_digits():
    odds = torch.eye(2)
    copies = torch.stack([odds, odds, odds], 1)  # three digits that say the same bit: three pairs, one bit each
    assert float(dependence(copies)) == pytest.approx(3, abs=1e-5)
    apart = torch.stack([odds.repeat(2, 1), odds.repeat_interleave(2, 0)], 1)
    assert float(dependence(apart)) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(("independence", "least", "most"), [(0.0, 2.0, 3.01), (2.0, 0.0, 1.0)])
def test_independence_parts_digits_that_say_the_same(independence, least, most):
    """Three digits that begin as near copies: what they tell alone keeps them copies, three pairs of one bit each."""
    torch.manual_seed(9)
    made = Dimco(8, 3, 2, infomax=1.0, independence=independence)
    with torch.no_grad():
        made.logits.weight.copy_(made.logits.weight[:2].repeat(3, 1) + 0.01 * torch.randn(6, 8))
        made.logits.bias.zero_()
    optimiser = torch.optim.Adam(made.parameters(), lr=0.05)
    for _ in range(200):
        optimiser.zero_grad()
        made(torch.eye(8)).loss.mean().backward()
        optimiser.step()
    assert float(made(torch.eye(8)).rate.mean().detach()) > 2.5
    assert least <= float(dependence(made.logits(torch.eye(8)).unflatten(-1, (3, 2)).softmax(-1)).detach()) < most


# ------------------------------------------------------------------------------------------------ one by one
@pytest.mark.parametrize("levels", [[2], [3], [4], [8, 5]])
def test_levels_are_equally_spaced_and_all_reached(levels):
    made = FiniteScalar(1, levels)
    with torch.no_grad():
        made.coordinates.weight.fill_(1.0)
        made.coordinates.bias.zero_()
    message = made(torch.linspace(-4, 4, 4001).unsqueeze(-1))
    for k, n in enumerate(levels):
        assert message.symbols[:, k].unique().tolist() == list(range(n))
        assert torch.allclose(message.read[:, k].unique(), torch.linspace(-1, 1, n), atol=1e-6)
        assert (message.read[:, k].diff() >= 0).all()
        assert (message.read[:, k] - torch.linspace(-4, 4, 4001).tanh()).abs().max() <= 1 / (n - 1) + 1e-5


def test_floats_are_themselves_bit_for_bit():
    values = torch.tensor([0.0, -0.0, 1e-45, -1e-45, 0.1, -0.1, 3.4e38, -3.4e38, math.inf, -math.inf])
    assert identical(floats(patterns(values)), values)
    assert patterns(torch.tensor([1.0, -2.0, -0.0])).tolist() == [0x3F800000, 0xC0000000, 0x80000000]  # IEEE 754


def test_a_deployed_gaussian_of_floats_sends_its_mean_itself():
    torch.manual_seed(12)
    made = Gaussian(WIDTH, 2)
    hidden = some(made, 100)[0]
    assert torch.equal(made(hidden).read, made.moments(hidden)[:, :2])


def test_quantised_gaussians_read_the_middle_of_their_cell():
    made = Gaussian(WIDTH, 2, bits_each=2, prior=2.0, limit=1.0)
    assert made.read(torch.tensor([[0, 1], [2, 3]])).tolist() == [[-1.5, -0.5], [0.5, 1.5]]
    assert made.cells(torch.tensor([-9.0, -1.1, -0.9, 0.1, 1.9, 2.0, 9.0])).tolist() == [0, 0, 1, 2, 3, 3, 3]


def test_dial_is_a_noisy_sigmoid_in_training_and_a_bit_when_deployed():
    made = Dial(1, 1, sigma=2.0)
    with torch.no_grad():
        made.activation.weight.fill_(1.0)
        made.activation.bias.zero_()
    assert made(torch.tensor([[-0.1], [0.1]])).read.tolist() == [[0], [1]]
    uniform = torch.special.ndtr(torch.tensor([[-1.0], [0.0], [0.5]]))
    assert torch.allclose(made(torch.full((3, 1), 1.5), uniform).read, torch.tensor([[-0.5], [1.5], [2.5]]).sigmoid(), atol=1e-5)


def test_dead_codes_are_revived():
    torch.manual_seed(10)
    made = VectorQuantised(8, 8)
    with torch.no_grad():  # all but one code lie where nothing is ever said
        made.codebook.copy_(torch.full((8, 8), -1.0) + 0.01 * torch.randn(8, 8))
        made.encode.weight.copy_(torch.eye(8))
        made.encode.bias.fill_(0.3)
        made.codebook[3] = 1.0
    states = torch.eye(8).repeat(4, 1)
    assert len(made(states).symbols.unique()) == 1
    before = made.codebook[3].clone()
    assert made.revive(states.reshape(2, 16, 8)) == 7
    assert torch.equal(made.codebook[3], before)
    assert len(made(torch.eye(8)).symbols.unique()) == 8
    assert made.revive(states[:3].repeat(2, 1)) == 0  # five codes rest, but nothing is left that no code stands for


def test_commitment_and_codebook_draw_together():
    """Each side of VQ's loss moves its own: the codebook towards z, and z, by `commitment`, towards the codebook."""
    torch.manual_seed(11)
    made = VectorQuantised(WIDTH, 4, commitment=0.5)
    hidden = some(made, 30)[0]
    made(hidden).loss.sum().backward()
    assert made.codebook.grad.abs().sum() > 0
    free = VectorQuantised(WIDTH, 4, commitment=0.0)
    free.load_state_dict(made.state_dict())
    free(hidden).loss.sum().backward()
    assert torch.allclose(free.codebook.grad, made.codebook.grad, atol=1e-6)
    assert not free.encode.weight.grad.any()
    assert made.encode.weight.grad.any()


# ------------------------------------------------------------------------------------------------ learning
SEEDS = 3


@pytest.mark.parametrize("name", BOTTLENECKS)
def test_it_learns_to_tell_states_apart(name):
    """8 states in 3 bits (a float for `continuous`) to a linear listener. Guessing names 1 of 8; 2 bits name at most 4 of 8."""
    assert sum(named(name, seed) for seed in range(SEEDS)) / SEEDS > 0.5


def named(name, seed):
    """Fraction of 8 states that the deployed listener names, from symbols alone, after 300 steps of Adam."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    speaker = bottleneck(name, 8, bits=96 if name == "continuous" else 3)
    listener = nn.Linear(speaker.reads, 8)
    optimiser = torch.optim.Adam([*speaker.parameters(), *listener.parameters()], lr=0.02)
    states = torch.arange(8).repeat(4)
    hidden = torch.eye(8)[states]
    for step in range(300):
        if step % 20 == 0:
            speaker.revive(hidden)
        message = speaker(hidden, torch.rand(len(hidden), speaker.noise, generator=generator))
        loss = cross_entropy(listener(message.read), states) + message.loss.mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    heard = listener(speaker.read(speaker(torch.eye(8)).symbols))
    return float((heard.argmax(-1) == torch.arange(8)).float().mean())
