"""What is left in memory is found there as it was, and a window is the slice."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import config, njit, typeof
from numba.core.registry import cpu_target

from commenv.core.memory import leave, recall, window


class Inner(NamedTuple):
    flag: bool
    rows: np.ndarray


class Outer(NamedTuple):
    number: int
    share: float
    inner: Inner
    games: np.ndarray
    nothing: np.ndarray


GIVEN = Outer(
    -3,
    0.25,
    Inner(True, np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)),
    np.array([(1, 2.5), (3, 4.5)], [("turn", np.int64), ("pot", np.float64)]),
    np.zeros((0, 2), np.int64),
)
KIND = typeof(GIVEN)


@njit
def looked(place):
    found = recall(place, KIND)
    found.inner.rows[1, 2, 3] += 1.0
    found.games[1].pot += found.share
    return found.number, found.inner.flag, found.inner.rows.sum(), found.games[0].turn, found.nothing.shape


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="without the compiler nothing is left anywhere")
def test_what_was_left_is_found():
    rows, pots = GIVEN.inner.rows.copy(), GIVEN.games["pot"].copy()
    place, memory = leave(GIVEN, __name__)
    assert memory.ctypes.data <= place < memory.ctypes.data + memory.nbytes
    assert looked(place) == (-3, True, rows.sum() + 1, 1, (0, 2))
    rows[1, 2, 3] += 1
    np.testing.assert_array_equal(GIVEN.inner.rows, rows)  # it was no copy
    np.testing.assert_array_equal(GIVEN.games["pot"], [pots[0], pots[1] + 0.25])
    context = cpu_target.target_context
    assert context.get_abi_sizeof(context.get_data_type(KIND)) <= memory.nbytes


@njit(_nrt=False)
def negate(array, start, length):
    part = window(array, start, length)
    for k in range(len(part)):
        part[k] = -part[k]
    return len(part)


@given(st.integers(0, 20), st.data())
def test_a_window_is_the_slice(size, data):
    start = data.draw(st.integers(0, size))
    length = data.draw(st.integers(0, size - start))
    ours, theirs = np.arange(1.0, size + 1), np.arange(1.0, size + 1)
    theirs[start : start + length] *= -1
    assert negate(ours, start, length) == length
    np.testing.assert_array_equal(ours, theirs)
