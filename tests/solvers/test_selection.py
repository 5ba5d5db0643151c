"""Buying features: exact rationals, the trap of an exclusive or, and what must hold for any joint."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commenv.info import entropy, mutual_information
from commenv.solvers.feature_selection import Selection, best_code, follow, greedy, naive_bayes, noisy_copies, optimal

COPIES, COSTS = noisy_copies((0.9, 0.75, 0.7, 0.65)), (3, 1, 1, 1)


def exclusive_or(accuracy=0.6):
    """y = x1 xor x2, and a third feature that equals y with such a probability."""
    joint = np.zeros((2, 2, 2, 2))
    for a, b, c in np.ndindex(2, 2, 2):
        joint[a ^ b, a, b, c] = 0.25 * (accuracy if c == a ^ b else 1 - accuracy)
    return joint


def test_budgets():
    """Exact rationals; at a budget of 3 the ratio buys three cheap features where one dear one is better."""
    problems = [Selection(COPIES, COSTS, budget) for budget in range(7)]
    np.testing.assert_allclose([optimal(p).value for p in problems], [0.5, 0.75, 0.75, 0.9, 0.9, 0.9, 0.9105], rtol=1e-12)
    ratio = [follow(p, greedy(p)).accuracy for p in problems]
    np.testing.assert_allclose(ratio, [0.5, 0.75, 0.75, 0.785, 0.9, 0.9, 0.9105], rtol=1e-12)
    unscaled = [follow(p, greedy(p, ratio=False)).accuracy for p in problems]
    np.testing.assert_allclose(unscaled, [0.5, 0.75, 0.75, 0.9, 0.9, 0.9, 0.9105], rtol=1e-12)


def test_the_trap_of_an_exclusive_or():
    problem = Selection(exclusive_or(), (1, 1, 1), 2)
    assert optimal(problem).value == pytest.approx(1.0)
    assert follow(problem, greedy(problem)).accuracy == pytest.approx(0.6)
    assert problem.information(problem.beginning, 0) == pytest.approx(0.0, abs=1e-12)
    assert problem.information((0, -1, -1), 1) == pytest.approx(1.0)


def test_information_is_mutual_information():
    problem = Selection(COPIES, COSTS, 6)
    assert problem.information(problem.beginning, 0) == pytest.approx(mutual_information(noisy_copies([0.9])))
    given_first = noisy_copies([0.9])[:, 0] / 0.5  # of the label, after a 0
    table = naive_bayes(given_first, [[[0.75, 0.25], [0.25, 0.75]]])
    assert problem.information((0, -1, -1, -1), 1) == pytest.approx(mutual_information(table))


def test_stops():
    """Penalised: a bit and unit of cost must be worth it. Confidence: no more once the label is known well enough."""
    problem = Selection(COPIES, COSTS, 6, price=0.05)
    never = follow(problem, greedy(problem, least=2.0))
    assert (never.accuracy, never.cost) == (0.5, 0.0)
    sure = greedy(problem, unsure=entropy([0.9, 0.1]) + 1e-9)
    assert sure((0, -1, -1, -1)) is None
    assert sure(problem.beginning) == 1
    found = follow(problem, greedy(problem))
    assert found.reward == pytest.approx(found.accuracy - 0.05 * found.cost)
    assert found.cost == pytest.approx(6)
    named = follow(problem, lambda state: None, lambda state: 1)
    assert named.accuracy == 0.5


@st.composite
def selections(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (2, *rng.integers(2, 4, size=3))
    joint = rng.dirichlet(np.full(np.prod(shape), 0.3)).reshape(shape)
    return Selection(joint, tuple(rng.integers(1, 3, size=3).tolist()), int(rng.integers(0, 6)), float(rng.choice([0, 0.05])))


@settings(max_examples=25)
@given(selections())
def test_greedy_is_no_better_and_more_never_hurts(problem):
    best = optimal(problem)
    assert follow(problem, best).reward == pytest.approx(best.value)
    for policy in (greedy(problem), greedy(problem, ratio=False), greedy(problem, least=0.1), greedy(problem, unsure=0.5)):
        assert follow(problem, policy).reward <= best.value + 1e-9
    richer = Selection(problem.joint, problem.costs, problem.budget + 1, problem.price)
    assert optimal(richer).value >= best.value - 1e-9
    coded = [best_code(problem, messages, 1000)[0] for messages in (1, 2, 3)]
    assert coded[0] <= coded[1] + 1e-9 <= coded[2] + 2e-9
    assert coded[-1] == pytest.approx(best.value)
    assert coded[0] == pytest.approx(max(problem.masses(problem.beginning)))


def test_no_problem_of_selection():
    with pytest.raises(ValueError, match="does not fit 2 costs"):
        Selection(COPIES, (1, 1), 3)
    with pytest.raises(ValueError, match="above 0"):
        Selection(COPIES, (1, 1, 0, 1), 3)
    with pytest.raises(ValueError, match="buys feature 0"):
        follow(Selection(COPIES, COSTS, 1), lambda state: 0)
    with pytest.raises(ValueError, match="codes"):
        best_code(Selection(noisy_copies([0.9] * 3), (1, 1, 1), 3), 1, 0)
