"""The frontier F(R) against closed forms, its own converse, and every vector of spec/information.md 4."""

from math import log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from commenv.info import (
    capacity,
    conditional_rate_reward,
    entropy,
    leakage_bound,
    mutual_information,
    one_shot,
    rate_reward,
    reward_upper_bound,
)


def uniform(n):
    return np.full(n, 1 / n)


def ordered(n):
    return 1 - abs(np.subtract.outer(np.arange(n), np.arange(n))) / (n - 1)


PRIOR6 = [0.25, 0.2, 0.15, 0.15, 0.15, 0.1]
TABLE6 = np.array(
    [[1, 0.2, 0, 0.5], [0.9, 0.1, 0.3, 0], [0, 1, 0.4, 0.2], [0.2, 0.7, 0.1, 0], [0.1, 0.3, 1, 0.6], [0, 0, 0.2, 1]]
)


@st.composite
def problems(draw):
    """A prior and a reward with small integers in them, so that ties, zeros and useless actions are common."""
    states, actions = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    mass = draw(arrays(np.int64, states, elements=st.integers(0, 5)).filter(np.any))
    return mass / mass.sum(), draw(arrays(np.int64, (states, actions), elements=st.integers(-3, 5))) / 5


rates = st.one_of(st.floats(0, 3), st.floats(1e-9, 1e-3))


@pytest.mark.parametrize(
    ("states", "bits", "reward"),
    [
        (2, 0.1, 0.683980654),
        (2, 0.25, 0.785498255),
        (2, 0.5, 0.889972136),
        (2, 0.75, 0.958307310),
        (2, 0.9, 0.987013138),
        (4, 0.25, 0.525608318),
        (4, 0.5, 0.645455934),
        (4, 1, 0.810710375),
        (4, 1.5, 0.925610400),
        (8, 0.25, 0.354587729),
        (8, 0.5, 0.464384383),
        (8, 1, 0.627025624),
        (8, 1.5, 0.752978526),
        (8, 2, 0.855791444),
        (8, 2.5, 0.939392282),
        (16, 0.25, 0.246293181),
        (16, 0.5, 0.341139787),
        (16, 1, 0.487977186),
        (16, 1.5, 0.607466610),
        (16, 2, 0.710330688),
        (16, 2.5, 0.800559482),
        (16, 3, 0.879732686),
    ],
)
def test_naming_a_state(states, bits, reward):  # spec/information.md 4.3
    found = rate_reward(uniform(states), np.eye(states), bits)
    assert found.value == pytest.approx(reward, abs=5.1e-10)
    assert found.gap < 1e-11


@given(st.integers(2, 8), st.floats(0.01, 0.99))
def test_naming_a_state_in_closed_form(states, share):
    error = share * (1 - 1 / states)
    bits = log2(states) - entropy([error, 1 - error]) - error * log2(states - 1)
    assert rate_reward(uniform(states), np.eye(states), bits).value == pytest.approx(1 - error, abs=1e-9)


@pytest.mark.parametrize(("bits", "reward"), [(0.1, 0.845116267), (0.3, 0.914306920), (0.5, 0.964360715), (0.7, 0.997875091)])
def test_a_biased_coin(bits, reward):  # spec/information.md 4.3
    assert rate_reward([0.8, 0.2], np.eye(2), bits).value == pytest.approx(reward, abs=5e-10)


@pytest.mark.parametrize(
    ("bits", "reward"),
    [
        (0, 0.714285714),
        (0.5, 0.832979781),
        (1, 0.895808042),
        (log2(3), 0.943802144),
        (1.5, 0.938057637),
        (2, 0.967336303),
        (log2(5), 0.981291927),
        (2.5, 0.987634071),
    ],
)
def test_ordered_states(bits, reward):  # spec/information.md 4.3, 4.4
    found = rate_reward(uniform(8), ordered(8), bits)
    assert found.value == pytest.approx(reward, abs=5e-10)
    assert found.gap < 1e-11


