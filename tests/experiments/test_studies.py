"""Studies that train: the whole way of one, with very short trainings, and that what is finished is not done again."""

import statistics
from dataclasses import replace
from pathlib import Path

from experiments import recipes
from experiments.files import write_json
from experiments.studies import classic, graphs, riddle, team_sizes


def test_graphs_are_compared_at_equal_bits(monkeypatch, tmp_path):
    def short(name, seed):
        return replace(recipes.recipe(name, seed), total_steps=5_120)

    monkeypatch.setattr(graphs, "recipe", short)
    monkeypatch.setattr(graphs, "GAMES", ("predator_capture_prey",))
    monkeypatch.setattr(graphs, "EVALUATED", 500)
    asked = []
    first = graphs.study([0], tmp_path, lambda done, total, what: asked.append(what))
    heard = {row[1]: float(row[-1]) for row in first.rows}
    assert heard["none"] == 0
    assert heard["full"] == 2 * heard["commformer"] == 24  # 6 links of 4 bits, and 3
    assert heard["random"] % 8 == 0  # its links go both ways
    again = graphs.study([0], tmp_path, lambda *told: None)
    assert again.rows == first.rows


def test_the_riddle_is_told_with_its_seeds(monkeypatch, tmp_path):
    monkeypatch.setattr(riddle, "MEMBERS", {3: (8,)})
    monkeypatch.setattr(riddle, "PRISONERS", {3: 20 / 27})
    monkeypatch.setattr(riddle, "EVALUATED", 2_000)
    found = riddle.study([0, 1], tmp_path, lambda *told: None)
    (row,) = found.rows
    assert row[:3] == [3, 8, 2]
    assert riddle.study([0, 1], tmp_path, lambda *told: None).rows == found.rows


def test_teams_play_in_sizes_they_never_saw(monkeypatch, tmp_path):
    monkeypatch.setattr(team_sizes, "STEPS", 5_120)
    monkeypatch.setattr(team_sizes, "SIZES", (2, 5, 8))
    monkeypatch.setattr(team_sizes, "FIELDS", dict.fromkeys("258", dict))
    monkeypatch.setattr(team_sizes, "TEAMS", {"attended to": "tarmac"})
    monkeypatch.setattr(team_sizes, "EVALUATED", 300)
    first = team_sizes.study([0], tmp_path, lambda *told: None)
    assert [row[1:3] for row in first.rows] == [[2, "no"], [5, "yes"], [8, "no"]]
    heard = [float(row[-1]) for row in first.rows]
    assert heard[0] <= 8 < heard[1] < heard[2]  # two cars hear each other's 4 bits, at most
    assert team_sizes.study([0], tmp_path, lambda *told: None).rows == first.rows


def results(folder, id, options, **figures):
    """A recipe's results as `commenv recipe` leaves them, of as many seeds as there are figures."""
    points = [dict(zip(figures, values, strict=True)) for values in zip(*figures.values(), strict=True)]
    said = {"id": id, "options": options, "communication": {"bits": 5}, "total_steps": 1000}
    summary = {name: {"median": statistics.median(values)} for name, values in figures.items()}
    write_json(folder / "results.json", {"recipe": said, "summary": summary, "points": points})


def test_ours_stands_beside_what_was_published(tmp_path):
    prey, junction = "classic/predator_prey-v0", "classic/traffic_junction-v0"
    results(tmp_path / "prey", prey, {"size": 5}, steps=[9.0, 8.5, 10.0])
    results(tmp_path / "far", prey, {"size": 5, "vision": 1}, steps=[1.0])  # another game
    results(tmp_path / "easy", junction, {}, success=[0.95])
    results(tmp_path / "talk", "classic/speaker_listener-v0", {}, reward=[-8.0], reachable=[-7.5])
    rows = classic.study([0], tmp_path, lambda *told: None, tmp_path).rows
    found = {(row[0], row[8]): row for row in rows}
    assert {row[1] for row in rows} == {"prey", "easy", "talk", None}
    ic3net, commnet = (found["predator_prey, size 5", method] for method in (classic.IC3NET, classic.COMMNET))
    assert ic3net[1:] == ["prey", 5, 3, 1000, "steps", "9.000 (8.500-10.000)", 8.9, classic.IC3NET, "by 0.100"]
    assert commnet[-1] == found["traffic_junction, easy, vision 0", classic.IC3NET][-1] == "no"
    assert found["traffic_junction, medium, vision 0", classic.IC3NET][6] is None
    assert found["speaker_listener", classic.SCRIPT][7:] == [-7.5, classic.SCRIPT, "by 0.500"]


def test_what_was_recorded_is_found():
    rows = classic.study([0], Path(), lambda *told: None).rows
    assert {"traffic_junction-easy", "speaker_listener", "reference", "riddle"} <= {row[1] for row in rows}
