"""Neural estimators: their formulas at the best critic, closed forms, one interface; and what consistency tells apart."""

import math

import numpy as np
import pytest
import torch

from agents.estimators import ESTIMATORS, CauchySchwarz, DiffusionSpectral, fit, self_consistency
from agents.estimators.bounds import discrimination, donsker_varadhan, infonce, nwj, smile
from agents.estimators.densities import Club, VariationalRate, gaussian_rate
from agents.estimators.kernels import diffusion_spectral_entropy
from agents.terms.rates import divergence
from commenv.info import cauchy_schwarz, estimate_mutual_information


def gaussian(rho, N, seed, d=1):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((N, d))
    return x, rho * x + np.sqrt(1 - rho**2) * rng.standard_normal((N, d))


def log_ratio(x, y, rho):
    """ln p(x, y) / p(x) p(y) of all pairs of two batches."""
    x, y = x[:, None], y[None]
    terms = (2 * rho * x * y - rho**2 * (x**2 + y**2)) / (2 * (1 - rho**2)) - np.log(1 - rho**2) / 2
    return torch.from_numpy(terms.sum(axis=-1))


# Mean and s.d. over 30 seeds of batches of 512 at the best critic, bits: spec/information.md 5.4
BEST = {
    (0.7, 5): {"nwj": (2.409, 0.1), "dv": (2.409, 0.1), "nce": (2.381, 0.1), "smile": (2.421, 0.1)},
    (0.9, 20): {"nce": (8.9985, 0.001), "nwj": (24.70, 2.23), "dv": (27.40, 2.13), "smile": (30.1, 0.34)},
}


@pytest.mark.parametrize(("rho", "d"), BEST)
def test_formulas_at_the_best_critic(rho, d):
    found = {name: [] for name in BEST[rho, d]}
    for seed in range(30):
        f = log_ratio(*gaussian(rho, 512, seed, d), rho)
        bits = {"nwj": nwj(f + 1), "dv": donsker_varadhan(f), "nce": infonce(f), "smile": smile(f)}
        for name in found:
            found[name].append(float(bits[name]) / math.log(2))
    for name, (mean, sd) in BEST[rho, d].items():
        error = np.hypot(np.std(found[name]), sd) / np.sqrt(30)  # theirs is a mean of other samples
        assert np.mean(found[name]) == pytest.approx(mean, abs=4 * error + 0.005)
    assert max(found["nce"]) <= 9


def test_the_best_critic_is_best():
    """Each loss is least there: a step to either side, along any of some directions, is worse."""
    x, y = gaussian(0.7, 1024, 0)
    f = log_ratio(x, y, 0.7)
    for loss in (lambda f: -nwj(f + 1), discrimination):
        for way in (torch.ones_like(f), f.tanh()):
            assert all(loss(f + step * way) > loss(f) for step in (-0.5, 0.5))


def test_club_of_gaussians():
    """E ln q(y | x) less that of all pairs, q true: rho^2 / (1 - rho^2) nats."""
    for rho, bits in ((0.5, 0.480898), (0.9, 6.150437)):  # spec/information.md 5.4
        club = Club(1, 1)
        club.density.parameters_of = lambda x, rho=rho: (rho * x, torch.full_like(x, math.log(1 - rho**2) / 2))
        x, y = (torch.from_numpy(z) for z in gaussian(rho, 4000, 0))
        assert float(club.value(x, y)) == pytest.approx(bits, rel=0.06)
        assert rho**2 / (1 - rho**2) / math.log(2) == pytest.approx(bits, abs=5e-7)


def test_rates():  # spec/information.md 5.4
    mean, log_std, zero = torch.tensor([0.5, -1.0]), torch.tensor([0.8, 1.2]).log(), torch.zeros(2)
    assert float(gaussian_rate(mean, log_std, zero, zero)) == pytest.approx(0.705821995, abs=5e-7)
    assert float(gaussian_rate(mean, log_std, zero, zero)) / math.log(2) == pytest.approx(1.018285891, abs=5e-7)
    odds = torch.tensor([[0.7, 0.2, 0.1]])
    assert float(divergence(odds.log(), torch.full((1, 3), 1 / 3).log())) == pytest.approx(0.428182851, abs=5e-7)
    rate = VariationalRate(1, 3, labels=True)
    rate.density.net = torch.nn.Linear(1, 3)
    rate.density.net.weight.data.zero_()
    rate.density.net.bias.data = odds[0].log()
    assert float(rate.value(torch.zeros(4, 1), torch.eye(3)[[0, 0, 1, 2]]).detach()) == pytest.approx(0.428182851, abs=1e-6)


def test_diffusion_spectral_entropy():  # spec/information.md 5.5
    line = torch.arange(4.0, dtype=torch.float64)[:, None]
    assert float(diffusion_spectral_entropy(line, 1.0)) == pytest.approx(1.565016847, abs=5e-10)
    assert float(diffusion_spectral_entropy(line, 1.0, 2.0)) == pytest.approx(1.139442771, abs=5e-10)
    assert float(diffusion_spectral_entropy(torch.zeros(5, 2, dtype=torch.float64))) == pytest.approx(0, abs=1e-9)
    assert float(diffusion_spectral_entropy(1e6 * torch.eye(8, dtype=torch.float64))) == pytest.approx(3, abs=1e-9)


