"""messaging/tracking: the plant, quantisers as played, by batch and by PettingZoo, limits."""

import numpy as np
import pytest

import commenv
from agents.exact.tracking import ID, ZoomTeam
from commenv.games.messaging.tracking import Options
from commenv.solvers.tracking import distortions
from experiments.evaluation import played

WIDE = {"points": 4097, "reach": 16.0}


@pytest.mark.parametrize(
    "options",
    [{}, {"bits": 1, "gain": 1.2, **WIDE}, {"bits": 2, "gain": 2.0, **WIDE}, {"channel": {"symbols": 3}}, {"bits": 0}],
    ids=str,
)
def test_quantisers_earn_what_is_reachable(options):
    limits = commenv.limits(ID, **options)
    found = played(ZoomTeam(Options(**options)), Options(**options), 20_000)
    # Of 65,536 games in the limit and of 20,000 here the standard errors are as 1 to 1.8.
    assert abs(found.reward - limits.reachable.value) <= 4 * found.standard_error * 1.15
    assert limits.silent.value <= limits.reachable.value <= limits.ceiling.value
    assert found.steps == 32


def test_the_same_quantisers_play_pettingzoo():
    """A game of PettingZoo is the batch's game of that seed, step by step; what it pays is minus its squared errors."""
    options = {"steps": 4, "gain": 1.2}
    team, env = ZoomTeam(Options(**options)), commenv.make(ID, **options)
    batch = commenv.make_batch(ID, 10, seed=0, **options)
    seen, player, returns = batch.reset(), team.player(10), np.zeros(10)
    for t in range(8):
        seen, rewards, *_ = batch.step(player.act(seen, {}, np.full(10, t == 0)))
        returns += rewards["controller"]
    for seed in range(10):
        seen, _ = env.reset(seed=seed)
        player, fresh, total = team.player(1), np.ones(1, bool), 0.0
        while env.agents:
            acts = player.act({name: one[None] for name, one in seen.items()}, {}, fresh)
            seen, earned, _, _, infos = env.step({name: int(act[0]) for name, act in acts.items()})
            fresh, total = np.zeros(1, bool), total + earned["controller"]
        assert total == pytest.approx(returns[seed], abs=1e-5)
        assert infos["controller"]["mean_squared_error"] == pytest.approx(-total / 4, abs=1e-5)


def test_the_plant_moves_as_its_page_says():
    """Who names the nearest to X leaves gain times the rest, and standard normal noise."""
    n, gain = 4000, 1.5
    options = Options(gain=gain, steps=3)
    batch = commenv.make_batch(ID, n, seed=3, gain=gain, steps=3)
    seen = batch.reset()
    assert abs(seen["sensor"][:, 0].mean()) < 4 / np.sqrt(n)
    assert seen["sensor"][:, 0].std() == pytest.approx(1, rel=0.05)
    gained = np.zeros(n)
    for t in range(6):
        x = seen["sensor"][:, 0]
        np.testing.assert_allclose(seen["sensor"][0, 1:], [1 - t % 2, t // 2 / 3], rtol=1e-6)
        np.testing.assert_allclose(seen["controller"][0, :2], [t % 2, t // 2 / 3], rtol=1e-6)
        named = np.abs(options.grid[None] - x[:, None]).argmin(axis=1)
        seen, rewards, *_, infos = batch.step({"sensor": np.zeros(n, int), "controller": named})
        lost = x - options.grid[named]
        np.testing.assert_allclose(rewards["sensor"], -(lost**2) if t % 2 else 0 * lost, atol=1e-5)
        gained += (x**2 - lost**2) * (t % 2)
        if t in (1, 3):
            noise = seen["sensor"][:, 0] - gain * lost
            assert abs(noise.mean()) < 4 / np.sqrt(n)
            assert noise.std() == pytest.approx(1, rel=0.05)
            assert abs(np.corrcoef(noise, lost)[0, 1]) < 0.07
    final = infos["sensor"]["final_info"]
    np.testing.assert_allclose(final["last_squared_error"], lost**2, atol=1e-5)
    np.testing.assert_allclose(final["episode_return"], -3 * final["mean_squared_error"], rtol=1e-4)
    clear = np.abs(gained) > 1e-5  # who only names 0 gains nothing, but for rounding
    np.testing.assert_array_equal(final["success"][clear], gained[clear] > 0)
    assert final["success"].mean() > 0.99


def test_limits_of_noise_and_of_games_cut_short():
    noisy = commenv.limits(ID, channel={"erasure": 0.5})
    assert noisy.reachable.value == noisy.ceiling.value
    assert -noisy.ceiling.value == pytest.approx(distortions(1.0, 0.9, 16).sum())
    assert commenv.limits(ID, max_cycles=1).ceiling.value == 0
    assert commenv.limits(ID, max_cycles=7).silent.value == pytest.approx(-distortions(0, 0.9, 3).sum())
    assert commenv.limits(ID, bits=0).reachable.exact
    with pytest.raises(ValueError, match="without memory and noise"):
        ZoomTeam(Options(channel={"error": 0.1}))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"gain": -1}, "gain=-1"),
        ({"gain": 2.0, "steps": 90}, "steps=90"),
        ({"points": 10}, "points=10"),
        ({"reach": 0}, "reach=0"),
    ],
)
def test_bad_options_are_named(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        commenv.make(ID, **options)
