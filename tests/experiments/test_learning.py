"""Learning curves: means of what is known, whatever is missing from the logs."""

import json

import pytest

from experiments import learning


def logged(folder, seed, rows):
    place = folder / f"seed={seed}"
    place.mkdir()
    lines = [{"iteration": k + 1, "games": 1, "steps": 20 * (k + 1), **row} for k, row in enumerate(rows)]
    (place / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return lines


def test_a_curve_is_of_means_of_what_is_known(tmp_path):
    lines = logged(tmp_path, 0, [{"success": None if k % 2 else k / 200} for k in range(200)])
    steps, values = learning.curve(lines, "success")
    assert len(steps) == learning.PLACES
    assert steps[:2] == [20 * 3, 20 * 7]  # two that are known a point
    assert values[:2] == [pytest.approx(0.005), pytest.approx(0.025)]


def test_the_first_measure_that_is_known_is_drawn(tmp_path):
    logged(tmp_path, 0, [{"success": float("nan"), "reward": -1.0}, {"success": None, "reward": 1.0}])
    logged(tmp_path, 1, [{"reward": None}])
    (picture,) = learning.draw(tmp_path, "game")
    assert picture.read_bytes()[1:4] == b"PNG"
    figure = learning.plot({"seed=0": ([20, 40], [-1.0, 1.0])}, "reward", "game")
    (line,) = figure.axes[0].lines
    assert (list(line.get_xdata()), list(line.get_ydata())) == ([20, 40], [-1, 1])


def test_without_logs_there_is_no_picture(tmp_path):
    assert learning.draw(tmp_path, "game") == []
    assert not (tmp_path / "learning.png").exists()
