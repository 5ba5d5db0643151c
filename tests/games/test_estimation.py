"""messaging/estimation: quantisers as played, by batch and by PettingZoo, what is read and heard, limits."""

import numpy as np
import pytest

import commenv
from agents.exact.estimation import ID, QuantiserTeam
from commenv.games.messaging.estimation import Options
from commenv.solvers.estimation import ceo_distortion, lloyd_max
from experiments.evaluation import played


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"sensors": 1, "sigma": 0.0, "bits": 1},
        {"sensors": 1, "sigma": 1.0, "bits": 3},
        {"sensors": 3, "sigma": 0.0, "bits": 1},
        {"sensors": 3, "sigma": 1.0, "bits": 1, "points": 9, "channel": {"error": 0.1, "drop": 0.2}},
        {"sensors": 2, "channel": {"symbols": 3, "erasure": 0.2}},
        {"bits": 0},
    ],
    ids=str,
)
def test_quantisers_earn_what_is_reachable(options):
    limits = commenv.limits(ID, **options)
    found = played(QuantiserTeam(Options(**options)), Options(**options), 20_000)
    assert abs(found.reward - limits.reachable.value) <= 4 * found.standard_error
    assert limits.silent.value <= limits.reachable.value <= limits.ceiling.value


def test_the_same_quantisers_play_pettingzoo():
    """A game of PettingZoo is the batch's game of that seed; what it pays is minus its squared error."""
    options = {"sensors": 2, "bits": 2}
    team, env = QuantiserTeam(Options(**options)), commenv.make(ID, **options)
    batch = commenv.make_batch(ID, 20, seed=0, **options)
    fresh, seen = np.ones(20, bool), batch.reset()
    for _ in range(2):
        seen, rewards, *_ = batch.step(team.act(seen, batch.active, fresh))
    for seed in range(20):
        seen, _ = env.reset(seed=seed)
        while env.agents:
            acts = team.act({name: one[None] for name, one in seen.items()}, {}, fresh[:1])
            seen, earned, _, _, infos = env.step({name: int(act[0]) for name, act in acts.items()})
        assert earned["centre"] == rewards["centre"][seed] == -infos["centre"]["squared_error"]


@pytest.mark.parametrize("bits", range(5))
def test_a_fine_grid_comes_to_lloyd_and_max(bits):
    found = commenv.limits(ID, sensors=1, sigma=0.0, bits=bits, points=1025, reach=4.0)
    best = lloyd_max(2**bits).error
    assert found.reachable.exact
    assert best - 1e-12 <= -found.reachable.value <= best + (4 / 512 / 2) ** 2
    assert -found.ceiling.value == pytest.approx(4.0**-bits)


@pytest.mark.parametrize(("sensors", "bits"), [(1, 1), (2, 1), (2, 2), (4, 1)])
def test_the_ceiling_is_the_ceo_of_all_bits(sensors, bits):
    found = commenv.limits(ID, sensors=sensors, sigma=0.5**0.5, bits=bits)
    assert -found.ceiling.value == pytest.approx(ceo_distortion(sensors * bits, sensors, 0.5**0.5))
    assert not found.ceiling.exact


def test_readings_are_of_their_law():
    n = 20_000
    batch = commenv.make_batch(ID, n, seed=2, sensors=2, sigma=0.5)
    seen, x = batch.reset(), batch.state.games["x"]
    noise = np.stack([seen[f"sensor_{i}"][:, 0] - x for i in range(2)])
    assert np.abs([x.mean(), *noise.mean(axis=1)]).max() < 4 / np.sqrt(n)
    assert [x.std(), *noise.std(axis=1)] == pytest.approx([1, 0.5, 0.5], rel=0.03)
    assert np.abs(np.corrcoef([x, *noise]) - np.eye(3)).max() < 0.03


def test_success_is_to_be_nearer_than_silence():
    n = 200
    batch = commenv.make_batch(ID, n, seed=1, sensors=1, points=3, reach=1.0)
    batch.reset()
    x = batch.state.games["x"].copy()
    silence = {"sensor_0": np.zeros(n, int)}
    batch.step({**silence, "centre": np.zeros(n, int)})
    *_, infos = batch.step({**silence, "centre": np.full(n, 2)})
    final = infos["centre"]["final_info"]
    np.testing.assert_array_equal(final["success"], x > 0.5)
    np.testing.assert_allclose(final["squared_error"], (x - 1) ** 2)


def test_limits_of_what_is_not_heard():
    late = commenv.limits(ID, channel={"delay": 1})
    assert late.reachable.value == late.ceiling.value == late.silent.value == -1
    assert commenv.limits(ID, max_cycles=1).reachable.value == 0
    many = commenv.limits(ID, sensors=16, bits=4)
    assert many.reachable.value == many.ceiling.value
    assert not many.reachable.exact
    with pytest.raises(ValueError, match="16 sensors of 16 messages"):
        QuantiserTeam(Options(sensors=16, bits=4))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({"sensors": 17}, "sensors=17"), ({"sigma": 0.01}, "sigma=0.01"), ({"points": 64}, "points=64"), ({"reach": 0}, "reach=0")],
)
def test_bad_options_are_named(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        commenv.make(ID, **options)
