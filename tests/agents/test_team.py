"""Teams on disk: what is written is what plays, and what is damaged is refused."""

import json
import pickle

import numpy as np
import pytest
import torch

from agents.exact.guide import SearchTeam
from agents.networks import Perceptron, sample
from agents.team import Team
from commenv.core.channel import Channel
from commenv.core.game import choose
from commenv.games import rules

ID = "messaging/referential-v0"


@pytest.fixture
def team():
    torch.manual_seed(0)
    options = choose(rules(ID), {"states": 6, "channel": Channel(symbols=5, error=0.1), "prior": [0.5, 0.1, 0.1, 0.1, 0.1, 0.1]})
    return Team(ID, options, {"sender": Perceptron([6, 16, 5]), "receiver": Perceptron([6, 16, 6])})


def test_what_is_written_is_what_plays(team, tmp_path):
    team.save(tmp_path)
    again = Team.load(tmp_path)
    seen = np.random.default_rng(0).random((50, 6))
    for name in ("sender", "receiver"):
        assert np.array_equal(team.act(name, seen), again.act(name, seen))
    assert again.options == team.options
    assert sorted(p.name for p in tmp_path.iterdir()) == ["team.json", "team.safetensors"]


def test_sampled_actions_follow_the_policy(team):
    seen = np.eye(6, dtype=np.float32)[:1].repeat(40_000, 0)
    drawn = np.bincount(team.act("sender", seen, generator=torch.Generator().manual_seed(1)), minlength=5) / 40_000
    expected = team.policies["sender"](torch.eye(6)[:1]).softmax(-1)[0].detach().numpy()
    assert np.abs(drawn - expected).max() < 4 * 0.5 / 200


def test_sample_never_draws_what_has_no_probability():
    logits = torch.tensor([-torch.inf, 0.0, -torch.inf]).expand(10_000, 3)
    index, logp = sample(logits, torch.Generator().manual_seed(0))
    assert (index == 1).all()
    assert torch.allclose(logp, torch.zeros(10_000))


def damage_json(folder):
    (folder / "team.json").write_text("{")


def damage_weights(folder):
    (folder / "team.safetensors").write_bytes(b"not tensors")


def pickled_weights(folder):
    (folder / "team.safetensors").write_bytes(pickle.dumps({"sender.layers.0.weight": 1}))


def other_format(folder):
    page = json.loads((folder / "team.json").read_text())
    (folder / "team.json").write_text(json.dumps({**page, "format": 99}))


def other_shape(folder):
    page = json.loads((folder / "team.json").read_text())
    page["policies"]["sender"] = [6, 17, 5]
    (folder / "team.json").write_text(json.dumps(page))


def unknown_game(folder):
    page = json.loads((folder / "team.json").read_text())
    (folder / "team.json").write_text(json.dumps({**page, "id": "messaging/none-v0"}))


def other_options(folder):
    page = json.loads((folder / "team.json").read_text())
    page["options"] = {**page["options"], "states": 4, "prior": None}
    (folder / "team.json").write_text(json.dumps(page))


def one_agent_less(folder):
    page = json.loads((folder / "team.json").read_text())
    del page["policies"]["sender"]
    (folder / "team.json").write_text(json.dumps(page))


@pytest.mark.parametrize(
    "damage",
    [other_options, one_agent_less, damage_json, damage_weights, pickled_weights, other_format, other_shape, unknown_game],
)
def test_damage_is_refused_in_a_sentence(team, tmp_path, damage):
    team.save(tmp_path)
    damage(tmp_path)
    with pytest.raises(ValueError, match=f"the team in {tmp_path} cannot be read"):
        Team.load(tmp_path)


def test_a_missing_team_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds no team: team\.json is missing"):
        Team.load(tmp_path)


def test_an_interrupted_save_keeps_the_old_team(team, tmp_path, monkeypatch):
    team.save(tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    monkeypatch.setattr("agents.team.json.dumps", lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt))
    other = Team(ID, team.options, {"sender": Perceptron([6, 16, 5]), "receiver": Perceptron([6, 16, 6])})
    with pytest.raises(KeyboardInterrupt):
        other.save(tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in before} == before


def test_a_team_without_networks_is_not_saved(tmp_path):
    team = SearchTeam(choose(rules("messaging/guide-v0"), {}))
    with pytest.raises(ValueError, match="SearchTeam is made of its options alone"):
        team.save(tmp_path / "team")
    assert not (tmp_path / "team").exists()
