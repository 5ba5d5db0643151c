"""Delay, contention, bursts and links of their own do what their formulas say, and nothing is heard but what was sent."""

import math
from itertools import combinations

import numpy as np
import pytest
from examples import BITWISE, LINKS, NOISES, OWN_LINKS, REFERENTIAL, RING, digest, heard, random_actions
from hypothesis import given
from hypothesis import strategies as st
from test_channel import follows_its_matrix

import commenv
from commenv import Channel, info
from commenv.core.batch import Batch

SILENT, BITS = 0, 2


def ring(n: int, players: int = 3, bits: int = BITS, **channel) -> Batch:
    batch = commenv.make_batch(RING, n, seed=5, players=players, stop=0.0, bits=bits, channel=channel)
    batch.reset()
    return batch


def say(batch: Batch, **messages) -> dict[tuple[str, str], np.ndarray]:
    """One step in which player_k says messages["k"], the others 0; what each link delivers, as in `heard`."""
    n = batch.num_envs
    spoken = {f"player_{name[1:]}": np.broadcast_to(m, n) for name, m in messages.items()}
    action = {name: np.stack([np.zeros(n, int), spoken.get(name, np.zeros(n, int))], axis=1) for name in batch.possible_agents}
    observations, *_ = batch.step(action)
    names, links = batch.possible_agents, {}
    for name in names:
        inbox = observations[name][:, batch.inbox(name)].reshape(n, -1, batch.channel.size + 1)
        for k, (source, target) in enumerate(batch.heard_by(name)):
            links[(names[source], names[target]) if names[target] == name else (names[source], names[target], name)] = heard(
                inbox[:, k]
            )
    return links


def near(count: float, expected: float, trials: float) -> bool:
    """Within 4 standard errors of a binomial."""
    return abs(count - expected) <= 4 * math.sqrt(expected * (1 - expected / trials)) + 1e-9


# ---------------------------------------------------------------------------------------------------------------- delay
@pytest.mark.parametrize("delay", [0, 1, 3])
@pytest.mark.parametrize("silence", [False, True])
def test_a_fixed_delay(delay, silence):
    batch, rng = ring(20, bits=4, delay=delay, silence=silence), np.random.default_rng(0)
    sent = rng.integers(0, 16, (12, 20))
    for t in range(12):
        arrives = say(batch, p1=sent[t])["player_1", "player_2"]
        early = np.full(20, 0 if silence else 17)
        np.testing.assert_array_equal(arrives, sent[t - delay] if t >= delay else early)
    link = batch.meter.links["player_1", "player_2"]
    messages = (sent[: 12 - delay] > 0).sum() if silence else 20 * (12 - delay)
    assert link.late == (messages if delay else 0)


