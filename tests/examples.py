"""Option sets that between them use everything a batch can do, and how tests play and compare games."""

import hashlib
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Tuple

import commenv
from commenv.core.batch import Batch
from commenv.games import CATALOGUE

REFERENTIAL, RING = "messaging/referential-v0", "tests/ring-v0"
KNOWLEDGE = "messaging/knowledge-v0"
CASCADE, STEERING, NETWORK = "social/cascade-v0", "social/steering-v0", "social/network-v0"
ATTRIBUTES, FUNCTION, GUIDE = "messaging/attributes-v0", "messaging/function-v0", "messaging/guide-v0"
FUSION, ESTIMATION = "messaging/fusion-v0", "messaging/estimation-v0"
TRACKING = "messaging/tracking-v0"
SPEAKER_LISTENER, REFERENCE = "classic/speaker_listener-v0", "classic/reference-v0"
HIRING, SENDERS = "acquisition/hiring-v0", "acquisition/senders-v0"
RIDDLE, HALLWAY = "classic/switch_riddle-v0", "classic/hallway-v0"
JUNCTION, PREY, CAPTURE = "classic/traffic_junction-v0", "classic/predator_prey-v0", "classic/predator_capture_prey-v0"
CART, GRID, MAZE, MDP = "coding/code_cart-v0", "coding/code_grid-v0", "coding/code_maze-v0", "coding/mdp-v0"

SCOUT, TREASURE = "acquisition/bandit-v0", "acquisition/treasure-v0"
PURCHASE, LINEAR = "acquisition/purchase-v0", "acquisition/linear_bandit-v0"

QUESTIONS, BOXES = "acquisition/twenty_questions-v0", "acquisition/box_search-v0"
FEATURES, EXPERIMENTS = "acquisition/features-v0", "acquisition/experiments-v0"

NOISES: dict[str, dict] = {
    "noiseless": {},
    "symmetric": {"error": 0.1},
    "erasure": {"erasure": 0.25},
    "symmetric erasure": {"error": 0.1, "erasure": 0.25},
    "silence": {"silence": True},
    "silence, symmetric": {"silence": True, "error": 0.2},
    "silence, symmetric erasure": {"silence": True, "error": 0.1, "erasure": 0.25},
    "drop": {"drop": 0.3},
    "silence, everything": {"silence": True, "drop": 0.2, "error": 0.3, "erasure": 0.1},
}
"""Fields of a channel without memory, for every kind; alphabets of any size."""

BITWISE: dict[str, dict] = {
    "flip": {"flip": 0.2},
    "fade": {"fade": 0.3},
    "silence, fade": {"silence": True, "fade": 0.4},
    "all bitwise": {"silence": True, "drop": 0.1, "erasure": 0.15, "error": 0.2, "flip": 0.25, "fade": 0.3},
    "certain": {"flip": 1.0},
}
"""Likewise, for alphabets of 2**b messages."""

BURSTS = {"to_bad": 0.1, "to_good": 0.3, "error": 0.5, "erasure": 0.25}
LINKS: dict[str, dict] = {
    "bursts": {"bursts": BURSTS, "error": 0.05},
    "fixed delay": {"delay": 2},
    "random delay": {"delay": (0, 3), "drop": 0.1},
    "short queue": {"delay": (1, 4), "queue": 1, "silence": True},
    "winners": {"winners": 1, "silence": True, "error": 0.1},
    "loud winners": {"winners": 2},
    "collisions": {"winners": 1, "collisions": True, "silence": True},
    "everything": {
        **{"silence": True, "silence_price": 0.25, "refill": 1.0, "burst": 3.0, "cap": 20.0, "drop": 0.1, "error": 0.1},
        **{"winners": 2, "delay": (0, 2), "queue": 1, "bursts": BURSTS, "flip": 0.1, "fade": 0.1},
    },
}
"""Fields of a channel with a memory or a shared medium."""

