"""The loop that runs the rules of one game over a batch, and how it is compiled once and found again on disk.

`advance` is the only loop over games. `bind` gives it a game's rules as its globals and compiles it. numba keeps its disk
cache by file, qualified name and argument types: a closure over compiled rules never hits it, globals do but are not looked
at. So the rules are globals, and a hash of everything they compile from stands in the qualified name.

Globals are constants to the compiler, and what a constant decides is never asked again. So a game has up to two kernels, each
compiled when it is first wanted: one for channels that are `bare`, as most are, and one for all others.
"""

import hashlib
import itertools
import marshal
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numba import config, njit, typeof

from commenv.core.game import Rules
from commenv.core.generator import BEGINNING, CHANNEL, RULES, episode_key, rule, seek
from commenv.core.inbox import clear, hear
from commenv.core.memory import fetch, keep, recall, window
from commenv.core.relay import begin_transit, relay
from commenv.core.transmission import ERASED, NOTHING, SILENCE, admit, refill, stands, transmit
from commenv.core.wire import Wire, bare

TILE = 128
"""Games whose observations are cleared together: few enough to stay in the nearest cache."""

LINE = 16
"""Floats in a line of the cache."""

CACHED = 1 << 17
"""Floats up to which observations stay in the second cache from step to step: there is nothing to fetch."""

NEAR = 256
"""Games that a rollout plays to its end before it turns to the next: few enough for what they are to stay in the cache."""

FINE = -1
"""What `advance` returns when every action was in its space."""


class Shape(NamedTuple):
    """The layout of a game as the kernel reads it; arrays over agents, or over links."""

    actions: np.ndarray
    messages: np.ndarray  # 1 where an agent has nobody to talk to
    speaks: np.ndarray
    own: np.ndarray  # length of its own part of the observation
    width: np.ndarray  # length of the whole observation
    base: np.ndarray  # where its block begins in the observation buffer
    ear: np.ndarray  # [agents, 2] its first link, and the first place in `heard` of what it overhears
    ears: np.ndarray  # [agents, 3] how many links end at it, on how many it eavesdrops, and how many boxes the links have
    source: np.ndarray  # of each link
    target: np.ndarray
    lines: np.ndarray  # [links] what `relay` has to know of each
    holds: int  # 1 where an inbox keeps what it has
    tapped: np.ndarray  # the link that each eavesdropper listens to, in the order of the listeners


class State(NamedTuple):
    """Everything that changes as the games go on; leading axis n but for the buffers."""

    games: np.ndarray
    agents: np.ndarray
    board: np.ndarray
    heard: np.ndarray  # [n, links + taps] what each link delivered last, and each eavesdropper heard
    shaken: np.ndarray  # [n, links, floats] the Gaussian noise on what each delivered last; empty without
    transit: np.ndarray  # [n, links, TRANSIT + 2 queue] what `relay` remembers of each; no links where it need not
    tally: np.ndarray  # [parts, links] sums for the meter
    counts: np.ndarray  # [parts, links, M] how often each symbol was sent


class Buffers(NamedTuple):
    """What goes in and comes out of one step; agent-major, so that an agent's column is contiguous."""

    act: np.ndarray  # [agents, n]
    message: np.ndarray  # [agents, n]
    reward: np.ndarray  # [agents, n]
    terminated: np.ndarray  # [n]
    truncated: np.ndarray  # [n]
    active: np.ndarray  # [agents, n]
    observation: np.ndarray  # flat; a block [n, width] for each agent
    final: np.ndarray  # likewise: the last observations of finished games
    ended: np.ndarray  # [n, agents] the agents of finished games as they were at the end
    length: np.ndarray  # [n] steps of finished games
    success: np.ndarray  # [n] of finished games, by the game's own measure


class Reel(NamedTuple):
    """The steps of a rollout: as in Buffers, each with a leading axis of steps."""

    act: np.ndarray
    message: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    observation: np.ndarray


class Scratch(NamedTuple):
    """Room for one game's numbers, a row a thread."""

    rng: np.ndarray  # [parts, 1]
    acts: np.ndarray  # [parts, agents]
    sent: np.ndarray  # [parts, agents]
    out: np.ndarray  # [parts, links + agents] what goes out on each link; then whether an agent gets through to the medium
    earned: np.ndarray  # [parts, agents]


