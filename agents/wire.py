"""What travels between agents is bytes: symbols of any alphabets become one number, and the number bytes."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class Packed(NamedTuple):
    """Messages as bytes, and what of those is message."""

    payload: bytes
    """What goes over the wire."""
    bits: int
    """8 a byte: payload_bits and framing_bits together."""
    payload_bits: float
    """Sum of the log2 of the alphabets of all symbols: no code for every combination of them has a number below 2 to that."""
    framing_bits: float
    """What is paid on top: the rest of a bit that log2 leaves, and padding up to whole bytes; below 8."""


def pack(symbols: Any, alphabet: Sequence[int]) -> Packed:
    """Bytes of all messages together. symbols [..., d], whole numbers, the k-th of a message below alphabet[k].

    They are the digits of one number in mixed radix (Knuth, The Art of Computer Programming 2, 4.1): n messages take
    ceil(n * sum log2 alphabet) bits in all, not as many for each symbol, and then whole bytes.

    >>> packed = pack([[2], [0], [1], [2], [2]], [3])
    >>> packed.payload.hex(), packed.bits, round(packed.payload_bits, 2)  # 2 * 81 + 0 + 9 + 6 + 2 = 0xb3
    ('b3', 8, 7.92)
    """
    alphabet = _checked(alphabet)
    given = np.asarray(symbols)
    if given.ndim < 1 or given.shape[-1] != len(alphabet):
        raise ValueError(
            f"symbols of shape {given.shape} do not fit an alphabet of {len(alphabet)}: [..., {len(alphabet)}] is needed"
        )
    if given.size and given.dtype.kind not in "iu":
        raise ValueError(f"symbols of type {given.dtype} cannot be sent: whole numbers are needed")
    messages = given.reshape(-1, len(alphabet)) if alphabet else np.zeros((math.prod(given.shape[:-1]), 0), np.int64)
    wrong = (messages < 0) | (messages >= np.array(alphabet, dtype=np.uint64))
    if wrong.any():
        message, place = np.argwhere(wrong)[0]
        raise ValueError(f"symbol {messages[message, place]} is outside its alphabet: 0 to {alphabet[place] - 1} are allowed")
    tree = _radices(alphabet, len(messages))
    values = messages.ravel().tolist()
    for radices in tree[:-1]:
        values = [
            *(high * radix + low for high, low, radix in zip(values[::2], values[1::2], radices[1::2], strict=False)),
            *values[len(values) & ~1 :],
        ]
    payload = (values[0] if values else 0).to_bytes(_length(tree), "big")
    payload_bits = len(messages) * math.fsum(map(math.log2, alphabet))
    return Packed(payload, 8 * len(payload), payload_bits, 8 * len(payload) - payload_bits)


def unpack(payload: bytes, alphabet: Sequence[int], count: int) -> np.ndarray:
    """The `count` messages in a payload of `pack`: [count, d] int64.

    ValueError for bytes that no messages have. Not every damage shows: where the alphabets leave no bits over, all bytes are
    messages.
    """
    alphabet = _checked(alphabet)
    if count < 0:
        raise ValueError(f"count is {count}: at least 0 messages are needed")
    tree = _radices(alphabet, count)
    if len(payload) != _length(tree):
        raise ValueError(
            f"a payload of {len(payload)} bytes is not {count} messages of {alphabet}: those have {_length(tree)} bytes"
        )
    values = [int.from_bytes(payload, "big")]
    if values[0] >= tree[-1][0]:
        raise ValueError(f"the payload is damaged: it is the number of no {count} messages of {alphabet}")
    for radices in reversed(tree[:-1]):
        pairs = zip(values, radices[1::2], strict=False)
        values = [*(digit for value, radix in pairs for digit in divmod(value, radix)), *values[len(radices) // 2 :]]
    return np.array(values if alphabet and count else [], dtype=np.int64).reshape(count, len(alphabet))


def _checked(alphabet: Sequence[int]) -> tuple[int, ...]:
    for n in alphabet:
        if n != int(n) or not 1 <= n <= 2**63:
            raise ValueError(f"an alphabet of {n} symbols cannot be sent: 1 to 2**63 are allowed")
    return tuple(map(int, alphabet))


def _radices(alphabet: tuple[int, ...], count: int) -> list[list[int]]:
    """Radices of all symbols, then products of neighbours, and so on up to the one number: numbers grow as late as they can,
    so that a thousand messages do not cost a million steps."""
    tree = [list(alphabet) * count or [1]]
    while len(tree[-1]) > 1:
        below = tree[-1]
        tree.append([math.prod(below[i : i + 2]) for i in range(0, len(below), 2)])
    return tree


def _length(tree: list[list[int]]) -> int:
    """Bytes of the largest number below the root of the tree."""
    return -(-(tree[-1][0] - 1).bit_length() // 8)