FLOATS: dict[str, dict] = {
    "floats": {"floats": 2},
    "floats, gaussian": {"floats": 3, "gaussian": 0.5, "erasure": 0.2},
    "floats, silence": {"floats": 2, "silence": True, "cap": 9, "error": 0.2, "flip": 0.1, "drop": 0.1},
    "floats, own links": {
        **{
            "floats": 2,
            "silence": True,
            "gaussian": 0.1,
            "flip": 0.1,
            "fade": 0.1,
            "bursts": BURSTS,
            "winners": 2,
            "delay": (0, 1),
        },
        **{"rates": [(0, 1, 1)], "corrupt": [(1, 2, 0.5), (2, 0, 0.25, 3)], "eavesdrop": [(0, 1, 2)]},
    },
    "long floats": {"floats": 31, "error": 0.2, "flip": 0.1, "fade": 0.1, "corrupt": [(1, 2, 0.5)], "rates": [(0, 1, 1)]},
    "floats, late": {"floats": 2, "gaussian": 0.1, "delay": (0, 2), "winners": 2, "eavesdrop": [(0, 1, 2)]},
}
"""Fields of a channel for numbers."""

OWN_LINKS = {
    "rates": [("player_0", "player_1", 1)],
    "corrupt": [("player_1", "player_2", 0.5), ("player_2", "player_0", 0.25, 3)],
    "eavesdrop": [("player_0", "player_1", "player_2"), (1, 2, 0)],
}
"""What a channel can say of the links of a ring of three."""

