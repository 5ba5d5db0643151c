"""How fast, beside what a user would otherwise take: measured in one run, on one thread, by `commenv bench NAME`.

A bench is a function run(seconds, progress, ...) -> BenchResult, with choices as keywords; measure.py does the timing.
Its peers come with the extra [bench].
"""

from collections.abc import Callable

from experiments.bench import growth, information, sampling, simulation
from experiments.bench.measure import BenchResult, Progress, Rate, Row

__all__ = ["BENCHES", "BenchResult", "Progress", "Rate", "Row"]

BENCHES: dict[str, Callable[..., BenchResult]] = {
    "simulation": simulation.run,
    "growth": growth.run,
    "sampling": sampling.run,
    "information": information.run,
}
"""Bench of every name; the first line of its docstring says what it measures."""
