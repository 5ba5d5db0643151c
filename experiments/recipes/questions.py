"""Recipes of the games of information acquisition in which nobody is strategic."""

from typing import Any

from experiments.runs import Recipe

ASKING: dict[str, Any] = {
    "num_envs_per_env_runner": 512,
    "rollout_fragment_length": 8,
    "minibatch_size": 4096,
    "num_epochs": 6,
    "clip_param": 0.2,
    "grad_clip": 0.5,
    "grad_clip_by": "global_norm",
    "lr": [[0, 5e-3], [0.5, 5e-3], [1, 2e-4]],
    "gamma": 1.0,
    "lambda_": 0.95,
}
"""How teams learn that ask at once and tell each other in the next step."""

RECIPES: dict[str, Recipe] = {
    "twenty_questions": Recipe(
        "acquisition/twenty_questions-v0",
        {"rounds": 6, "failure": 3.0},
        learn="marginal",
        total_steps=250_000,
        communication={"hidden": [64], "separate": True},
        training=ASKING,
    ),
    "box_search": Recipe(
        "acquisition/box_search-v0",
        {"bits": 0},
        learn="marginal",
        total_steps=250_000,
        communication={"hidden": [64], "separate": True},
        training={**ASKING, "rollout_fragment_length": 16},  # a whole search
    ),
    "features": Recipe(
        "acquisition/features-v0",
        {"bits": 1},
        learn="graph",  # over no graph: the game's own channel carries what is said
        total_steps=300_000,
        # One mind for all, so that sensors share a code: each on its own is asked too seldom to find one.
        communication={"graph": "none", "identities": True, "width": 32},
        training={
            "num_envs_per_env_runner": 768,
            "rollout_fragment_length": 10,
            "minibatch_size": 128,
            "num_epochs": 6,
            "clip_param": 0.2,
            "grad_clip": 1.0,
            "grad_clip_by": "global_norm",
            "lr": [[0, 1.5e-2], [0.6, 1.5e-2], [1, 2e-4]],
            # To name at once is safe, and who no longer asks is told nothing; but much entropy keeps weak features from a code.
            "entropy_coeff": [[0, 0.1], [0.2, 0.05], [0.7, 0.03], [0.9, 0.0]],
            "gamma": 1.0,
            "lambda_": 0.95,
        },
    ),
    "experiments": Recipe(
        "acquisition/experiments-v0",
        {},
        learn="marginal",
        total_steps=80_000,
        communication={"hidden": [64], "separate": True},
        training=ASKING,
    ),
}
