"""Protocols that count: what prisoners of the switch riddle earn who act alike on clock, message and one bit of memory.

The bit is whether one has been inside before. Then the number of different visitors and the message in the room are a Markov
chain, and a protocol is a table: for each step, each message found and each value of the bit, a message to leave, or to tell.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import lil_array

TELLS = -1
"""The entry of a protocol that tells."""


def all_visited(n: int, draws: int) -> float:
    """P(n prisoners have all been drawn in so many draws), by inclusion and exclusion."""
    return sum((-1) ** k * math.comb(n, k) * (1 - k / n) ** draws for k in range(n + 1)) if draws else 0.0


@dataclass(frozen=True)
class Riddle:
    """n prisoners, so many steps, and a channel W[m, y] from messages to what is found; the last y is an erasure.

    Before the first visit nothing is found: y = len(W[0]), one more than the channel knows.
    """

    n: int
    steps: int
    channel: np.ndarray

    @property
    def found(self) -> np.ndarray:
        """The channel with a last column, never delivered, for nothing."""
        return np.pad(self.channel, ((0, 0), (0, 1)))

    def beginning(self) -> np.ndarray:
        """Mass by (what is found, visitors before): nothing, and none."""
        mass = np.zeros((self.channel.shape[1] + 1, self.n + 1))
        mass[-1, 0] = 1.0
        return mass

    def entered(self, mass: np.ndarray) -> np.ndarray:
        """Mass by (been inside before, found, visitors with this one), from mass [..., found, visitors before]."""
        seen = np.arange(self.n + 1) / self.n
        new = np.zeros_like(mass)
        new[..., 1:] = (mass * (1 - seen))[..., :-1]
        return np.stack([new, mass * seen], axis=-3)

    def left(self, entered: np.ndarray, protocol: np.ndarray) -> np.ndarray:
        """Mass by (found, visitors before) in the next step, of those that did not tell; protocol [..., 2, found]."""
        leaves = protocol[..., None] == np.arange(len(self.channel))  # [..., 2, found, messages]
        return np.einsum("...vyk,...vym,mz->...zk", entered, leaves.astype(float), self.found)

    @property
    def telling(self) -> np.ndarray:
        """Reward of telling, by visitors."""
        return np.where(np.arange(self.n + 1) == self.n, 1.0, -1.0)

    def value(self, protocol: np.ndarray) -> float:
        """What a protocol, shape (steps, 2, found), earns."""
        mass, earned = self.beginning(), 0.0
        for actions in protocol:
            entered = self.entered(mass)
            earned += float((entered[actions == TELLS] @ self.telling).sum())
            mass = self.left(entered, actions)
        return earned


def search(riddle: Riddle, *, starts: int = 200, rounds: int = 3, seed: int = 0) -> tuple[float, np.ndarray]:
    """The best protocol that climbs from random ones reach, and its value: a lower bound on the best there is.

    All climbs go side by side; after each round all start again near the best, a tenth of whose entries is drawn anew.
    """
    steps, (messages, heard) = riddle.steps, riddle.channel.shape
    rng = np.random.default_rng(seed)
    shape = starts, steps, 2, heard + 1
    protocols = rng.integers(TELLS, messages, shape)
    protocols[::2] = np.maximum(protocols[::2], 0)  # in long riddles a climb that begins by telling stays with it
    protocols[::2, :, 1, :messages] = np.arange(messages)  # who has been inside before leaves what it found
    phases = np.cumsum(rng.random((len(protocols[::4]), steps)) < 0.25, axis=1) % messages
    protocols[::4, :, 0] = phases[..., None]  # who comes for the first time marks the phase: one newcomer each will do
    value, best = -np.inf, protocols[0]
    for _ in range(rounds):
        earned = climb(riddle, protocols)
        winner = int(earned.argmax())
        if earned[winner] > value:
            value, best = float(earned[winner]), protocols[winner].copy()
        protocols = np.where(rng.random(shape) < 0.1, rng.integers(TELLS, messages, shape), best)
    return value, best


def climb(riddle: Riddle, protocols: np.ndarray) -> np.ndarray:
    """Improve protocols, shape (starts, steps, 2, found), until no change of one step's table improves any; what they earn."""
    n, starts, (messages, heard) = riddle.n, len(protocols), riddle.channel.shape
    seen = np.arange(n + 1) / n
    best = np.full(starts, -np.inf)
    while True:
        masses = [np.broadcast_to(riddle.beginning(), (starts, heard + 1, n + 1))]
        for t in range(riddle.steps - 1):
            masses.append(riddle.left(riddle.entered(masses[-1]), protocols[:, t]))
        later = np.zeros((starts, messages, n + 1))  # by (message left, visitors): what is still earned
        for t in reversed(range(riddle.steps)):
            worth = np.concatenate([later, np.broadcast_to(riddle.telling, (starts, 1, n + 1))], axis=1)  # telling is last, -1
            gains = np.einsum("svyk,smk->svym", riddle.entered(masses[t]), worth)
            old = np.take_along_axis(gains, protocols[:, t, ..., None] % (messages + 1), axis=-1)[..., 0]
            choice = np.where(gains.max(axis=-1) > old + 1e-12, gains.argmax(axis=-1), protocols[:, t] % (messages + 1))
            protocols[:, t] = np.where(choice == messages, TELLS, choice)
            now = np.take_along_axis(worth[:, None, None], choice[..., None, None], axis=3)[..., 0, :]  # [s, 2, found, visitors]
            before = np.zeros((starts, heard + 1, n + 1))
            before[..., :-1] = (1 - seen[:-1]) * now[:, 0, :, 1:]
            before += seen * now[:, 1]
            later = np.einsum("my,syk->smk", riddle.found, before)
        earned = before[:, -1, 0]  # nothing found, nobody before
        if (earned <= best + 1e-12).all():
            return earned
        best = np.maximum(best, earned)


