"""A channel under any PettingZoo ParallelEnv that somebody else wrote.

    env = commenv.metered(pursuit_v5.parallel_env(), Channel(bits=2, erasure=.1))                 # agents learn to speak
    env = commenv.metered(simple_reference_v3.parallel_env(), Channel(error=.1), takes_over=True)     # what they say is metered

The environment keeps its rules, rewards and ends. The messages take their own way, through the compiled channel of our games.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import index
from typing import Any, cast

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete, Space
from pettingzoo import ParallelEnv
from pettingzoo.utils import BaseParallelWrapper

from commenv.core.batch import Batch
from commenv.core.channel import Channel
from commenv.core.errors import bad
from commenv.core.game import Rules
from commenv.core.meter import Meter
from commenv.core.topology import links
from commenv.interfaces import exchange


@dataclass(frozen=True)
class Speech:
    """Where an environment keeps the communication it already has."""

    moves: Mapping[str, int]
    """For each speaker how many acts it has besides speaking, 1 if none: its action is act + moves * message."""
    shows: Mapping[str, Mapping[str, slice]] = field(default_factory=dict)
    """For each listener, by speaker, the slice of its observation in which the message stands, one-hot."""


KNOWN = {
    "simple_speaker_listener_v4": Speech({"speaker_0": 1}, {"listener_0": {"speaker_0": slice(8, 11)}}),
    "simple_reference_v3": Speech(
        {"agent_0": 5, "agent_1": 5}, {"agent_0": {"agent_1": slice(11, 21)}, "agent_1": {"agent_0": slice(11, 21)}}
    ),
}
"""mpe2's environments with discrete actions, by the name in their metadata: for `takes_over=True`."""


