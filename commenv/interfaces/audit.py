"""Does anything reach an agent outside of the channel?

The same game is played again with one thing changed, a message, an act or a private state of one agent, and everything else
held: seed, acts, messages. What anybody else gets is then compared bit for bit, but for the inbox, which is the channel's own.

- A message that shows anywhere else is a leak.
- Acts that show are how agents see each other: reported, with the places of the observation and the bits.
- A private state that shows is a leak, unless acts show there too, in observations or ends: then it is reported likewise.
- State that several agents see, of which nobody can say whose it is, is `shared`: reported, and a leak only if asked strictly.

Private state of our games is an agent's record, which belongs to it, and what the game and its board hold, which belongs to
whoever alone sees it. It is exchanged for another game's. Where agents have records and there is a board, that may be a map of
them, and neither fits another's other half: rules would write beyond it, or show agents where they are not. Such state is not
replaceable, which `Audit.exchanged` tells. There, and of other environments without a `private` to change their state, we ask
how much of what an agent sees another is told, at the same moments of many seeds: mutual information (Miller-Madow) of the best
pair of places, or of all places summed up. Agents also share what both may see, so that is reported and no leak, unless strictly.
Rewards, a game's `success` and its own figures are listed apart: that they depend on others is the game.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any, NamedTuple

import numpy as np
from gymnasium.spaces import Box, MultiDiscrete, Tuple
from pettingzoo import ParallelEnv

from commenv import info
from commenv.core import game as core
from commenv.core.errors import bad, whole
from commenv.interfaces.metered import Metered
from commenv.interfaces.parallel import SimultaneousEnv

Private = Callable[[Any, str, np.random.Generator], None]
"""Changes the private state of one agent of the environment in place."""

_LOOKS, _BINS, _PLACES = 512, 4, 64
_NOTABLE = 0.1
"""Bits below which the best of many pairs of places may well be chance, at so many looks."""
_NUMBERS = {bool, int, float}
_ENGINE = set(core.record(core.Game).names or ()) | set(core.record(core.Agent).names or ())


@dataclass(frozen=True)
class Finding:
    """What of one agent reaches another beside the channel."""

    source: str
    """Whose message, act or state; `the game` for state that is nobody's."""
    cause: str
    """`message`, `act`, `state` or `shared`."""
    target: str
    where: str
    """`observation`, `mask`, `info`, `agents`, `end` or `reward`."""
    bits: float
    """What the target's view tells of the change, all alternatives alike: mean over the situations that were played."""
    places: tuple[int, ...] = ()
    """Which numbers of the observation, inbox left out and flattened."""


@dataclass(frozen=True)
class Audit:
    """What an audit has found. Finding nothing is evidence, not proof: it is about the situations that were played."""

    findings: tuple[Finding, ...]
    rewards: tuple[Finding, ...]
    replays: int
    strict: bool
    exchanged: bool
    """Whether private state was replaced; if not, what agents share was measured over many seeds instead."""

    @property
    def seen(self) -> frozenset[str]:
        """In what acts show, of all that `Finding.where` may be: there agents see each other act."""
        return frozenset(finding.where for finding in self.findings if finding.cause == "act")

    @property
    def leaks(self) -> tuple[Finding, ...]:
        def grave(finding: Finding) -> bool:
            match finding.cause:
                case "message":
                    return True
                case "state":
                    return self.strict or finding.where not in self.seen
                case "shared":
                    return self.strict
            return False

        return tuple(finding for finding in self.findings if grave(finding))

    @property
    def passed(self) -> bool:
        return not self.leaks


