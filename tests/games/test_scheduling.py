"""messaging/scheduling: teams as played, collisions, who sees what, limits."""

import numpy as np
import pytest
from examples import alone

import commenv
from agents.exact.scheduling import ID, SchedulerTeam
from commenv.games.messaging.scheduling import Options
from experiments.evaluation import played


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bits": 1},
        {"bits": 0, "clock": False},
        {"sources": 3, "reliability": 1.0, "slots": 7},
        {"sources": 2, "reliability": [0.9, 0.5], "bits": 1, "clock": False},
        {"sources": 3, "reliability": [0.9, 0.5, 0.3], "slots": 12, "bits": 1},
        {"sources": 3, "reliability": [0.9, 0.5, 0.3], "slots": 12, "bits": 0},
        {"bits": 1, "max_cycles": 21},
    ],
    ids=str,
)
def test_teams_earn_what_is_reachable(options):
    limits, chosen = commenv.limits(ID, **options), Options(**options)
    found = played(SchedulerTeam(chosen), chosen, 20_000)
    assert limits.reachable.exact
    assert abs(found.reward - limits.reachable.value) <= 4 * found.standard_error + 1e-9
    assert limits.silent.value <= limits.reachable.value <= limits.ceiling.value
    if chosen.max_cycles is None:
        assert found.payload_bits == pytest.approx(chosen.bits * chosen.slots * chosen.sources)  # counted on each link


@pytest.mark.parametrize("bits", [0, 1, 2])
def test_a_team_plays_alike_through_pettingzoo(bits):
    options = Options(bits=bits, slots=6)
    team, batch = SchedulerTeam(options), commenv.make_batch(ID, 8, seed=3, bits=bits, slots=6)
    seen, player = batch.reset(), SchedulerTeam(options).player(8)
    for t in range(12):
        seen, _, over, _, infos = batch.step(player.act(seen, batch.active, np.full(8, t == 0)))
    assert over["scheduler"].all()
    returns = infos["scheduler"]["final_info"]["episode_return"]
    assert returns == pytest.approx([alone(team, options, 3 + i) for i in range(8)])


def test_two_at_once_collide_and_waiting_delivers_nothing():
    batch = commenv.make_batch(ID, 4, seed=1, sources=3, slots=2, reliability=1.0)
    batch.reset()
    for who in ([1, 1, 0], [0, 0, 1]):
        batch.step({"scheduler": np.zeros(4, int), **{f"source_{i}": np.ones(4, int) for i in range(3)}})  # not yet its turn
        acts = {f"source_{i}": np.full(4, who[i]) for i in range(3)}
        _, rewards, _, _, infos = batch.step({"scheduler": np.zeros(4, int), **acts})
    final = {name: infos[name]["final_info"] for name in batch.possible_agents}
    assert [final[f"source_{i}"]["collided"][0] for i in range(3)] == [1, 1, 0]
    assert [final[f"source_{i}"]["delivered"][0] for i in range(3)] == [0, 0, 1]
    assert final["source_0"]["mean_age"] == pytest.approx(2.5)  # 2, 3
    assert final["source_2"]["mean_age"] == pytest.approx(1.5)  # 2, 1
    assert final["scheduler"]["success"] == pytest.approx(0.5)
    assert final["scheduler"]["episode_return"] == pytest.approx(-(2.5 + 2.5 + 1.5) / 3)
    assert final["scheduler"]["mean_age"] == pytest.approx((2.5 + 2.5 + 1.5) / 3)
    assert rewards["scheduler"] == pytest.approx(-(3 + 3 + 1) / 3 / 2)


def test_sources_see_the_clock_only():
    batch = commenv.make_batch(ID, 50, seed=1, bits=0)
    batch.reset()
    for t in range(8):
        acts = {f"source_{i}": np.random.default_rng(t + i).integers(2, size=50) for i in range(4)}
        seen, *_ = batch.step({"scheduler": np.zeros(50, int), **acts})
        assert (seen["source_1"] == seen["source_1"][0]).all()
    assert not (seen["scheduler"] == seen["scheduler"][0]).all()


def test_limits_of_other_channels():
    noisy = commenv.limits(ID, channel={"erasure": 0.5})
    assert not noisy.reachable.exact
    assert noisy.ceiling.value == commenv.limits(ID, bits=1).reachable.value
    assert commenv.limits(ID, max_cycles=1).silent.value == 0
    assert commenv.limits(ID, slots=4, channel={"delay": 9}).ceiling.value == commenv.limits(ID, slots=4).silent.value
    with pytest.raises(ValueError, match="noiseless"):
        SchedulerTeam(Options(channel={"error": 0.1}))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"sources": 0}, "sources=0"),
        ({"slots": 300}, "slots=300"),
        ({"reliability": 0.0}, "reliability"),
        ({"clock": 2}, "clock=2"),
        ({"reliability": [0.5, 0.5]}, "one a source"),
        ({"reliability": [0.5, 0.5, 0.5, 0.4], "slots": 100}, "too many ages"),
    ],
)
def test_bad_options_are_named(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        commenv.make(ID, **options)
