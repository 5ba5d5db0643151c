"""Recipes of the referential game."""

from experiments.runs import Recipe

RECIPES: dict[str, Recipe] = {
    # With 64 states the entropies that suit 8 keep the code loose for too long: a quarter of them, faded out later.
    "referential-64": Recipe(
        "messaging/referential-v0",
        {"states": 64},
        total_steps=491_520,
        communication={
            "loss": {"speaker_entropy": 0.05, "listener_entropy": 0.05, "usage": 0.3, "anneal": 0.8, "exchange_from": 0.5}
        },
    ),
}
