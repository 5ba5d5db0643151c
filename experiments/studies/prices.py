"""Prices on bits: a linear price against two ways to hold a target rate, in the referential game with 8 states."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from experiments.files import Tell, read_json, write, write_json
from experiments.signalling import Setting, train
from experiments.studies import Cell, Study, spread

STATES = 8
PRICES = (0.05, 0.2, 0.28, 0.3, 0.4)
TARGETS = (0.564, 1.081, 1.569, 2.02, 2.426)
"""Bits: .02 above the rates of the codes that name 2, 3, 4, 5 and 6 of the states."""
SILENCE = 3.0
KINDS: dict[str, list[dict[str, Any]]] = {
    "linear": [{"price": {"weight": price}} for price in PRICES],
    "hinge": [{"hinge": {"target": target, "weight": 20.0, "silence": SILENCE}} for target in TARGETS],
    "lagrangian": [{"lagrangian": {"target": target, "step": 0.01, "silence": SILENCE}} for target in TARGETS],
}


def study(seeds: Sequence[int], folder: Path, tell: Tell) -> Study:
    asked = [(kind, k) for kind, settings in KINDS.items() for k in range(len(settings))]
    rows: list[list[Cell]] = []
    points: dict[str, list[tuple[float, float]]] = {}
    for done, (kind, k) in enumerate(asked):
        tell(done, len(asked), f"{kind} {k + 1}")
        setting = Setting(states=STATES, bits=3, usage=0.0, price=KINDS[kind][k])
        found = _trained(setting, seeds, folder / f"seed={min(seeds)}-{max(seeds)}" / f"{kind}-{k}.json")
        rates, rewards = [one["entropy_bits"] for one in found], [one["reward"] for one in found]
        points.setdefault(kind, []).extend(zip(rates, rewards, strict=True))
        linear = kind == "linear"
        at, best = (PRICES[k], _linear(PRICES[k])) if linear else (TARGETS[k], _target(TARGETS[k]))
        within = None if linear else sum(rate <= TARGETS[k] + 1e-9 for rate in rates)
        rows.append([kind, at, spread(rates), spread(rewards), best, within])
    _draw(points, folder / "prices.png")
    return Study(
        f"Prices on bits: {STATES} states, a message of up to 3 bits",
        ["price", "a bit costs, or target in bits", "H(M), bits", "reward", "reward of the best code", "seeds within the target"],
        rows,
        [
            "Reward and H(M) of the deployed pair: median over seeds (least to most). Learned with the exact sum over messages; "
            "hinge: weight 20; both targets begin near silence, linear prices do not.",
            "In theory no linear price selects anything between all bits and none: the best code for a price below "
            f"{(1 - 1 / STATES) / 3:.4f} has 3 bits, above it none. Where learning stops on the way is no choice of the price.",
            "Reward of the best code: of those within the target, or for a linear price of those that earn most after paying.",
        ],
    )


def codes() -> list[tuple[float, float]]:
    """(H(M) in bits, reward) of the cheapest code that names m of the states, for every m: one message stands for all others."""
    found = []
    for m in range(1, STATES + 1):
        rest = STATES + 1 - m
        share = [rest / STATES] + [1 / STATES] * (m - 1)
        found.append((-sum(p * math.log2(p) for p in share), m / STATES))
    return found


def _target(target: float) -> float:
    return max(reward for rate, reward in codes() if rate <= target)


def _linear(price: float) -> float:
    return max(codes(), key=lambda code: code[1] - price * code[0])[1]


def _trained(setting: Setting, seeds: Sequence[int], kept: Path) -> list[dict[str, float]]:
    page: dict[str, Any] | None = read_json(kept, {"setting": dict, "seeds": list, "found": list})
    if page is None or page["seeds"] != list(seeds) or page["setting"] != asdict(setting):
        page = {"setting": asdict(setting), "seeds": list(seeds), "found": [asdict(one) for one in train(setting, seeds)]}
        write_json(kept, page)
    return list(page["found"])


def _draw(points: dict[str, list[tuple[float, float]]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    best = codes()
    axes.plot(*zip(*best, strict=True), color="#222222", lw=1.2, marker=".", label="best codes", zorder=1)
    for (kind, found), ink, marker in zip(points.items(), ("#d1603d", "#1f5fa8", "#4d8b3c"), "xo^", strict=True):
        axes.scatter(*zip(*found, strict=True), color=ink, marker=marker, alpha=0.6, label=kind, zorder=2)
    axes.set_xlabel("entropy of the message, bits")
    axes.set_ylabel("reward a game")
    axes.set_title("Every pair that was trained", fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    write(path, lambda aside: figure.savefig(aside, format="png", dpi=200))
