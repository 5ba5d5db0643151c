"""The loop that runs the rules of one game over a batch, and how it is compiled once and found again on disk.

`advance` is the only loop over games. `bind` gives it a game's rules as its globals and compiles it. numba keeps its disk
cache by file, qualified name and argument types: a closure over compiled rules never hits it, globals do but are not looked
at. So the rules are globals, and a hash of everything they compile from stands in the qualified name.
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
from commenv.core.relay import begin_transit, relay
from commenv.core.transmission import ERASED, NOTHING, SILENCE, admit, refill, stands, transmit

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
    spent: np.ndarray  # [agents, n] payload bits of the running game
    aired: np.ndarray  # [agents, n] messages of the running game
    blocked: np.ndarray  # [agents, n]
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


def advance(part, lo, hi, fresh, p, wire, horizon, shape, state, buffers, scratch):
    """One step of games lo..hi-1, or their reset if `fresh`; FINE, or game * agents + agent of an action out of its space."""
    games, agents_of, board_of, heard = state.games, state.agents, state.board, state.heard
    tally, counts = state.tally[part], state.counts[part]
    act, message, reward = buffers.act, buffers.message, buffers.reward
    terminated, truncated, active = buffers.terminated, buffers.truncated, buffers.active
    spent, aired, blocked = buffers.spent, buffers.aired, buffers.blocked
    observation, final, ended, length = buffers.observation, buffers.final, buffers.ended, buffers.length
    succeeded = buffers.success
    actions, messages, speaks = shape.actions, shape.messages, shape.speaks
    source, target = shape.source, shape.target
    own, width, base, ear, ears = shape.own, shape.width, shape.base, shape.ear, shape.ears
    players, links = len(actions), len(source)
    rng, acts, sent, earned = scratch.rng[part], scratch.acts[part], scratch.sent[part], scratch.earned[part]
    out = scratch.out[part]
    if not fresh and suspicious(lo, hi, act, message, actions, messages):
        for i in range(lo, hi):
            for a in range(players):
                wrong = act[a, i] < 0 or act[a, i] >= actions[a] or message[a, i] < 0 or message[a, i] >= messages[a]
                if wrong and (games[i].turn < 0 or games[i].turn == a):
                    return i * players + a
    for i in range(lo, hi):
        game, agents, board = games[i], agents_of[i], board_of[i]
        over = fresh
        if not fresh:
            for a in range(players):
                acts[a], sent[a], earned[a] = 0, NOTHING, 0.0
                if game.turn < 0 or game.turn == a:
                    acts[a] = act[a, i]
                    if speaks[a] != 0 and has_floor(p, game, agents, board, a):
                        sent[a] = admit(wire, agents[a], message[a, i])
                        agents[a].messages += sent[a] != SILENCE or wire.silence == 0
                        agents[a].blocked += sent[a] != message[a, i]
                refill(wire, agents[a])
            seek(rng, game.key, game.t, RULES)
            done = step(p, game, agents, board, acts, sent, earned, rng)
            seek(rng, game.key, game.t, CHANNEL)
            for k in range(links):
                m = sent[source[k]]
                out[k] = NOTHING
                if shape.holds == 0:
                    heard[i, k] = NOTHING
                if m != NOTHING and wire.drawn != 0 and not stands(wire, game.key, source[k], target[k]):
                    m = NOTHING
                if m != NOTHING and route(p, game, agents, board, source[k], target[k]):
                    meter = tally[k]
                    meter.offered += 1
                    meter.messages += m != SILENCE or wire.silence == 0
                    meter.blocked += m != message[source[k], i]
                    if m < counts.shape[1]:  # floats are not counted one by one
                        counts[k, m] += 1
                    if wire.plain != 0:
                        y = transmit(wire, m, rng)
                        if shape.holds == 0 or y != NOTHING:
                            heard[i, k] = y
                        meter.erased += y == ERASED
                        meter.altered += y != ERASED and y != m
                    else:
                        out[k] = m
            if wire.plain == 0:
                relay(wire, shape, state, i, players, game.key, game.t, sent, out, tally, rng)
            game.t += 1
            cut = game.t >= horizon
            terminated[i], truncated[i] = done, cut and not done
            over = done or cut
            for a in range(players):
                reward[a, i] = earned[a]
                agents[a].score += earned[a]
            if over:
                length[i] = game.t
                succeeded[i] = success(p, game, agents, board)
                for a in range(players):
                    ended[i, a] = agents[a]
                    start = base[a] + i * width[a]
                    observe(p, game, agents, board, a, final[start : start + own[a]])
                    hear(wire, shape, state, i, ear[a], ears[a], final[start + own[a] : start + width[a]])
        if over:
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
            active[a, i] = game.turn < 0 or game.turn == a
            spent[a, i], aired[a, i], blocked[a, i] = agents[a].spent, agents[a].messages, agents[a].blocked
            start = base[a] + i * width[a]
            observe(p, game, agents, board, a, observation[start : start + own[a]])
            hear(wire, shape, state, i, ear[a], ears[a], observation[start + own[a] : start + width[a]])
    return FINE


def replay(part, lo, hi, reel, p, wire, horizon, shape, state, buffers, scratch):
    """`advance` through all steps of a reel, in which what each tells stays; FINE, or what `first_fault` found beforehand."""
    fault = first_fault(lo, hi, reel.act, reel.message, shape.actions, shape.messages)
    if fault != FINE:
        return fault
    for t in range(len(reel.act)):
        now = Buffers(
            reel.act[t],
            reel.message[t],
            reel.reward[t],
            reel.terminated[t],
            reel.truncated[t],
            buffers.active,
            buffers.spent,
            buffers.aired,
            buffers.blocked,
            reel.observation[t],
            buffers.final,
            buffers.ended,
            buffers.length,
            buffers.success,
        )
        fresh = t < 0  # never; but numba would compile `advance` once more for a literal
        advance(part, lo, hi, fresh, p, wire, horizon, shape, state, now, scratch)
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
def hear(wire, shape, state, i, first, count, inbox):
    """Fill the inbox of one agent: for each of its links, or for all, then for each that it eavesdrops on, a one-hot vector,
    the last place an erasure; or floats and a place for an erasure."""
    heard, places = state.heard[i], wire.places
    ears, taps, boxes = count[0], count[1], count[2]
    for b in range(boxes + taps):
        k = first[0] + b if b < boxes else first[1] + b - boxes
        box, y = inbox[b * places : (b + 1) * places], heard[k]
        at = y if wire.floats == 0 or y < 0 else NOTHING
        at = places - 1 if at == ERASED else at
        for place in range(places):  # no branch on what was said: no processor can guess it
            box[place] = 1.0 if place == at else 0.0
        if wire.floats != 0 and y >= 0 and (wire.silence == 0 or y != SILENCE):
            unpack(wire, shape, state, i, k if b < boxes else shape.tapped[k - len(shape.source)], y, box)
    if boxes < ears and places < 64 and wire.floats == 0:  # a box for all; a set of so few places is one number
        said = 0
        for e in range(ears):
            y = heard[first[0] + e]
            said |= int(y != NOTHING) << (y if y >= 0 else places - 1)
        for place in range(places):
            inbox[place] = (said >> place) & 1
        return
    for e in range(boxes, ears):  # a box for all
        y = heard[first[0] + e]
        if y == ERASED:
            inbox[places - 1] = 1.0
        elif y != NOTHING:
            if wire.floats == 0:
                inbox[y] = 1.0
            elif wire.silence == 0 or y != SILENCE:
                unpack(wire, shape, state, i, first[0] + e, y, inbox)


@rule
def suspicious(lo, hi, act, message, actions, messages):
    """Whether any action, perhaps an idle agent's, is out of its space: asked of all games at once it costs next to nothing."""
    wrong = False
    for a in range(len(actions)):
        moves, words, most, longest = act[a], message[a], actions[a], messages[a]
        for i in range(lo, hi):
            wrong |= (moves[i] < 0) | (moves[i] >= most) | (words[i] < 0) | (words[i] >= longest)
    return wrong


