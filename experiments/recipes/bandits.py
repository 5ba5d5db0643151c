"""Recipes of the games of bandits, oracles and subscriptions: small networks."""

from experiments.runs import Recipe

RECIPES: dict[str, Recipe] = {
    "bandit": Recipe(
        "acquisition/bandit-v0",
        {"cashing": True},
        learn="independent",
        total_steps=1_000_000,
        communication={"hidden": [32]},
        training={
            "num_envs_per_env_runner": 512,
            "rollout_fragment_length": 8,
            "entropy_coeff": [[0, 0.05], [0.8, 0.0]],
            "lr": [[0, 5e-3], [1, 1e-3]],
        },
    ),
    "treasure": Recipe(
        "acquisition/treasure-v0",
        {"doors": 4},
        learn="independent",
        total_steps=122_880,
        communication={"hidden": [32]},
        training={
            "num_envs_per_env_runner": 1024,
            "rollout_fragment_length": 4,
            "minibatch_size": 256,
            "entropy_coeff": [[0, 0.1], [0.8, 0.0]],
            "lr": [[0, 5e-3], [1, 1e-3]],
        },
    ),
    # A season's end is so much noise that only the next steps are counted (lambda), or buying at once is all that is learned; but
    # what is bought late pays over all days that are left (gamma).
    "purchase": Recipe(
        "acquisition/purchase-v0",
        {},
        learn="independent",
        total_steps=1_500_000,
        communication={"hidden": [32]},
        training={
            "num_envs_per_env_runner": 512,
            "rollout_fragment_length": 24,
            "minibatch_size": 1024,
            "num_epochs": 4,
            "gamma": 1.0,
            "lambda_": 0.1,
            "entropy_coeff": [[0, 0.1], [0.8, 0.05], [1, 0.0]],
            "lr": [[0, 5e-3], [1, 3e-4]],
        },
    ),
    "linear_bandit": Recipe(
        "acquisition/linear_bandit-v0",
        {},
        learn="marginal",
        total_steps=98_304,
        communication={"hidden": [32]},
        training={
            "num_envs_per_env_runner": 1024,
            "rollout_fragment_length": 3,
            "minibatch_size": 3072,
            "num_epochs": 6,
            "gamma": 1.0,
            "lambda_": 0.95,
            "lr": [[0, 1e-2], [1, 5e-4]],
        },
    ),
}
