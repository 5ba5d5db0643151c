"""Time until a team has learned: CPU seconds to efficiency .95 on the referential game, ours beside what else one would take.

Every contender learns the same game of 8 states with updates of as many games, and networks of one hidden layer of 64. The clock
counts training alone, of one thread on one core: building is not timed, nor an update beforehand that has everything compiled and
imported, nor looking at how far a team has come, which is exact (all 8 states are tried). A run that has not arrived when its
time is over is shown as one that has not.
"""

import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

import commenv
from commenv.core.errors import number, whole
from experiments.bench.measure import Progress, installed, one_core, processor, times

if TYPE_CHECKING:
    from rich.table import Table

ID = "messaging/referential-v0"
STATES = 8
RATES = (2, 3)
"""Bits a message."""
ARRIVED = 0.95
"""Efficiency, from silence (0) to the best team at that rate (1)."""
STEPS = 4_096
"""Environment steps of an update: 2,048 games."""
OURS = "commenv"


class Learner(Protocol):
    """A team that learns."""

    def train(self) -> None:
        """One update."""

    def code(self) -> tuple[np.ndarray, np.ndarray]:
        """What it does, greedily: the message of each state [8], the action after each message [2**bits]."""
        ...

    def stop(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Contender:
    name: str
    make: Callable[[int, int], Learner]
    """Of bits and seed. Raises ImportError where a package is missing."""
    package: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One team that learned."""

    seed: int
    seconds: float | None
    """CPU time to arrive; None: it did not."""
    spent: float
    """CPU time of the run."""
    updates: int
    efficiency: float
    """The best it has had."""


@dataclass(frozen=True, kw_only=True)
class Row:
    name: str
    bits: int
    runs: list[Run]
    version: str | None
    note: str

    @property
    def median(self) -> float | None:
        """Seconds in the median of the seeds; None where so many did not arrive that it is beyond the bound."""
        found = sorted(run.seconds if run.seconds is not None else np.inf for run in self.runs)
        middle = statistics.median(found) if found else np.inf
        return float(middle) if np.isfinite(middle) else None


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """What the bench found; `as_dict` is for files, `table` for a terminal."""

    bench: str
    rows: list[Row]
    bound: float
    """CPU seconds that a run had at most."""
    interrupted: bool
    machine: dict[str, str] = field(default_factory=lambda: {"python": platform.python_version(), "processor": processor()})

    def ratio(self, row: Row) -> tuple[float, bool] | None:
        """How many times as long as ours in the median, and whether that is exact; else it is at least so many times."""
        ours = next((other.median for other in self.rows if other.name == OURS and other.bits == row.bits), None)
        if ours is None or row.name == OURS or not row.runs:
            return None
        return (row.median / ours, True) if row.median is not None else (self.bound / ours, False)

    def as_dict(self) -> dict[str, Any]:
        rows = []
        for row in self.rows:
            found = self.ratio(row)
            told = {"median_seconds": row.median, "times_ours": found and found[0], "times_ours_is_exact": found and found[1]}
            rows.append({**asdict(row), **told})
        return {**asdict(self), "arrived_at_efficiency": ARRIVED, "rows": rows}

    def table(self) -> "Table":
        from rich import box
        from rich.table import Table
        from rich.text import Text

        title = f"{self.bench}: CPU seconds to efficiency {ARRIVED}, at most {self.bound:g} a run, one thread"
        notes = "\n".join(sorted({f"{row.name}: {row.note}" for row in self.rows if row.note}))
        table = Table(title=title, caption=Text(notes), caption_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("", no_wrap=True)
        for heading in ("bits", "arrived", "median", "least-most", "worst\nefficiency", "times\nours"):
            table.add_column(heading, justify="right", no_wrap=True)
        for row in self.rows:
            seconds = [run.seconds for run in row.runs if run.seconds is not None]
            found = self.ratio(row)
            table.add_row(
                row.name,
                str(row.bits),
                f"{len(seconds)} of {len(row.runs)}" if row.runs else "",
                "" if not row.runs else f"{row.median:.3g}" if row.median is not None else "never",
                f"{min(seconds):.3g}-{max(seconds):.3g}" if seconds else "",
                f"{min(run.efficiency for run in row.runs):.3f}" if row.runs else "",
                "" if found is None else times(found[0]) if found[1] else f">{times(found[0])}",
            )
        return table


def run(seconds: float = 120.0, progress: Progress | None = None, seeds: int = 5) -> TrainingResult:
    """CPU seconds until a team has learned to talk: ours beside stock RLlib, and beside plain loops of others.

    seconds: bound of each run. Ctrl-C ends it and keeps the seeds that all have finished. Raises ValueError for a bound or a
    number of seeds that is not allowed.
    """
    from experiments.runs import session

    number("seconds", seconds, 1e-9, float("inf"))
    session()  # before this thread is held to one core: Ray's processes would inherit that
    return measure(contenders(), whole("seeds", seeds, 1), seconds, progress)


def contenders() -> list[Contender]:
    from experiments.bench import training_peers as peers

    return [
        Contender(name=OURS, make=peers.ours),
        Contender(
            name="same team, stock RLlib",
            make=peers.same_team,
            package="ray",
            note="our module, loss and learner on episodes of RLlib's MultiAgentEnvRunner in its best setting (64 envs)",
        ),
        Contender(
            name="stock independent PPO",
            make=peers.independent,
            package="ray",
            note="PPO of RLlib, a module an agent, our hyperparameters; it names 7 of 8 states and stays there (partial pooling)",
        ),
        Contender(
            name="direct gradient",
            make=peers.DirectGradient,
            package="torch",
            note="as in EGG: Gumbel-softmax and cross-entropy in a plain loop, which knows the right answer, not only the reward",
        ),
        Contender(
            name="JaxMARL IPPO",
            make=peers.jaxmarl,
            package="jaxmarl",
        ),
    ]


def measure(contenders: Sequence[Contender], seeds: int, bound: float, progress: Progress | None = None) -> TrainingResult:
    """Every contender with every seed at every rate, a seed after the other."""
    tell = progress or (lambda done, total, name: None)
    found: dict[tuple[str, int], list[Run]] = {(c.name, bits): [] for bits in RATES for c in contenders}
    absent: dict[str, str] = {}
    total, done, interrupted = seeds * len(found), 0, False
    with one_core():
        try:
            for contender in contenders:
                _told(tell, 0, total, f"{contender.name}: once beforehand", 0.0, 0.0)
                try:
                    first = contender.make(RATES[0], seeds)
                except ImportError as reason:
                    if not contender.package:
                        raise
                    absent[contender.name] = str(reason)
                    continue
                try:
                    first.train()
                finally:
                    first.stop()
            for seed in range(seeds):
                now = {}
                for bits in RATES:
                    for contender in contenders:
                        name = f"{contender.name}, {bits} bits, seed {seed}"
                        told = partial(_told, tell, done, total, name)
                        told(0.0, 0.0)
                        done += 1
                        if contender.name in absent:
                            continue
                        learner = contender.make(bits, seed)
                        now[contender.name, bits] = arrive(learner, bits, seed, bound, told)
                for key, one in now.items():
                    found[key].append(one)
        except KeyboardInterrupt:
            if not any(found.values()):
                raise
            interrupted = True
    tell(1000 * total, 1000 * total, "training")
    about = {c.name: c for c in contenders}
    rows = [
        Row(name=name, bits=bits, runs=runs, version=installed(about[name].package), note=absent.get(name, about[name].note))
        for (name, bits), runs in found.items()
    ]
    return TrainingResult(bench="training", rows=rows, bound=bound, interrupted=interrupted)


def _told(tell: Progress, done: int, total: int, name: str, share: float, efficiency: float) -> None:
    tell(1000 * done + int(1000 * min(share, 1.0)), 1000 * total, f"{name}: efficiency {efficiency:.2f}")


def arrive(learner: Learner, bits: int, seed: int, bound: float, told: Callable[[float, float], None]) -> Run:
    """Train until the team has arrived or its time is over."""
    spent, updates, best = 0.0, 0, 0.0
    try:
        while True:
            begin = time.process_time()
            learner.train()
            spent += time.process_time() - begin
            updates += 1
            best = max(best, efficiency(*learner.code(), bits))
            told(spent / bound, best)
            if best >= ARRIVED or spent >= bound:
                arrived = spent if best >= ARRIVED and spent <= bound else None
                return Run(seed=seed, seconds=arrived, spent=spent, updates=updates, efficiency=best)
    finally:
        learner.stop()


def efficiency(messages: np.ndarray, actions: np.ndarray, bits: int) -> float:
    """Of a code for the identity game: from silence (0) to the best of that many bits (1)."""
    reward = float(np.mean(actions[messages] == np.arange(STATES)))
    return commenv.limits(ID, bits=bits).efficiency(reward) or 0.0
