"""Couplings against Sokota's, Compton's and our own exact figures, closed forms, bounds, and properties that always hold."""

import heapq
import json
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commenv.info.coupling import (
    coupling_lower_bound,
    exact_coupling,
    greedy_coupling,
    majorisation_bound,
    profile_bound,
)
from commenv.info.measures import entropy

VECTORS = json.loads((Path(__file__).parent / "information_vectors.json").read_text())
EXCESS = np.log2(np.e) / np.e
"""Bits by which a greedy coupling of two may exceed the least. Compton et al. (2023)."""


@st.composite
def distributions(draw, most=6):
    weights = draw(st.lists(st.integers(0, 1000), min_size=1, max_size=most).filter(any))
    return np.array(weights) / sum(weights)


@pytest.mark.parametrize("vector", VECTORS["mec2"], ids=lambda v: f"{v['p']} {v['q']}")
def test_pairs(vector):
    pair = vector["p"], vector["q"]
    assert greedy_coupling(*pair).entropy == pytest.approx(vector["greedy"], rel=1e-8)
    assert exact_coupling(*pair).entropy == pytest.approx(vector["exact"], rel=1e-8)
    assert majorisation_bound(*pair) == pytest.approx(vector["glb"], rel=1e-8)
    assert profile_bound(*pair) == pytest.approx(vector["profile"], rel=1e-8)
    assert max(map(entropy, pair)) == pytest.approx(vector["maxH"], rel=1e-8)


@pytest.mark.parametrize("vector", VECTORS["mec3"], ids=lambda v: str(v["m"]))
def test_three(vector):
    assert greedy_coupling(*vector["m"]).entropy == pytest.approx(vector["greedy"], rel=1e-8)
    assert majorisation_bound(*vector["m"]) == pytest.approx(vector["glb"], rel=1e-8)
    assert profile_bound(*vector["m"]) == pytest.approx(vector["profile"], rel=1e-8)


@pytest.mark.parametrize(
    ("p", "q", "cells"),
    [
        ([0.5, 0.25, 0.25], [0.4, 0.3, 0.3], {(0, 0): 0.4, (1, 1): 0.25, (2, 2): 0.25, (0, 1): 0.05, (0, 2): 0.05}),
        (
            [0.4, 0.3, 0.2, 0.1],
            [0.25] * 4,
            {(0, 0): 0.25, (1, 1): 0.25, (2, 2): 0.2, (0, 3): 0.15, (3, 3): 0.1, (1, 2): 0.05},
        ),
    ],
)
def test_ties_go_to_the_lowest_index(p, q, cells):
    coupling = greedy_coupling(p, q)
    assert dict(zip(map(tuple, coupling.indices.tolist()), coupling.masses, strict=True)) == pytest.approx(cells)


@given(st.lists(distributions(), min_size=1, max_size=4))
def test_a_coupling_keeps_its_marginals(marginals):
    coupling = greedy_coupling(*marginals)
    joint = np.asarray(coupling)
    for k, p in enumerate(marginals):
        rest = tuple(axis for axis in range(len(marginals)) if axis != k)
        np.testing.assert_allclose(joint.sum(axis=rest), p, atol=1e-11)
    assert len(coupling.masses) <= sum(map(len, marginals)) - len(marginals) + 1
    assert len({*map(tuple, coupling.indices.tolist())}) == len(coupling.masses)
    assert (np.diff(coupling.masses) <= 1e-12).all()
    assert coupling.entropy >= coupling_lower_bound(*marginals) - 1e-9


@settings(max_examples=60, deadline=None)
@given(distributions(4), distributions(4))
def test_greedy_is_near_the_exact_coupling(p, q):
    greedy, exact = greedy_coupling(p, q), exact_coupling(p, q)
    np.testing.assert_allclose(np.asarray(exact).sum(axis=1), p, atol=1e-11)
    np.testing.assert_allclose(np.asarray(exact).sum(axis=0), q, atol=1e-11)
    assert coupling_lower_bound(p, q) - 1e-9 <= exact.entropy <= greedy.entropy + 1e-9
    assert greedy.entropy <= exact.entropy + EXCESS + 1e-9


def test_exact_is_the_best_vertex_of_all():
    """Of 2 x n tables every vertex is known: one column is split, each other goes to one row."""
    rng = np.random.default_rng(0)
    for _ in range(40):
        p, q = rng.dirichlet([1, 1]), rng.dirichlet(np.ones(4))
        best = np.inf
        for split in range(4):
            for sides in range(16):
                table = np.zeros((2, 4))
                for j in range(4):
                    if j != split:
                        table[sides >> j & 1, j] = q[j]
                table[:, split] = p - table.sum(axis=1)
                if table.min() >= -1e-12:
                    best = min(best, entropy(table.ravel()))
        assert exact_coupling(p, q).entropy == pytest.approx(best, abs=1e-9)


def test_edges():
    p = np.array([0.5, 0.3, 0.2])
    np.testing.assert_array_equal(np.asarray(greedy_coupling(p, p)), np.diag(p))
    np.testing.assert_allclose(np.asarray(greedy_coupling([1.0], p))[0], p)
    np.testing.assert_allclose(np.asarray(greedy_coupling([0, 0.5, 0.5], [0.5, 0, 0.5])), np.diag([0.5, 0.5], -1)[:, [0, 2, 1]])
    assert greedy_coupling([1.0]).entropy == 0
    with pytest.raises(ValueError, match="at least one"):
        greedy_coupling()
    with pytest.raises(ValueError, match="must sum to 1"):
        greedy_coupling([0.5, 0.6], [1.0])
    with pytest.raises(ValueError, match="13 positive outcomes"):
        exact_coupling(np.ones(7) / 7, np.ones(6) / 6)
    with pytest.raises(ValueError, match="made an array"):
        np.asarray(greedy_coupling(np.ones(5000) / 5000, np.ones(5000) / 5000))


def with_python_heaps(p, q):
    """The greedy coupling as one writes it without a compiler."""
    left, right = ([(-mass, i) for i, mass in enumerate(side) if mass > 0] for side in (p.tolist(), q.tolist()))
    heapq.heapify(left)
    heapq.heapify(right)
    cells = []
    while left and right:
        (a, i), (b, j) = left[0], right[0]
        mass = min(-a, -b)
        cells.append((i, j, mass))
        for heap, rest, k in ((left, a + mass, i), (right, b + mass, j)):
            if -rest > 1e-12:
                heapq.heapreplace(heap, (rest, k))
            else:
                heapq.heappop(heap)
    return cells


def test_large_couplings_are_fast_and_the_same():
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(65_536)), rng.dirichlet(np.ones(65_536))
    greedy_coupling(p, q)
    begun = time.process_time()
    ours = greedy_coupling(p, q)
    middle = time.process_time()
    theirs = with_python_heaps(p, q)
    ended = time.process_time()
    masses = np.array([mass for *_, mass in theirs])
    assert ours.entropy == pytest.approx(float(-masses @ np.log2(masses)), abs=1e-6)
    np.testing.assert_allclose(ours.masses[:60_000], masses[:60_000], atol=1e-11)
    print(f"greedy coupling of 65,536: {(ended - middle) / (middle - begun):.1f} times Python's heaps, {middle - begun:.4f} s")
    assert (ended - middle) > 5 * (middle - begun)  # 15 on a quiet machine; half-seconds here are noisy
