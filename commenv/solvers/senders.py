"""Informed senders who care about what is done: rules of decision under which they do best to tell the truth.

Sender i sees signal s_i and reports one; a receiver who is committed to pi(a | reports) takes action a. Nobody is paid. After
Cacciamani, Castiglioni, Gatti (2023), Online mechanism design for information acquisition. Everything is a function of

    worth[k, s, a] = E[utility of k from action a; the joint signal is s], k = 0 the receiver, then the senders,

shape (1 + n, |S|, A), joint signals numbered with the last sender's varying fastest: of an estimate of it as well as of the
truth.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array

from commenv import info
from commenv.solvers.hiring import MAPS, PLANS, Array, Whole, digits, partitions

Codes = tuple[tuple[int, ...], ...]
"""Of each sender the message for every signal."""


@dataclass(frozen=True, eq=False)
class Rule:
    """What a committed receiver does."""

    policy: Array
    """pi(a | joint message), shape (|M|, A)."""
    codes: Codes
    """What the senders are to report: where messages are as many as signals, the signal."""
    value: float
    """What the receiver earns of senders who do."""


def worth(prior: ArrayLike, kernel: ArrayLike, utilities: ArrayLike) -> Array:
    """The table all here is a function of, shape (1 + n, |S|, A).

    prior: shape (T,). kernel: P(signals | state), shape (T, S_1, .., S_n). utilities: the receiver's first, shape (1 + n, A, T).
    Raises ValueError for tables that do not belong together.
    """
    p, K, u = info.distribution(prior), np.array(kernel, np.float64), np.array(utilities, np.float64)
    if K.ndim < 2 or len(K) != len(p) or not K.size:
        raise ValueError(f"the kernel has shape {K.shape}: it must have the {len(p)} states, then the signals of each sender")
    if u.ndim != 3 or u.shape[0] != K.ndim or u.shape[2] != len(p) or not u.size or not np.isfinite(u).all():
        raise ValueError(
            f"utilities of shape {u.shape} must be finite numbers of shape ({K.ndim}, actions, {len(p)}): the receiver and "
            f"{K.ndim - 1} senders, every action in every state"
        )
    law = info.stochastic(K.reshape(len(p), -1)) * p[:, None]
    return np.einsum("ts,kat->ksa", law, u)


def two_experts(accuracy: float, bias: float) -> tuple[Array, Array, Array]:
    """Prior, kernel and utilities of two senders with opposed biases, who see a fair bit, each rightly with that accuracy.

    The receiver earns 1 for the bit, -1 for the other, .3 for the safe action. Sender 0 leans to action 1, sender 1 to action 0;
    the larger the bias the more each of them cares about the state as well.
    """
    right = np.array([[accuracy, 1 - accuracy], [1 - accuracy, accuracy]])
    kernel = np.einsum("ti,tj->tij", right, right)
    receiver = [[1, -1], [-1, 1], [0.3, 0.3]]
    first = [[bias, 0], [1, 1 + bias], [0.5, 0.5]]
    second = [[1 + bias, 1], [0, bias], [0.5, 0.5]]
    return np.array([0.5, 0.5]), kernel, np.array([receiver, first, second], float)


def without(table: Array) -> float:
    """What the receiver earns without senders."""
    return float(table[0].sum(axis=0).max())


def informed(table: Array) -> float:
    """What it earns if it sees all signals."""
    return float(table[0].max(axis=1).sum())


def optimal(table: Array, signals: Sequence[int], *, slack: float | Array = 0.0, codes: Codes | None = None) -> Rule:
    """The best rule under which no sender gains more than `slack` by sending another message after a signal.

    slack: one number, or one for each row of `gains`; below 0 the truth is better by so much. codes: what is to be sent for each
    signal; None: the signal itself. Raises ValueError where there is no such rule.
    """
    codes = codes or truthful(signals)
    sizes = _sizes(codes)
    M, A = int(np.prod(sizes)), table.shape[2]
    rows = _rows(table, signals, codes)
    gain = np.zeros((M, A))
    np.add.at(gain, _messages(signals, codes), table[0])
    allowed = np.broadcast_to(np.asarray(slack, float), rows.shape[0])
    one = csr_array(np.kron(np.eye(M), np.ones(A)))
    found = linprog(-gain.ravel(), rows, allowed, one, np.ones(M), (0, 1), method="highs-ds")
    if found.status == 2:
        raise ValueError("no rule makes the truth better by so much: take less margin")
    if not found.success:
        raise RuntimeError(f"a linear program of {rows.shape} was not solved: {found.message}")
    policy = found.x.reshape(M, A).clip(0)
    return Rule(policy / policy.sum(axis=1, keepdims=True), codes, float(-found.fun))


def best_code(
    table: Array, signals: Sequence[int], messages: int, *, margin: float = 0.0, mass: Sequence[Array] = ()
) -> tuple[Rule, bool]:
    """The best rule with so many messages over all pure codes, and whether it is known to be best of all.

    With a message for every signal, or with none to choose, there is one code. A single sender gains nothing by mixing codes;
    of several we do not know. margin: by which the truth is to be better, for a sender who has seen its signal; it needs `mass`,
    P(s_i) of each sender. Raises ValueError for more than 4,096 codes, and where no code has the margin.
    """
    kinds = [list(partitions(S, min(messages, S))) for S in signals]
    if np.prod([float(len(found)) for found in kinds]) > PLANS:
        raise ValueError(f"{messages} messages for {tuple(signals)} signals have more than {PLANS:,} codes: give more bits")
    best: Rule | None = None
    every = list(product(*kinds))
    for codes in every:
        slack: float | Array = 0.0
        if margin:
            slack = np.array([-margin * mass[i][s] for i, s, _ in _temptations(signals, codes)])
        try:
            found = optimal(table, signals, slack=slack, codes=codes)
        except ValueError:
            continue
        best = found if best is None or found.value > best.value else best
    if best is None:
        raise ValueError(f"margin={margin!r} is too much: no rule makes the truth better by so much")
    return best, len(every) == 1 or len(signals) == 1


def gains(table: Array, signals: Sequence[int], policy: Array, codes: Codes | None = None) -> Array:
    """What each untrue message gains its sender over the true one: a row a sender, signal and other message."""
    return _rows(table, signals, codes or truthful(signals)) @ policy.ravel()


def earns(table: Array, signals: Sequence[int], policy: Array, messages: Sequence[int], reports: Sequence[ArrayLike]) -> Array:
    """What the receiver and each sender earn, shape (1 + n,). messages: how many each sender has; reports: of each sender the
    message for every signal."""
    return np.einsum("ksa,sa->k", table, policy[_messages(signals, reports, messages)])


def best_responses(
    table: Array, signals: Sequence[int], policy: Array, messages: Sequence[int], reports: Sequence[ArrayLike]
) -> Array:
    """The most that each sender could earn given what the others report, shape (n,): all |M_i|**|S_i| ways are tried.

    messages: how many each sender has. Raises ValueError where there are too many ways.
    """
    best = np.zeros(len(signals))
    for i, (S, M) in enumerate(zip(signals, messages, strict=True)):
        if M**S > MAPS:
            raise ValueError(f"{S} signals can be reported in {M}**{S} ways: too many to try")
        tried = ([way if j == i else reports[j] for j in range(len(signals))] for way in product(range(M), repeat=S))
        best[i] = max(float(earns(table, signals, policy, messages, way)[1 + i]) for way in tried)
    return best


def truthful(signals: Sequence[int]) -> Codes:
    """Every sender's message is its signal."""
    return tuple(tuple(range(S)) for S in signals)


