"""Recorded recipes: what was trained, with what, for the results in experiments/results. `commenv recipe NAME`."""

from dataclasses import replace
from typing import Any

from commenv.core.errors import bad
from experiments.recipes import classic, questions
from experiments.runs import Recipe

RECIPES: dict[str, Recipe] = {**classic.RECIPES, **questions.RECIPES}
"""By name; each family of games has a file of its own."""


def recipe(
    name: str, seed: int = 0, options: dict[str, Any] | None = None, bits: int | None = None, steps: int | None = None
) -> Recipe:
    """A recorded recipe with another seed, other options, bits a message or steps. Raises ValueError for no such name."""
    if name not in RECIPES:
        raise bad("recipe", name, f"one of {', '.join(RECIPES)}")
    found = replace(RECIPES[name], seed=seed, total_steps=steps or RECIPES[name].total_steps)
    found = found if bits is None else found.at(bits)
    return replace(found, options={**found.options, **(options or {})})
