"""Buyers of acquisition/purchase: the optimal one, who knows the law of the season, and two competitive ones, who do not."""

from collections.abc import Mapping

import numpy as np

from agents.team import Deployed
from commenv.games.acquisition.purchase import Options, buying, day_rented, day_without
from commenv.solvers.purchase import break_even, randomised_days


class Buyer(Deployed):
    """Rents until a day drawn from a law, then buys; names what it is told, or sees. Noiseless channels only.

    days: probability of buying at the start of day 1, 2, ...; what is left never buys. It goes without a message where a day
    without one is cheaper. Raises ValueError for a channel that may deliver anything but what was sent.
    """

    def __init__(self, options: Options, days: np.ndarray, seed: int = 0) -> None:
        super().__init__("acquisition/purchase-v0", options)
        link = options.link
        if not link.memoryless or link.floats or any((link.error, link.erasure, link.flip, link.fade, link.drop)):
            raise ValueError(f"these buyers take what they hear for what was said: noiseless channels only, not {link!r}")
        self.days, self.seed = np.asarray(days, float), seed
        self.rents = day_rented(options)[0] < day_without(options)

    def player(self, games: int) -> "_Pair":
        return _Pair(self, games)


def optimal(options: Options) -> Buyer:
    """Buys on the day that costs least in expectation."""
    day, _, _ = buying(options)
    return Buyer(options, np.arange(1, len(options.lengths) + 2) == day)


def deterministic(options: Options) -> Buyer:
    """Buys when the rents would come to the price: at most 2 - 1 / B times as dear as one who knows the season's length."""
    day = min(break_even(min(day_rented(options)[0], day_without(options)), options.buy), len(options.lengths) + 1)
    return Buyer(options, np.arange(1, len(options.lengths) + 2) == day)


def randomised(options: Options, seed: int = 0) -> Buyer:
    """Buys on a random day: at most e / (e - 1) times as dear. Raises ValueError unless the price is a whole number of days."""
    daily = min(day_rented(options)[0], day_without(options))
    price = round(options.buy / daily) if daily else 0
    if price < 1 or abs(price * daily - options.buy) > 1e-9 * max(options.buy, 1):
        raise ValueError(f"buy={options.buy!r} is not allowed: it must be a whole number of times {daily:g}, what a day costs")
    return Buyer(options, randomised_days(price), seed)


class _Pair:
    def __init__(self, team: Buyer, games: int) -> None:
        self.options: Options = team.options  # type: ignore[assignment]
        self.team, self.rng = team, np.random.default_rng(team.seed)
        self.day = np.zeros(games, np.int64)

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        K, view, team = self.options.states, seen["subscriber"], self.team
        self.day[fresh] = np.searchsorted(np.cumsum(team.days), self.rng.random(int(fresh.sum())), side="right") + 1
        today = np.rint(view[:, 0].astype(float) * len(self.options.lengths)).astype(np.int64) + 1
        bought, told = view[:, 1] > 0, view[:, 2] > 0
        named = np.where(bought, view[:, 3 : 3 + K].argmax(axis=1), np.where(told, view[:, 3 + K :].argmax(axis=1) % K, 0))
        waits = K if team.rents else 0
        acts = np.where(bought | told, named, np.where(today >= self.day, K + 1, waits))
        state = seen["source"].argmax(axis=1)
        return {"subscriber": acts, "source": np.where(state < self.options.link.size, state, 0)}
