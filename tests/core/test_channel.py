"""A channel says what it does (its matrix, its capacity), and does it."""

import json
import math
from dataclasses import fields

import numpy as np
import pytest
from examples import BITWISE, LINKS, NOISES, OWN_LINKS, RING, digest, heard, random_actions
from hypothesis import given
from hypothesis import strategies as st

import commenv
from commenv import Channel, info
from commenv.core import noise
from commenv.core.channel import Bursts
from commenv.core.generator import CHANNEL, episode_key, seek, uniform
from commenv.core.transmission import DROPPED, deliver

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
    ({"flip": 2}, "flip=2"),
    ({"fade": None}, "fade=None"),
    ({"drop": "often"}, "drop='often'"),
    ({"symbols": 3, "flip": 0.1}, "3 messages"),
    ({"symbols": 3, "rates": [(0, 1, 1)]}, "3 messages"),
    ({"symbols": 4, "length": 2, "fade": 0.1}, "words"),
    ({"length": 3}, "needs symbols"),
    ({"symbols": 1, "length": 3}, "needs symbols"),
    ({"symbols": 2, "length": 0}, "length=0"),
    ({"symbols": 9, "length": 9}, "make them shorter"),
    ({"symbols": 40, "length": 9000}, "make them shorter"),
    ({"silence_price": 1}, "needs silence=True"),
    ({"silence": True, "silence_price": -1}, "silence_price=-1"),
    ({"delay": -1}, "delay=-1"),
    ({"delay": 1.5}, "delay=1.5"),
    ({"delay": (2, 1)}, "delay=(2, 1)"),
    ({"delay": (1, 2, 3)}, "delay=(1, 2, 3)"),
    ({"delay": 5000}, "delay=5000"),
    ({"queue": 1}, "needs a delay"),
    ({"delay": 2, "queue": 0}, "queue=0"),
    ({"winners": 0}, "winners=0"),
    ({"collisions": True}, "needs winners"),
    ({"winners": 1, "collisions": 1}, "collisions=1"),
    ({"bursts": 3}, "bursts=3"),
    ({"bursts": {"to_bad": 0.1}}, "lack to_good"),
    ({"bursts": {"to_bad": 0.1, "to_good": 2}}, "to_good=2"),
    ({"bursts": {"to_bad": 0, "to_good": 0}}, "stationary law"),
    ({"bursts": {"to_bad": 0.1, "to_good": 0.1, "hue": 1}}, "'hue'"),
    ({"rates": 3}, "rates=3"),
    ({"rates": "fast"}, "rates='fast'"),
    ({"rates": [(0, 1)]}, "rates="),
    ({"rates": [(0, 1, 17)]}, "17"),
    ({"rates": [(0, 1, 1), (0, 1, 2)]}, "one entry a link"),
    ({"corrupt": [(0, 1, 1.5)]}, "1.5"),
    ({"corrupt": [(0, None, 0.5)]}, "corrupt="),
    ({"bits": 1, "corrupt": [(0, 1, 0.5, 2)]}, "=2"),
    ({"eavesdrop": [(0, 1)]}, "eavesdrop="),
    ({"silence": True, "refill": 10**400}, "refill=1000"),
    ({"silence": True, "refill": 10**5000}, "too long to show"),
    ({"winners": 10**12}, "winners=1000000000000"),
    ({1: 2, "noise": 3}, "field 1;"),
    ({"bursts": {1: 2, "noise": 3}}, "field 1 of bursts"),
    ({"bursts": {"to_bad": 0.1, "to_good": 0.1, "error": math.nan}}, "bursts.error=nan"),
    ({"rates": np.zeros((3, 3))}, "rates=array"),
    ({"bits": np.zeros((3, 3))}, "bits=array"),
    ({"bits": np.zeros((3, 3)), "symbols": 2}, "bits=array"),
]


@pytest.mark.parametrize(("fields", "named"), BAD)
def test_bad_fields_are_named(fields, named):
    with pytest.raises(ValueError, match=r".") as caught:
        Channel.of(fields)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


JUNK = [
    *("x", "", b"1", None, True, math.nan, math.inf, -math.inf, -1, 0.5, 10**400, 1j, object()),
    *(
        (),
        [],
        {},
        set(),
        [[]],
        [None],
        {"x": 1},
        (0, 1),
        (0, 1, 2),
        [(0, 1, math.nan)],
        [(0, 1, "x")],
        [(0, 1, 2, 3, 4)],
        [("", 0, 0.5)],
    ),
    *(np.zeros(3), np.zeros((2, 3)), np.array(None), np.nan, np.float32(0.5), np.int8(1), np.bool_(True), np.str_("x"), int, len),
]


