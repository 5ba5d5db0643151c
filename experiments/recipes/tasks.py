"""Recipes of the tasks whose optimum is known and that the usual ways of `commenv frontier` do not fit."""

from typing import Any

from experiments.runs import Recipe

TOLD_ONCE: dict[str, Any] = {
    "rollout_fragment_length": 2,
    "num_envs_per_env_runner": 2048,
    "minibatch_size": 1024,
    "lr": [[0, 3e-3], [1, 1e-4]],
}
"""How teams learn that speak in one step and answer in the next: a fragment is a whole game."""

ACTING: dict[str, Any] = {
    "minibatch_size": 1024,
    "num_epochs": 4,
    "clip_param": 0.2,
    "lr": [[0, 3e-3], [0.5, 2e-3], [1, 1e-4]],
    "gamma": 1.0,
    "lambda_": 0.95,
}
"""How agents learn, each by itself, that hear once and then act for long."""

RECIPES: dict[str, Recipe] = {
    "fusion": Recipe(
        "messaging/fusion-v0",
        {},
        learn="marginal",
        total_steps=61_440,
        communication={"marginal_up_to": 243},
        training=TOLD_ONCE,
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
        training=TOLD_ONCE,
    ),
    "perception": Recipe(
        "messaging/perception-v0",
        {},
        learn="marginal",
        total_steps=400_000,
        communication={"marginal_up_to": 81},
        training={**TOLD_ONCE, "lr": [[0, 3e-3], [0.5, 3e-3], [1, 1e-4]]},
    ),
    # With no more messages than sources it happens that one is never called, and stays so. Who is served pays at once, and
    # looking further ahead only blurs that.
    "scheduling": Recipe(
        "messaging/scheduling-v0",
        {"clock": False, "bits": 3},
        learn="independent",
        total_steps=1_000_000,
        communication={"hidden": [32]},
        training={
            "rollout_fragment_length": 32,
            "num_envs_per_env_runner": 256,
            "minibatch_size": 2048,
            "num_epochs": 4,
            "gamma": 0.6,
            "lambda_": 0.5,
            "entropy_coeff": [[0, 0.1], [0.7, 0.0]],
            "lr": [[0, 5e-3], [1, 3e-4]],
        },
    ),
    # Entropies keep numbers far from 0 in play until the sensors tell them apart: with MarginalLoss's own the team stays at .77.
    "estimation": Recipe(
        "messaging/estimation-v0",
        {"points": 17, "reach": 2.0},  # a number more is one more to try
        learn="marginal",
        total_steps=600_000,
        communication={"marginal_up_to": 81, "loss": {"listener_entropy": 0.3, "speaker_entropy": 0.1, "usage": 0.2}},
        training={**TOLD_ONCE, "lr": [[0, 5e-3], [1, 2e-4]]},
    ),
    "tracking": Recipe(
        "messaging/tracking-v0",
        {"points": 25, "reach": 3.0},
        learn="marginal",
        total_steps=500_000,
        communication={"loss": {"listener_entropy": 0.1, "speaker_entropy": 0.05, "usage": 0.1}},
        training={
            "rollout_fragment_length": 32,
            "num_envs_per_env_runner": 128,
            "minibatch_size": 1024,
            "gamma": 0.0,  # who errs least now leaves least to err of later
            "lr": [[0, 3e-3], [1, 1e-4]],
        },
    ),
    "guide": Recipe(
        "messaging/guide-v0",
        {},
        learn="independent",
        total_steps=600_000,
        training={
            **ACTING,
            "rollout_fragment_length": 32,
            "minibatch_size": 512,
            "num_envs_per_env_runner": 256,
            "entropy_coeff": [[0, 0.05], [0.7, 0.0]],
        },
    ),
    "knowledge": Recipe(
        "messaging/knowledge-v0",
        {},
        learn="independent",
        total_steps=200_000,
        training={
            **ACTING,
            "rollout_fragment_length": 12,
            "num_envs_per_env_runner": 512,
            "entropy_coeff": [[0, 0.1], [0.7, 0.0]],
        },
    ),
}
"""By name."""
