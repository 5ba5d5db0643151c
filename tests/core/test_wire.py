"""Which channels are bare, and that their kernel plays what the other one does."""

import pytest
from examples import (
    BITWISE,
    FLOATS,
    LINKS,
    NOISES,
    OWN_LINKS,
    REFERENCE,
    REFERENTIAL,
    RIDDLE,
    RING,
    digest,
    random_actions,
    trajectory,
)

import commenv
from commenv.core.wire import bare

OTHERS = [
    *[fields for fields in (*NOISES.values(), *BITWISE.values(), *LINKS.values(), *FLOATS.values()) if fields],
    {"silence": True, "cap": 3},
    {"silence": True, "refill": 1, "burst": 2},
    {"topology": {"name": "erdos-renyi", "p": 0.5, "each_game": True}},
    *[{name: rows} for name, rows in OWN_LINKS.items()],
]


@pytest.mark.parametrize("fields", [{}, {"bits": 3}, {"symbols": 5}, {"bits": 0}, {"topology": "ring"}])
def test_bare_channels(fields):
    wire = commenv.Channel(**{"bits": 2, **fields} if "symbols" not in fields else fields).wire
    assert bare(wire) == wire


@pytest.mark.parametrize("fields", OTHERS, ids=str)
def test_other_channels(fields):
    wire = commenv.Channel(bits=2, **fields).wire
    assert bare(wire) != wire


@pytest.mark.parametrize("id", [REFERENTIAL, REFERENCE, RIDDLE, RING])
def test_both_kernels_play_the_same(id):
    """A channel that errs once in 1e300 messages is not bare, but plays as one that is."""
    bare_one, other = (commenv.make_batch(id, 9, seed=2, bits=1, channel={"error": error}) for error in (0.0, 1e-300))
    assert bare_one._kernel is not other._kernel
    actions = random_actions(bare_one, 40)
    assert digest(trajectory(bare_one, actions)) == digest(trajectory(other, actions))
    for ours, theirs in zip(bare_one.meter.links.values(), other.meter.links.values(), strict=True):
        assert (ours.offered, ours.messages, ours.payload_bits) == (theirs.offered, theirs.messages, theirs.payload_bits)
        assert ours.counts.tolist() == theirs.counts.tolist()
