"""One game as a PettingZoo ParallelEnv."""

from collections.abc import Mapping
from operator import index
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete, Tuple
from pettingzoo import ParallelEnv

from commenv.core import game as core
from commenv.core.batch import Batch
from commenv.core.channel import Channel
from commenv.core.errors import bad
from commenv.games import rules

Mask = np.ndarray | tuple[np.ndarray | None, ...] | None
Infos = dict[str, dict[str, Any]]

MODES, FPS = ["human", "ansi", "rgb_array"], 2
"""How a game may be rendered, and how many pictures a second people can follow."""

_MAPPINGS = dict, Mapping  # in this order: an abstract class takes longer to ask than a step may
_INTEGER = np.dtype(np.int64)  # whose arrays give their numbers five times as fast at once as one by one
_listed = np.ndarray.tolist


class _Seat(NamedTuple):
    """Where an agent's numbers stand in the batch's buffers, looked up once: a step of one game has no time for more."""

    name: str
    slots: tuple[tuple[np.ndarray, int], ...]  # for each number of its action, where it goes and how many there are
    seen: np.ndarray
    last: np.ndarray  # the observation at the end of a game
    free: Mask
    idle: Mask


class SimultaneousEnv(ParallelEnv):
    """One game: all agents act at once or, in games of turns, the one whose turn it is.

    reset(seed) begins the first game of that seed and reset() the next one, as in `make_batch`. Where agents move in turn,
    an idle agent's action is ignored and may be left out. `agents` is empty once the game is over.
    infos, by agent: `active`, whether it acts next; `action_mask` in games of turns, as `action_space.sample` takes it, with
    one action for an idle agent; `payload_bits`, `messages`, `blocked` of this game; `success` and the game's own
    figures, 0 until it is over, if it measures any.

    `state()`, for centralised critics: what all agents see, one after another in the order of `possible_agents`.

    render_mode: `ansi` returns a string, `human` prints it at every step, `rgb_array` draws the agents and what their links
    have delivered. `batch` is what runs underneath, with its meter.
    Raises ValueError for an unknown id, a bad option, and an action that is missing or outside its space.
    """

    def __init__(self, id: str, render_mode: str | None = None, **options: Any) -> None:
        if render_mode is not None and render_mode not in MODES:
            raise bad("render_mode", render_mode, f"None or one of {MODES}")
        module = rules(id)
        self.metadata = {"name": id, "render_modes": MODES, "is_parallelizable": True, "render_fps": FPS}
        self.render_mode = render_mode
        self.batch = Batch(module, core.choose(module, options), 1, copy=False)
        self.possible_agents: list[str] = self.batch.possible_agents
        self.observation_spaces = self.batch.observation_spaces
        self.action_spaces = self.batch.action_spaces
        boxes: list[Any] = list(self.observation_spaces.values())
        low, high = np.concatenate([box.low for box in boxes]), np.concatenate([box.high for box in boxes])
        self.state_space = Box(low, high, dtype=np.float32)
        self.agents: list[str] = []
        self.movers: list[str] = []
        """Who acts next."""
        self._next_stands = False  # the batch has begun the next game by itself
        self._position = ""
        self._bind()

    def observation_space(self, agent: str) -> gymnasium.Space:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> gymnasium.Space:
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict[str, np.ndarray], Infos]:
        """Begin a game: with `seed` its first one, else the next one. `options` are PettingZoo's and have no meaning here."""
        if seed is not None or not self._next_stands:
            self.batch.reset(seed)
        self._next_stands = False
        self.agents = self.possible_agents.copy()
        return self._look(over=False)

    def step(
        self, actions: Mapping[str, Any]
    ) -> tuple[dict[str, np.ndarray], dict[str, float], dict[str, bool], dict[str, bool], Infos]:
        if not self.agents:
            raise RuntimeError("step() outside of a game: it is over or has not begun, call reset()")
        if not isinstance(actions, _MAPPINGS) or not self._names.issuperset(actions):
            given = list(actions) if isinstance(actions, Mapping) else actions
            raise bad("actions", given, f"a dictionary by agent of {self.possible_agents}")
        for name in self.movers:
            if name not in actions:
                raise ValueError(f"actions={list(actions)} are not enough: {self.movers} must act")
            self.put(name, actions[name])
        return self.play()

    def put(self, name: str, action: Any) -> None:
        """Lay down an agent's action for the next `play`. Raises ValueError unless it is in its space."""
        slots = self._seats[name].slots
        if self._vectors and name in self._vectors:
            space = self.action_spaces[name]
            if isinstance(space, Tuple) and isinstance(action, tuple | list) and len(action) == 2:
                action = (action[0], np.asarray(action[1], np.float32))
            elif not isinstance(space, Tuple):
                action = np.asarray(action, np.float32)
            if not space.contains(action):
                raise bad(f"action of {name}", action, f"in {space}")
            act, values = action if isinstance(space, Tuple) else (0, action)
            slots[0][0][0], slots[-1][0][0] = int(act), self.batch.channel.pack(values[None])[0]
            return
        try:
            if len(slots) == 1:
                ((place, count),) = slots
                number = index(action)
                if 0 <= number < count:
                    place[0] = number
                    return
            else:
                (act, acts), (message, messages) = slots
                numbers = action.tolist() if type(action) is np.ndarray and action.dtype is _INTEGER else action
                move, word = map(index, numbers)
                if 0 <= move < acts and 0 <= word < messages:
                    act[0], message[0] = move, word
                    return
        except (TypeError, ValueError):  # no integer, or not two
            pass
        raise bad(f"action of {name}", action, f"in {self.action_spaces[name]}")

    def play(self) -> tuple[dict[str, np.ndarray], dict[str, float], dict[str, bool], dict[str, bool], Infos]:
        """One step with the actions that were put."""
        self.batch.advance()
        terminated, truncated = self._terminated.item(), self._truncated.item()
        over = self._next_stands = terminated or truncated
        if over:
            self.agents = []
        observations, infos = self._look(over)
        names = self.possible_agents
        rewards = dict(zip(names, self._rewards.tolist()))  # noqa: B905, a reward an agent
        return observations, rewards, dict.fromkeys(names, terminated), dict.fromkeys(names, truncated), infos

    def state(self) -> np.ndarray:
        return np.concatenate([seat.last if self._next_stands else seat.seen for seat in self._seats.values()])

    def render(self) -> str | np.ndarray | None:
        """The position, what the links delivered last and, when it is over, what the game has earned."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() does nothing without a render_mode: make the environment with render_mode='ansi'")
            return None
        lines = [self._position]
        if self._next_stands:
            earned = zip(self.possible_agents, self._ended["score"].tolist(), strict=True)
            lines.append("over: " + ", ".join(f"{name} earned {score:g}" for name, score in earned))
        if self.render_mode == "rgb_array":
            from commenv.interfaces.picture import picture

            names = self.possible_agents
            links = [(names[source], names[target]) for source, target in self.batch.layout.links]
            return picture(names, links, self._deliveries(), self.movers, lines)
        lines[1:1] = [f"{source} -> {target}: {what}" for source, target, what in self._deliveries()]
        text = "\n".join(lines)
        if self.render_mode == "ansi":
            return text
        print(text)
        return None

    def close(self) -> None:
        """There is nothing to release."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._bind()  # copied views would no longer look into the batch

    # ------------------------------------------------------------------------------------------------ one seat an agent
    def _bind(self) -> None:
        buffers, layout = self.batch.buffers, self.batch.layout
        self._names = frozenset(self.possible_agents)
        self._rewards, self._ended = buffers.reward[:, 0], buffers.ended[0]
        self._terminated, self._truncated, self._success = buffers.terminated, buffers.truncated, buffers.success
        active, kept = buffers.active[:, 0], self.batch.state.agents[0]
        self._running, self._over = (
            (active, whose["spent"], whose["messages"], whose["blocked"]) for whose in (kept, self._ended)
        )
        self._turns, self._measured = layout.turns, self.batch.measures_success
        self._figures = [(figure, self._ended[figure]) for figure in self.batch.figures]
        floats = self.batch.channel.floats
        self._vectors = {name for a, name in enumerate(self.possible_agents) if floats and layout.speaks(a)}
        self._seats: dict[str, _Seat] = {}
        start = 0
        for a, name in enumerate(self.possible_agents):
            space: Any = self.action_spaces[name]
            if isinstance(space, Box | Tuple):
                actions: Any = space[0] if isinstance(space, Tuple) else Discrete(1)
                counts, places = [int(actions.n), 1], [buffers.act[a], buffers.message[a]]
            elif isinstance(space, MultiDiscrete):
                counts, places = space.nvec.tolist(), [buffers.act[a], buffers.message[a]]
            else:
                counts, places = [int(space.n)], [buffers.message[a] if layout.speaks(a) else buffers.act[a]]
            (width,) = self.observation_spaces[name].shape or ()
            own = slice(start, start + width)
            start += width
            slots = tuple(zip(places, counts, strict=True))
            free, idle = _masks(space, counts)
            self._seats[name] = _Seat(name, slots, buffers.observation[own], buffers.final[own], free, idle)

    def _look(self, over: bool) -> tuple[dict[str, np.ndarray], Infos]:
        observations, infos = {}, {}
        self.movers = movers = []
        success = self._success.item() if over else 0.0
        turns, measured, figures = self._turns, self._measured, self._figures
        numbers = map(_listed, self._over if over else self._running)
        for seat, active, spent, messages, blocked in zip(self._seats.values(), *numbers):  # noqa: B905, an entry an agent
            name, _, seen, last, free, idle = seat
            moves = active and not over
            if moves:
                movers.append(name)
            observations[name] = last.copy() if over else seen.copy()
            infos[name] = info = {"active": moves, "payload_bits": spent, "messages": messages, "blocked": blocked}
            if turns and free is not None:
                info["action_mask"] = free if moves else idle
            if measured:  # from the start: TorchRL takes no key that `reset` has not shown
                info["success"] = success
            for figure, ended in figures:
                info[figure] = ended[len(infos) - 1].item() if over else 0.0
        if self.render_mode is not None:
            if not over:  # the batch has left a game that is over: its last position stays on the page
                self._position = self.batch.describe()
            if self.render_mode == "human":
                self.render()
        return observations, infos

    def _deliveries(self) -> list[tuple[str, str, str]]:
        """(source, target, what it heard), what was overheard last."""
        layout, channel, names = self.batch.layout, self.batch.channel, self.possible_agents
        heard = []
        for a, (name, seat) in enumerate(self._seats.items()):
            inbox = (seat.last if self._next_stands else seat.seen)[self.batch.inbox(name)].reshape(-1, channel.places)
            sources, overheard = layout.inboxes(a), self.batch.heard_by(name)[len(layout.ears(a)) :]
            ends = [(source, "") for source in sources] + [(names[s], f", on its way to {names[t]}") for s, t in overheard]
            for (source, aside), places in zip(ends, inbox, strict=True):
                heard += [(source, name, what + aside) for what in _words(channel, places)]
        return heard