@pytest.mark.parametrize("base", [{"bits": 2}, {"symbols": 3, "length": 2}, {"floats": 2, "bits": 1}], ids=str)
@pytest.mark.parametrize("name", [field.name for field in fields(Channel)])
def test_junk_is_refused_in_one_sentence_or_makes_a_sound_channel(base, name):
    for junk in JUNK:
        given = {"silence": True, "delay": 1, "winners": 1, **base, name: junk}
        try:
            channel = Channel.of(given)
        except ValueError as refusal:
            told = str(refusal)
            assert name in told or "rate" in told or "bits" in told, (name, junk, told)
            assert "\n" not in told
            assert len(told) < 600
        else:
            assert Channel.of(channel.fields()) == channel
            json.dumps(channel.fields())
            if channel.rated:
                assert all(type(number) in (int, float) for number in channel.wire), (junk, channel.wire)


def test_numbers_of_numpy_are_numbers():
    channel = Channel(bits=np.int8(16), silence=np.bool_(True), error=np.float64(0.5), rates=[(np.int64(0), 1, np.int8(2))])
    assert channel == Channel(bits=16, silence=True, error=0.5, rates=[(0, 1, 2)])
    assert channel.size == 2**16
    assert channel.width == 16
    bursts = {"to_bad": np.float64(0.5), "to_good": np.int64(1)}
    json.dumps(Channel(symbols=np.uint8(255), delay=[np.int8(1), np.int64(2)], bursts=bursts).fields())


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
    noise = {name: draw(probability) for name in ("error", "erasure", "drop")}
    symbols = draw(st.integers(1, 9))
    if symbols in (1, 2, 4, 8):
        noise |= {name: draw(st.just(0.0) | probability) for name in ("flip", "fade")}
    return Channel(symbols=symbols, silence=silence, **noise, **budget)


@given(channels())
def test_matrix_is_stochastic(channel):
    W = channel.matrix
    assert W.shape == (channel.size, channel.size + 1 + bool(channel.drop and not channel.silence))
    assert (W >= 0).all()
    np.testing.assert_allclose(W.sum(axis=1), 1, atol=1e-12)


@given(channels())
def test_capacity_is_that_of_the_matrix(channel):
    assert 0 <= channel.capacity <= channel.rate + 1e-9
    assert channel.capacity == pytest.approx(info.capacity(channel.matrix).bits, abs=1e-6)


@given(channels())
def test_where_there_is_no_matrix_the_capacity_is_a_bound(channel):
    exact = info.capacity(channel.matrix).bits
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(noise, "MOST", 0)
        assert exact - 1e-6 <= channel.capacity <= channel.rate + 1e-9
        if not channel.fade and not (channel.flip and channel.silence):
            assert channel.capacity == pytest.approx(exact, abs=1e-6)  # closed forms know no size


@pytest.mark.parametrize(
    "own", [{"rates": [(0, 1, 2)]}, {"corrupt": [(0, 1, 0.5)]}, {"corrupt": [(0, 1, 0.5, 3)], "rates": [(0, 1, 1)]}]
)
@pytest.mark.parametrize("name", {**NOISES, **BITWISE})
def test_where_there_is_no_matrix_a_link_s_capacity_is_a_bound(name, own):
    channel = Channel(bits=3, **own, **{**NOISES, **BITWISE}[name])
    (line,) = commenv.make_batch("messaging/referential-v0", 1, channel=channel).lines
    exact = info.capacity(line.matrix).bits
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(noise, "MOST", 0)
        assert exact - 1e-6 <= line.capacity <= channel.capacity + 1e-9
        if name == "noiseless" and "corrupt" not in own:
            assert line.capacity == pytest.approx(exact)


@pytest.mark.parametrize("silence", [False, True])
@pytest.mark.parametrize(
    "kinds", [{"drop": 0.1}, {"error": 0.1, "flip": 0.1}, {"error": 0.1, "fade": 0.1}, {"flip": 0.1, "fade": 0.1}]
)
def test_large_alphabets_have_a_capacity(silence, kinds):
    for options in ({"bits": 16}, {"floats": 31, "bits": 2}):
        channel = Channel(silence=silence, **kinds, **options)
        assert 0.2 * channel.rate < channel.capacity < channel.rate


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
    assert Channel(bits=3, flip=0.11).capacity == pytest.approx(3 * 0.500084042, abs=2e-9)  # spec/information.md 4.7
    assert Channel(bits=2, fade=0.2).capacity == pytest.approx(2 * 0.618231366, abs=2e-9)
    assert Channel(bits=16, fade=0.2, drop=0.5).capacity == pytest.approx(8 * 0.618231366, abs=1e-8)
    assert Channel(bits=3, drop=0.25).capacity == pytest.approx(2.25)  # nothing is heard for what it is
    heard_as_silence = Channel(bits=1, silence=True, drop=0.2).capacity
    assert heard_as_silence == pytest.approx(0.618231366, abs=1e-9)  # a Z-channel: the symbol or silence
    bursts = Bursts(to_bad=0.1, to_good=0.3, erasure=1.0)
    assert Channel(bits=2, bursts=bursts).capacity == pytest.approx(1.5)
    assert Channel(length=3, symbols=3).capacity == pytest.approx(math.log2(7))


