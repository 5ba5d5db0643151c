"""Studies of coding games, small: what their tables and figures say follows from what they computed."""

import numpy as np
import pytest
from typer.testing import CliRunner

from commenv.core.game import choose
from commenv.games import rules
from experiments.command import app
from experiments.studies import code_maze, couplings


def test_couplings(monkeypatch, tmp_path):
    monkeypatch.setattr(couplings, "PAIRS", 300)
    monkeypatch.setattr(couplings, "PARTITIONS", 60)
    found = couplings.study([0, 1], tmp_path, lambda *_: None)
    assert found.notes[0].startswith("0 of 300 couplings")
    assert found.notes[1].startswith("0 greedy couplings")
    rows = {row[0]: row for row in found.rows}
    assert float(rows["greedy coupling, above the least"][2]) > 0
    assert float(rows["partition `best`, short of the most"][2]) <= 0.005
    assert rows["partition `paper`, short of the most"][1] == 60


def test_couplings_that_are_too_long_are_counted():
    found = couplings.table(np.array([0.1, 0.6]), 1, {"best": np.array([0.0])})
    assert found.notes[0].startswith("1 of 2")
    assert found.notes[1].startswith("1 greedy")


def test_the_maze_and_its_converse(monkeypatch, tmp_path):
    monkeypatch.setattr(code_maze, "GAMES", 20)
    monkeypatch.setattr(code_maze, "TEMPERATURES", (-4.5,))
    monkeypatch.setattr(code_maze, "SIGNALS", ((1.0, "paper"), (0.25, "uniform")))
    monkeypatch.setattr(code_maze, "ACCURACIES", (0.0, 1.0))
    found = code_maze.study([0], tmp_path, lambda *_: None)
    assert [row[1] for row in found.rows] == [1.0, 0.25]
    assert (tmp_path / "code_maze.png").stat().st_size > 10_000
    options = choose(rules(code_maze.ID), {})
    (_, top), (_, low) = code_maze.converse(options, (0.0, 1.0))
    assert top == pytest.approx(0.334155172, abs=1e-6)
    assert low < top


@pytest.mark.parametrize("messages", [2, 512])
def test_fano(messages):
    assert code_maze.fano(1.0, messages) == pytest.approx(np.log2(messages))
    assert code_maze.fano(1 / messages, messages) == 0
    bits = [code_maze.fano(accuracy, messages) for accuracy in np.linspace(1 / messages, 1, 20)]
    assert (np.diff(bits) > 0).all()


def test_the_frontier_of_the_maze_is_its_study(monkeypatch, tmp_path):
    asked = []

    def ask(name, seeds, folder, tell):
        asked.append((name, seeds, folder))
        raise ValueError("enough")

    monkeypatch.setattr("experiments.studies.run", ask)
    CliRunner().invoke(app, ["frontier", "coding/code_maze-v0", "--seeds", "2", "--out", str(tmp_path)])
    assert asked == [("code_maze", [0, 1], tmp_path)]