def _words(channel: Channel, places: np.ndarray) -> list[str]:
    """What stands in one box of an inbox, for people: nothing, one thing, or several where nobody knows who spoke."""
    erased = ["erased"] if places[-1] else []
    if channel.floats:
        return erased or ([f"[{' '.join(f'{value:.3f}' for value in places[:-1])}]"] if places.any() else [])
    symbols = np.flatnonzero(places[:-1]).tolist()
    return ["silence" if channel.silence and symbol == 0 else str(symbol) for symbol in symbols] + erased


def _masks(space: gymnasium.Space, counts: list[int]) -> tuple[Any, Any]:
    """Masks of an agent that moves and of one that does not, as `space.sample` takes them; floats have none."""
    if isinstance(space, Box):
        return None, None
    if isinstance(space, Tuple):
        return (_mask(counts[:1]), None), (_mask(counts[:1], 1), None)
    return _mask(counts), _mask(counts, 1)


def _mask(counts: list[int], allowed: int | None = None) -> Mask:
    """Allows each number of an action its first `allowed` values, or all; shared by all steps, so nobody may write on it."""
    masks = []
    for count in counts:
        mask = np.zeros(count, np.int8)
        mask[:allowed] = 1
        mask.flags.writeable = False
        masks.append(mask)
    return tuple(masks) if len(masks) > 1 else masks[0]
