"""What a user types: key=value options of a game, fields of a channel, lists of bits and seeds."""

import json
import re
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from commenv.core.channel import MAX_BITS, Channel
from commenv.core.errors import bad, whole
from commenv.core.game import Options, choose
from commenv.games import rules

_WORDS = {"True": True, "False": False, "None": None}
_BARE_POINT = re.compile(r"(?<![\w.])\.(?=\d)")


def value(text: str) -> Any:
    """A value as JSON says it, with .05 for 0.05 and Python's True, False and None; else the text itself.

    >>> value("[.5, .5]"), value("ordered")
    ([0.5, 0.5], 'ordered')
    """
    if text in _WORDS:
        return _WORDS[text]
    for spelling in (text, _BARE_POINT.sub("0.", text)):
        try:
            return json.loads(spelling)
        except json.JSONDecodeError:
            continue
    return text


def parse(words: Sequence[str]) -> dict[str, Any]:
    """Options from `key=value` words; a dotted key is a place in a mapping. Raises ValueError for what is not so.

    >>> parse(["states=6", "channel.error=.05", "channel.silence=true"])
    {'states': 6, 'channel': {'error': 0.05, 'silence': True}}
    """
    found: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        *path, last = key.split(".")
        if not equals or not all([*path, last]):
            raise ValueError(f"{word!r} is not an option: write key=value, for example bits=2 or channel.error=.05")
        place = found
        for part in path:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise ValueError(f"{part} is given both as a value and as a mapping, by {key!r}")
        if last in place:
            raise ValueError(f"{key} is given twice")
        place[last] = value(text)
    return found


def chosen(id: str, options: dict[str, Any]) -> Options:
    """A game's options, validated. Raises ValueError for an unknown id or a bad option."""
    return choose(rules(id), options)


def differing(options: Options) -> dict[str, Any]:
    """What a user chose other than the default, the rate aside."""
    default = type(options)()
    found = {f.name: getattr(options, f.name) for f in fields(options) if f.name not in ("bits", "channel")}
    found = {name: value for name, value in found.items() if value != getattr(default, name)}
    found |= {name: value for name, value in options.link.fields().items() if name not in ("bits", "symbols")}
    return found


def over(options: Options, channel: dict[str, Any]) -> Options:
    """The same game over another channel; fields that are not said stay. Raises ValueError for another number of symbols."""
    link = options.link
    rate = {} if {"bits", "symbols"} & set(channel) else {"bits": link.bits, "symbols": link.symbols}
    stays = {key: value for key, value in link.fields().items() if key not in ("bits", "symbols")}
    other = Channel.of({**stays, **rate, **channel})
    if other.size != link.size:
        raise ValueError(f"a team that learned to speak with {link.size} symbols cannot use a channel of {other.size}")
    return replace(options, bits=None, channel=other)


def with_symbols(options: Options, symbols: int) -> Options:
    """The same game and noise with another alphabet."""
    return replace(options, bits=None, channel=replace(options.link, bits=None, symbols=symbols))


def rates(text: str) -> list[int]:
    """Bits a message, from "0,1,2,3". Raises ValueError for anything else."""
    return sorted({whole("bits", value(word), 0, MAX_BITS) for word in text.split(",")})


def seeds(text: str) -> list[int]:
    """Seeds from a count ("5": 0 to 4) or a list ("3,7"; "3," is seed 3 alone). Raises ValueError for anything else."""
    if "," not in text:
        return list(range(whole("seeds", value(text), 1)))
    found = [whole("seed", value(word), 0, 2**31 - 1) for word in text.split(",") if word.strip()]
    if not found:
        raise bad("seeds", text, "a count like 5, or a list like 3,7")
    return sorted(set(found))


def span(text: str) -> tuple[float, float]:
    """Two numbers, from "-1,1". Raises ValueError for anything else."""
    found = [value(word) for word in text.split(",")]
    if len(found) != 2 or not all(isinstance(number, int | float) and not isinstance(number, bool) for number in found):
        raise bad("scale", text, "two numbers LOW,HIGH")
    return float(found[0]), float(found[1])
