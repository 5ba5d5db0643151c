"""Bodies of the multi-agent particle environments (MPE): how they move, what they see of landmarks, and a scripted team.

A body has a velocity; an action pushes it along one axis. Time goes in steps of .1: position += .1 v, then v = .75 v + .5 push,
so a push shows in the position two observations later, and moves the place where the body will come to rest by .2.
The scripted team is what `limits` measures: its listener believes in each landmark as much as what it has heard allows, and
looks ahead for the pushes of least expected loss.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit

from commenv.core import game as core
from commenv.core.batch import Batch
from commenv.core.channel import Channel
from commenv.core.errors import whole
from commenv.core.game import Options, Rules
from commenv.core.generator import integer, rule, uniform
from commenv.core.limits import Limit, Limits
from commenv.games.classic.narrowed import narrowed

LANDMARKS = 3
HORIZON = 25
GAMES = 20_000
"""Games in which limits are measured."""

Pairs = tuple[tuple[int, int], ...]
"""(speaker, listener), by index."""
Code = Callable[[Channel, int], np.ndarray]
Measured = tuple[float, float]
"""Mean and standard error."""


# ---------------------------------------------------------------------------------------------------------------- rules
@dataclass(frozen=True, kw_only=True)
class Timed(core.Options):
    """Options of a game that nothing ends but the clock."""

    max_cycles: int | None = HORIZON
    """Steps after which a game is truncated, 1 to 1,000,000."""

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("max_cycles", self.max_cycles, 1, 10**6)


class Scene(core.Game):
    """Three landmarks."""

    x0: float
    y0: float
    x1: float
    y1: float
    x2: float
    y2: float


class Body(core.Agent):
    """One agent's body, and the landmark it speaks of."""

    x: float
    y: float
    vx: float
    vy: float
    goal: int


@rule
def side(rng):
    """Uniform on [-1, 1)."""
    return 2.0 * uniform(rng) - 1.0


@rule
def scatter(game, agents, rng):
    """Landmarks and bodies anywhere, at rest, each with any goal."""
    for i in range(len(agents)):
        agents[i].goal = integer(rng, LANDMARKS)
        agents[i].x, agents[i].y = side(rng), side(rng)
        agents[i].vx, agents[i].vy = 0.0, 0.0
    game.x0, game.y0 = side(rng), side(rng)
    game.x1, game.y1 = side(rng), side(rng)
    game.x2, game.y2 = side(rng), side(rng)


@rule
def move(body, action):
    """A step of .1 with damping .25 and force 5; actions are stay, left, right, down, up. What was moves, then what is pushed."""
    vx, vy = body.vx, body.vy
    body.x += vx * 0.1
    body.y += vy * 0.1
    body.vx = vx * 0.75 + 0.5 * (int(action == 2) - int(action == 1))  # no branches: no processor can guess an action
    body.vy = vy * 0.75 + 0.5 * (int(action == 4) - int(action == 3))


@rule
def square(game, body, landmark):
    """Squared distance; without branches, for no processor can guess a goal."""
    first, second, third = int(landmark == 0), int(landmark == 1), int(landmark == 2)
    dx = body.x - (first * game.x0 + second * game.x1 + third * game.x2)
    dy = body.y - (first * game.y0 + second * game.y1 + third * game.y2)
    return dx * dx + dy * dy


@rule
def nearest(game, body):
    """The landmark a body is nearest to."""
    best = 0
    for k in range(1, LANDMARKS):
        if square(game, body, k) < square(game, body, best):
            best = k
    return best


@rule
def look(game, body, obs):
    """Velocity, and where the landmarks are from here: 8 numbers."""
    obs[0], obs[1] = body.vx, body.vy
    obs[2], obs[3] = game.x0 - body.x, game.y0 - body.y
    obs[4], obs[5] = game.x1 - body.x, game.y1 - body.y
    obs[6], obs[7] = game.x2 - body.x, game.y2 - body.y


