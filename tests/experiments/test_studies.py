"""Studies that train: the whole way of one, with very short trainings, and that what is finished is not done again."""

from dataclasses import replace

from experiments import recipes
from experiments.studies import graphs, riddle


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
