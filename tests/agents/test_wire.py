"""Bytes carry symbols of any alphabets: nothing is lost, nothing is paid twice, and what is damaged is said."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from agents.wire import pack, unpack

ALPHABETS = st.lists(st.sampled_from([1, 2, 3, 5, 8, 17, 1000, 2**32, 2**63]) | st.integers(1, 300), max_size=5)


@st.composite
def messages(draw):
    alphabet, count = draw(ALPHABETS), draw(st.integers(0, 9))
    rows = [[draw(st.integers(0, n - 1)) for n in alphabet] for _ in range(count)]
    return alphabet, np.array(rows, dtype=np.int64).reshape(count, len(alphabet))


@given(messages())
def test_round_trip(drawn):
    alphabet, symbols = drawn
    packed = pack(symbols, alphabet)
    assert np.array_equal(unpack(packed.payload, alphabet, len(symbols)), symbols)


@given(messages())
def test_all_messages_cost_the_ceiling_of_their_bits_together(drawn):
    alphabet, symbols = drawn
    packed = pack(symbols, alphabet)
    combinations = math.prod(alphabet) ** len(symbols)
    least = next(b for b in range(8 * len(packed.payload) + 1) if 2**b >= combinations)  # ceil of the sum of log2, exactly
    assert len(packed.payload) == -(-least // 8)
    assert packed.bits == 8 * len(packed.payload)
    assert packed.payload_bits == pytest.approx(len(symbols) * sum(map(math.log2, alphabet)))
    assert packed.payload_bits + packed.framing_bits == packed.bits
    assert -1e-9 < packed.framing_bits < 8


@given(messages(), st.data())
def test_other_bytes_are_other_messages_or_none(drawn, data):
    """No two payloads mean the same, so a changed one is refused or read differently: never silently as what was sent."""
    alphabet, symbols = drawn
    payload = bytearray(pack(symbols, alphabet).payload)
    if not payload:
        return
    payload[data.draw(st.integers(0, len(payload) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        got = unpack(bytes(payload), alphabet, len(symbols))
    except ValueError:
        return
    assert not np.array_equal(got, symbols)
    assert (got < np.array(alphabet, dtype=np.uint64)).all()


@given(messages())
def test_other_lengths_are_refused(drawn):
    alphabet, symbols = drawn
    payload = pack(symbols, alphabet).payload
    for wrong in (payload + b"\0", payload[:-1]):
        if wrong != payload:
            with pytest.raises(ValueError, match=f"a payload of {len(wrong)} bytes is not {len(symbols)} messages"):
                unpack(wrong, alphabet, len(symbols))


def test_a_number_too_large_is_damage():
    assert pack([[2], [2], [2], [2], [2]], [3]).payload == bytes([242])
    with pytest.raises(ValueError, match="damaged"):
        unpack(bytes([243]), [3], 5)


def test_trits_are_cheaper_together():
    symbols = np.random.default_rng(1).integers(0, 3, (1000, 1))
    assert pack(symbols, [3]).bits == 1592  # ceil(1000 log2 3) = 1585, where 2 bits a symbol would be 2000
    assert sum(pack(s, [3]).bits for s in symbols) == 8000


def test_many_messages_travel_fast_enough_to_be_used():
    symbols = np.random.default_rng(2).integers(0, 5, (20_000, 2))
    assert np.array_equal(unpack(pack(symbols, [5, 7]).payload, [5, 7], 20_000), symbols)


def test_tensors_and_leading_shapes_travel():
    symbols = torch.tensor([[[0, 4], [1, 3]], [[1, 0], [0, 2]]])
    assert pack(symbols, [2, 5]) == pack(symbols.reshape(4, 2).numpy(), (2, 5))
    assert pack(torch.tensor([1, 3]), [2, 5]).payload == bytes([8])


def test_nothing_is_no_bytes():
    assert pack(np.zeros((4, 0), dtype=np.int64), []) == pack(np.zeros((4, 2), dtype=np.int64), [1, 1]) == (b"", 0, 0.0, 0.0)
    assert unpack(b"", [], 4).shape == (4, 0)
    assert unpack(b"", [7], 0).shape == (0, 1)


@pytest.mark.parametrize(
    ("symbols", "alphabet", "says"),
    [
        ([[0, 5]], [2, 5], "symbol 5 is outside its alphabet: 0 to 4 are allowed"),
        ([[-1, 0]], [2, 5], "symbol -1 is outside its alphabet: 0 to 1 are allowed"),
        ([[0, 1, 2]], [2, 5], r"symbols of shape \(1, 3\) do not fit an alphabet of 2"),
        (3, [5], r"symbols of shape \(\) do not fit"),
        ([[0.5]], [2], "symbols of type float64 cannot be sent: whole numbers"),
        ([[0]], [0], r"an alphabet of 0 symbols cannot be sent: 1 to 2\*\*63"),
        ([[0]], [2.5], "an alphabet of 2.5 symbols"),
    ],
)
def test_errors_say_what_is_allowed(symbols, alphabet, says):
    with pytest.raises(ValueError, match=says):
        pack(symbols, alphabet)


def test_a_count_below_zero_is_refused():
    with pytest.raises(ValueError, match="count is -1"):
        unpack(b"", [2], -1)
