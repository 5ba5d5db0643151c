"""Searches against all orders of visits, and closed forms."""

import numpy as np
import pytest

from commenv.solvers.search import Search


def drawn(seed, n=5):
    rng = np.random.default_rng(seed)
    points = rng.random((n + 1, 2))
    steps = np.abs(points[:, None] - points).sum(axis=-1)
    return Search(rng.dirichlet(np.ones(n)), steps[n, :n], steps[:n, :n])


@pytest.mark.parametrize("seed", range(4))
def test_no_order_is_better(seed):
    search = drawn(seed)
    orders, steps = search.orders
    prior = np.asarray(search.prior)
    means = prior @ steps
    assert search.told(1)[0] == pytest.approx(means.min())
    assert search.order(range(5)) == list(orders[means.argmin()])
    for mask in range(1, 32):
        cell = [g for g in range(5) if mask >> g & 1]
        assert search.cells[mask] == pytest.approx((prior[cell] @ steps[cell]).min())
    assert search.told(5)[0] == pytest.approx(search.known)


@pytest.mark.parametrize("k", [1, 4, 7, 12])
def test_legs_of_a_spider(k):
    """l sum_c m_c**2 / k, cells as equal as can be."""
    search = Search(np.full(k, 1 / k), np.full(k, 3.0), 6.0 * (1 - np.eye(k)))
    for messages in (1, 2, 4):
        cells = np.array([k // messages + (c < k % messages) for c in range(messages)])
        value, found = search.told(messages)
        assert value == pytest.approx(3 * (cells**2).sum() / k)
        assert sorted(map(len, found), reverse=True) == sorted(cells[cells > 0], reverse=True)


@pytest.mark.parametrize(
    ("prior", "first", "between"), [([1.0], [np.inf], [[0]]), ([0.5, 0.5], [1], [[0]]), ([0.5, 0.4], [1, 1], np.eye(2))]
)
def test_what_does_not_fit_is_refused(prior, first, between):
    with pytest.raises(ValueError, match=r"do not fit|reached|sum"):
        Search(prior, first, between)


def test_too_many_goals():
    with pytest.raises(ValueError, match="17 goals are too many"):
        Search(np.full(17, 1 / 17), np.ones(17), np.ones((17, 17)))
    with pytest.raises(ValueError, match="7 goals are not listed"):
        _ = Search(np.full(7, 1 / 7), np.ones(7), np.ones((7, 7))).orders
