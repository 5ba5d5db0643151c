"""Recipes of the tasks whose optimum is known and that the usual ways of `commenv frontier` do not fit."""

from experiments.runs import Recipe

RECIPES: dict[str, Recipe] = {
    "fusion": Recipe(
        "messaging/fusion-v0",
        {},
        learn="marginal",
        total_steps=400_000,
        communication={"marginal_up_to": 243},
        training={
            "rollout_fragment_length": 2,
            "num_envs_per_env_runner": 2048,
            "minibatch_size": 1024,
            "lr": [[0, 3e-3], [1, 1e-4]],
        },
    ),
    "estimation": Recipe(
        "messaging/estimation-v0",
        {"points": 17, "reach": 2.0},  # an act more is one more to try
        learn="marginal",
        total_steps=600_000,
        training={
            "rollout_fragment_length": 2,
            "num_envs_per_env_runner": 2048,
            "minibatch_size": 1024,
            "lr": [[0, 3e-3], [1, 1e-4]],
        },
    ),
    "tracking": Recipe(
        "messaging/tracking-v0",
        {"points": 25, "reach": 3.0},
        learn="marginal",
        total_steps=800_000,
        training={
            "rollout_fragment_length": 8,
            "num_envs_per_env_runner": 512,
            "minibatch_size": 1024,
            "gamma": 0.0,  # who errs least now leaves least to err of later
            "lr": [[0, 3e-3], [1, 1e-4]],
        },
    ),
}
"""By name."""
