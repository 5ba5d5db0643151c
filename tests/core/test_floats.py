"""Messages of floats: quantised as said, packed into one number and out again, noise of the law that was asked for."""

import math

import numpy as np
import pytest
from examples import FLOATS, RING, digest, random_actions
from hypothesis import example, given
from hypothesis import strategies as st

import commenv
from commenv import Channel, info
from commenv.core.links import Line

REFERENTIAL = "messaging/referential-v0"


def told(channel: dict, values: np.ndarray, seed: int = 0) -> tuple[np.ndarray, commenv.core.batch.Batch]:
    """The receiver's inbox after the sender has said these numbers, a game each."""
    batch = commenv.make_batch(REFERENTIAL, len(values), seed=seed, channel=channel)
    batch.reset()
    observations, *_ = batch.step({"sender": values, "receiver": np.zeros(len(values), int)})
    return observations["receiver"][:, batch.inbox("receiver")], batch


@example(4, 15, True, 0)
@given(st.integers(1, 4), st.integers(0, 15), st.booleans(), st.integers(0, 2**32 - 1))
def test_the_nearest_level_arrives(d, bits, silence, seed):
    silence = silence and bits > 0
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


@given(st.integers(1, 8), st.integers(1, 7), st.booleans(), st.integers(0, 2**62))
def test_a_message_is_its_values(d, bits, silence, number):
    channel = Channel(floats=d, bits=bits, silence=silence)
    message = number % channel.size
    assert channel.pack(channel.unpack(np.array([message]))).tolist() == [message]


def line_of(channel: Channel) -> Line:
    return commenv.make_batch(REFERENTIAL, 1, channel=channel).lines[0]


@pytest.mark.parametrize(
    "noise",
    [
        {"error": 0.2, "flip": 0.1, "erasure": 0.1, "drop": 0.1},
        {"error": 0.2, "flip": 0.1, "fade": 0.3},
        {"bursts": {"to_bad": 0.2, "to_good": 0.3, "error": 0.6, "erasure": 0.2}, "error": 0.1},
        {"corrupt": [(0, 1, 0.4)]},
        {"corrupt": [(0, 1, 0.4, 3)], "flip": 0.2},
        {"rates": [(0, 1, 1)], "flip": 0.2, "drop": 0.2},
        {"rates": [(0, 1, 1)], "corrupt": [(0, 1, 0.3)], "error": 0.2},
    ],
    ids=repr,
)
@pytest.mark.parametrize("silence", [False, True])
@pytest.mark.parametrize("gaussian", [0.0, 0.01])
def test_floats_follow_their_matrix(noise, silence, gaussian):
    """Noise so faint that the level is known again is the noise's own, and all others' are as without it."""
    n, std = 60_000, gaussian
    exact = Channel(floats=2, bits=2, silence=silence, **noise)
    message = np.arange(n) % exact.size
    values = exact.unpack(message)
    inbox, batch = told({**exact.fields(), "gaussian": std}, values)
    erased, quiet = inbox[:, 2] == 1, ~inbox.any(axis=1)
    levels = Channel(floats=1, bits=1 if "rates" in noise else 2).levels
    nearest = levels[np.abs(inbox[:, :2, None] - levels).argmin(axis=2)]
    cut = "rates" in noise  # its levels lie between those that are sent: they are told by the lower one's number
    arrived = exact.pack(np.column_stack([nearest - 0.25 * cut, np.ones((n, int(silence)))]))
    arrived = np.where(erased, exact.size, np.where(quiet, 0 if silence else exact.size + 1, arrived))
    W = line_of(exact).matrix
    counts = np.zeros((exact.size, exact.size + 2))
    np.add.at(counts, (message, arrived), 1)
    assert W.shape[1] == exact.size + 2 or not counts[:, -1].any()
    sent, counts = counts.sum(axis=1, keepdims=True), counts[:, : W.shape[1]]
    assert (np.abs(counts - sent * W) <= 4.5 * np.sqrt(sent * W * (1 - W).clip(0)) + 1e-6).all()
    if std:
        shaken = ((inbox[:, :2] - nearest)[~erased & ~quiet] / std).astype(float)
        assert abs((shaken**2).mean() - 1) <= 4 * math.sqrt(2 / shaken.size)
    bits = info.capacity(W).bits
    (line,) = batch.lines
    assert line.capacity >= bits - 1e-9
    if not std and "bursts" not in noise:  # of these it is a bound
        assert line.capacity == pytest.approx(bits, abs=1e-6)


