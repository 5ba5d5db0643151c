"""n games side by side. This class owns what no game may get wrong: validation, seeds, autoreset, budgets and meters."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from itertools import pairwise
from typing import Any, cast

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete, Space, Tuple

from commenv.core import kernel
from commenv.core.copies import MUCH, Shelf, copier, masker
from commenv.core.errors import bad, whole
from commenv.core.game import ENDLESS, Options, Rules, record
from commenv.core.in_place import InPlace
from commenv.core.links import layout, lines, taps
from commenv.core.memory import as_record, leave, room
from commenv.core.meter import TALLY, Meter, link_meter
from commenv.core.relay import LINE, TRANSIT
from commenv.core.spaces import box
from commenv.core.transmission import NOTHING

Arrays = dict[str, np.ndarray]
Slots = list[tuple[str, bool, tuple[int, ...], np.ndarray]]
"""Of each agent its name, whether it says floats, the shape of its actions, and where they go."""

_APART = 8  # spare places behind each thread's numbers: two threads that write on one cache line are no faster than one


class Batch:
    """n games that step together and reset themselves in the step in which they end.

    Game i with seed s is the game of seed s + i alone, bit for bit, whatever n and the number of threads; its episodes follow
    one another, whether it reset itself or `reset` was called. Everything is a dictionary by agent of arrays with leading axis n.

    reset() -> observations
    step(actions) -> observations, rewards, terminations, truncations, infos
    rollout(actions) -> the same but for infos, of many steps whose actions are known beforehand, with leading axes (steps, n)
    in_place() -> arrays to write actions into and to read everything from, and a step() between them: for loops in a hurry

    actions: integers, shape (n,), or (n, 2) of (action, message) for an agent that does both. An action outside its space
    raises ValueError and changes nothing; one inside it but over the budget becomes silence and is counted in `blocked`.
    In games whose agents move in turn an idle agent's action is ignored.
    infos, by agent: `active` (n,) whether the agent acts next; `action_mask` (n, actions) in games of turns; `payload_bits`,
    `messages`, `blocked` (n,) of the running game. Where games ended in this step, as Gymnasium names them: `final_obs`,
    `final_info` (with `episode_return`, `episode_length` in steps, the meters, `success` where the game has a measure of
    it, and its own figures) and `_final_obs`, `_final_info`, which say in which rows they count. What is the same for all
    agents (terminations, truncations, lengths, those rows) is one array for all.
    copy: with copy=False all arrays but those of `final_info` are the batch's own buffers, which the next step overwrites.
    threads: games are shared out over this many; worth it from about 16,384 games.
    """

    buffers: kernel.Buffers
    _scratch: kernel.Scratch
    _left: tuple[Any, Any]
    _held: tuple[Any, Any]

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
        self.layout = layout(rules, options)
        self.possible_agents = list(self.layout.names)
        self.lines, self.taps = lines(self.channel, self.layout), taps(self.channel, self.layout)
        self.copy = copy
        self._shape = self._make_shape()
        self._parameters = rules.parameters(options)
        self._wire = self.channel.wire
        self._horizon = options.max_cycles or ENDLESS
        self.measures_success = hasattr(rules, "success")
        self.figures: tuple[str, ...] = tuple(getattr(rules, "FIGURES", ()))
        cuts = np.linspace(0, n, min(whole("threads", threads, 1), n) + 1).astype(int).tolist()
        self._parts = list(enumerate(pairwise(cuts)))
        self._pool = ThreadPoolExecutor(len(self._parts)) if len(self._parts) > 1 else None
        starts, widths = self._shape.base.tolist(), self._shape.width.tolist()
        self._blocks = [(start, start + n * width, width) for start, width in zip(starts, widths, strict=True)]
        self._make_buffers()
        seen = self.buffers.observation  # to copy much takes longer than to write where nobody holds anything
        self._pages: Shelf | None = Shelf(seen.shape, seen.dtype) if copy and seen.nbytes >= MUCH else None
        roles = zip(self.layout.roles, widths, strict=True)
        self.observation_spaces: dict[str, Space] = {role.name: box(role, width, self.channel) for role, width in roles}
        self.action_spaces: dict[str, Space] = {name: self._actions(a) for a, name in enumerate(self.possible_agents)}
        self._names = frozenset(self.possible_agents)
        self._slots = self._make_slots(self._moves)
        self._make_givers()
        self._reel: tuple[Any, ...] = (-1,)  # how many steps a rollout had, and what was made for so many
        # What every call of the kernel takes: an array that changes is written on, never replaced.
        self._setting = kernel.Setting(self._parameters, self._wire, self._horizon, self._shape, self.state, self._scratch)
        self._kernel = kernel.bind(rules, self._setting, self.buffers)
        self._enter = self._replay = cast(Any, None)  # and the kernel's driver: compiled when they are first needed
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
        return self.observations

    def step(self, actions: Mapping[str, Any]) -> tuple[Arrays, Arrays, Arrays, Arrays, dict[str, dict[str, Any]]]:
        if self._first_seed is not None:
            raise RuntimeError("step() before reset(): call reset() first")
        self._take(actions, self._slots)
        self.advance()
        rewards = {name: give() for name, give in self._rewards}
        terminations = dict.fromkeys(self.possible_agents, self._terminated())
        truncations = dict.fromkeys(self.possible_agents, self._truncated())
        return self.observations, rewards, terminations, truncations, self.infos()

    def rollout(self, actions: Mapping[str, Any]) -> tuple[Arrays, Arrays, Arrays, Arrays]:
        """Many steps in one call, for planning and for games recorded elsewhere: what `step` would tell of each but infos.

        Actions are those of `step` with leading axes (steps, n), and so is what comes back, which is the caller's to keep.
        Also an idle agent's must be in its space: one that is not raises ValueError, and nothing has changed.
        """
        if self._first_seed is not None:
            raise RuntimeError("rollout() before reset(): call reset() first")
        name = self.possible_agents[0]
        given = actions.get(name, ()) if isinstance(actions, Mapping) else ()
        given = given[0] if isinstance(self.action_spaces[name], Tuple) and len(given) else given
        steps = (*np.shape(given), 0)[0]
        if steps != self._reel[0]:
            self._reel = self._make_reel(steps)
        _, slots, moves, seen, reward, over = self._reel
        self._take(actions, slots)
        reel = kernel.Reel(moves[0], moves[1], reward.take(), over.take(), over.take(), seen.take())
        fault = self._roll(reel)
        if fault != kernel.FINE:
            t, i, a = np.unravel_index(fault, (steps, self.num_envs, len(self.possible_agents)))
            self._refuse(f"step {t}, game {i}", int(a), int(moves[0, t, a, i]), int(moves[1, t, a, i]))
        self._stay()
        buffers, names = self.buffers, self.possible_agents
        for buffer, told in ((buffers.observation, reel.observation), (buffers.reward, reel.reward)):
            buffer[...] = told[-1]
        buffers.terminated[...], buffers.truncated[...] = reel.terminated[-1], reel.truncated[-1]
        observations = {name: self._block(reel.observation, a) for a, name in enumerate(names)}
        rewards = {name: reel.reward[:, a] for a, name in enumerate(names)}
        return observations, rewards, dict.fromkeys(names, reel.terminated), dict.fromkeys(names, reel.truncated)

    # ------------------------------------------------------------------------------------------------ what else one may ask
    def advance(self, fresh: bool = False) -> None:
        """Run the kernel on what stands in the buffers: for views that fill and read them themselves."""
        if fresh:
            self.buffers.terminated[:] = self.buffers.truncated[:] = False
        enter, buffers = self._enter or self._compile(), self.buffers
        if self._pages:
            buffers = buffers._replace(observation=self._pages.take())
            told, other = leave(buffers, self.rules.__name__)
            self._left, self._held = (self._left[0], told), (self._held[0], other)
        if self._pool is None:
            fault = enter(0, 0, self.num_envs, fresh, *self._left)
        else:
            if not fresh:
                self._check_all()  # no part may move on while another refuses
            fault = self._share(enter, fresh, [self._left] * len(self._parts))
        if fault != kernel.FINE:
            self._fault(fault)
        self.buffers = buffers

    def in_place(self) -> InPlace:
        """The batch as a loop in a hurry plays it. Raises RuntimeError before `reset`, ValueError where messages are floats."""
        if self._first_seed is not None:
            raise RuntimeError("in_place() before reset(): call reset() first")
        if self.channel.floats:
            raise ValueError("messages of floats cannot be written in place: only step() packs them")
        self._stay()
        enter = self._enter or self._compile()  # the copy of a batch may have none
        (setting, told), n, buffers = self._left, self.num_envs, self.buffers

        def step() -> None:  # no method: a step of one game has no time to look anything up
            fault = enter(0, 0, n, False, setting, told)
            if fault != kernel.FINE:
                self._fault(fault)

        return InPlace(
            step=step if self._pool is None else self.advance,
            actions={name: place for name, _, _, place in self._slots},
            observations={name: self._block(buffers.observation, a) for a, name in enumerate(self.possible_agents)},
            rewards=dict(zip(self.possible_agents, buffers.reward, strict=True)),
            terminations=buffers.terminated,
            truncations=buffers.truncated,
        )

    def _stay(self) -> None:
        """From now on observations are written in one place, and copied from there: what was handed out is not written on."""
        if self._pages:
            self.buffers = self.buffers._replace(observation=self.buffers.observation.copy())
            self._pages = self._enter = None
            self._make_givers()

    def infos(self) -> dict[str, dict[str, Any]]:
        """What the last step tells of each agent; after `reset` only what is known of a game's beginning."""
        infos: dict[str, dict[str, Any]] = {name: {key: give() for key, give in givers} for name, givers in self._running}
        ended = self.buffers.terminated | self.buffers.truncated
        if np.count_nonzero(ended):
            shared = {key: give() for key, give in self._shared}
            for name, last, givers in self._finals:
                info = infos[name]
                info["final_obs"], info["_final_obs"] = last(), ended
                info["final_info"] = {key: give() for key, give in givers} | shared
                info["_final_info"] = ended
        return infos

    @property
    def observations(self) -> Arrays:
        """What the agents see now, as `reset` and `step` gave it."""
        if self._pages:
            return {name: self._block(self.buffers.observation, a) for a, name in enumerate(self.possible_agents)}
        return {name: give() for name, give in self._seen}

    @property
    def active(self) -> Arrays:
        """Which agents act next, (n,) of bool by agent."""
        return {name: givers[0][1]() for name, givers in self._running}

    @property
    def meter(self) -> Meter:
        """What every link has carried since the batch was made."""
        tally, counts = self.state.tally, self.state.counts.sum(axis=0)
        links = {}
        names = self.possible_agents
        for k, (source, target) in enumerate(self.layout.links):
            sums = {name: int(tally[name][:, k].sum()) for name in TALLY.names or ()}
            links[names[source], names[target]] = link_meter(self.lines[k], counts[k], **sums)
        ends = [(*self.layout.links[k], listener) for listener, k in self.taps]
        return Meter(links, tuple((names[source], names[target], names[listener]) for source, target, listener in ends))

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
            ears=np.array([(len(ears[a]), len(taps[a]), len(layout.inboxes(a))) for a in everybody]),
            source=np.array([source for source, _ in layout.links], dtype=np.int64),
            target=np.array([target for _, target in layout.links], dtype=np.int64),
            lines=as_record(np.array([line.record for line in self.lines], LINE)),
            holds=int(layout.holds),
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
        self._moves = np.zeros((2, players, n), np.int64)
        self.buffers = kernel.Buffers(
            act=self._moves[0],
            message=self._moves[1],
            reward=np.zeros((players, n), np.float64),
            terminated=np.zeros(n, np.bool_),
            truncated=np.zeros(n, np.bool_),
            active=np.zeros((players, n), np.bool_),
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

    def _make_slots(self, moves: np.ndarray) -> Slots:
        """Where actions go: moves has shape (2, ..., agents, n), actions and messages."""
        lead = (*moves.shape[1:-2], self.num_envs)
        slots: Slots = []
        for a, name in enumerate(self.possible_agents):
            place, speaks = moves[..., a, :], self._shape.speaks[a]
            if self.channel.floats and speaks:
                slots.append((name, True, lead, place))
            elif isinstance(self.action_spaces[name], MultiDiscrete):
                slots.append((name, False, (*lead, 2), np.moveaxis(place, 0, -1)))
            else:
                slots.append((name, False, lead, place[speaks]))
        return slots

    def _make_givers(self) -> None:
        """What a caller is told, looked up once: a step of few games has no time for more."""
        buffers, own = self.buffers, copier if self.copy else lambda source: lambda: source
        names = list(enumerate(self.possible_agents))
        self._seen = [(name, own(self._block(buffers.observation, a))) for a, name in names]
        self._rewards = [(name, own(buffers.reward[a])) for a, name in names]
        self._terminated, self._truncated = own(buffers.terminated), own(buffers.truncated)
        kept, meters = self.state.agents, {"payload_bits": "spent", "messages": "messages", "blocked": "blocked"}
        self._running = [
            (name, [("active", own(buffers.active[a])), *((key, own(kept[field][:, a])) for key, field in meters.items())])
            for a, name in names
        ]
        if self.layout.turns:
            for a, (name, givers) in enumerate(self._running):
                givers.append(("action_mask", masker(buffers.active[a], self.choices(name))))
        last = {"episode_return": "score", **meters, **{figure: figure for figure in self.figures}}
        self._finals = [
            (
                name,
                own(self._block(buffers.final, a)),
                [(key, copier(buffers.ended[field][:, a])) for key, field in last.items()],
            )
            for a, name in names
        ]
        success = [("success", copier(buffers.success))] if self.measures_success else []
        self._shared = [("episode_length", copier(buffers.length)), *success]

    def _make_reel(self, steps: int) -> tuple[Any, ...]:
        """For a rollout of so many steps: how many, where actions go, their buffer, and shelves for what is told."""
        if steps < 1:
            raise ValueError(
                f"a rollout of {steps} steps is not allowed: actions must have leading axes (steps, {self.num_envs})"
            )
        players, n = len(self.possible_agents), self.num_envs
        moves = np.zeros((2, steps, players, n), np.int64)
        shelves = [
            Shelf((steps, len(self.buffers.observation)), np.dtype(np.float32)),
            Shelf((steps, players, n), np.dtype(np.float64)),
            Shelf((steps, n), np.dtype(np.bool_)),
        ]
        return steps, self._make_slots(moves), moves, *shelves

    def _block(self, flat: np.ndarray, a: int) -> np.ndarray:
        """Agent a's observations in a buffer of all, (n, width), or in one with further axes before that."""
        begin, end, width = self._blocks[a]
        return flat[..., begin:end].reshape(*flat.shape[:-1], self.num_envs, width)

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
    def _compile(self) -> Any:
        """Find or make the kernel's entry, and leave where it looks what it takes."""
        (setting, one), (told, other) = (leave(left, self.rules.__name__) for left in (self._setting, self.buffers))
        self._left, self._held = (setting, told), (one, other)
        self._enter = kernel.enter(self._kernel, (0, 0, self.num_envs, False, *self._left))
        return self._enter

    def _roll(self, reel: kernel.Reel) -> int:
        """Enter the driver of the kernel through many steps."""
        moments = np.zeros((len(self._parts), room(self.buffers)), np.int64)
        given = [(*self._left, row.ctypes.data) for row in moments]
        if self._replay is None:
            driver = kernel.bind(self.rules, self._setting, self.buffers, kernel.replay)
            self._replay = kernel.enter(driver, (0, 0, self.num_envs, reel, *given[0]))
        if self._pool is None:
            return self._replay(0, 0, self.num_envs, reel, *given[0])
        fault = kernel.first_fault(0, self.num_envs, reel.act, reel.message, self._shape.actions, self._shape.messages)
        return fault if fault != kernel.FINE else self._share(self._replay, reel, given)

    def _share(self, enter: Any, given: Any, left: list[tuple]) -> int:
        """Share the games out over the threads."""
        assert self._pool is not None
        parts = zip(self._parts, left, strict=True)
        jobs = [self._pool.submit(enter, part, lo, hi, given, *places) for (part, (lo, hi)), places in parts]
        return max(job.result() for job in jobs)

    def _take(self, actions: Mapping[str, Any], slots: Slots) -> None:
        """Copy actions into buffers, whose one dtype and layout keep the kernel from being compiled again."""
        if not isinstance(actions, dict | Mapping) or actions.keys() != self._names:
            given = sorted(map(str, actions)) if isinstance(actions, Mapping) else type(actions).__name__
            raise ValueError(f"actions={given} are not allowed: they must be a dictionary of {self.possible_agents}")
        for name, floats, shape, place in slots:
            if floats:
                self._take_floats(name, shape, actions[name], place)
                continue
            value = actions[name]
            if type(value) is not np.ndarray:
                value = np.asarray(value)
            if value.dtype.kind not in "iu" or value.shape != shape:
                allowed = f"integers of shape {shape}"
                raise ValueError(f"actions of {name} are {value.dtype} of shape {value.shape}: they must be {allowed}")
            place[...] = value

    def _take_floats(self, name: str, lead: tuple[int, ...], given: Any, place: np.ndarray) -> None:
        """An action of floats, or a pair of (actions, floats) of an agent that does both, is packed into a message."""
        both = isinstance(self.action_spaces[name], Tuple)
        wide = (*lead, (self.channel.floats or 0) + self.channel.silence)
        pair = given if both else (np.zeros(lead, np.int64), given)
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ValueError(
                f"actions of {name} are {type(given).__name__}: they must be a pair of integers {lead} and floats {wide}"
            )
        act, values = np.asarray(pair[0]), np.asarray(pair[1])
        if act.dtype.kind not in "iu" or act.shape != lead or values.dtype.kind not in "fiu" or values.shape != wide:
            told = f"{act.dtype} {act.shape} and " * both + f"{values.dtype} {values.shape}"
            raise ValueError(
                f"actions of {name} are {told}: they must be {f'integers {lead} and ' * both}numbers of shape {wide}"
            )
        fits = np.asarray(((values >= -1) & (values <= 1)).all(axis=-1))  # NaN does not
        wrong = ~fits & self.buffers.active[self.possible_agents.index(name)] if lead == (self.num_envs,) else ~fits
        if wrong.any():
            row = int(np.argmax(wrong))
            where = f"game {row % self.num_envs}: action of {name}"
            raise bad(where, values.reshape(-1, wide[-1])[row].tolist(), "numbers from -1 to 1")
        place[0], place[1] = act, self.channel.pack(np.where(fits[..., None], values, 0))

    def _fault(self, fault: int) -> None:
        i, a = divmod(fault, len(self.possible_agents))
        self._refuse(f"game {i}", a, int(self.buffers.act[a, i]), int(self.buffers.message[a, i]))

    def _refuse(self, where: str, a: int, act: int, message: int) -> None:
        name = self.possible_agents[a]
        space = self.action_spaces[name]
        value = [act, message] if isinstance(space, MultiDiscrete) else (message if self._shape.speaks[a] else act)
        value = act if isinstance(space, Tuple) else value
        raise bad(f"{where}: action of {name}", value, f"in {space}")

    def _check_all(self) -> None:
        for a in range(len(self.possible_agents)):
            act, message = self.buffers.act[a], self.buffers.message[a]
            wrong = (act < 0) | (act >= self._shape.actions[a]) | (message < 0) | (message >= self._shape.messages[a])
            wrong &= self.buffers.active[a]
            if wrong.any():
                i = int(wrong.argmax())
                self._refuse(f"game {i}", a, int(act[i]), int(message[i]))


def _again(made: tuple, first_seed: int | None, state: kernel.State, buffers: kernel.Buffers) -> Batch:
    module, options, num_envs, threads, copy = made
    batch = Batch(cast(Rules, import_module(module)), options, num_envs, 0, threads=threads, copy=copy)
    for own, given in zip((*batch.state, *batch.buffers), (*state, *buffers), strict=True):
        own[...] = given
    batch._first_seed = first_seed
    return batch
