"""Ways to say something at equal bits: what share of the reachable reward each finds in a referential game, all else equal."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agents.bottlenecks import BOTTLENECKS
from commenv import limits
from experiments.files import Tell, read_json, write_json
from experiments.signalling import GAME, MARGINAL, Setting, train
from experiments.studies import Cell, Study, spread

FLOAT = 32
GAMES = {"64 states": {"states": 64, "updates": 600}, "8 states, ordered": {"states": 8, "reward": "ordered", "updates": 200}}
"""What is played, and for how long."""
RATES = {"64 states": (1, 2, 3, 4, 5, 6), "8 states, ordered": (1, 2)}


def study(seeds: Sequence[int], folder: Path, tell: Tell) -> Study:
    asked = [
        (game, way, bits)
        for game in GAMES
        for way in (MARGINAL, *BOTTLENECKS)
        for bits in ((FLOAT,) if way == "continuous" else RATES[game])
    ]
    cells: dict[tuple[str, str, int], str] = {}
    for k, (game, way, bits) in enumerate(asked):
        tell(k, len(asked), f"{game}, {way}, {bits} bits")
        setting = Setting(way=way, bits=bits, **GAMES[game])  # type: ignore[arg-type]
        cells[game, way, bits] = spread(_efficiencies(setting, seeds, folder / f"bits={bits}" / f"{game}, {way}.json"))
    rates = sorted({bits for _, _, bits in asked})
    rows: list[list[Cell]] = []
    for game in GAMES:
        for way in (MARGINAL, *BOTTLENECKS):
            rows.append([game, way, *(cells.get((game, way, bits)) for bits in rates)])
    return Study(
        "Bottlenecks at equal bits in the referential game",
        ["game", "way", *(f"{bits} bits" for bits in rates)],
        rows,
        [
            "Cells: efficiency, (reward - silent) / (reachable - silent) of the deployed pair, summed over all states: median "
            "over seeds (least to most). `continuous` knows no other rate than that of a float.",
            "`marginal` sums over all messages exactly; the others let a gradient through what they sent (agents/bottlenecks). "
            "Networks, games, reward model and steps are the same for all; `continuous` sends one number, which is counted as 32 "
            "bits. All speak within the step in which they are heard.",
            "Each training has 600 updates of 256 games with 64 states, and 200 with 8. Sampling ways might do better "
            "with settings of their own: none was tuned but `marginal`.",
        ],
    )


def _efficiencies(setting: Setting, seeds: Sequence[int], kept: Path) -> list[float]:
    page: dict[str, Any] | None = read_json(kept, {"setting": dict, "seeds": list, "efficiency": list})
    if page is not None and page["seeds"] == list(seeds) and page["setting"] == asdict(setting):
        return list(page["efficiency"])
    found = train(setting, seeds)
    bound = limits(GAME, states=setting.states, reward=setting.reward, bits=min(setting.bits, 6))
    efficiency = [bound.efficiency(one.reward) for one in found]
    write_json(kept, {"setting": asdict(setting), "seeds": list(seeds), "efficiency": efficiency})
    return [share for share in efficiency if share is not None]
