"""Phased elimination through the game's channel: regret and bits as in the simulation."""

import numpy as np
import pytest

from agents.exact.distributed_bandits import phased_elimination
from agents.exact.elimination import Elimination
from commenv.core.batch import Batch
from commenv.core.game import choose
from commenv.games import rules

LINEAR = "acquisition/linear_bandit-v0"
NUMBERS = {"floats": 1, "silence": True}


def options(bits=4, **others):
    usual = {"agents": 3, "dimension": 3, "rounds": 150, "gap": 0.6, "noise": 0.4, "server": True}
    return choose(rules(LINEAR), {**usual, "channel": {**NUMBERS, "bits": bits}, **others})


def played(chosen, games):
    """Regret of each game, and the meter's bits up and down of all of them."""
    batch = Batch(rules(LINEAR), chosen, games, 0)
    player, seen, fresh = Elimination(chosen).player(games), batch.reset(), np.ones(games, bool)
    total = np.zeros(games)
    for _ in range(chosen.rounds * chosen.halves - 2):  # after the last pull nobody talks
        seen, reward, over, *_ = batch.step(player.act(seen, batch.active, fresh))
        fresh, total = over["agent_0"].copy(), total + reward["agent_0"]
    assert fresh.all()
    assert not batch.meter.total.blocked
    return chosen.agents * (chosen.gap * chosen.rounds - total), batch.meter.total.payload_bits


@pytest.mark.parametrize(
    ("bits", "others"),
    [(4, {}), (2, {}), (6, {"agents": 1, "dimension": 2}), (5, {"dimension": 5, "rounds": 250, "gap": 1.0, "noise": 0.7})],
    ids=str,
)
def test_regret_and_bits_are_those_of_the_simulation(bits, others):
    games, chosen = 300, options(bits, **others)
    regret, sent = played(chosen, games)
    d, M = chosen.dimension, chosen.agents
    theta, rng = chosen.gap * np.eye(d)[0], np.random.default_rng(7)
    runs = [phased_elimination(np.eye(d), theta, M, chosen.rounds, bits, rng, chosen.noise) for _ in range(games)]
    simulated = np.array([run.regret for run in runs])
    error = np.hypot(regret.std(), simulated.std()) / np.sqrt(games)
    assert abs(regret.mean() - simulated.mean()) < 4 * error
    for share in (0.1, 0.5, 0.9):  # but for the last phase, of which the simulation takes shares of rounds
        assert np.quantile(regret, share) == pytest.approx(np.quantile(simulated, share), abs=0.08 * simulated.max())
    counted = np.array([run.bits for run in runs])
    assert set(counted / (2 * M * d * bits)) <= set(range(20))
    assert abs(sent / games - counted.mean()) <= 4 * np.sqrt(2) * counted.std() / np.sqrt(games)
    assert sent % (2 * M * d * bits) == 0  # whole phases, d numbers up and down
    assert counted.mean() >= 2 * M * d * bits


def test_the_law_of_regret_is_that_of_the_simulation():
    """Where all is settled before the horizon cuts a phase, regret takes few values: each as often as in the simulation."""
    games, chosen = 400, options(12, noise=0.2, gap=1.0, rounds=60, agents=2)
    regret, sent = played(chosen, games)
    rng = np.random.default_rng(0)
    runs = [phased_elimination(np.eye(3), np.eye(3)[0], 2, 60, 12, rng, 0.2) for _ in range(4_000)]
    simulated = np.round([run.regret for run in runs], 6)
    values, counts = np.unique(np.concatenate([simulated, np.round(regret, 6)]), return_counts=True)
    assert len(values[counts > 40]) >= 3
    for value in values:
        share = np.mean(simulated == value)
        assert abs(np.mean(np.round(regret, 6) == value) - share) <= 4.5 * np.sqrt(share * (1 - share) / games) + 2 / games
    assert {run.bits for run in runs} == {sent / games}


@pytest.mark.parametrize(
    ("others", "named"),
    [
        ({"server": False}, "server=False"),
        ({"channel": {"bits": 4}}, "channel="),
        ({"channel": {**NUMBERS, "bits": 4, "error": 0.1}}, "channel="),
        ({"gap": 2.0}, r"gap=2\.0"),
        ({"max_cycles": 10}, "max_cycles=10"),
        ({"agents": 64, "noise": 0.05}, "too few to send 3 numbers"),
    ],
)
def test_what_it_cannot_play_is_refused(others, named):
    with pytest.raises(ValueError, match=named):
        Elimination(options(**others))
