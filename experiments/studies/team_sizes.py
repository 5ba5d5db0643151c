"""Do teams that learned in games of 3 to 5 agents know what to say and what to make of it where there are 2, or 8?

Cars of the easy junction: how many may be on the road at once is drawn for each game of training, and is given in evaluation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from commenv.core import links
from commenv.core.game import choose
from commenv.games import rules
from experiments.files import Tell, read_json, write_json
from experiments.recipes import recipe
from experiments.runs import Recipe, train
from experiments.studies import Cell, Study, spread

GAME = "traffic_junction-easy"
"""A recipe whose agents see the same however many there are."""
TRAINED = (3, 5)
"""Fewest and most agents of a game in training."""
SIZES = (2, 3, 4, 5, 6, 7, 8)
"""Agents of games in evaluation."""
STEPS = 150_000
TEAMS: Mapping[str, str] = {"added up": "relation", "attended to": "tarmac"}
"""By what becomes of messages, of which there are more or fewer than ever before: graphs."""
EVALUATED = 5_000
"""Games of each size that each team plays at the end."""
FIGURES = ("reward", "success", "heard")
FIELDS = {str(size): dict for size in SIZES}


def study(seeds: Sequence[int], folder: Path, tell: Tell) -> Study:
    asked = [(name, seed) for seed in seeds for name in TEAMS]
    found: dict[str, list[dict[str, Any]]] = {}
    for k, (name, seed) in enumerate(asked):

        def told(done: int, total: int, what: str, k: int = k, label: str = f"{name}, seed {seed}") -> None:
            tell(1000 * k + 1000 * done // total, 1000 * len(asked), f"{label}: {what}")

        point = _point(_recipe(name, seed), folder / f"seed={seed}" / name, told)
        found.setdefault(name, []).append(point)
    return Study(
        "Teams that learned in games of some sizes, playing in games of others",
        ["messages are", "cars", "seen in training", "never braking", "reward", "share of the gain", "success", "bits"],
        [_row(name, size, found[name]) for name in TEAMS for size in SIZES],
        [
            "Easy traffic junction, vision 0, maximum add rate; `cars` is the most on the road at once, "
            f"{TRAINED[0]} to {TRAINED[1]} in training, of {STEPS:,} steps. Medians over seeds (least to most) of "
            f"{EVALUATED:,} games of each size. Bits are those heard in a step by all listeners, of messages of 4 bits.",
            "Share of the gain: (reward - never braking) / (never braking, were crashes free - never braking), which no team is "
            "proven to reach.",
        ],
    )


def _recipe(name: str, seed: int) -> Recipe:
    usual = recipe(GAME, seed)
    options = {**usual.options, "cars": TRAINED[1], "sizes": list(TRAINED)}
    said = {**usual.communication, "graph": TEAMS[name]}
    return replace(usual, options=options, communication=said, total_steps=STEPS)


def _point(one: Recipe, place: Path, tell: Tell) -> dict[str, Any]:
    from agents import TalkingTeam, load
    from experiments.evaluation import played

    train(one, place, tell)
    point = read_json(place / "point.json", FIELDS)
    if point is None:
        team, point = load(place), {}
        assert isinstance(team, TalkingTeam)
        for size in SIZES:
            other = team.at(replace(team.options, cars=size, sizes=None))
            figures = played(other, other.options, EVALUATED)
            assert figures.talk is not None
            heard = figures.talk["heard_bits"]
            point[str(size)] = {"reward": figures.reward, "success": figures.success, "heard": heard}
        write_json(place / "point.json", point)
    return point


def _row(name: str, size: int, points: Sequence[Mapping[str, Any]]) -> list[Cell]:
    usual = recipe(GAME)
    limits = links.limits(rules(usual.id), choose(rules(usual.id), {**usual.options, "cars": size}))
    reward, success, heard = ([point[str(size)][figure] for point in points] for figure in FIGURES)
    room = limits.reachable.value - limits.silent.value
    share = [(value - limits.silent.value) / room for value in reward]
    seen = "yes" if TRAINED[0] <= size <= TRAINED[1] else "no"
    figures = [spread(reward), spread(share), spread(success), spread(heard, 2)]
    return [name, size, seen, round(limits.silent.value, 3), *figures]
