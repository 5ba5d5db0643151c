"""The study of what teams learn trains every recipe, keeps what is finished, and tells what falls short."""

from dataclasses import replace

import pytest

from experiments.recipes import bandits
from experiments.studies import bandits_learned


def test_every_recipe_trains_and_is_evaluated(ray_session, monkeypatch, tmp_path):
    """One iteration each: nothing is learned yet, and the study says so."""
    for name, recipe in bandits.RECIPES.items():
        steps = recipe.training["num_envs_per_env_runner"] * recipe.training["rollout_fragment_length"]
        monkeypatch.setitem(bandits.RECIPES, name, replace(recipe, total_steps=steps))
    monkeypatch.setattr(bandits_learned, "GAMES", 2_000)
    monkeypatch.setattr(bandits_learned, "BITS", {name: (1,) for name in bandits.RECIPES})
    found = bandits_learned.study([0], tmp_path)
    assert [row[0] for row in found.rows] == [*bandits.RECIPES, "bandit"]
    rows = {(row[0], row[2]): dict(zip(found.columns, row, strict=True)) for row in found.rows}
    # Cashed or not, a team is held against the same limits: those of the game itself.
    cashed, plain = rows["bandit", "yes"], rows["bandit", "no"]
    assert plain["silent"] == cashed["silent"] == pytest.approx(7.734259259259)
    assert any("falls short" in note for note in found.notes)

    def untrained(*args):
        raise AssertionError("trained again")

    monkeypatch.setattr(bandits_learned, "train", untrained)
    assert bandits_learned.study([0], tmp_path) == found
