"""A channel as compiled code reads it."""

import math
from typing import NamedTuple


class Wire(NamedTuple):
    """What the compiled transmission reads; flags are 0 or 1."""

    symbols: int
    silence: int
    error: float
    erasure: float
    price: float  # of a message; of one symbol where letters > 0
    refill: float
    burst: float
    cap: float
    limited: int  # whether there is a budget: refill or cap
    silence_price: float
    letters: int  # of the alphabet of words, the end symbol aside; 0: messages of fixed length
    width: int  # bits of a symbol, 0 where there are none
    places: int  # of the inbox, for each link
    floats: int  # numbers that a symbol stands for; 0: none
    depth: int  # bits of each
    gaussian: float
    noisy: int
    plain: int  # whether a message arrives at once, or not at all, whatever else is sent
    flip: float
    fade: float
    drop: float
    winners: int  # 0: no contention
    collisions: int
    soonest: int  # delay
    latest: int
    queue: int
    bursts: int
    to_bad: float
    to_good: float
    bad_error: float
    bad_erasure: float
    drawn: int  # links drawn in each game: 1 both directions together, 2 each by itself; 0: none
    share: float  # probability that such a link is there


def bare(wire):  # compiled
    """The wire of a channel that carries every message as it is and at once, at one price: most features are off, and where the
    compiler knows it, nobody asks. Such a channel is one whose wire this leaves alone."""
    return Wire(
        symbols=wire.symbols,
        silence=0,
        error=0.0,
        erasure=0.0,
        price=wire.price,
        refill=math.inf,
        burst=math.inf,
        cap=math.inf,
        limited=0,
        silence_price=0.0,
        letters=0,
        width=wire.width,
        places=wire.places,
        floats=0,
        depth=wire.depth,
        gaussian=0.0,
        noisy=0,
        plain=1,
        flip=0.0,
        fade=0.0,
        drop=0.0,
        winners=0,
        collisions=0,
        soonest=0,
        latest=0,
        queue=0,
        bursts=0,
        to_bad=0.0,
        to_good=1.0,
        bad_error=0.0,
        bad_erasure=0.0,
        drawn=0,
        share=1.0,
    )
