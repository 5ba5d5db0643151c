"""How one agent of somebody else's environment speaks and hears: its spaces, the message in its action, the inbox in its sight.

`Added` gives it messages that the environment knows nothing of; `TakenOver` uses the place that the environment has for them,
which a `Speech` describes. metered.py puts the channel between the seats.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import index
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Space, Tuple
from pettingzoo import ParallelEnv

from commenv.core.channel import MAX_BITS, MAX_FLOATS, Channel
from commenv.core.errors import bad, whole


class Shown(NamedTuple):
    """Where a listener sees what a speaker said and, if that is numbers, between which bounds they lie."""

    place: slice
    bounds: tuple[np.ndarray, np.ndarray] | None


@dataclass(frozen=True)
class Speech:
    """Where an environment keeps the communication it already has."""

    says: Mapping[str, int | slice]
    """For each speaker where in its action it speaks. Discrete: how many acts it has besides, 1 if none; its action is
    act + acts * message. Box: the slice of the numbers that it says."""
    shows: Mapping[str, Mapping[str, slice]] = field(default_factory=dict)
    """For each listener, by speaker, the slice of its observation in which the message stands: one-hot, or the numbers."""

    @property
    def links(self) -> list[tuple[str, str]]:
        """(speaker, listener)."""
        return [(source, target) for target, sources in self.shows.items() for source in sources]

    def channel(self, env: ParallelEnv, channel: Channel) -> Channel:
        """The channel, at the rate of the environment's own messages if it says none. Raises ValueError where it does not fit."""
        self._check(set(env.possible_agents))
        kinds = {self._kind(name, env.action_space(name)) for name in self.says}
        if len(kinds) != 1:
            raise ValueError(f"takes_over is for speakers of one alphabet, these have {sorted(kinds)}")
        ((kind, size),) = kinds
        if channel.eavesdrop:
            raise ValueError("takes_over has no place to show what is overheard: leave eavesdrop out")
        if kind == "floats":
            if channel.floats not in (None, size) or (channel.floats is None and channel.rated):
                raise ValueError(f"the environment speaks in {size} numbers: the channel needs floats={size}, or no rate")
            finest = min(MAX_BITS, MAX_FLOATS // size)
            return Channel.of({"floats": size, "bits": finest, **channel.fields()})
        if channel.floats is not None:
            raise ValueError(f"the environment speaks in {size} symbols: the channel cannot have floats={channel.floats}")
        channel = channel if channel.rated else Channel.of({**channel.fields(), "symbols": size})
        if channel.size > size:
            raise ValueError(f"the channel has {channel.size} symbols, the environment's own messages only {size}")
        return channel

    def heard(self, env: ParallelEnv, source: str, target: str) -> Shown:
        says, space = self.says[source], env.action_space(source)
        bounds = (space.low[says], space.high[says]) if isinstance(space, Box) else None
        return Shown(self.shows[target][source], bounds)

    def _check(self, names: set[str]) -> None:
        if not isinstance(self.says, Mapping) or not all(isinstance(how, int | slice) for how in self.says.values()):
            raise bad("says of takes_over", self.says, "a number of acts, or a slice, by speaker")
        shown = self.shows.values() if isinstance(self.shows, Mapping) else [None]
        if not all(isinstance(by, Mapping) and all(isinstance(place, slice) for place in by.values()) for by in shown):
            raise bad("shows of takes_over", self.shows, "slices by listener and speaker")
        heard = {source for source, _ in self.links}
        if unknown := sorted((set(self.shows) | heard | set(self.says)) - names, key=str):
            raise bad("takes_over", unknown[0], f"about agents of {sorted(names, key=str)}")
        if set(self.says) != heard:
            raise ValueError(f"takes_over says how {sorted(self.says)} speak, but {sorted(heard)} are heard: it must be the same")

    def _kind(self, name: str, space: Space) -> tuple[str, int]:
        """("symbols", how many) or ("floats", how many)."""
        says = self.says[name]
        if isinstance(says, slice):
            size = len(range(*says.indices(space.shape[0]))) if isinstance(space, Box) and len(space.shape) == 1 else 0
            if not size or not isinstance(space, Box) or not np.isfinite([space.low[says], space.high[says]]).all():
                raise ValueError(f"{name} acts in {space}: it must be a Box of one dimension, with bounds where it speaks")
            return "floats", size
        acts = whole(f"says of {name}", says, 1)
        if not isinstance(space, Discrete) or space.start != 0 or int(space.n) % acts:
            raise ValueError(f"{name} acts in {space}: it must be Discrete, with {acts} acts for each message")
        return "symbols", int(space.n) // acts


class Seat(Protocol):
    """How one agent speaks and hears."""

    action_space: Space
    observation_space: Space

    def split(self, action: Any) -> tuple[Any, int]:
        """The environment's own action, and the message. Raises ValueError for an action outside of the space."""

    def join(self, own: Any, message: int) -> Any:
        """Inverse of `split`, floats at their levels."""

    def show(self, observation: Any, inbox: np.ndarray) -> Any:
        """What the agent sees: the environment's own observation, and its inbox."""

    def beside_inbox(self, observation: Any) -> Any:
        """What of that did not come through the channel."""

    def mask(self, mask: Any) -> Any:
        """A mask of the environment's own actions, for those of the seat."""


class Added:
    """Messages that the environment knows nothing of."""

    def __init__(self, name: str, act: Space, see: Space, channel: Channel, speaks: bool, inbox: Space) -> None:
        self._name, self._act, self._channel, self._speaks = name, act, channel, speaks
        (self._width,) = inbox.shape or ()
        self._start = int(act.start) if isinstance(act, Discrete) else 0
        self._pairs = isinstance(act, Discrete) and not channel.floats
        self._numbers = Box(-1, 1, (channel.floats + channel.silence,), np.float32) if channel.floats else None
        if not speaks:
            self.action_space = act
        elif self._pairs:
            self.action_space = MultiDiscrete([int(cast(Discrete, act).n), channel.size], start=[self._start, 0])
        else:
            self.action_space = Dict({"action": act, "message": self._numbers or Discrete(channel.size)})
        self._vector = isinstance(see, Box) and len(see.shape) == 1
        masked = isinstance(see, Dict) and "action_mask" in see.spaces and "inbox" not in see.spaces
        # Floats have no mask that could stand in an observation: the environment's own must then not look like that of all.
        self._hidden = masked and speaks and bool(channel.floats)
        self._masked = masked and not self._hidden
        self._grown = self._masked and speaks
        self.observation_space = self._sight(see, inbox)

    def _sight(self, see: Space, inbox: Space) -> Space:
        if self._masked:
            spaces = {**cast(Dict, see).spaces, **({"inbox": inbox} if self._width else {})}
            if self._grown:
                says = MultiBinary(self._channel.size)
                acts = MultiBinary(int(self._act.n)) if isinstance(self._act, Discrete) else spaces["action_mask"]
                spaces["action_mask"] = Tuple((acts, says)) if self._pairs else Dict({"action": acts, "message": says})
            return Dict(spaces)
        if not self._width:
            return Dict({"observation": see}) if self._hidden else see
        return joined(see, inbox) if self._vector else Dict({"observation": see, "inbox": inbox})

    def split(self, action: Any) -> tuple[Any, int]:
        if not self._speaks:
            return action, 0
        try:
            if self._pairs:
                own, message = (index(number) for number in action)
                fits = 0 <= own - self._start < int(cast(Discrete, self._act).n)
            else:
                own, message = action["action"], self._message(action["message"])
                fits = len(action) == 2  # the environment looks at its own
        except (TypeError, ValueError, KeyError, IndexError):
            fits = False
        if not fits or not 0 <= message < self._channel.size:
            raise bad(f"action of {self._name}", action, f"in {self.action_space}")
        return own, message

    def _message(self, said: Any) -> int:
        if self._numbers is None:
            return index(said)
        values = np.asarray(said, np.float32)
        return int(self._channel.pack(values[None])[0]) if self._numbers.contains(values) else -1

    def join(self, own: Any, message: int) -> Any:
        if not self._speaks:
            return own
        if self._pairs:
            return np.array([own, message])
        says = self._channel.unpack(np.array([message]))[0].astype(np.float32) if self._numbers else message
        return {"action": own, "message": says}

    def show(self, observation: Any, inbox: np.ndarray) -> Any:
        if self._masked:
            shown = dict(observation) | ({"inbox": inbox.copy()} if self._width else {})
            if self._grown:
                shown["action_mask"] = self.mask(observation["action_mask"])
            return shown
        if not self._width:
            return {"observation": observation} if self._hidden else observation
        if self._vector:
            return np.concatenate([observation, inbox], dtype=cast(Any, self.observation_space.dtype))
        return {"observation": observation, "inbox": inbox.copy()}

    def beside_inbox(self, observation: Any) -> Any:
        if not self._width:
            return observation
        if self._masked:
            return {key: value for key, value in observation.items() if key != "inbox"}
        return observation[: -self._width] if self._vector else observation["observation"]

    def mask(self, mask: Any) -> Any:
        if not self._speaks:
            return mask
        says = None if self._numbers else np.ones(self._channel.size, np.int8)
        if not self._pairs:
            return {"action": mask, "message": says}
        return None if mask is None else (np.asarray(mask, np.int8), says)


class TakenOver:
    """Messages for which the environment has a place already; `says` is None for an agent to whom nobody listens."""

    def __init__(self, name: str, act: Space, see: Space, channel: Channel, says: int | slice | None, heard: list[Shown]) -> None:
        self._name, self._channel, self._says, self._heard = name, channel, says, heard
        self.action_space, self.observation_space = act, see
        if isinstance(says, slice):
            box = cast(Box, act)
            self._low, self._high = box.low[says], box.high[says]
            if channel.silence:
                self.action_space = joined(act, Box(-1, 1, (1,), np.float32))
        elif says is not None and int(cast(Discrete, act).n) != says * channel.size:
            self.action_space = Discrete(says * channel.size)
        for place, _ in heard:
            if not isinstance(see, Box) or len(see.shape) != 1 or (channel.floats and np.dtype(see.dtype).kind != "f"):
                raise ValueError(f"{name} sees {see}: a message can be shown only in a vector, numbers in one of floats")
            if len(range(*place.indices(see.shape[0]))) < channel.places - 1:
                raise bad(f"shows of {name}", place, f"within its {see.shape[0]} numbers and at least {channel.places - 1} long")

    def split(self, action: Any) -> tuple[Any, int]:
        if self._says is None:
            return action, 0
        try:
            if isinstance(self._says, slice):
                values = np.asarray(action, self.action_space.dtype)
                if self.action_space.contains(values):
                    return self._of_numbers(values, self._says)
            elif 0 <= (number := index(action)) < self._says * self._channel.size:
                return action, number // self._says
        except (TypeError, ValueError):  # no number, or none that could be one
            pass
        raise bad(f"action of {self._name}", action, f"in {self.action_space}")

    def _of_numbers(self, values: np.ndarray, says: slice) -> tuple[np.ndarray, int]:
        own = values[:-1] if self._channel.silence else values
        said = (2 * (own[says] - self._low) / (self._high - self._low) - 1).clip(-1, 1)
        return own, int(self._channel.pack(np.append(said, values[-1])[None])[0])

    def join(self, own: Any, message: int) -> Any:
        if self._says is None:
            return own
        if not isinstance(self._says, slice):
            return int(own) % self._says + self._says * message
        values, own = self._channel.unpack(np.array([message]))[0], np.array(own)
        d = len(self._low)
        own[self._says] = _scaled(values[:d], self._low, self._high)
        return np.concatenate([own, values[d:]], dtype=own.dtype)

    def show(self, observation: Any, inbox: np.ndarray) -> Any:
        shown = np.array(observation)
        for (place, bounds), delivered in zip(self._heard, inbox.reshape(len(self._heard), self._channel.places), strict=True):
            said = delivered[:-1]
            if bounds is not None and said.any():  # no level is 0: zeros are silence, an erasure, or nothing yet
                said = _scaled(said, *bounds)
            shown[place] = 0
            shown[place][: len(said)] = said
        return shown

    def beside_inbox(self, observation: Any) -> Any:
        rest = np.array(observation)
        for place, _ in self._heard:
            rest[place] = 0
        return rest

    def mask(self, mask: Any) -> Any:
        return mask if mask is None or not isinstance(self._says, int) else mask[: self._says * self._channel.size]


def _scaled(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """From [-1, 1] to the bounds."""
    return low + (values + 1) / 2 * (high - low)


def joined(*boxes: Any) -> Box:
    """One box of boxes one after another, in a float type that holds them all."""
    kind = np.result_type(*(box.dtype for box in boxes), np.float32)
    low = np.concatenate([box.low.ravel() for box in boxes]).astype(kind)
    high = np.concatenate([box.high.ravel() for box in boxes]).astype(kind)
    return Box(low, high, dtype=kind.type)
