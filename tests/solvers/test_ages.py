"""Age of information: known values of the long run, closed forms and schedules against all that can be tried."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commenv.solvers import ages


@pytest.mark.parametrize(
    ("reliability", "oldest", "known"),
    [
        ((0.7,), 60, 1.428571),
        ((1.0, 1.0), 8, 1.5),
        ((0.8, 0.8), 40, 1.875),
        ((1.0, 1.0, 1.0), 8, 2.0),
        ((0.6, 0.6, 0.6), 40, 3.333333),
        ((0.9, 0.5), 90, 2.350847995),
    ],
)
def test_the_least_age_in_the_long_run(reliability, oldest, known):  # spec/games.md 8.4
    found = ages.long_run(reliability, oldest)
    assert found == pytest.approx(known, abs=6e-7 if known != 2.350847995 else 2e-9)
    if ages.alike(reliability):
        closed = (len(reliability) + 1) / (2 * reliability[0])
        assert found == pytest.approx(closed, abs=1e-7)
        assert ages.told(reliability, 20_000) == pytest.approx(closed, rel=1e-3)


@pytest.mark.parametrize(("reliability", "known"), [((0.8, 0.8), 2.5), ((0.9, 0.5), 3.046267541)])
def test_slots_drawn_by_themselves(reliability, known):
    assert ages.randomised(reliability) == pytest.approx(known, abs=6e-10)
    assert ages.randomised(reliability) <= 2 * ages.long_run(reliability, 60)  # Kadota et al. 2018


@pytest.mark.parametrize(("sources", "p", "slots"), [(1, 0.3, 6), (2, 0.8, 9), (3, 0.6, 7), (4, 1.0, 6)])
def test_the_oldest_is_served_where_sources_are_alike(sources, p, slots):
    """The closed form is what the dynamic program over all ages finds."""
    found = ages._backwards(np.full(sources, p), slots, (slots + 1) ** sources)[0] / slots
    assert ages.told([p] * sources, slots) == pytest.approx(found, rel=1e-12)


def expected(schedule, p):
    """Mean age under a schedule: the sum over k of the probability that nothing came in the last k slots."""
    total = 0.0
    for t, i in product(range(1, len(schedule) + 1), range(len(p))):
        total += 1 + sum((1 - p[i]) ** list(schedule[t - k : t]).count(i) for k in range(1, t + 1))
    return total / (len(schedule) * len(p))


@settings(max_examples=15, deadline=None)
@given(p=st.lists(st.floats(0.05, 1), min_size=1, max_size=3), equal=st.booleans())
def test_no_schedule_is_better(p, equal):
    p = [p[0]] * len(p) if equal else p
    plan = ages.planned(p, 6)
    assert plan.exact
    assert plan.age == pytest.approx(expected(plan.served, p), rel=1e-12)
    assert plan.age == pytest.approx(min(expected(s, p) for s in product(range(len(p)), repeat=6)), rel=1e-9)
    assert ages.told(p, 6) <= plan.age + 1e-12


def test_what_is_too_large_is_refused():
    with pytest.raises(ValueError, match="too many to list"):
        ages.told([0.5, 0.6, 0.7], 200)
    with pytest.raises(ValueError, match="reliability="):
        ages.planned([0.5, 0.0], 3)
