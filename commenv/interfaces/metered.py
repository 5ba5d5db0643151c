"""A channel under any PettingZoo ParallelEnv that somebody else wrote.

    env = commenv.metered(pursuit_v5.parallel_env(), Channel(bits=2, erasure=.1))                 # agents learn to speak
    env = commenv.metered(simple_reference_v3.parallel_env(), Channel(error=.1), takes_over=True)     # what they say is metered

The environment keeps its rules, rewards and ends. The messages take their own way, through the compiled channel of our games.
What an agent does, says and sees with it stands in seats.py.
"""

from collections.abc import Iterable, Mapping
from typing import Any, cast

import numpy as np
from gymnasium.spaces import Box, Space
from pettingzoo import ParallelEnv
from pettingzoo.utils import BaseParallelWrapper

from commenv.core.batch import Batch
from commenv.core.channel import Channel
from commenv.core.errors import bad, whole
from commenv.core.game import Rules
from commenv.core.meter import Meter
from commenv.core.topology import links
from commenv.interfaces import exchange
from commenv.interfaces.seats import Added, Seat, Speech, TakenOver, joined

_HEARS = {"listener_0": {"speaker_0": slice(8, 11)}}
_HEAR = {"agent_0": {"agent_1": slice(11, 21)}, "agent_1": {"agent_0": slice(11, 21)}}
KNOWN = {
    "simple_speaker_listener_v4": (Speech({"speaker_0": 1}, _HEARS), Speech({"speaker_0": slice(0, 3)}, _HEARS)),
    "simple_reference_v3": (
        Speech({"agent_0": 5, "agent_1": 5}, _HEAR),
        Speech({"agent_0": slice(5, 15), "agent_1": slice(5, 15)}, _HEAR),
    ),
}
"""mpe2's environments, by the name in their metadata, for `takes_over=True`: with discrete and with continuous actions."""


class Metered(BaseParallelWrapper):
    """A ParallelEnv whose agents speak through a channel. Raises ValueError where the arguments do not fit the environment.

    channel: its rate is 2 bits a message unless it says another; where it takes over, that of the environment's own alphabet,
    or as many bits for each of the numbers as a message of floats takes.
    topology: who hears whom: a networkx graph; pairs (source, target) of names, or of numbers in the order of
    `possible_agents` as `core.topology.links` gives them; or "ring" or "star". Everybody hears everybody by default.
    takes_over: where the environment's own communication stands, or True for the environments in `KNOWN`; False adds messages.

    Added messages: an agent with listeners has the action [act, message], MultiDiscrete, where its own actions are Discrete,
    else {"action", "message"}, as always where the channel carries floats. An agent with speakers sees its inbox behind its own
    observation where that is a vector, else {"observation", "inbox"}; beside an observation with its own "action_mask" where
    that is a dictionary. For each speaker, in the order of `possible_agents`, the inbox is the delivered symbol one-hot with a
    last place for an erasure, zeros where nothing came; floats as `Channel.floats` says.
    An `action_mask`, in an observation or in infos, becomes one of the new actions, as `action_space.sample` takes it; where
    messages are floats, that of an observation stays as it is, inside of "observation".
    Taken over: spaces stay as they are, but for a channel of fewer symbols, whose speakers have fewer actions, and for one of
    floats with silence, whose speakers have one number more and speak where it is at least 0. The listener's slice shows what
    the channel delivered, a symbol one-hot or numbers at their levels; zeros for an erasure, as before the first message.

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
        if channel.topology is not None and (topology is not None or takes_over is not False):
            raise ValueError("topology of the channel is not allowed beside topology= or takes_over: say once who hears whom")
        speech: Any = self._known() if takes_over is True else None if takes_over is False else takes_over
        if takes_over is not False:
            if topology is not None:
                raise ValueError("takes_over already says who hears whom: leave topology out")
            if not isinstance(speech, Speech):
                raise bad("takes_over", speech, "True, False or a Speech")
            channel = speech.channel(env, channel)
            topology = speech.links
        options = exchange.Options(agents=names, links=_links(topology, names), channel=channel)
        self.batch = Batch(cast(Rules, exchange), options, 1, copy=False)
        self._seats = {name: self._seat(name, speech) for name in names}
        self._begun = False
        self._index = {name: a for a, name in enumerate(names)}
        own = getattr(env, "state_space", None)
        self._has_state = isinstance(own, Box)
        if isinstance(own, Box):
            inboxes = [self.batch.observation_spaces[name] for name in names]
            self.state_space = joined(own, *inboxes)

    def observation_space(self, agent: str) -> Space:
        return self._seats[agent].observation_space

    def action_space(self, agent: str) -> Space:
        return self._seats[agent].action_space

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        if seed is not None:  # before anything has begun anew
            whole("seed", seed, 0, 2**63 - 1)
        observations, infos = self.env.reset(seed=seed, options=options)
        self.batch.reset(seed)
        self._begun = True
        return self._told(observations, infos)

    def step(self, actions: Mapping[str, Any]) -> tuple[dict, dict, dict, dict, dict]:
        if not self._begun:
            raise RuntimeError("step() before reset(): call reset() first")
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
        """What every link has carried since the environment was made."""
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
        heard, kept = self.batch.observations, self.batch.state.agents[0]
        seen, told = dict(observations), dict(infos)
        for name in observations.keys() & self._seats.keys():
            a = self._index[name]
            seen[name] = self._seats[name].show(observations[name], heard[name][0])
            told[name] = info = dict(infos.get(name, {}))
            info["payload_bits"] = float(kept[a]["spent"])
            info["messages"], info["blocked"] = int(kept[a]["messages"]), int(kept[a]["blocked"])
            if "action_mask" in info:
                info["action_mask"] = self._seats[name].mask(info["action_mask"])
        return seen, *others, told

    def _known(self) -> Speech:
        name = getattr(self.env, "metadata", {}).get("name")
        if name not in KNOWN:
            raise ValueError(f"takes_over=True knows {', '.join(KNOWN)}, not {name!r}: describe its communication with a Speech")
        discrete, continuous = KNOWN[name]
        return continuous if any(isinstance(self.env.action_space(each), Box) for each in discrete.says) else discrete

    def _seat(self, name: str, speech: Speech | None) -> Seat:
        layout, channel = self.batch.layout, self.batch.channel
        act, see, speaks = self.env.action_space(name), self.env.observation_space(name), layout.speaks(self._names.index(name))
        if speech is None:
            return Added(name, act, see, channel, speaks, self.batch.observation_spaces[name])
        heard = [speech.heard(self.env, source, name) for source in layout.inboxes(self._names.index(name))]
        return TakenOver(name, act, see, channel, speech.says[name] if speaks else None, heard)


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