def reach(steps: int | None) -> float:
    """A bound on everything that `look` sees within so many steps: no body is faster than 2."""
    return 2 + 0.2 * (steps or HORIZON)


def sketch(game: Any, bodies: Any) -> str:
    """Where everything is, for people."""
    landmarks = ", ".join(f"({game[f'x{k}']:.2f}, {game[f'y{k}']:.2f})" for k in range(LANDMARKS))
    places = ", ".join(f"({body['x']:.2f}, {body['y']:.2f})" for body in bodies)
    return f"landmarks {landmarks}; bodies {places}"


# ---------------------------------------------------------------------------------------------------------------- scripted
@rule
def mean(landmarks, belief, axis):
    return belief[0] * landmarks[axis] + belief[1] * landmarks[2 + axis] + belief[2] * landmarks[4 + axis]


@rule
def loss(x, y, landmarks, belief, squared):
    """Expected loss of standing at (x, y), landmarks as x, y, x, y, ...; squares but for a constant, their variance."""
    if squared:
        return (x - mean(landmarks, belief, 0)) ** 2 + (y - mean(landmarks, belief, 1)) ** 2
    total = 0.0
    for k in range(LANDMARKS):
        if belief[k] > 0.0:
            total += belief[k] * math.sqrt((x - landmarks[2 * k]) ** 2 + (y - landmarks[2 * k + 1]) ** 2)
    return total


@rule
def along(action, axis):
    """What a push adds to the velocity along one axis."""
    return 0.0 if action == 0 or (action - 1) // 2 != axis else 0.5 if action % 2 == 0 else -0.5


@njit(error_model="numpy", cache=True)
def _steer(seen, belief, squared, actions):
    """The first of three pushes of least expected loss, of the three positions they change first and of rest, thrice."""
    for i in range(len(seen)):
        landmarks, trust = seen[i, 2:], belief[i]
        least = math.inf
        x1, y1 = 0.1 * seen[i, 0], 0.1 * seen[i, 1]
        for first in range(5):
            u1, v1 = 0.75 * seen[i, 0] + along(first, 0), 0.75 * seen[i, 1] + along(first, 1)
            x2, y2 = x1 + 0.1 * u1, y1 + 0.1 * v1
            loss2 = loss(x2, y2, landmarks, trust, squared)
            if loss2 >= least:
                continue
            for second in range(5):
                u2, v2 = 0.75 * u1 + along(second, 0), 0.75 * v1 + along(second, 1)
                x3, y3 = x2 + 0.1 * u2, y2 + 0.1 * v2
                loss3 = loss2 + loss(x3, y3, landmarks, trust, squared)
                if loss3 >= least:
                    continue
                for third in range(5):
                    u3, v3 = 0.75 * u2 + along(third, 0), 0.75 * v2 + along(third, 1)
                    loss4 = loss3 + loss(x3 + 0.1 * u3, y3 + 0.1 * v3, landmarks, trust, squared)
                    if loss4 < least:
                        loss4 += 3.0 * loss(x3 + 0.4 * u3, y3 + 0.4 * v3, landmarks, trust, squared)
                        if loss4 < least:
                            least, actions[i] = loss4, first


def spell(channel: Channel, t: int) -> np.ndarray:
    """The message for each landmark at step t: its own, or with two messages whether it is the one whose turn it is."""
    first = int(channel.silence and channel.size > LANDMARKS)  # silence is no good message where a budget may enforce it
    if channel.size - first >= LANDMARKS:
        return first + np.arange(LANDMARKS)
    return (np.arange(LANDMARKS) == t % LANDMARKS).astype(np.int64) * min(channel.size - 1, 1)


