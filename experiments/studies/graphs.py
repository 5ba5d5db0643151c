"""Who should hear whom: CommFormer's learned graph beside everybody, a random graph as sparse, and nobody, at equal bits."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from experiments.files import Tell, read_json, write_json
from experiments.recipes import recipe
from experiments.runs import Recipe, train
from experiments.studies import Cell, Study, spread

EVALUATED = 20_000
"""Games that each team plays at the end."""
GAMES = ("predator_capture_prey", "traffic_junction-easy")
"""Recipes, in which the graph alone is changed. Of 3 and of 5 agents, CommFormer's usual sparsity lets each hear half of them."""
FIGURES = ("reward", "steps", "heard_bits")
FIELDS = {**dict.fromkeys(FIGURES, int | float), "success": int | float | None}


def study(seeds: Sequence[int], folder: Path, tell: Tell) -> Study:
    asked = [(game, graph, seed) for seed in seeds for game in GAMES for graph in graphs(0)]
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for k, (game, graph, seed) in enumerate(asked):

        def told(done: int, total: int, what: str, k: int = k, name: str = f"{game}, {graph}, seed {seed}") -> None:
            tell(1000 * k + 1000 * done // total, 1000 * len(asked), f"{name}: {what}")

        point = _point(_recipe(game, graph, seed), folder / f"seed={seed}" / f"{game}, {graph}", told)
        found.setdefault((game, graph), []).append(point)
    rows: list[list[Cell]] = []
    for game in GAMES:
        for graph in graphs(0):
            points = found[game, graph]
            success = [point["success"] for point in points]
            cells = [spread([point[name] for point in points]) for name in FIGURES]
            rows.append([game, graph, cells[0], None if None in success else spread(success), *cells[1:]])
    return Study(
        "Graphs at equal bits a message",
        ["game", "graph", "reward", "success", "steps", "bits heard a step, all listeners"],
        rows,
        [
            f"Medians over seeds (least to most), of {EVALUATED:,} games each. Every message has 4 bits, in finite scalar "
            "quantisation; training is the recipe's, the same for all graphs.",
            "CommFormer (Hu et al. 2024) without its temporal gate; the random graph is Erdos-Renyi with p = .5, another for "
            "each seed; both have half of the links of the full one, the random one on average. CommFormer weighs what it hears "
            "by attention, the others take its mean.",
            "On the junction the easy map stands for the medium one, which takes hours on two cores.",
        ],
    )


def graphs(seed: int) -> dict[str, dict[str, Any]]:
    """By name, what is said of the graph to a team."""
    return {
        "commformer": {"graph": "commformer", "graph_options": {"gate": False}},
        "full": {"graph": "full"},
        "random": {"graph": "erdos-renyi", "graph_options": {"p": 0.5, "seed": seed}},
        "none": {"graph": "none"},
    }


def _recipe(game: str, graph: str, seed: int) -> Recipe:
    usual = recipe(game, seed)
    return replace(usual, communication={**usual.communication, **graphs(seed)[graph]})


def _point(one: Recipe, place: Path, tell: Tell) -> dict[str, Any]:
    from agents import load
    from experiments.evaluation import evaluate

    train(one, place, tell)
    point = read_json(place / "point.json", FIELDS)
    if point is None:
        figures = evaluate(load(place), games=EVALUATED)
        point = {name: figures[name] for name in ("reward", "success", "steps")}
        point["heard_bits"] = figures["talk"]["heard_bits"]
        write_json(place / "point.json", point)
    return point
