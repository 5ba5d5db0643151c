"""Bits are counted as they were sent, and no budget is ever exceeded."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import commenv
from commenv.core.meter import Meter

REFERENTIAL = "messaging/referential-v0"
eighths = st.integers(0, 32).map(lambda k: k / 8)  # sums of them are exact


def test_counts_by_hand():
    batch = commenv.make_batch(REFERENTIAL, 6, seed=0, bits=2, channel={"silence": True, "erasure": 1.0})
    batch.reset()
    nothing = np.zeros(6, int)
    batch.step({"sender": np.array([0, 0, 1, 1, 1, 3]), "receiver": nothing})
    *_, infos = batch.step({"sender": nothing, "receiver": nothing})
    link = batch.meter.links["sender", "receiver"]
    assert (link.offered, link.messages, link.blocked, link.erased, link.altered) == (6, 4, 0, 4, 0)
    assert link.counts.tolist() == [2, 3, 0, 1]
    assert link.payload_bits == 8
    assert link.entropy == pytest.approx(1 / 3 * np.log2(3) + 1 / 2 + 1 / 6 * np.log2(6))
    assert infos["sender"]["final_info"]["payload_bits"].tolist() == [0, 0, 2, 2, 2, 2]
    assert infos["sender"]["final_info"]["messages"].tolist() == [0, 0, 1, 1, 1, 1]
    assert infos["receiver"]["final_info"]["payload_bits"].tolist() == [0] * 6


def test_before_anything_was_sent_there_is_nothing():
    total = commenv.make_batch(REFERENTIAL, 6, seed=0).meter.total
    assert total.offered == total.entropy == 0


def test_without_silence_every_symbol_is_a_message():
    batch = commenv.make_batch(REFERENTIAL, 4, seed=0, bits=1, channel={"error": 1.0})
    batch.reset()
    batch.step({"sender": np.array([0, 0, 0, 1]), "receiver": np.zeros(4, int)})
    link = batch.meter.total
    assert (link.messages, link.altered, link.payload_bits) == (4, 4, 4)
    assert link.capacity_bits == pytest.approx(4)  # an error that is certain can be undone


def test_links_of_a_ring_are_counted_apart():
    batch = commenv.make_batch("tests/ring-v0", 50, seed=0, bits=1, max_cycles=3)
    batch.reset()
    ones = np.ones((50, 2), int)
    batch.step({"player_0": ones, "player_1": 0 * ones, "player_2": ones})
    meter = batch.meter
    assert set(meter.links) == {(f"player_{a}", f"player_{b}") for a, b in [(0, 1), (1, 2), (2, 0), (0, 2)]}
    assert {ends: link.counts.tolist() for ends, link in meter.links.items() if ends[0] == "player_1"} == {
        ("player_1", "player_2"): [50, 0]
    }
    assert meter.total.counts.tolist() == [50, 150]
    assert meter.total.offered == sum(link.offered for link in meter.links.values()) == 200


def test_no_links_no_total():
    with pytest.raises(ValueError, match="no links"):
        _ = Meter({}).total


def test_counts_do_not_depend_on_threads():
    def counts(threads: int) -> list:
        batch = commenv.make_batch(REFERENTIAL, 1000, seed=0, threads=threads, channel={"error": 0.2})
        batch.reset()
        batch.step({"sender": np.arange(1000) % 4, "receiver": np.zeros(1000, int)})
        total = batch.meter.total
        return [total.offered, total.altered, total.counts.tolist()]

    assert counts(1) == counts(2) == counts(3)


@given(refill=st.none() | eighths, burst=st.none() | eighths, cap=st.none() | eighths, rng=st.randoms(use_true_random=False))
def test_budgets(refill, burst, cap, rng):
    """A bucket and a cap, beside a plain account of the same rules: what is not covered becomes silence and is counted."""
    burst = None if refill is None else burst
    channel = {"silence": True, "refill": refill, "burst": burst, "cap": cap}
    rounds, bits = 8, 2
    env = commenv.make(REFERENTIAL, bits=bits, rounds=rounds + 1, channel=channel)
    env.reset(seed=0)
    size = float("inf") if refill is None else max(refill, bits) if burst is None else burst
    bucket, spent, sent, blocked = size, 0.0, 0, 0
    for t in range(rounds):
        message = rng.randrange(4)
        affordable = message == 0 or (bits <= bucket and spent + bits <= (float("inf") if cap is None else cap))
        if message and affordable:
            bucket, spent, sent = bucket - bits, spent + bits, sent + 1
        blocked += not affordable
        observations, *_, infos = env.step({"sender": message})
        heard = observations["receiver"][env.batch.inbox("receiver")].argmax()
        assert heard == (message if affordable else 0)
        bucket = min(bucket + (refill or 0), size)
        told = infos["sender"]
        assert (told["payload_bits"], told["messages"], told["blocked"]) == (spent, sent, blocked)
        assert cap is None or told["payload_bits"] <= cap
        assert refill is None or told["payload_bits"] <= size + refill * 2 * t  # what has come in before this step
        env.step({"receiver": 0})
        bucket = min(bucket + (refill or 0), size)
    total = env.batch.meter.total
    assert (total.messages, total.blocked, total.payload_bits) == (sent, blocked, spent)


def test_a_bucket_filled_by_tenths_holds_a_bit():
    env = commenv.make(REFERENTIAL, bits=1, rounds=11, channel={"silence": True, "refill": 0.1, "burst": 1})
    env.reset(seed=0)
    env.step({"sender": 1})
    for _ in range(4):  # ten steps from message to message
        env.step({"receiver": 0})
        env.step({"sender": 0})
    env.step({"receiver": 0})
    *_, infos = env.step({"sender": 1})
    assert infos["sender"]["messages"] == 2
