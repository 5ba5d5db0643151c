"""Agents hired to gather information: what a principal and its agents face, what a mechanism earns, and who gains by deviating.

The principal draws a profile b of efforts from mu and tells agent i its own b_i alone. The agent makes an effort, at a cost,
sees a signal, and reports one. The principal decides by the reports; then the state is revealed, and agent i is paid
payments[i, b, reports, state], at least 0 (limited liability) and at most a cap. After Cacciamani, Castiglioni, Gatti (2023),
Online information acquisition: hiring multiple agents. The best mechanisms stand in hiring_program.py.

Profiles b and joint signals s are numbered in row-major order: the last agent's varies fastest.
Utility, costs and payments are in one unit, that of rewards.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from commenv import info

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

MAPS = 1_000_000
"""Maps from signals to reports beyond which an audit is refused: 8**8 are 17 million."""
PLANS = 4096
"""Profiles of plans beyond which coarse messages are refused."""


@dataclass(frozen=True, eq=False)
class Instance:
    """What the principal and its n agents face. `of` makes one and checks it."""

    prior: Array
    """Of the T states, shape (T,)."""
    costs: tuple[Array, ...]
    """Of the efforts of each agent, at least 0: shapes (B_1,) to (B_n,)."""
    kernel: Array
    """P(signals | efforts, state), shape (B_1, .., B_n, T, S_1, .., S_n)."""
    utility: Array
    """Of each of the principal's decisions in each state, shape (A, T)."""

    @classmethod
    def of(cls, prior: ArrayLike, costs: Sequence[ArrayLike], kernel: ArrayLike, utility: ArrayLike) -> "Instance":
        """An instance from tables as users give them. Raises ValueError for tables that do not belong together."""
        p = info.distribution(prior)
        c = tuple(np.array(cost, np.float64) for cost in costs)
        if not c or any(cost.ndim != 1 or not cost.size or not np.isfinite(cost).all() or cost.min() < 0 for cost in c):
            raise ValueError("costs must hold a list for each agent: of each of its efforts a finite number of at least 0")
        K, n, efforts = np.array(kernel, np.float64), len(c), tuple(len(cost) for cost in c)
        if K.ndim != 2 * n + 1 or K.shape[: n + 1] != (*efforts, len(p)) or not K.size:
            raise ValueError(
                f"the kernel has shape {K.shape}: it must have {(*efforts, len(p))}, the efforts and the states, and then "
                f"the number of signals of each of the {n} agents"
            )
        K = info.stochastic(K.reshape(-1, int(np.prod(K.shape[n + 1 :])))).reshape(K.shape)
        return cls(p, c, K, info.distributions.reward_table(np.transpose(utility), len(p)).T)

    @property
    def efforts(self) -> tuple[int, ...]:
        """How many each agent has: B_1 to B_n."""
        return self.kernel.shape[: len(self.costs)]

    @property
    def signals(self) -> tuple[int, ...]:
        """How many each agent may see: S_1 to S_n."""
        return self.kernel.shape[len(self.costs) + 1 :]

    @cached_property
    def law(self) -> Array:
        """P(state, signals | profile), shape (|B|, T, |S|)."""
        return self.joint(self.kernel)

    def joint(self, kernel: Array) -> Array:
        """A table of the kernel's shape times the prior, shape (|B|, T, |S|)."""
        return self.prior[:, None] * kernel.reshape(int(np.prod(self.efforts)), len(self.prior), -1)

    @cached_property
    def decided(self) -> Array:
        """What each decision earns in expectation where these signals come up, shape (|B|, |S|, A)."""
        return np.einsum("bts,at->bsa", self.law, self.utility)

    @property
    def decisions(self) -> Whole:
        """The best decision for every profile and all signals, shape (|B|, |S|)."""
        return self.decided.argmax(axis=2)

    @property
    def worth(self) -> Array:
        """What the principal decides for each profile whose signals it is told, payments aside, shape (|B|,)."""
        return self.decided.max(axis=2).sum(axis=1)

    @property
    def alone(self) -> float:
        """What the principal earns without agents."""
        return float((self.utility @ self.prior).max())

    @property
    def first_best(self) -> float:
        """What no mechanism exceeds: signals known, and paid what an effort costs beyond the cheapest. Nobody can be held below
        what its cheapest effort leaves it, as payments are not negative."""
        extra = sum(self.charge(i) - cost.min() for i, cost in enumerate(self.costs))
        return float((self.worth - extra).max())

    def charge(self, i: int) -> Array:
        """What agent i's effort costs it in each profile, shape (|B|,)."""
        return self.costs[i][digits(self.efforts)[i]]


