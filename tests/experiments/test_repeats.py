"""A recipe over seeds does what is missing and nothing else, and says what came of it."""

import shutil
from dataclasses import replace
from pathlib import Path
from unittest.mock import ANY

import pytest
from teams import ID, coded, finished

from experiments import comparisons, repeats
from experiments.files import read_json, write_json
from experiments.recipes import recipe
from experiments.runs import Recipe
from experiments.screen import repeats_table

RECIPE = Recipe(ID, {"bits": 1}, total_steps=4096)


def cells(page):
    """What the table says, row by row."""
    return [list(row) for row in zip(*(column.cells for column in repeats_table("all", page).columns), strict=True)]


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Training takes no time; seed 1 never says anything. The seeds that were trained."""
    done: list[int] = []

    def train(one: Recipe, folder: Path, tell: object) -> dict:
        done.append(one.seed)
        code = [0] * 8 if one.seed == 1 else [min(s, 1) for s in range(8)]
        return finished(coded(code, [0, 1], **one.options), folder, one.seed)

    monkeypatch.setattr(repeats, "train", train)
    return done


def test_only_what_is_missing_is_done(tmp_path, trained):
    told: list[int] = []
    page = repeats.run(RECIPE, [0, 1, 2], tmp_path, finished=lambda point: told.append(point["seed"]))
    assert trained == told == [0, 1, 2]
    assert page == read_json(tmp_path / "results.json")
    assert [point["efficiency"] for point in page["points"]] == [1, 0, 1]
    assert page["summary"]["efficiency"] == {"median": 1, "least": 0, "most": 1}
    assert page["summary"]["success"] is None  # an exact evaluation plays nothing
    assert repeats_table("all", page).row_count == 4
    assert cells(page)[-1] == [
        "median",
        "0.2500",
        "",
        "",
        "1.000",
        "",
        "",
        f"{page['summary']['entropy_bits']['median']:.2f}",
        ANY,
    ]
    assert list(comparisons.teams(tmp_path)) == ["seed=0", "seed=1", "seed=2"]

    del trained[:]
    assert repeats.run(RECIPE, [0, 1, 2], tmp_path) == page
    assert not trained
    shutil.rmtree(tmp_path / "seed=1")
    assert repeats.run(RECIPE, [0, 3], tmp_path)["summary"]["seeds"] == 3
    assert trained == [3]


def test_a_folder_holds_one_recipe(tmp_path, trained):
    repeats.run(RECIPE, [0], tmp_path)
    other = replace(RECIPE, options={"bits": 2})
    with pytest.raises(ValueError, match="choose another --out"):
        repeats.run(other, [0], tmp_path)
    (tmp_path / "results.json").unlink()
    with pytest.raises(ValueError, match="choose another --out"):
        repeats.run(other, [1], tmp_path)
    write_json(tmp_path / "seed=0/point.json", {"seed": 0})
    with pytest.raises(ValueError, match="damaged"):
        repeats.run(RECIPE, [0], tmp_path)


def test_a_commit_is_said_or_not_known(monkeypatch):
    assert repeats.commit()
    monkeypatch.setenv("PATH", "")
    assert repeats.commit() is None


def test_bits_of_a_recipe_are_the_channels_where_the_game_has_it():
    assert recipe("reference", bits=1).options == {"bits": 1}
    assert recipe("predator_prey-5", bits=1).communication["bits"] == 1


def test_what_is_said_over_a_graph_is_told_a_step(tmp_path, trained):
    page = repeats.run(RECIPE, [0, 1], tmp_path)
    for point, sent in zip(page["points"], (2.0, 5.0), strict=True):
        point["talk"], point["entropy_bits"] = {"sent_bits": sent}, 0.0
    assert [row[7] for row in cells(page)] == ["2.00", "5.00", "3.50"]
    assert repeats_table("all", page).columns[7].header == "bits a\nstep"