def test_diffusion_spectral_information():
    """Two far clusters: the label tells which, one bit of two."""
    points = 100 * torch.tensor([[0.0], [0.0], [1.0], [1.0]], dtype=torch.float64).repeat(8, 1)
    labels = torch.eye(2, dtype=torch.float64)[[0, 0, 1, 1] * 8]
    assert float(DiffusionSpectral(1, 2).value(points, labels)) == pytest.approx(1, abs=1e-6)


def test_cauchy_schwarz_kernel():  # spec/information.md 5.5
    def closed(r):
        return -math.log2(4 * math.sqrt(1 - r**2) / (4 - r**2))

    assert closed(0.5) == pytest.approx(0.114409345, abs=5e-10)
    assert closed(0.8) == pytest.approx(0.485426827, abs=5e-10)
    aim = closed(0.8 / (1 + 0.4**2 / 2))
    assert aim == pytest.approx(0.361056818, abs=5e-10)
    assert fit("cauchy_schwarz", *gaussian(0.8, 1500, 0), batch=1500).bits == pytest.approx(aim, abs=0.05)
    pairs = np.array([(0, 0)] * 4 + [(0, 1), (1, 0)] + [(1, 1)] * 4)
    one_hot = (torch.eye(2, dtype=torch.float64)[side] for side in pairs.T)
    assert float(CauchySchwarz(2, 2, kernel=0.05).value(*one_hot)) == pytest.approx(
        cauchy_schwarz([[0.4, 0.1], [0.1, 0.4]]), abs=1e-9
    )


ENTROPY = math.log2(2 * math.pi * math.e) / 2
NEAR = {"nwj": 0.15, "mine": 0.15, "infonce": 0.15, "js": 0.15, "smile": 0.15, "barber_agakov": 0.15, "vib": 0.15}


@pytest.mark.parametrize("method", NEAR)
def test_one_loop_trains_them_all(method):
    """Every one that estimates bits, on a Gaussian."""
    x, y = gaussian(0.8, 3000, 0)
    truth = -math.log2(1 - 0.8**2) / 2
    told = []
    found = fit(method, x, y, steps=100, batch=128, entropy=ENTROPY, tell=lambda *news: told.append(news))
    assert found.bits == pytest.approx(truth, abs=NEAR[method])
    assert (found.bound, found.unit) == (ESTIMATORS[method].bound, "bits")
    assert len(told) == 100


@pytest.mark.parametrize("method", ["infonce", "barber_agakov", "vib", "club"])
def test_labels(method):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 4, 3000)
    y = np.where(rng.random(3000) < 0.3, rng.integers(0, 4, 3000), x)
    counted = estimate_mutual_information(x, y).bits
    found = fit(method, x, y, steps=120, batch=128)
    if method == "club":
        assert found.bits > counted
    else:
        assert found.bits == pytest.approx(counted, abs=0.1)


def test_wasserstein_grows_with_dependence_and_with_units():
    weak, strong = (fit("wasserstein", *gaussian(rho, 2000, 0), steps=120, batch=128) for rho in (0.1, 0.9))
    assert strong.unit == "distance"
    assert strong.bits > 0.3 > weak.bits


def test_the_same_seed_gives_the_same():
    x, y = gaussian(0.5, 400, 0)
    state = torch.random.get_rng_state()
    first, second, other = (fit("infonce", x, y, steps=5, seed=seed).bits for seed in (1, 1, 2))
    assert first == second != other
    assert torch.equal(state, torch.random.get_rng_state())


def test_consistency_tells_good_from_bad():
    def ksg(x, y):
        return estimate_mutual_information(x, y, "ksg1").bits

    failed = {check.name for check in self_consistency(ksg, samples=1000) if not check.passed}
    assert failed == {"additivity"}, "in four dimensions neighbours are far, and it finds a fifth too little"

    def one_sided(x, y):
        return float(np.var(y)) + x.shape[1]

    failed = {check.name for check in self_consistency(one_sided, samples=200) if not check.passed}
    assert failed >= {"independence", "truth", "bijection"}


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: fit("mime", [1.0], [1.0]), "method='mime'.*nwj"),
        (lambda: fit("nwj", [1.0, 2.0], [1.0]), "got 2 and 1"),
        (lambda: fit("nwj", [1.0, 2.0], [1.0, 2.0]), "at least 4 pairs"),
        (lambda: fit("nwj", [math.nan] * 9, [1.0] * 9), "x must be finite, got nan"),
        (lambda: fit("nwj", [1.0] * 9, [1.0] * 9, batch=1), "batch=1"),
        (lambda: fit("nwj", [1.0] * 9, [1.0] * 9, held_out=1), "held_out=1"),
        (lambda: fit("barber_agakov", [1.0] * 9, [1.0] * 9), "entropy of x"),
        (lambda: fit("diffusion_spectral", [1.0] * 9, [1.0] * 9), "labels y"),
        (lambda: self_consistency(lambda x, y: 0.0, rho=1), "rho=1"),
    ],
)
def test_refusals(call, says):
    with pytest.raises(ValueError, match=says):
        call()
