"""The smallest loop: it learns what is known to be reachable, seeds are their own, and prices do what theory says."""

import itertools
import math

import pytest

from agents.bottlenecks import BOTTLENECKS
from experiments.signalling import MARGINAL, Setting, train
from experiments.studies.prices import STATES, codes

SHORT = {"states": 4, "bits": 2, "updates": 100, "games": 128}


def test_four_states_are_named_with_two_bits_and_two_of_them_with_one():
    assert [one.reward for one in train(Setting(**SHORT), [0, 1])] == [1.0, 1.0]
    (found,) = train(Setting(**{**SHORT, "bits": 1}), [0])
    assert found.reward == 0.5
    assert found.entropy_bits <= 1


@pytest.mark.parametrize("way", [way for way in BOTTLENECKS if way != "continuous"])
def test_every_bottleneck_plays_and_says_no_more_than_its_bits(way):
    for found in train(Setting(**{**SHORT, "way": way, "updates": 30}), [0, 1]):
        assert found.entropy_bits <= 2 + 1e-9
        assert found.reward <= 1


def test_a_number_counts_as_32_bits():
    (found,) = train(Setting(**{**SHORT, "way": "continuous", "bits": 32, "updates": 60}), [0])
    assert found.reward > 0.25  # silence


def test_a_pair_learns_from_its_own_seed_alone():
    alone, beside = train(Setting(**{**SHORT, "updates": 3}), [7]), train(Setting(**{**SHORT, "updates": 3}), [3, 7])
    assert alone[0].reward == beside[1].reward


def test_a_high_price_silences():
    (found,) = train(Setting(**SHORT, usage=0.0, price={"price": {"weight": 2.0, "silence": 3.0}}), [0])
    assert found.entropy_bits == 0
    assert found.reward == 0.25
    with pytest.raises(ValueError, match="no price"):
        train(Setting(**SHORT, price={"vib": {"weight": 1.0}}), [0])


def test_the_cheapest_codes_are_those_of_all_partitions():
    """By brute force: of all ways to cut 8 equally likely states into cells, the least entropy of m cells."""
    least = dict.fromkeys(range(1, STATES + 1), math.inf)
    for m in least:
        for cut in itertools.combinations_with_replacement(range(1, STATES + 1), m):
            if sum(cut) == STATES:
                least[m] = min(least[m], -sum(c / STATES * math.log2(c / STATES) for c in cut))
    assert [rate for rate, _ in codes()] == pytest.approx(list(least.values()))
    assert MARGINAL not in BOTTLENECKS
