"""The contract of a game. A game is a module; this page says what it must define.

    Options     frozen dataclass on core.Options: what a user may choose; validates itself
    Parameters  NamedTuple of ints, floats and arrays: what the compiled rules read as `p`
    Game        class on core.Game, fields annotated int or float: the state of one game
    Agent       class on core.Agent, likewise: the state of one agent in it
    layout(options) -> Layout            who plays, with what spaces, over which links
    parameters(options) -> Parameters
    reset(p, game, agents, board, rng)
    step(p, game, agents, board, act, sent, reward, rng) -> bool      True ends the game
    observe(p, game, agents, board, i, obs)                           the agent's own part of its observation
    has_floor(p, game, agents, board, i) -> bool                      whether an agent may send in this step; may be left out
    route(p, game, agents, board, source, target) -> bool             whether a link carries what was sent; may be left out
    success(p, game, agents, board) -> float                          how well a game that is over went; may be left out
    unseen(options, games) -> array      what decides games and no agent sees, [n, w] float32, of the states of n games: for
                                         those who judge agents in training; may be left out
    FIGURES                              fields of Agent that infos tell of a game that is over; may be left out
    limits(options) -> Limits
    situations(options) -> Situations | None                          every beginning; None: too many, or not one message a round
    describe(options, game, agents, board) -> str                     a line for people
    REWARD_OF                                                         the agent whose reward the limits speak of; may be left out
                                                                      where they speak of the mean over agents

The rules are scalar Python that numba compiles: integers are 64-bit, arrays are indexed in bounds, helpers are
decorated with `rule`. `board` is an array of the game's own integers, as many as the layout asks for; `act[i]` is the
action of agent i; `sent[i]` its message, NOTHING if it was not to speak; `reward` starts each step at 0.

A message is a number from 0, also where the channel's messages are words or floats (Channel says how they are numbered).

The engine owns the clock `game.t`, the messages, the meters and the end: a rule sets `game.turn` (whose turn it is, ALL by
default) and nothing else of the engine's. What a link delivered at step t stands in its listener's observation of step t + 1
behind the agent's own part, one-hot with a last place for an erasure, or as floats: no rule can forget it, and none can leak
past it. What is late, lost, or heard by others is the channel's doing, and no rule knows of it. Each link has its own place
there, which tells who spoke, unless the layout is anonymous.
Where messages are about one integer of the game, `Game` calls it `state`: I(state; delivered message) is then measured.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from commenv.core.channel import MAX_BITS, Channel
from commenv.core.errors import bad, whole
from commenv.core.limits import Limits
from commenv.core.situations import Situations

ALL = -1
"""The turn in which everybody acts."""

ENDLESS = 2**32 - 1
"""Steps of a game that nothing cuts: the clock has 32 bits in the generator's counter."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What every game lets a user choose."""

    default_bits: ClassVar[int] = 2
    default_symbols: ClassVar[int | None] = None
    """For games whose usual alphabet is no power of two."""

    bits: int | None = None
    """Rate: bits a message, 0 to 16. None: the channel's own rate, or the game's default."""
    channel: Channel | Mapping[str, Any] | None = None
    """The channel that carries the messages, or a mapping of its fields; noiseless by default."""
    max_cycles: int | None = None
    """Steps after which a game is truncated; None: when it ends by itself."""

    def __post_init__(self) -> None:
        channel = Channel.of(self.channel)
        if not channel.rated:
            usual = replace(channel, symbols=self.default_symbols) if self.default_symbols else channel.at(self.default_bits)
            channel = usual if self.bits is None else channel.at(self.bits)
        elif self.bits not in (None, channel.bits) and (
            channel.bits is not None or channel.size != 2 ** whole("bits", self.bits, 0, MAX_BITS)
        ):
            raise ValueError(f"the rate is said twice: bits={self.bits!r}, and {channel!r}; say it once")
        object.__setattr__(self, "channel", channel)
        object.__setattr__(self, "bits", channel.bits)
        if self.max_cycles is not None:
            whole("max_cycles", self.max_cycles, 1, ENDLESS)

    @property
    def link(self) -> Channel:
        """The channel, its rate resolved."""
        assert isinstance(self.channel, Channel)
        return self.channel

    def at(self, bits: int) -> Self:
        """The same options at another rate, in bits a message."""
        return replace(self, bits=bits, channel=self.link.at(bits))


class Game:
    """What the engine keeps of one game; a game's own class adds to it."""

    key: np.uint64
    seed: np.uint64
    episode: int
    t: int
    turn: int