OPTION_SETS: dict[str, tuple[str, dict]] = {
    "default": (REFERENTIAL, {}),
    "rounds": (REFERENTIAL, {"rounds": 5, "bits": 3, "channel": {"error": 0.2}}),
    "candidates": (REFERENTIAL, {"states": 6, "candidates": 3, "rounds": 2, "channel": {"erasure": 0.3}}),
    "bucket": (REFERENTIAL, {"rounds": 4, "channel": {"symbols": 3, "silence": True, "refill": 0.3, "error": 0.1}}),
    "cap, cut short": (REFERENTIAL, {"rounds": 9, "max_cycles": 7, "channel": {"silence": True, "cap": 4}}),
    "table": (REFERENTIAL, {"states": 3, "prior": [0.5, 0.3, 0.2], "reward": [[1, 0.5], [0, 2], [-1, 3]], "bits": 1}),
    "mute": (REFERENTIAL, {"bits": 0}),
    "speaker and listener": (SPEAKER_LISTENER, {}),
    "reference, noise": (REFERENCE, {"bits": 2, "channel": {"error": 0.2, "silence": True}, "max_cycles": 9, "local_ratio": 0.3}),
    "riddle": (RIDDLE, {}),
    "riddle, id and clock": (RIDDLE, {"prisoners": 4, "numbered": True, "clock": True, "channel": {"erasure": 0.3}}),
    "hallway": (HALLWAY, {}),
    "hallway, short": (HALLWAY, {"lengths": (3, 1), "horizon": 4, "channel": {"symbols": 3, "error": 0.2}}),
    "junction": (JUNCTION, {}),
    "junction, same step": (
        JUNCTION,
        {
            "difficulty": "medium",
            "vision": 1,
            "cars": 4,
            "same_step": True,
            "max_cycles": 31,
            "channel": {"error": 0.2, "cap": 9, "silence": True},
        },
    ),
    "junction, no links": (JUNCTION, {"difficulty": "hard", "bits": 0, "cars": 6, "add_rate": 0.2, "max_cycles": 30}),
    "prey": (PREY, {}),
    "prey, competitive": (PREY, {"grid": 4, "vision": 1, "mode": "competitive", "max_cycles": 9, "channel": {"erasure": 0.3}}),
    "prey, of varying number": (PREY, {"grid": 4, "predators": 4, "sizes": [1, 3], "max_cycles": 9, "bits": 1}),
    "junction, of varying number": (JUNCTION, {"sizes": [1, 4], "max_cycles": 12}),
    "prey, two of them": (PREY, {"size": 10, "grid": 3, "predators": 2, "mode": "cooperative", "bits": 1}),
    "capture": (CAPTURE, {}),
    "capture, crowd": (CAPTURE, {"grid": 4, "perceivers": 1, "capturers": 3, "vision": 0, "max_cycles": 30, "bits": 1}),
    "hiring": (HIRING, {}),
    "hiring, fewer messages than signals": (
        HIRING,
        {
            "bits": 1,
            "prior": [0.5, 0.5],
            "costs": [[0, 0.01], [0.02]],
            "kernel": [[[[[0.5], [0.5], [0.0]]] * 2], [[[[0.7], [0.2], [0.1]], [[0.1], [0.2], [0.7]]]]],
            "utility": [[1, 0], [0, 1], [0.6, 0.6]],
            "mechanism": "deterministic",
        },
    ),
    "hiring, noise": (HIRING, {"bits": 2, "margin": 0.01, "channel": {"error": 0.2, "erasure": 0.1, "drop": 0.1}}),
    "senders": (SENDERS, {}),
    "senders, cheap talk": (SENDERS, {"commitment": "none", "bias": 0.5, "channel": {"symbols": 3, "silence": True, "cap": 1}}),
    "capture, short of reach": (CAPTURE, {"reach": 1.5, "max_cycles": 9, "channel": {"erasure": 0.3}}),
    "scout": (SCOUT, {}),
    "scout, cashed": (SCOUT, {"arms": 3, "pulls": 3, "stake": 5, "priors": [[1, 2], [2, 1], [0.5, 0.5]], "cashing": True}),
    "treasure": (TREASURE, {}),
    "treasure, more answers": (TREASURE, {"doors": 5, "answers": 3, "questions": 4, "bits": 1, "channel": {"erasure": 0.2}}),
    "purchase": (PURCHASE, {}),
    "purchase, short": (PURCHASE, {"states": 3, "season": [0.2, 0.8], "bits": 1, "channel": {"error": 0.2}, "max_cycles": 5}),
    "linear bandit": (LINEAR, {}),
    "linear bandit, server": (LINEAR, {"agents": 3, "dimension": 4, "rounds": 3, "server": True, "bits": 2}),
    "linear bandit, star": (LINEAR, {"agents": 3, "rounds": 4, "channel": {"topology": "star", "erasure": 0.1}}),
    "grid": (GRID, {}),
    "grid, parts and noise": (GRID, {"size": 3, "messages": 3, "parts": 4, "noise": 0.3, "history": 2, "horizon": 5}),
    "maze": (MAZE, {"horizon": 12, "messages": 8, "bits": 3}),
    "maze, told once": (MAZE, {"horizon": 12, "rate_limit": "total", "bits": 2, "channel": {"erasure": 0.2}, "max_cycles": 9}),
    "cart": (CART, {"noise": 0.25, "messages": 4, "parts": 3}),
    "cart, with a source": (CART, {"messages": 8, "parts": 2, "rate_limit": "per_step", "bits": 3, "horizon": 9}),
    "mdp": (MDP, {"prior": [0.7, 0.3], "zeta": 2.0}),
    "twenty questions": (QUESTIONS, {}),
    "twenty questions, tree, noise, one answer": (
        QUESTIONS,
        {"hypotheses": 4, "queries": "tree", "searchers": 3, "answers": 1, "price": 0.2, "noise": 0.1, "rounds": 3, "bits": 2},
    ),
    "twenty questions, masks": (QUESTIONS, {"hypotheses": 3, "queries": [1, 6, 3], "max_cycles": 5, "channel": {"erasure": 0.3}}),
    "box search": (BOXES, {}),
    "box search, missed": (BOXES, {"prior": [0.5, 0.3, 0.2], "searchers": 3, "detect": 0.4, "rounds": 5, "bits": 0}),
    "features": (FEATURES, {}),
    "features, table": (
        FEATURES,
        {
            "joint": [[[0.2, 0.05, 0.1], [0.05, 0.05, 0.05]], [[0.05, 0.1, 0.05], [0.1, 0.1, 0.1]]],
            "costs": [1, 0.5],
            "owners": [0, 0],
            "price": 0.1,
            "channel": {"error": 0.2},
        },
    ),
    "experiments": (EXPERIMENTS, {}),
    "experiments, discounting": (
        EXPERIMENTS,
        {"model": "discounting", "points": 3, "experimenters": 3, "rounds": 3, "channel": {"winners": 1, "silence": True}},
    ),
    "ring": (RING, {"bits": 1, "channel": {"error": 0.2, "erasure": 0.1}}),
    "knowledge": (KNOWLEDGE, {}),
    "knowledge, driving": (KNOWLEDGE, {"instance": "driving", "bits": 2, "channel": {"error": 0.2, "drop": 0.2}}),
    "knowledge, late": (KNOWLEDGE, {"safe": 0.85, "channel": {"delay": (0, 2), "erasure": 0.2}}),
    "cascade": (CASCADE, {}),
    "cascade, team": (CASCADE, {"agents": 3, "precision": 0.8, "prior": 0.3, "reward": "team"}),
    "steering": (STEERING, {}),
    "steering, learned crowd": (
        STEERING,
        {"planner": "biased", "crowd": "learned", "lying": True, "spacing": "even", "levels": 3},
    ),
    "steering, odd crowd": (STEERING, {"weighting": 0.6, "inertia": 0.3, "public": False, "draws": 2, "prior": 0.3}),
    "network": (NETWORK, {}),
    "network, grid": (NETWORK, {"agents": 5, "graph": "grid", "bits": 2, "channel": {"error": 0.1, "erasure": 0.1}}),
    "network, own edges": (NETWORK, {"agents": 4, "graph": [(0, 2), (3, 1)], "reward": "own", "channel": {"delay": (0, 2)}}),
    "attributes": (ATTRIBUTES, {}),
    "attributes, held out": (ATTRIBUTES, {"attributes": 3, "values": 2, "held_out": 2, "things": "held_out", "bits": 3}),
    "function": (FUNCTION, {"channel": {"error": 0.2, "drop": 0.1}}),
    "function, gcd": (FUNCTION, {"function": "gcd", "size": 5, "channel": {"delay": (0, 2), "silence": True}}),
    "guide": (GUIDE, {}),
    "guide, line": (GUIDE, {"world": "line", "bits": 1, "channel": {"erasure": 0.3}}),
    "guide, maze": (GUIDE, {"world": "maze", "channel": {"delay": (0, 2), "silence": True}, "max_cycles": 20}),
    "fusion": (FUSION, {}),
    "fusion, noise": (FUSION, {"sensors": 3, "sigma": 2.0, "bits": 2, "channel": {"error": 0.1, "drop": 0.2, "delay": (0, 1)}}),
    "estimation": (ESTIMATION, {}),
    "estimation, noise": (
        ESTIMATION,
        {"sensors": 3, "sigma": 1.0, "bits": 1, "points": 9, "channel": {"error": 0.1, "drop": 0.2}},
    ),
    "tracking": (TRACKING, {}),
    "tracking, unstable": (TRACKING, {"gain": 2.0, "steps": 5, "bits": 3, "channel": {"erasure": 0.1}, "max_cycles": 7}),
    "bitwise": (REFERENTIAL, {"rounds": 3, "channel": BITWISE["all bitwise"]}),
    "words": (REFERENTIAL, {"rounds": 3, "channel": {"length": 3, "symbols": 3, "silence": True, "cap": 9, "error": 0.1}}),
    "late": (REFERENTIAL, {"rounds": 6, "channel": {"delay": (0, 5), "queue": 2, "erasure": 0.2}}),
    "ring, own links": (RING, {"bits": 2, "channel": {**OWN_LINKS, "error": 0.1}}),
    "ring, own links and everything": (RING, {"bits": 2, "channel": {**OWN_LINKS, **LINKS["everything"]}}),
    **{f"ring, {name}": (RING, {"bits": 2, "channel": fields}) for name, fields in LINKS.items()},
    **{f"ring, {name}": (RING, {"bits": 2, "channel": fields}) for name, fields in FLOATS.items()},
    "referential, floats": (REFERENTIAL, {"rounds": 2, "channel": {"floats": 2, "bits": 2, "gaussian": 0.2}}),
    "ring, budget": (RING, {"players": 4, "channel": {"silence": True, "refill": 0.5, "burst": 4, "cap": 9}, "max_cycles": 12}),
}


