"""DIME against the exact conditional mutual information that its value network estimates."""

import numpy as np
import pytest

from agents.dime import Dime, LearnedPolicy, Schedule, train
from commenv.solvers.feature_selection import Selection, follow, greedy, noisy_copies, optimal

PROBLEM = Selection(noisy_copies((0.9, 0.6)), (1.0, 1.0), 1.0)


def test_it_learns_what_features_tell():
    network = train(PROBLEM, 0, Schedule(steps=150, batch=256, lr=1e-2))
    policy = LearnedPolicy(network, PROBLEM)
    nothing = PROBLEM.beginning
    logp, v = policy.ask(nothing)
    exact = np.array([PROBLEM.information(nothing, i) for i in range(2)]) * np.log(2)
    np.testing.assert_allclose(v, exact, atol=0.1)
    np.testing.assert_allclose(np.exp(logp), 0.5, atol=0.1)
    learned = follow(PROBLEM, policy, policy.name)
    assert learned.accuracy == pytest.approx(follow(PROBLEM, greedy(PROBLEM)).accuracy) == pytest.approx(optimal(PROBLEM).value)


def test_stops():
    network = Dime(2, (2, 2))
    assert LearnedPolicy(network, PROBLEM)(PROBLEM.beginning) in (0, 1)
    assert LearnedPolicy(network, PROBLEM, least=1.0)(PROBLEM.beginning) is None  # v is below the entropy, which is a bit at most
    assert LearnedPolicy(network, PROBLEM, unsure=1.01)(PROBLEM.beginning) is None
    assert LearnedPolicy(network, PROBLEM)((0, -1)) is None  # nothing can be paid


def test_the_same_seed_gives_the_same_networks():
    one, two = (train(PROBLEM, 3, Schedule(steps=2, batch=8)) for _ in range(2))
    state = (1, -1)
    for a, b in zip(LearnedPolicy(one, PROBLEM).ask(state), LearnedPolicy(two, PROBLEM).ask(state), strict=True):
        np.testing.assert_array_equal(a, b)