def _sizes(codes: Sequence[ArrayLike]) -> list[int]:
    return [int(np.max(code)) + 1 for code in codes]


def _messages(signals: Sequence[int], codes: Sequence[ArrayLike], sizes: Sequence[int] | None = None) -> Whole:
    """The joint message for every joint signal, shape (|S|,)."""
    said = [np.asarray(code, np.int64)[saw] for code, saw in zip(codes, digits(signals), strict=True)]
    return np.asarray(np.ravel_multi_index(said, list(sizes or _sizes(codes))))


def _temptations(signals: Sequence[int], codes: Codes) -> Iterator[tuple[int, int, int]]:
    """(sender, signal, message that is not its code's): the rows of the program, in their order."""
    for i, (S, M) in enumerate(zip(signals, _sizes(codes), strict=True)):
        for s, m in product(range(S), range(M)):
            if m != codes[i][s]:
                yield i, s, m


def _rows(table: Array, signals: Sequence[int], codes: Codes) -> csr_array:
    """What each temptation gains, as a row over policies (|M| * A)."""
    A, saw, true = table.shape[2], digits(signals), _messages(signals, codes)
    sizes = _sizes(codes)
    steps = [int(np.prod(sizes[i + 1 :])) for i in range(len(sizes))]
    parts: list[tuple[NDArray, NDArray, NDArray]] = []
    count = 0
    for i, s, m in _temptations(signals, codes):
        where = np.flatnonzero(saw[i] == s)
        value = table[1 + i, where].ravel()
        for said, sign in ((true[where] + (m - codes[i][s]) * steps[i], 1.0), (true[where], -1.0)):
            columns = (said[:, None] * A + np.arange(A)).ravel()
            parts.append((np.full(len(columns), count), columns, sign * value))
        count += 1
    width = int(np.prod(sizes)) * A
    if not parts:
        return csr_array((0, width))
    rows, columns, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    return coo_array((values, (rows, columns)), shape=(count, width)).tocsr()
