"""What teams earn and say: sums over situations against games that were played, and against codes that one can count out."""

import numpy as np
import pytest
from examples import NOISES
from teams import ID, coded, untrained
from test_drawing import talking

import commenv
from agents.exact.guide import SearchTeam
from commenv import info
from commenv.games import rules
from experiments import comparisons, evaluation
from experiments.options import chosen, over

GAMES = 100_000
OPTIONS = {name: {"bits": 2, "channel": channel} for name, channel in NOISES.items()} | {
    "table": {"states": 3, "prior": [0.5, 0.3, 0.2], "reward": [[1, 0.5], [0, 2], [-1, 3]], "bits": 1},
    "candidates": {"states": 6, "candidates": 3, "bits": 2, "channel": {"erasure": 0.3}},
    "rounds, cut short": {"rounds": 5, "max_cycles": 6, "bits": 2},
    "mute": {"bits": 0},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_exact_figures_are_those_of_games_that_are_played(name):
    team = untrained(1, **OPTIONS[name])
    exact, played = evaluation.enumerated(team, team.options), evaluation.played(team, team.options, GAMES)
    assert exact.exact
    assert played.games_evaluated >= GAMES
    assert abs(exact.reward - played.reward) <= 4 * played.standard_error + 1e-12
    for bits in ("capacity_bits", "payload_bits", "entropy_bits"):
        assert getattr(exact, bits) == pytest.approx(getattr(played, bits), abs=0.02)
    error = played.mutual_information_standard_error
    assert abs(exact.mutual_information_bits - played.mutual_information_bits) <= 4 * error + 1e-3
    assert exact.mutual_information_bits <= exact.capacity_bits + 1e-9


@pytest.mark.parametrize("options", [*OPTIONS.values(), {"states": 8, "candidates": 4}, {"states": 4, "candidates": 4}])
def test_situations_are_the_beginnings_of_games(options):
    """Every first observation that is played stands among the situations, about as often as they say."""
    situations = rules(ID).situations(chosen(ID, options))
    batch = commenv.make_batch(ID, 20_000, 0, **options)
    seen = batch.reset()
    width = batch.inbox("receiver").start
    both = np.concatenate([seen["sender"], seen["receiver"][:, :width]], axis=1)
    rows, inverse = np.unique(np.concatenate([situations.seen, situations.own], axis=1), axis=0, return_inverse=True)
    expected = np.bincount(inverse, situations.probability)
    index = {row.tobytes(): k for k, row in enumerate(rows)}
    found = np.bincount([index[row.tobytes()] for row in both], minlength=len(rows)) / len(both)
    assert np.abs(found - expected).max() < 5 * np.sqrt(expected.max() / len(both))


def test_too_many_situations_are_none():
    assert rules(ID).situations(chosen(ID, {"states": 100, "candidates": 4})) is None
    assert rules(ID).situations(chosen(ID, {"max_cycles": 1})) is None


def test_a_perfect_code():
    found = evaluation.evaluate(coded(range(8), range(8), bits=3))
    assert (found["reward"], found["efficiency"], found["standard_error"]) == (1, 1, 0)
    assert (found["capacity_bits"], found["entropy_bits"], found["mutual_information_bits"]) == (3, 3, 3)
    assert found["reward_per_bit"] == pytest.approx((1 - 1 / 8) / 3)
    assert found["limits"]["reachable"]["exact"] is True


def test_silence_costs_nothing_and_informs():
    found = evaluation.evaluate(coded([0, 0, 0, 0, 1, 2, 3, 3], [0, 4, 5, 6], channel={"bits": 2, "silence": True}))
    assert found["payload_bits"] == pytest.approx(2 * 0.5)
    assert found["entropy_bits"] == pytest.approx(info.entropy([0.5, 0.125, 0.125, 0.25]))


def test_noise_is_felt():
    team = coded(range(8), range(8), bits=3)
    found = evaluation.evaluate(team, {"error": 0.1})
    assert found["reward"] == pytest.approx(0.9)
    assert found["mutual_information_bits"] == pytest.approx(info.symmetric_capacity(8, 0.1))
    assert found["channel"] == {"bits": 3, "error": 0.1}


def test_a_budget_is_played():
    options = {"rounds": 3, "bits": 3, "channel": {"silence": True, "cap": 6}}
    team = coded(range(8), range(8), **options)
    assert evaluation.enumerated(team, team.options) is None
    found = evaluation.evaluate(team, games=50_000)
    # two messages in three rounds: what comes after is heard as silence, which is the message for state 0
    assert not found["exact"]
    assert found["payload_bits"] <= 6
    assert abs(found["reward"] - (3 - 0.875**3)) <= 4 * found["standard_error"]  # one is missed where three were to be sent


def test_bits_are_those_of_the_games_that_count():
    """Games of one message each and of unequal length: those that run when all have been played spoke already."""
    team = SearchTeam(chosen("messaging/guide-v0", {"bits": 1}))
    found = evaluation.played(team, team.options, 2_000)
    assert (found.capacity_bits, found.payload_bits) == (1, 1)


@pytest.mark.parametrize(("graph", "said"), [("full", 2), ("none", 0)])
def test_a_team_is_held_against_what_it_may_say(graph, said):
    found = evaluation.evaluate(talking("classic/hallway-v0", {"bits": 0}, graph=graph, bits=2), games=64)
    assert found["reachable"] == commenv.limits("classic/hallway-v0", bits=said).reachable.value


def test_zero_efficiency_is_not_nothing():
    assert evaluation.evaluate(coded([0] * 8, [0], bits=0))["efficiency"] is None
    assert evaluation.evaluate(coded([0] * 8, [0] * 4, bits=2))["efficiency"] == 0


def test_other_channels_make_a_matrix(tmp_path):
    coded(range(8), range(8), bits=3).save(tmp_path / "bits=3/seed=0")
    coded([0, 1] * 4, [0, 1], bits=1).save(tmp_path / "bits=1/seed=0")
    page = comparisons.over_channels(tmp_path, [{"error": 0.1}, {"erasure": 0.5}])
    rewards = [cell["reward"] for cell in page["evaluations"]]
    assert [cell["team"] for cell in page["evaluations"]][::3] == ["bits=1/seed=0", "bits=3/seed=0"]
    assert rewards == pytest.approx([0.25, 0.225, 0.1875, 1, 0.9, 0.5 + 0.5 / 8])
    with pytest.raises(ValueError, match="cannot use a channel of 8"):
        comparisons.over_channels(tmp_path, [{"bits": 3}])


def test_partners_that_never_met_are_at_chance(tmp_path):
    permuted = [0, 2, 3, 4, 5, 6, 7, 1]  # one symbol in common
    coded(range(8), range(8), bits=3).save(tmp_path / "a/bits=3/seed=0")
    coded(permuted, np.argsort(permuted).tolist(), bits=3).save(tmp_path / "a/bits=3/seed=1")
    coded([0] * 8, [0], bits=0).save(tmp_path / "a/bits=0/seed=0")
    page = comparisons.cross(tmp_path / "a", tmp_path / "a")
    rewards = {(cell["speaker"], cell["listener"]): cell["reward"] for cell in page["pairs"] if cell["symbols"] == 8}
    assert list(rewards.values()) == [1, 1 / 8, 1 / 8, 1]
    assert len(page["pairs"]) == 5


def test_who_cannot_play_together(tmp_path):
    coded(range(8), range(8), bits=3).save(tmp_path / "a")
    coded([0] * 8, [0], bits=0).save(tmp_path / "b")
    coded(range(8), range(8), bits=3, reward="ordered").save(tmp_path / "c")
    with pytest.raises(ValueError, match="no rate in common"):
        comparisons.cross(tmp_path / "a", tmp_path / "b")
    with pytest.raises(ValueError, match="different games"):
        comparisons.cross(tmp_path / "a", tmp_path / "c")
    with pytest.raises(FileNotFoundError, match="holds no team"):
        comparisons.cross(tmp_path / "a", tmp_path / "nowhere")


def test_a_channel_is_over_a_team_not_in_it():
    team = coded(range(8), range(8), bits=3)
    assert over(team.options, {"error": 0.1}) != team.options
    assert team.options.link.error == 0


def test_teams_play_with_other_options(tmp_path):
    """The perfect code for eight states, in a game that has other rewards, and in one that it does not fit."""
    coded(range(8), range(8), bits=3).save(tmp_path)
    page = comparisons.over_channels(tmp_path, [], changes={"rounds": 3})
    assert page["evaluations"][0]["reward"] == 3
    assert page["changes"] == {"rounds": 3}
    with pytest.raises(ValueError, match="has widths"):
        comparisons.over_channels(tmp_path, [], changes={"states": 9})
    with pytest.raises(ValueError, match="unknown option 'round'"):
        comparisons.over_channels(tmp_path, [], changes={"round": 9})
