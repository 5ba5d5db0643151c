"""Option sets that between them use everything a batch can do, and how tests play and compare games."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

import commenv
from commenv.core.batch import Batch
from commenv.games import CATALOGUE

REFERENTIAL, RING = "messaging/referential-v0", "tests/ring-v0"
SPEAKER_LISTENER, REFERENCE = "classic/speaker_listener-v0", "classic/reference-v0"
RIDDLE, HALLWAY = "classic/switch_riddle-v0", "classic/hallway-v0"
JUNCTION, PREY, CAPTURE = "classic/traffic_junction-v0", "classic/predator_prey-v0", "classic/predator_capture_prey-v0"

NOISES: dict[str, dict] = {
    "noiseless": {},
    "symmetric": {"error": 0.1},
    "erasure": {"erasure": 0.25},
    "symmetric erasure": {"error": 0.1, "erasure": 0.25},
    "silence": {"silence": True},
    "silence, symmetric": {"silence": True, "error": 0.2},
    "silence, symmetric erasure": {"silence": True, "error": 0.1, "erasure": 0.25},
}
"""Fields of a channel, for every kind."""

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
    "prey, two of them": (PREY, {"size": 10, "grid": 3, "predators": 2, "mode": "cooperative", "bits": 1}),
    "capture": (CAPTURE, {}),
    "capture, crowd": (CAPTURE, {"grid": 4, "perceivers": 1, "capturers": 3, "vision": 0, "max_cycles": 30, "bits": 1}),
    "ring": (RING, {"bits": 1, "channel": {"error": 0.2, "erasure": 0.1}}),
    "ring, budget": (RING, {"players": 4, "channel": {"silence": True, "refill": 0.5, "burst": 4, "cap": 9}, "max_cycles": 12}),
}


def register_ring() -> None:
    """Give the ring an id; a test session does so through a fixture, a second process by this."""
    CATALOGUE[RING] = "ring"


def random_actions(batch: Batch, steps: int, seed: int = 0) -> list[dict[str, np.ndarray]]:
    """Actions of all games for so many steps, uniform over each agent's space."""
    rng = np.random.default_rng(seed)
    highest: dict[str, Any] = {name: getattr(s, "nvec", getattr(s, "n", None)) for name, s in batch.action_spaces.items()}
    return [
        {name: rng.integers(high, size=(batch.num_envs, *np.shape(high))) for name, high in highest.items()} for _ in range(steps)
    ]


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
    meters = [(m.offered, m.messages, m.blocked, m.erased, m.altered, m.counts) for m in batch.meter.links.values()]
    return digest(told, meters)
