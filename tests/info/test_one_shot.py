"""One message for one decision, against plain enumeration and every vector of spec/information.md 4.4 and 4.7."""

import importlib
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from commenv.info import (
    capacity,
    leakage_bound,
    noisy_one_shot,
    one_shot,
    reward_upper_bound,
    speaking_one_shot,
)

module = importlib.import_module("commenv.info.one_shot")  # its name in the package is the function's


def uniform(n):
    return np.full(n, 1 / n)


def ordered(n):
    return 1 - abs(np.subtract.outer(np.arange(n), np.arange(n))) / (n - 1)


def symmetric(symbols, error, erasure=0.0):
    W = np.full((symbols, symbols), error / (symbols - 1)) + (1 - error - error / (symbols - 1)) * np.eye(symbols)
    return np.column_stack([(1 - erasure) * W, np.full(symbols, erasure)])


def uses(W, n):
    return W if n == 1 else np.kron(W, uses(W, n - 1))


PRIOR6 = [0.25, 0.2, 0.15, 0.15, 0.15, 0.1]
TABLE6 = np.array(
    [[1, 0.2, 0, 0.5], [0.9, 0.1, 0.3, 0], [0, 1, 0.4, 0.2], [0.2, 0.7, 0.1, 0], [0.1, 0.3, 1, 0.6], [0, 0, 0.2, 1]]
)


@st.composite
def problems(draw, most=4):
    """A prior and a reward with small integers in them, so that ties, zeros and useless actions are common."""
    states, actions = draw(st.integers(1, most)), draw(st.integers(1, most))
    mass = draw(arrays(np.int64, states, elements=st.integers(0, 5)).filter(np.any))
    return mass / mass.sum(), draw(arrays(np.int64, (states, actions), elements=st.integers(-3, 5))) / 5


@st.composite
def channels(draw):
    shape = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    n = draw(arrays(np.int64, shape, elements=st.integers(0, 4)).filter(lambda n: n.any(axis=1).all()))
    return n / n.sum(axis=1, keepdims=True)


symmetric_channels = st.builds(symmetric, st.integers(2, 4), st.floats(0.01, 1), st.sampled_from([0, 0.25, 0.9]))


def earned(p, r, W, code):
    """Mean reward of a code, counted out state by state and output by output."""
    return sum(p[s] * W[code.encoder[s]][y] * r[s][code.decoder[y]] for s in range(len(p)) for y in range(len(code.decoder)))


def best_of_all(p, r, W):
    """Every encoder, with the best action for every output, in plain Python."""
    states, outputs, actions = range(len(p)), range(len(W[0])), range(len(r[0]))
    return max(
        sum(max(sum(p[s] * W[f[s]][y] * r[s][a] for s in states) for a in actions) for y in outputs)
        for f in product(range(len(W)), repeat=len(p))
    )


def best_speaking(p, r, symbols, price):
    """Every decoder, with the best message for every state, in plain Python."""
    return max(
        sum(p[s] * max(r[s][a] - price * (m > 0) for m, a in enumerate(g)) for s in range(len(p)))
        for g in product(range(len(r[0])), repeat=symbols)
    )


@pytest.mark.parametrize(
    ("symbols", "reward"),
    [
        (1, 5 / 7),
        (2, 6 / 7),
        (3, 0.910714286),
        (4, 0.928571429),
        (5, 0.946428571),
        (6, 0.964285714),
        (7, 0.982142857),
        (8, 1),
    ],
)
def test_ordered_states(symbols, reward, monkeypatch):  # spec/information.md 4.4
    code = one_shot(uniform(8), ordered(8), symbols)
    assert code.value == pytest.approx(reward, abs=5e-10)
    assert code.exact
    assert code.method == ("every favourite" if symbols == 8 else "intervals")
    monkeypatch.setattr(module, "_is_ordered", lambda r: False)
    assert one_shot(uniform(8), ordered(8), symbols).value == pytest.approx(code.value, abs=1e-12)


@pytest.mark.parametrize(("symbols", "reward"), [(1, 0.475), (2, 0.73), (3, 0.875), (4, 0.935), (9, 0.935)])
def test_a_table(symbols, reward):  # spec/information.md 4.4
    code = one_shot(PRIOR6, TABLE6, symbols)
    assert code.value == pytest.approx(reward, abs=1e-12)
    assert code.exact


@pytest.mark.parametrize("symbols", range(1, 7))
def test_naming_a_state(symbols):  # spec/information.md 4.4
    assert one_shot(uniform(6), np.eye(6), symbols).value == pytest.approx(symbols / 6, abs=1e-12)
    p = np.array([0.05, 0.3, 0.1, 0.25, 0.1, 0.2])
    code = one_shot(p, np.eye(6), symbols)
    assert code.value == pytest.approx(sum(sorted(p)[-symbols:]), abs=1e-12)
    assert code.exact


