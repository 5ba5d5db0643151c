"""Words of variable length: numbered one by one, a prefix code, and paid for symbol by symbol."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import commenv
from commenv import Channel, info
from commenv.core import words
from commenv.core.transmission import cost

REFERENTIAL = "messaging/referential-v0"
shapes = st.tuples(st.integers(1, 5), st.integers(2, 6))


def all_words(length: int, symbols: int) -> list[tuple[int, ...]]:
    return [(*body, 0) for k in range(length) for body in product(range(1, symbols), repeat=k)]


@given(shapes)
def test_words_are_numbered_by_length_then_by_letter(shape):
    length, symbols = shape
    listed = all_words(length, symbols)
    assert [words.decode(index, symbols) for index in range(len(listed))] == listed
    assert [words.encode(word, symbols) for word in listed] == list(range(len(listed)))
    assert [words.length(index, symbols - 1) for index in range(len(listed))] == [len(word) for word in listed]


@given(shapes, st.booleans())
def test_a_channel_of_words(shape, silence):
    length, symbols = shape
    channel = Channel(length=length, symbols=symbols, silence=silence, silence_price=0.5 if silence else 0)
    listed = [()] * silence + all_words(length, symbols)
    assert channel.size == len(listed)
    assert [channel.word(m) for m in range(channel.size)] == listed
    assert [channel.message(word) for word in listed] == list(range(channel.size))
    prices = [len(word) * math.log2(symbols) if word else 0.5 for word in listed]
    assert channel.prices.tolist() == pytest.approx(prices)
    assert [cost(channel.wire, m) for m in range(channel.size)] == pytest.approx(prices)
    assert channel.capacity == pytest.approx(math.log2(len(listed)))


@given(shapes, st.integers(0, 2**32 - 1))
def test_the_end_symbol_makes_a_prefix_code(shape, seed):
    """Kraft's inequality; and so no word tells more than it costs, however it is chosen."""
    prices = Channel(length=shape[0], symbols=shape[1]).prices
    assert np.exp2(-prices).sum() <= 1 + 1e-9
    p = np.random.default_rng(seed).dirichlet(np.full(len(prices), 0.3))
    assert info.entropy(p) <= p @ prices + 1e-9


@pytest.mark.parametrize(
    ("word", "named"), [((), "end symbol"), ((1,), "end symbol"), ((0, 0), "end symbol"), ((9, 0), "symbol=9")]
)
def test_what_is_no_word(word, named):
    with pytest.raises(ValueError, match=named):
        words.encode(word, 4)


def test_words_out_of_range():
    channel = Channel(length=2, symbols=3)
    with pytest.raises(ValueError, match="at most 2 symbols long"):
        channel.message((1, 2, 0))
    with pytest.raises(ValueError, match="message=3"):
        channel.word(3)
    with pytest.raises(ValueError, match="no words"):
        Channel(bits=2).word(0)


def test_words_are_metered_by_their_symbols():
    batch = commenv.make_batch(REFERENTIAL, 7, seed=0, channel={"length": 3, "symbols": 3})
    assert batch.action_spaces["sender"].n == 7
    batch.reset()
    nothing = np.zeros(7, int)
    *_, infos = batch.step({"sender": np.arange(7), "receiver": nothing})
    bits = math.log2(3) * np.array([1, 2, 2, 3, 3, 3, 3])
    np.testing.assert_allclose(infos["sender"]["payload_bits"], bits)
    assert batch.meter.total.payload_bits == pytest.approx(bits.sum())
    assert batch.meter.total.messages == 7


lengths = st.lists(st.integers(0, 21), min_size=1, max_size=12)  # 1 + 1 + 4 + 16 messages


@given(
    sent=lengths,
    refill=st.none() | st.floats(0, 4),
    cap=st.none() | st.floats(0, 30),
    silence_price=st.sampled_from([0.0, 0.3, 1.0]),
)
def test_no_budget_is_exceeded(sent, refill, cap, silence_price):
    """A plain account of the same rules: bucket, cap, prices by length, and silence that costs what is left at most."""
    budget = {name: value for name, value in (("refill", refill), ("cap", cap)) if value is not None}
    channel = Channel(length=3, symbols=5, silence=True, silence_price=silence_price, **budget)
    env = commenv.make(REFERENTIAL, rounds=len(sent) + 1, channel=channel)
    env.reset(seed=0)
    size = math.inf if refill is None else max(refill, channel.prices.max())
    most = math.inf if cap is None else cap
    bucket, spent, blocked = size, 0.0, 0
    for t, message in enumerate(sent):
        price = channel.prices[message]
        fits = price <= bucket + 1e-9 and spent + price <= most + 1e-9
        charged = price if fits else max(min(silence_price, bucket, most - spent), 0.0)
        blocked += not fits and message != 0
        *_, infos = env.step({"sender": message})
        spent, bucket = spent + charged, min(max(bucket - charged, 0.0) + (math.inf if refill is None else refill), size)
        told = infos["sender"]
        assert told["payload_bits"] == pytest.approx(spent, abs=1e-9)
        assert told["payload_bits"] <= most + 1e-9
        assert told["payload_bits"] <= size + (math.inf if refill is None else refill * 2 * t) + 1e-9
        assert told["blocked"] == blocked
        env.step({"receiver": 0})
        bucket = min(bucket + (math.inf if refill is None else refill), size)
