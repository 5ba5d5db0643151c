"""The figures of steering have their regimes, and the table of networks its published rows."""

import pytest

from commenv.solvers.steering import Planner, grid
from experiments.studies import network, steering


def test_regimes_are_drawn():
    found = {"biased": grid(Planner(planner="biased", cost_weight=1, baseline=0.7, tie="planner"), beliefs=101, precisions=21)}
    figure = steering.plot(found)
    assert len(figure.axes) == 2
    assert set(found["biased"].regimes()) <= set(steering.COLOURS)


def test_networks(monkeypatch, tmp_path):
    monkeypatch.setattr(network, "NODES", 60)
    monkeypatch.setattr(network, "RUNS", 20)
    monkeypatch.setattr(network, "GRAPHS", {name: network.GRAPHS[name] for name in ("path", "complete")})
    found = network.study([0], tmp_path, lambda *news: None)
    rows = {(row[0], row[1], row[2]): row for row in found.rows}
    assert rows["complete, 10", "action", 1][3] == pytest.approx(0.79553972, abs=5e-9)
    assert rows["path, 10", "action", 1][3] == pytest.approx(0.7)
    best, greedy = rows["best 4 links, 6", "action", 1], rows["greedy 4 links, 6", "action", 1]
    assert best[3] >= greedy[3] - 1e-12
