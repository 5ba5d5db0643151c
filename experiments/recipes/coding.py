"""Recipes of Markov coding games."""

from experiments.runs import Recipe

RECIPES: dict[str, Recipe] = {
    "code_grid": Recipe(
        "coding/code_grid-v0",
        {},
        learn="independent",
        total_steps=1_600_000,
        communication={"hidden": [64], "bits_delivered": 0.5},
        training={
            "num_envs_per_env_runner": 512,
            "rollout_fragment_length": 18,
            "minibatch_size": 1024,
            "num_epochs": 4,
            "clip_param": 0.2,
            "grad_clip": 1.0,
            "lr": [[0, 2e-3], [0.5, 2e-3], [1, 2e-4]],
            "entropy_coeff": [[0, 0.4], [0.8, 0.0]],  # with .05 messages share ways before they are told apart
            "gamma": 1.0,
            "lambda_": 0.95,
        },
    ),
}
