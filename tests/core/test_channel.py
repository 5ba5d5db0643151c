"""A channel says what it does (its matrix, its capacity), and does it."""

import math

import numpy as np
import pytest
from examples import NOISES, RING, digest, random_actions
from hypothesis import given
from hypothesis import strategies as st

import commenv
from commenv import Channel, info
from commenv.core.generator import CHANNEL, episode_key, seek, uniform
from commenv.core.transmission import deliver

BAD = [
    ({"bits": -1}, "bits=-1"),
    ({"bits": 17}, "bits=17"),
    ({"bits": 2.0}, "bits=2.0"),
    ({"bits": True}, "bits=True"),
    ({"symbols": 0}, "symbols=0"),
    ({"symbols": 2**16 + 1}, "symbols=65537"),
    ({"bits": 1, "symbols": 2}, "bits=1, symbols=2"),
    ({"silence": 1}, "silence=1"),
    ({"error": 1.1}, "error=1.1"),
    ({"error": -0.1}, "error=-0.1"),
    ({"error": "0.1"}, "error='0.1'"),
    ({"error": math.nan}, "error=nan"),
    ({"erasure": math.inf}, "erasure=inf"),
    ({"erasure": None}, "erasure=None"),
    ({"silence": True, "refill": -1}, "refill=-1"),
    ({"silence": True, "refill": math.inf}, "refill=inf"),
    ({"silence": True, "cap": math.nan}, "cap=nan"),
    ({"refill": 1}, "silence=True"),
    ({"cap": 1}, "silence=True"),
    ({"silence": True, "burst": 1}, "burst=1"),
    ({"noise": 0.1}, "'noise'"),
]


@pytest.mark.parametrize(("fields", "named"), BAD)
def test_bad_fields_are_named(fields, named):
    with pytest.raises(ValueError, match=r".") as caught:
        Channel.of(fields)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["bits=2", 2, [("bits", 2)]])
def test_a_channel_is_a_channel_or_a_mapping(value):
    with pytest.raises(ValueError, match="channel="):
        Channel.of(value)


def test_no_rate_no_size():
    with pytest.raises(ValueError, match="no rate"):
        _ = Channel(error=0.1).size


@st.composite
def channels(draw: st.DrawFn) -> Channel:
    silence = draw(st.booleans())
    probability = st.floats(0, 1) | st.sampled_from([0.0, 1.0])
    budget = {name: draw(st.none() | st.floats(0, 8)) for name in ("refill", "cap")} if silence else {}
    return Channel(symbols=draw(st.integers(1, 9)), silence=silence, error=draw(probability), erasure=draw(probability), **budget)


@given(channels())
def test_matrix_is_stochastic(channel):
    W = channel.matrix
    assert W.shape == (channel.size, channel.size + 1)
    assert (W >= 0).all()
    np.testing.assert_allclose(W.sum(axis=1), 1, atol=1e-12)


@given(channels())
def test_capacity_is_that_of_the_matrix(channel):
    assert 0 <= channel.capacity <= channel.rate + 1e-9
    assert channel.capacity == pytest.approx(info.capacity(channel.matrix).bits, abs=1e-6)


@given(channels())
def test_fields_give_the_channel_back(channel):
    assert Channel.of(channel.fields()) == channel


def test_at_keeps_everything_but_the_rate():
    channel = Channel(symbols=3, silence=True, error=0.1, cap=4)
    assert channel.at(2) == Channel(bits=2, silence=True, error=0.1, cap=4)


def test_capacity_closed_forms():
    assert Channel(bits=2, error=0.1).capacity == pytest.approx(1.372508156, abs=5e-10)
    assert Channel(bits=1, error=0.1).capacity == pytest.approx(0.531004406, abs=5e-10)
    assert Channel(bits=3, erasure=0.25).capacity == pytest.approx(2.25)
    assert Channel(bits=2, error=0.1, erasure=0.5).capacity == pytest.approx(1.372508156 / 2, abs=5e-10)
    assert Channel(bits=2, error=0.75).capacity == pytest.approx(0, abs=1e-12)  # every symbol arrives alike
    assert Channel(bits=0, error=0.3).capacity == 0
    assert Channel(bits=1, silence=True, error=0.3).capacity == pytest.approx(1)  # one symbol on the air: nothing to confuse
    z = Channel(bits=1, silence=True, erasure=0.5).capacity  # silence or a lost symbol, and one knows which
    assert z == pytest.approx(1)


@pytest.mark.parametrize("symbols", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("noise", NOISES)
def test_deliveries_follow_the_matrix(noise, symbols):
    channel = Channel(symbols=symbols, **NOISES[noise])
    games = 120_000
    batch = commenv.make_batch("messaging/referential-v0", games, seed=1, channel=channel, copy=False)
    batch.reset()
    message = np.arange(games) % symbols
    observations, *_ = batch.step({"sender": message, "receiver": np.zeros(games, int)})
    inbox = observations["receiver"][:, batch.inbox("receiver")]
    assert (inbox.sum(axis=1) == 1).all()
    counts = np.zeros(channel.matrix.shape)
    np.add.at(counts, (message, inbox.argmax(axis=1)), 1)
    sent = counts.sum(axis=1, keepdims=True)
    spread = np.sqrt(sent * channel.matrix * (1 - channel.matrix))
    assert (np.abs(counts - sent * channel.matrix) <= 4 * spread + 1e-6).all()


def test_a_certain_error_never_delivers_what_was_sent():
    batch = commenv.make_batch("messaging/referential-v0", 10_000, seed=1, bits=2, channel={"error": 1.0})
    batch.reset()
    observations, *_ = batch.step({"sender": np.full(10_000, 2), "receiver": np.zeros(10_000, int)})
    heard = np.bincount(observations["receiver"].argmax(axis=1), minlength=5)
    assert heard[2] == heard[4] == 0
    assert (np.abs(heard[[0, 1, 3]] - 10_000 / 3) < 4 * math.sqrt(10_000 * 2 / 9)).all()


@pytest.mark.parametrize("noise", NOISES)
def test_noise_is_a_stream_of_its_own(noise):
    """Link k hears by draw k of the channel's stream, whatever the rules have drawn: a wire can be played back."""
    channel = Channel(bits=2, **NOISES[noise])
    env = commenv.make(RING, channel=channel, stop=0.0)
    env.reset(seed=3)
    rng = np.zeros(1, np.uint64)
    for t, action in enumerate(random_actions(env.batch, 20)):
        observations, *_ = env.step({name: value[0] for name, value in action.items()})
        inboxes = {name: iter(seen[env.batch.inbox(name)].reshape(-1, 5)) for name, seen in observations.items()}
        seek(rng, np.uint64(episode_key(np.uint64(3), 0)), t, CHANNEL)
        for source, target in env.batch.layout.links:
            heard = deliver(channel.wire, int(action[env.agents[source]][0, 1]), uniform(rng))
            assert next(inboxes[env.agents[target]]).argmax() == (heard if heard >= 0 else 4)


def test_noise_never_moves_the_game_s_own_draws():
    def secrets(noise: str) -> list:
        batch = commenv.make_batch(RING, 20, seed=3, channel=NOISES[noise], toll=0.0)
        told = [batch.reset(), *(batch.step(action)[0] for action in random_actions(batch, 30))]
        return [{name: rows[:, :2] for name, rows in seen.items()} for seen in told]

    assert len({digest(secrets(noise)) for noise in NOISES}) == 1
