"""The compiled half of Channel: what a sender may put on the air, and what comes out at the other end."""

from commenv.core.generator import rule, uniform

ERASED = -1
"""Delivered instead of a symbol: the message was lost, and the receiver knows it."""
NOTHING = -2
"""Delivered where nobody was to speak."""
SILENCE = 0
"""The message that is silence, on channels that allow it."""

_ROUNDING = 1e-9  # bits: a bucket filled by tenths must still hold one bit after ten steps


@rule
def admit(wire, agent, message):
    """The message that goes out after the budget has had its say; charges the sender."""
    sent = message
    price = 0.0 if wire.silence != 0 and message == SILENCE else wire.price
    if price > agent.tokens + _ROUNDING or agent.spent + price > wire.cap + _ROUNDING:
        sent, price = SILENCE, 0.0
    agent.spent += price
    agent.tokens = max(agent.tokens - price, 0.0)
    return sent


@rule
def refill(wire, agent):
    """One step's worth of tokens, for speakers and idle agents alike."""
    agent.tokens = min(agent.tokens + wire.refill, wire.burst)


@rule
def deliver(wire, message, u):
    """What a link delivers of a message when its noise, uniform on [0, 1), is u."""
    if wire.silence != 0 and message == SILENCE:
        return message
    if u < wire.erasure:
        return ERASED
    air = wire.symbols - wire.silence
    v = (u - wire.erasure) / (1.0 - wire.erasure)
    if air < 2 or v >= wire.error:
        return message
    other = min(int(v / wire.error * (air - 1)), air - 2)  # which of the other symbols, counted upwards from this one
    return wire.silence + (message - wire.silence + 1 + other) % air


@rule
def transmit(wire, message, rng):
    return deliver(wire, message, uniform(rng))
