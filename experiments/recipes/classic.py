"""Recipes of the field's standard benchmarks."""

from typing import Any

from experiments.runs import Recipe

TALKING: dict[str, Any] = {
    "num_envs_per_env_runner": 256,
    "num_epochs": 3,
    "clip_param": 0.2,
    "grad_clip": 1.0,
    "grad_clip_by": "global_norm",
    "lr": [[0, 2e-3], [0.3, 2e-3], [1, 1e-4]],
    "entropy_coeff": [[0, 0.02], [0.8, 0.0]],
}
"""How teams that talk over a graph learn, where a recipe says nothing else."""

CARS: dict[str, Any] = {
    "graph": "relation",
    "bottleneck": "finite_scalar",
    "loss": {"reward_scale": 0.1, "ends_below": -5.0},
}
"""A crash ends what a car is paid for: it goes on costing as long as both stand there, and braking would look worse."""

HUNTERS: dict[str, Any] = {
    "graph": "relation",
    "bottleneck": "finite_scalar",
    "bits": 8,
    "memory": "heard",
    "identities": True,
    "value": "state",
}
"""Predators: who remembers what it heard need not search where others have been, and by number they part at once."""

HUNTING: dict[str, Any] = {
    **TALKING,
    "num_envs_per_env_runner": 128,
    "rollout_fragment_length": 20,
    "minibatch_size": 32,
    "lr": [[0, 1.5e-3], [0.5, 1.5e-3], [1, 1e-4]],
    "gamma": 0.98,
    "lambda_": 0.9,
}
"""How they learn: what is learned goes with updates, not with games, so that of half the games as many serve better."""

MARGINAL: dict[str, Any] = {
    "rollout_fragment_length": 25,
    "num_epochs": 4,
    "clip_param": 0.2,
    "grad_clip": 0.5,
    "grad_clip_by": "global_norm",
    "lr": [[0, 2e-3], [0.5, 2e-3], [1, 1e-4]],
    "gamma": 0.95,
    "lambda_": 0.95,
}
"""How teams learn that speak over the particles' own channel: a fragment is a whole game."""

RECIPES: dict[str, Recipe] = {
    "traffic_junction-easy": Recipe(
        "classic/traffic_junction-v0",
        {},
        learn="graph",
        total_steps=400_000,
        communication={**CARS, "bits": 4},
        training={**TALKING, "rollout_fragment_length": 20, "minibatch_size": 64, "gamma": 0.98, "lambda_": 0.9},
    ),
    "traffic_junction-medium": Recipe(
        "classic/traffic_junction-v0",
        {"difficulty": "medium"},
        learn="graph",
        total_steps=1_536_000,
        communication={**CARS, "bits": 8},
        training={
            **TALKING,
            "num_envs_per_env_runner": 128,
            "rollout_fragment_length": 20,
            "minibatch_size": 16,
            "lr": [[0, 1e-3], [0.6, 1e-3], [1, 1e-4]],
            "entropy_coeff": [[0, 0.004], [0.3, 0.0]],
            "gamma": 0.97,
            "lambda_": 0.9,
        },
    ),
    "predator_prey-5": Recipe(
        "classic/predator_prey-v0",
        {"size": 5},
        learn="graph",
        total_steps=1_024_000,
        communication=HUNTERS,
        training=HUNTING,
    ),
    "predator_prey-10": Recipe(
        "classic/predator_prey-v0",
        {"size": 10},
        learn="graph",
        total_steps=1_000_000,
        communication=HUNTERS,
        training=HUNTING,
    ),
    "hallway": Recipe(
        "classic/hallway-v0",
        {},
        learn="graph",
        total_steps=204_800,
        communication={"graph": "relation", "bottleneck": "finite_scalar", "bits": 2, "loss": {"reward_scale": 0.1}},
        training={  # with TALKING's rates some teams forget what they can, and never leave again
            **TALKING,
            "rollout_fragment_length": 16,
            "minibatch_size": 64,
            "lr": [[0, 1e-3], [0.3, 1e-3], [1, 1e-4]],
            "entropy_coeff": [[0, 0.1], [0.6, 0.0]],
            "gamma": 0.98,
            "lambda_": 0.9,
        },
    ),
    "predator_capture_prey": Recipe(
        "classic/predator_capture_prey-v0",
        {},
        learn="graph",
        total_steps=400_000,
        communication={"graph": "relation", "bottleneck": "finite_scalar", "bits": 4, "memory": "gru", "identities": True},
        training={**TALKING, "rollout_fragment_length": 20, "minibatch_size": 64, "gamma": 0.98, "lambda_": 0.9},
    ),
    "speaker_listener": Recipe(
        "classic/speaker_listener-v0",
        {},
        learn="marginal",
        total_steps=1_536_000,
        communication={"hidden": [64, 64]},
        training={**MARGINAL, "num_envs_per_env_runner": 512, "minibatch_size": 3200},
    ),
    "reference": Recipe(
        "classic/reference-v0",
        {},
        learn="marginal",
        total_steps=640_000,
        communication={"hidden": [64, 64]},
        training={**MARGINAL, "num_envs_per_env_runner": 256, "minibatch_size": 1600},
    ),
}
