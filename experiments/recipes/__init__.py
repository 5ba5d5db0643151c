"""Recorded recipes: what was trained, with what, for the results in experiments/results. `commenv recipe NAME`."""

import pkgutil
from dataclasses import replace
from importlib import import_module
from typing import Any

from commenv.core.errors import bad
from experiments.runs import Recipe

RECIPES: dict[str, Recipe] = {
    name: recipe
    for family in pkgutil.iter_modules(__path__)
    for name, recipe in import_module(f"{__name__}.{family.name}").RECIPES.items()
}
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
