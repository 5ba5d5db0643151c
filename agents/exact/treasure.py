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
        for i in np.flatnonzero(active["oracle"]):
            # The question that is being answered is counted as asked, its answer not yet as given.
            ends = np.cumsum(self.plan.parts(int(questions[i]) + 1, int(answers[i]), int(self.left[i])))
            treasure = int(seen["oracle"][i, : options.doors].argmax())
            message[i] = np.searchsorted(ends, treasure - self.first[i], side="right")
            # Both cut the run alike; the seeker reads the same symbol from its inbox.
            begin = 0 if message[i] == 0 else ends[message[i] - 1]
            self.first[i], self.left[i] = self.first[i] + begin, ends[message[i]] - begin
        for i in np.flatnonzero(active["seeker"]):
            asks = self.plan.asks[questions[i], answers[i], self.left[i]]
            move[i] = options.doors if asks else self.first[i]
        return {"seeker": move, "oracle": message}
