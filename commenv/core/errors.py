"""Checks of what a user gives: one sentence that names the thing, the value and what is allowed."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

LONGEST = 200
"""Letters of a value that are shown: an array's would fill pages."""


def bad(name: str, value: Any, allowed: str) -> ValueError:
    return ValueError(f"{name}={shown(value)} is not allowed: it must be {allowed}")


def shown(value: Any) -> str:
    """A value in a line."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python writes no integer of more than 4,300 digits
        text = f"a {type(value).__name__} too long to show"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def plain(value: Any) -> Any:
    """NumPy's numbers as Python's, which neither overflow nor fail in a file of JSON; anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def word(name: str, value: Any, allowed: Iterable[str]) -> str:
    """One of the allowed words; an array, which has no truth value to compare, is none."""
    if not isinstance(value, str) or value not in allowed:
        raise bad(name, value, f"one of {', '.join(allowed)}")
    return value


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
    try:
        fits = low <= value <= high and math.isfinite(value)
    except OverflowError:  # an integer beyond all floats
        fits = False
    if not fits:
        raise bad(name, value, f"from {low:g} to {high:g}" if math.isfinite(high) else f"a finite number of at least {low:g}")
    return float(value)
