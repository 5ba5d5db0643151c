"""Checks of what a user gives: one sentence that names the thing, the value and what is allowed."""

import math
from typing import Any

import numpy as np


def bad(name: str, value: Any, allowed: str) -> ValueError:
    return ValueError(f"{name}={value!r} is not allowed: it must be {allowed}")


def whole(name: str, value: Any, low: int, high: int | None = None) -> int:
    """An integer in low..high; True and 3.0 are none."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise bad(name, value, "a whole number")
    if value < low or (high is not None and value > high):
        raise bad(name, value, f"at least {low}" if high is None else f"from {low} to {high}")
    return int(value)


def number(name: str, value: Any, low: float, high: float) -> float:
    """A finite number in [low, high]; `high` itself may be infinite."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise bad(name, value, "a number")
    if not (low <= value <= high) or not math.isfinite(value):
        raise bad(name, value, f"from {low:g} to {high:g}" if math.isfinite(high) else f"a finite number of at least {low:g}")
    return float(value)
