"""Who plays the agents that are not ours: at random, given policies, or a team."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box, MultiDiscrete, Space, Tuple

from commenv.core.errors import bad

Policy = Callable[[np.ndarray], Any]
"""Actions [n] or [n, 2], or where messages are floats [n, d] or a pair of [n] and [n, d], from observations [n, w]."""


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

    def act(self, name: str, observations: np.ndarray, rng: np.random.Generator) -> Any:
        """Actions of one agent in n games, as `Batch.step` takes them. Raises ValueError unless there are n of them."""
        space: Any = self._spaces[name]
        if isinstance(self._given, Mapping) and name in self._given:
            actions = self._given[name](observations)
        elif self._given is not None and not isinstance(self._given, Mapping):
            actions = self._given.act(name, observations)
        else:
            return _drawn(space, len(observations), rng)
        if isinstance(space, Tuple):
            pair = isinstance(actions, tuple | list) and len(actions) == 2
            parts = tuple(np.asarray(part) for part in actions) if pair else ()
        else:
            parts = (np.asarray(actions),)
        if isinstance(space, MultiDiscrete) and parts[0].ndim == 1 and parts[0].dtype.kind in "iu":
            parts = (np.stack(np.divmod(parts[0], space.nvec[1]), axis=1),)
        shapes = [(len(observations), *(part.shape or ())) for part in (space if isinstance(space, Tuple) else [space])]
        if [part.shape for part in parts] != shapes:
            raise bad(f"answer of {name}", actions, f"actions in {space} of {len(observations)} games")
        return parts if isinstance(space, Tuple) else parts[0]


def _drawn(space: Any, n: int, rng: np.random.Generator) -> Any:
    """Uniform over the space, n times."""
    if isinstance(space, Tuple):
        return tuple(_drawn(part, n, rng) for part in space)
    if isinstance(space, Box):
        return rng.uniform(space.low, space.high, (n, *space.shape)).astype(np.float32)
    high = space.nvec if isinstance(space, MultiDiscrete) else space.n
    return rng.integers(high, size=(n, *space.shape))
