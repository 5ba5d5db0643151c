"""The switch riddle's rules in one bare loop: what this machine could do at most, were there nothing but the rules.

No channel, meter, clock, seeds or checks; one agent in the room, one bit, three prisoners, as JaxMARL plays it.
"""

from itertools import cycle

import numpy as np
from numba import njit

from experiments.bench.measure import Play
from experiments.bench.peers import DRAWN

PRISONERS = 3
HORIZON = 4 * PRISONERS - 6
SWITCH, TELL = 1, 2

_STRIDE, _FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_27, _30, _32 = np.uint64(27), np.uint64(30), np.uint64(32)


@njit(error_model="numpy", cache=True)
def step(counter, actions, inside, light, been, t, observation, reward, done):
    """One step of all games: actions (n, 3) in; observation (n, 3, 2), reward (n,) and done (n,) out; the rest is
    state, (n,), and a counter, (1,).

    Who comes next is the first half of SplitMix64's output; a game that is over begins anew.
    """
    for i in range(len(inside)):
        who = inside[i]
        action = actions[i, who]
        been[i] |= 1 << who
        told = action == TELL
        reward[i] = (1.0 if been[i] == (1 << PRISONERS) - 1 else -1.0) if told else 0.0
        t[i] += 1
        over = told or t[i] >= HORIZON
        done[i] = over
        light[i] = 0 if over else light[i] ^ (action == SWITCH)
        if over:
            been[i], t[i] = 0, 0
        counter[0] += _STRIDE
        word = counter[0]
        word = (word ^ (word >> _30)) * _FIRST
        word = (word ^ (word >> _27)) * _SECOND
        inside[i] = ((word >> _32) * np.uint64(PRISONERS)) >> _32
        for a in range(PRISONERS):
            observation[i, a, 0] = inside[i] == a
            observation[i, a, 1] = light[i] if inside[i] == a else 0


def bare(n: int) -> Play:
    """A round is one step of each of the n games."""
    draw = np.random.default_rng(0)
    drawn = cycle(draw.integers(3, size=(DRAWN, n, PRISONERS), dtype=np.int32))
    state = [np.zeros(n, np.int8) for _ in range(4)]
    told = np.zeros((n, PRISONERS, 2), np.float32), np.zeros(n, np.float32), np.zeros(n, np.bool_)
    counter = np.zeros(1, np.uint64)

    def play(rounds: int) -> tuple[int, int]:
        games = 0
        for _ in range(rounds):
            step(counter, next(drawn), *state, *told)
            games += int(np.count_nonzero(told[2]))
        return n * rounds, games

    return play
