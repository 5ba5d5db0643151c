"""Capacities against closed forms, with the certificate checked on channels chosen to be slow."""

from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.stats import norm

from commenv.info import (
    capacity,
    erasure_capacity,
    finite_blocklength,
    gaussian_capacity,
    kl_divergence,
    mutual_information,
    symmetric_capacity,
)

channels = (
    arrays(np.int64, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.integers(0, 9))
    .filter(lambda n: n.any(axis=1).all())
    .map(lambda n: n / n.sum(axis=1, keepdims=True))
)
probabilities = st.floats(0, 1)


def symmetric(symbols, error):
    return np.full((symbols, symbols), error / (symbols - 1)) + (1 - error - error / (symbols - 1)) * np.eye(symbols)


def erasing(symbols, erasure):
    return np.column_stack([(1 - erasure) * np.eye(symbols), np.full(symbols, erasure)])


ERRORS = [0.01, 0.05, 0.10, 0.11, 0.20, 0.50]
BSC = [0.919206864, 0.713603043, 0.531004406, 0.500084042, 0.278071905, 0]
Z = [0.959772360, 0.857125012, 0.762848252, 0.746314311, 0.618231366, 0.321928095]
Z_INPUT = [0.490770, 0.471525, 0.456298, 0.453793, 0.435664, 0.4]


@pytest.mark.parametrize(("error", "bits"), list(zip(ERRORS, BSC, strict=True)))
def test_binary_symmetric(error, bits):  # spec/information.md 4.7
    assert capacity(symmetric(2, error)).bits == pytest.approx(bits, abs=5e-10)
    assert symmetric_capacity(2, error) == pytest.approx(bits, abs=5e-10)


@pytest.mark.parametrize(("error", "bits", "ones"), list(zip(ERRORS, Z, Z_INPUT, strict=True)))
def test_z(error, bits, ones):  # spec/information.md 4.7
    found = capacity([[1, 0], [error, 1 - error]])
    assert found.bits == pytest.approx(bits, abs=5e-10)
    assert found.input[1] == pytest.approx(ones, abs=5e-7)


def test_four_symbols():  # spec/information.md 4.7
    assert symmetric_capacity(4, 0.1) == pytest.approx(1.372508156, abs=5e-10)


@pytest.mark.parametrize(("snr", "bits"), [(0.1, 0.068751762), (1, 0.5), (10, 1.729715809), (100, 3.329105741)])
def test_gaussian(snr, bits):  # spec/information.md 4.7
    assert gaussian_capacity(snr) == pytest.approx(bits, abs=5e-10)


def test_short_blocks():
    assert finite_blocklength(symmetric(2, 0.11), 500, 1e-3) == pytest.approx(0.378621, abs=5e-7)  # spec/information.md 4.7
    V = 0.11 * 0.89 * log2(0.89 / 0.11) ** 2
    wanted = symmetric_capacity(2, 0.11) - np.sqrt(V / 1000) * norm.ppf(0.99) + log2(1000) / 2000
    assert finite_blocklength(symmetric(2, 0.11), 1000, 0.01) == pytest.approx(wanted, abs=1e-12)
    assert finite_blocklength(np.eye(4), 10**9, 0.5) == pytest.approx(2, abs=1e-6)
    assert finite_blocklength(symmetric(2, 0.11), 10**12, 1e-3) == pytest.approx(symmetric_capacity(2, 0.11), abs=1e-5)


@given(st.integers(2, 9), probabilities)
def test_closed_form_of_symmetric_channels(symbols, error):
    assert capacity(symmetric(symbols, error)).bits == pytest.approx(symmetric_capacity(symbols, error), abs=1e-11)


@given(st.integers(2, 9), probabilities)
def test_closed_form_of_erasure_channels(symbols, erasure):
    assert capacity(erasing(symbols, erasure)).bits == pytest.approx(erasure_capacity(symbols, erasure), abs=1e-11)


@given(channels)
def test_certificate(W):
    found = capacity(W)
    assert 0 <= found.bits <= found.upper < found.bits + 1e-12
    assert found.bits == pytest.approx(mutual_information(found.input[:, None] * W), abs=1e-11)
    assert found.upper == pytest.approx(max(kl_divergence(row, found.input @ W) for row in W), abs=1e-11)
    assert found.upper <= log2(min(W.shape)) + 1e-12


@given(channels, channels)
def test_two_channels_side_by_side_add_up(W, V):
    assert capacity(np.kron(W, V)).bits == pytest.approx(capacity(W).bits + capacity(V).bits, abs=1e-11)


@pytest.mark.parametrize(
    ("W", "bits"),
    [
        ([[1.0]], 0),
        ([[0.3, 0.7]], 0),
        ([[0.3, 0.7]] * 5, 0),
        ([[1, 0, 0]] * 3, 0),
        (np.eye(6)[[3, 1, 5, 0, 2, 4]], log2(6)),
        ([[1, 0], [1, 0], [0, 1]], 1),
        ([[1, 0, 0], [0, 0, 1]], 1),
        ([[0.5, 0.5], [0.5 + 1e-7, 0.5 - 1e-7]], 0),
    ],
)
def test_degenerate_channels(W, bits):
    found = capacity(W)
    assert found.bits == pytest.approx(bits, abs=1e-12)
    assert found.upper - found.bits < 1e-12


def test_an_input_on_the_edge_of_being_used():
    """The third row is exactly as far from the best output as the first two: multiplicative updates need 1e12 steps."""

    def excess(e):
        return kl_divergence([0.5 + e, 0.5 - e, 0], [0.45, 0.45, 0.1]) - kl_divergence([0.9, 0, 0.1], [0.45, 0.45, 0.1])

    low, high = 0.0, 0.5
    for _ in range(200):
        low, high = ((low + high) / 2, high) if excess((low + high) / 2) < 0 else (low, (low + high) / 2)
    found = capacity([[0.9, 0, 0.1], [0, 0.9, 0.1], [0.5 + low, 0.5 - low, 0]])
    assert found.upper - found.bits < 1e-12


def test_a_large_channel():
    W = np.random.default_rng(0).dirichlet(np.full(100, 0.1), size=100)
    found = capacity(W)
    assert found.upper - found.bits < 1e-12
    assert (found.input < 1e-12).any(), "some of many random rows are not worth using"


def test_gap_is_a_choice():
    W = np.random.default_rng(0).dirichlet(np.ones(5), size=5)
    rough = capacity(W, gap=1e-2)
    assert rough.bits <= capacity(W).bits <= rough.upper < rough.bits + 1e-2


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: capacity([[0.5, 0.4]]), "got 0.9"),
        (lambda: capacity([[1.0]], gap=0), "gap must be above 0 bits, got 0"),
        (lambda: symmetric_capacity(1, 0.1), "symbols must be a whole number of at least 2, got 1"),
        (lambda: symmetric_capacity(2, 1.1), "error must be .* got 1.1"),
        (lambda: finite_blocklength(np.eye(2), 0, 0.1), "uses must be .* got 0"),
        (lambda: finite_blocklength(np.eye(2), 9, 1.0), "error must be between 0 and 1, got 1.0"),
        (lambda: erasure_capacity(2, float("nan")), "erasure must be .* got nan"),
    ],
)
def test_refusals(call, says):
    with pytest.raises(ValueError, match=says):
        call()
