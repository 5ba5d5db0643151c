"""alpha-Rank against published tables, closed forms, OpenSpiel, and an exact solution in rational numbers."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from commenv.solvers.alpha_rank import alpha_rank, fixation, stationary

r, t, p, s, d, e = 1, 2, 0, -1, 4, 0.25
HAN = [
    [r - e / 2, r - e, 0, s + d - e, r - e],
    [r, r, s, s, s],
    [0, t, p, p, p],
    [t - d, t, p, p, p],
    [r, t, p, p, p],
]
"""Prisoner's dilemma with commitment (Han, Pereira, Lenaerts 2013)."""
CYCLE = [[0, -0.5, 1], [0.5, 0, -0.1], [-1, 0.1, 0]]
WINS = [[0.5, 0.6, 0.7, 0.35], [0.4, 0.5, 0.65, 0.55], [0.3, 0.35, 0.5, 0.8], [0.65, 0.45, 0.2, 0.5]]
COORDINATION, PENNIES = np.diag([2.0, 1.0]), np.array([[1.0, -1.0], [-1.0, 1.0]])


@pytest.mark.parametrize(
    ("advantage", "population", "value"),
    [(0.1, 50, 0.0958081321), (-0.1, 50, 0.0007134432), (1, 2, 0.7310585786), (0, 50, 0.02), (-800, 50, 0), (800, 50, 1)],
)
def test_fixation(advantage, population, value):
    assert fixation(advantage, population) == pytest.approx(value, abs=5e-11)


@given(st.floats(-3, 3), st.integers(2, 60))
def test_fixation_is_its_formula(u, m):
    if abs(u) > 1e-3:
        assert fixation(u, m) == pytest.approx((1 - math.exp(-u)) / (1 - math.exp(-m * u)), rel=1e-9)
    assert fixation(-u, m) == pytest.approx(fixation(u, m) * math.exp(-u * (m - 1)), rel=1e-9)


@pytest.mark.parametrize(
    ("payoffs", "options", "mass"),
    [
        (
            HAN,
            {"alpha": 0.1, "population": 20, "selection": "general"},
            [0.40966787, 0.07959841, 0.20506998, 0.08505983, 0.22060390],
        ),
        (CYCLE, {"noise": 0.1}, [1 / 3, 1 / 3, 1 / 3]),
        (CYCLE, {"alpha": 1.0}, [0.1916394530, 0.6682608809, 0.1400996661]),
        (CYCLE, {"alpha": 0.1}, [0.2129555278, 0.6771471685, 0.1098973037]),
        (WINS, {"noise": 0.05}, [0.3856548857, 0.3014553015, 0.1143451143, 0.1985446985]),
        (WINS, {"alpha": 10.0}, [0.3786052402, 0.2866507672, 0.1139865269, 0.2207574657]),
        ([COORDINATION, COORDINATION], {"noise": 0.01}, [0.495, 0.005, 0.005, 0.495]),
        ([PENNIES, -PENNIES], {"alpha": 1.0}, [0.25] * 4),
        ([PENNIES, -PENNIES], {}, [0.25] * 4),
    ],
    ids=str,
)  # fmt: skip
def test_known_rankings(payoffs, options, mass):
    np.testing.assert_allclose(alpha_rank(payoffs, **options).mass, mass, atol=5e-9)


def test_what_is_left_once_in_ages_keeps_its_share():
    """At finite alpha the better convention has all the mass; who subtracts sees two absorbing states, and halves it."""
    found = alpha_rank([COORDINATION, COORDINATION], alpha=1.0, population=50)
    e1 = Fraction(math.e)
    rho = {u: (1 - e1 ** (-u)) / (1 - e1 ** (-50 * u)) for u in (-2, -1, 1, 2)}
    # By symmetry a chain of three: good -> mixed -> good or bad, bad -> mixed; flows between two neighbours balance.
    mixed = Fraction(1)
    good, bad = mixed * rho[2] / (2 * rho[-2]), mixed * rho[1] / (2 * rho[-1])
    total = good + bad + mixed
    exact = [float(share / total) for share in (good, mixed / 2, mixed / 2, bad)]
    np.testing.assert_allclose(found.mass, exact, rtol=1e-10)
    assert found.order()[0] == (0, 0)


def test_openspiel_ranks_alike():
    egt = pytest.importorskip("open_spiel.python.egt.alpharank", reason="pip install commenv[bench]")
    rng = np.random.default_rng(0)
    one, several = rng.normal(size=(4, 4)), [rng.normal(size=(2, 3)) for _ in range(2)]
    _, _, mass, _, _ = egt.compute([one], alpha=0.3, m=20, use_local_selection_model=True)
    np.testing.assert_allclose(alpha_rank(one, alpha=0.3, population=20).mass, mass, atol=1e-9)
    _, _, mass, _, _ = egt.compute([one], alpha=0.3, m=20, use_local_selection_model=False)
    np.testing.assert_allclose(alpha_rank(one, alpha=0.3, population=20, selection="general").mass, mass, atol=1e-9)
    _, _, mass, _, _ = egt.compute(several, alpha=0.3, m=20)
    ours = alpha_rank(several, alpha=0.3, population=20)
    theirs = mass.reshape(3, 2).T.ravel()  # it numbers profiles with the first population fastest
    assert np.allclose(ours.mass, theirs, atol=1e-9) or np.allclose(ours.mass, mass, atol=1e-9)


@given(arrays(float, st.tuples(st.just(2), st.integers(1, 3), st.integers(1, 3)), elements=st.floats(-5, 5)), st.floats(0.1, 5))
def test_a_ranking_is_a_stationary_distribution(payoffs, alpha):
    found = alpha_rank(list(payoffs), alpha=alpha, population=5)
    assert found.mass.min() >= 0
    assert found.mass.sum() == pytest.approx(1)
    assert found.transitions.min() >= 0
    np.testing.assert_allclose(found.transitions.sum(axis=1), 1)
    np.testing.assert_allclose(found.mass @ found.transitions, found.mass, atol=1e-12)


def test_a_chain_that_does_not_mix_is_refused():
    with pytest.raises(ValueError, match="never leaves state 1"):
        stationary([[0, 1], [0, 0]])


@pytest.mark.parametrize(
    ("payoffs", "options", "sentence"),
    [
        ([[1, 2]], {}, "payoffs of shape"),
        ([[1, math.nan], [0, 1]], {}, "finite"),
        ("abc", {}, "payoffs must be numbers"),
        ([[[1]]], {}, "payoffs of shape"),
        (WINS, {"alpha": -1}, "alpha=-1"),
        (WINS, {"alpha": math.nan}, "alpha=nan"),
        (WINS, {"population": 1}, "population=1"),
        (WINS, {"noise": 0}, "noise=0"),
        (WINS, {"noise": 0.7}, "noise=0.7"),
        (WINS, {"selection": "natural", "alpha": 1}, "selection='natural'"),
        (WINS, {"selection": "general"}, "needs a finite alpha"),
        ([PENNIES, -PENNIES], {"selection": "general", "alpha": 1}, "of one population"),
    ],
)
def test_bad_input_is_named(payoffs, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        alpha_rank(payoffs, **options)