KINDS = [
    *((noise, symbols) for noise in NOISES for symbols in (1, 2, 3, 4, 5)),
    *((noise, symbols) for noise in BITWISE for symbols in (1, 2, 8)),
]


@pytest.mark.parametrize(("noise", "symbols"), KINDS)
def test_deliveries_follow_the_matrix(noise, symbols):
    follows_its_matrix(Channel(symbols=symbols, **{**NOISES, **BITWISE}[noise]))


def follows_its_matrix(channel: Channel) -> None:
    """Every message is sent equally often; what is heard is within 4 standard errors of the matrix, entry by entry."""
    games = 120_000
    batch = commenv.make_batch("messaging/referential-v0", games, seed=1, channel=channel, copy=False)
    W, message = batch.lines[0].matrix, np.arange(games) % channel.size
    batch.reset()
    observations, *_ = batch.step({"sender": message, "receiver": np.zeros(games, int)})
    inbox = observations["receiver"][:, batch.inbox("receiver")]
    assert (inbox.sum(axis=1) <= 1).all()
    counts = np.zeros((channel.size, channel.size + 2))
    np.add.at(counts, (message, heard(inbox)), 1)
    assert W.shape[1] == channel.size + 2 or not counts[:, -1].any()
    sent, counts = counts.sum(axis=1, keepdims=True), counts[:, : W.shape[1]]
    spread = np.sqrt(sent * W * (1 - W).clip(0))
    assert (np.abs(counts - sent * W) <= 4 * spread + 1e-6).all()
    meter = batch.meter.total
    lost = sent[:, 0] @ W[:, channel.size]
    assert abs(meter.erased - lost) <= 4 * math.sqrt(lost) + 1e-6


def test_a_certain_error_never_delivers_what_was_sent():
    batch = commenv.make_batch("messaging/referential-v0", 10_000, seed=1, bits=2, channel={"error": 1.0})
    batch.reset()
    observations, *_ = batch.step({"sender": np.full(10_000, 2), "receiver": np.zeros(10_000, int)})
    heard = np.bincount(observations["receiver"].argmax(axis=1), minlength=5)
    assert heard[2] == heard[4] == 0
    assert (np.abs(heard[[0, 1, 3]] - 10_000 / 3) < 4 * math.sqrt(10_000 * 2 / 9)).all()


@pytest.mark.parametrize("noise", {**NOISES, **BITWISE})
def test_noise_is_a_stream_of_its_own(noise):
    """Link k hears by draw k of the channel's stream, whatever the rules have drawn: a wire can be played back."""
    channel = Channel(bits=2, **{**NOISES, **BITWISE}[noise])
    env = commenv.make(RING, channel=channel, stop=0.0)
    env.reset(seed=3)
    rng = np.zeros(1, np.uint64)
    for t, action in enumerate(random_actions(env.batch, 20)):
        observations, *_ = env.step({name: value[0] for name, value in action.items()})
        inboxes = {name: iter(seen[env.batch.inbox(name)].reshape(-1, 5)) for name, seen in observations.items()}
        seek(rng, np.uint64(episode_key(np.uint64(3), 0)), t, CHANNEL)
        for source, target in env.batch.layout.links:
            y = deliver(channel.wire, int(action[env.agents[source]][0, 1]), uniform(rng))
            y = (0 if channel.silence else 5) if y == DROPPED else 4 if y < 0 else y
            assert heard(next(inboxes[env.agents[target]])[None]) == y


def test_noise_never_moves_the_game_s_own_draws():
    def secrets(channel: dict) -> list:
        batch = commenv.make_batch(RING, 20, seed=3, channel=channel, toll=0.0)
        told = [batch.reset(), *(batch.step(action)[0] for action in random_actions(batch, 30))]
        return [{name: rows[:, :2] for name, rows in seen.items()} for seen in told]

    kinds = [*NOISES.values(), *BITWISE.values(), *LINKS.values(), OWN_LINKS]
    assert len({digest(secrets(channel)) for channel in kinds}) == 1
