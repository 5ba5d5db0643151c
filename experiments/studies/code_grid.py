"""What exact agents of CodeGrid earn and tell, over temperatures and numbers of messages: sums over every way, no samples.

The finite-horizon policy of soft values, coupled greedily with the belief (Sokota et al. 2022, MEME). Seeds play no part.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.exact.coding import CodingTeam, every_way
from commenv.core.game import choose
from commenv.games import rules
from commenv.solvers.soft_value import played
from experiments.files import Tell
from experiments.studies import Cell, Study

ID = "coding/code_grid-v0"
TEMPERATURES = (0.0, 0.1, 0.2, 0.3, 0.5, 1.0)
MESSAGES = (4, 8, 16, 64)


def study(seeds: Sequence[int], folder: Path, tell: Tell) -> Study:
    rows: list[Sequence[Cell]] = []
    for k, temperature in enumerate(TEMPERATURES):
        tell(k, len(TEMPERATURES), f"temperature {temperature:g}")
        found = []
        for messages in MESSAGES:
            options: Any = choose(rules(ID), {"messages": messages})
            team = CodingTeam(ID, options, temperature)
            found.append(every_way(team))
        told = played(options.mdp, team.carrier.table, options.horizon)  # type: ignore[attr-defined]
        accuracies = [f"{accuracy:.6f}" for accuracy, _ in found]
        rows.append([f"{temperature:g}", f"{told.reward:.9f}", f"{told.bits:.6f}", *accuracies, f"{found[-1][1]:.6f}"])
    columns = ["temperature", "return", "bits of the way", *(f"accuracy, {n} messages" for n in MESSAGES), "bits told, of 6"]
    notes = ["The objective, return + zeta times accuracy with zeta = 1, is 2 with 4 and with 8 messages: the ceiling."]
    return Study("CodeGrid: exact agents", columns, rows, notes)
