"""Do languages that are learned of some things carry over to new combinations of their attributes, and do the structured ones?

Teams of messaging/attributes learn on the combinations that are in training, and are then asked for those that were held out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

import commenv
from commenv.core.game import Options, choose
from commenv.games import rules
from experiments.files import Tell, silent
from experiments.runs import Recipe, train
from experiments.studies import Cell, Study, spread

ID = "messaging/attributes-v0"
SMALL, LARGE = {"attributes": 2, "values": 4, "held_out": 4}, {"attributes": 3, "values": 3, "held_out": 6}
SETTINGS: dict[str, dict[str, Any]] = {
    "2 of 4 values, 2 bits": {**SMALL, "bits": 2},
    "2 of 4 values, 4 bits": {**SMALL, "bits": 4},
    "2 of 4 values, words of up to 2 letters": {**SMALL, "channel": {"symbols": 5, "length": 3}},
    "3 of 3 values, 5 bits": {**LARGE, "bits": 5},
    "3 of 3 values, words of up to 3 letters": {**LARGE, "channel": {"symbols": 4, "length": 4}},
}
STEPS: int | None = None
"""Steps of training; None: those of the usual recipe."""


def study(seeds: Sequence[int], folder: Path, tell: Tell = silent) -> Study:
    rows: list[list[Cell]] = []
    for k, (name, given) in enumerate(SETTINGS.items()):
        found = []
        for j, seed in enumerate(seeds):
            one = Recipe(ID, {**given, "things": "training", "split": seed}, seed=seed, total_steps=STEPS)

            def told(done: int, total: int, what: str, at: int = k * len(seeds) + j, label: str = f"{name}, seed {seed}") -> None:
                tell(1000 * at + 1000 * done // total, 1000 * len(SETTINGS) * len(seeds), f"{label}: {what}")

            found.append(_figures(one, folder / f"setting={k}" / f"seed={seed}", told))
        rows.append(_row(name, given, found))
    return Study(
        title="Attributes: what a language says of combinations it was not learned on",
        columns=[
            *("things", "chance", "reachable, all things", "in training", "held out", "topographic similarity"),
            "rank correlation of similarity and held out",
        ],
        rows=rows,
        notes=[
            "Reward is the share of attributes that the message gets right, summed over all things and questions. Topographic "
            "similarity is that of the messages of all things: by edits of words, or whether symbols differ. Median of the seeds "
            "(least-most); each seed holds out other combinations. The last column is Spearman's over seeds, where both vary.",
            "A symbol that names a combination whole has no parts that could carry over: what is right of new combinations is "
            "what the networks made of values they know.",
        ],
    )


def _figures(one: Recipe, place: Path, tell: Tell) -> Mapping[str, float | None]:
    from agents import load
    from experiments.evaluation import enumerated
    from experiments.metrics import communication

    train(one, place, tell)
    team = load(place)
    rewards: dict[str, float] = {}
    for things in ("training", "held_out"):
        found = enumerated(team, _options(one.options, things))
        assert found is not None  # a thing, a question and a message: all can be listed
        rewards[things] = found.reward
    return {**rewards, "similarity": communication(team, _options(one.options, "all"), games=1024)["topographic_similarity"]}


def _options(given: Mapping[str, Any], things: str) -> Options:
    return replace(choose(rules(ID), dict(given)), things=things)


def _row(name: str, given: Mapping[str, Any], found: Sequence[Mapping[str, float | None]]) -> list[Cell]:
    columns = [
        [float("nan") if one[key] is None else float(one[key]) for one in found] for key in ("training", "held_out", "similarity")
    ]
    limits = commenv.limits(ID, **given)
    known = not np.isnan(columns[2]).any()
    varies = known and len(found) > 2 and all(np.ptp(column) > 1e-9 for column in columns[1:])
    together = round(float(spearmanr(columns[1], columns[2]).statistic), 3) if varies else None
    told = [spread(column) for column in columns[:2]] + [spread(columns[2]) if known else None]
    return [name, limits.silent.value, limits.reachable.value, *told, together]
