"""n games side by side. This class owns what no game may get wrong: validation, seeds, autoreset, budgets and meters."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from itertools import pairwise
from typing import Any, cast

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete, Space, Tuple
from numba import config

from commenv.core import kernel
from commenv.core.errors import bad, whole
from commenv.core.game import ENDLESS, Options, Rules, record
from commenv.core.links import lines, taps
from commenv.core.meter import TALLY, Meter, link_meter
from commenv.core.relay import FARTHEST, LINE, TRANSIT
from commenv.core.transmission import NOTHING

Arrays = dict[str, np.ndarray]

_APART = 8  # spare places behind each thread's numbers: two threads that write on one cache line are no faster than one


class Batch:
    """n games that step together and reset themselves in the step in which they end.

    Game i with seed s is the game of seed s + i alone, bit for bit, whatever n and the number of threads; its episodes follow
    one another, whether it reset itself or `reset` was called. Everything is a dictionary by agent of arrays with leading axis n.

    reset() -> observations
    step(actions) -> observations, rewards, terminations, truncations, infos

    actions: integers, shape (n,), or (n, 2) of (action, message) for an agent that does both. An action outside its space
    raises ValueError and changes nothing; one inside it but over the budget becomes silence and is counted in `blocked`.
    In games whose agents move in turn an idle agent's action is ignored.
    infos, by agent: `active` (n,) whether the agent acts next; `action_mask` (n, actions) in games of turns; `payload_bits`,
    `messages`, `blocked` (n,) of the running game. Where games ended in this step, as Gymnasium names them: `final_obs`,
    `final_info` (with `episode_return`, `episode_length` in steps, the meters, and `success` where the game has a measure of
    it) and `_final_obs`, `_final_info`, which say in which rows they count.
    copy: with copy=False all arrays but those of `final_info` are the batch's own buffers, which the next step overwrites.
    threads: games are shared out over this many; worth it from about 16,384 games.
    """

    def __init__(
        self,
        rules: Rules,
        options: Options,
        num_envs: int,
        seed: int | None = None,
        *,
        threads: int = 1,
        copy: bool = True,
    ) -> None:
        self.rules, self.options, self.channel = rules, options, options.link
        n = self.num_envs = whole("num_envs", num_envs, 1)
        self.layout = rules.layout(options)
        self.possible_agents = list(self.layout.names)
        self.lines, self.taps = lines(self.channel, self.layout), taps(self.channel, self.layout)
        self.copy = copy
        self._shape = self._make_shape()
        self._parameters = rules.parameters(options)
        self._wire = self.channel.wire
        self._horizon = options.max_cycles or ENDLESS
        self.measures_success = hasattr(rules, "success")
        self._kernel = kernel.bind(rules)
        self._enter: Any = None
        cuts = np.linspace(0, n, min(whole("threads", threads, 1), n) + 1).astype(int).tolist()
        self._parts = list(enumerate(pairwise(cuts)))
        self._pool = ThreadPoolExecutor(len(self._parts)) if len(self._parts) > 1 else None
        self._make_buffers()
        self._views = {name: self._block(self.buffers.observation, a) for a, name in enumerate(self.possible_agents)}
        self._finals = {name: self._block(self.buffers.final, a) for a, name in enumerate(self.possible_agents)}
        self.observation_spaces: dict[str, Space] = {name: self._box(a) for a, name in enumerate(self.possible_agents)}
        self.action_spaces: dict[str, Space] = {name: self._actions(a) for a, name in enumerate(self.possible_agents)}
        self._masks = {
            name: np.stack([np.arange(self.choices(name)) == 0, np.ones(self.choices(name), bool)])
            for name in self.possible_agents
        }
        # What every call of the kernel takes: an array that changes is written on, never replaced.
        self._fixed: Any = self._parameters, self._wire, self._horizon, self._shape, self.state, self.buffers, self._scratch
        self._first_seed: int | None = self._seed(seed)  # None once the games have begun

    # ------------------------------------------------------------------------------------------------ the two public verbs
    def reset(self, seed: int | None = None) -> Arrays:
        """Begin every game anew: with `seed` the first episode of seeds seed..seed+n-1, without it the next episode."""
        first = self._first_seed if seed is None else self._seed(seed)
        if first is not None:
            self.state.games["seed"] = np.uint64(first) + np.arange(self.num_envs, dtype=np.uint64)
            self.state.games["episode"] = -1
            self._first_seed = None
        self.advance(fresh=True)
        return self._give(self._views)

    def step(self, actions: Mapping[str, Any]) -> tuple[Arrays, Arrays, Arrays, Arrays, dict[str, dict[str, Any]]]:
        if self._first_seed is not None:
            raise RuntimeError("step() before reset(): call reset() first")
        self._take(actions)
        self.advance()
        rewards = self._give({name: self.buffers.reward[a] for a, name in enumerate(self.possible_agents)})
        terminations = self._give(dict.fromkeys(self.possible_agents, self.buffers.terminated))
        truncations = self._give(dict.fromkeys(self.possible_agents, self.buffers.truncated))
        return self._give(self._views), rewards, terminations, truncations, self.infos()

    # ------------------------------------------------------------------------------------------------ what else one may ask
    def advance(self, fresh: bool = False) -> None:
        """Run the kernel on what stands in the buffers: for views that fill and read them themselves."""
        if fresh:
            self.buffers.terminated[:] = self.buffers.truncated[:] = False
        if self._enter is None:
            self._enter = kernel.enter(self._kernel, (0, 0, self.num_envs, fresh, *self._fixed))
        if self._pool is None:
            fault = self._enter(0, 0, self.num_envs, fresh, *self._fixed)
        else:
            self._check_all()  # no part may move on while another refuses
            jobs = [self._pool.submit(self._enter, part, lo, hi, fresh, *self._fixed) for part, (lo, hi) in self._parts]
            fault = max(job.result() for job in jobs)
        if fault != kernel.FINE:
            self._refuse(*divmod(fault, len(self.possible_agents)))

    def infos(self) -> dict[str, dict[str, Any]]:
        """What the last step tells of each agent; after `reset` only what is known of a game's beginning."""
        ended = self.buffers.terminated | self.buffers.truncated
        any_ended = bool(ended.any())
        infos = {}
        for a, name in enumerate(self.possible_agents):
            active = self._own(self.buffers.active[a])
            info: dict[str, Any] = {
                "active": active,
                "payload_bits": self._own(self.buffers.spent[a]),
                "messages": self._own(self.buffers.aired[a]),
                "blocked": self._own(self.buffers.blocked[a]),
            }
            if self.layout.turns:
                info["action_mask"] = self._masks[name].take(active.view(np.int8), axis=0)
            if any_ended:
                last = self.buffers.ended[:, a]
                info["final_obs"], info["_final_obs"] = self._own(self._finals[name]), ended.copy()
                info["final_info"] = {
                    "episode_return": last["score"].copy(),
                    "episode_length": self.buffers.length.copy(),
                    "payload_bits": last["spent"].copy(),
                    "messages": last["messages"].copy(),
                    "blocked": last["blocked"].copy(),
                }
                if self.measures_success:
                    info["final_info"]["success"] = self.buffers.success.copy()
                info["_final_info"] = ended.copy()
            infos[name] = info
        return infos

    @property
    def observations(self) -> Arrays:
        """What the agents see now, as `reset` and `step` gave it."""
        return self._give(self._views)

    @property
    def active(self) -> Arrays:
        """Which agents act next, (n,) of bool by agent."""
        return self._give({name: self.buffers.active[a] for a, name in enumerate(self.possible_agents)})

    @property
    def meter(self) -> Meter:
        """What every link has carried since the batch was made or `clear_meter` was called."""
        tally, counts = self.state.tally, self.state.counts.sum(axis=0)
        links = {}
        names = self.possible_agents
        for k, (source, target) in enumerate(self.layout.links):
            sums = {name: int(tally[name][:, k].sum()) for name in TALLY.names or ()}
            links[names[source], names[target]] = link_meter(self.lines[k], counts[k], **sums)
        ends = [(*self.layout.links[k], listener) for listener, k in self.taps]
        return Meter(links, tuple((names[source], names[target], names[listener]) for source, target, listener in ends))

    def clear_meter(self) -> None:
        for name in TALLY.names or ():
            self.state.tally[name] = 0
        self.state.counts[...] = 0

    def choices(self, name: str) -> int:
        """Number of actions of an agent that only acts or only speaks; for one that does both, of their pairs; floats aside."""
        a = self.possible_agents.index(name)
        if self.channel.floats:
            return int(self._shape.actions[a])
        return int(self._shape.actions[a] * self._shape.messages[a])

    def inbox(self, name: str) -> slice:
        """Where the inbox stands in an agent's observation: a place a symbol and one for an erasure, for each of its links or,
        where they are anonymous, for all; then for each link that it eavesdrops on."""
        a = self.possible_agents.index(name)
        return slice(int(self._shape.own[a]), int(self._shape.width[a]))

    def heard_by(self, name: str) -> list[tuple[int, int]]:
        """The links, as (source, target), whose deliveries stand in an agent's inbox, in its order."""
        a = self.possible_agents.index(name)
        own, overheard = self.layout.ears(a), [k for listener, k in self.taps if listener == a]
        return [self.layout.links[k] for k in own + overheard]

    def describe(self, i: int = 0) -> str:
        """Game i in a line, for people."""
        game, agents, board = self.state.games[i], self.state.agents[i], self.state.board[i]
        return self.rules.describe(self.options, game, agents, board)

    def __reduce__(self) -> tuple:
        """A copy is a batch made anew and given the same state: copied one by one, its views would look into nothing."""
        made = self.rules.__name__, self.options, self.num_envs, len(self._parts), self.copy
        return _again, (made, self._first_seed, self.state, self.buffers)

    # ------------------------------------------------------------------------------------------------ construction
    def _make_shape(self) -> kernel.Shape:
        layout, M, n = self.layout, self.channel.size, self.num_envs
        everybody = range(len(layout.roles))
        own = np.array([role.observation for role in layout.roles])
        ears = [layout.ears(a) for a in everybody]
        taps = [[j for j, (listener, _) in enumerate(self.taps) if listener == a] for a in everybody]
        width = own + np.array([(len(layout.inboxes(a)) + len(taps[a])) * self.channel.places for a in everybody])
        return kernel.Shape(
            actions=np.array([role.actions for role in layout.roles]),
            messages=np.array([M if layout.speaks(a) else 1 for a in everybody]),
            speaks=np.array([int(layout.speaks(a)) for a in everybody]),
            own=own,
            width=width,
            base=n * (np.cumsum(width) - width),
            ear=np.array([(e[0] if e else 0, len(layout.links) + t[0] if t else 0) for e, t in zip(ears, taps, strict=True)]),
            ears=np.array([(len(e), len(t)) for e, t in zip(ears, taps, strict=True)]),
            source=np.array([source for source, _ in layout.links], dtype=np.int64),
            target=np.array([target for _, target in layout.links], dtype=np.int64),
            lines=as_record(np.array([line.record for line in self.lines], LINE)),
            tapped=np.array([k for _, k in self.taps], dtype=np.int64),
        )

    def _make_buffers(self) -> None:
        n, players, links, parts = self.num_envs, len(self.layout.roles), len(self.layout.links), len(self._parts)
        agent, wire = record(self.rules.Agent), self._wire
        self.state = kernel.State(
            games=as_record(np.zeros(n, record(self.rules.Game))),
            agents=as_record(np.zeros((n, players), agent)),
            board=np.zeros((n, self.layout.cells), np.int64),
            heard=np.full((n, links + len(self.taps)), NOTHING, np.int64),
            shaken=np.zeros((n, links if wire.gaussian else 0, wire.floats)),
            transit=np.zeros((n, links if wire.latest or wire.bursts else 0, TRANSIT + 2 * wire.queue), np.int64),
            tally=as_record(np.zeros((parts, links + _APART), TALLY)),
            counts=np.zeros((parts, links + -(-_APART // self.channel.size), self.channel.size * self.channel.counted), np.int64),
        )
        floats = n * int(self._shape.width.sum())
        self.buffers = kernel.Buffers(
            act=np.zeros((players, n), np.int64),
            message=np.zeros((players, n), np.int64),
            reward=np.zeros((players, n), np.float64),
            terminated=np.zeros(n, np.bool_),
            truncated=np.zeros(n, np.bool_),
            active=np.zeros((players, n), np.bool_),
            spent=np.zeros((players, n), np.float64),
            aired=np.zeros((players, n), np.int64),
            blocked=np.zeros((players, n), np.int64),
            observation=np.zeros(floats, np.float32),
            final=np.zeros(floats, np.float32),
            ended=as_record(np.zeros((n, players), agent)),
            length=np.zeros(n, np.int64),
            success=np.zeros(n, np.float64),
        )
        self._scratch = kernel.Scratch(
            rng=np.zeros((parts, 1 + _APART), np.uint64),
            acts=np.zeros((parts, players + _APART), np.int64),
            sent=np.zeros((parts, players + _APART), np.int64),
            out=np.zeros((parts, links + players + _APART), np.int64),
            earned=np.zeros((parts, players + _APART), np.float64),
        )

    def _block(self, flat: np.ndarray, a: int) -> np.ndarray:
        base, width = int(self._shape.base[a]), int(self._shape.width[a])
        return flat[base : base + self.num_envs * width].reshape(self.num_envs, width)

    def _box(self, a: int) -> Box:
        role, width = self.layout.roles[a], int(self._shape.width[a])
        low, high = np.zeros(width, np.float32), np.ones(width, np.float32)
        low[: role.observation], high[: role.observation] = role.low, role.high
        if self.channel.floats and width > role.observation:
            reach = 1.0 + FARTHEST * self.channel.gaussian
            inboxes = (part[role.observation :].reshape(-1, self.channel.places)[:, :-1] for part in (low, high))
            for part, bound in zip(inboxes, (-reach, reach), strict=True):
                part[:] = bound
        return Box(low, high, dtype=np.float32)

    def _actions(self, a: int) -> Space:
        actions, messages = int(self._shape.actions[a]), int(self._shape.messages[a])
        both = actions > 1 and self._shape.speaks[a]
        if self.channel.floats and self._shape.speaks[a]:
            box = Box(-1, 1, (self.channel.floats + self.channel.silence,), np.float32)
            return Tuple((Discrete(actions), box)) if both else box
        return MultiDiscrete([actions, messages]) if both else Discrete(actions * messages)

    @staticmethod
    def _seed(seed: int | None) -> int:
        if seed is None:
            return int(np.random.SeedSequence().generate_state(1, np.uint64)[0] >> 1)
        return whole("seed", seed, 0, 2**63 - 1)

    # ------------------------------------------------------------------------------------------------ in and out
    def _take(self, actions: Mapping[str, Any]) -> None:
        """Copy actions into the buffers, whose one dtype and layout keep the kernel from being compiled again."""
        if not isinstance(actions, Mapping) or set(actions) != set(self.possible_agents):
            given = sorted(map(str, actions)) if isinstance(actions, Mapping) else type(actions).__name__
            raise ValueError(f"actions={given} are not allowed: they must be a dictionary of {self.possible_agents}")
        for a, name in enumerate(self.possible_agents):
            if self.channel.floats and self._shape.speaks[a]:
                self._take_floats(a, actions[name])
                continue
            value = np.asarray(actions[name])
            shape = (self.num_envs, *(self.action_spaces[name].shape or ()))
            if value.dtype.kind not in "iu" or value.shape != shape:
                allowed = f"integers of shape {shape}"
                raise ValueError(f"actions of {name} are {value.dtype} of shape {value.shape}: they must be {allowed}")
            if value.ndim == 2:
                self.buffers.act[a], self.buffers.message[a] = value.T
            elif self._shape.speaks[a]:
                self.buffers.message[a] = value
            else:
                self.buffers.act[a] = value

    def _take_floats(self, a: int, given: Any) -> None:
        """An action of floats, or a pair of (actions, floats) of an agent that does both, is packed into a message."""
        name, n = self.possible_agents[a], self.num_envs
        both = isinstance(self.action_spaces[name], Tuple)
        wide = (n, (self.channel.floats or 0) + self.channel.silence)
        pair = given if both else (np.zeros(n, np.int64), given)
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ValueError(
                f"actions of {name} are {type(given).__name__}: they must be a pair of integers {(n,)} and floats {wide}"
            )
        act, values = np.asarray(pair[0]), np.asarray(pair[1])
        if act.dtype.kind not in "iu" or act.shape != (n,) or values.dtype.kind not in "fiu" or values.shape != wide:
            told = f"{act.dtype} {act.shape} and " * both + f"{values.dtype} {values.shape}"
            raise ValueError(
                f"actions of {name} are {told}: they must be {f'integers {(n,)} and ' * both}numbers of shape {wide}"
            )
        fits = np.asarray(((values >= -1) & (values <= 1)).all(axis=1))  # NaN does not
        wrong = self.buffers.active[a] & ~fits
        if wrong.any():
            i = int(np.argmax(wrong))
            raise bad(f"game {i}: action of {name}", values[i].tolist(), "numbers from -1 to 1")
        self.buffers.act[a], self.buffers.message[a] = act, self.channel.pack(np.where(fits[:, None], values, 0))

    def _refuse(self, i: int, a: int) -> None:
        name = self.possible_agents[a]
        act, message = int(self.buffers.act[a, i]), int(self.buffers.message[a, i])
        space = self.action_spaces[name]
        value = [act, message] if isinstance(space, MultiDiscrete) else (message if self._shape.speaks[a] else act)
        value = act if isinstance(space, Tuple) else value
        raise bad(f"game {i}: action of {name}", value, f"in {space}")

    def _check_all(self) -> None:
        for a in range(len(self.possible_agents)):
            act, message = self.buffers.act[a], self.buffers.message[a]
            wrong = (act < 0) | (act >= self._shape.actions[a]) | (message < 0) | (message >= self._shape.messages[a])
            wrong &= self.buffers.active[a]
            if wrong.any():
                self._refuse(int(wrong.argmax()), a)

    def _own(self, array: np.ndarray) -> np.ndarray:
        return array.copy() if self.copy else array

    def _give(self, arrays: Arrays) -> Arrays:
        return {name: array.copy() for name, array in arrays.items()} if self.copy else dict(arrays)


def as_record(array: np.ndarray) -> np.ndarray:
    """Without the compiler the rules read the fields of records as those of NumPy's."""
    return array.view(np.recarray) if config.DISABLE_JIT else array


def _again(made: tuple, first_seed: int | None, state: kernel.State, buffers: kernel.Buffers) -> Batch:
    module, options, num_envs, threads, copy = made
    batch = Batch(cast(Rules, import_module(module)), options, num_envs, 0, threads=threads, copy=copy)
    for own, given in zip((*batch.state, *batch.buffers), (*state, *buffers), strict=True):
        own[...] = given
    batch._first_seed = first_seed
    return batch