@pytest.mark.parametrize(
    ("noise", "ones"),
    [
        ({"error": 0.4}, 0.2),
        ({"flip": 0.3}, 0.3),
        ({"error": 1.0, "flip": 0.3}, 0.5),
        ({"error": 0.6, "flip": 0.3, "fade": 0.5}, (0.4 * 0.3 + 0.6 * 0.5) / 2),
        ({"erasure": 0.5, "flip": 0.5, "fade": 0.5}, 0.25),
        ({"corrupt": [(0, 1, 0.4)]}, 0.2),
    ],
    ids=repr,
)
def test_long_messages_lose_no_noise(noise, ones):
    """One draw could not decide 60 bits: each is 1 as often as it should, and two as often as they should together."""
    n, d, bits = 20_000, 4, 15
    batch = commenv.make_batch(REFERENTIAL, n, seed=4, channel=Channel(floats=d, bits=bits, **noise))
    batch.reset()
    batch.step({"sender": np.full((n, d), -1.0), "receiver": np.zeros(n, int)})
    y = batch.state.heard[:, 0]
    y = y[y >= 0]
    arrived = (y[:, None] >> np.arange(60)) & 1
    assert (np.abs(arrived.mean(axis=0) - ones) <= 5 * math.sqrt(ones * (1 - ones) / len(y))).all()
    if "error" not in noise and "corrupt" not in noise:  # those strike all bits at once
        together = arrived.T @ arrived / len(y)
        off = ~np.eye(60, dtype=bool)
        assert (np.abs(together - ones**2)[off] <= 5 * math.sqrt(ones**2 * (1 - ones**2) / len(y))).all()


def test_a_slow_link_carries_the_nearest_coarse_level_and_counts_it():
    values = np.random.default_rng(3).uniform(-1, 1, (500, 3)).astype(np.float32)
    values[:, 2] = 1
    inbox, batch = told({"floats": 2, "bits": 5, "silence": True, "rates": [(0, 1, 2)]}, values)
    coarse = Channel(floats=2, bits=2).levels
    np.testing.assert_array_equal(inbox[:, :2], coarse[((values[:, :2].astype(float) + 1) * 2).astype(int).clip(0, 3)])
    link = batch.meter.total
    assert link.payload_bits == 500 * 4
    assert link.capacity_bits == pytest.approx(500 * math.log2(2**4 + 1))


def test_entropy_of_floats_is_that_of_their_levels():
    values = np.array([[-0.9, 0.9], [-0.8, 0.8], [0.1, -0.2], [0.9, 0.9]])
    for bits, entropy in ((1, 1.5), (8, 2.0)):
        _, batch = told({"floats": 2, "bits": bits}, values)
        assert batch.meter.total.entropy == pytest.approx(entropy)
        assert batch.meter.total.payload_bits == 4 * 2 * bits
    _, batch = told({"floats": 2, "bits": 9}, values)
    assert math.isnan(batch.meter.total.entropy)


def test_floats_need_an_inbox_a_link():
    with pytest.raises(ValueError, match="share one"):
        commenv.make_batch("classic/switch_riddle-v0", 1, bits=1, channel={"floats": 2, "delay": 1})
    commenv.make_batch("classic/switch_riddle-v0", 1, bits=1, channel={"floats": 2})  # one prisoner speaks at a time


def test_an_idle_agent_s_floats_are_ignored():
    batch = commenv.make_batch(REFERENTIAL, 2, channel={"floats": 1, "bits": 1})
    batch.reset()
    batch.step({"sender": np.zeros((2, 1)), "receiver": np.zeros(2, int)})
    batch.step({"sender": np.array([[np.nan], [7.0]]), "receiver": np.zeros(2, int)})  # the receiver's turn


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
        np.full((4, 2), -(2**63)),
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
        ({"floats": 63}, "floats=63"),
        ({"floats": 2, "bits": 0, "silence": True}, "cannot be told from silence"),
        ({"floats": 2, "gaussian": math.nan}, "gaussian=nan"),
        ({"floats": 2, "length": 3}, "needs symbols"),
        ({"floats": 2, "bits": 2, "corrupt": [(0, 1, 0.5, 16)]}, "=16"),
        ({"floats": 2, "bits": 2, "silence": True, "rates": [(0, 1, 0)]}, "from 1 to 16"),
        ({"floats": 2, "symbols": 4}, "not symbols=4"),
        ({"floats": 8, "bits": 8}, "more than 62 bits"),
        ({"gaussian": 0.5}, "needs floats"),
        ({"floats": 2, "gaussian": -1}, "gaussian=-1"),
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