@lru_cache(8)
def climb_alone(n: int, steps: int, *, starts: int = 6, seed: int = 0) -> tuple[float, np.ndarray]:
    """The best that climbs reach among n prisoners without a word who act alike on all their visits: a lower bound on `silent`.

    Returns it and whether one tells, by its visits so far: bit t of the index is set if it was inside at step t. Of one step's
    table every entry is improved at once, for no game passes two of them; sums go over all sequences of visitors, who are
    numbered as they first come.
    """
    rows = np.zeros((1, 1), np.int64)
    for _ in range(steps - 1):
        fitting = [rows[rows.max(axis=1) + 1 >= who] for who in range(n)]
        rows = np.concatenate([np.pad(fits, ((0, 0), (0, 1)), constant_values=who) for who, fits in enumerate(fitting)])
    visitors = np.maximum.accumulate(rows, axis=1) + 1
    chance = np.array([math.perm(n, k) for k in range(n + 1)])[visitors[:, -1]] / float(n) ** steps
    reward = np.where(visitors == n, 1.0, -1.0)
    clock = 1 << np.arange(steps)
    visits = np.stack([(rows[:, : t + 1] == rows[:, t : t + 1]) @ clock[: t + 1] for t in range(steps)], axis=1)
    rng = np.random.default_rng(seed)
    value, best = -np.inf, np.zeros(0, bool)
    for _ in range(starts):
        tells, earned = rng.random(1 << steps) < 0.3 * rng.random(), -np.inf
        while True:
            over = np.logical_or.accumulate(tells[visits], axis=1)
            runs = chance[:, None] * np.column_stack([np.ones(len(rows), bool), ~over[:, :-1]])
            later = np.zeros(len(rows))
            for t in reversed(range(steps)):
                gain = np.bincount(visits[:, t], runs[:, t] * (reward[:, t] - later), minlength=1 << steps)
                tells = np.where(np.abs(gain) > 1e-12, gain > 0, tells)
                later = np.where(tells[visits[:, t]], reward[:, t], later)
            before, earned = earned, float(chance @ later)
            if earned <= before + 1e-12:
                break
        if earned > value:
            value, best = earned, tells
    return value, best


def silent(n: int, steps: int) -> float:
    """The best that n prisoners earn without a word, each with its own rule on everything it has seen: an integer program.

    A binary for each history of one prisoner's visits, whether it tells there, decides for each sequence of visitors whether
    the game runs on after it. HiGHS solves 3 prisoners and 6 steps in a fifth of a second.
    """
    sequences = [s for t in range(1, steps + 1) for s in product(range(n), repeat=t)]
    number = {s: k for k, s in enumerate(sequences)}
    histories: dict[tuple, int] = {}
    cost, at_most = np.zeros(len(sequences)), []  # rows of ({variable: coefficient}, bound)
    for k, s in enumerate(sequences):
        own = tuple(t for t, who in enumerate(s) if who == s[-1])
        tells = len(sequences) + histories.setdefault((s[-1], own), len(histories))
        runs = {number[s[:-1]]: 1} if len(s) > 1 else {}  # whether it ran until here; before the first visit it did
        reward = n ** -len(s) * (1 if len(set(s)) == n else -1)  # telling here earns it times (ran until here - runs on)
        cost[k] += reward
        for before in runs:
            cost[before] -= reward
            at_most.append(({k: 1, before: -1}, 0))
        at_most.append(({k: 1, tells: 1}, 1))
        at_most.append(({k: -1, tells: -1} | runs, 0 if runs else -1))
    alone = 1.0 if n == 1 else -1.0  # of telling at the first visit, which the cost has only as lost by running on
    variables = len(sequences) + len(histories)
    matrix = lil_array((len(at_most), variables))
    for row, (terms, _) in enumerate(at_most):
        for variable, coefficient in terms.items():
            matrix[row, variable] = coefficient
    solved = milp(
        np.pad(cost, (0, len(histories))),
        constraints=LinearConstraint(matrix.tocsr(), ub=[bound for _, bound in at_most]),
        bounds=Bounds(0, 1),
        integrality=np.arange(variables) >= len(sequences),
        options={"mip_rel_gap": 0},
    )
    if not solved.success:
        raise RuntimeError(f"the integer program of {n} prisoners and {steps} steps was not solved: {solved.message}")
    return alone - float(solved.fun)
