"""A malformed game fails when it is made, not at step 10,000."""

import numpy as np
import pytest
import ring

from commenv.core.game import Agent, Game, Layout, Options, Role, choose, record

A, B = Role("a", actions=2, observation=1), Role("b", actions=1, observation=0)


@pytest.mark.parametrize(
    ("roles", "links", "named"),
    [
        ((), (), "at least one"),
        ((A, A), (), "different names"),
        ((Role("a", actions=0, observation=1),), (), "actions=0"),
        ((Role("a", actions=2.0, observation=1),), (), "actions=2.0"),
        ((Role("a", actions=2, observation=-1),), (), "observation=-1"),
        ((A, B), ((0, 2),), r"link=\(0, 2\)"),
        ((A, B), ((-1, 0),), r"link=\(-1, 0\)"),
    ],
)
def test_malformed_layouts(roles, links, named):
    with pytest.raises(ValueError, match=named):
        Layout(roles=roles, links=links)


def test_an_inbox_is_in_the_order_of_its_sources():
    third = Role("c", actions=1, observation=0)
    layout = Layout(roles=(A, B, third), links=((2, 0), (0, 1), (1, 0), (2, 0)))
    assert layout.links == ((1, 0), (2, 0), (0, 1))
    assert layout.ears(0) == [0, 1]
    assert layout.ears(2) == []
    assert [layout.speaks(i) for i in range(3)] == [True, True, True]


def test_an_anonymous_layout_has_one_inbox():
    links = ((0, 1), (1, 1))
    assert Layout(roles=(A, B), links=links).inboxes(1) == ["a", "b"]
    assert Layout(roles=(A, B), links=links, anonymous=True).inboxes(1) == ["somebody"]
    assert Layout(roles=(A, B), links=links, anonymous=True).inboxes(0) == []


def test_records_hold_what_the_rules_may_read():
    class Mine(Agent):
        colour: int
        weight: float

    dtype = record(Mine)
    assert dtype.names == (*record(Agent).names, "colour", "weight")
    assert dtype["colour"] == np.int64
    assert dtype["weight"] == np.float64


@pytest.mark.parametrize(("name", "kind"), [("colour", str), ("colour", np.int8), ("colour", bool), ("size", int), ("item", int)])
def test_malformed_records(name, kind):
    with pytest.raises(TypeError, match=name):
        record(type("Mine", (Game,), {"__annotations__": {name: kind}}))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"colour": 1}, "'colour'"),
        ({"bits": -1}, "bits=-1"),
        ({"bits": 1.5}, "bits=1.5"),
        ({"bits": 17}, "bits=17"),
        ({"channel": 3}, "channel=3"),
        ({"channel": {"hue": 3}}, "'hue'"),
        ({"bits": 1, "channel": {"bits": 2}}, "said twice"),
        ({"max_cycles": 0}, "max_cycles=0"),
        ({"max_cycles": 2.5}, "max_cycles=2.5"),
    ],
)
def test_bad_options_are_named(options, named):
    with pytest.raises(ValueError, match=r".") as caught:
        choose(ring, options)
    assert named in str(caught.value)


def test_a_game_may_have_an_alphabet_that_is_no_power_of_two():
    class Three(Options):
        default_symbols = 3

    assert Three().link.size == Three(channel={"error": 0.1}).link.size == 3
    assert Three(bits=2).link.size == Three(channel={"bits": 2}).link.size == 4
    assert Three().bits is None
    assert Three().at(1).link.size == 2


def test_the_rate_is_said_once_and_found_in_both_places():
    assert Options().link.size == 4
    assert Options(bits=3).link.bits == 3
    assert Options(channel={"bits": 3}).bits == 3
    assert Options(channel={"symbols": 3}).bits is None
    assert Options(bits=1, channel={"error": 0.1}).link == Options(channel={"bits": 1, "error": 0.1}).link
    assert Options(channel={"symbols": 3, "error": 0.1}).at(2) == Options(bits=2, channel={"error": 0.1})