@pytest.mark.parametrize(
    ("bits", "reward"),
    [
        (0, 0.475),
        (0.5, 0.718352554),
        (1, 0.834166260),
        (1.2, 0.868389759),
        (1.5, 0.909488467),
        (2, 0.935),
        (9, 0.935),
    ],
)
def test_a_table(bits, reward):  # spec/information.md 4.3
    assert rate_reward(PRIOR6, TABLE6, bits).value == pytest.approx(reward, abs=5e-10)


@pytest.mark.parametrize(("bits", "reward"), [(0.5, 0.575), (1, 0.73), (1.2, 0.76), (1.5, 0.835)])
def test_variable_length_codes_stay_below(bits, reward):  # spec/information.md 4.4
    assert reward < rate_reward(PRIOR6, TABLE6, bits).value


@given(problems(), rates)
def test_the_policy_earns_the_value_at_the_rate(problem, bits):
    p, r = problem
    found = rate_reward(p, r, bits)
    joint = p[:, None] * found.policy
    assert found.policy.sum(axis=1) == pytest.approx(np.ones(len(p)), abs=1e-12)
    assert found.policy.min() >= 0
    assert mutual_information(joint) <= bits + 1e-11
    assert np.sum(joint * r) == pytest.approx(found.value, abs=1e-12)
    assert 0 <= found.gap < 1e-9


@given(problems(), st.data())
def test_no_policy_beats_the_upper_bound(problem, data):
    p, r = problem
    weights = data.draw(arrays(np.int64, r.shape, elements=st.integers(0, 5)).filter(lambda w: w.any(axis=1).all()))
    joint = p[:, None] * weights / weights.sum(axis=1, keepdims=True)
    assert np.sum(joint * r) <= reward_upper_bound(p, r, mutual_information(joint)) + 1e-12


@given(problems(), st.lists(st.floats(0, 3), min_size=3, max_size=3))
def test_frontier_rises_and_is_concave(problem, bits):
    low, middle, high = sorted(bits)
    below, between, above = (rate_reward(*problem, b) for b in (low, middle, high))
    assert below.value <= between.upper
    assert between.value <= above.upper
    share = (middle - low) / (high - low) if high > low else 0
    assert (1 - share) * below.value + share * above.value <= between.upper + 1e-12


@given(problems())
def test_the_ends_are_exact(problem):
    p, r = problem
    blind, seeing = rate_reward(p, r, 0), rate_reward(p, r, np.inf)
    assert blind.value == pytest.approx((p @ r).max(), abs=1e-15)
    assert seeing.value == pytest.approx(p @ r.max(axis=1), abs=1e-15)
    assert blind.gap == seeing.gap == rate_reward(p, r, entropy(p)).gap == 0


@given(problems(), st.integers(1, 5))
def test_one_message_stays_below(problem, symbols):
    assert one_shot(*problem, symbols).value <= reward_upper_bound(*problem, log2(symbols)) + 1e-12


@given(problems(), st.floats(0, 2), st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
@settings(max_examples=50)
def test_units_of_reward_do_not_matter(problem, bits, scale, shift):
    p, r = problem
    plain = rate_reward(p, r, bits).value
    assert rate_reward(p, scale * r + shift, bits).value == pytest.approx(scale * plain + shift, rel=1e-9, abs=1e-9)


def test_ties_are_broken_for_the_fewest_bits():
    """Each of four states is content with two actions out of four; sharing them, one bit is enough."""
    r = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [1, 0, 0, 1]])
    found = rate_reward(uniform(4), r, 1)
    assert found.value == 1
    assert mutual_information(found.policy / 4) <= 1 + 1e-12


@pytest.mark.parametrize("bits", [1e-300, 1e-30, 1e-20, 1e-16, 1e-12, 1e-8])
def test_the_first_drops_of_information(bits):
    """F starts with infinite slope here, which costs digits of the certificate, but never its truth."""
    found = rate_reward(uniform(4), np.eye(4), bits)
    assert found.gap < 1e-7
    assert 0.25 <= found.value <= 0.25 + np.sqrt(bits * np.log(2) / 2) + 1e-15


