"""Functions of the bits of many, computed by messages along the edges of a graph (Gallager 1988; Giridhar, Kumar 2005).

N agents have a fair bit each. For some rounds each sends a message of b bits to those it has a link to; then each says the value
of a function of all bits. What agents do is a function of the bits alone, so that all 2**N of them are gone through: what an
agent knows is which of them it cannot tell apart, a class.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import comb

import numpy as np

from commenv.core.errors import bad, whole
from commenv.info.distributions import Array

MOST_AGENTS = 9
"""Agents whose bits are gone through at most."""
TRIES = 100
"""Random linear codes that are tried."""
FUNCTIONS = ("parity", "majority")


def words(agents: int) -> np.ndarray:
    """All words of bits, shape (2**N, N)."""
    if whole("agents", agents, 1) > MOST_AGENTS:
        raise ValueError(f"agents={agents} have too many words to go through: at most {MOST_AGENTS} agents")
    return np.array(list(product((0, 1), repeat=agents)))


def values(function: str, agents: int) -> np.ndarray:
    """Of each word its parity, or whether more than half of it is 1, shape (2**N,)."""
    if function not in FUNCTIONS:
        raise bad("function", function, f"one of {', '.join(FUNCTIONS)}")
    ones = words(agents).sum(axis=1)
    return ones % 2 if function == "parity" else (2 * ones > agents).astype(int)


def guessed(function: str, agents: int, known: int) -> float:
    """How often one is right who knows so many of N bits.

    >>> guessed("majority", 3, 1), guessed("parity", 3, 2), guessed("parity", 3, 3)
    (0.75, 0.5, 1.0)
    """
    if function == "parity":
        return 1.0 if known == agents else 0.5
    hidden, total = agents - known, 0.0
    for ones in range(known + 1):
        more = sum(comb(hidden, k) for k in range(hidden + 1) if 2 * (ones + k) > agents) / 2**hidden
        total += comb(known, ones) / 2**known * max(more, 1 - more)
    return total


def reached(agents: int, links: Sequence[tuple[int, int]], rounds: int) -> list[int]:
    """Of each agent, how many have it within so many links, itself among them: no more bits can have come to it."""
    near = np.eye(agents, dtype=bool)
    for _ in range(rounds):
        before = near.copy()
        for source, target in links:
            near[target] |= before[source]
    return near.sum(axis=1).tolist()


@dataclass(frozen=True)
class Turn:
    """What one agent does after what it has heard so far."""

    known: np.ndarray
    """What it may have heard last, ascending: its class before * M**links + the messages, the first link's leading."""
    says: np.ndarray
    """Of each class, the message, or after the last round the answer."""


@dataclass(frozen=True)
class Protocol:
    """What all agents do, and how often they are right."""

    value: float
    """Mean over agents."""
    method: str
    messages: int
    """How many there are."""
    turns: list[list[Turn]]
    """[step][agent]; before the first round a class is an agent's bit."""


Rule = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""From an agent's class of each word, its bit and the function of each word to what it says of each word."""


def carried_out(
    function: str, agents: int, links: Sequence[tuple[int, int]], messages: int, rules: Sequence[Sequence[Rule]], method: str
) -> Protocol:
    """What comes of rules[round][agent]; answers are the best that one can give. Links count in the order in which they stand."""
    every, wanted = words(agents), values(function, agents)
    ears = [[source for source, target in links if target == i] for i in range(agents)]
    classes, codes = [every[:, i] for i in range(agents)], [np.arange(2) for _ in range(agents)]
    turns: list[list[Turn]] = []
    for rule in rules:
        mine = [rule[i](classes[i], every[:, i], wanted) % messages for i in range(agents)]
        turns.append([_turn(codes[i], classes[i], mine[i]) for i in range(agents)])
        for i in range(agents):
            code = classes[i]
            for source in ears[i]:
                code = code * messages + mine[source]
            codes[i], classes[i] = np.unique(code, return_inverse=True)
    answers = [guess(mine, wanted) for mine in classes]
    turns.append([_turn(*each) for each in zip(codes, classes, answers, strict=True)])
    return Protocol(float(np.mean([answer == wanted for answer in answers])), method, messages, turns)


def _turn(codes: np.ndarray, classes: np.ndarray, said: np.ndarray) -> Turn:
    says = np.zeros(len(codes), int)
    says[classes] = said
    return Turn(codes, says)


def guess(classes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Of each word, the likelier value for one who knows its class."""
    return (share(classes, wanted) > 0.5).astype(int)


def share(classes: np.ndarray, wanted: np.ndarray) -> Array:
    """Of each word, how likely the function is 1 for one who knows its class."""
    return (np.bincount(classes, wanted) / np.bincount(classes))[classes]


def _belief(bits: int) -> Rule:
    """The posterior, to the nearest of 2**b levels."""
    return lambda classes, own, wanted: np.rint(share(classes, wanted) * (2**bits - 1)).astype(int)


def _sums(bits: int, rng: np.random.Generator, agents: int) -> Rule:
    """Random parities, one a bit, of what the agent knows: of all parities of words that are constant on each of its classes."""
    every = words(agents).astype(np.uint8)
    parities = every @ every.T % 2  # [word, which bits are summed]

    def rule(classes: np.ndarray, own: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        first = np.unique(classes, return_index=True)[1][classes]
        constant = np.flatnonzero((parities == parities[first]).all(axis=0))
        drawn = rng.choice(constant[1:], bits)
        return parities[:, drawn].astype(int) @ 2 ** np.arange(bits)

    return rule


def best_found(function: str, agents: int, links: Sequence[tuple[int, int]], rounds: int, bits: int) -> Protocol:
    """The best protocol found, of at least one round and bit a message, without noise: a lower bound of the best.

    Tried are random linear codes over GF(2) (Ho et al. 2006), the same with beliefs in the last round, and beliefs throughout,
    each after one's own bit.

    >>> star = [(0, 1), (0, 2), (1, 0), (2, 0)]
    >>> best_found("majority", 3, star, 2, 1).value, best_found("parity", 3, star, 1, 1).value
    (1.0, 0.6666666666666666)
    """
    most = sum(guessed(function, agents, known) for known in reached(agents, links, rounds)) / agents
    rng = np.random.default_rng(0)

    def own(classes: np.ndarray, mine: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        return mine

    first: list[list[Rule]] = [[own] * agents]
    belief: list[Rule] = [_belief(bits)] * agents

    def tried() -> Iterator[tuple[str, list[list[Rule]]]]:
        yield "beliefs", first + [belief] * (rounds - 1)
        for _ in range(TRIES if rounds > 1 else 0):
            linear = [[_sums(bits, rng, agents)] * agents for _ in range(rounds - 1)]
            yield "a linear code", first + linear
            yield "a linear code, then beliefs", first + linear[:-1] + [belief]

    best: Protocol | None = None
    for method, rules in tried():
        found = carried_out(function, agents, links, 2**bits, rules, method)
        if best is None or found.value > best.value + 1e-12:
            best = found
        if best.value >= most - 1e-12:
            break
    assert best is not None
    return best