@given(problems(), st.integers(1, 4))
def test_one_shot_is_best_of_all(problem, symbols):
    p, r = problem
    code = one_shot(p, r, symbols)
    assert code.exact
    assert code.value == pytest.approx(best_of_all(p, r, np.eye(symbols)), abs=1e-12)
    assert code.value == pytest.approx(earned(p, r, np.eye(symbols), code), abs=1e-12)
    assert code.decoder.shape == (symbols,)


@given(st.integers(2, 9), st.integers(2, 9), st.integers(1, 5), st.data())
def test_intervals_are_best_for_any_monge_table(states, actions, symbols, data):
    cross = data.draw(arrays(np.int64, (states, actions), elements=st.integers(0, 3)))
    offset = data.draw(arrays(np.int64, states, elements=st.integers(-9, 9)))
    appeal = data.draw(arrays(np.int64, actions, elements=st.integers(-9, 9)))
    sign = data.draw(st.sampled_from([-1, 1]))
    r = sign * cross.cumsum(axis=0).cumsum(axis=1) + offset[:, None] + appeal * data.draw(st.integers(0, 3))
    p = uniform(states)
    assert module._is_ordered(r.astype(float))
    chosen = module._intervals(p, r.astype(float), symbols)
    _, best, exact = module._choose(p, r.astype(float), symbols, np.full(states, -np.inf), module.SUBSETS)
    assert exact
    assert p @ r[:, chosen].max(axis=1) == pytest.approx(p @ r[:, best].max(axis=1), abs=1e-9)


@given(problems(most=7), st.integers(1, 5))
def test_swaps_never_beat_the_best_set_and_keep_their_guarantee(problem, symbols):
    p, r = problem
    r = r - r.min()
    floor = np.full(len(p), -np.inf)
    m = min(symbols, r.shape[1])
    best, _, exact = module._choose(p, r, m, floor, lookups=np.inf)
    found, actions, certain = module._choose(p, r, m, floor, lookups=0)
    assert exact
    assert not certain
    assert len(actions) == m
    assert (1 - (1 - 1 / m) ** m) * best - 1e-12 <= found <= best + 1e-12


@pytest.mark.parametrize(
    ("error", "n", "reward"),
    [
        (0.05, 1, 0.475),
        (0.05, 2, 0.9025),
        (0.05, 3, 0.9025),
        (0.1, 1, 0.45),
        (0.1, 2, 0.81),
        (0.1, 3, 0.81),
        (0.2, 1, 0.40),
        (0.2, 2, 0.64),
        (0.2, 3, 0.64),
    ],
)
def test_naming_one_of_four_over_noise(error, n, reward):  # spec/information.md 4.7
    code = noisy_one_shot(uniform(4), np.eye(4), uses(symmetric(2, error)[:, :2], n))
    assert code.value == pytest.approx(reward, abs=1e-12)
    assert code.exact


@given(problems(), st.one_of(channels(), symmetric_channels))
def test_noisy_is_best_of_all(problem, W):
    p, r = problem
    code = noisy_one_shot(p, r, W)
    assert code.exact
    assert code.value == pytest.approx(best_of_all(p, r, W), abs=1e-12)
    assert code.value == pytest.approx(earned(p, r, W, code), abs=1e-12)


@given(problems(), st.one_of(channels(), symmetric_channels))
@settings(max_examples=50)
def test_encoders_and_decoders_are_searched_alike(problem, W):
    """Both searches, with and without the channel's symmetry, whichever would have been chosen."""
    p, r = problem
    decode, encode = module.partial(module._decode, p, r, W), module.partial(module._encode, p, r, W)
    (inputs, outputs), actions = W.shape, r.shape[1]
    by_encoder = [module.partial(module._free, inputs)]
    by_decoder = [module.partial(module._free, actions)]
    if module._is_symmetric(W):
        by_encoder.append(module.partial(module._renamed, inputs))
        by_decoder.append(module.partial(module._sorted, actions, inputs))
    found = [module._exhaust(module._words(len(p), rule, width=7), decode)[2] for rule in by_encoder]
    found += [module._exhaust(module._words(outputs, rule, width=7), encode)[2] for rule in by_decoder]
    assert found == pytest.approx([best_of_all(p, r, W)] * len(found), abs=1e-12)


@given(problems(), st.one_of(channels(), symmetric_channels))
def test_noise_never_helps_and_the_bounds_hold(problem, W):
    p, r = problem
    r = r - r.min()
    value = noisy_one_shot(p, r, W).value
    assert value <= one_shot(p, r, min(W.shape)).value + 1e-12
    assert value <= leakage_bound(p, r, W) + 1e-12
    assert value <= reward_upper_bound(p, r, capacity(W).upper) + 1e-12


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_local_search_never_beats_the_best_code(seed):
    rng = np.random.default_rng(seed)
    states, actions, inputs, outputs = rng.integers(2, 5, size=4)
    p, r = rng.dirichlet(np.ones(states)), rng.normal(size=(states, actions))
    W = rng.dirichlet(np.ones(outputs), size=inputs)
    best = noisy_one_shot(p, r, W)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CODES", 0)
        found = noisy_one_shot(p, r, W)
    assert found.method == "local search"
    assert found.value == pytest.approx(earned(p, r, W, found), abs=1e-12)
    assert (p @ r).max() - 1e-12 <= found.value <= best.value + 1e-12
    assert not found.exact or found.value == pytest.approx(best.value, abs=1e-9)


