"""Plans of search against closed forms, Huffman's code, enumerated instances, and each other."""

import heapq
import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commenv.info import entropy
from commenv.solvers.apart import PASS, apart
from commenv.solvers.box_search import expected_rounds, looks
from commenv.solvers.questions import Search, cost_bound, follow, optimal, pursuit

SUBSETS = Search((0.35, 0.25, 0.2, 0.15, 0.05), range(1, 16))  # every way to part five hypotheses
GAP = Search(tuple(np.array([1, 4, 1, 8, 1, 8, 1, 7]) / 31), (208, 93, 195, 201, 57, 156))  # greedy is not optimal


def line(n, searchers, **more):
    return Search((1 / n,) * n, tuple(2**j - 1 for j in range(1, n)), parallel=searchers, **more)


def huffman(p):
    """Mean length of the best prefix code (Huffman 1952)."""
    heap, total = list(p), 0.0
    heapq.heapify(heap)
    while len(heap) > 1:
        joined = heapq.heappop(heap) + heapq.heappop(heap)
        total += joined
        heapq.heappush(heap, joined)
    return total


def test_all_subsets_are_huffmans_code():
    assert optimal(SUBSETS).value == pytest.approx(2.2, rel=1e-12) == huffman(SUBSETS.prior)
    assert follow(SUBSETS, pursuit(SUBSETS)) == pytest.approx(2.25, rel=1e-12)
    assert entropy(SUBSETS.p) == pytest.approx(2.121127473, abs=5e-10)


@pytest.mark.parametrize(("search", "rounds"), [(SUBSETS, (2.2, 1.2, 1.0)), (GAP, (2.645161290323, 1.516129032258, 1.0))])
def test_parallel_rounds(search, rounds):
    found = [optimal(replace(search, parallel=k)).value for k in (1, 2, 3)]
    np.testing.assert_allclose(found, rounds, rtol=1e-8)


def test_greedy_is_not_optimal():
    assert follow(GAP, pursuit(GAP)) == pytest.approx(3.0, rel=1e-12)
    assert entropy(GAP.p) == pytest.approx(2.513825844, abs=5e-10)


@pytest.mark.parametrize(
    ("searchers", "costs"),
    [
        (1, (2.645161, 2.909677, 3.967742, 5.290323, 7.935484)),
        (2, (1.516129, 1.819355, 2.967742, 4.290323, 6.935484)),
        (3, (1.0, 1.3, 2.5, 4.0, 6.935484)),  # at a price of 2 the third searcher is of no use
    ],
)
def test_answers_at_a_price(searchers, costs):
    found = [optimal(replace(GAP, parallel=searchers, price=price)).value for price in (0, 0.1, 0.5, 1, 2)]
    np.testing.assert_allclose(found, costs, atol=5e-7)


PRIORS = st.lists(st.integers(1, 9), min_size=2, max_size=6).map(lambda w: tuple(np.array(w) / sum(w)))


@given(PRIORS)
def test_between_entropy_and_one_more(p):
    """With all subsets the optimum is Huffman's, within a bit of the entropy; greedy is no better."""
    search = Search(p, range(1, 2 ** (len(p) - 1)))
    value = optimal(search).value
    assert value == pytest.approx(huffman(p))
    assert entropy(p) - 1e-9 <= value < entropy(p) + 1
    assert follow(search, pursuit(search)) >= value - 1e-9


@settings(max_examples=40)
@given(PRIORS, st.randoms(use_true_random=False), st.sampled_from([0.0, 0.3]), st.integers(1, 2))
def test_more_never_hurts(p, random, price, searchers):
    """More answers a round, more rounds, lower prices: no optimum gets worse, and none beats its bound."""
    masks = tuple(random.randrange(2 ** len(p)) for _ in range(4))
    search = Search(p, masks, parallel=searchers, price=price)
    value = optimal(search, 4, 9.0).value
    assert cost_bound(search, 9.0) - 1e-9 <= value
    assert cost_bound(search, 0.5) - 1e-9 <= optimal(search, 4, 0.5).value  # who may fail cheaply does
    assert value <= 4 + 9 + 1e-9
    assert optimal(replace(search, parallel=searchers + 1), 4, 9.0).value <= value + 1e-9
    assert optimal(replace(search, price=0.0), 4, 9.0).value <= value + 1e-9
    assert value <= follow(search, pursuit(search), 4, 9.0) + 1e-9