class Agent:
    """What the engine keeps of one agent; a game's own class adds to it."""

    tokens: float
    spent: float
    messages: int
    blocked: int
    score: float


_WIDE = {
    int: np.int64,
    float: np.float64,
    np.uint64: np.uint64,
}  # one width a kind: NumPy scalars then add as numba's do


def record(cls: type) -> np.dtype:
    """Structured dtype of a class of annotations. Raises TypeError for one that the compiler could not take."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        found |= inspect.get_annotations(base)
    for name, kind in found.items():
        if kind not in _WIDE:
            raise TypeError(f"{cls.__qualname__}.{name} is {kind!r}: a field is int or float")
        if hasattr(np.recarray, name) or hasattr(np.record, name):
            raise TypeError(f"{cls.__qualname__}.{name} would hide NumPy's own attribute: choose another name")
    return np.dtype([(name, _WIDE[kind]) for name, kind in found.items()], align=True)


@dataclass(frozen=True)
class Role:
    """One agent: its name, how many environment actions it has (1: it only speaks), and its own part of the observation."""

    name: str
    actions: int
    observation: int
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True)
class Layout:
    """Who plays, over which links. Raises ValueError if it is malformed, so that a game fails when made, not at step 10,000."""

    roles: tuple[Role, ...]
    links: tuple[tuple[int, int], ...]
    """(source, target) of every link, by index of the roles; what a source sends goes out on all its links."""
    turns: bool = False
    """Whether agents move in turn: then idle agents have one action, no loss and no bits."""
    cells: int = 0
    """Length of the board."""
    anonymous: bool = False
    """Whether an agent hears what was said but not by whom: then its links share one inbox."""
    holds: bool = False
    """Whether an inbox keeps what a link delivered last until it delivers again, or the game ends: for agents that act in turn
    on what was announced before."""
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(role.name for role in self.roles))
        if len(set(self.names)) != len(self.names) or not self.names:
            raise ValueError(f"agents {self.names!r} must have different names, at least one")
        if self.holds and self.anonymous:
            raise ValueError("a shared inbox cannot hold what each link delivered last: anonymous and holds exclude each other")
        for role in self.roles:
            whole("actions", role.actions, 1)
            whole("observation", role.observation, 0)
        for source, target in self.links:
            if not {source, target} <= set(range(len(self.roles))):
                raise bad("link", (source, target), f"two agents of 0..{len(self.roles) - 1}")
        # The inbox of an agent is one run of links, in the order of their sources.
        object.__setattr__(self, "links", tuple(sorted(set(self.links), key=lambda link: (link[1], link[0]))))

    def speaks(self, i: int) -> bool:
        """Whether agent i has anybody to talk to."""
        return any(source == i for source, _ in self.links)

    def inboxes(self, i: int) -> list[str]:
        """Whose message stands in each of the inboxes of agent i, in their order."""
        sources = [self.names[self.links[k][0]] for k in self.ears(i)]
        return ["somebody"] if self.anonymous and sources else sources

    def ears(self, i: int) -> list[int]:
        """The links that end at agent i, in the order of its inbox."""
        return [k for k, (_, target) in enumerate(self.links) if target == i]


class Rules(Protocol):
    """The module of a game, for the type checker."""

    __name__: str
    Options: type[Options]
    Game: type[Game]
    Agent: type[Agent]

    def layout(self, options: Any) -> Layout: ...
    def parameters(self, options: Any) -> Any: ...
    def reset(self, p: Any, game: Any, agents: Any, board: Any, rng: Any) -> None: ...
    def step(self, p: Any, game: Any, agents: Any, board: Any, act: Any, sent: Any, reward: Any, rng: Any) -> bool: ...
    def observe(self, p: Any, game: Any, agents: Any, board: Any, i: int, obs: Any) -> None: ...
    def limits(self, options: Any) -> Limits: ...
    def situations(self, options: Any) -> Situations | None: ...
    def describe(self, options: Any, game: Any, agents: Any, board: Any) -> str: ...


def choose(rules: Rules, options: Mapping[str, Any]) -> Options:
    """A game's options from keywords. Raises ValueError for an unknown one."""
    known = [f.name for f in fields(rules.Options)]
    if unknown := sorted(set(options) - set(known)):
        raise ValueError(f"unknown option {unknown[0]!r}; this game has {', '.join(known)}")
    return rules.Options(**options)
