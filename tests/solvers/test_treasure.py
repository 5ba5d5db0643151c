"""Treasure and oracle: the closed form, and all plans of small games."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commenv.solvers.treasure import asking, endless

# (doors, reliability, cost, discount); values by max(1 / K, (g r - c) / (1 - g (1 - r))), Ambrogioni (2021).
VALUES = [((8, 0.5, 0.02, 0.95), 0.866666666667), ((8, 0.1, 0.05, 0.95), 0.310344827586), ((4, 0.2, 0.1, 0.9), 0.285714285714)]


@pytest.mark.parametrize(("game", "value"), VALUES)
def test_closed_form(game, value):
    doors, reliability, cost, discount = game
    assert endless(doors, cost, reliability, discount) == pytest.approx(value, abs=5e-13)
    assert asking(doors, cost, reliability, discount, symbols=doors, questions=250).value == pytest.approx(value, abs=1e-9)


def parts(m, n):
    """All ways to part m doors into at most n parts."""
    if m == 0:
        yield ()
    elif n > 0:
        for first in range(1, m + 1):
            yield from ((first, *rest) for rest in parts(m - first, n - 1))


def by_hand(doors, cost, reliability, discount, symbols, answers, questions):
    @cache
    def best(m, k, q):
        ask = 0.0
        if q and k:
            told = max(sum(size / m * best(size, k - 1, q - 1) for size in cut) for cut in parts(m, symbols))
            ask = -cost + discount * (reliability * told + (1 - reliability) * best(m, k, q - 1))
        return max(1 / m, ask)

    return best(doors, answers, questions)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 7),
    st.floats(0, 0.3),
    st.floats(0, 1),
    st.floats(0, 1),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 5),
)
def test_every_plan_is_the_best(doors, cost, reliability, discount, symbols, answers, questions):
    game = doors, cost, reliability, discount, symbols, answers, questions
    found = asking(*game)
    assert found.value == pytest.approx(by_hand(*game), rel=1e-9)
    for k in range(1, answers + 1):
        sizes = found.parts(questions, k, doors)
        assert sum(sizes) == doors
        assert 1 <= len(sizes) <= symbols


def test_more_symbols_and_answers_are_never_worse():
    by_symbols = [asking(8, 0.02, 0.5, 0.95, n).value for n in (1, 2, 4, 8)]
    by_answers = [asking(8, 0.02, 0.5, 0.95, 2, k).value for k in (1, 2, 3, 4)]
    assert by_symbols == sorted(by_symbols)
    assert by_answers == sorted(by_answers)
    assert by_symbols[0] == 1 / 8
