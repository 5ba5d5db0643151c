"""The limits along an axis of the figure: what no communication, the best team, and the best code could earn there."""

import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from commenv import info
from commenv.core import links
from commenv.core.channel import Channel
from commenv.core.limits import Limits
from commenv.core.situations import Situations
from commenv.games import rules
from experiments.options import chosen, with_symbols

LARGEST = 64
"""Alphabets beyond this are drawn only where teams were trained."""
SMOOTH = 4096
"""Entries of a reward table up to which F is evaluated all along an axis."""
DOTS = 121
"""Places along an axis at which it is."""


class Curve(NamedTuple):
    """A limit over bits a game; empty where there is none that holds on this axis."""

    x: np.ndarray
    y: np.ndarray
    steps: bool
    """Whether it holds from each x up to the next: alphabets are whole."""
    exact: bool = True


NONE = Curve(np.zeros(0), np.zeros(0), False)


class Curves:
    """The limits that belong to a frontier's page, up to `end` bits a game."""

    def __init__(self, page: dict[str, Any], end: float) -> None:
        self.module, self.end = rules(page["id"]), end
        self.trained = sorted({2 ** point["bits"] for point in page["points"]})
        self.options = with_symbols(chosen(page["id"], page["options"]), self.trained[-1])
        situations = self.module.situations(self.options)
        links = [(point["capacity_bits"], Channel.of(point["channel"]).capacity) for point in page["points"]]
        rounds = float(situations.rounds) if situations else None
        self.messages = next((offered / capacity for offered, capacity in links if capacity), rounds)
        """Of a game; None where no channel let anything through and nothing else tells: then no limit is drawn over bits."""
        self.limits_at = cache(self._limits_at)
        self.reward_at = _reward_at(situations)

    @property
    def silent(self) -> float:
        return self.limits_at(1).silent.value

    def ceiling(self, axis: str) -> Curve:
        if axis == "payload" and self.options.link.silence:
            return self._smooth(self._information_at_payload)
        if self.reward_at and not (axis == "payload" and self._noisy):
            return self._smooth(lambda bits: bits)
        return NONE if axis == "entropy" else self._alphabets(axis, lambda limits: limits.ceiling.value)

    def reachable(self, axis: str) -> Curve:
        if axis == "entropy":
            return self._entropy_coded()
        if axis == "payload" and self.options.link.silence:
            return NONE
        return self._alphabets(axis, lambda limits: limits.reachable.value)

    # ------------------------------------------------------------------------------------------------- kinds of curves
    @property
    def _noisy(self) -> bool:
        return bool(self.options.link.error or self.options.link.erasure)

    def _limits_at(self, symbols: int) -> Limits:
        return links.limits(self.module, with_symbols(self.options, symbols))

    def _smooth(self, information: Callable[[float], float]) -> Curve:
        """Reward that so much information buys, all along the axis."""
        if self.reward_at is None or self.messages is None:
            return NONE
        x = 1.06 * self.end * np.linspace(0, 1, DOTS) ** 2  # denser near 0, where F may start with infinite slope
        y = [self.messages * self.reward_at(information(bits / self.messages)) for bits in x]
        return Curve(x, np.array(y), steps=False)

    def _alphabets(self, axis: str, limit: Callable[[Limits], float]) -> Curve:
        """The limit of every alphabet, at its capacity or rate: 1, 2, 3, ... symbols."""
        if self.messages is None:
            return NONE
        found: list[tuple[float, float]] = []
        exact = True
        for symbols in sorted({*range(1, LARGEST + 1), *self.trained}):
            link = with_symbols(self.options, symbols).link
            limits = self.limits_at(symbols)
            exact = exact and limits.reachable.exact
            found.append((self.messages * (link.capacity if axis == "capacity" else link.rate), limit(limits)))
            if found[-1][0] > 1.06 * self.end:
                break
        x, y = np.array(sorted(found)).T
        return Curve(x, np.maximum.accumulate(y), steps=True, exact=exact)

    def _information_at_payload(self, payload: float) -> float:
        """Most bits that a message of so much payload tells, silence included, over the alphabets that were trained."""
        most = 0.0
        for symbols in self.trained:
            link = with_symbols(self.options, symbols).link
            costs = np.append(0.0, np.full(symbols - 1, math.log2(symbols)))
            most = max(most, min(link.capacity, info.information_at_cost(costs, payload)))
        return most

    def _entropy_coded(self) -> Curve:
        """Best deterministic code of so much entropy, for one noiseless message to a listener who sees nothing else."""
        situations = self.module.situations(self.options)
        if situations is None or situations.own.shape[1] or situations.rounds != 1 or self._noisy:
            return NONE
        if len(situations.probability) > 10:
            return NONE
        x, y = info.entropy_coded(situations.probability, situations.reward)
        return Curve(np.append(x, max(x[-1], 1.06 * self.end)), np.append(y, y[-1]), steps=True)


def _reward_at(situations: Situations | None) -> Callable[[float], float] | None:
    """F of one round: the most reward that so many bits buy, given what the listener sees; None where that would take long."""
    if situations is None or len(situations.reward) * situations.reward.shape[1] > 100 * SMOOTH:
        return None
    groups: dict[bytes, list[int]] = {}
    for k, own in enumerate(situations.own):
        groups.setdefault(own.tobytes(), []).append(k)
    alike: dict[tuple[bytes, bytes], tuple[np.ndarray, np.ndarray]] = {}
    for rows in groups.values():
        p, reward = situations.probability[rows], situations.reward[rows]
        key = (p / p.sum()).round(12).tobytes(), reward.tobytes()
        mass = alike[key][0] if key in alike else np.zeros(len(p))
        alike[key] = mass + p, reward
    joint, tables = zip(*alike.values(), strict=True)
    if len({len(p) for p in joint}) > 1 or sum(table.size for table in tables) > SMOOTH:
        return None
    return lambda bits: info.conditional_rate_reward(np.array(joint), np.array(tables), bits).upper
