"""Who plays the agents that are not ours: at random, given policies, or a team."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import MultiDiscrete, Space

from commenv.core.errors import bad

Policy = Callable[[np.ndarray], Any]
"""Actions [n] or [n, 2] from observations [n, w]."""


class Others:
    """Plays agents from their own observations, and nothing else.

    given: None, and they act uniformly at random; a dictionary of policies by agent, those left out act at random; or a team,
    anything with act(name, observations) -> actions. An agent that acts and speaks may answer with pairs, or with the number
    of a pair, act * messages + message. Raises ValueError for a stranger.
    """

    def __init__(self, given: Any, spaces: Mapping[str, Space]) -> None:
        self._given, self._spaces = given, spaces
        if given is not None and not isinstance(given, Mapping) and not callable(getattr(given, "act", None)):
            raise bad("others", given, "None, policies by agent, or a team with act(name, observations)")
        for name, policy in given.items() if isinstance(given, Mapping) else ():
            if name not in spaces or not callable(policy):
                raise bad("others", {name: policy}, f"a policy for each of some agents of {list(spaces)}")

    def act(self, name: str, observations: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Actions of one agent in n games."""
        space: Any = self._spaces[name]
        if isinstance(self._given, Mapping) and name in self._given:
            actions = np.asarray(self._given[name](observations))
        elif self._given is not None and not isinstance(self._given, Mapping):
            actions = np.asarray(self._given.act(name, observations))
        else:
            high = space.nvec if isinstance(space, MultiDiscrete) else space.n
            return rng.integers(high, size=(len(observations), *space.shape))
        if isinstance(space, MultiDiscrete) and actions.ndim == 1:
            actions = np.stack(np.divmod(actions, space.nvec[1]), axis=1)
        return actions
