"""Searchers of twenty questions and of boxes who play as theory tells them."""

from collections.abc import Mapping
from functools import cache

import numpy as np

from agents.team import Deployed
from commenv.core.errors import bad
from commenv.games.acquisition import box_search, twenty_questions
from commenv.games.acquisition.reliable import reliable
from commenv.solvers import apart as alone
from commenv.solvers import box_search as boxes
from commenv.solvers.questions import Belief, optimal, pursuit

WAYS = ("optimal", "pursuit", "apart")


class Searchers(Deployed):
    """A team for twenty questions. way: "optimal", the dynamic program, or "pursuit", information pursuit, of searchers who tell
    each other every answer by the first two messages, so that all believe the same; or "apart", the best team that is silent.

    Each searcher follows the course of the game from its own observations and what it heard. Raises ValueError for another way, a
    channel that may lose a message, and games for which no plan can be made.
    """

    def __init__(self, options: twenty_questions.Options, way: str = "optimal") -> None:
        super().__init__("acquisition/twenty_questions-v0", options)
        if way not in WAYS:
            raise bad("way", way, f"one of {', '.join(WAYS)}")
        if way != "apart" and options.searchers > 1 and (options.link.size < 2 or not reliable(options.link)):
            raise ValueError("searchers tell each other their answers: the channel must carry two messages, and lose none")
        self.way, self.search = way, options.search
        self.searchers, self.hypotheses = options.searchers, options.hypotheses
        rounds, failure = options.playable
        self.rounds = rounds
        if way == "optimal":
            self.plan = optimal(self.search, rounds, failure)
        elif way == "pursuit":
            self.policy = cache(pursuit(self.search))
        else:
            self.team = alone.apart(self.search, options.searchers, rounds, failure)

    def player(self, games: int) -> "_Searching":
        return _Apart(self, games) if self.way == "apart" else _Searching(self, games)

    def ask(self, belief: Belief, left: int) -> tuple[int, ...]:
        """What all ask together, with so many rounds left; the first searchers ask."""
        return self.plan.ask(belief, left) if self.way == "optimal" else self.policy(belief)


class _Searching:
    """Who hears everything: each searcher holds what it believes of every game."""

    def __init__(self, team: Searchers, games: int) -> None:
        self.team, self.games = team, games
        self.K, self.Q = team.searchers, len(team.search.queries)
        self.names = [f"searcher_{i}" for i in range(self.K)]
        self.telling = team.hypotheses
        self.answer = slice(self.telling + self.Q + 2, self.telling + self.Q + 4)  # the inboxes begin behind it
        self.beliefs: list[list[Belief]] = [[team.search.beginning] * games for _ in self.names]
        self.asked: list[list[tuple[int, ...]]] = [[()] * games for _ in self.names]
        self.left = np.full((self.K, games), team.rounds)

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        return {name: self.move(i, seen[name], fresh) for i, name in enumerate(self.names)}

    def move(self, i: int, seen: np.ndarray, fresh: np.ndarray) -> np.ndarray:
        """(query, message) [games, 2] of searcher i, or queries alone of one who has nobody to tell; in a step that is not the
        time for it either counts for nothing."""
        told, telling = seen[:, self.answer].argmax(1), seen[:, self.telling] > 0
        places = self.team.options.link.places
        inbox = seen[:, self.answer.stop :].reshape(self.games, self.K - 1, places).argmax(2)
        queries = np.full(self.games, self.Q)
        for g in np.nonzero(~telling)[0]:
            if fresh[g]:
                self.beliefs[i][g], self.left[i, g] = self.team.search.beginning, self.team.rounds
            else:
                for j, query in enumerate(self.asked[i][g]):
                    answer = told[g] if j == i else inbox[g, j - (j > i)]
                    self.beliefs[i][g] = self.team.search.learned(self.beliefs[i][g], query, int(answer))
            asked = self.asked[i][g] = self.team.ask(self.beliefs[i][g], int(self.left[i, g]))
            self.left[i, g] -= 1
            if i < len(asked):
                queries[g] = asked[i]
        return queries if self.K == 1 else np.stack([queries, told], 1)


class _Apart(_Searching):
    """Who hears nothing: each searcher remembers its own queries and answers."""

    def __init__(self, team: Searchers, games: int) -> None:
        super().__init__(team, games)
        self.told: list[list[tuple[alone.Told, ...]]] = [[()] * games for _ in self.names]

    def move(self, i: int, seen: np.ndarray, fresh: np.ndarray) -> np.ndarray:
        answered, telling = seen[:, self.answer], seen[:, self.telling] > 0
        last = seen[:, self.telling + 1 : self.answer.start].argmax(1)
        queries = np.full(self.games, self.Q)
        for g in range(self.games):
            if telling[g]:
                query = alone.PASS if last[g] == self.Q else int(last[g])
                answer = int(answered[g].argmax()) if answered[g].any() else alone.PASS
                self.told[i][g] = (*self.told[i][g], (query, answer))
                continue
            if fresh[g]:
                self.told[i][g] = ()
            query = self.team.team.asks[i][self.told[i][g]]
            queries[g] = self.Q if query == alone.PASS else query
        return queries if self.K == 1 else np.stack([queries, np.zeros_like(queries)], 1)


class BoxSearchers(Deployed):
    """The optimal plan for boxes: in step t searcher i looks where the (K t + i)-th of all looks is best."""

    def __init__(self, options: box_search.Options) -> None:
        super().__init__("acquisition/box_search-v0", options)
        K = options.searchers
        order = [box for box, _ in zip(boxes.looks(options.prior, options.detect), range(K * options.rounds), strict=False)]
        places = [box for box, _ in order] + [0] * (K * options.rounds - len(order))
        self.table = np.array(places).reshape(options.rounds, K)

    def player(self, games: int) -> "_Looking":
        return _Looking(self, games)


class _Looking:
    def __init__(self, team: BoxSearchers, games: int) -> None:
        self.team, self.step = team, np.zeros(games, np.int64)

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        self.step = np.where(fresh, 0, self.step + 1)
        looks = self.team.table[self.step]
        if looks.shape[1] == 1:
            return {"searcher_0": looks[:, 0]}
        silent = np.zeros(len(fresh), np.int64)
        return {f"searcher_{i}": np.stack([looks[:, i], silent], 1) for i in range(looks.shape[1])}