def register_ring() -> None:
    """Give the ring an id; a test session does so through a fixture, a second process by this."""
    CATALOGUE[RING] = "ring"


def random_actions(batch: Batch, steps: int, seed: int = 0) -> list[dict[str, np.ndarray]]:
    """Actions of all games for so many steps, uniform over each agent's space."""
    rng = np.random.default_rng(seed)

    def drawn(space: Any) -> Any:
        if isinstance(space, Tuple):
            return tuple(drawn(part) for part in space)
        if isinstance(space, Box):
            return rng.uniform(-1, 1, (batch.num_envs, *space.shape)).astype(np.float32)
        high = getattr(space, "nvec", getattr(space, "n", None))
        return rng.integers(high, size=(batch.num_envs, *np.shape(high)))

    return [{name: drawn(space) for name, space in batch.action_spaces.items()} for _ in range(steps)]


def heard(inbox: np.ndarray) -> np.ndarray:
    """Which column of a channel's matrix each row of an inbox of one link is: M an erasure, M + 1 nothing."""
    return np.where(inbox.any(axis=1), inbox.argmax(axis=1), inbox.shape[1])


def one(action: Any, i: int = 0) -> Any:
    """An agent's action in game i, as one game takes it."""
    return tuple(part[i] for part in action) if isinstance(action, tuple) else action[i]


