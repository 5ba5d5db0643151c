"""Informational cascades: agents in a row, each with one private signal, who see what all before them did.

Bikhchandani, Hirshleifer, Welch (1992), A theory of fads, fashion, custom, and cultural change as informational cascades;
Banerjee (1992), A simple model of herd behavior.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from commenv.core.errors import bad, number, whole
from commenv.solvers.herding import MOST, Herd

TIES = ("signal", "coin")
SAME = 1e-9
"""Log-likelihood ratios, in nats, that differ by less are taken for equal: rounding must not break a tie."""


@dataclass(frozen=True)
class Cascade:
    """What happens to so many agents, exactly; the state is 1 with the prior's probability."""

    accuracy: np.ndarray
    """P(agent t is right), shape (agents,)."""
    none: np.ndarray
    """P(no cascade has begun when agent t has acted), shape (agents,)."""
    correct: np.ndarray
    """P(a cascade on the true state has begun by then), shape (agents,)."""
    wrong: np.ndarray
    """P(a cascade on the false state has begun by then), shape (agents,)."""

    def discounted(self, discount: float) -> float:
        """(1 - d) sum_t d^t P(agent t is right), over the agents there are, and for ever like the last one after them."""
        weights = discount ** np.arange(len(self.accuracy))
        return float((1 - discount) * (weights @ self.accuracy) + weights[-1] * discount * self.accuracy[-1])


def cascade(agents: int, precision: float, *, prior: float = 0.5, tie: str = "signal") -> Cascade:
    """Bayesian agents in a row, by the chain of the public belief.

    precision: q, probability that a signal names the state, 1/2 to 1. prior: P(state = 1), between 0 and 1.
    tie: what an agent does that finds both states alike: follow its `signal`, or a fair `coin` (as in the original paper); those
    who watch know which. Of signals that tell nothing (q = 1/2) no cascade comes, and actions are coins.
    Raises ValueError for what is not so.
    """
    whole("agents", agents, 1)
    number("precision", precision, 0.5, 1)
    if not 0 < number("prior", prior, 0, 1) < 1:
        raise bad("prior", prior, "between 0 and 1")
    if tie not in TIES:
        raise bad("tie", tie, f"one of {', '.join(TIES)}")
    q = precision
    own = math.inf if q == 1 else math.log(q / (1 - q))
    # Of each public log-likelihood ratio: the probability, given each state, that it is reached and no cascade has begun.
    here = {math.log(prior / (1 - prior)): np.ones(2)}
    weights = np.array([1 - prior, prior])
    ended = np.zeros((2, 2))  # given each state, in a cascade on 0 and on 1
    rows = []
    for _ in range(agents):
        following: dict[float, np.ndarray] = defaultdict(lambda: np.zeros(2))
        right = weights @ ended.diagonal()
        for public, reached in here.items():
            ones = np.array([_chooses_one(public, own, signal, tie) for signal in (0, 1)])
            chance = np.array([q * ones[0] + (1 - q) * ones[1], (1 - q) * ones[0] + q * ones[1]])  # P(action 1 | state)
            right += float(weights @ (reached * np.array([1 - chance[0], chance[1]])))
            if ones[0] == ones[1] and own > SAME:
                ended[:, int(ones[0])] += reached
                continue
            for action, likelihood in ((1, chance), (0, 1 - chance)):
                if likelihood.max() > 0:
                    after = _sum(public, likelihood)
                    if math.isinf(after):
                        ended[:, action] += reached * likelihood
                    else:
                        following[_known(after, following)] += reached * likelihood
        # A cascade begins with the action that makes the next agent's signal void.
        for public in list(following):
            ones = np.array([_chooses_one(public, own, signal, tie) for signal in (0, 1)])
            if ones[0] == ones[1] and own > SAME:
                ended[:, int(ones[0])] += following.pop(public)
        here = dict(following)
        none = float(weights @ sum(here.values(), np.zeros(2)))
        correct = float(weights @ ended.diagonal())
        rows.append((float(right), none, correct, 1 - none - correct))
    return Cascade(*np.maximum(np.array(rows).T, 0))


def _chooses_one(public: float, own: float, signal: int, tie: str) -> float:
    """Probability of action 1."""
    private = public + (own if signal else -own)
    if abs(private) > SAME:
        return float(private > 0)
    return float(signal) if tie == "signal" and own > SAME else 0.5


def _sum(public: float, likelihood: np.ndarray) -> float:
    if likelihood.min() == 0:
        return math.inf if likelihood[1] > 0 else -math.inf
    return public + math.log(likelihood[1] / likelihood[0])


def _known(ratio: float, among: dict[float, np.ndarray]) -> float:
    """The ratio, or the one that is there already and differs by rounding only."""
    return next((there for there in among if abs(there - ratio) < SAME), ratio)


