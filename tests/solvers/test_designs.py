"""Gains of experiments: published test points, estimates beside the truth, and teams of two against all their plans."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commenv.solvers import experiments as theory

THETA = np.linspace(-3, 3, 25)
PRIOR = np.exp(-0.5 * THETA**2)
PRIOR /= PRIOR.sum()


@pytest.mark.parametrize(
    ("place", "nats"),
    [(0, 0.8281970658), (0.5, 0.8555182772), (1, 0.8703013673), (1.5, 0.7948003434), (2, 0.6392156570), (3, 0.3020826736)],
)
def test_location(place, nats):
    assert theory.normal_gain(PRIOR, theory.location_mean(THETA, place), 0.5) == pytest.approx(nats, rel=1e-8)


@pytest.mark.parametrize(
    ("offer", "nats", "mean"),
    [
        ((10, 20, 1), 0.0074548355, 0.9859522031),
        ((10, 20, 36), 0.4584582538, 0.6622741674),
        ((10, 20, 70), 0.5013640091, 0.5003737683),
        ((10, 20, 150), 0.4461852966, 0.3164512426),
        ((50, 60, 30), 0.4895309718, 0.3079214710),
        ((100, 101, 1), 0.2552692755, 0.3727854701),
    ],
)
def test_discounting(offer, nats, mean):
    chance = theory.prefers_delayed(*theory.discounting_grid(200), *offer)
    uniform = np.full(len(chance), 1 / len(chance))
    assert theory.gain(uniform, np.stack([1 - chance, chance], 1)) == pytest.approx(nats, abs=5.1e-11)
    assert chance.mean() == pytest.approx(mean, abs=5.1e-11)


def test_nested_monte_carlo_is_too_high_and_the_contrastive_bound_too_low():
    """Means of many: with 10 inner draws the bias is about .13 at this point, more with fewer; a bound below ln(M + 1)."""
    means = theory.location_mean(THETA, 0.5)
    exact = theory.normal_gain(PRIOR, means, 0.5)
    nested = [theory.nested_monte_carlo(PRIOR, means, 0.5, 20_000, M, seed=0) for M in (10, 100)]
    bound = [theory.nested_monte_carlo(PRIOR, means, 0.5, 20_000, M, seed=0, contrastive=True) for M in (1, 10, 100)]
    assert abs(nested[0].nats - exact - 0.13) < 4 * nested[0].standard_error + 0.01
    assert nested[1].nats - exact < nested[0].nats - exact
    assert abs(nested[1].nats - exact) < 4 * nested[1].standard_error + 0.01
    assert bound[0].nats < bound[1].nats < exact + 4 * bound[1].standard_error
    for M, estimate in zip((1, 10, 100), bound, strict=True):
        assert estimate.nats <= min(np.log(M + 1), exact + 4 * estimate.standard_error)


def test_marks_are_quantiles():
    means = np.array([theory.location_mean(THETA, place) for place in (-1, 0, 2)])
    L = theory.marked(means, 0.5, 4)
    np.testing.assert_allclose(L.sum(-1), 1, rtol=1e-12)
    np.testing.assert_allclose(L.mean((0, 1)), 0.25, atol=1e-6)
    finer = theory.gain(PRIOR, theory.marked(means, 0.5, 16)[1])
    assert theory.gain(PRIOR, L[1]) < finer < theory.normal_gain(PRIOR, means[1], 0.5)  # data processing


@st.composite
def problems(draw, designs=4, levels=2):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = int(rng.integers(2, 5))
    return rng.dirichlet(np.ones(n)), rng.dirichlet(np.full(levels, 0.4), size=(designs, n))


@settings(max_examples=15)
@given(problems())
def test_greedy_designs_are_within_their_guarantee(problem):
    best, greedy = theory.best_designs(*problem, 3)[0], theory.greedy_designs(*problem, 3)[0]
    assert (1 - 1 / np.e) * best - 1e-9 <= greedy <= best + 1e-9
    assert theory.adaptive_gain(*problem, 1, 3) >= best - 1e-9  # who waits for results does no worse
    assert theory.adaptive_gain(*problem, 1, 3) <= theory.entropy(problem[0]) + 1e-9


def gain_of(prior, designs, first, codes, second):
    """Expected gain of a pair's plan, summed over all results."""
    M, total = designs.shape[-1], 0.0
    for y in itertools.product(range(M), repeat=2):
        chosen = [second[i][y[i], codes[1 - i][y[1 - i]]] for i in range(2)]
        weights = prior * designs[first[0], :, y[0]] * designs[first[1], :, y[1]]
        for z in itertools.product(range(M), repeat=2):
            w = weights * designs[chosen[0], :, z[0]] * designs[chosen[1], :, z[1]]
            total += w.sum() * theory.entropy(w / w.sum()) if w.sum() > 0 else 0.0
    return float(theory.entropy(prior) - total)


@settings(max_examples=5)
@given(problems(designs=3, levels=2), st.integers(1, 2))
def test_the_best_pair_is_the_best_of_all_plans(problem, messages):
    prior, designs = problem
    D, _, M = designs.shape
    found = theory.best_pair(prior, designs, messages)
    assert gain_of(prior, designs, found.first, found.codes, found.second) == pytest.approx(found.value)
    best = 0.0
    for first in itertools.combinations_with_replacement(range(D), 2):
        code = tuple(range(messages)) if messages == M else (0,) * M
        places = sorted({(y, code[z]) for y in range(M) for z in range(M)})
        for one in itertools.product(range(D), repeat=len(places)):
            for two in itertools.product(range(D), repeat=len(places)):
                if messages == M and hash((one, two)) % 400:  # of 6,561 pairs a share: more would only take longer
                    continue
                second = dict(zip(places, one, strict=True)), dict(zip(places, two, strict=True))
                best = max(best, gain_of(prior, designs, first, (code, code), second))
    assert best <= found.value + 1e-9
    if messages == 1:
        assert best == pytest.approx(found.value)


@settings(max_examples=6)
@given(problems(designs=3, levels=3))
def test_more_messages_never_hurt(problem):
    values = [theory.best_pair(*problem, messages).value for messages in (1, 2, 3, 4)]
    assert values[0] <= values[1] + 1e-9 <= values[2] + 2e-9
    assert values[2] == pytest.approx(values[3])
    assert values[3] == pytest.approx(theory.adaptive_gain(*problem, 2, 2))  # all is known to both