def only(step: Any, i: int) -> Any:
    """What a step tells of game i alone."""
    if isinstance(step, tuple):
        return tuple(only(part, i) for part in step)
    if isinstance(step, dict):
        ended = "_final_obs" in step and step["_final_obs"][i]
        return {name: only(part, i) for name, part in step.items() if ended or not name.lstrip("_").startswith("final")}
    return step[i : i + 1]


def digest(*parts: Any) -> str:
    """One number for nested dictionaries and tuples of arrays: equal only if they are equal bit for bit."""

    def flat(part: Any) -> Iterator[bytes]:
        if isinstance(part, dict):
            for name in sorted(part):
                yield str(name).encode()
                yield from flat(part[name])
        elif isinstance(part, tuple | list):
            for each in part:
                yield from flat(each)
        else:
            array = np.asarray(part)
            yield f"{array.dtype}{array.shape}".encode() + array.tobytes()

    return hashlib.sha256(b"|".join(flat(parts))).hexdigest()


def trajectory(batch: Batch, actions: list[dict[str, np.ndarray]]) -> list:
    """Everything that a batch says from `reset` on."""
    return [batch.reset(), *(batch.step(action) for action in actions)]


def fingerprint(name: str, threads: int = 1, num_envs: int = 5, steps: int = 40) -> str:
    """Digest of a batch's whole trajectory and of its meter."""
    id, options = OPTION_SETS[name]
    batch = commenv.make_batch(id, num_envs, seed=11, threads=threads, **options)
    told = trajectory(batch, random_actions(batch, steps))
    meters = [[getattr(m, f.name) for f in fields(m) if f.name != "uses"] for m in batch.meter.links.values()]
    return digest(told, meters)
