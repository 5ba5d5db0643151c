"""Switch riddle: what do codes reach that learn from games played at random, one alone and the best of a population?"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.files import Tell, read_json, write_json
from experiments.studies import Cell, Study, spread

RIDDLE = "classic/switch_riddle-v0"
EVALUATED = 200_000
"""Games that each team plays at the end."""
PRISONERS: dict[int, float] = {3: 0.7407407407407407, 4: 0.774754}
"""And the most that is known to be reachable with one bit: the ceiling; the best protocol found (see the game's page)."""
MEMBERS = {3: (1, 64), 4: (64,)}
"""Codes that learn side by side."""
SEEDS = {3: None, 4: 1}
"""Of how many seeds: a population of codes for 4 prisoners takes minutes."""
FIELDS = {"reward": float, "silent": float, "ceiling": float, "steps": int, "seconds": float, "seen": list}


def study(seeds: Sequence[int], folder: Path, tell: Tell) -> Study:
    asked = [(n, members, seed) for n in PRISONERS for members in MEMBERS[n] for seed in seeds[: SEEDS[n]]]
    found: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for k, (n, members, seed) in enumerate(asked):
        tell(k, len(asked), f"{n} prisoners, {members} codes, seed {seed}")
        kept = folder / f"seed={seed}" / f"prisoners={n},members={members}.json"
        point = read_json(kept, FIELDS)
        if point is None:
            point = _point(n, members, seed)
            write_json(kept, point)
        found.setdefault((n, members), []).append(point)
    return Study(
        "Switch riddle, one bit: codes learned off-policy from games played at random",
        [
            "prisoners",
            "codes side by side",
            "seeds",
            "env steps",
            "CPU seconds",
            "value",
            "of the ceiling",
            "of what a bit can buy",
        ],
        [_row(n, members, points) for (n, members), points in found.items()],
        [
            "Each code is a table of what a mover does, given the step, whether it has moved before, and its inbox. Nothing is "
            "read from rules or solvers: 65,536 games played at random say who moves when, and what ending the game earned.",
            f"Values are means over {EVALUATED:,} games of the deployed team; cells are the median over seeds (least to most). "
            "Of what a bit can buy: (value - silent) / (best known - silent); the best known is .7407 for 3 prisoners, the "
            "ceiling, and .774754 for 4.",
            "Of 64 codes, told apart by what they earn in the games that were seen, the best one is deployed; one code alone "
            "often ends in a poor convention.",
            "Foerster, Assael, de Freitas, Whiteson (2016), DIAL, report the ceiling for 3 prisoners.",
        ],
    )


def _point(n: int, members: int, seed: int) -> dict[str, Any]:
    from agents.codes import Learning, train
    from experiments.evaluation import evaluate

    begun = time.process_time()
    team, experience, learned = train(RIDDLE, {"prisoners": n, "max_cycles": 4 * n - 6}, Learning(members=members), seed)
    seconds = round(time.process_time() - begun, 1)
    figures = evaluate(team, games=EVALUATED)
    wanted = {key: figures[key] for key in ("reward", "standard_error", "silent", "ceiling")}
    return {**wanted, "steps": experience.steps, "seconds": seconds, "seen": sorted(learned.values.tolist())}


def _row(n: int, members: int, points: Sequence[dict[str, Any]]) -> list[Cell]:
    rewards, silent, ceiling = [point["reward"] for point in points], points[0]["silent"], points[0]["ceiling"]
    bought = [(reward - silent) / (PRISONERS[n] - silent) for reward in rewards]
    steps = max(point["steps"] for point in points)
    cpu = spread([point["seconds"] for point in points], 1)
    return [
        n,
        members,
        len(points),
        steps,
        cpu,
        spread(rewards, 4),
        spread([reward / ceiling for reward in rewards]),
        spread(bought),
    ]