@rule
def unpack(wire, shape, state, i, k, y, box):
    """The levels that a message stands for, and the noise on them."""
    rest = y - wire.silence
    for place in range(wire.floats):
        component = wire.floats - 1 - place
        step = rest & ((1 << wire.depth) - 1)
        rest = rest >> wire.depth
        value = (2 * step + (1 << shape.lines[k].cut)) / (1 << wire.depth) - 1.0
        box[component] = value + state.shaken[i, k, component] if wire.gaussian > 0.0 else value


def reset(p, game, agents, board, rng):
    """Replaced by the game's rule, as are those below."""


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
    for old in Path(kernel.stats.cache_path).glob(f"kernel.{prefix}{'[0-9a-f]' * 16}-*.nb[ic]"):
        if digest not in old.name:
            old.unlink(missing_ok=True)


_bound: dict[tuple, Any] = {}
_replays: dict[Any, Any] = {}

# Nothing in the kernel allocates, and the caller holds every array: without reference counts it is 4 times as fast.
_FLAGS = {"cache": True, "error_model": "numpy", "nogil": True, "_nrt": False}


def bind(rules: Rules) -> Any:
    """`advance` with the rules of this game: compiled, unless NUMBA_DISABLE_JIT is set."""
    own = {"reset": rules.reset, "step": rules.step, "observe": rules.observe}
    own |= {name: getattr(rules, name, default) for name, default in _OPTIONAL.items()}
    known = tuple(own.values())  # not the module's name: it may have been edited and loaded again
    if known in _bound:
        return _bound[known]
    prefix = rules.__name__.replace(".", "_") + "_"
    seen: set = set()
    digest = hashlib.sha256(b"".join(b for f in (advance, replay, *own.values()) for b in _sources(f, seen))).hexdigest()[:16]
    if config.DISABLE_JIT:
        kernel: Any = _rebind(advance, own, prefix + digest)
    else:
        inlined = {name: function if hasattr(function, "py_func") else rule(function) for name, function in own.items()}
        # For each game its own: numba would take its agent for another game's with more fields, and warn that it does.
        inlined |= {helper.__name__: rule(helper.py_func) for helper in (admit, refill)}
        kernel = njit(_rebind(advance, inlined, prefix + digest), **_FLAGS)
        _prune(kernel, prefix, digest)
    _bound[known] = kernel
    return kernel


def bind_replay(rules: Rules) -> Any:
    """`replay` with the kernel of this game, likewise."""
    kernel = bind(rules)
    if kernel not in _replays:
        name = f"replay_{getattr(kernel, 'py_func', kernel).__qualname__}"
        function = _rebind(replay, {"advance": kernel}, name)
        _replays[kernel] = njit(function, **_FLAGS) if hasattr(kernel, "py_func") else function
        if hasattr(kernel, "py_func"):
            _prune(_replays[kernel], name[:-16], name[-16:])
    return _replays[kernel]


def enter(kernel: Any, arguments: tuple) -> Any:
    """The kernel's own entry for arguments of these types, past the dispatcher, which looks at the type of every array again.

    A step of one game costs .5 us instead of 5; but nobody looks any more, so later arguments must be of the same types.
    """
    return kernel.compile(tuple(typeof(argument) for argument in arguments)) if hasattr(kernel, "py_func") else kernel