class Setting(NamedTuple):
    """What every call of a batch's kernel takes."""

    p: Any  # the game's Parameters
    wire: Wire
    horizon: int
    shape: Shape
    state: State
    scratch: Scratch


def advance(part, lo, hi, fresh, setting, told):
    """One step of games lo..hi-1, or their reset if `fresh`; FINE, or game * agents + agent of an action out of its space.

    setting, told: where `memory.leave` has left a Setting and the Buffers.
    """
    p, wire, horizon, shape, state, scratch = recall(setting, SETTING)
    buffers = recall(told, BUFFERS)
    wire = narrow(wire)
    games, agents_of, board_of, heard = state.games, state.agents, state.board, state.heard
    tally, counts = state.tally[part], state.counts[part]
    act, message, reward = buffers.act, buffers.message, buffers.reward
    terminated, truncated, active = buffers.terminated, buffers.truncated, buffers.active
    observation, final, ended, length = buffers.observation, buffers.final, buffers.ended, buffers.length
    succeeded = buffers.success
    actions, messages, speaks = shape.actions, shape.messages, shape.speaks
    source, target = shape.source, shape.target
    own, width, base = shape.own, shape.width, shape.base
    players, links = len(actions), len(source)
    far = players if len(observation) > CACHED else 0
    rng, acts, sent, earned = scratch.rng[part], scratch.acts[part], scratch.sent[part], scratch.earned[part]
    out = scratch.out[part]
    if not fresh and suspicious(lo, hi, act, message, actions, messages):
        for each in range(lo, hi):
            for a in range(players):
                move, word = act[a, each], message[a, each]
                wrong = move < 0 or move >= actions[a] or word < 0 or word >= messages[a]
                if wrong and (games[each].turn < 0 or games[each].turn == a):
                    return each * players + a
    for first in range(lo, hi, TILE):
        last = min(first + TILE, hi)
        ends = fresh
        for each in range(first, first if fresh else last):
            i = np.uint64(each)  # numba looks whether a signed index counts from the end
            game, agents, board = games[i], agents_of[i], board_of[i]
            for a in range(far):  # memory moves while the rules compute
                start = base[a] + each * width[a]
                for place in range(start, start + width[a], LINE):
                    fetch(observation, place)
            for a in range(players):
                acts[a], sent[a], earned[a] = 0, NOTHING, 0.0
                if game.turn < 0 or game.turn == a:
                    acts[a] = act[a, i]
                    if speaks[a] != 0 and has_floor(p, game, agents, board, a):
                        sent[a] = admit(wire, agents[a], message[a, i])
                        agents[a].messages += sent[a] != SILENCE or wire.silence == 0
                        if wire.limited != 0:
                            agents[a].blocked += sent[a] != message[a, i]
                refill(wire, agents[a])
            seek(rng, game.key, game.t, RULES)
            done = step(p, game, agents, board, acts, sent, earned, rng)
            if wire.noisy != 0:
                seek(rng, game.key, game.t, CHANNEL)
            for k in range(links):
                m = sent[np.uint64(source[k])]
                if shape.holds == 0:
                    heard[i, k] = NOTHING
                if wire.plain == 0:
                    out[k] = NOTHING
                if m != NOTHING and wire.drawn != 0 and not stands(wire, game.key, source[k], target[k]):
                    m = NOTHING
                if m != NOTHING and route(p, game, agents, board, source[k], target[k]):
                    meter = tally[k]
                    meter.offered += 1
                    meter.messages += m != SILENCE or wire.silence == 0
                    if wire.limited != 0:
                        meter.blocked += m != message[source[k], i]
                    if wire.floats == 0 or m < counts.shape[1]:  # floats are not counted one by one
                        counts[k, m] += 1
                    if wire.plain != 0:
                        y = transmit(wire, m, rng)
                        heard[i, k] = y
                        if wire.noisy != 0:
                            meter.erased += y == ERASED
                            meter.altered += y != ERASED and y != m
                    else:
                        out[k] = m
            if wire.plain == 0:
                relay(wire, shape, state, i, players, game.key, game.t, sent, out, tally, rng)
            game.t += 1
            cut = game.t >= horizon
            terminated[i], truncated[i] = done, cut and not done
            ends = ends or done or cut
            for a in range(players):
                reward[a, i] = earned[a]
                agents[a].score += earned[a]
        for each in range(first, last if ends else first):
            i = np.uint64(each)
            if not fresh and not terminated[i] and not truncated[i]:
                continue
            game, agents, board = games[i], agents_of[i], board_of[i]
            if not fresh:
                length[i] = game.t
                succeeded[i] = success(p, game, agents, board)
                for a in range(players):
                    ended[i, a] = agents[a]
                    start = base[a] + each * width[a]
                    clear(final, start, start + width[a])
                    observe(p, game, agents, board, a, window(final, start, own[a]))
                    hear(wire, shape, state, each, each + 1, a, window(final, start + own[a], width[a] - own[a]), width[a])
            game.episode += 1
            game.key = episode_key(game.seed, game.episode)
            game.t, game.turn = 0, -1
            for a in range(players):
                agents[a].tokens, agents[a].spent, agents[a].score = wire.burst, 0.0, 0.0
                agents[a].messages, agents[a].blocked = 0, 0
            for k in range(heard.shape[1]):
                heard[i, k] = NOTHING
            begin_transit(wire, state, i, game.key, rng)
            seek(rng, game.key, 0, BEGINNING)
            reset(p, game, agents, board, rng)
        for a in range(players):
            places, mine, begin = width[a], own[a], base[a]
            clear(observation, begin + first * places, begin + last * places)
            for each in range(first, last):
                i = np.uint64(each)
                game, agents, board = games[i], agents_of[i], board_of[i]
                active[a, i] = game.turn < 0 or game.turn == a
                start = begin + each * places
                observe(p, game, agents, board, a, window(observation, start, mine))
            inboxes = window(observation, begin + first * places + mine, (last - first) * places - mine)
            hear(wire, shape, state, first, last, a, inboxes, places)
    return FINE


