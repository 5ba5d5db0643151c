"""How fast information is measured, beside scikit-learn, infomeasure, plain NumPy and plain Python: calls a second of CPU.

All contenders of a task see the same data. What a call returns is checked against ours before anything is timed.
"""

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from experiments.bench.measure import BenchResult, Contender, Play, Progress, choose, measure_by_game, times

if TYPE_CHECKING:
    from rich.table import Table

LABELS, PAIRS = 64, 1_000_000
RATES = (16, 64)
"""States and actions of random problems."""
ATOMS = 65_536
GAP = 1e-9

Call = Callable[[], float]


@dataclass(frozen=True, kw_only=True)
class InformationResult(BenchResult):
    """A row a contender; games_per_second is calls per second."""

    def table(self) -> "Table":
        from rich import box
        from rich.table import Table
        from rich.text import Text

        title = f"{self.bench}: one thread, {self.repetitions} turns, {self.seconds:g} s each in all"
        table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("", no_wrap=True)
        for heading in ("ms a call", "ours is", "than"):
            table.add_column(heading, justify="right", no_wrap=True)
        task = ""
        for row in self.rows:
            if row.game != task:
                task = row.game
                table.add_section()
                table.add_row(Text(task, style="bold"))
            ours = next(other for other in self.rows if other.game == task and not other.by)
            if row.games_per_second is None:
                table.add_row(row.name, "absent")
            else:
                ahead = times(ours.ratio[row.name]) if row.name in ours.ratio else ""
                table.add_row(row.name, f"{1e3 / row.games_per_second.median:.3g}", ahead, row.name if ahead else "")
        return table


def run(seconds: float = 1.0, progress: Progress | None = None, *, game: str | None = None) -> InformationResult:
    """Mutual information of labels and of numbers, F(R), greedy couplings. seconds: CPU time for each contender.

    game: only this task: labels, numbers-10000, numbers-100000, rate_reward-16, rate_reward-64 or coupling.
    """
    found = measure_by_game("information", contenders(game), seconds, progress)
    return InformationResult(
        bench=found.bench, rows=found.rows, seconds=seconds, repetitions=found.repetitions, interrupted=found.interrupted
    )


def contenders(game: str | None = None) -> list[Contender]:
    found: list[Contender] = []
    for task in choose(game, TASKS):
        for name, package, prepare in TASKS[task]:
            by = None if name == "commenv" else "games"
            found.append(Contender(game=task, name=name, by=by, package=package, prepare=partial(repeated, prepare)))  # type: ignore[arg-type]
    return found


def repeated(prepare: Callable[[], Call]) -> Play:
    call = prepare()

    def play(rounds: int) -> tuple[int, int]:
        for _ in range(rounds):
            call()
        return rounds, rounds

    return play


# ------------------------------------------------------------------------------------------------ mutual information
def labels() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.integers(0, LABELS, PAIRS)
    return x, (x + rng.integers(0, 8, PAIRS)) % LABELS