def test_a_large_table():
    rng = np.random.default_rng(0)
    assert rate_reward(rng.dirichlet(np.ones(64)), rng.random((64, 64)), 2).gap < 1e-11


def test_receiver_that_knows_the_parity():  # spec/information.md 4.5 b
    parity = np.array([[0.25, 0, 0.25, 0], [0, 0.25, 0, 0.25]])
    found = conditional_rate_reward(parity, np.eye(4), 0.5)
    assert found.value == pytest.approx(0.889972136, abs=5e-10)
    assert found.policy.shape == (2, 4, 4)
    assert np.einsum("os,osa,sa", parity, found.policy, np.eye(4)) == pytest.approx(found.value, abs=1e-12)
    spent = sum(mutual_information(p[:, None] / 0.5 * W) / 2 for p, W in zip(parity, found.policy, strict=True))
    assert spent <= 0.5 + 1e-11


@given(problems(), rates, st.integers(1, 3))
@settings(max_examples=50)
def test_irrelevant_side_information_is_no_help(problem, bits, seen):
    p, r = problem
    aware = conditional_rate_reward(np.outer(uniform(seen), p), r, bits)
    plain = rate_reward(p, r, bits)
    assert aware.value <= plain.upper + 1e-9
    assert plain.value <= aware.upper + 1e-9
    assert 0 <= aware.gap < 1e-6


@given(problems(), rates, st.data())
@settings(max_examples=50)
def test_side_information_never_hurts(problem, bits, data):
    p, r = problem
    split = data.draw(arrays(np.int64, (3, len(p)), elements=st.integers(0, 3)))
    split[0] += split.sum(axis=0) == 0
    joint = p * split / split.sum(axis=0)
    assert rate_reward(p, r, bits).value <= conditional_rate_reward(joint, r, bits).upper + 1e-9
    doubled = conditional_rate_reward(joint, np.stack([r, 2 * r, 0 * r]), bits)
    assert 0 <= doubled.gap < 1e-6


NOISY = [  # error, uses, F(uses * capacity), leakage bound
    (0.05, 1, 0.724334444, 0.475),
    (0.05, 2, 0.911281377, 0.9025),
    (0.05, 3, 1, 1),
    (0.1, 1, 0.657913517, 0.45),
    (0.1, 2, 0.827189703, 0.81),
    (0.1, 3, 0.942782456, 1),
    (0.2, 1, 0.541391558, 0.40),
    (0.2, 2, 0.667733136, 0.64),
    (0.2, 3, 0.762959505, 1),
]


@pytest.mark.parametrize(("error", "uses", "frontier", "leakage"), NOISY)
def test_bounds_over_noise(error, uses, frontier, leakage):  # spec/information.md 4.7
    once = W = np.array([[1 - error, error], [error, 1 - error]])
    for _ in range(uses - 1):
        W = np.kron(W, once)
    assert reward_upper_bound(uniform(4), np.eye(4), capacity(W).bits) == pytest.approx(frontier, abs=5e-10)
    assert leakage_bound(uniform(4), np.eye(4), W) == pytest.approx(leakage, abs=1e-12)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: rate_reward([0.5, 0.5], np.eye(2), -1), "bits must be at least 0, got -1"),
        (lambda: rate_reward([0.5, 0.5], np.eye(2), float("nan")), "bits must be at least 0, got nan"),
        (lambda: rate_reward([0.5, 0.5], np.eye(3), 1), r"shape \(2, actions\) .* got shape \(3, 3\)"),
        (lambda: rate_reward([0.5, 0.5], [[1, np.inf], [0, 0]], 1), "reward must be finite, got inf"),
        (lambda: conditional_rate_reward([0.5, 0.5], np.eye(2), 1), r"shape \(side information, states\)"),
        (lambda: conditional_rate_reward([[0.5, 0.5]], np.ones((2, 2, 2)), 1), r"got shape \(2, 2, 2\)"),
        (lambda: leakage_bound([1], [[-1]], [[1]]), "reward must be at least 0 .* got -1"),
    ],
)
def test_refusals(call, says):
    with pytest.raises(ValueError, match=says):
        call()