@given(
    low=st.integers(0, 3),
    more=st.integers(0, 4),
    queue=st.none() | st.integers(1, 3),
    silence=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_first_in_first_out(low, more, queue, silence, seed):
    """What arrives is what was sent, in order, not too early or late; what does not has overflowed or is on its way."""
    steps, high, rng = 40, low + more, np.random.default_rng(seed)
    if high == 0:
        queue = None
    batch = commenv.make_batch(
        RING, 1, seed=seed, stop=0.0, bits=6, channel={"silence": silence, "delay": (low, high), "queue": queue}
    )
    batch.reset()
    sent = rng.permutation(np.arange(1, 41)) * rng.integers(0, 2, steps)  # each message once, so that it is known again
    arrives = [int(say(batch, p1=m)["player_1", "player_2"][0]) for m in sent]
    when = {int(m): t for t, m in enumerate(sent) if m}
    got = [(t, y, when[y]) for t, y in enumerate(arrives) if y in when]
    left = [t for _, _, t in got]
    assert left == sorted(set(left))
    assert all(t0 + low <= t for t, _, t0 in got)
    if silence:  # 0 takes no place in the queue; else it does, and is not told apart
        link = batch.meter.links["player_1", "player_2"]
        waiting = int(batch.state.transit[0, batch.layout.links.index((1, 2)), 2]) if high else 0
        assert len(when) == len(got) + link.overflowed + waiting
        assert waiting <= (queue or high)
        assert set(arrives) <= {0, *when}
        if queue is None:
            assert link.overflowed == 0
    if queue is None:
        assert all(t <= t0 + high for t, _, t0 in got)


def test_a_random_delay_is_uniform():
    n = 100_000
    batch = ring(n, delay=(1, 4), silence=True)
    arrived = [(say(batch, p1=3 if t == 0 else 0)["player_1", "player_2"] == 3).sum() for t in range(6)]
    assert arrived[0] == arrived[5] == 0
    assert all(near(count, n / 4, n) for count in arrived[1:5])


def test_a_full_queue_overflows():
    batch = ring(5, delay=4, queue=2)
    for _ in range(4):
        say(batch, p1=1)
    link = batch.meter.links["player_1", "player_2"]
    assert (link.messages, link.overflowed, link.late) == (20, 10, 0)
    arrives = [say(batch, p1=2)["player_1", "player_2"][0] for _ in range(4)]
    assert arrives == [1, 1, 5, 5]  # 5: nothing


def test_a_new_game_has_nothing_under_way():
    batch = commenv.make_batch(RING, 4, seed=0, bits=2, max_cycles=2, stop=0.0, channel={"delay": 2})
    batch.reset()
    for t in range(6):
        links = say(batch, p0=3, p1=3, p2=3)
        assert all((y == 5).all() for y in links.values()), t


# ---------------------------------------------------------------------------------------------------------------- contention
def test_winners_are_drawn_evenly():
    n = 60_000
    batch = ring(n, players=4, winners=2, silence=True)
    links = say(batch, p0=1, p1=1, p2=2, p3=3)
    through = np.stack([links[f"player_{a}", f"player_{(a + 1) % 4}"] > 0 for a in range(4)], axis=1)
    np.testing.assert_array_equal(links["player_0", "player_3"] > 0, through[:, 0])  # an agent wins on all its links
    assert (through.sum(axis=1) == 2).all()
    for pair in combinations(range(4), 2):
        assert near(through[:, pair].all(axis=1).sum(), n / 6, n)
    meter = batch.meter
    assert meter.total.collided == (~through).sum() + (~through[:, 0]).sum()
    assert all(near(meter.links[ends].collided, n / 2, n) for ends in meter.links)


@pytest.mark.parametrize(("speakers", "collide"), [(1, False), (2, False), (3, True), (4, True)])
@pytest.mark.parametrize("silence", [True, False])
def test_collisions(speakers, collide, silence):
    batch = ring(10, players=4, winners=2, collisions=True, silence=silence)
    links = say(batch, **{f"p{a}": a + 1 if a < 3 else 1 for a in range(speakers)})
    if collide or not silence:  # without silence everybody speaks, always
        assert all((y == 4).all() for y in links.values())
        assert batch.meter.total.collided == 10 * (5 if not silence else speakers + 1)  # player_0 has two links
    else:
        assert (links["player_0", "player_1"] == 1).all()
        assert (links["player_3", "player_0"] == 0).all()
        assert batch.meter.total.collided == 0


def test_a_lone_speaker_meets_no_contention():
    def told(**channel):
        batch = commenv.make_batch(REFERENTIAL, 50, seed=1, channel={"bits": 2, "error": 0.3, **channel})
        return [batch.reset(), *(batch.step(action)[:4] for action in random_actions(batch, 10))]

    assert digest(told()) == digest(told(winners=1)) == digest(told(winners=1, collisions=True))


def test_losers_pay():
    batch = ring(1, players=3, winners=1, silence=True, cap=4)
    for _ in range(3):
        say(batch, p0=1, p1=1, p2=1)
    assert [batch.state.agents["spent"][0, a] for a in range(3)] == [4, 4, 4]


# ---------------------------------------------------------------------------------------------------------------- bursts
def test_bursts_are_a_markov_chain():
    n, a, b = 25_000, 0.15, 0.25
    batch = ring(n, bursts={"to_bad": a, "to_good": b, "erasure": 1.0})
    bad = [np.stack(list(say(batch, p0=1, p1=1, p2=1).values())) == 4 for _ in range(6)]
    stationary, memory, trials = a / (a + b), 1 - a - b, 4 * n
    for t, now in enumerate(bad):
        assert near(now.sum(), trials * stationary, trials)
        for lag in range(1, 6 - t):
            both = stationary * (stationary + (1 - stationary) * memory**lag)
            assert near((now & bad[t + lag]).sum(), trials * both, trials)
    for one, other in combinations(bad[0], 2):  # links have states of their own
        assert near((one & other).sum(), n * stationary**2, n)


@pytest.mark.parametrize("silence", [False, True])
def test_bursts_have_their_matrix(silence):
    follows_its_matrix(
        Channel(bits=2, silence=silence, error=0.1, bursts={"to_bad": 0.2, "to_good": 0.3, "error": 0.6, "erasure": 0.2})
    )


# ---------------------------------------------------------------------------------------------------------------- links
@pytest.mark.parametrize(
    "own",
    [
        {"rates": [("sender", "receiver", 1)]},
        {"rates": [(0, 1, 0)]},
        {"rates": [(0, 1, 7)]},
        {"corrupt": [("sender", "receiver", 0.3)]},
        {"corrupt": [("sender", "receiver", 0.3, 2)]},
        {"corrupt": [(0, 1, 1.0)], "rates": [(0, 1, 2)]},
    ],
    ids=repr,
)
@pytest.mark.parametrize("noise", ["noiseless", "silence, symmetric erasure", "all bitwise", "drop"])
def test_links_have_their_matrix(own, noise):
    follows_its_matrix(Channel(bits=3, **own, **{**NOISES, **BITWISE}[noise]))


def test_a_slow_link_carries_the_leading_bits_and_counts_them():
    batch = ring(16, bits=4, rates=[("player_0", "player_1", 3), ("player_0", "player_2", 1)])
    links = say(batch, p0=np.arange(16))
    np.testing.assert_array_equal(links["player_0", "player_1"], np.arange(16) & 0b1110)
    np.testing.assert_array_equal(links["player_0", "player_2"], np.arange(16) & 0b1000)
    meter = batch.meter
    assert meter.links["player_0", "player_1"].payload_bits == meter.links["player_0", "player_1"].capacity_bits == 48
    assert meter.links["player_0", "player_2"].payload_bits == meter.links["player_0", "player_2"].capacity_bits == 16
    assert meter.total.payload_bits == meter.total.capacity_bits == 48 + 16 + 64 + 64
    assert batch.infos()["player_0"]["payload_bits"].tolist() == [4] * 16  # a message costs what it was, once


def test_corruption_is_counted():
    n = 50_000
    batch = ring(n, corrupt=[(0, 1, 0.4), (1, 2, 0.4, 3)])
    links = say(batch, p0=1, p1=1)
    assert near((links["player_0", "player_1"] != 1).sum(), 0.4 * 0.75 * n, n)
    assert set(links["player_1", "player_2"]) == {1, 3}
    meter = batch.meter.links
    assert meter["player_0", "player_1"].corrupted == (links["player_0", "player_1"] != 1).sum()
    assert meter["player_1", "player_2"].corrupted == (links["player_1", "player_2"] == 3).sum()
    assert meter["player_2", "player_0"].corrupted == 0


def test_an_eavesdropper_hears_what_the_listener_hears():
    batch = ring(200, silence=True, error=0.3, erasure=0.2, delay=(0, 2), **{"eavesdrop": OWN_LINKS["eavesdrop"]})
    rng, overheard = np.random.default_rng(1), 0
    for _ in range(5):
        links = say(batch, p0=rng.integers(0, 4, 200), p1=rng.integers(0, 4, 200))
        for link in (("player_0", "player_1"), ("player_1", "player_2")):
            (tap,) = (y for ends, y in links.items() if len(ends) == 3 and ends[:2] == link)
            np.testing.assert_array_equal(tap, links[link])
        overheard += (links["player_0", "player_1"] > 0).sum()
    meter = batch.meter
    assert meter.eavesdroppers == (("player_1", "player_2", "player_0"), ("player_0", "player_1", "player_2"))
    assert meter.links["player_0", "player_1"].overheard == overheard
    assert meter.links["player_2", "player_0"].overheard == 0


def test_taps_move_nothing_else():
    def told(**channel):
        batch = commenv.make_batch(RING, 20, seed=2, bits=2, channel={"error": 0.2, **channel})
        steps = [batch.reset(), *(batch.step(action)[0] for action in random_actions(batch, 20))]
        return [{name: rows[:, : batch.inbox(name).start + 5] for name, rows in step.items()} for step in steps]

    assert digest(told()) == digest(told(eavesdrop=OWN_LINKS["eavesdrop"]))


@pytest.mark.parametrize(
    ("own", "named"),
    [
        ({"rates": [("player_1", "player_0", 1)]}, "no such link"),
        ({"corrupt": [("player_0", "nobody", 0.5)]}, "'nobody'"),
        ({"rates": [(0, 3, 1)]}, "=3"),
        ({"eavesdrop": [(0, 1, 1)]}, "neither end"),
        ({"eavesdrop": [(0, 1, "me")]}, "'me'"),
    ],
)
def test_links_that_are_none_are_named(own, named):
    with pytest.raises(ValueError, match=named) as caught:
        ring(1, **own)
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------------------------------------------------------- all of it
@pytest.mark.parametrize("name", {**NOISES, **BITWISE, **LINKS, "own links": {}})
def test_nobody_hears_anything_but_messages(name):
    """Change what one agent alone knows and hold all messages: no inbox may move by a bit."""
    channel = {**NOISES, **BITWISE, **LINKS, "own links": {**OWN_LINKS, **LINKS["everything"]}}[name]
    n = 200
    ours, theirs = (commenv.make_batch(RING, n, seed=3, bits=2, stop=0.02, channel=channel) for _ in range(2))
    assert digest(ours.reset()) == digest(theirs.reset())
    for t, action in enumerate(random_actions(ours, 25)):
        theirs.state.agents["secret"][:, t % 3] ^= 1
        told, told_theirs = ours.step(action), theirs.step(action)
        for player in ours.possible_agents:
            inbox = ours.inbox(player)
            assert digest(told[0][player][:, inbox]) == digest(told_theirs[0][player][:, inbox])
            for field in ("payload_bits", "messages", "blocked", "active"):
                assert digest(told[4][player][field]) == digest(told_theirs[4][player][field])


def test_everything_sent_is_accounted_for():
    """Without delay each message on the air is heard as it was, or its loss or change stands in the meter."""
    batch = ring(2_000, silence=True, winners=2, drop=0.2, error=0.2, erasure=0.1, corrupt=OWN_LINKS["corrupt"])
    heard_right = 0
    for action in random_actions(batch, 20):
        observations, *_ = batch.step(action)
        for name in batch.possible_agents:
            inbox = observations[name][:, batch.inbox(name)].reshape(2_000, -1, 5)
            for k, (source, _) in enumerate(batch.heard_by(name)):
                sent = action[f"player_{source}"][:, 1]
                heard_right += ((heard(inbox[:, k]) == sent) & (sent > 0)).sum()
    total = batch.meter.total
    lost = total.collided + total.dropped + total.erased + total.altered + total.corrupted
    assert total.messages - lost <= heard_right <= total.messages
    assert total.offered == total.counts.sum()


@pytest.mark.parametrize("collisions", [False, True])
def test_throughput_of_random_access(collisions):
    n, q = 40_000, 0.35
    batch = ring(n, players=4, bits=1, winners=1, collisions=collisions, silence=True)
    speaks = (np.random.default_rng(3).random((4, n)) < q).astype(int)
    links = say(batch, **{f"p{a}": speaks[a] for a in range(4)})
    through = sum((links[f"player_{a}", f"player_{(a + 1) % 4}"] == 1).sum() for a in range(4))
    assert near(through, n * info.contention_throughput(4, q, 1, collisions), n)
