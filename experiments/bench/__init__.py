"""How fast, beside what a user would otherwise take: measured in one run, on one thread, by `commenv bench NAME`.

A bench is a function run(seconds, progress, ...) -> a result with as_dict() and table(), with choices as keywords; measure.py
does the timing of those that count steps.
Its peers come with the extra [bench].
"""

from collections.abc import Callable

from experiments.bench import growth, information, sampling, simulation, training
from experiments.bench.measure import BenchResult, Progress, Rate, Row
from experiments.bench.training import TrainingResult

__all__ = ["BENCHES", "BenchResult", "Progress", "Rate", "Row", "TrainingResult"]

BENCHES: dict[str, Callable[..., BenchResult | TrainingResult]] = {
    "simulation": simulation.run,
    "growth": growth.run,
    "sampling": sampling.run,
    "information": information.run,
    "training": training.run,
}
"""Bench of every name; the first line of its docstring says what it measures."""
