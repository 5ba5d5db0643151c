"""Distances from independence against the spec's vectors, and the vectors of frontiers and codes, all of them."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from commenv.info import cauchy_schwarz, one_shot, rate_reward, wasserstein_dependency

VECTORS = json.loads((Path(__file__).parent / "information_vectors.json").read_text())
ORDERED = 1 - np.abs(np.subtract.outer(np.arange(8), np.arange(8))) / 7
TABLE6 = np.array(
    [[1, 0.2, 0, 0.5], [0.9, 0.1, 0.3, 0], [0, 1, 0.4, 0.2], [0.2, 0.7, 0.1, 0], [0.1, 0.3, 1, 0.6], [0, 0, 0.2, 1]]
)
TASKS = {"ordered8": (np.full(8, 1 / 8), ORDERED), "tab6x4": ([0.25, 0.2, 0.15, 0.15, 0.15, 0.1], TABLE6)}
tables = arrays(np.int64, array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=4), elements=st.integers(0, 9)).filter(np.any)


@pytest.mark.parametrize("vector", VECTORS["reward_rate"], ids=str)
def test_frontiers(vector):
    """Computed by Blahut's algorithm outside of this library."""
    M = vector.get("M")
    prior, reward = (np.full(M, 1 / M), np.eye(M)) if vector["task"] == "identity" else TASKS[vector["task"]]
    found = rate_reward(prior, reward, vector["R"])
    assert found.value == pytest.approx(vector["F"], rel=1e-8)
    assert found.gap <= 1e-9


@pytest.mark.parametrize(("symbols", "value"), VECTORS["ordered8_oneshot"].items())
def test_codes_of_ordered_states(symbols, value):
    found = one_shot(np.full(8, 1 / 8), ORDERED, int(symbols))
    assert found.exact
    assert found.value == pytest.approx(value, rel=1e-12)


def test_certified_gap_of_random_problems():
    """Up to 64 states and actions, in units of reward; the time beside plain Blahut-Arimoto is a bench."""
    rng = np.random.default_rng(0)
    for n in (2, 5, 16, 64):
        for _ in range(4):
            prior, reward = rng.dirichlet(np.ones(n)), rng.random((n, n))
            assert rate_reward(prior, reward, rng.uniform(0, np.log2(n))).gap <= 1e-9


@pytest.mark.parametrize(("error", "distance"), [(0, 0.5), (0.1, 0.4)])
def test_wasserstein(error, distance):  # spec/information.md 5.5
    joint = np.array([[1 - error, error], [error, 1 - error]]) / 2
    assert wasserstein_dependency(joint) == pytest.approx(distance, abs=1e-9)
    line = np.abs(np.subtract.outer([0, 3], [0, 3]))
    assert wasserstein_dependency(joint, line, line) == pytest.approx(3 * distance, abs=1e-9)


@given(tables)
@settings(max_examples=30)
def test_distances_from_independence(n):
    joint = n / n.sum()
    independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    moved = np.abs(joint - independent).sum() / 2
    found = wasserstein_dependency(joint)
    assert moved - 1e-9 <= found <= 2 * moved + 1e-9  # what moves goes 1 or 2 far
    assert found == pytest.approx(wasserstein_dependency(joint.T), abs=1e-9)
    assert wasserstein_dependency(independent) == pytest.approx(0, abs=1e-9)
    assert cauchy_schwarz(independent) == pytest.approx(0, abs=1e-12)
    assert cauchy_schwarz(joint) == pytest.approx(cauchy_schwarz(joint.T), abs=1e-12)


def test_cauchy_schwarz():  # spec/information.md 5.5
    assert cauchy_schwarz([[0.4, 0.1], [0.1, 0.4]]) == pytest.approx(0.443606651, abs=5e-10)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: wasserstein_dependency(np.eye(2) / 2, np.eye(3)), r"distances of x .* \(2, 2\)"),
        (lambda: wasserstein_dependency(np.eye(2) / 2, y=-np.eye(2)), "distances of y .* at least 0"),
        (lambda: cauchy_schwarz([0.5, 0.5]), "2 axes"),
    ],
)
def test_refusals(call, says):
    with pytest.raises(ValueError, match=says):
        call()
