"""The best partition against all partitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commenv.solvers.partitions import best_partition, subset_sums


def every_partition(n):
    """Set partitions of 0..n-1, thing by thing."""
    found = [[]]
    for thing in range(n):
        found = [
            [*blocks[:k], blocks[k] + [thing], *blocks[k + 1 :]] if k < len(blocks) else [*blocks, [thing]]
            for blocks in found
            for k in range(len(blocks) + 1)
        ]
    return found


@given(
    st.integers(1, 6).flatmap(
        lambda n: st.tuples(st.lists(st.integers(-50, 50), min_size=2**n, max_size=2**n), st.integers(1, 7))
    )
)
def test_no_partition_is_better(drawn):
    values, blocks = drawn
    value, found = best_partition(values, blocks)
    n = len(values).bit_length() - 1

    def total(partition):
        return sum(values[sum(1 << k for k in block)] for block in partition)

    assert sorted(thing for block in found for thing in block) == list(range(n))
    assert len(found) <= blocks
    assert value == total(found) == max(total(p) for p in every_partition(n) if len(p) <= blocks)


def test_sums_of_subsets():
    rows = np.random.default_rng(0).random((5, 3))
    sums = subset_sums(rows)
    for mask in range(32):
        np.testing.assert_allclose(sums[mask], rows[[k for k in range(5) if mask >> k & 1]].sum(axis=0))


@pytest.mark.parametrize("values", [[0.0, 1.0, 2.0], [0.0, np.inf], [0.0], np.zeros(2**17)])
def test_tables_that_are_none_are_refused(values):
    with pytest.raises(ValueError, match=r"2\*\*n finite numbers"):
        best_partition(values, 2)
