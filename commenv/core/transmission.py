"""The compiled half of Channel: what a sender may put on the air, and what one use of a link makes of it."""

import numpy as np

from commenv.core.generator import edge_draw, mix, rule, uniform, wrapping

ERASED = -1
"""Delivered instead of a symbol: the message was lost, and the receiver knows it."""
NOTHING = -2
"""Delivered where nobody was to speak."""
DROPPED = -3
"""Lost without a trace: `relay` puts in its place silence where it is allowed, else nothing."""
SILENCE = 0
"""The message that is silence, on channels that allow it."""

ONE_DRAW = 16
"""Bits of a message that one draw of 53 decides, noise and all; only floats have more."""

_UNIT = 2.0**-53
_ROUNDING = 1e-9  # bits: a bucket filled by tenths must still hold one bit after ten steps
_BELOW_ONE = 1.0 - 2.0**-53


@rule
def cost(wire, message):
    """Bits that a message costs its sender."""
    if wire.silence != 0 and message == SILENCE:
        return wire.silence_price
    if wire.letters == 0:
        return wire.price
    index = message - wire.silence  # of a word: words of one length follow each other, `letters` times as many of the next
    symbols, alike = 1, 1
    if wire.letters == 1:
        symbols += index
    else:
        while index >= alike:
            index -= alike
            alike *= wire.letters
            symbols += 1
    return symbols * wire.price


@rule
def admit(wire, agent, message):
    """The message that goes out after the budget has had its say; charges the sender."""
    sent = message
    price = cost(wire, message)
    if wire.limited == 0:
        agent.spent += price
        return sent
    if price > agent.tokens + _ROUNDING or agent.spent + price > wire.cap + _ROUNDING:
        sent, price = SILENCE, max(min(wire.silence_price, agent.tokens, wire.cap - agent.spent), 0.0)
    agent.spent += price
    agent.tokens = max(agent.tokens - price, 0.0)
    return sent


@rule
def refill(wire, agent):
    """One step's worth of tokens, for speakers and idle agents alike."""
    if wire.limited != 0:
        agent.tokens = min(agent.tokens + wire.refill, wire.burst)


@rule
def deliver(wire, message, u):
    """What a link delivers of a message when its noise, uniform on [0, 1), is u."""
    return carry(wire, wire.erasure, wire.error, message, u)


@rule
def carry(wire, erasure, error, message, u):
    """`deliver` with the noise of one state of the link. One draw decides all: after each decision what is left of it is
    uniform again, as in arithmetic coding; where it would not last, it begins a sequence of its own (`another`)."""
    if wire.silence != 0 and message == SILENCE:
        return message
    if wire.drop > 0.0:
        if u < wire.drop:
            return DROPPED
        u = min((u - wire.drop) / (1.0 - wire.drop), _BELOW_ONE)
    if u < erasure:
        return ERASED
    y = message
    air = wire.symbols - wire.silence
    v = (u - erasure) / (1.0 - erasure)
    if air >= 2 and error > 0.0:
        if v < error:
            if wire.width > ONE_DRAW:  # there are 2**width words; 0, which is no other, is as good as never drawn
                shift = max(np.int64(another(u, 0) >> np.uint64(64 - wire.width)), 1)
                y = wire.silence + ((message - wire.silence + shift) & (air - 1))
            else:
                w = v / error * (air - 1)
                other = min(int(w), air - 2)  # which of the other symbols, counted upwards from this one
                y = wire.silence + (message - wire.silence + 1 + other) % air
                v = w - other
        else:
            v = (v - error) / (1.0 - error)
    if wire.flip > 0.0 or wire.fade > 0.0:
        first = first_word(wire)
        y = first + (distort(wire, y - first, v) if wire.width <= ONE_DRAW else distort_long(wire, y - first, u))
    return y


@rule
def first_word(wire):
    """The message whose bits are all 0: silence, where it is one of 2**b symbols; of floats silence is no word of bits."""
    return wire.silence if wire.floats > 0 else 0


@wrapping
def another(u, place):
    """64 random bits, number `place` of the sequence that the draw u begins."""
    return mix(np.uint64(u / _UNIT) + (np.uint64(place + 1) << np.uint64(53)))


@rule
def distort(wire, symbol, v):
    """Flip and fade the bits of a symbol, the leading one first, as v, uniform on [0, 1), has it."""
    flip, fade = wire.flip, wire.fade
    for place in range(wire.width):
        bit = 1 << (wire.width - 1 - place)
        v = min(v, _BELOW_ONE)
        if flip > 0.0:
            if v < flip:
                symbol ^= bit
                v /= flip
            else:
                v = (v - flip) / (1.0 - flip)
            v = min(v, _BELOW_ONE)
        if fade > 0.0:
            if v < fade:
                symbol &= ~bit
                v /= fade
            else:
                v = (v - fade) / (1.0 - fade)
    return symbol


@rule
def distort_long(wire, symbol, u):
    """`distort` by two draws a bit."""
    for place in range(wire.width):
        bit = 1 << (wire.width - 1 - place)
        if float(another(u, 2 * place + 1) >> np.uint64(11)) * _UNIT < wire.flip:
            symbol ^= bit
        if float(another(u, 2 * place + 2) >> np.uint64(11)) * _UNIT < wire.fade:
            symbol &= ~bit
    return symbol


@rule
def stands(wire, key, source, target):
    """Whether a link that is drawn in each game is there in this one; an agent's link to itself always is."""
    if source == target:
        return True
    if wire.drawn == 2 or source < target:
        return edge_draw(key, source, target) < wire.share
    return edge_draw(key, target, source) < wire.share


@rule
def transmit(wire, message, rng):
    return deliver(wire, message, uniform(rng)) if wire.noisy != 0 else message
