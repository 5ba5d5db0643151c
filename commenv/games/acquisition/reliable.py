"""Whether a channel does nothing but carry messages: then what was told is known, and teams can be planned exactly."""

from commenv.core.channel import Channel


def reliable(link: Channel) -> bool:
    """Whether every message arrives, at once and as it was sent, as often as an agent likes."""
    return link == Channel(bits=link.bits, symbols=link.symbols, floats=link.floats, length=link.length, silence=link.silence)
