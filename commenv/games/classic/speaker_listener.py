"""Speaker and listener: one knows which landmark to go to, the other goes. MPE's simple_speaker_listener.

Agents: `speaker_0`, who only speaks, and `listener_0`, who only moves; both act at every step. Of three landmarks one is the
goal. The listener and the landmarks begin anywhere in [-1, 1]^2.

| | speaker_0 | listener_0 |
|---|---|---|
| observation | colour of the goal (3,) | velocity (2,), landmarks from here (6,); then the inbox (M + 1,) |
| action | message, Discrete(M); M = 3 by default | stay, left, right, down, up, Discrete(5) |

A colour is .65 at the landmark's place and .15 elsewhere. A step: position += .1 v; v = .75 v + .5 push. A message is in the
next observation. The inbox has a last place for an erasure, which MPE has not; otherwise observations, rewards and their
order are those of mpe2's simple_speaker_listener_v4.

Reward, the same for both: minus the squared distance of listener and goal, after the move. Ends, truncated, after
`max_cycles` steps, 25 by default. Success: 1 if the listener ends nearer to its goal than to any other landmark.

Limits are measured, over 20,000 games of a scripted team, and no proofs; each says its standard error. silent: the listener
steers for least expected loss, to the centroid. reachable: it hears a perfect speaker one step late; with two messages the
speaker spells. ceiling: it knows the goal from the start. Two messages cap only listeners without memory: -11.4 a game
instead of -7.6. Efficiency is (reward - silent) / (reachable - silent). Noise is believed by Bayes' rule; a budget limits how
long the speaker speaks.

Lowe, Wu, Tamar, Harb, Abbeel, Mordatch (2017), Multi-agent actor-critic for mixed cooperative-competitive environments. Not
reproduced: mpe2 draws noise from the global generator and ignores the seed; VMAS draws one goal for its whole batch.
Version history: v0 first release.
"""

import sys
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from commenv.core.game import Layout, Role
from commenv.core.limits import Limits
from commenv.games.classic import particles
from commenv.games.classic.particles import LANDMARKS, look, move, nearest, scatter, square

SPEAKER, LISTENER = 0, 1
BRIGHT, DARK = 0.65, 0.15


@dataclass(frozen=True, kw_only=True)
class Options(particles.Timed):
    """What a user may choose."""

    default_symbols: ClassVar[int | None] = 3


class Parameters(NamedTuple):
    pass


class Game(particles.Scene):
    pass


class Agent(particles.Body):
    pass


def layout(options: Options) -> Layout:
    far = particles.reach(options.max_cycles)
    speaker = Role("speaker_0", actions=1, observation=LANDMARKS)
    listener = Role("listener_0", actions=5, observation=8, low=-far, high=far)
    return Layout(roles=(speaker, listener), links=((SPEAKER, LISTENER),))


def parameters(options: Options) -> Parameters:
    return Parameters()


def reset(p, game, agents, board, rng):
    scatter(game, agents, rng)


def step(p, game, agents, board, act, sent, reward, rng):
    move(agents[LISTENER], act[LISTENER])
    loss = square(game, agents[LISTENER], agents[SPEAKER].goal)
    reward[SPEAKER] = reward[LISTENER] = -loss
    return False


def observe(p, game, agents, board, i, obs):
    if i == SPEAKER:
        for k in range(LANDMARKS):
            obs[k] = DARK + (BRIGHT - DARK) * int(k == agents[SPEAKER].goal)
    else:
        look(game, agents[i], obs)


def success(p, game, agents, board):
    return 1.0 if nearest(game, agents[LISTENER]) == agents[SPEAKER].goal else 0.0


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    return f"step {game['t']}: goal {agents[SPEAKER]['goal']}; {particles.sketch(game, agents[LISTENER:])}"


def situations(options: Options) -> None:
    return None


PAIRS = ((SPEAKER, LISTENER),)
RECORDED = {
    "nothing": (-15.522771, 0.077046),
    "heard from 2": (-7.590978, 0.056406),
    "heard from more": (-7.513102, 0.056531),
    "start": (-7.366453, 0.056721),
}
"""What `particles.measured` gives without noise."""


def limits(options: Options) -> Limits:
    return particles.limits(sys.modules[__name__], options, PAIRS, squared=True, recorded=RECORDED)
