"""Messages of floats: quantised as said, packed into one number and out again, noise of the law that was asked for."""

import math

import numpy as np
import pytest
from examples import FLOATS, RING, digest, random_actions
from hypothesis import given
from hypothesis import strategies as st

import commenv
from commenv import Channel, info

REFERENTIAL = "messaging/referential-v0"


def told(channel: dict, values: np.ndarray, seed: int = 0) -> tuple[np.ndarray, commenv.core.batch.Batch]:
    """The receiver's inbox after the sender has said these numbers, a game each."""
    batch = commenv.make_batch(REFERENTIAL, len(values), seed=seed, channel=channel)
    batch.reset()
    observations, *_ = batch.step({"sender": values, "receiver": np.zeros(len(values), int)})
    return observations["receiver"][:, batch.inbox("receiver")], batch


@given(st.integers(1, 4), st.integers(0, 12), st.booleans(), st.integers(0, 2**32 - 1))
def test_the_nearest_level_arrives(d, bits, silence, seed):
    values = np.random.default_rng(seed).uniform(-1, 1, (20, d + silence)).astype(np.float32)
    values[0], values[1] = -1, 1
    channel = Channel(floats=d, bits=bits, silence=silence)
    inbox, batch = told(channel.fields(), values)
    assert channel.levels.tolist() == [-1 + (2 * i + 1) / 2**bits for i in range(2**bits)]
    speaks = values[:, d] >= 0 if silence else np.ones(20, bool)
    assert set(inbox[speaks, :d].ravel()) <= set(channel.levels.astype(np.float32))
    assert (np.abs(inbox[speaks, :d] - values[speaks, :d]) <= 2.0**-bits + 1e-7).all()
    assert not inbox[~speaks].any()
    assert not inbox[:, d].any()
    total = batch.meter.total
    assert total.messages == speaks.sum()
    assert total.payload_bits == d * bits * speaks.sum()
    assert channel.capacity == pytest.approx(math.log2(2 ** (d * bits) + silence))


def test_gaussian_noise_is_gaussian():
    n, d, std = 100_000, 2, 0.3
    values = np.random.default_rng(0).uniform(-1, 1, (n, d))
    channel = Channel(floats=d, bits=4, gaussian=std, erasure=0.25)
    inbox, batch = told(channel.fields(), values)
    lost = inbox[:, d] == 1
    assert abs(lost.sum() - n / 4) <= 4 * math.sqrt(n * 3 / 16)
    assert not inbox[lost, :d].any()
    levels = channel.levels[((values + 1) * 8).astype(int)]
    noise = ((inbox[:, :d] - levels)[~lost] / std).astype(float)
    m = len(noise)
    for power, mean, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):  # moments of the normal law
        assert (np.abs((noise**power).mean(axis=0) - mean) <= 4 * math.sqrt(variance / m)).all()
    assert abs((noise[:, 0] * noise[:, 1]).mean()) <= 4 / math.sqrt(m)
    assert abs((noise[:, 0] * levels[~lost][:, 0]).mean()) <= 4 / math.sqrt(m)
    own = info.quantised_gaussian_capacity(channel.levels, std)
    assert 0.75 * d * own.bits <= channel.capacity <= 0.75 * d * own.upper + 1e-12
    assert batch.meter.total.capacity_bits == pytest.approx(n * channel.capacity)


def test_flips_and_errors_are_of_the_packed_number():
    n, channel = 120_000, Channel(floats=2, bits=1, silence=True, error=0.2, flip=0.1, erasure=0.1, drop=0.1)
    message = np.arange(n) % 5
    packed = np.maximum(message - 1, 0)
    values = np.stack([(packed >> 1) - 0.5, (packed & 1) - 0.5, (message > 0) - 0.5], axis=1)
    np.testing.assert_array_equal(channel.pack(values), message)
    inbox, _ = told(channel.fields(), values)
    arrived = np.where(inbox[:, 2] == 1, 5, np.where(inbox.any(axis=1), 1 + 2 * (inbox[:, 0] > 0) + (inbox[:, 1] > 0), 0))
    counts, W = np.zeros((5, 6)), channel.matrix
    np.add.at(counts, (message, arrived), 1)
    spread = np.sqrt(n / 5 * W * (1 - W))
    assert (np.abs(counts - n / 5 * W) <= 4 * spread + 1e-6).all()
    assert channel.capacity >= info.capacity(W).bits - 1e-9  # a bound, where a dropped message is heard as silence


