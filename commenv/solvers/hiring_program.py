"""The best mechanisms that hire agents, as linear programs (Cacciamani, Castiglioni, Gatti 2023); hiring.py has the model.

The optimum over all mechanisms under which every agent does best to make the effort it is told and to report what it saw is one
linear program, in which the efforts told may be correlated. By the revelation principle (Myerson 1982) no mechanism of another
form earns more, if of several equilibria the agents play the one that the principal likes best.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import product
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array, csc_array, csr_array, hstack, vstack

from commenv.solvers.hiring import Array, Instance, Mechanism, Whole, digits

USED = 1e-12
"""Probability below which a profile counts as never drawn: what is owed there is divided by it."""
CLOSED = 1e-11
"""Distance of lower and upper bound at which a program is solved."""
SETTLED = 1e-10
"""Gain at which the search for a product of mixtures ends."""
TOLERANCES = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


def optimal(instance: Instance, cap: float, *, margin: float = 0.0) -> Mechanism:
    """The best mechanism that pays nobody more than `cap`.

    margin: reward by which any other effort, and any untrue report of a signal that may come up, must be worse than obedience,
    for an agent that knows what it was told, or has seen. Raises ValueError where no mechanism has that margin.
    """
    return _best(Program.of(instance, margin), instance, cap, np.eye(len(instance.worth)))


def deterministic(instance: Instance, cap: float, *, margin: float = 0.0) -> Mechanism:
    """The best mechanism that always tells the agents the same profile. Raises ValueError where none has the margin."""
    return _highest(_each_profile(Program.of(instance, margin), instance, cap), instance)


def independent(instance: Instance, cap: float, *, margin: float = 0.0, starts: int = 4) -> Mechanism:
    """The best mechanism found that draws what each agent is told by itself: mu is a product.

    Given the others' mixtures the best mixture of one agent, with payments, is a linear program; they take turns, from each of
    the `starts` best deterministic mechanisms, until nothing is gained. A local search: what it finds is a lower bound, which
    `proved` compares with an upper one.
    """
    program = Program.of(instance, margin)
    pure = sorted(_each_profile(program, instance, cap), key=lambda found: -found.earns(instance))
    return _highest([_in_turns(program, instance, cap, found) for found in pure[:starts]], instance)


def proved(
    instance: Instance, cap: float, *, margin: float = 0.0, gap: float = 1e-6, most: int = 2_000
) -> tuple[Mechanism, float]:
    """The best mechanism of two agents whose mu is a product, with an upper bound on what any such mechanism earns.

    It is proved to within `gap` where the bound exceeds what the mechanism earns by no more than that; else `most` programs
    were not enough. One of the agents must have two efforts. Branch and bound over the probability p of its second one: products
    of p in [low, high] with any mixture of the other agent lie in the hull of products of both ends with each of its efforts
    (McCormick 1976), and the best of the hull is a linear program; at low = high it is exact. Raises ValueError for other agents,
    and where no mechanism has the margin.
    """
    if len(instance.costs) != 2 or 2 not in instance.efforts:
        raise ValueError(f"products are proved for two agents, one of them of two efforts, not for efforts {instance.efforts}")
    program, i = Program.of(instance, margin), instance.efforts.index(2)

    def hull(low: float, high: float) -> tuple[float, Mechanism | None]:
        ends = np.repeat(np.unique([low, high]), instance.efforts[1 - i])
        other = np.tile(np.arange(instance.efforts[1 - i]), len(np.unique([low, high])))
        own, others = digits(instance.efforts)[i], digits(instance.efforts)[1 - i]
        mixes = np.where(own[:, None] == 1, ends, 1 - ends) * (others[:, None] == other)
        try:
            found = _best(program, instance, cap, mixes)
        except ValueError:
            return -np.inf, None
        return found.earns(instance), found

    best = independent(instance, cap, margin=margin)
    value, boxes, tried = best.earns(instance), [(-hull(0.0, 1.0)[0], 0.0, 1.0)], 1
    while -boxes[0][0] > value + gap and tried < most:
        _, low, high = heappop(boxes)
        middle = (low + high) / 2
        for pair in ((low, middle), (middle, high)):
            heappush(boxes, (-hull(*pair)[0], *pair))
        earned, found = hull(middle, middle)
        if found is not None and earned > value:
            best, value = found, earned
        tried += 3
    return best, max(-boxes[0][0], value)


def robust(instance: Instance, cap: float, low: Array, high: Array) -> Mechanism:
    """The best mechanism of an estimated instance that is incentive compatible under every kernel between `low` and `high`.

    low, high: shape of the kernel. What obedience earns is counted by `low`, what anything else earns by `high`, and what the
    principal earns by the estimate. There is one wherever every agent has an effort that costs nothing.
    """
    program = Program.of(instance, 0.0, instance.joint(low), instance.joint(high))
    return _best(program, instance, cap, np.eye(len(instance.worth)))


def supremum(instance: Instance) -> float:
    """What mechanisms without a cap come as close to as one likes. They need not attain it: huge payments on profiles that are
    hardly ever drawn, as threats, approach it."""
    program = Program.of(instance)
    free = len(program.gain) - program.owed.start - program.owed.size
    bounds = [(0, None)] * (len(program.gain) - free) + [(None, None)] * free
    total = (np.arange(len(program.gain)) < program.owed.start).astype(float)
    rows = program.rows
    found = _solved(-program.gain, rows, np.zeros(rows.shape[0]), csr_array(total[None]), np.ones(1), bounds)
    return float(-found.fun)


# --------------------------------------------------------------------------------------------------------- the program
@dataclass(frozen=True)
class Owed:
    """Where owed[i, b, s, state] = mu[b] payments[i, b, s, state] stand among the variables."""

    start: int
    shape: tuple[int, int, int, int]

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))


@dataclass(frozen=True, eq=False)
class Program:
    """max gain @ v where rows @ v <= 0, mu is a distribution, owed <= cap mu: over v = (mu, owed, z), of which z has any sign.

    z[i][b_i, b'_i, s_i] is the most that agent i, told b_i, is owed for any report after effort b'_i and signal s_i: so
    |S_i|**2 rows stand for |S_i|**|S_i| ways to report. Rows come by agent, b_i, b'_i; then first by s_i and report, and last
    the one row of obedience: what it earns is at least the sum of z over signals, costs included.
    """

    gain: Array
    rows: csr_array
    owed: Owed

    @classmethod
    def of(cls, instance: Instance, margin: float = 0.0, low: Array | None = None, high: Array | None = None) -> "Program":
        """low, high: bounds on the law; what obedience earns is counted by `low`, anything else by `high`."""
        law = instance.law
        low, high = (law if bound is None else bound for bound in (low, high))
        B, T, S = law.shape
        owed = Owed(B, (len(instance.costs), B, S, T))
        entries, z = _Rows(), B + owed.size
        for i in range(len(instance.costs)):
            z = _incentives(entries, instance, i, z, owed, margin, low, high)
        gain = np.zeros(z)
        gain[:B] = instance.worth
        gain[B : B + owed.size] = -np.broadcast_to(law.transpose(0, 2, 1), owed.shape).ravel()
        return cls(gain, entries.matrix(z), owed)


def _incentives(entries: "_Rows", instance: Instance, i: int, z: int, owed: Owed, margin: float, low: Array, high: Array) -> int:
    """The rows of agent i, whose z begin at place z; where they end."""
    place = owed.start + np.arange(owed.size).reshape(owed.shape)[i]
    told, saw = digits(instance.efforts)[i], digits(instance.signals)[i]
    effort_step = int(np.prod(instance.efforts[i + 1 :]))
    signal_step = int(np.prod(instance.signals[i + 1 :]))
    cost, S = instance.costs[i], instance.signals[i]
    for asked, made in product(range(len(cost)), repeat=2):
        here = np.flatnonzero(told == asked)
        there = here + (made - asked) * effort_step  # the same profiles, but for what agent i does
        for s, report in product(range(S), repeat=2):
            reported = np.flatnonzero(saw == report)
            seen = reported + (s - report) * signal_step
            true = made == asked and s == report
            mass = (low if true else high)[there][:, :, seen].transpose(0, 2, 1)
            entries.add(place[here][:, reported], mass)
            entries.add(np.array([z + s]), np.array([-1.0]))
            if margin and made == asked and not true:
                entries.add(here, margin * instance.law[here][:, :, saw == s].sum(axis=(1, 2)))
            entries.end()
        entries.add(place[here], -low[here].transpose(0, 2, 1))
        entries.add(here, np.full(len(here), cost[asked] - cost[made] + (margin if made != asked else 0.0)))
        entries.add(z + np.arange(S), np.ones(S))
        entries.end()
        z += S
    return z


class _Rows:
    """The entries of a sparse matrix, row by row."""

    def __init__(self) -> None:
        self.columns: list[Whole] = []
        self.values: list[Array] = []
        self.lengths: list[int] = [0]
        self.count = 0

    def add(self, columns: Whole, values: Array) -> None:
        self.columns.append(columns.ravel())
        self.values.append(values.ravel())
        self.count += columns.size

    def end(self) -> None:
        self.lengths.append(self.count)

    def matrix(self, width: int) -> csr_array:
        content = np.concatenate(self.values), np.concatenate(self.columns), np.array(self.lengths)
        return csr_array(content, shape=(len(self.lengths) - 1, width))


# --------------------------------------------------------------------------------------------------- column generation
def _best(program: Program, instance: Instance, cap: float, mixes: Array) -> Mechanism:
    """The best mechanism whose mu is `mixes` [|B|, k] times weights of at least 0.

    Payments enter through their caps alone, owed <= cap mu, one row each: 78,732 of them with 4 agents of 3 efforts, 3 signals,
    3 states. So we generate columns instead (Dantzig, Wolfe 1960): what agent i is owed under profile b is mu[b] times a mixture
    of payment rules, and a new rule pays the cap wherever the prices of the rows say that it gains. Prices give an upper bound.
    Raises ValueError where nothing fits the rows.
    """
    found = _Master(program, cap, mixes)
    if not found.solve(feasible=True):
        raise ValueError("no mechanism under this cap makes obedience better by this margin: take a higher cap, or less margin")
    found.solve(feasible=False)
    mu, owed = found.mu, found.owed
    payments = np.divide(owed, mu[:, None, None], out=np.zeros_like(owed), where=(mu > USED)[:, None, None])
    return Mechanism(np.where(mu > USED, mu, 0.0), payments.clip(0, cap), instance.decisions)


class _Master:
    """The restricted program: weights of mixes, z, a slack against rows that do not hold yet, and weights of payment rules."""

    def __init__(self, program: Program, cap: float, mixes: Array) -> None:
        n, B = program.owed.shape[:2]
        start, size = program.owed.start, program.owed.size
        self.cap, self.mixes, self.shape = cap, mixes, program.owed.shape
        self.rows_of_payments = program.rows[:, start : start + size].tocsc()
        self.gain_of_payments = program.gain[start : start + size]
        z = program.rows[:, start + size :]
        R = program.rows.shape[0]
        # weights of mixes, then z, then the slack
        self.fixed = hstack([csr_array(program.rows[:, :B] @ mixes), z, csr_array(-np.ones((R, 1)))]).tocsr()
        self.gain = np.concatenate([program.gain[:B] @ mixes, np.zeros(z.shape[1] + 1)])
        self.free = z.shape[1]
        self.total = mixes.sum(axis=0)
        # rule k belongs to block `block[k]` = (agent, profile); at first each block pays nothing
        self.block = np.arange(n * B)
        self.rules = csc_array((size, n * B))

    def solve(self, feasible: bool) -> bool:
        """Up to the optimum, or only until all rows hold; False where they cannot."""
        while True:
            found, value = self._solved(feasible)
            if feasible and value > -CLOSED:
                return True
            prices, worth = -found.ineqlin.marginals, -found.eqlin.marginals[:-1]
            bound, gain, rules = self._priced(prices, feasible)
            new = np.flatnonzero(gain - worth > CLOSED)
            if bound - value < CLOSED or not len(new):
                break
            self._add(new, rules[new])
        self._keep(found)
        return not feasible

    def _solved(self, feasible: bool) -> tuple[Any, float]:
        k, blocks = self.mixes.shape[1], self.shape[0] * self.shape[1]
        gain = np.concatenate([self.gain, self.gain_of_payments @ self.rules])
        if feasible:
            gain = np.zeros_like(gain)
            gain[k + self.free] = -1.0
        rules = len(self.block)
        weights = coo_array((np.ones(rules), (self.block, np.arange(rules))), shape=(blocks, rules))
        shares = csr_array(np.tile(self.mixes, (self.shape[0], 1)))
        equal = vstack(
            [
                hstack([-shares, csr_array((blocks, self.free + 1)), weights]),
                csr_array(np.concatenate([self.total, np.zeros(self.free + 1 + rules)])[None]),
            ]
        )
        rows = hstack([self.fixed, self.rows_of_payments @ self.rules]).tocsr()
        slack = (0, None if feasible else 0)
        bounds = [(0, None)] * k + [(None, None)] * self.free + [slack] + [(0, None)] * rules
        one = np.append(np.zeros(blocks), 1.0)
        found = _solved(-gain, rows, np.zeros(rows.shape[0]), equal.tocsr(), one, bounds)
        return found, float(-found.fun)

    def _priced(self, prices: Array, feasible: bool) -> tuple[float, Array, Array]:
        """An upper bound by Lagrange, what the best rule of each block gains at these prices, and these rules."""
        n, B, S, T = self.shape
        gain = -(self.rows_of_payments.T @ prices)
        if not feasible:
            gain = gain + self.gain_of_payments
        gain = gain.reshape(n * B, S * T)
        best = self.cap * gain.clip(0).sum(axis=1)
        k = self.mixes.shape[1]
        own = -(self.fixed[:, :k].T @ prices) + (0.0 if feasible else self.gain[:k])
        whole = own + best.reshape(n, B).sum(axis=0) @ self.mixes
        return float((whole / self.total).max()), best, self.cap * (gain > 0)

    def _add(self, blocks: Whole, rules: Array) -> None:
        place, paid = np.nonzero(rules)
        rows = blocks[place] * rules.shape[1] + paid
        columns = coo_array((rules[place, paid], (rows, place)), shape=(self.rules.shape[0], len(blocks)))
        self.rules = hstack([self.rules, columns]).tocsc()
        self.block = np.concatenate([self.block, blocks])

    def _keep(self, found: Any) -> None:
        k = self.mixes.shape[1]
        mu = self.mixes @ found.x[:k].clip(0)
        self.mu = mu / mu.sum()
        self.owed = (self.rules @ found.x[k + self.free + 1 :].clip(0)).reshape(self.shape) / mu.sum()


def _solved(cost: Array, rows: Any, upper: Array, equal: Any, right: Array, bounds: Sequence[tuple]) -> Any:
    found = linprog(cost, rows, upper, equal, right, bounds, method="highs-ds", options=TOLERANCES)
    if not found.success:
        raise RuntimeError(f"a linear program of {rows.shape} was not solved: {found.message}")
    return found


# -------------------------------------------------------------------------------------------------- less than correlated
def _each_profile(program: Program, instance: Instance, cap: float) -> list[Mechanism]:
    """The best mechanism of every profile that has one."""
    found = []
    for b in range(len(instance.worth)):
        try:
            found.append(_best(program, instance, cap, np.eye(len(instance.worth))[:, [b]]))
        except ValueError:
            continue
    return found


def _highest(found: Sequence[Mechanism], instance: Instance) -> Mechanism:
    if not found:
        raise ValueError("no profile under this cap makes obedience better by this margin: take a higher cap, or less margin")
    return max(found, key=lambda one: one.earns(instance))


def _in_turns(program: Program, instance: Instance, cap: float, found: Mechanism) -> Mechanism:
    """One agent's mixture after the other, until a whole round gains nothing."""
    value = before = found.earns(instance)
    while True:
        for i in range(len(instance.costs)):
            tried = _best(program, instance, cap, _one_free(found.probability, instance.efforts, i))
            if tried.earns(instance) > value:
                found, value = tried, tried.earns(instance)
        if value < before + SETTLED:
            return found
        before = value


def _one_free(mu: Array, efforts: tuple[int, ...], i: int) -> Array:
    """Profiles [|B|, B_i] as they are drawn where agent i takes each of its efforts and the others mix as in the product mu."""
    others = np.broadcast_to(mu.reshape(efforts).sum(axis=i, keepdims=True), efforts).ravel()
    return others[:, None] * (digits(efforts)[i][:, None] == np.arange(efforts[i]))
