"""Randomness is SplitMix64's, uniform, and no two streams share a draw."""

import numpy as np
import pytest
from scipy.stats import chisquare

import commenv
from commenv.core.generator import BEGINNING, CHANNEL, RULES, categorical, draw, episode_key, integer, seek, uniform

IMPROBABLE = 1e-4
STRIDE = 0x9E3779B97F4A7C15


def at(position: int) -> np.ndarray:
    return np.array([position], np.uint64)


def test_draws_are_splitmix64():
    rng = at(1234567)  # reference values of Steele, Lea and Flood's generator, as published with its C code by Vigna
    assert [int(draw(rng)) for _ in range(3)] == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_draws_wrap_around():
    rng = at(2**64 - 1)
    draw(rng)
    assert int(rng[0]) == (2**64 - 1 + STRIDE) % 2**64


def test_uniform():
    rng = at(7)
    u = np.array([uniform(rng) for _ in range(50_000)])
    assert u.min() >= 0
    assert u.max() < 1
    assert chisquare(np.bincount((u * 64).astype(int), minlength=64)).pvalue > IMPROBABLE
    pairs = (u[::2] * 8).astype(int) * 8 + (u[1::2] * 8).astype(int)  # neighbours are independent
    assert chisquare(np.bincount(pairs, minlength=64)).pvalue > IMPROBABLE


@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_integer(n):
    rng = at(3)
    counts = np.bincount([integer(rng, n) for _ in range(20_000)])
    assert len(counts) == n
    assert n == 1 or chisquare(counts).pvalue > IMPROBABLE


def test_integer_reaches_both_ends_of_its_range():
    n = 2**32 - 1
    rng = at(0)
    drawn = [integer(rng, n) for _ in range(1000)]
    assert 0 <= min(drawn) < n / 100
    assert n * 0.99 < max(drawn) < n


def test_categorical():
    p = np.array([0.5, 0.0, 0.3, 0.2])
    rng = at(5)
    counts = np.bincount([categorical(rng, np.cumsum(p)) for _ in range(20_000)], minlength=4)
    assert counts[1] == 0
    assert chisquare(counts[p > 0], 20_000 * p[p > 0]).pvalue > IMPROBABLE


def test_categorical_survives_rounding_of_the_sum():
    assert categorical(at(0), np.zeros(3)) == 2


def test_streams_do_not_overlap():
    rng, starts = at(0), []
    for seed in range(40):
        for episode in range(10):
            key = episode_key(np.uint64(seed), episode)
            for t in range(20):
                for stream in (RULES, CHANNEL, BEGINNING):
                    seek(rng, np.uint64(key), t, stream)
                    starts.append(int(rng[0]))
    positions = np.array(starts, np.uint64)[:, None] + np.uint64(STRIDE) * np.arange(32, dtype=np.uint64)
    assert len(np.unique(positions)) == positions.size


def test_neighbouring_seeds_are_independent():
    batch = commenv.make_batch("messaging/referential-v0", 2**16, seed=0)
    states = batch.reset()["sender"].argmax(axis=1)
    assert chisquare(np.bincount(states, minlength=8)).pvalue > IMPROBABLE
    assert chisquare(np.bincount(8 * states[::2] + states[1::2], minlength=64)).pvalue > IMPROBABLE
    again = batch.reset()["sender"].argmax(axis=1)  # and so are the episodes of one seed
    assert chisquare(np.bincount(8 * states + again, minlength=64)).pvalue > IMPROBABLE
