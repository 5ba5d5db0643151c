"""The games, by family. A game is one module: its rules, its page (the docstring) and its limits; core/game.py says how."""

from importlib import import_module
from typing import cast

from commenv.core.game import Rules

CATALOGUE = {
    "messaging/referential-v0": "commenv.games.messaging.referential",
    "messaging/knowledge-v0": "commenv.games.messaging.knowledge",
    "acquisition/hiring-v0": "commenv.games.acquisition.hiring",
    "acquisition/senders-v0": "commenv.games.acquisition.senders",
    "messaging/attributes-v0": "commenv.games.messaging.attributes",
    "messaging/function-v0": "commenv.games.messaging.function",
    "messaging/guide-v0": "commenv.games.messaging.guide",
    "messaging/fusion-v0": "commenv.games.messaging.fusion",
    "messaging/estimation-v0": "commenv.games.messaging.estimation",
    "messaging/tracking-v0": "commenv.games.messaging.tracking",
    "classic/speaker_listener-v0": "commenv.games.classic.speaker_listener",
    "classic/reference-v0": "commenv.games.classic.reference",
    "classic/switch_riddle-v0": "commenv.games.classic.switch_riddle",
    "classic/hallway-v0": "commenv.games.classic.hallway",
    "classic/traffic_junction-v0": "commenv.games.classic.traffic_junction",
    "classic/predator_prey-v0": "commenv.games.classic.predator_prey",
    "classic/predator_capture_prey-v0": "commenv.games.classic.predator_capture_prey",
    "social/cascade-v0": "commenv.games.social.cascade",
    "social/steering-v0": "commenv.games.social.steering",
    "social/network-v0": "commenv.games.social.network",
    "acquisition/bandit-v0": "commenv.games.acquisition.bandit",
    "acquisition/treasure-v0": "commenv.games.acquisition.treasure",
    "acquisition/purchase-v0": "commenv.games.acquisition.purchase",
    "acquisition/linear_bandit-v0": "commenv.games.acquisition.linear_bandit",
    "coding/code_grid-v0": "commenv.games.coding.code_grid",
    "coding/code_maze-v0": "commenv.games.coding.code_maze",
    "coding/code_cart-v0": "commenv.games.coding.code_cart",
    "coding/mdp-v0": "commenv.games.coding.mdp",
    "acquisition/twenty_questions-v0": "commenv.games.acquisition.twenty_questions",
    "acquisition/box_search-v0": "commenv.games.acquisition.box_search",
    "acquisition/features-v0": "commenv.games.acquisition.features",
    "acquisition/experiments-v0": "commenv.games.acquisition.experiments",
}
"""Module of every id. The number in an id changes only when behaviour does."""


def rules(id: str) -> Rules:
    """The module of a game. Raises ValueError for an unknown id."""
    if not isinstance(id, str) or id not in CATALOGUE:
        raise ValueError(f"unknown id {id!r}; there are {', '.join(CATALOGUE)}")
    return cast(Rules, import_module(CATALOGUE[id]))