class Metered(BaseParallelWrapper):
    """A ParallelEnv whose agents speak through a channel. Raises ValueError where the arguments do not fit the environment.

    channel: its rate is 2 bits a message unless it says another; where it takes over, that of the environment's own alphabet.
    topology: who hears whom: a networkx graph; pairs (source, target) of names, or of numbers in the order of
    `possible_agents` as `core.topology.links` gives them; or "ring" or "star". Everybody hears everybody by default.
    takes_over: where the environment's own communication stands, or True for the environments in `KNOWN`; False adds messages.

    Added messages: an agent with listeners has the action [act, message], MultiDiscrete, where its own actions are Discrete
    and messages are no floats, else {"action", "message"}. An agent with speakers sees its inbox behind its own observation
    where that is a vector, else {"observation", "inbox"}. For each speaker, in the order of `possible_agents`, the inbox is
    the delivered symbol one-hot with a last place for an erasure, or floats and that place; zeros where nothing came.
    Taken over: spaces stay as they are, but for a channel of fewer symbols, whose speakers have fewer actions. The listener's
    slice shows what the channel delivered: a symbol one-hot; zeros for an erasure, as before the first message.

    What is sent with the actions of a step is heard in the observations after it, by all who get one. Who is not in `agents`
    says nothing. infos have, beside the environment's own, `payload_bits`, `messages` and `blocked` of the agent in this
    episode; `meter` has every link since the environment was made.
    `state()` is the environment's own, flat, with all inboxes behind it.
    reset(seed) seeds environment and channel; reset() draws new noise.
    """

    def __init__(self, env: Any, channel: Any = None, *, topology: Any = None, takes_over: Speech | bool = False) -> None:
        if not isinstance(env, ParallelEnv):
            raise bad(
                "env", type(env).__name__, "a PettingZoo ParallelEnv; pettingzoo.utils.aec_to_parallel makes one of an AECEnv"
            )
        if not getattr(env, "possible_agents", None):
            raise ValueError("the environment does not say its possible_agents: who may speak must be known from the start")
        super().__init__(env)
        names = self._names = tuple(env.possible_agents)
        channel = Channel.of(channel)
        speech = self._known() if takes_over is True else takes_over or None
        if speech is not None:
            if topology is not None:
                raise ValueError("takes_over already says who hears whom: leave topology out")
            if channel.floats:
                raise ValueError(
                    "takes_over needs a channel of symbols, not of floats: such an environment shows messages one-hot"
                )
            alphabet = _alphabet(env, speech)
            channel = channel if channel.rated else Channel.of({**channel.fields(), "symbols": alphabet})
            if channel.size > alphabet:
                raise ValueError(f"the channel has {channel.size} symbols, the environment's own messages only {alphabet}")
            topology = [(source, target) for target, sources in speech.shows.items() for source in sources]
        options = exchange.Options(agents=names, links=_links(topology, names), channel=channel)
        self.batch = Batch(cast(Rules, exchange), options, 1, copy=False)
        self._seats = {name: self._seat(name, speech) for name in names}
        self._index = {name: a for a, name in enumerate(names)}
        own = getattr(env, "state_space", None)
        self._has_state = isinstance(own, Box)
        if isinstance(own, Box):
            inboxes = [self.batch.observation_spaces[name] for name in names]
            self.state_space = _joined(own, *inboxes)

    def observation_space(self, agent: str) -> Space:
        return self._seats[agent].observation_space

    def action_space(self, agent: str) -> Space:
        return self._seats[agent].action_space

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        observations, infos = self.env.reset(seed=seed, options=options)
        self.batch.reset(seed)
        return self._told(observations, infos)

    def step(self, actions: Mapping[str, Any]) -> tuple[dict, dict, dict, dict, dict]:
        present = self.env.agents
        if not isinstance(actions, Mapping) or set(actions) != set(present):
            given = list(actions) if isinstance(actions, Mapping) else actions
            raise bad("actions", given, f"a dictionary by agent of {present}")
        split = {name: self._seats[name].split(action) for name, action in actions.items()}
        observations, rewards, terminations, truncations, infos = self.env.step({name: own for name, (own, _) in split.items()})
        board, message = self.batch.state.board[0], self.batch.buffers.message
        for a, name in enumerate(self._names):
            board[a], board[len(self._names) + a] = name in split, name in observations
            message[a, 0] = split[name][1] if name in split else 0
        self.batch.advance()
        return cast(Any, self._told(observations, infos, rewards, terminations, truncations))

    def state(self) -> np.ndarray:
        own = self.env.state()
        if not self._has_state:
            return own
        inboxes = [rows[0] for rows in self.batch.observations.values()]
        return np.concatenate([np.ravel(own), *inboxes], dtype=self.state_space.dtype)

    @property
    def meter(self) -> Meter:
        """What every link has carried since the environment was made, or `batch.clear_meter()` was called."""
        return self.batch.meter

    def beside_inbox(self, agent: str, observation: Any) -> Any:
        """What of an agent's observation did not come through the channel."""
        return self._seats[agent].beside_inbox(observation)

    def compose(self, agent: str, action: Any, message: int) -> Any:
        """The same act with another message; 0 for an agent to whom nobody listens."""
        return self._seats[agent].join(self._seats[agent].split(action)[0], message)

    def message(self, agent: str, action: Any) -> int:
        """The message in an action."""
        return self._seats[agent].split(action)[1]

    # ------------------------------------------------------------------------------------------------ inside
    def _told(self, observations: dict, infos: dict, *others: dict) -> tuple:
        heard, buffers = self.batch.observations, self.batch.buffers
        seen, told = dict(observations), dict(infos)
        for name in observations.keys() & self._seats.keys():
            a = self._index[name]
            seen[name] = self._seats[name].show(observations[name], heard[name][0])
            told[name] = info = dict(infos.get(name, {}))
            info["payload_bits"] = float(buffers.spent[a, 0])
            info["messages"] = int(buffers.aired[a, 0])
            info["blocked"] = int(buffers.blocked[a, 0])
            if "action_mask" in info:
                info["action_mask"] = self._seats[name].mask(info["action_mask"])
        return seen, *others, told

    def _known(self) -> Speech:
        name = getattr(self.env, "metadata", {}).get("name")
        if name not in KNOWN:
            raise ValueError(f"takes_over=True knows {', '.join(KNOWN)}, not {name!r}: describe its communication with a Speech")
        return KNOWN[name]

    def _seat(self, name: str, speech: Speech | None) -> "_Seat":
        a, layout, M = self._names.index(name), self.batch.layout, self.batch.channel.size
        act, see = self.env.action_space(name), self.env.observation_space(name)
        if speech is None:
            return _Added(act, see, self.batch.channel if layout.speaks(a) else None, self.batch.observation_spaces[name])
        moves = speech.moves[name] if layout.speaks(a) else None
        places = [speech.shows[name][source] for source in layout.inboxes(a)]
        return _TakenOver(name, act, see, M, moves, places)


