"""What a user types."""

import pytest

from experiments.options import chosen, differing, over, parse, rates, seeds, value, with_symbols

ID = "messaging/referential-v0"


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], {}),
        (["bits=2", "reward=ordered"], {"bits": 2, "reward": "ordered"}),
        (["channel.error=.05", "channel.silence=true"], {"channel": {"error": 0.05, "silence": True}}),
        (["channel.silence=True", "prior=None"], {"channel": {"silence": True}, "prior": None}),
        (['channel={"error": 0.1}', "channel.bits=2"], {"channel": {"error": 0.1, "bits": 2}}),
        (["prior=[.5,.25, 0.25]", "reward=[[-.5,1],[1e-1,2]]"], {"prior": [0.5, 0.25, 0.25], "reward": [[-0.5, 1], [0.1, 2]]}),
        (["a=b=c", "empty="], {"a": "b=c", "empty": ""}),
        (["version=1.2.3", "name=x.5"], {"version": "1.2.3", "name": "x.5"}),
    ],
)
def test_parse(words, options):
    assert parse(words) == options


@pytest.mark.parametrize("words", [["bits"], ["=2"], [".error=1"], ["bits=1", "bits=1"], ["channel=1", "channel.error=1"]])
def test_what_is_no_option(words):
    with pytest.raises(ValueError, match=r"is not an option|given"):
        parse(words)


def test_a_value_keeps_its_kind():
    assert value(".5") == 0.5
    assert isinstance(value("2"), int)
    assert isinstance(value("2.0"), float)


@pytest.mark.parametrize(("text", "found"), [("5", [0, 1, 2, 3, 4]), ("3,7", [3, 7]), ("7,", [7]), ("7,3,3", [3, 7])])
def test_seeds_are_a_count_or_a_list(text, found):
    assert seeds(text) == found


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", ",", "1,x", "1,-2"])
def test_what_are_no_seeds(text):
    with pytest.raises(ValueError, match="is not allowed"):
        seeds(text)


def test_rates():
    assert rates("2,0,1") == [0, 1, 2]
    for text in ("", "x", "1,", "17", "-1", ".5"):
        with pytest.raises(ValueError, match="is not allowed"):
            rates(text)


def test_another_channel_keeps_what_is_not_said():
    options = chosen(ID, {"channel": {"symbols": 3, "error": 0.1}})
    other = over(options, {"erasure": 0.2})
    assert (other.link.size, other.link.error, other.link.erasure) == (3, 0.1, 0.2)
    assert over(chosen(ID, {"bits": 2}), {"symbols": 4}).link.size == 4
    for channel in ({"bits": 1}, {"symbols": 4}):
        with pytest.raises(ValueError, match="symbols cannot use a channel of"):
            over(options, channel)


def test_what_was_chosen_and_what_was_not():
    options = chosen(ID, {"states": 6, "bits": 3, "channel": {"error": 0.1}})
    assert differing(options) == {"states": 6, "error": 0.1}
    assert differing(with_symbols(options, 5)) == {"states": 6, "error": 0.1}
    assert with_symbols(options, 5).link.size == 5
