"""Bursts against enumeration of all noise, contention against binomials, closed forms against vectors."""

import math
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from commenv.info import (
    burst_capacity,
    capacity,
    contention_throughput,
    erasure_capacity,
    gaussian_capacity,
    peak_gaussian_capacity,
    quantised_gaussian_capacity,
    symmetric_capacity,
    z_capacity,
)

probabilities = st.floats(0, 1)
inner = st.floats(0.05, 0.95)


# ---------------------------------------------------------------------------------------------------------------- memoryless
@pytest.mark.parametrize(
    ("fade", "bits"),
    [(0.01, 0.959772360), (0.05, 0.857125012), (0.1, 0.762848252), (0.11, 0.746314311), (0.2, 0.618231366), (0.5, 0.321928095)],
)
def test_z(fade, bits):  # spec/information.md 4.7
    assert z_capacity(fade) == pytest.approx(bits, abs=5e-10)


@given(probabilities)
def test_closed_form_of_z_channels(fade):
    assert z_capacity(fade) == pytest.approx(capacity([[1, 0], [fade, 1 - fade]]).bits, abs=1e-9)


@pytest.mark.parametrize(("snr", "bits"), [(0, 0), (0.1, 0.068751762), (1, 0.5), (10, 1.729715809), (100, 3.329105741)])
def test_gaussian(snr, bits):  # spec/information.md 4.7
    assert gaussian_capacity(snr) == pytest.approx(bits, abs=5e-10)


@pytest.mark.parametrize("std", [0.3, 0.7, 1.0, 2.0])
def test_two_levels_in_gaussian_noise(std):
    """Uniform inputs are best by symmetry: the integral is the capacity."""

    def density(y: float, x: float) -> float:
        return math.exp(-((y - x) ** 2) / (2 * std**2)) / (std * math.sqrt(2 * math.pi))

    def information(y: float) -> float:
        own, mean = density(y, 1), (density(y, 1) + density(y, -1)) / 2
        return own * math.log2(own / mean) if own > 0 else 0.0

    truth, _ = quad(information, 1 - 12 * std, 1 + 12 * std, limit=200)
    found = quantised_gaussian_capacity([-1, 1], std)
    assert truth - 1e-3 <= found.bits <= truth + 1e-9
    assert truth <= found.upper + 1e-9
    np.testing.assert_allclose(found.input, 0.5, atol=1e-6)


@given(st.integers(1, 4), st.floats(0.02, 3))
@settings(max_examples=20)
def test_levels_in_gaussian_noise_are_bounded(bits, std):
    levels = (2 * np.arange(2**bits) + 1) / 2**bits - 1
    found = quantised_gaussian_capacity(levels, std)
    assert 0 <= found.bits <= found.upper <= bits + 1e-9
    assert found.bits <= quantised_gaussian_capacity(levels, std / 2).bits + 1e-4


@given(st.integers(2, 12), st.floats(0.02, 5), st.floats(-3, 3))
@settings(max_examples=20)
def test_no_input_of_that_peak_tells_more(points, std, middle):
    """The bound holds wherever the numbers lie, and is close to what many levels get through little noise."""
    levels = np.linspace(middle - 1, middle + 1, points)
    assert quantised_gaussian_capacity(levels, std).bits <= peak_gaussian_capacity(1, std) + 1e-9


@pytest.mark.parametrize("std", [0.05, 0.1, 0.2])
def test_many_levels_come_close_to_the_bound_of_their_peak(std):
    found = quantised_gaussian_capacity(np.linspace(-1, 1, 64), std)
    assert found.bits > peak_gaussian_capacity(1, std) - 0.1
    assert found.upper == min(6, peak_gaussian_capacity(1, std))


def test_more_levels_than_can_be_tried():
    levels = np.linspace(-1, 1, 2**16)
    found = quantised_gaussian_capacity(levels, 0.5)
    assert found.bits == pytest.approx(quantised_gaussian_capacity(levels[:: 2**8], 0.5).bits, abs=5e-3)
    assert found.input.shape == levels.shape
    assert found.input.sum() == pytest.approx(1)


def test_levels_are_used_whatever_their_order():
    levels = np.linspace(-1, 1, 9)
    shuffled = np.random.default_rng(0).permutation(9)
    found, other = quantised_gaussian_capacity(levels, 0.4), quantised_gaussian_capacity(levels[shuffled], 0.4)
    assert found.bits == pytest.approx(other.bits, abs=1e-9)
    np.testing.assert_allclose(found.input[shuffled], other.input, atol=1e-4)


@pytest.mark.parametrize(
    "bad",
    [
        lambda: peak_gaussian_capacity(-1, 1),
        lambda: peak_gaussian_capacity(math.inf, 1),
        lambda: peak_gaussian_capacity(1, 0),
        lambda: peak_gaussian_capacity(1, math.nan),
        lambda: quantised_gaussian_capacity([], 1),
        lambda: quantised_gaussian_capacity([0, math.nan], 1),
        lambda: symmetric_capacity(2.5, 0.1),
        lambda: erasure_capacity(math.nan, 0.1),
        lambda: contention_throughput(2.5, 0.1),
        lambda: contention_throughput(2, 0.1, winners=math.nan),
        lambda: contention_throughput(2, math.nan),
    ],
)
def test_what_is_no_channel_is_refused(bad):
    with pytest.raises(ValueError, match="must be"):
        bad()