class _Seat:
    """How one agent speaks and hears: splits its action, shows it its inbox."""

    action_space: Space
    observation_space: Space

    def split(self, action: Any) -> tuple[Any, int]:
        """The environment's own action, and the message."""
        raise NotImplementedError

    def join(self, own: Any, message: int) -> Any:
        raise NotImplementedError

    def show(self, observation: Any, inbox: np.ndarray) -> Any:
        raise NotImplementedError

    def beside_inbox(self, observation: Any) -> Any:
        raise NotImplementedError

    def mask(self, mask: Any) -> Any:
        return mask


class _Added(_Seat):
    """Messages that the environment knows nothing of."""

    def __init__(self, act: Space, see: Space, channel: Channel | None, inbox: Space) -> None:
        self._act, self._channel, (self._width,) = act, channel, inbox.shape or ()
        floats = channel.floats if channel is not None else None
        self._messages = channel.size if channel is not None else 0
        self._spoken = Box(-1, 1, (floats + channel.silence,), np.float32) if channel is not None and floats else None
        self._pairs = isinstance(act, Discrete) and self._spoken is None
        self._start = int(act.start) if isinstance(act, Discrete) else 0
        self._vector = isinstance(see, Box) and len(see.shape) == 1
        if not self._messages:
            self.action_space = act
        elif self._pairs:
            self.action_space = MultiDiscrete([int(cast(Discrete, act).n), self._messages], start=[self._start, 0])
        else:
            self.action_space = Dict({"action": act, "message": self._spoken or Discrete(self._messages)})
        if not self._width:
            self.observation_space = see
        elif self._vector:
            self.observation_space = _joined(cast(Box, see), cast(Box, inbox))
        else:
            self.observation_space = Dict({"observation": see, "inbox": inbox})

    def split(self, action: Any) -> tuple[Any, int]:
        if not self._messages:
            return action, 0
        try:
            if self._pairs:
                own, message = (index(number) for number in action)
                fits = 0 <= own - self._start < int(cast(Discrete, self._act).n)
            else:
                own, message = action["action"], self._packed(action["message"])
                fits = True  # the environment looks at its own
        except (TypeError, ValueError, KeyError, IndexError):
            fits = False
        if not fits or not 0 <= message < self._messages:
            raise bad("action", action, f"in {self.action_space}")
        return own, message

    def join(self, own: Any, message: int) -> Any:
        if not self._messages:
            return own
        if self._pairs:
            return np.array([own, message])
        said = message if self._spoken is None else cast(Channel, self._channel).values(message).astype(np.float32)
        return {"action": own, "message": said}

    def _packed(self, said: Any) -> int:
        if self._spoken is None:
            return index(said)
        values = np.asarray(said, np.float64)
        if values.shape != self._spoken.shape or not ((values >= -1) & (values <= 1)).all():
            raise ValueError  # `split` says of what
        return int(cast(Channel, self._channel).pack(values[None])[0])

    def show(self, observation: Any, inbox: np.ndarray) -> Any:
        if not self._width:
            return observation
        if self._vector:
            return np.concatenate([observation, inbox], dtype=cast(Any, self.observation_space.dtype))
        return {"observation": observation, "inbox": inbox.copy()}

    def beside_inbox(self, observation: Any) -> Any:
        if not self._width:
            return observation
        return observation[: -self._width] if self._vector else observation["observation"]

    def mask(self, mask: Any) -> Any:
        both = self._messages and self._pairs
        return (np.asarray(mask, np.int8), np.ones(self._messages, np.int8)) if both else mask


