"""What a batched env runner hands to the learner: arrays of whole rows of games, not lists of episodes.

RLlib passes lists of episodes from `EnvRunner.sample` to `Learner.update`. A Fragment stands in such a list as one item; it
has the few methods that RLlib asks of an episode on that way: a length, step counts, and slices for several learners.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Fragment:
    """B games, side by side, over T steps; games that end are followed by the next in the same row.

    agents: by agent the columns obs [B, T, w], actions [B, T], logp [B, T], active [B, T], rewards [B, T], last_obs [B, w],
    and final_obs [K, w]: the last observations of the K games that were truncated, in the order of np.nonzero(truncated).
    terminated, truncated: [B, T], whether the game ended in that step.
    """

    agents: dict[str, Columns]
    terminated: np.ndarray
    truncated: np.ndarray

    @property
    def steps(self) -> int:
        """T"""
        return self.terminated.shape[1]

    def __len__(self) -> int:
        return self.terminated.size

    def env_steps(self) -> int:
        return len(self)

    def agent_steps(self) -> int:
        """Decisions that agents took; an idle agent takes none."""
        return int(sum(columns["active"].sum() for columns in self.agents.values()))

    def __getitem__(self, steps: slice) -> "Fragment":
        """The rows that hold these environment steps. Raises ValueError where a row would be cut."""
        low, high, stride = steps.indices(len(self))
        if stride != 1 or low % self.steps or high % self.steps:
            raise ValueError(
                f"steps {low}..{high} would cut a row of {self.steps}: the train batch must divide evenly over the learners"
            )
        rows = slice(low // self.steps, max(high, low) // self.steps)
        return self._rows(rows)

    def _rows(self, rows: slice) -> "Fragment":
        before = int(self.truncated[: rows.start].sum())
        kept = slice(before, before + int(self.truncated[rows].sum()))
        agents = {
            name: {key: column[kept if key == "final_obs" else rows] for key, column in columns.items()}
            for name, columns in self.agents.items()
        }
        return replace(self, agents=agents, terminated=self.terminated[rows], truncated=self.truncated[rows])

    def slice(self, steps: Any, len_lookback_buffer: int | None = None) -> "Fragment":
        """The name by which RLlib asks for the rest of an episode."""
        return self[steps]


def join(fragments: list[Fragment]) -> Fragment:
    """Fragments of equal T, one below the other. Raises ValueError where T differs."""
    if len(fragments) == 1:
        return fragments[0]
    if len({fragment.steps for fragment in fragments}) > 1:
        raise ValueError(
            f"fragments of {sorted({f.steps for f in fragments})} steps cannot be joined: they must be of one length"
        )

    def stack(arrays: list[Any]) -> np.ndarray:
        return np.concatenate(arrays, axis=0)

    first = fragments[0]
    agents = {
        name: {key: stack([fragment.agents[name][key] for fragment in fragments]) for key in columns}
        for name, columns in first.agents.items()
    }
    return Fragment(agents, stack([f.terminated for f in fragments]), stack([f.truncated for f in fragments]))
