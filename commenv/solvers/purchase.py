"""Rent or buy: when to pay once for what one could go on paying for, and when to stop buying information.

Ski rental: each day of a season of unknown length costs `rent`, or all days to come cost `buy` once. Information: after t units,
at a price each, the task would cost X_t, a supermartingale; one pays for what was bought and for the task.
Karlin, Manasse, McGeoch, Owicki (1994), Competitive randomized algorithms for nonuniform problems; Ma, Tzamos (2023), Buying
information for stochastic optimization.
"""

from dataclasses import dataclass

import numpy as np

from commenv.info import stochastic


# ------------------------------------------------------------------------------------------------------------ ski rental
def season_costs(rent: float, buy: float, longest: int) -> np.ndarray:
    """What buying at the start of day i costs in a season of d days, shape (longest + 1, longest); the last row never buys.

    >>> season_costs(1, 3, 2).tolist()
    [[3.0, 3.0], [1.0, 4.0], [1.0, 2.0]]
    """
    day, length = np.arange(1, longest + 2)[:, None], np.arange(1, longest + 1)
    return rent * np.minimum(day - 1, length) + buy * (length >= day)


def best_day(season: np.ndarray, rent: float, buy: float) -> tuple[int, float]:
    """The day (from 1; one beyond the longest season: never) at whose start to buy, and its expected cost.

    season: probability of each length 1.. in days. All one learns is that the season goes on, so a day is a whole policy. Exact.
    """
    costs = season_costs(rent, buy, len(season)) @ np.asarray(season, float)
    day = int(np.argmax(costs <= costs.min() + 1e-12))
    return day + 1, float(costs[day])


def break_even(rent: float, buy: float) -> int:
    """The day at whose start to buy: the first by which rents and the next one come to the price.

    2 - 1 / B times the cheaper of renting and buying at most, B = buy / rent where that is a whole number.
    """
    return max(int(np.ceil(buy / rent - 1e-9)), 1) if rent > 0 else np.iinfo(np.int64).max


def randomised_days(price: int) -> np.ndarray:
    """Probability of buying at the start of day 1..B, B the price in rents: ((B - 1) / B)**(B - i) / (B (1 - (1 - 1 / B)**B)).

    Its expected cost is at most 1 / (1 - (1 - 1 / B)**B) times the cheaper of renting and buying, the least there is.

    >>> round(worst_ratio(randomised_days(5)), 10)
    1.4873869586
    """
    day = np.arange(1, price + 1)
    return ((price - 1) / price) ** (price - day) / (price * (1 - (1 - 1 / price) ** price))


def worst_ratio(days: np.ndarray, longest: int | None = None) -> float:
    """Most, over seasons of any length, that buying on day i with probability days[i - 1] costs more than hindsight would.

    The price is as many rents as there are days, len(days). longest: season looked at; None: past all days.
    """
    price = len(days)
    costs = np.asarray(days) @ season_costs(1.0, float(price), longest or 2 * price)[:price]
    length = np.arange(1, len(costs) + 1)
    return float((costs / np.minimum(length, price)).max())


# ----------------------------------------------------------------------------------------------------------- information
@dataclass(frozen=True, eq=False)
class Process:
    """What the task would cost as information is bought: a Markov chain that is a supermartingale.

    start: state before anything is bought. transition: [S, S]. cost: X of each state, shape (S,), not negative. price: of a unit,
    positive. units: most that can be bought. Raises ValueError for a chain in which information makes the task dearer.
    """

    start: int
    transition: np.ndarray
    cost: np.ndarray
    price: float
    units: int

    def __post_init__(self) -> None:
        P, X = stochastic(self.transition), np.asarray(self.cost, float)
        if (P @ X > X + 1e-9).any():
            raise ValueError("cost is not allowed: it must fall in expectation with every unit, and in some state it rises")
        object.__setattr__(self, "transition", P)
        object.__setattr__(self, "cost", X)

    def optimal(self) -> float:
        """Least expected cost of all stopping rules, which know the law: a dynamic program."""
        value = self.cost
        for _ in range(self.units):
            value = np.minimum(self.cost, self.price + self.transition @ value)
        return float(value[self.start])

    def threshold(self, share: float) -> float:
        """Expected cost of stopping as soon as what was paid is at least `share` times the cost of the task now."""
        value = self.cost
        for t in range(self.units - 1, -1, -1):
            stops = self.price * t >= share * self.cost - 1e-12
            value = np.where(stops, self.cost, self.price + self.transition @ value)
        return float(value[self.start])

    def deterministic(self) -> float:
        """Expected cost of stopping when the task costs no more than was paid: at most twice the optimum and one unit's price."""
        return self.threshold(1.0)

    def randomised(self) -> float:
        """Expected cost of a threshold with density e**u / (e - 1) on [0, 1]: at most e / (e - 1) times the optimum and one
        unit's price. Exact: between the shares at which some state would stop the cost is constant."""
        paid = self.price * np.arange(self.units + 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = (paid[:, None] / self.cost).ravel()
        cuts = np.unique(np.concatenate([[0.0, 1.0], shares[(shares > 0) & (shares < 1)]]))
        weights = np.diff(np.expm1(cuts)) / np.expm1(1)
        middles = (cuts[1:] + cuts[:-1]) / 2
        return float(sum(w * self.threshold(u) for w, u in zip(weights, middles, strict=True)))
