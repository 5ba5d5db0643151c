"""The best seeker and oracle of acquisition/treasure: each remembers among which doors the treasure is by what was said."""

from collections.abc import Mapping

import numpy as np

from agents.team import Deployed
from commenv.games.acquisition.treasure import Options, plan


class BestSeeker(Deployed):
    """Asks and answers as the dynamic program does, over a noiseless channel.

    The doors that are left are a run; an answer cuts it into parts, and names one. Raises ValueError for a channel that may
    deliver anything but what was sent.
    """

    def __init__(self, options: Options) -> None:
        super().__init__("acquisition/treasure-v0", options)
        link = options.link
        if not link.memoryless or link.floats or any((link.error, link.erasure, link.flip, link.fade, link.drop)):
            raise ValueError(f"the best questions are known for noiseless channels without a memory, not for {link!r}")
        self.plan = plan(options, link.size)

    def player(self, games: int) -> "_Pair":
        return _Pair(self, games)


class _Pair:
    """Both at play. What both know by what was said: the first door that is left, and how many there are."""

    def __init__(self, team: BestSeeker, games: int) -> None:
        self.options: Options = team.options  # type: ignore[assignment]
        self.plan = team.plan
        self.first, self.left = np.zeros(games, np.int64), np.full(games, self.options.doors)

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        options, view = self.options, seen["seeker"]
        self.first[fresh], self.left[fresh] = 0, options.doors
        questions = np.rint(view[:, 0].astype(float) * options.questions).astype(np.int64)
        answers = np.rint(view[:, 1].astype(float) * options.answers).astype(np.int64)
        move, message = np.zeros(len(view), np.int64), np.zeros(len(view), np.int64)
        where = np.column_stack([questions, answers, self.left])
        speaks, treasure = active["oracle"], seen["oracle"][:, : options.doors].argmax(axis=1)
        for q, k, m in np.unique(where[speaks], axis=0).tolist():
            rows = speaks & (where == (q, k, m)).all(axis=1)
            # The question that is being answered counts as asked already, its answer not yet as given.
            sizes = np.array(self.plan.parts(q + 1, k, m))
            ends = np.cumsum(sizes)
            said = np.searchsorted(ends, treasure[rows] - self.first[rows], side="right")
            message[rows] = said
            # Both cut the run alike: the seeker reads the same symbol from its inbox.
            self.first[rows] += ends[said] - sizes[said]
            self.left[rows] = sizes[said]
        asks = self.plan.asks[questions, answers, self.left]
        move[:] = np.where(asks, options.doors, self.first)
        return {"seeker": move, "oracle": message}