def audit(
    make: Callable[[], ParallelEnv],
    *,
    seeds: int = 4,
    steps: int = 12,
    moments: int = 3,
    alternatives: int = 4,
    private: Private | None = None,
    records: bool = True,
    strict: bool = False,
) -> Audit:
    """Look for leaks in a game of ours (`commenv.make`) or in a `Metered` environment, as `make` makes it.

    seeds, steps: games that are played, and how far. moments: steps of each in which something is changed. alternatives: to
    how many values. private: how to change an agent's private state, for environments that are not ours. records: whether
    records may be exchanged: not for a game of ours whose state must hang together though it has no board. strict: whether
    state that shows where acts do, or that several agents see, is a leak, too.
    Raises ValueError for an environment that has no channel of ours, or repeats itself not: then nothing can be compared.
    """
    for name, value in {"seeds": seeds, "steps": steps, "moments": moments, "alternatives": alternatives}.items():
        whole(name, value, 2 if name in ("seeds", "alternatives") else 1)
    return _Auditor(make(), seeds, steps, moments, alternatives, private, records).run(strict)


Told = list[dict[tuple[str, str], bytes]]
"""Step by step, by agent and kind of thing told, the bits of its numbers: an audit compares millions of them."""


class _Auditor:
    def __init__(
        self, env: Any, seeds: int, steps: int, moments: int, alternatives: int, private: Private | None, records: bool
    ) -> None:
        if not isinstance(env, SimultaneousEnv | Metered):
            raise bad("environment", type(env).__name__, "made by commenv.make or commenv.metered")
        self.env, self.seeds, self.steps, self.alternatives = env, seeds, steps, alternatives
        self.private, self.records = private, records
        self.figures = env.batch.figures if isinstance(env, SimultaneousEnv) else ()
        self.moments = sorted({int(t) for t in np.linspace(0, steps - 1, moments)})
        self.names: list[str] = list(env.possible_agents)
        self.own = {name: env.batch.inbox(name).start for name in self.names} if isinstance(env, SimultaneousEnv) else {}
        self.replays = 0
        self.bits: dict[tuple[str, str, str, str], list[float]] = defaultdict(list)
        self.places: dict[tuple[str, str, str, str], set[int]] = defaultdict(set)
        self.snapshots: list[list] = []

    def run(self, strict: bool) -> Audit:
        ours = isinstance(self.env, SimultaneousEnv)
        games = []
        for seed in range(self.seeds):
            plan = self._plan(seed)
            shots: list = []
            games.append((seed, plan, self._play(seed, plan, shots=shots if ours else None)))
            self.snapshots.append(shots)
            if games[-1][2] != self._play(seed, plan):
                raise ValueError("the environment does not repeat itself from a seed: nothing can be compared")
        for seed, plan, told in games:
            for t in (t for t in self.moments if t < len(told)):
                for a, name in enumerate(self.names):
                    self._messages(seed, plan, told, t, a, name)
                    self._acts(seed, plan, told, t, name)
                    if self.private:
                        self._states(seed, plan, told, t, name)
        replaceable = ours and self.records and not self._keeps_a_map()
        if replaceable and not self.private:
            for seed, plan, told in games:
                for t in (t for t in self.moments if t < len(told)):
                    self._records(seed, plan, told, t)
        elif not self.private:
            self._looks()
        found = [
            Finding(*key, float(np.mean(bits)), tuple(sorted(self.places[key]))) for key, bits in self.bits.items() if any(bits)
        ]
        rest, rewards = ([f for f in found if (f.where == "reward") == paid] for paid in (False, True))
        return Audit(tuple(rest), tuple(rewards), self.replays, strict, replaceable or self.private is not None)

    def _keeps_a_map(self) -> bool:
        """Whether a board may tell where agents are: exchanging one without the other would break the rules."""
        state = self.env.batch.state
        return state.board.size > 0 and not set(state.agents.dtype.names or ()) <= _ENGINE

    # ------------------------------------------------------------------------------------------------ what is changed
    def _messages(self, seed: int, plan: list, told: Told, t: int, a: int, name: str) -> None:
        if self.env.batch.layout.speaks(a):
            size = self.env.batch.channel.size
            picked = sorted({(size - 1) * k // max(self.alternatives - 1, 1) for k in range(self.alternatives)})
            changed = [self._act(name, plan[t][name], message=m) for m in picked]
            self._compare(
                "message", name, told, t, [self._play(seed, _with(plan, t, name, action), since=t) for action in changed]
            )

    def _acts(self, seed: int, plan: list, told: Told, t: int, name: str) -> None:
        space = self.env.action_space(name)
        sampled = [self._act(name, space.sample(), like=plan[t][name]) for _ in range(16 * self.alternatives)]
        different = list({_bits(action): action for action in sampled}.values())[: self.alternatives]
        self._compare("act", name, told, t, [self._play(seed, _with(plan, t, name, action), since=t) for action in different])

    def _states(self, seed: int, plan: list, told: Told, t: int, name: str) -> None:
        def change(k: int) -> Callable[[], None]:
            return lambda: self.private and self.private(self.env.unwrapped, name, np.random.default_rng(k))

        played = [self._play(seed, plan, since=t, change=change(k)) for k in range(self.alternatives)]
        self._compare("state", name, told, t, played)

    def _records(self, seed: int, plan: list, told: Told, t: int) -> None:
        """An agent's record, or all that the game and its board hold, becomes that of another game at the same step.

        Whole, for single numbers of a state may not fit the rest, and compiled rules do not check their indices.
        """
        rows = [shots[t] for shots in self.snapshots if t < len(shots)]
        state = self.env.batch.state

        def put(held: np.ndarray, record: np.ndarray) -> None:
            for field in held.dtype.names or ():
                if field not in _ENGINE:
                    held[field] = record[field]

        def swap_agent(a: int, record: np.ndarray) -> Callable[[], None]:
            return lambda: put(state.agents[0, a : a + 1], record)

        def swap_game(record: np.ndarray, board: np.ndarray) -> Callable[[], None]:
            def change() -> None:
                put(state.games[0:1], record)
                state.board[0] = board

            return change

        def compare(cause: str, source: str, changes: list[Callable[[], None]]) -> None:
            self._compare(cause, source, told, t, [self._play(seed, plan, since=t, change=change) for change in changes])

        rows = rows[: self.alternatives]
        for a, name in enumerate(self.names):
            compare("state", name, [swap_agent(a, agents[a]) for _, agents, _ in rows])
        compare("shared", "the game", [swap_game(game, board) for game, _, board in rows])

    def _looks(self) -> None:
        """What two agents are told from many seeds, acts and messages the same in all of them."""
        plan, games = self._plan(0), []
        for seed in range(10_000, 10_000 + _LOOKS):
            first, _ = self.env.reset(seed=seed)
            seen = {(name, "observation"): _bits(self._own(name, observation)) for name, observation in first.items()}
            games.append([seen, *self._play(seed, plan)])
        kinds: dict[tuple[str, str], np.ndarray] = {}
        for key in product(self.names, ("mask", "info", "agents", "end")):
            told = [tuple(step.get(key) for step in steps[1:]) for steps in games]
            if 1 < len(set(told)) <= 2 * _BINS:
                kinds[key] = np.unique([hash(kind) for kind in told], return_inverse=True)[1]
        best: dict[tuple[str, str, str], tuple[float, int]] = {}
        for t in (0, *(1 + t for t in self.moments)):
            steps = [told[t] for told in games if t < len(told)]
            columns = {}
            for name in self.names:
                rows = [step[name, "observation"] for step in steps if (name, "observation") in step]
                if len(rows) == _LOOKS and len({len(row) for row in rows}) == 1:
                    columns[name] = _looked(_binned(np.frombuffer(b"".join(rows)).reshape(_LOOKS, -1)))
            for source, target in permutations(columns, 2):
                views = {"observation": columns[target]}
                views |= {where: _looked({-1: column}) for (whose, where), column in kinds.items() if whose == target}
                for where, view in views.items():
                    found = _most_told(columns[source], view)
                    best[source, target, where] = max(best.get((source, target, where), found), found)
        for (source, target, where), (bits, place) in best.items():
            if bits > _NOTABLE:
                self.bits[source, "shared", target, where].append(bits)
                self.places[source, "shared", target, where] |= {place} - {-1}

    # ------------------------------------------------------------------------------------------------ playing and comparing
    def _plan(self, seed: int) -> list[dict[str, Any]]:
        for k, name in enumerate(self.names):
            self.env.action_space(name).seed(1000 * seed + k)
        return [{name: self.env.action_space(name).sample() for name in self.names} for _ in range(self.steps)]

    def _play(
        self, seed: int, plan: list, *, since: int = 0, change: Callable[[], Any] | None = None, shots: list | None = None
    ) -> Told:
        """What is told after each step, nothing before step `since`, in front of which a change of state happens."""
        self.replays += 1
        self.env.reset(seed=seed)
        told: Told = []
        for t, actions in enumerate(plan):
            if not self.env.agents:
                break
            if shots is not None:
                state = self.env.batch.state
                shots.append((state.games[0].copy(), state.agents[0].copy(), state.board[0].copy()))
            if t == since and change is not None:
                change()
            told_now = self.env.step({n: actions[n] for n in self.env.agents})
            told.append(self._told(*told_now) if t >= since else {})
        return told

    def _told(
        self, observations: dict, rewards: dict, terminations: dict, truncations: dict, infos: dict
    ) -> dict[tuple[str, str], bytes]:
        step = {}
        there = _bits([name in self.env.agents for name in self.names])
        for name in self.names:
            if name in observations:
                step[name, "observation"] = _bits(self._own(name, observations[name]))
            told_of = dict(infos.get(name, {}))
            measures = [told_of.pop(key, 0.0) for key in ("success", *self.figures)]
            if name in infos:
                step[name, "mask"] = _bits(told_of.pop("action_mask", ()))
                step[name, "info"] = _bits([told_of[key] for key in sorted(told_of, key=str)])
            step[name, "end"] = _bits([terminations.get(name, False), truncations.get(name, False)])
            step[name, "agents"] = there
            step[name, "reward"] = _bits([rewards.get(name, 0.0), *measures])
        return step

    def _compare(self, cause: str, source: str, original: Told, t: int, played: list[Told]) -> None:
        """Who else's view tells the alternatives apart, and by how much."""
        keys = {key for step in original[t:] for key in step if key[0] != source}
        played = [told[t:] for told in played]
        common = {target: _common(target, played) for target, _ in keys}
        moved = {}
        for key in sorted(keys):
            target, where = key
            if where in ("agents", "end"):
                views = [[step.get(key) for step in told] for told in played]
            else:
                steps = [steps for steps in common[target] if all(key in step for step in steps)]
                views = [[told[k][key] for told in steps] for k in range(len(played))]
            classes = list(Counter(map(tuple, views)).values())
            moved[key] = info.estimate_entropy(classes, "plug-in").bits if len(classes) > 1 else 0.0
            if len(classes) > 1 and where == "observation":
                self.places[source, cause, target, where] |= _moved(views)
        if cause == "shared" and sum(bits > 0 for (_, where), bits in moved.items() if where != "reward") < 2:
            moved = {key: bits if key[1] == "reward" else 0.0 for key, bits in moved.items()}  # one agent's own secret
        for (target, where), bits in moved.items():
            self.bits[source, cause, target, where].append(bits)

    def _own(self, name: str, observation: Any) -> Any:
        return observation[: self.own[name]] if self.own else self.env.beside_inbox(name, observation)

    def _act(self, name: str, action: Any, *, message: int | None = None, like: Any = None) -> Any:
        """The action with another message, by its number or that of another action."""
        if isinstance(self.env, Metered):
            return self.env.compose(name, action, self.env.message(name, like) if message is None else message)
        space, channel = self.env.action_space(name), self.env.batch.channel
        if isinstance(space, MultiDiscrete):
            return np.array([action[0], like[1] if message is None else message])
        if isinstance(space, Tuple):  # an act and floats
            return action[0], like[1] if message is None else channel.unpack(np.array([message]))[0].astype(np.float32)
        if isinstance(space, Box):
            return like if message is None else channel.unpack(np.array([message]))[0].astype(np.float32)
        speaks = self.env.batch.layout.speaks(self.names.index(name))
        return (like if message is None else message) if speaks else action


def _with(plan: list, t: int, name: str, action: Any) -> list:
    return [*plan[:t], {**plan[t], name: action}, *plan[t + 1 :]]


def _flat(value: Any) -> np.ndarray:
    """Any observation or info as a vector of numbers."""
    if isinstance(value, Mapping):
        value = [value[key] for key in sorted(value, key=str)]
    if isinstance(value, tuple | list):
        return np.concatenate([_flat(each) for each in value]) if value else np.zeros(0)
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "biuf":
        numbers = np.frombuffer(repr(value).encode(), np.uint8)
    return numbers.astype(np.float64).ravel()


def _bits(value: Any) -> bytes:
    """The bits of all its numbers, as float64."""
    if type(value) is list and set(map(type, value)) <= _NUMBERS:  # most are such, and NumPy takes four times as long
        return array("d", value).tobytes()
    return _flat(value).tobytes()


def _common(target: str, played: list[Told]) -> list[tuple[dict[tuple[str, str], bytes], ...]]:
    """The steps of all games side by side, while all go on or end alike for the target."""
    common = []
    for steps in zip(*played, strict=False):
        if len({step.get((target, "end")) for step in steps}) > 1:
            break
        common.append(steps)
    return common


def _moved(views: list[list[Any]]) -> set[int]:
    """Places of an observation that are not the same in all games."""
    places: set[int] = set()
    for rows in zip(*views, strict=True):
        if len({len(row) for row in rows}) == 1:
            stacked = np.stack([np.frombuffer(row) for row in rows])
            places |= set(np.flatnonzero((stacked != stacked[0]).any(axis=0)).tolist())
    return places


def _binned(rows: np.ndarray) -> dict[int, np.ndarray]:
    """The places that vary, as few small numbers each: as they are, or quantiles; and as -1 where in the observation most is,
    for of a one-hot no single place tells much."""
    varying = np.flatnonzero((rows != rows[0]).any(axis=0))[:_PLACES].tolist()
    numbers = {place: rows[:, place] for place in varying}
    if varying:
        numbers[-1] = rows @ np.arange(rows.shape[1])
    columns = {}
    for place, column in numbers.items():
        if len(np.unique(column)) > _BINS:
            column = np.searchsorted(np.quantile(column, np.arange(1, _BINS) / _BINS), column)
        columns[place] = np.unique(column, return_inverse=True)[1]
    return columns


class _Looked(NamedTuple):
    """Columns of small numbers, one-hot."""

    places: list[int]
    ones: np.ndarray  # [place * value, look]
    shares: np.ndarray  # [place, value] how often each is


def _looked(columns: dict[int, np.ndarray]) -> _Looked:
    if not columns:
        return _Looked([], np.zeros((0, 0)), np.zeros((0, 0)))
    numbers = np.stack(list(columns.values()))
    ones = (numbers[:, None] == np.arange(1 + numbers.max())[:, None]).astype(np.float64)
    return _Looked(list(columns), ones.reshape(-1, ones.shape[2]), ones.mean(axis=2))


def _most_told(known: _Looked, view: _Looked) -> tuple[float, int]:
    """Bits that the best place of a view tells of any of what is known, and that place."""
    if not known.places or not view.places:
        return 0.0, -1
    looks = known.ones.shape[1]
    joint = (known.ones @ view.ones.T / looks).reshape(*known.shares.shape, *view.shares.shape)  # [place, value, place, value]
    apart = known.shares[:, :, None, None] * view.shares
    information = (joint * np.log2(np.where(joint > 0, joint, 1) / np.where(joint > 0, apart, 1))).sum(axis=(1, 3))
    i, j = np.unravel_index(int(information.argmax()), information.shape)
    return info.estimate_mutual_information(np.rint(joint[i, :, j] * looks).astype(int)).bits, view.places[j]
