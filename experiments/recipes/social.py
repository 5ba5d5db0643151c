"""Recipes of social learning: planners who learn to steer a herd, and herds that learn as a team."""

from typing import Any

from experiments.runs import Recipe

PLANNING: dict[str, Any] = {
    "num_envs_per_env_runner": 1024,
    "rollout_fragment_length": 8,
    "minibatch_size": 4096,
    "num_epochs": 6,
    "clip_param": 0.2,
    "lr": [[0, 3e-3], [0.5, 1e-3], [1, 1e-5]],
    "entropy_coeff": [[0, 0.1], [0.8, 0.0]],
    "gamma": 1.0,
    "lambda_": 0.5,
}
"""How a planner learns. Games end by chance, which is the discount: no other is wanted. Chance is also most of the noise of a
return, and a value of the belief knows its mean: so lambda is small. Neighbouring beliefs look alike and want different
precisions: so there are two layers, and much entropy until the value is known."""

HERDING: dict[str, Any] = {
    **{"num_envs_per_env_runner": 512, "rollout_fragment_length": 8, "minibatch_size": 512, "num_epochs": 4, "clip_param": 0.2},
    **{"lr": [[0, 3e-3], [0.5, 2e-3], [1, 1e-4]], "entropy_coeff": [[0, 0.05], [0.7, 0.0]], "gamma": 1.0, "lambda_": 0.95},
}
"""How a team of eight learns who act in turn: a fragment is a whole game."""

SECOND = 0.6923076923076923
"""Precision of twice the log-likelihood ratio of .6."""


def _planner(steps: int = 700_000, **options: Any) -> Recipe:
    return Recipe(
        "social/steering-v0",
        options,
        learn="independent",
        total_steps=steps,
        communication={"hidden": [64, 64]},
        training=PLANNING,
    )


RECIPES: dict[str, Recipe] = {
    "steering-altruistic-cheap": _planner(cost_weight=0.5),
    "steering-altruistic-dear": _planner(1_200_000, cost_weight=8.0),
    "steering-biased-cheap": _planner(planner="biased", cost_weight=0.2, baseline=SECOND),
    "steering-biased-dear": _planner(planner="biased", cost_weight=2.0, baseline=SECOND),
    "cascade": Recipe("social/cascade-v0", {"reward": "team"}, learn="independent", total_steps=800_000, training=HERDING),
    "network": Recipe("social/network-v0", {}, learn="independent", total_steps=400_000, training=HERDING),
}
"""By name."""
