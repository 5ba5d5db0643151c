"""Teams ranked: what is exact is exact, what is sampled is bounded, and teams of different games are refused."""

import json

import numpy as np
import pytest
from teams import coded, finished, untrained
from typer.testing import CliRunner

from experiments import rank
from experiments.command import app

GOOD, OTHER = ([0, 1, 1, 1, 1, 1, 1, 1], [0, 1]), ([1, 0, 1, 1, 1, 1, 1, 1], [1, 0])
LATE = {"bits": 1, "rounds": 2, "channel": {"delay": (0, 1)}}  # what may be late is played


def best():
    return coded(*GOOD, bits=1)


def test_partners_are_summed_over(tmp_path):
    found = {"good": coded(*GOOD, bits=1), "other": coded(*OTHER, bits=1)}
    page = rank.rank(found, "partners", tmp_path, noise=0.01)
    assert page["exact"]
    assert page == json.loads((tmp_path / "rank.json").read_text())
    assert (tmp_path / "rank.png").stat().st_size > 5000
    np.testing.assert_allclose(page["payoffs"][0], [[0.25, 0.0], [0.0, 0.25]], atol=1e-12)
    np.testing.assert_allclose(page["shares"]["speakers"], [0.5, 0.5])
    assert page["games"] == 0


def test_partners_that_are_played_want_a_scale(tmp_path):
    found = {"good": coded(*GOOD, **LATE), "silent": coded([0] * 8, [0, 0], **LATE)}
    with pytest.raises(ValueError, match="--scale=LOW,HIGH"):
        rank.tournament(found, "partners", games=50)
    with pytest.raises(ValueError, match="too narrow"):
        rank.tournament(found, "partners", games=50, scale=(0, 0.5))
    played = rank.tournament(found, "partners", games=200, scale=(0, 2))
    assert not played.exact
    assert (played.graph.low <= played.graph.means).all()
    assert (played.graph.means <= played.graph.high).all()
    assert played.graph.means.max() <= 2


def test_the_better_rival_wins():
    found = {"good": coded(*GOOD, bits=1), "silent": coded([0] * 8, [0, 0], bits=1)}
    played = rank.tournament(found, "rivals", games=20_000)
    won = rank.returns(found["good"], 20_000) - rank.returns(found["silent"], 20_000)
    assert played.graph.means[0, 0, 1] == pytest.approx(0.5 + won.mean() / 2, abs=0.05)
    assert played.graph.means[0, 0, 0] == 0.5
    assert played.graph.counts.max() <= 20_000
    assert ((0, 1), (0, 0), 1) in played.graph.better  # who meets the silent team had better be the good one


def test_returns_do_not_depend_on_how_many_are_played():
    team = untrained(0, bits=1, rounds=2)
    np.testing.assert_array_equal(rank.returns(team, 5), rank.returns(team, 9)[:5])


def test_contestants(tmp_path):
    finished(coded(*GOOD, bits=1), tmp_path / "a", 0)
    finished(coded(*GOOD, bits=1), tmp_path / "b", 0)
    found = rank.contestants([str(tmp_path / "a"), str(tmp_path / "b"), f"{__name__}:best"])
    assert list(found) == ["a", "b", f"{__name__}:best"]
    with pytest.raises(ValueError, match="1 teams are not allowed"):
        rank.contestants([str(tmp_path / "a")])
    finished(coded([0, 1, 2, 3, 3, 3, 3, 3], [0, 1, 2, 3], bits=2), tmp_path / "c", 0)
    with pytest.raises(ValueError, match="one game"):
        rank.contestants([str(tmp_path / "a"), str(tmp_path / "c")])
    for wrong in ("os:getcwd", "no_such_module:team", f"{__name__}:nobody"):
        with pytest.raises(ValueError, match=wrong):
            rank.contestants([str(tmp_path / "a"), wrong])


def test_the_command(tmp_path):
    finished(coded(*GOOD, bits=1), tmp_path / "a", 0)
    finished(coded(*OTHER, bits=1), tmp_path / "b", 0)
    words = ["rank", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "r")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "payoffs are exact" in done.output
    refused = CliRunner().invoke(app, [*words, "--scale", "1"])
    assert refused.exit_code == 2