@pytest.mark.parametrize("name", FLOATS)
def test_nobody_hears_anything_but_messages(name):
    n = 100
    ours, theirs = (commenv.make_batch(RING, n, seed=3, bits=2, stop=0.02, channel=FLOATS[name]) for _ in range(2))
    assert digest(ours.reset()) == digest(theirs.reset())
    for t, action in enumerate(random_actions(ours, 15)):
        theirs.state.agents["secret"][:, t % 3] ^= 1
        one, other = ours.step(action)[0], theirs.step(action)[0]
        for player in ours.possible_agents:
            assert ours.observation_spaces[player].contains(one[player][0])
            assert digest(one[player][:, ours.inbox(player)]) == digest(other[player][:, ours.inbox(player)])


def test_an_eavesdropper_hears_the_same_noise():
    batch = commenv.make_batch(RING, 50, seed=3, bits=2, stop=0.0, channel=FLOATS["floats, late"])
    batch.reset()
    for action in random_actions(batch, 6):
        observations, *_ = batch.step(action)
        heard = {name: rows[:, batch.inbox(name)].reshape(50, -1, 3) for name, rows in observations.items()}
        link = batch.heard_by("player_1").index((0, 1)), batch.heard_by("player_2").index((0, 1))
        np.testing.assert_array_equal(heard["player_1"][:, link[0]], heard["player_2"][:, link[1]])


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((4, 3)),
        np.zeros(4),
        np.full((4, 2), 1.5),
        np.full((4, 2), np.nan),
        np.array([["a", "b"]] * 4),
        None,
        np.zeros((4, 2), bool),
    ],
    ids=str,
)
def test_bad_floats(values):
    batch = commenv.make_batch(REFERENTIAL, 4, seed=0, channel={"floats": 2, "bits": 3})
    batch.reset()
    with pytest.raises(ValueError, match="action") as caught:
        batch.step({"sender": values, "receiver": np.zeros(4, int)})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"floats": 0}, "floats=0"),
        ({"floats": 2, "symbols": 4}, "not symbols=4"),
        ({"floats": 8, "bits": 8}, "more than 52 bits"),
        ({"gaussian": 0.5}, "needs floats"),
        ({"floats": 2, "gaussian": -1}, "gaussian=-1"),
        ({"floats": 2, "gaussian": 1, "error": 0.1}, "gaussian noise goes with"),
        ({"floats": 2, "rates": [(0, 1, 1)]}, "no rates"),
    ],
)
def test_bad_fields_are_named(fields, named):
    with pytest.raises(ValueError, match=named):
        Channel(**fields)


def test_one_game_takes_floats():
    """As PettingZoo samples them, and alike to the batch."""
    env = commenv.make(RING, render_mode="ansi", bits=2, stop=0.0, channel={"floats": 2})
    batch = commenv.make_batch(RING, 1, seed=4, bits=2, stop=0.0, channel={"floats": 2})
    observations, _ = env.reset(seed=4)
    assert digest({name: rows[None] for name, rows in observations.items()}) == digest(batch.reset())
    for action in random_actions(batch, 5):
        observations, *_ = env.step({name: (int(act[0]), values[0]) for name, (act, values) in action.items()})
        assert digest({name: rows[None] for name, rows in observations.items()}) == digest(batch.step(action)[0])
    assert "player_0 -> player_1: [" in env.render()
    with pytest.raises(ValueError, match="action of player_0"):
        env.step({name: (0, np.full(2, 2.0)) for name in env.agents})


def test_parallel_api_of_floats():
    from pettingzoo.test import api_test, parallel_api_test

    for options in ({}, {"silence": True}):
        parallel_api_test(commenv.make(REFERENTIAL, rounds=3, channel={"floats": 2, "bits": 3, **options}), num_cycles=50)
        api_test(commenv.make_aec(REFERENTIAL, rounds=3, channel={"floats": 2, "bits": 3, **options}), num_cycles=50)


@pytest.mark.parametrize("silence", [False, True])
@pytest.mark.parametrize(("floats", "bits"), [(1, 1), (2, 3), (3, 2), (1, 8)])
def test_unpacked_messages_pack_again(floats, bits, silence):
    channel = Channel(floats=floats, bits=bits, silence=silence)
    messages = np.arange(channel.size)
    values = channel.unpack(messages)
    assert values.shape == (channel.size, floats + silence)
    assert set(values[silence:, :floats].ravel()) == set(channel.levels)
    np.testing.assert_array_equal(channel.pack(values), messages)