def test_enough_rounds_are_all_rounds():
    assert optimal(GAP, 8, 50.0).value == pytest.approx(optimal(GAP).value, rel=1e-12)


def test_the_bound_holds_where_failing_is_cheap():
    """One hypothesis is nearly sure, so that hardly any answer is missing; and four that are not."""
    search = Search((0.9, 0.05, 0.05), (1, 2))
    for failure in (0.0, 0.1, 1.0, 5.0):
        assert cost_bound(search, failure) <= optimal(search, 2, failure).value + 1e-12
    assert cost_bound(Search((0.25,) * 4, range(1, 8))) == optimal(Search((0.25,) * 4, range(1, 8))).value == 2


def test_noisy_search_by_hand():
    """Two hypotheses, one query, wrong one time in ten: a first answer gives .9; to be surer, answers must lead by two."""
    one = Search((0.5, 0.5), (1,), noise=0.1, confidence=0.9)
    assert optimal(one, 3, 5.0).value == pytest.approx(1.0)
    sure = replace(one, confidence=0.95)
    lead = 0.9**2 + 0.1**2  # two alike
    assert optimal(sure, 2, 5.0).value == pytest.approx(2 + (1 - lead) * 5)
    assert optimal(sure, 4, 5.0).value == pytest.approx(2 + (1 - lead) * 2 + (1 - lead) ** 2 * 5)
    told = sure.information(sure.beginning, (0,))
    assert told == pytest.approx(1 - entropy([0.1, 0.9]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((0.5, 0.6), (1,)), "sum to 1"),
        (((0.5, 0.5), ()), "bit masks"),
        (((0.5, 0.5), (4,)), "bit masks"),
        (((0.5, 0.5), (1,), 0), "parallel=0"),
        (((0.5, 0.5), (1,), 1, 0.0, 0.5), "noise=0.5"),
        (((0.5, 0.5), (1,), 1, 0.0, 0.1), "confidence=1.0"),
    ],
)
def test_no_problem_of_search(arguments, message):
    with pytest.raises(ValueError, match=message):
        Search(*arguments)


def test_what_cannot_be_planned_says_so():
    with pytest.raises(ValueError, match="tell all hypotheses apart"):
        optimal(Search((0.5, 0.25, 0.25), (1,)))
    with pytest.raises(ValueError, match="infinitely many beliefs"):
        optimal(Search((0.5, 0.5), (1,), noise=0.1, confidence=0.9))
    with pytest.raises(ValueError, match="tells nothing"):
        follow(Search((0.5, 0.5), (1, 3)), lambda belief: (1,))


# ------------------------------------------------------------------------------------------------------ apart
def brute(search, searchers, rounds, failure):
    """Least expected cost of searchers apart: all their plans, from (round, what each was told) to a query, each played."""
    n, Q = len(search.p), len(search.queries)
    histories = [h for t in range(rounds) for h in itertools.product(itertools.product(range(-1, Q), (-1, 0, 1)), repeat=t)]
    histories = [h for h in histories if all((q == -1) <= (a == -1) for q, a in h)]
    best = np.inf
    for plan in itertools.product(range(-1, Q), repeat=searchers * len(histories)):
        asks = [dict(zip(histories, plan[i * len(histories) :], strict=False)) for i in range(searchers)]
        cost = 0.0
        for h in range(n):
            own, alive = [()] * searchers, search.beginning
            for _ in range(rounds):
                if search.over(alive):
                    break
                cost, answered = cost + search.p[h], 0
                for i in range(searchers):
                    q = asks[i][own[i]]
                    if q >= 0 and answered < search.parallel:
                        answer, answered = int(search.answers[q, h]), answered + 1
                        cost, alive = cost + search.p[h] * search.price, search.learned(alive, q, answer)
                        own[i] = (*own[i], (q, answer))
                    else:
                        own[i] = (*own[i], (q, -1))
            cost += search.p[h] * failure * (not search.over(alive))
        best = min(best, cost)
    return best


