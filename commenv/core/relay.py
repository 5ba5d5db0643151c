"""The compiled half of channels with a memory, a shared medium, or links of their own; `advance` takes it only for those.

Every feature draws from a stream of its own, link k at place k of it, so that none moves another's draws.
"""

import math

import numpy as np

from commenv.core.generator import CHANNEL, integer, rule, seek, uniform, word
from commenv.core.transmission import DROPPED, ERASED, NOTHING, ONE_DRAW, SILENCE, carry, first_word

CONTENTION, CORRUPTION, DELAY, WEATHER, FIRST_WEATHER, SHAKING = (CHANNEL + np.uint64(k << 26) for k in range(1, 7))
"""Streams beside the noise's own, which keeps the first 2**26 draws of a step."""


FARTHEST = 8.6
"""No normal draw lies beyond: a uniform one of 53 bits is at most 1 - 2**-53, and sqrt(2 * 53 ln 2) is 8.572."""

LINE = np.dtype([("cut", np.int64), ("mask", np.int64), ("replacement", np.int64), ("corrupt", np.float64)])
"""Of each link: trailing bits that it does not carry, of floats of each; the bits of a message that it does; what it puts in
place of messages, -1 for any; how often it does."""

BAD, FIRST, WAITING, TRANSIT = range(4)
"""What a link remembers: whether its noise is in the bad state; where in its queue the oldest message stands; how many there
are; and from place TRANSIT on the queue, two numbers a message: what it is and when it may arrive."""


@rule
def begin_transit(wire, state, i, key, rng):
    """Empty queues, and links in states of their stationary law."""
    if wire.latest > 0:
        for k in range(state.transit.shape[1]):
            state.transit[i, k, FIRST] = state.transit[i, k, WAITING] = 0
    if wire.bursts != 0:
        seek(rng, key, 0, FIRST_WEATHER)
        for k in range(state.transit.shape[1]):
            state.transit[i, k, BAD] = uniform(rng) * (wire.to_bad + wire.to_good) < wire.to_bad


@rule
def normal(rng):
    """Standard normal, of two uniform draws (Box, Muller 1958)."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(rng)))
    return radius * math.cos(2.0 * math.pi * uniform(rng))


@rule
def is_on_air(wire, message):
    return message != NOTHING and (wire.silence == 0 or message != SILENCE)


@rule
def contend(wire, sent, through, players, key, t, rng):
    """Decide who gets through to the medium; True for a collision, in which nobody does."""
    speakers = 0
    for a in range(players):
        through[a] = 1
        speakers += is_on_air(wire, sent[a])
    if wire.winners == 0 or speakers <= wire.winners:
        return False
    if wire.collisions != 0:
        return True
    seek(rng, key, t, CONTENTION)
    left = wire.winners
    for a in range(players):  # selection sampling: every set of winners alike (Knuth, vol. 2, 3.4.2, algorithm S)
        if is_on_air(wire, sent[a]):
            through[a] = uniform(rng) * speakers < left
            left -= through[a]
            speakers -= 1
    return False


@rule
def tamper(wire, shape, k, message, key, t, rng):
    """The message, or what a corrupted link puts in its place."""
    if shape.lines[k].corrupt > 0.0:
        seek(rng, key, t, CORRUPTION + np.uint64(2 * k))
        if uniform(rng) < shape.lines[k].corrupt:
            if shape.lines[k].replacement >= 0:
                return shape.lines[k].replacement
            if wire.width > ONE_DRAW:  # among so many messages silence never comes
                return wire.silence + word(rng, wire.width)
            return np.int64(integer(rng, wire.symbols))
    return message


@rule
def relay(wire, shape, state, i, players, key, t, sent, out, tally, rng):
    """Carry out[k], NOTHING where link k is not used, to heard[i, k] for all links of game i in step t; out[k] is then what
    link k has delivered in this step."""
    links, heard = len(shape.source), state.heard
    through = out[links:]
    collision = contend(wire, sent, through, players, key, t, rng)
    drawn, first = 0, first_word(wire)
    for k in range(links):
        meter, m = tally[k], out[k]
        y, quiet = NOTHING, NOTHING
        if m != NOTHING:
            quiet = SILENCE if wire.silence != 0 else NOTHING
            u = 0.0
            if wire.noisy != 0:
                seek(rng, key, t, CHANNEL + np.uint64(drawn))
                u = uniform(rng)
                drawn += 1
            on_air = is_on_air(wire, m)
            if collision:
                meter.collided += on_air
                y = ERASED
            elif on_air and through[shape.source[k]] == 0:
                meter.collided += 1
                y = DROPPED
            else:
                x = tamper(wire, shape, k, m, key, t, rng)
                meter.corrupted += x != m
                erasure, error = wire.erasure, wire.error
                if wire.bursts != 0 and state.transit[i, k, BAD] != 0:
                    erasure, error = wire.bad_erasure, wire.bad_error
                y = carry(wire, erasure, error, x, u)
                meter.dropped += y == DROPPED
                meter.erased += y == ERASED
                meter.altered += y >= 0 and y != x
                if y >= first:
                    y = first + ((y - first) & shape.lines[k].mask)
        if wire.latest > 0:
            y = wait(wire, state.transit[i, k], k, key, t, y, quiet, meter, rng)
        out[k] = y if y >= ERASED else quiet
        if shape.holds == 0 or out[k] != NOTHING:
            heard[i, k] = out[k]
        if wire.gaussian > 0.0 and y >= first:
            seek(rng, key, t, SHAKING + np.uint64(2 * wire.floats * k))
            for component in range(wire.floats):
                state.shaken[i, k, component] = wire.gaussian * normal(rng)
    for j in range(len(shape.tapped)):
        heard[i, links + j] = heard[i, shape.tapped[j]]
        tally[shape.tapped[j]].overheard += is_on_air(wire, out[shape.tapped[j]])
    if wire.bursts != 0:
        seek(rng, key, t, WEATHER)
        for k in range(links):
            u = uniform(rng)
            state.transit[i, k, BAD] = u >= wire.to_good if state.transit[i, k, BAD] != 0 else u < wire.to_bad


@rule
def wait(wire, line, k, key, t, y, quiet, meter, rng):
    """Put y into the queue of link k; what comes out of it in this step, or `quiet`."""
    room = wire.queue
    arrives, popped = quiet, False
    if line[WAITING] > 0:
        head = TRANSIT + 2 * line[FIRST]
        if line[head + 1] <= t:
            arrives, popped = line[head], True
            line[FIRST] = (line[FIRST] + 1) % room
            line[WAITING] -= 1
            meter.late += 1
    if y >= ERASED and y != quiet:
        seek(rng, key, t, DELAY + np.uint64(k))
        delay = wire.soonest + np.int64(integer(rng, wire.latest - wire.soonest + 1))
        if delay == 0 and not popped and line[WAITING] == 0:
            arrives = y
        elif line[WAITING] < room:
            place = TRANSIT + 2 * ((line[FIRST] + line[WAITING]) % room)
            line[place], line[place + 1] = y, t + delay
            line[WAITING] += 1
        else:
            meter.overflowed += 1
    return arrives
