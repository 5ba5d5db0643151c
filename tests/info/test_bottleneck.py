"""Signals of limited entropy against Ebrahimi, Chen, Khisti's (2024) theorems, all partitions of small distributions, and figures
that were computed from their algorithms (information_vectors.json)."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commenv.info.bottleneck import (
    METHODS,
    bottleneck_coupling,
    entropy_bounded_channel,
    entropy_bounded_partition,
)
from commenv.info.measures import entropy, mutual_information

VECTORS = json.loads((Path(__file__).parent / "information_vectors.json").read_text())["ebim"]


@st.composite
def distributions(draw, most=7):
    weights = draw(st.lists(st.integers(0, 1000), min_size=1, max_size=most).filter(any))
    return np.array(weights) / sum(weights)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['p']} {v['R']}")
def test_partitions(vector):
    told = {"paper": "greedy", "exact": "brute", "uniform": "uniform", "smallest": "smallest_only"}
    for method, key in told.items():
        found = entropy_bounded_partition(vector["p"], vector["R"], method)
        assert found.entropy == pytest.approx(vector[key], rel=1e-8, abs=1e-12), method
    paper = entropy_bounded_partition(vector["p"], vector["R"], "paper")
    assert sorted(paper.cells) == sorted(vector["greedy_cells"])


@pytest.mark.parametrize(
    ("p", "rate", "bits"),
    [
        ([0.4, 0.3, 0.2, 0.1], 1.5, 1.485475297),
        ([0.3, 0.2, 0.15, 0.12, 0.1, 0.08, 0.05], 2.4, 2.395799616),
        ([1 / 8] * 8, 1, 1),
        ([0.7, 0.2, 0.1], 0.8, 0.721928095),
    ],
)
def test_best(p, rate, bits):
    assert entropy_bounded_partition(p, rate).entropy == pytest.approx(bits, abs=6e-10)


def test_best_is_near_all_partitions():
    rng = np.random.default_rng(0)
    gaps = []
    for _ in range(100):
        p = rng.dirichlet(np.ones(rng.integers(4, 8)))
        rate = rng.uniform(0.1, 0.95) * entropy(p)
        gaps.append(entropy_bounded_partition(p, rate, "exact").entropy - entropy_bounded_partition(p, rate).entropy)
    assert min(gaps) >= -1e-9
    assert np.mean(gaps) <= 0.005


@given(distributions(), st.floats(0, 3), st.sampled_from(METHODS))
def test_a_partition_keeps_the_rate_and_its_cells(p, rate, method):
    found = entropy_bounded_partition(p, rate, method)
    assert found.entropy <= rate + 1e-9
    np.testing.assert_allclose(np.bincount(found.labels, p), found.masses)
    assert (found.masses > 0).all()
    assert len(found.labels) == len(p)
    first = [cell[0] for cell in found.cells]
    assert first == sorted(first) or (p[:1] == 0).any() or (p == 0).any()
    # Theorem 2, in the stronger form that 3,000 random distributions kept
    second = np.sort(p)[-2] if len(p) > 1 else 0.0
    if method == "paper":
        assert min(rate, entropy(p)) - found.entropy <= entropy([second, 1 - second]) + 1e-9


def test_a_long_partition_is_the_same_algorithm():
    """Of 512 outcomes, against the algorithm written with lists."""
    rng = np.random.default_rng(1)
    for rate in (0.5, 3, 6.5):
        p = rng.dirichlet(np.ones(512))
        cells = sorted(p.tolist())
        while entropy(cells) > rate:
            smallest = sorted([cells[0] + cells[1], *cells[2:]])
            if entropy(smallest) <= rate:
                cells = smallest
                break
            cells = sorted([*cells[:-2], cells[-1] + cells[-2]])
        found = entropy_bounded_partition(p, rate, "paper")
        np.testing.assert_allclose(np.sort(found.masses), cells)
        assert entropy_bounded_partition(p, rate).entropy >= found.entropy


@pytest.mark.parametrize(
    ("rate", "bits"),
    [
        *[(0.1, 0.044292223), (0.2, 0.110539508), (0.3, 0.200302929), (0.4, 0.326589446), (0.6, 0.510510331)],
        *[(0.75, 0.730825572), (0.8, 0.752841145), (0.85, 0.780453936), (1.0, 0.921421069), (1.1, 1.029664344)],
    ],
)
def test_stochastic_signals(rate, bits):
    found = entropy_bounded_channel([0.7, 0.2, 0.1], rate)
    assert found.information == pytest.approx(bits, abs=6e-10)
    assert found.entropy == pytest.approx(rate, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(distributions(9), st.floats(0, 3))
def test_a_stochastic_signal_tells_no_less_than_a_deterministic_one(p, rate):
    found = entropy_bounded_channel(p, rate)
    joint = p[:, None] * found.matrix
    np.testing.assert_allclose(found.matrix.sum(axis=1), 1)
    assert entropy(joint.sum(axis=0)) == pytest.approx(found.entropy, abs=1e-9)
    assert mutual_information(joint) == pytest.approx(found.information, abs=1e-9)
    assert found.entropy <= rate + 1e-9
    assert found.information >= entropy_bounded_partition(p, rate, "best").entropy - 1e-9


@pytest.mark.parametrize(
    ("p_x", "p_y", "rate", "cells", "information", "joint_bits"),
    [
        ([0.4, 0.3, 0.2, 0.1], [0.5, 0.3, 0.2], 1.0, [[0, 1], [2, 3]], 0.881290899, 2.450623743),
        ([0.4, 0.3, 0.2, 0.1], [0.5, 0.3, 0.2], 1.6, [[0], [1], [2, 3]], 1.209986547, 2.121928095),
        ([0.4, 0.3, 0.2, 0.1], [0.5, 0.3, 0.2], 2.0, [[0], [1], [2], [3]], 1.485475297, 1.846439345),
        ([0.7, 0.2, 0.1], [0.6, 0.4], 0.9, None, 0.556779649, None),
        ([1 / 8] * 8, [0.4, 0.3, 0.2, 0.1], 1.0, None, 0.711278124, None),
    ],
)
def test_bottleneck_couplings(p_x, p_y, rate, cells, information, joint_bits):
    found = bottleneck_coupling(p_x, p_y, rate, "paper")
    assert found.information == pytest.approx(information, abs=6e-10)
    if cells is not None:
        assert found.partition.cells == cells
        assert entropy(found.joint.ravel()) == pytest.approx(joint_bits, abs=6e-10)
    if rate == 1.0 and len(p_x) == 4:
        np.testing.assert_allclose(found.decoder, [[5 / 7, 0, 2 / 7], [0, 1, 0]], atol=1e-12)
    if rate == 1.6:
        assert found.bound == pytest.approx(1.180937141, abs=6e-10)


@given(distributions(), distributions(), st.floats(0, 3), st.sampled_from(METHODS))
def test_a_bottleneck_coupling_keeps_both_marginals(p_x, p_y, rate, method):
    found = bottleneck_coupling(p_x, p_y, rate, method)
    np.testing.assert_allclose(found.joint.sum(axis=1), p_x, atol=1e-9)
    np.testing.assert_allclose(found.joint.sum(axis=0), p_y, atol=1e-9)
    assert found.information >= found.bound - 1e-9
    signal = found.partition.masses[:, None] * found.decoder
    assert found.information == pytest.approx(mutual_information(signal), abs=1e-9)  # Y - T - X, and T is a function of X


def test_refusals():
    with pytest.raises(ValueError, match="rate must be at least 0"):
        entropy_bounded_partition([0.5, 0.5], -1)
    with pytest.raises(ValueError, match="method='none'"):
        entropy_bounded_partition([0.5, 0.5], 1, "none")
    with pytest.raises(ValueError, match="11 positive outcomes"):
        entropy_bounded_partition(np.ones(11) / 11, 1, "exact")
    with pytest.raises(ValueError, match="rate must be at least 0"):
        entropy_bounded_channel([0.5, 0.5], float("nan"))


def test_all_partitions_are_all():
    """The exact search against every labelling of five outcomes."""
    p = np.array([0.31, 0.24, 0.2, 0.15, 0.1])
    for rate in (0.5, 1.0, 1.7):
        best = max(bits for labels in product(range(5), repeat=5) if (bits := entropy(np.bincount(labels, p))) <= rate + 1e-12)
        assert entropy_bounded_partition(p, rate, "exact").entropy == pytest.approx(best, abs=1e-12)