def numbers(N: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal(N)
    return x, 0.6 * x + 0.8 * rng.standard_normal(N)


def ours_labels() -> Call:
    from commenv.info import estimate_mutual_information

    x, y = labels()
    return lambda: estimate_mutual_information(x, y, "plug-in").bits


def scikit_labels() -> Call:
    from sklearn.metrics import mutual_info_score

    x, y = labels()
    return agreeing(lambda: float(mutual_info_score(x, y)) / math.log(2), ours_labels(), 1e-9)


def infomeasure_labels() -> Call:
    import infomeasure

    x, y = labels()
    return agreeing(lambda: float(infomeasure.mutual_information(x, y, approach="discrete", base=2)), ours_labels(), 1e-9)


def ours_numbers(N: int) -> Call:
    from commenv.info import estimate_mutual_information

    x, y = numbers(N)
    return lambda: estimate_mutual_information(x, y, "ksg1").bits


def scikit_numbers(N: int) -> Call:
    from sklearn.feature_selection import mutual_info_regression

    x, y = numbers(N)
    call = lambda: float(mutual_info_regression(x[:, None], y, n_neighbors=3)[0]) / math.log(2)  # noqa: E731
    return agreeing(call, ours_numbers(N), 2e-3)


def infomeasure_numbers(N: int) -> Call:
    import infomeasure

    x, y = numbers(N)
    call = lambda: float(infomeasure.mutual_information(x, y, approach="ksg", k=3, noise_level=0, base=2))  # noqa: E731
    return agreeing(call, ours_numbers(N), 1e-6)


# ------------------------------------------------------------------------------------------------ F(R)
def problem(n: int) -> tuple[np.ndarray, np.ndarray, float]:
    rng = np.random.default_rng(0)
    return rng.dirichlet(np.ones(n)), rng.random((n, n)), 0.3 * math.log2(n)


def ours_rate(n: int) -> Call:
    from commenv.info import rate_reward

    given = problem(n)
    assert rate_reward(*given).gap <= GAP
    return lambda: rate_reward(*given).value


def numpy_rate(n: int) -> Call:
    given = problem(n)
    return agreeing(lambda: blahut_arimoto(*given), ours_rate(n), 2 * GAP)


def blahut_arimoto(p: np.ndarray, r: np.ndarray, bits: float) -> float:
    """F(bits) as Blahut (1972) computes it: slopes by bisection, at each his updates, until bounds are within GAP of reward.

    For rates below that of the best policy only: beyond, slopes grow without end.
    """
    best = r.max(axis=1)
    regret = r - best[:, None]
    low, high, slope, upper = 0.0, math.inf, 10.0, math.inf
    left, right = (0.0, float((p @ regret).max())), None
    while True:
        A, q = np.exp(slope * regret), np.full(r.shape[1], 1 / r.shape[1])
        while True:
            Z = A @ q
            c = (p / Z) @ A
            q = q * c
            if np.log(c.max()) - q @ np.log(c) <= slope * GAP / 4:
                break
        Z = A @ q
        W = q * A / Z[:, None]
        joint = p[:, None] * W
        spent = float(np.sum(joint * np.log2(np.divide(W, p @ W, out=np.ones_like(W), where=joint > 0))))
        point = spent, float(np.sum(joint * regret))
        upper = min(upper, (bits * math.log(2) + float(p @ np.log(Z)) + math.log(((p / Z) @ A).max())) / slope)
        if spent <= bits:
            left, low = point, slope
        else:
            right, high = point, slope
        if right:
            share = (bits - left[0]) / (right[0] - left[0])
            value = (1 - share) * left[1] + share * right[1]
            if upper - value <= GAP:
                return value + float(p @ best)
        slope = 2 * low if high == math.inf else (low + high) / 2


# ------------------------------------------------------------------------------------------------ couplings
def marginals() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.dirichlet(np.ones(ATOMS)), rng.dirichlet(np.ones(ATOMS))


def ours_coupling() -> Call:
    from commenv.info import greedy_coupling

    p, q = marginals()
    return lambda: greedy_coupling(p, q).entropy


def python_coupling() -> Call:
    p, q = (one.tolist() for one in marginals())
    return agreeing(lambda: heap_coupling(p, q), ours_coupling(), 1e-6)


def heap_coupling(p: list[float], q: list[float]) -> float:
    """Entropy of the greedy coupling (Kocaoglu et al. 2017), with the heaps of Python's library."""
    first, second = [(-mass, i) for i, mass in enumerate(p)], [(-mass, j) for j, mass in enumerate(q)]
    heapq.heapify(first)
    heapq.heapify(second)
    cells: dict[tuple[int, int], float] = {}
    while True:
        (a, i), (b, j) = first[0], second[0]
        mass = min(-a, -b)
        if mass <= 1e-12:
            break
        cells[i, j] = cells.get((i, j), 0.0) + mass
        heapq.heapreplace(first, (a + mass, i))
        heapq.heapreplace(second, (b + mass, j))
    return -math.fsum(mass * math.log2(mass) for mass in cells.values())


def agreeing(call: Call, ours: Call, tolerance: float) -> Call:
    """A peer's call, if it returns what ours does; a bench of different things would say nothing."""
    theirs, wanted = call(), ours()
    if not abs(theirs - wanted) <= tolerance:
        raise ValueError(f"a peer finds {theirs}, and ours {wanted}: they do not measure the same")
    return call


TASKS: dict[str, list[tuple[str, str, Callable[[], Call]]]] = {
    "labels": [
        ("commenv", "", ours_labels),
        ("scikit-learn", "scikit-learn", scikit_labels),
        ("infomeasure", "infomeasure", infomeasure_labels),
    ],
    **{
        f"numbers-{N}": [
            ("commenv", "", partial(ours_numbers, N)),
            ("scikit-learn", "scikit-learn", partial(scikit_numbers, N)),
            ("infomeasure", "infomeasure", partial(infomeasure_numbers, N)),
        ]
        for N in (10_000, 100_000)
    },
    **{f"rate_reward-{n}": [("commenv", "", partial(ours_rate, n)), ("plain NumPy", "", partial(numpy_rate, n))] for n in RATES},
    "coupling": [("commenv", "", ours_coupling), ("plain Python", "", python_coupling)],
}
"""By task who does it: a name, a package, and what imports and makes one call."""
