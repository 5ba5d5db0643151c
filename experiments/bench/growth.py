"""What one more agent costs: time per agent-step of games of 2 to 64 agents, with links and without.

Batches are so large that as many agents play at every size: then memory does not grow with the agents, and per-step costs of
Python weigh the same. Without links observations are of fixed size; with them each inbox grows with the team.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from experiments.bench.measure import BenchResult, Contender, Play, Progress, choose, measure_by_game, times
from experiments.bench.simulation import steps

if TYPE_CHECKING:
    from rich.table import Table

AGENTS = (2, 4, 8, 16, 32, 64)
ALTOGETHER = 16_384
"""Agents in all games of a batch."""
GAMES: dict[str, tuple[str, dict[str, Any]]] = {
    "classic/traffic_junction-v0": ("cars", {"difficulty": "hard"}),
    "classic/predator_prey-v0": ("predators", {"size": 10}),
}
"""By id, which option is the number of agents, and the others."""


@dataclass(frozen=True, kw_only=True)
class GrowthResult(BenchResult):
    """A row a team size; `nanoseconds`, by game and links, is the time per agent-step at each of `agents`."""

    agents: Sequence[int] = AGENTS
    nanoseconds: dict[str, list[float]] = field(default_factory=dict)

    def table(self) -> "Table":
        from rich import box
        from rich.table import Table

        title = f"{self.bench}: ns per agent-step, and times that of {self.agents[0]} agents; {self.repetitions} turns"
        table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("agents", justify="right")
        for name in self.nanoseconds:
            heading = name.replace(", ", "\n").replace("_", "\n")
            table.add_column(heading, justify="right", no_wrap=True)
            table.add_column("", justify="right", no_wrap=True)
        for k, agents in enumerate(self.agents):
            cells = [cell for ns in self.nanoseconds.values() for cell in (f"{ns[k]:.1f}", times(ns[k] / ns[0]))]
            table.add_row(str(agents), *cells)
        return table


def run(seconds: float = 1.0, progress: Progress | None = None, *, game: str | None = None) -> GrowthResult:
    """Time per agent-step of traffic_junction (hard) and predator_prey (10x10) with 2 to 64 agents.

    seconds: CPU time for each team size, warm-up aside. game: only this one.
    """
    found = measure_by_game("growth", contenders(game), seconds, progress)
    nanoseconds: dict[str, list[float]] = {}
    for row in found.rows:
        assert row.env_steps_per_second
        ours = nanoseconds.setdefault(f"{row.game.split('/')[-1].removesuffix('-v0')}, {row.name}", [])
        ours.append(1e9 / row.env_steps_per_second.median / (ALTOGETHER // row.batch))
    return GrowthResult(
        bench=found.bench,
        rows=found.rows,
        seconds=seconds,
        repetitions=found.repetitions,
        interrupted=found.interrupted,
        nanoseconds=nanoseconds,
    )


def contenders(game: str | None = None) -> list[Contender]:
    return [
        Contender(
            game=id,
            name="links" if bits else "no links",
            batch=ALTOGETHER // agents,
            batched=True,
            prepare=partial(team, id, agents, bits),
            note=f"{agents} agents",
        )
        for id in choose(game, GAMES)
        for bits in (0, 2)
        for agents in AGENTS
    ]


def team(id: str, agents: int, bits: int) -> Play:
    import commenv

    option, others = GAMES[id]
    return steps(commenv.make_batch(id, ALTOGETHER // agents, 0, copy=False, bits=bits, **{option: agents}, **others))