def best_team(agents: int, precision: float, *, prior: float = 0.5) -> float:
    """Mean accuracy of the best row of agents who care for all: those to come are told more if the first follow their signals.

    Dynamic program over the public belief: an agent follows its signal, right with probability q and seen by all, or joins the
    herd, right with the belief's. Other ways to act are no better. At least the accuracy of selfish Bayesians.
    """
    n, q = whole("agents", agents, 1), number("precision", precision, 0.5, 1)
    own = math.inf if q == 1 else math.log(q / (1 - q))
    if math.isinf(own):
        return 1.0
    public = math.log(prior / (1 - prior))
    lead = np.arange(-n, n + 1)  # signals for 1 less signals for 0, so far
    belief = 1 / (1 + np.exp(-(public + own * lead)))
    herding = np.maximum(belief, 1 - belief)
    value = np.zeros(2 * n + 1)
    for _ in range(n):
        up = belief * q + (1 - belief) * (1 - q)
        seen = up * np.append(value[1:], 0) + (1 - up) * np.append(0, value[:-1])
        value = np.maximum(q + seen, herding + value)
    return float(value[n]) / n


Rule = str | Callable[[np.ndarray, np.ndarray], np.ndarray]
"""`bayesian`: knows everybody's rule; `naive`: takes every act before it for the actor's own signal; or a function from signals
(m,) and the acts before (m, t) to actions (m,)."""
RULES = ("bayesian", "naive")


def mixed(rules: Sequence[Rule], precision: float, *, prior: float = 0.5) -> tuple[Herd, list[np.ndarray]]:
    """A row of agents of several kinds, exactly, over all rows of signals; ties by the signal. At most 20 agents.

    Returns the herd, and what each agent does, actions [signal, acts before], shape (2, 2**t): the acts before are a number whose
    lowest bit is agent 0's. After acts that nobody believes possible a Bayesian follows its signal.
    Raises ValueError for a rule that is none, or that gives something else than actions 0 and 1.
    """
    n = whole("agents", len(rules), 1, MOST)
    own = math.log(precision / (1 - precision)) if precision < 1 else math.inf
    signals = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    ones = signals.sum(axis=1)
    q = number("precision", precision, 0.5, 1)
    chance = np.stack([(1 - q) ** ones * q ** (n - ones), q**ones * (1 - q) ** (n - ones)])
    weights = np.array([1 - prior, prior])
    actions, history, tables = np.zeros((2**n, n), int), np.zeros(2**n, int), []
    for t, rule in enumerate(rules):
        acts = (np.arange(2**t)[:, None] >> np.arange(t)) & 1
        table = np.zeros((2, 2**t), int)
        for signal in (0, 1):
            if rule == "naive":
                ratio = (
                    math.log(prior / (1 - prior)) + own * (2 * acts.sum(axis=1) - t + 2 * signal - 1) if own else np.zeros(2**t)
                )
                table[signal] = np.where(np.abs(ratio) < SAME, signal, ratio > 0)
            elif rule == "bayesian":
                mass = (
                    np.stack([np.bincount(history, row * (signals[:, t] == signal), 2**t) for row in chance]) * weights[:, None]
                )
                sure = np.abs(mass[1] - mass[0]) > SAME * mass.sum(axis=0)
                table[signal] = np.where(sure, mass[1] > mass[0], signal)
            elif callable(rule):
                found = np.asarray(rule(np.full(2**t, signal), acts))
                if found.shape != (2**t,) or not np.isin(found, (0, 1)).all():
                    raise bad(f"what rule {t} does", found.tolist(), f"{2**t} actions, 0 or 1")
                table[signal] = found
            else:
                raise bad(f"rule {t}", rule, f"{', '.join(RULES)} or a function")
        actions[:, t] = table[signals[:, t], history]
        history = history + (actions[:, t] << t)
        tables.append(table)
    return Herd(signals, actions, chance, weights, 0.0, actions), tables


def limit_correct(precision: float, tie: str = "signal") -> float:
    """P(the cascade that comes at last is on the true state), prior 1/2: q^2 / (q^2 + (1 - q)^2), or with coins
    q (q + 1) / (2 (1 - q + q^2)).

    >>> round(limit_correct(0.6), 12), round(limit_correct(0.6, "coin"), 12)
    (0.692307692308, 0.631578947368)
    """
    q = number("precision", precision, 0.5, 1)
    return q * q / (q * q + (1 - q) ** 2) if tie == "signal" else q * (q + 1) / (2 * (1 - q + q * q))


def discounted_accuracy(precision: float, discount: float) -> float:
    """(1 - d) E sum_t d^t 1{agent t is right} of endlessly many agents, prior 1/2, ties by the signal.

    >>> round(discounted_accuracy(0.6, 0.9), 12)
    0.663612565445
    """
    q, d = number("precision", precision, 0.5, 1), number("discount", discount, 0, 1)
    return ((1 - d) * q + d * (1 - d) * q + d * d * q * q) / (1 - 2 * d * d * q * (1 - q))
