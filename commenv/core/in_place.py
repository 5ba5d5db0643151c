"""A batch without dictionaries that are made anew at every step: its own arrays, handed out once."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class InPlace(NamedTuple):
    """What `Batch.in_place` hands out. Write actions, call `step`, read the rest; all arrays stay where they are.

    It is the step of `Batch.step`, bit for bit: actions are checked (one outside its space raises ValueError and changes
    nothing), meters count, and games begin anew in the step in which they end. What else is told, `Batch.infos` has.
    """

    step: Callable[[], None]
    """One step of all games with the actions that stand in `actions`."""
    actions: dict[str, np.ndarray]
    """By agent, int64: (n,), or (n, 2) of (action, message) for an agent that does both. What is left there is played again."""
    observations: dict[str, np.ndarray]
    """By agent, float32, (n, width)."""
    rewards: dict[str, np.ndarray]
    """By agent, float64, (n,)."""
    terminations: np.ndarray
    """(n,) of bool, the same for all agents."""
    truncations: np.ndarray
    """(n,) of bool, the same for all agents."""
