"""messaging/perception: codes as played, what is read and scored, limits."""

import numpy as np
import pytest
from examples import alone

import commenv
from agents.exact.perception import ID, CodedTeam
from commenv.games.messaging.perception import Options
from experiments.evaluation import played


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bits": 0},
        {"bits": 1, "channel": {"error": 0.1, "drop": 0.2}},
        {"rows": 1, "columns": 4, "sensors": 3, "noise": [0.1, 0.3, 0.4], "bits": 1},
        {"rows": 1, "columns": 3, "sensors": 1, "noise": [0.0, 0.1], "density": 0.6},
    ],
    ids=str,
)
def test_codes_earn_what_is_reachable(options):
    limits, chosen = commenv.limits(ID, **options), Options(**options)
    found = played(CodedTeam(chosen), chosen, 20_000)
    assert abs(found.reward - limits.reachable.value) <= 4 * found.standard_error
    assert limits.silent.value <= limits.reachable.value <= limits.ceiling.value


def test_information_filling_against_bits():
    """It gains with each bit, and the best code is no worse."""
    shares = []
    for bits in (1, 2, 3):
        chosen = Options(bits=bits)
        found = played(CodedTeam(chosen, "filling"), chosen, 20_000)
        limits = commenv.limits(ID, bits=bits)
        assert abs(found.reward - CodedTeam(chosen, "filling").code.value) <= 4 * found.standard_error
        shares.append((found.reward - limits.silent.value) / (limits.reachable.value - limits.silent.value))
    assert 0.75 < shares[0] < shares[1] < 1.02


def test_a_team_plays_alike_through_pettingzoo():
    options = Options(bits=2)
    team, batch = CodedTeam(options), commenv.make_batch(ID, 20, seed=5, bits=2)
    seen = batch.reset()
    for t in range(2):
        seen, rewards, *_ = batch.step(team.act(seen, batch.active, np.full(20, t == 0)))
    assert rewards["centre"] == pytest.approx([alone(team, options, 5 + i) for i in range(20)])


def test_readings_are_wrong_as_often_as_the_noise_says():
    batch = commenv.make_batch(ID, 20_000, seed=2)
    seen = batch.reset()
    truth = batch.state.games["state"]
    for name, cells, noise in (
        ("centre", [0, 1, 3, 4], [0.05, 0.2, 0.05, 0.2]),
        ("sensor_0", range(6), [0.2, 0.05, 0.2, 0.2, 0.05, 0.2]),
        ("sensor_1", [1, 2, 4, 5], [0.2, 0.05, 0.2, 0.05]),
    ):
        for place, (k, p) in enumerate(zip(cells, noise, strict=True)):
            wrong = (seen[name][:, place] != (truth >> k & 1)).mean()
            assert abs(wrong - p) < 4 * np.sqrt(p * (1 - p) / 20_000)
    share = np.mean([truth >> k & 1 for k in range(6)])
    assert share == pytest.approx(0.3, abs=0.006)


def test_maps_are_scored_by_f1():
    batch = commenv.make_batch(ID, 500, seed=3)
    batch.reset()
    truth = batch.state.games["state"].copy()
    quiet = {"sensor_0": np.zeros(500, int), "sensor_1": np.zeros(500, int)}
    batch.step({"centre": np.zeros(500, int), **quiet})
    named = np.random.default_rng(0).integers(64, size=500)
    named[:50] = truth[:50]
    _, rewards, over, _, infos = batch.step({"centre": named, **quiet})
    both, sizes = np.bitwise_count(truth & named), np.bitwise_count(truth) + np.bitwise_count(named)
    assert over["centre"].all()
    assert rewards["sensor_1"] == pytest.approx(np.where(sizes > 0, 2 * both / np.maximum(sizes, 1), 1.0))
    final = infos["centre"]["final_info"]
    assert (final["hits"] == both).all()
    assert (final["misses"] == np.bitwise_count(truth & ~named)).all()
    assert (final["false_alarms"] == np.bitwise_count(named & ~truth)).all()
    assert (final["success"] == (truth == named)).all()


def test_limits_of_other_channels():
    assert commenv.limits(ID, bits=6).reachable.exact
    assert not commenv.limits(ID).reachable.exact
    assert not commenv.limits(ID, bits=13, channel={"erasure": 0.1}).reachable.exact
    late = commenv.limits(ID, channel={"delay": 1})
    assert late.ceiling.value == late.silent.value
    assert commenv.limits(ID, max_cycles=1).ceiling.value == 0
    assert commenv.limits(ID, bits=8).reachable.value == commenv.limits(ID, bits=6).ceiling.value


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"rows": 9}, "rows=9"),
        ({"rows": 3, "columns": 3}, "9 cells"),
        ({"sensors": 5}, "sensors=5"),
        ({"noise": 0.1}, "noise=0.1"),
        ({"noise": [0.7]}, "noise="),
        ({"density": 1.5}, "density=1.5"),
    ],
)
def test_bad_options_are_named(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        commenv.make(ID, **options)


def test_a_team_says_which_codes_there_are():
    with pytest.raises(ValueError, match="code='mask'"):
        CodedTeam(Options(), "mask")
    assert CodedTeam(Options(bits=9)).code.method == "all readings told"
    with pytest.raises(ValueError, match="too many to search"):
        CodedTeam(Options(bits=9, channel={"error": 0.1}))
    with pytest.raises(ValueError, match="without memory"):
        CodedTeam(Options(channel={"delay": 1}))