def earned(
    batch: Batch, pairs: Pairs, squared: bool, knows: str = "heard", code: Code = spell, memory: bool = True
) -> np.ndarray:
    """Returns, mean over the agents, of one game of a scripted team in each row of a fresh batch; shape (n,).

    A speaker holds its listener's goal in its field `goal`.
    knows: `heard` what its channel tells it, the goal from the `start`, or `nothing`. code: the message for each landmark at
    step t. Without memory a listener believes only what it heard last.
    """
    n, names, channel = batch.num_envs, batch.possible_agents, batch.channel
    observations = batch.reset()
    goals = {speaker: batch.state.agents["goal"][:, speaker].copy() for speaker, _ in pairs}
    beliefs = {listener: np.full((n, LANDMARKS), 1 / LANDMARKS) for _, listener in pairs}
    if knows == "start":
        beliefs = {listener: np.eye(LANDMARKS)[goals[speaker]] for speaker, listener in pairs}
    total = np.zeros(n)
    for t in range(batch.options.max_cycles or HORIZON):
        words = code(channel, t)
        act, message = np.zeros((len(names), n), np.int64), np.zeros((len(names), n), np.int64)
        for speaker, listener in pairs:
            message[speaker] = words[goals[speaker]]
            seen = observations[names[listener]]
            if knows == "heard" and t > 0:
                told = seen[:, batch.inbox(names[listener])]
                before = beliefs[listener] if memory else np.full((n, LANDMARKS), 1 / LANDMARKS)
                beliefs[listener] = believe(before, channel, code(channel, t - 1), told)
            _steer(seen[:, :8].astype(float), beliefs[listener], squared, act[listener])
        spaces = [batch.action_spaces[name] for name in names]
        both = [np.column_stack([act[a], message[a]]) if space.shape else act[a] + message[a] for a, space in enumerate(spaces)]
        observations, rewards, *_ = batch.step(dict(zip(names, both, strict=True)))
        total += sum(rewards.values()) / len(names)
    return total


def believe(belief: np.ndarray, channel: Channel, words: np.ndarray, told: np.ndarray) -> np.ndarray:
    """Bayes' rule, after an inbox (n, M + 1); silence says nothing where a budget may have enforced it."""
    likelihood = channel.matrix[words]
    if channel.limited:
        likelihood[:, 0] = 1.0
    posterior = belief * likelihood[:, told.argmax(axis=1)].T
    return posterior / posterior.sum(axis=1, keepdims=True)


# ---------------------------------------------------------------------------------------------------------------- limits
@lru_cache(64)
def measured(rules: Rules, options: Options, pairs: Pairs, squared: bool, knows: str) -> Measured:
    """What the scripted team earns in GAMES games of seed 0, the same games whatever the channel."""
    quiet = replace(options, bits=None, channel=narrowed(options.link, 8))
    returns = earned(Batch(rules, quiet, GAMES, 0, copy=False), pairs, squared, knows)
    return float(returns.mean()), float(returns.std() / math.sqrt(GAMES))


def limits(rules: Any, options: Options, pairs: Pairs, squared: bool, recorded: Mapping[str, Measured]) -> Limits:
    """recorded: what `measured` gave for the usual horizon: `nothing`, `start`, and `heard` from 2 or more noiseless symbols."""
    channel = options.link
    plain = not (channel.error or channel.erasure or channel.limited)

    def limit(knows: str, team: str) -> Limit:
        name = knows if knows != "heard" else "heard from 2" if channel.size == 2 else "heard from more"
        known = options.max_cycles == HORIZON and (plain or knows != "heard")
        mean, error = recorded[name] if known else measured(rules, options, pairs, squared, knows)
        how = f"measured over {GAMES:,} games, standard error {error:.3f}, no proof: a scripted listener that"
        return Limit(mean, False, f"{how} {team} and looks three pushes ahead")

    silent = limit("nothing", "knows nothing of its goal")
    if channel.capacity < 1e-12:
        return Limits(silent, silent, silent)
    heard = max(limit("heard", "believes what it hears"), silent, key=lambda limit: limit.value)
    start = max(limit("start", "knows its goal from the start"), heard, key=lambda limit: limit.value)
    return Limits(silent, heard, start)
