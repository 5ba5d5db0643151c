"""What a team is seen to say is what it says: tables of meanings, bits on the edges, and an episode with its messages."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from teams import coded

import commenv
from agents import TalkingTeam
from agents.graph_team import Plan, build
from experiments import drawing, watching

CODE = [3, 1, 4, 0, 6, 2, 7, 5]
PREY = "classic/predator_prey-v0"


@pytest.fixture(autouse=True)
def little(monkeypatch):
    """Few games, and an episode of few pictures, each of which takes a moment."""
    monkeypatch.setattr(watching, "GAMES", 64)
    monkeypatch.setattr(watching, "FRAMES", (3, 4))


def talking(id=PREY, options=None, **parts):
    torch.manual_seed(0)
    batch = commenv.make_batch(id, 1, 0, **{"bits": 0, **(options or {})})
    network = build(Plan.seated(batch.observation_spaces, batch.action_spaces, **{"width": 16, **parts}))
    for p in network.parameters():
        torch.nn.init.normal_(p, std=0.5)
    return TalkingTeam(id, batch.options, network)


def test_a_code_is_read_off():
    watched = watching.watch(coded(CODE, range(8), bits=3))
    (table,) = watched.meanings
    assert (table.speaker, table.about, table.round) == ("sender", ("game.state",), 1)
    assert [table.symbols[k] for k in table.counts.argmax(1)] == [CODE[state] for (state,) in table.states]
    assert (table.counts > 0).sum() == 8
    assert table.bits == pytest.approx(3, abs=0.2)
    assert watched.as_dict()["edges"] == [{"from": "sender", "to": "receiver", "bits_per_game": 3.0}]
    first, second, *_ = watched.frames
    assert (first.active, first.delivered) == (["sender"], [])
    assert second.active == ["receiver"]
    state = int(first.lines[0].partition("state ")[2].partition(",")[0])
    assert second.delivered == [("sender", "receiver", str(CODE[state]))]


def test_noise_and_silence_are_shown():
    watched = watching.watch(coded([0] * 4 + [1] * 4, [0, 1], channel={"bits": 1, "silence": True, "erasure": 0.5}))
    said = {what for frame in watched.frames for _, _, what in frame.delivered}
    assert said <= {"silence", "1", "erased"}
    ((_, _, bits),) = [edge.values() for edge in watched.as_dict()["edges"]]
    assert 0.2 < bits < 0.8  # silence, in half of the games, costs nothing


@pytest.mark.parametrize("rounds", [1, 2])
def test_what_a_team_says_over_a_graph(rounds):
    """Edges add up to what the team's own meter says was heard, and the symbols to what was drawn from its networks."""
    team = talking(rounds=rounds, graph="schednet", bits=2)
    watched = watching.watch(team)
    assert {m.round for m in watched.meanings} == set(range(1, rounds + 1))
    assert all(m.speaker == "everybody" and max(m.symbols) < 4 for m in watched.meanings)
    assert watched.control_bits > 0
    heard = sum(m.counts.sum() for m in watched.meanings)  # one is scheduled each round, and heard by two
    assert watched.bits.sum() * watched.games == pytest.approx(heard * 2 * 2)
    assert np.trace(watched.bits) == 0


def test_real_numbers_have_no_table():
    watched = watching.watch(talking(bottleneck="continuous", bits=32))
    assert watched.meanings == []
    assert "real numbers" in watched.notes[0]
    assert all("." in what for frame in watched.frames for _, _, what in frame.delivered)


def test_a_table_is_about_what_is_told():
    """Of x, y, z and a symbol: of one if that is all; of two where the symbol needs both; of none where there are too many."""
    rng = np.random.default_rng(0)
    x, y, z = rng.integers(0, 4, (3, 4000))
    names = ["x", "y", "z"]
    assert watching.meaning("s", 1, names, np.stack([x, y, z, y], 1)).about == ("y",)
    both = watching.meaning("s", 1, names, np.stack([x, y, z, (x + z) % 4], 1))
    assert (both.about, round(both.bits, 1)) == (("x", "z"), 2.0)
    assert watching.meaning("s", 1, names, np.stack([x, y, z, np.arange(4000)], 1)) is None
    assert watching.meaning("s", 1, ["x"], np.stack([np.arange(4000), x], 1)) is None


def test_pictures_are_written(tmp_path):
    paths = drawing.draw(coded(CODE, range(8), bits=3), tmp_path)
    assert [path.name for path in paths] == ["talk.json", "talk.png", "meanings.png", "episode.gif"]
    page = json.loads((tmp_path / "talk.json").read_text())
    assert page["meanings"][0]["about"] == ["game.state"]
    for name in ("talk.png", "meanings.png"):
        with Image.open(tmp_path / name) as picture:
            assert min(picture.size) > 300
    with Image.open(tmp_path / "episode.gif") as film:
        assert film.n_frames >= 3
        frames = []
        for k in (0, 1):
            film.seek(k)
            frames.append(np.asarray(film.convert("RGB")))
    assert (frames[0] != frames[1]).any()  # the message has appeared


def test_who_says_nothing_has_no_graph(tmp_path):
    (tmp_path / "talk.png").write_text("of another team")
    paths = drawing.draw(talking(graph="none"), tmp_path)
    assert [path.name for path in paths] == ["talk.json", "episode.gif"]
    assert not (tmp_path / "talk.png").exists()