def test_local_search_knows_when_leakage_leaves_nothing_to_find():
    code = noisy_one_shot(uniform(16), np.eye(16), uses(symmetric(2, 0.1)[:, :2], 4))
    assert code.value == pytest.approx(0.9**4, abs=1e-12)
    assert code.method == "local search"
    assert code.exact
    assert not noisy_one_shot(uniform(8), np.eye(8), uses(symmetric(2, 0.1)[:, :2], 4)).exact


def test_local_search_ends_where_rounding_is_coarse():
    rng = np.random.default_rng(0)
    code = noisy_one_shot(uniform(12), 1e9 + rng.random((12, 12)), rng.dirichlet(uniform(9), size=9))
    assert code.method == "local search"
    assert one_shot(uniform(30), 1e9 + rng.random((30, 30)), 15).method == "local search"


def test_eight_states_over_eight_noisy_symbols():
    """16.8 million encoders, of which 4140 differ by more than the names of the messages."""
    code = noisy_one_shot(uniform(8), np.eye(8), symmetric(8, 0.1, erasure=0.2))
    assert code.exact
    assert code.value == pytest.approx(0.8 * 0.9 + 0.2 / 8, abs=1e-12)


def test_partitions_are_counted_and_listed_once():
    bell = [1, 1, 2, 5, 15, 52, 203, 877, 4140]  # Bell (1934)
    assert [module._partitions(n, n) for n in range(9)] == bell
    for blocks in range(1, 7):
        words = np.vstack(list(module._words(6, module.partial(module._renamed, blocks), width=10)))
        assert len(words) == len(np.unique(words, axis=0)) == module._partitions(6, blocks)


def test_a_channel_that_only_renames_is_noiseless():
    W = np.eye(5)[[3, 1, 3, 0]]  # messages 0 and 2 are heard alike, outputs 2 and 4 never
    code = noisy_one_shot(PRIOR6, TABLE6, W)
    assert code.value == pytest.approx(0.875, abs=1e-12)
    assert code.value == pytest.approx(earned(PRIOR6, TABLE6, W, code), abs=1e-12)
    assert code.exact
    assert code.method == one_shot(PRIOR6, TABLE6, 3).method


@given(problems(), st.integers(1, 4), st.sampled_from([0, 0.1, 0.2, 0.5, 3]))
def test_speaking_is_best_of_all(problem, symbols, price):
    p, r = problem
    code = speaking_one_shot(p, r, symbols, price)
    assert code.exact
    assert code.value == pytest.approx(best_speaking(p, r, symbols, price), abs=1e-12)
    assert code.speaking == pytest.approx(p[code.encoder > 0].sum(), abs=1e-12)
    assert code.value == pytest.approx(earned(p, r, np.eye(symbols), code) - price * code.speaking, abs=1e-12)


@given(problems(most=6), st.integers(1, 4), st.floats(0, 2))
def test_swaps_never_beat_the_best_way_of_speaking(problem, symbols, price):
    p, r = problem
    best = speaking_one_shot(p, r, symbols, price)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SUBSETS", 0)
        found = speaking_one_shot(p, r, symbols, price)
    assert found.exact == (symbols == 1)
    assert (p @ r).max() - 1e-12 <= found.value <= best.value + 1e-12


@given(problems(), st.integers(1, 4))
def test_free_speech_and_speech_beyond_price(problem, symbols):
    p, r = problem
    assert speaking_one_shot(p, r, symbols, 0).value == pytest.approx(one_shot(p, r, symbols).value, abs=1e-12)
    mute = speaking_one_shot(p, r, symbols, 100)
    assert mute.speaking == 0
    assert mute.value == pytest.approx((p @ r).max(), abs=1e-12)


@given(problems(), st.integers(1, 4))
def test_dearer_speech_is_rarer(problem, symbols):
    codes = [speaking_one_shot(*problem, symbols, price) for price in (0.05, 0.15, 0.35, 0.75)]
    for cheap, dear in pairwise(codes):
        assert dear.speaking <= cheap.speaking + 1e-12
        assert dear.value <= cheap.value + 1e-12


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: one_shot([1], [[1]], 0), "symbols must be a whole number from 1, got 0"),
        (lambda: one_shot([1], [[1]], 1.5), "got 1.5"),
        (lambda: one_shot([0.5, 0.5], [[1]], 1), r"got shape \(1, 1\)"),
        (lambda: speaking_one_shot([1], [[1]], 1, -0.1), "price must be finite and at least 0, got -0.1"),
        (lambda: speaking_one_shot([1], [[1]], 1, np.inf), "got inf"),
        (lambda: noisy_one_shot([1], [[1]], [[0.5, 0.4]]), "got 0.9"),
    ],
)
def test_refusals(call, says):
    with pytest.raises(ValueError, match=says):
        call()
