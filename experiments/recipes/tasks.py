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
    "majority": Recipe(
        "messaging/graph_function-v0",
        {},
        learn="marginal",
        total_steps=60_000,
        communication={"marginal_up_to": 81},
        training={
            "rollout_fragment_length": 2,
            "num_envs_per_env_runner": 512,
            "minibatch_size": 512,
            "num_epochs": 2,
            "lr": [[0, 3e-3], [1, 1e-4]],
        },
    ),
    "parity": Recipe(
        "messaging/graph_function-v0",
        {"function": "parity", "agents": 3},
        learn="marginal",
        total_steps=160_000,
        training={
            "rollout_fragment_length": 2,
            "num_envs_per_env_runner": 2048,
            "minibatch_size": 1024,
            "lr": [[0, 3e-3], [1, 1e-4]],
        },
    ),
    "perception": Recipe(
        "messaging/perception-v0",
        {},
        learn="marginal",
        total_steps=400_000,
        training={
            "rollout_fragment_length": 2,
            "num_envs_per_env_runner": 2048,
            "minibatch_size": 1024,
            "lr": [[0, 3e-3], [0.5, 3e-3], [1, 1e-4]],
        },
    ),
    "scheduling": Recipe(
        "messaging/scheduling-v0",
        {"clock": False},
        learn="marginal",
        total_steps=800_000,
        communication={"separate": True, "loss": {"listener_entropy": 0.03, "anneal": 0.6}},
        training={
            "rollout_fragment_length": 32,
            "num_envs_per_env_runner": 256,
            "minibatch_size": 2048,
            "num_epochs": 4,
            "lr": [[0, 3e-3], [0.5, 3e-3], [1, 1e-4]],
            "gamma": 0.95,
            "lambda_": 0.9,
        },
    ),
}
"""By name."""
