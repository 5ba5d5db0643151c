"""Counter-based randomness: every draw is a pure function of (seed, episode, step, stream, draw).

A generator is an array of one uint64, its position in a sequence of 2**64 draws; `seek` moves it, `draw` reads on.
Game i of a batch with seed s has seed s + i, so it plays alike in a batch of one and of many. The rules of a game and its
channel read separate streams: noise never moves the game's own draws. The output function is SplitMix64's
(Steele, Lea, Flood 2014, Fast splittable pseudorandom number generators).
"""

from typing import Any

import numpy as np
from numba import config, njit

# numba gives float64 for uint64 op int64, so every constant that meets a counter is a uint64.
_STRIDE = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_11, _27, _30, _31, _32 = (np.uint64(k) for k in (11, 27, 30, 31, 32))
_UNIT = 2.0**-53

RULES, CHANNEL, BEGINNING, EDGES = (np.uint64(k << 30) for k in range(4))
"""The streams: of the rules, of the channel's noise, of a game's reset and of its topology (both step 0)."""


def rule(function: Any) -> Any:
    """Compile a scalar helper of the rules; it is inlined into the kernel that calls it."""
    return njit(function, error_model="numpy", forceinline=True)


def wrapping(function: Any) -> Any:
    """A rule whose uint64 arithmetic wraps on purpose: without the compiler NumPy would warn."""
    return np.errstate(over="ignore")(function) if config.DISABLE_JIT else rule(function)


@wrapping
def mix(word):
    word = (word ^ (word >> _30)) * _FIRST
    word = (word ^ (word >> _27)) * _SECOND
    return word ^ (word >> _31)


@wrapping
def episode_key(seed, episode):
    """Where the draws of one episode begin."""
    return mix(mix(seed + _STRIDE) + np.uint64(episode))


@wrapping
def seek(rng, key, t, stream):
    """Move `rng` to the first draw of `stream` in step t (below 2**32) of the episode with this key."""
    rng[0] = key + ((np.uint64(t) << _32) + stream) * _STRIDE


@wrapping
def draw(rng):
    """The next 64 random bits."""
    rng[0] += _STRIDE
    return mix(rng[0])


@wrapping
def edge_draw(key, source, target):
    """Uniform on [0, 1), the same throughout an episode: of this edge between agents below 2**15. It moves no generator."""
    place = EDGES + (np.uint64(source) << np.uint64(15)) + np.uint64(target)
    return float(mix(key + place * _STRIDE) >> _11) * _UNIT


@rule
def uniform(rng):
    """Uniform on [0, 1), a multiple of 2**-53."""
    return float(draw(rng) >> _11) * _UNIT


@rule
def word(rng, bits):
    """So many random bits, from 1 to 63, as an integer."""
    return np.int64(draw(rng) >> np.uint64(64 - bits))


@rule
def integer(rng, n):
    """Uniform on 0..n-1, n below 2**32, with a bias below n / 2**32."""
    return int(((draw(rng) >> _32) * np.uint64(n)) >> _32)


@rule
def chance(rng, probability):
    return uniform(rng) < probability


@rule
def categorical(rng, cumulative):
    """An index drawn by the cumulative probabilities, an array whose last entry counts as 1."""
    u = uniform(rng)
    k = 0
    while k < len(cumulative) - 1 and u >= cumulative[k]:
        k += 1
    return k
