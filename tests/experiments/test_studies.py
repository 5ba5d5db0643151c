"""Studies that train: the whole way of one, with very short trainings, and that what is finished is not done again."""

from dataclasses import replace

from experiments import recipes
from experiments.studies import graphs, riddle, team_sizes


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