@dataclass(frozen=True, eq=False)
class Mechanism:
    """A principal who is committed: whom it tells what, what it pays, and what it decides."""

    probability: Array
    """mu of every profile, shape (|B|,)."""
    payments: Array
    """Of each agent for profile, joint report and state, shape (n, |B|, |S|, T)."""
    decisions: Whole
    """For profile and joint report, shape (|B|, |S|)."""

    def earns(self, instance: Instance) -> float:
        """What the principal earns of agents who obey and tell the truth: utility less payments."""
        gross = np.einsum("b,bts,bst->", self.probability, instance.law, instance.utility[self.decisions])
        return float(gross - self.pays(instance).sum())

    def pays(self, instance: Instance) -> Array:
        """What each agent who obeys and tells the truth is paid, on average, shape (n,)."""
        return np.einsum("b,bts,ibst->i", self.probability, instance.law, self.payments)


def common_source(noise: float, cost: float) -> Instance:
    """Two agents who may look at one and the same noisy copy of a fair bit: the instance in which efforts must be correlated.

    Effort 0 is free and always shows 0; effort 1 costs `cost` and shows the copy, which is wrong with probability `noise`.
    The principal earns 1 for naming the bit. Best mechanism with h = 2 cost / cap: 1 - noise - 4 cost / (2 - h), where that
    exceeds what one agent alone is worth.
    """
    kernel = np.zeros((2, 2, 2, 2, 2))
    for first, second, state, flipped in np.ndindex(2, 2, 2, 2):
        shown = state ^ flipped
        kernel[first, second, state, first * shown, second * shown] += noise if flipped else 1 - noise
    return Instance.of([0.5, 0.5], [[0, cost], [0, cost]], kernel, np.eye(2))


# --------------------------------------------------------------------------------------------- messages that say less
@dataclass(frozen=True, eq=False)
class Plans:
    """What an agent can be told where messages are few: an effort, and which message to send for which signal."""

    effort: tuple[Whole, ...]
    """Of each of an agent's plans, shapes (P_1,) to (P_n,)."""
    code: tuple[Whole, ...]
    """The message for each signal, shapes (P_1, S_1) to (P_n, S_n)."""

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(map(len, self.effort))


def coarse(instance: Instance, messages: int) -> tuple[Instance, Plans]:
    """The instance as it is where a report is one of so many messages: efforts are then plans, signals the messages.

    The principal tells each agent a plan: by the revelation principle (Myerson 1982) with the code as part of the act, this is
    no loss. Codes are partitions of the signals into as many cells as there are messages; how cells are named, and coarser
    ones, make no difference, for the principal knows the plan. With a message for every signal it is the instance itself.
    Raises ValueError where there are more than 4,096 profiles of plans.
    """
    effort, code = [], []
    for B, S in zip(instance.efforts, instance.signals, strict=True):
        cells = list(partitions(S, min(messages, S)))
        effort.append(np.repeat(np.arange(B), len(cells)))
        code.append(np.tile(np.array(cells, np.int64), (B, 1)))
        if np.prod([float(len(plans)) for plans in effort]) > PLANS:
            raise ValueError(f"{messages} messages for {S} signals make too many plans, more than {PLANS:,}: give more bits")
    kernel, n = instance.kernel, len(effort)
    for i, (made, said) in enumerate(zip(effort, code, strict=True)):
        named = said[:, :, None] == np.arange(min(messages, instance.signals[i]))  # [plan, signal, message]
        told = np.moveaxis(kernel, (i, n + 1 + i), (0, -1))[made]
        kernel = np.moveaxis(np.einsum("p...s,psm->p...m", told, named), (0, -1), (i, n + 1 + i))
    costs = tuple(cost[made] for cost, made in zip(instance.costs, effort, strict=True))
    return Instance(instance.prior, costs, np.ascontiguousarray(kernel), instance.utility), Plans(tuple(effort), tuple(code))


def partitions(items: int, cells: int) -> Iterator[tuple[int, ...]]:
    """Every partition of so many items into exactly so many cells: the cell of each item, cells numbered as they come up.

    >>> list(partitions(3, 2))
    [(0, 0, 1), (0, 1, 0), (0, 1, 1)]
    """

    def grown(begun: tuple[int, ...], used: int) -> Iterator[tuple[int, ...]]:
        left = items - len(begun)
        if left == 0:
            yield begun
        elif used + left >= cells:  # enough items are left to open all cells
            for cell in range(min(used + 1, cells)):
                yield from grown((*begun, cell), max(used, cell + 1))

    return (found for found in grown((), 0) if max(found) + 1 == cells)


# ------------------------------------------------------------------------------------------------------------ an audit
@dataclass(frozen=True, eq=False)
class Strategy:
    """What one agent does: by what it is told, what it makes of it, and what it reports of what it sees then."""

    made: Whole
    """Effort, by the effort it is told, shape (B,)."""
    report: Whole
    """Signal that it reports, by the effort it is told and the signal it sees, shape (B, S)."""


