"""CodeCart: a sender balances a pole, and its pushes tell an image of 256 bits to whoever watches.

Agents: `sender`, `receiver`, who move in turn; with a rate limit also `source`. A message of 32 parts of 256 values each, an
image of 16 x 16 black and white cells row by row, is drawn and the sender told. It balances Gymnasium's CartPole-v1, at most
`horizon` steps; the receiver watches and then names the parts one after the other. The pushes are the channel: they are seen by
everybody.

| | sender | receiver | source, if any |
|---|---|---|---|
| observation | what is public, then the message, each part one-hot (256,) | what is public | what is public, then the message |
| action | push left, right, Discrete(2) | a part of the message, Discrete(256) | over the channel, Discrete(2**bits) |

Public are the position and velocity of the cart and the angle and velocity of the pole, as in Gymnasium (4,); the clock, steps
/ horizon; the push executed last, one-hot (2,); and which part is to be named, one-hot (32,). With probability `noise` the push
executed is drawn uniformly. With `rate_limit` the source tells the sender, before each step or once, what `bits` bits can tell.

Reward: 1 a step, as in Gymnasium, and zeta if all parts are named rightly; the same for all. Ends when the last part is named,
after the cart has left 2.4, the pole 12 degrees, or after `horizon` steps. infos of a game that is over have `mdp_return`, the
steps; `decode_correct`, which is also `success`; and `bits_delivered`, log2 1 / mu of the parts named rightly, chance included.

Limits: silent: all steps (a pole can be balanced; linear feedback does it) and the likeliest image. reachable = ceiling: all
steps, and all that so many pushes of a bit can tell. Exact agents (agents/exact/cart) come near it without noise: of three
networks each balances the pole for all 500 steps at temperature .5, and tells 37 to 40 of 40 images whole. With noise .25 they
tell no image whole (`commenv study code_cart`).

Barto, Sutton, Anderson (1983), the process; Sokota, Schroeder de Witt, Igl, Zintgraf, Torr, Strohmeier, Kolter, Whiteson,
Foerster (2022), Communicating via Markov decision processes, the game. Version history: v0 first release.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from commenv.core.game import Layout
from commenv.core.generator import chance, integer, rule, uniform
from commenv.core.limits import Limit, Limits
from commenv.games.coding import message
from commenv.games.coding.message import (
    FIGURES,
    RECEIVER,
    SENDER,
    SOURCE,
    Agent,
    bits_of_values,
    draw_message,
    earn,
    go_on,
    name_part,
    seats,
    show_message,
    situations,
    success,
    told_turn,
)
from commenv.solvers.soft_value import best_named

__all__ = [
    "FIGURES",
    "Agent",
    "Game",
    "Options",
    "Parameters",
    "describe",
    "layout",
    "limits",
    "observe",
    "parameters",
    "reset",
    "situations",
    "step",
    "success",
]

GRAVITY, CART, POLE, HALF_LENGTH, FORCE, SECONDS = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02
FARTHEST, STEEPEST = 2.4, 12 * 2 * math.pi / 360
WITHIN = 100.0
"""No velocity comes near it before the game is over: a push adds a fifth at most."""


@dataclass(frozen=True, kw_only=True)
class Options(message.Options):
    """What a user may choose."""

    messages: int = 256
    parts: int = 32
    horizon: int = 500


class Parameters(NamedTuple):
    prior: np.ndarray  # cumulative, (K,)
    surprise: np.ndarray  # (K,)
    parts: int
    zeta: float
    noise: float
    limit: int
    horizon: int


class Game(message.Game):
    place: float
    speed: float
    angle: float
    spin: float
    pushed: int  # -1: not yet


def layout(options: Options) -> Layout:
    return seats(options, 2, public(options), 0, -WITHIN, WITHIN)


def public(options: Options) -> int:
    """Length of what everybody sees."""
    return 4 + 1 + 2 + (options.parts if options.parts > 1 else 0)


def parameters(options: Options) -> Parameters:
    prior = np.cumsum(options.probabilities)
    own = float(options.zeta), float(options.noise), options.limit, options.horizon
    return Parameters(prior, bits_of_values(options), options.parts, *own)


def reset(p, game, agents, board, rng):
    draw_message(p, game, agents, board, rng)
    game.place, game.speed = 0.1 * uniform(rng) - 0.05, 0.1 * uniform(rng) - 0.05
    game.angle, game.spin = 0.1 * uniform(rng) - 0.05, 0.1 * uniform(rng) - 0.05
    game.pushed = -1


@rule
def push(game, right):
    """Gymnasium's step of Euler; True when the pole has fallen or the cart has left."""
    force = FORCE if right == 1 else -FORCE
    cosine, sine = math.cos(game.angle), math.sin(game.angle)
    thrust = (force + POLE * HALF_LENGTH * game.spin * game.spin * sine) / (CART + POLE)
    turning = (GRAVITY * sine - cosine * thrust) / (HALF_LENGTH * (4.0 / 3.0 - POLE * cosine * cosine / (CART + POLE)))
    moving = thrust - POLE * HALF_LENGTH * turning * cosine / (CART + POLE)
    game.place += SECONDS * game.speed
    game.speed += SECONDS * moving
    game.angle += SECONDS * game.spin
    game.spin += SECONDS * turning
    return abs(game.place) > FARTHEST or abs(game.angle) > STEEPEST


def step(p, game, agents, board, act, sent, reward, rng):
    if game.turn == SOURCE:
        game.turn = SENDER
        return False
    if game.turn == RECEIVER:
        return name_part(p, game, agents, board, act[RECEIVER], reward)
    game.pushed = act[SENDER]
    if p.noise > 0.0 and chance(rng, p.noise):
        game.pushed = integer(rng, 2)
    fallen = push(game, game.pushed)
    earn(agents, reward, 1.0)
    game.clock += 1
    go_on(p, game, fallen or game.clock >= p.horizon)
    return False


def observe(p, game, agents, board, i, obs):
    for k in range(len(obs)):
        obs[k] = 0.0
    obs[0], obs[1], obs[2], obs[3] = game.place, game.speed, game.angle, game.spin
    obs[4] = game.clock / p.horizon
    if game.pushed >= 0:
        obs[5 + game.pushed] = 1.0
    show_message(p, game, board, i, 7, obs)


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    angle = math.degrees(game["angle"])
    return f"step {game['clock']}: cart at {game['place']:.2f}, pole at {angle:.1f} degrees, {told_turn(game)}"


# ---------------------------------------------------------------------------------------------------------------- limits
def limits(options: Options) -> Limits:
    steps, cut = options.reached
    named = best_named(options.probabilities, options.zeta, min(float(steps), options.told(steps)), options.parts)
    known = not cut and not options.noise
    silent = Limit(steps + (0.0 if cut else options.guess), known, "all steps, and the likeliest image")
    ceiling = max(steps + named, silent.value)
    source = "all steps, and the most that a bit a step can tell (Fano)"
    return Limits(silent, Limit(ceiling, False, f"not known; the ceiling: {source}"), Limit(ceiling, False, source))