# ---------------------------------------------------------------------------------------------------------------- bursts
def entropy_of_words(emission: np.ndarray, move: np.ndarray, start: np.ndarray, n: int) -> float:
    """H(Z_1..Z_n) by enumeration."""
    total = 0.0
    for word in product(range(emission.shape[1]), repeat=n):
        alpha = start
        for t, z in enumerate(word):
            alpha = (alpha if t == 0 else alpha @ move) * emission[:, z]
        p = alpha.sum()
        total -= p * math.log2(p) if p > 0 else 0
    return total


@pytest.mark.parametrize(
    ("a", "b", "good", "bad"),
    [
        (0.1, 0.3, (0, 0), (0.5, 0)),
        (0.3, 0.2, (0.05, 0.1), (0.4, 0.3)),
        (0.9, 0.8, (0, 0.2), (0.5, 0)),
        (0.02, 0.05, (0.01, 0), (0.2, 0)),
    ],
)
@pytest.mark.parametrize("symbols", [2, 4])
def test_bursts_against_all_noise(a, b, good, bad, symbols):
    """H(Z_n | Z_1..Z_n-1) and the same given the first state enclose the entropy rate (Cover, Thomas 4.5.1)."""
    n, move, stationary = 7, np.array([[1 - a, a], [b, 1 - b]]), np.array([b, a]) / (a + b)
    letters = np.array([[(1 - x) * (1 - e), (1 - x) * e, x] for e, x in (good, bad)])
    lost = np.array([[1 - x, x] for _, x in (good, bad)])

    def bounds(emission: np.ndarray) -> tuple[float, float]:
        free = [entropy_of_words(emission, move, stationary, k) for k in (n - 1, n)]
        tied = [
            sum(p * entropy_of_words(emission, move, row, k) for p, row in zip(stationary, move, strict=True)) for k in (n - 1, n)
        ]
        return tied[1] - tied[0], free[1] - free[0]

    noise, erasures = bounds(letters), bounds(lost)
    wrong, erased = stationary @ letters[:, 1], stationary @ letters[:, 2]
    fixed = math.log2(symbols) * (1 - erased) - wrong * math.log2(symbols - 1)
    found = burst_capacity(symbols, a, b, good, bad)
    assert found.bits <= found.upper < found.bits + 1e-4
    assert found.bits >= fixed - noise[1] + erasures[0] - 1e-9
    assert found.upper <= fixed - noise[0] + erasures[1] + 1e-9
    assert found.upper <= found.known + 1e-9


@given(inner, inner, inner, inner, st.integers(2, 5))
@settings(max_examples=25)
def test_a_state_without_memory_is_a_mixture(to_bad, e, f, x, symbols):
    found = burst_capacity(symbols, to_bad, 1 - to_bad, (e, x), (f, x))
    mixed = (1 - x) * symmetric_capacity(symbols, (1 - to_bad) * e + to_bad * f)
    assert found.bits == pytest.approx(mixed, abs=1e-6)
    assert found.upper == pytest.approx(mixed, abs=1e-6)


@given(inner, inner, probabilities, probabilities)
@settings(max_examples=25)
def test_bursts_of_erasures_cost_what_they_erase(to_bad, to_good, x, y):
    """Erasures show themselves: memory changes nothing."""
    found, bad = burst_capacity(4, to_bad, to_good, (0, x), (0, y)), to_bad / (to_bad + to_good)
    assert found.bits == pytest.approx((1 - bad) * erasure_capacity(4, x) + bad * erasure_capacity(4, y), abs=1e-5)
    assert found.upper == pytest.approx(found.known, abs=1e-5)


def test_long_bursts_are_soon_known():
    """The longer the state lasts the less it matters that it is not told."""
    found = [burst_capacity(2, 0.1 * slow, 0.3 * slow, bad=(0.5, 0.0)) for slow in (1, 0.1, 0.01, 0.001)]
    assert all(one.bits < other.bits for one, other in pairwise(found))
    assert found[-1].bits > 0.74


@pytest.mark.parametrize(
    "wrong",
    [(2, 0, 0), (2, -0.1, 0.5), (2, 0.1, 1.5), (1, 0.1, 0.1), (2, 0.1, 0.1, (2, 0)), (2, 0.1, 0.1, (0, 2))],
)
def test_bad_bursts(wrong):
    with pytest.raises(ValueError, match="must be"):
        burst_capacity(*wrong)


# ---------------------------------------------------------------------------------------------------------------- contention
@example(4, 2.2250738585072014e-308, 1)  # scipy's pmf overflows
@given(st.integers(1, 8), probabilities, st.integers(1, 9))
def test_throughput(speakers, speaking, winners):
    law = [math.comb(speakers, k) * speaking**k * (1 - speaking) ** (speakers - k) for k in range(speakers + 1)]
    assert contention_throughput(speakers, speaking, winners) == pytest.approx(
        sum(min(k, winners) * p for k, p in enumerate(law))
    )
    if winners >= speakers:
        assert contention_throughput(speakers, speaking, winners, collisions=True) == pytest.approx(speakers * speaking)
    aloha = contention_throughput(speakers, speaking, collisions=True)
    assert aloha == pytest.approx(speakers * speaking * (1 - speaking) ** (speakers - 1))


def test_aloha_ends_at_one_over_e():
    assert contention_throughput(10_000, 1e-4, collisions=True) == pytest.approx(1 / math.e, rel=1e-3)