@dataclass(frozen=True, eq=False)
class Deviation:
    """One agent's best response to the others, found by trying all |B_i| efforts with all |S_i|**|S_i| ways to report."""

    earns: float
    """By its own strategy: payment less cost."""
    best: float
    strategy: Strategy
    """One that earns `best`; the agent's own where nothing is better."""

    @property
    def gain(self) -> float:
        return self.best - self.earns


def obedient(instance: Instance) -> list[Strategy]:
    """Every agent makes the effort it is told and reports what it sees."""
    sizes = zip(instance.efforts, instance.signals, strict=True)
    return [Strategy(np.arange(B), np.tile(np.arange(S), (B, 1))) for B, S in sizes]


def outcome(instance: Instance, mechanism: Mechanism, strategies: Sequence[Strategy]) -> float:
    """What the principal earns of agents who do this: utility less payments."""
    total, saw = 0.0, digits(instance.signals)
    for b, told in enumerate(np.ndindex(*instance.efforts)):
        made = [int(played.made[t]) for played, t in zip(strategies, told, strict=True)]
        said = [played.report[t, seen] for played, t, seen in zip(strategies, told, saw, strict=True)]
        law, reports = instance.law[np.ravel_multi_index(made, instance.efforts)], np.ravel_multi_index(said, instance.signals)
        earned = instance.utility[mechanism.decisions[b, reports]] - mechanism.payments[:, b, reports].sum(
            axis=0
        )  # [signals, state]
        total += mechanism.probability[b] * float(np.einsum("ts,st->", law, earned))
    return total


def audit(instance: Instance, mechanism: Mechanism, strategies: Sequence[Strategy] | None = None) -> list[Deviation]:
    """What each agent could gain by any other strategy, given what the others do; they obey where nothing is said.

    The agent knows what it is told and what it sees, and nothing else. Raises ValueError where there are too many ways to report.
    """
    played = obedient(instance) if strategies is None else list(strategies)
    return [_best_response(instance, mechanism, played, i) for i in range(len(played))]


def _best_response(instance: Instance, mechanism: Mechanism, played: list[Strategy], i: int) -> Deviation:
    B, S = instance.efforts[i], instance.signals[i]
    if S**S > MAPS:
        raise ValueError(f"{S} signals can be reported in {S}**{S} ways: too many to try")
    owed = _owed(instance, mechanism, played, i)
    told = np.bincount(digits(instance.efforts)[i], mechanism.probability, minlength=B)
    maps = np.array(list(product(range(S), repeat=S)), np.int64)
    own, best, chosen = 0.0, 0.0, Strategy(played[i].made.copy(), played[i].report.copy())
    for asked in range(B):
        worth = owed[asked][:, np.arange(S), maps].sum(axis=2) - told[asked] * instance.costs[i][:, None]  # [made, map]
        made, report = played[i].made[asked], played[i].report[asked]
        now = owed[asked, made, np.arange(S), report].sum() - told[asked] * instance.costs[i][made]
        own, best = own + now, best + max(worth.max(), now)
        if worth.max() > now:
            made, k = np.unravel_index(worth.argmax(), worth.shape)
            chosen.made[asked], chosen.report[asked] = made, maps[k]
    return Deviation(float(own), float(best), chosen)


def _owed(instance: Instance, mechanism: Mechanism, played: list[Strategy], i: int) -> Array:
    """E payment of agent i, shape (B, B, S, S): by what it is told, the effort it makes, what it sees and what it reports."""
    efforts, signals = instance.efforts, instance.signals
    saw = digits(signals)
    owed = np.zeros((efforts[i], efforts[i], signals[i], signals[i]))
    for b, told in enumerate(np.ndindex(*efforts)):
        for made in range(efforts[i]):
            acts = [made if j == i else int(played[j].made[told[j]]) for j in range(len(efforts))]
            law = instance.law[np.ravel_multi_index(acts, efforts)]
            for reported in range(signals[i]):
                said = [
                    np.full_like(saw[j], reported) if j == i else played[j].report[told[j], saw[j]] for j in range(len(efforts))
                ]
                paid = mechanism.payments[i, b, np.ravel_multi_index(said, signals)]  # [signals seen, state]
                mass = mechanism.probability[b] * np.einsum("ts,st->s", law, paid)
                owed[told[i], made, :, reported] += np.bincount(saw[i], mass, minlength=signals[i])
    return owed


def digits(sizes: Sequence[int]) -> Whole:
    """Each agent's own part of every joint number, shape (n, product of sizes).

    >>> digits((2, 3)).tolist()
    [[0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2]]
    """
    return np.indices(sizes).reshape(len(sizes), -1)