class _TakenOver(_Seat):
    """Messages for which the environment has a place already; `moves` is None for an agent to whom nobody listens."""

    def __init__(self, name: str, act: Space, see: Space, symbols: int, moves: int | None, places: list[slice]) -> None:
        self._moves, self._symbols, self._places = moves, symbols, places
        self.action_space = act if moves is None or int(cast(Discrete, act).n) == moves * symbols else Discrete(moves * symbols)
        self.observation_space = see
        for place in places:
            if not isinstance(see, Box) or len(see.shape) != 1:
                raise ValueError(f"{name} sees {see}: a message can be shown only in a vector")
            if len(range(*place.indices(see.shape[0]))) < symbols:
                raise bad(f"shows of {name}", place, f"within its {see.shape[0]} numbers and at least {symbols} long")

    def split(self, action: Any) -> tuple[Any, int]:
        if self._moves is None:
            return action, 0
        try:
            number = index(action)
        except TypeError:
            number = -1
        if not 0 <= number < self._moves * self._symbols:
            raise bad("action", action, f"in {self.action_space}")
        return action, number // self._moves

    def join(self, own: Any, message: int) -> Any:
        return own if self._moves is None else int(own) % self._moves + self._moves * message

    def show(self, observation: Any, inbox: np.ndarray) -> Any:
        shown = np.array(observation)
        for place, delivered in zip(self._places, inbox.reshape(len(self._places), self._symbols + 1), strict=True):
            shown[place] = 0
            shown[place][: self._symbols] = delivered[:-1]
        return shown

    def beside_inbox(self, observation: Any) -> Any:
        rest = np.array(observation)
        for place in self._places:
            rest[place] = 0
        return rest


def _alphabet(env: ParallelEnv, speech: Speech) -> int:
    """How many messages the environment's own speakers have. Raises ValueError for a description that does not fit."""
    names = set(env.possible_agents)
    heard = {source for sources in speech.shows.values() for source in sources}
    if unknown := sorted((set(speech.shows) | heard | set(speech.moves)) - names):
        raise bad("takes_over", unknown[0], f"about agents of {sorted(names)}")
    if set(speech.moves) != heard:
        raise ValueError(f"takes_over says how {sorted(speech.moves)} speak, but {sorted(heard)} are heard: it must be the same")
    sizes = set()
    for name, moves in speech.moves.items():
        space = env.action_space(name)
        if not isinstance(space, Discrete) or space.start != 0 or int(space.n) % moves:
            raise ValueError(f"{name} acts in {space}: it must be Discrete, with {moves} acts for each message")
        sizes.add(int(space.n) // moves)
    if len(sizes) != 1:
        raise ValueError(f"takes_over is for speakers of one alphabet, these have {sorted(sizes)} messages")
    return sizes.pop()


def _links(topology: Any, names: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """Pairs of indices; a graph's undirected edges go both ways."""
    if topology is None:
        pairs: Iterable = [(source, target) for source in names for target in names if source != target]
    elif isinstance(topology, str):
        return links(topology, names=names)
    elif hasattr(topology, "to_directed"):
        pairs = topology.to_directed().edges()
    else:
        pairs = topology
    known = {a: a for a in range(len(names))} | {name: a for a, name in enumerate(names)}
    try:
        named = [(source, target) for source, target in pairs]
        strange = [pair for pair in named if not set(pair) <= known.keys()]
    except (TypeError, ValueError):
        raise bad("topology", topology, "a networkx graph, a name of one, or pairs (source, target) of agents") from None
    if strange:
        raise bad("link", strange[0], f"two of the agents {list(names)}")
    return tuple((known[source], known[target]) for source, target in named)


def _joined(*boxes: Any) -> Box:
    """One box of boxes one after another, in a float type that holds them all."""
    kind = np.result_type(*(box.dtype for box in boxes), np.float32)
    low = np.concatenate([box.low.ravel() for box in boxes]).astype(kind)
    high = np.concatenate([box.high.ravel() for box in boxes]).astype(kind)
    return Box(low, high, dtype=kind.type)