def replay(part, lo, hi, reel, setting, told, moment):
    """`advance` through all steps of a reel, in which what each tells stays; FINE, or what `first_fault` found beforehand.
    moment: room for the Buffers of one step."""
    shape, buffers = recall(setting, SETTING).shape, recall(told, BUFFERS)
    fault = first_fault(lo, hi, reel.act, reel.message, shape.actions, shape.messages)
    if fault != FINE:
        return fault
    for first in range(lo, hi, NEAR):
        for t in range(len(reel.act)):
            now = Buffers(
                reel.act[t],
                reel.message[t],
                reel.reward[t],
                reel.terminated[t],
                reel.truncated[t],
                buffers.active,
                reel.observation[t],
                buffers.final,
                buffers.ended,
                buffers.length,
                buffers.success,
            )
            fresh = t < 0  # never; but numba would compile `advance` once more for a literal
            advance(part, first, min(first + NEAR, hi), fresh, setting, keep(moment, now))
    return FINE


@njit(cache=True, error_model="numpy", nogil=True)
def first_fault(lo, hi, act, message, actions, messages):
    """FINE, or which action of games lo..hi-1, counted through (steps, games, agents), is out of its space."""
    steps, players, n = act.shape
    for t in range(steps):
        for a in range(players):
            for i in range(lo, hi):
                if act[t, a, i] < 0 or act[t, a, i] >= actions[a] or message[t, a, i] < 0 or message[t, a, i] >= messages[a]:
                    return (t * n + i) * players + a
    return FINE


@rule
def suspicious(lo, hi, act, message, actions, messages):
    """Whether any action, perhaps an idle agent's, is out of its space: asked of all games at once it costs next to nothing."""
    wrong = False
    for a in range(len(actions)):
        moves, words, most, longest = act[a], message[a], actions[a], messages[a]
        for each in range(lo, hi):
            i = np.uint64(each)
            wrong |= (moves[i] < 0) | (moves[i] >= most) | (words[i] < 0) | (words[i] >= longest)
    return wrong


SETTING, BUFFERS = None, None
"""The types of what is left: replaced, as are the rules below."""


def narrow(wire):
    """What is known of a wire beforehand: nothing; `bare` in kernels for such channels."""
    return wire


def reset(p, game, agents, board, rng):
    pass


def step(p, game, agents, board, act, sent, reward, rng):
    return True


def observe(p, game, agents, board, i, obs):
    pass


def has_floor(p, game, agents, board, i):
    """A game may leave this rule out: then everybody whose turn it is may speak."""
    return True


