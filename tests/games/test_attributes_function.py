"""messaging/attributes and messaging/function: known values, codes as played, combinations that are held out."""

from math import comb

import numpy as np
import pytest

import commenv
from agents.exact.questions import IDS, OneWayTeam
from commenv.games.messaging import referential
from experiments.evaluation import played

ATTRIBUTES, FUNCTION = IDS


@pytest.mark.parametrize(
    ("attributes", "values", "known"),
    [
        (3, 2, (0.5, 0.75, 0.833333333, 1)),
        (2, 3, (0.333333333, 0.555555556, 0.722222222, 0.944444444)),
        (2, 4, (0.25, 0.4375, 0.625, 0.75)),
    ],
)
def test_attributes_that_a_message_gets_right(attributes, values, known):
    """Choices of 2**b vectors of answers, all tried."""
    for bits, value in enumerate(known):
        limits = commenv.limits(ATTRIBUTES, attributes=attributes, values=values, bits=bits)
        assert limits.reachable.exact
        assert limits.reachable.value == pytest.approx(value, abs=6e-10)
        assert limits.silent.value == pytest.approx(1 / values)


@pytest.mark.parametrize(
    ("function", "known"),
    [
        ("index", (0.5, 0.75, 0.833333333, 1)),
        ("greater", (0.75, 0.875, 0.9375, 1)),
        ("gcd", (0.671875, 0.84375, 0.921875, 1)),
        ("equality", (0.5, 0.785714286, 0.928571429, 1)),
        ("parity", (0.5, 1, 1, 1)),
    ],
)
def test_functions_that_a_message_gets_right(function, known):
    """Groups of rows of the table, all tried."""
    for bits, value in enumerate(known):
        limits = commenv.limits(FUNCTION, function=function, bits=bits)
        assert limits.reachable.exact
        assert limits.reachable.value == pytest.approx(value, abs=6e-10)


@pytest.mark.parametrize("n", range(1, 5))
def test_one_bit_of_a_word_by_the_majority(n):
    """Random access codes (Ambainis et al. 1999): 1/2 + C(n - 1, floor((n - 1) / 2)) / 2**n."""
    reachable = commenv.limits(FUNCTION, size=n, bits=1).reachable
    assert reachable.value == pytest.approx(0.5 + comb(n - 1, (n - 1) // 2) / 2**n)


@pytest.mark.parametrize("size", [4, 8, 12, 16])
def test_equality_by_cells_of_equal_size(size):
    """1 - (m - 1) / (2 (N - 1)), m = N / 2**b."""
    limits = commenv.limits(FUNCTION, function="equality", size=size, bits=2)
    assert limits.reachable.value == pytest.approx(1 - 0.5 * (size / 4 - 1) / (size - 1))


@pytest.mark.parametrize(
    ("id", "options"),
    [
        (ATTRIBUTES, {"bits": 3}),
        (ATTRIBUTES, {"bits": 0}),
        (ATTRIBUTES, {"held_out": 5, "things": "held_out", "channel": {"erasure": 0.2}}),
        (FUNCTION, {"bits": 2, "function": "gcd", "size": 6}),
        (FUNCTION, {"bits": 1, "function": "equality", "size": 6, "channel": {"error": 0.1, "drop": 0.1}}),
        (FUNCTION, {"bits": 1, "channel": {"silence": True, "flip": 0.2}}),
    ],
    ids=str,
)
def test_the_best_code_earns_what_is_reachable(id, options):
    limits, chosen = commenv.limits(id, **options), IDS[id](**options)
    found = played(OneWayTeam(id, chosen), chosen, 20_000)
    assert abs(found.reward - limits.reachable.value) <= 4 * found.standard_error + 1e-9
    assert limits.silent.value <= limits.reachable.value + 1e-9 <= limits.ceiling.value + 2e-9


def test_combinations_held_out():
    train, test = (IDS[ATTRIBUTES](held_out=6, things=things, split=3) for things in ("training", "held_out"))
    assert train.kept.sum() == 10
    assert not (train.questions.prior.sum(axis=1) > 0)[~train.kept].any()
    assert not (test.questions.prior.sum(axis=1) > 0)[train.kept].any()
    for attribute in range(2):
        assert set(train.combinations[train.kept][:, attribute]) == set(range(4))
    batch = commenv.make_batch(ATTRIBUTES, 500, seed=1, held_out=6, things="held_out", split=3)
    batch.reset()
    assert set(batch.state.games["state"]) == set(np.flatnonzero(~train.kept))


@pytest.mark.parametrize(
    ("id", "options", "sentence"),
    [
        (ATTRIBUTES, {"values": 100, "attributes": 3}, "too many"),
        (ATTRIBUTES, {"things": "some"}, "things='some'"),
        (ATTRIBUTES, {"things": "held_out"}, "nothing is held out"),
        (ATTRIBUTES, {"held_out": 13}, "held_out=13"),
        (FUNCTION, {"function": "sine"}, "function='sine'"),
        (FUNCTION, {"size": 11}, "size=11"),
        (FUNCTION, {"function": "gcd", "size": 65}, "size=65"),
    ],
)
def test_bad_options_are_named(id, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        commenv.make(id, **options)


def test_a_code_plays_its_games_only():
    with pytest.raises(ValueError, match="id="):
        OneWayTeam("messaging/referential-v0", referential.Options())


def test_a_ceiling_is_called_exact_only_where_it_is():
    """Of gcd the answers are too many functions, in equality x and y depend: a speaker who sees both bounds them."""
    for function, exact in (("index", True), ("gcd", False), ("equality", False)):
        assert commenv.limits("messaging/function-v0", function=function, bits=1).ceiling.exact is exact