@pytest.mark.parametrize("price", [0.0, 0.4])
@pytest.mark.parametrize("answers", [1, 2])
def test_apart_is_the_best_of_all_plans_of_one_round_more_than_one(price, answers):
    search = Search((0.5, 0.3, 0.2), (1, 2), parallel=answers, price=price)
    assert apart(search, 2, 1, 3.0).value == pytest.approx(brute(search, 2, 1, 3.0))
    alone = Search((0.5, 0.3, 0.2), (1,), parallel=1, price=price)
    assert apart(alone, 1, 2, 3.0).value == pytest.approx(brute(alone, 1, 2, 3.0))


def test_apart_by_hand():
    """Four categories of four: two searchers who share know the category after a round, and the member after another. Apart each
    knows one bit of it and guesses the other: both are right for two categories, and for the rest the third round tells."""
    categories = [sum(1 << h for h in range(16) if h >> bit & 1) for bit in (2, 3)]
    members = [sum(1 << h for h in range(16) if h >> 2 == c and h >> bit & 1) for c in range(4) for bit in (0, 1)]
    tree = Search((1 / 16,) * 16, (*categories, *members), parallel=2)
    assert optimal(tree).value == pytest.approx(2.0)
    assert apart(tree, 2, 6, 10.0).value == pytest.approx(2.5)


@settings(max_examples=25)
@given(PRIORS.filter(lambda p: len(p) <= 4), st.randoms(use_true_random=False), st.sampled_from([0.0, 0.2]), st.integers(1, 2))
def test_apart_is_between_one_and_all(p, random, price, answers):
    """Who shares nothing does no better than who shares all, and no worse than one of them alone."""
    masks = tuple(random.randrange(2 ** len(p)) for _ in range(3))
    search = Search(p, masks, parallel=answers, price=price)
    value = apart(search, 2, 3, 5.0).value
    assert optimal(search, 3, 5.0).value - 1e-9 <= value
    assert value <= optimal(replace(search, parallel=1), 3, 5.0).value + 1e-9


def test_one_searcher_is_apart_from_nobody():
    team = apart(line(9, 1), 1, 8, 10.0)
    assert team.value == pytest.approx(optimal(line(9, 1)).value) == pytest.approx(29 / 9)
    assert team.asks[0][()] not in (PASS, 0, 7)


# ------------------------------------------------------------------------------------------------------ boxes
BOXES = (0.3, 0.25, 0.15, 0.1, 0.1, 0.05, 0.03, 0.02)


@pytest.mark.parametrize(("searchers", "rounds"), [(1, 2.82), (2, 1.7), (3, 1.35), (4, 1.2)])
def test_boxes(searchers, rounds):
    assert expected_rounds(BOXES, searchers) == pytest.approx(rounds, rel=1e-12)
    in_order = sum(p * -(-(i + 1) // searchers) for i, p in enumerate(sorted(BOXES, reverse=True)))
    assert in_order == pytest.approx(rounds, rel=1e-12)


@pytest.mark.parametrize(("detect", "rounds"), [(0.5, (9.53, 5.03375, 2.81375)), (0.8, (4.68, 2.62, 1.64))])
def test_boxes_in_which_a_thing_may_be_missed(detect, rounds):
    np.testing.assert_allclose([expected_rounds(BOXES, k, detect) for k in (1, 2, 4)], rounds, rtol=1e-12)


@given(PRIORS.filter(lambda p: len(p) <= 3), st.sampled_from([0.3, 0.7, 1.0]), st.integers(1, 2))
def test_no_order_of_looks_is_better(p, detect, searchers):
    """All orders of three rounds."""
    best = np.inf
    for order in itertools.product(range(len(p)), repeat=3 * searchers):
        missing, total = np.array(p), 0.0
        for t in range(3):
            total += missing.sum()
            for box in order[t * searchers : (t + 1) * searchers]:
                missing[box] *= 1 - detect
        best = min(best, total)
    assert expected_rounds(p, searchers, detect, rounds=3) == pytest.approx(best)


def test_looks_that_are_none():
    assert list(looks([0.25, 0.75])) == [(1, 0.75), (0, 0.25)]
    with pytest.raises(ValueError, match="detect=0"):
        next(looks([1.0], 0))
    with pytest.raises(ValueError, match="searchers=0"):
        expected_rounds([1.0], 0)