def route(p, game, agents, board, source, target):
    """A game may leave this rule out: then every link always carries what is sent."""
    return True


def success(p, game, agents, board):
    """A game may leave this rule out: then nothing is reported."""
    return 0.0


_OPTIONAL = {"has_floor": has_floor, "route": route, "success": success}


def _sources(function: Any, seen: set) -> Iterator[bytes]:
    """Everything a function compiles from: its bytecode, and the functions and constants it names, recursively."""
    function = getattr(function, "py_func", getattr(function, "__wrapped__", function))
    if function in seen:
        return
    seen.add(function)
    yield marshal.dumps(function.__code__, 2)  # version 2 leaves reference flags out: equal code, equal bytes
    names, spaces = function.__code__.co_names, [function.__globals__]
    spaces += [vars(value) for value in map(function.__globals__.get, names) if isinstance(value, types.ModuleType)]
    for name, space in itertools.product(names, spaces):
        value = space.get(name)
        if hasattr(value, "py_func") or hasattr(value, "__wrapped__") or isinstance(value, types.FunctionType):
            yield from _sources(value, seen)
        elif isinstance(value, bool | int | float | str | tuple | np.generic):
            yield f"{name}={value!r}".encode()


def _rebind(function: Any, names: dict[str, Any], qualified_name: str) -> types.FunctionType:
    bound = types.FunctionType(function.__code__, {**globals(), **names}, function.__name__)
    bound.__qualname__ = qualified_name
    return bound


def _prune(kernel: Any, prefix: str, digest: str) -> None:
    """Drop what earlier versions of these rules left in the disk cache: numba never does."""
    for old in Path(kernel.stats.cache_path).glob(f"kernel.{prefix}{'[0-9a-f]' * 16}[-_]*.nb[ic]"):
        if digest not in old.name:
            old.unlink(missing_ok=True)


_bound: dict[tuple, Any] = {}

# Nothing in the kernel allocates, and the caller holds every array: without reference counts it is 4 times as fast.
_FLAGS = {"cache": True, "error_model": "numpy", "nogil": True, "_nrt": False}


def bind(rules: Rules, setting: Setting, buffers: Buffers, function: Any = advance) -> Any:
    """`advance` with the rules of this game for batches like this one, or `replay`: compiled, unless NUMBA_DISABLE_JIT is set."""
    own = {"reset": rules.reset, "step": rules.step, "observe": rules.observe}
    own |= {name: getattr(rules, name, default) for name, default in _OPTIONAL.items()}
    kind = setting.wire == bare(setting.wire), *(() if config.DISABLE_JIT else (typeof(setting), typeof(buffers)))
    known = function, *own.values(), *kind  # not the module's name: it may have been edited and loaded again
    if known in _bound:
        return _bound[known]
    seen: set = set()
    sources = b"".join(b for f in (advance, replay, bare, *own.values()) for b in _sources(f, seen))
    prefix = f"{'' if function is advance else 'replay_'}{rules.__name__.replace('.', '_')}_"
    digest = hashlib.sha256(sources).hexdigest()[:16]
    name = f"{prefix}{digest}_{hashlib.sha256(repr(kind).encode()).hexdigest()[:8]}"
    own |= {"narrow": bare} if kind[0] else {}
    own |= {"advance": bind(rules, setting, buffers)} if function is replay else {}
    if config.DISABLE_JIT:
        kernel: Any = _rebind(function, own, name)
    else:
        # For each game its own helpers: numba would take its agent for another game's with more fields, and warn that it does.
        own = {"narrow": narrow, "admit": admit.py_func, "refill": refill.py_func, **own}
        inlined = {key: value if hasattr(value, "py_func") else rule(value) for key, value in own.items()}
        kernel = njit(_rebind(function, {**inlined, "SETTING": kind[1], "BUFFERS": kind[2]}, name), **_FLAGS)
        _prune(kernel, prefix, digest)
    _bound[known] = kernel
    return kernel


def enter(kernel: Any, arguments: tuple) -> Any:
    """The kernel's own entry for arguments of these types, past the dispatcher, which looks at the type of each again; nobody
    looks any more, so later arguments must be of the same types."""
    return kernel.compile(tuple(typeof(argument) for argument in arguments)) if hasattr(kernel, "py_func") else kernel
