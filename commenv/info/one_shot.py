"""What one message can do for one decision: the best encoder of states and decoder into actions, by search.

F(R) of `rate_reward` is reached only by coding over many decisions at once. A game that sends one message and acts on
it must be compared with these optima, which lie at or below F.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from commenv.info.distributions import Array, distribution, reward_table, stochastic
from commenv.info.rate_reward import leakage_bound

Table = NDArray[np.int64]

SUBSETS = 2e8
"""Rewards that a search over sets of actions may look up before it turns to local search; half a second."""
CODES = 1e9
"""Multiplications that a search over encoders or decoders may do before it turns to local search; a second or two."""
BLOCK = 2**20
"""Numbers held at once by an exhaustive search."""
STARTS = 256
"""Encoders that the local search of noisy codes sets out from."""
ROUNDING = 1e-12
"""Differences below this part of the rewards are taken for rounding."""


@dataclass(frozen=True)
class OneShot:
    """A code for one decision, and whether it is known to be the best."""

    value: float
    """Mean reward of the code."""
    exact: bool
    """Whether no code is better; otherwise `value` is only a lower bound of the optimum."""
    method: str
    """By "every favourite", "likeliest states", "intervals", "subsets", "encoders", "decoders" or "local search"."""
    encoder: Table
    """Message for each state, shape (states,)."""
    decoder: Table
    """Action for each message, or for each output of a noisy channel, shape (outputs,)."""


@dataclass(frozen=True)
class SpeakingOneShot(OneShot):
    """A code in which message 0 is silence; `value` is reward less what speaking costs."""

    speaking: float
    """Probability that the message is not silence."""


def one_shot(prior: ArrayLike, reward: ArrayLike, symbols: int) -> OneShot:
    """Best mean reward with one of M = `symbols` messages and no noise: the M actions that serve all states best.

    `prior` has shape (states,), `reward` (states, actions). Exact if every state can have its best action, for naming
    the state, for ordered tables (r[s, a + 1] - r[s, a] never falls with s, or never rises: every action then serves an
    interval of states, and dynamic programming finds which), and for as many sets of actions as half a second allows.
    Otherwise greedy choice, at least 1 - (1 - 1/M)^M of the optimum for rewards >= 0 (Nemhauser, Wolsey and Fisher
    1978), then swaps. Raises ValueError for less than 1 symbol, or a prior and a reward that do not fit.

    >>> one_shot([0.5, 0.3, 0.2], np.eye(3), symbols=2).value
    0.8
    """
    p = distribution(prior)
    r = reward_table(reward, len(p))
    _check_symbols(symbols)
    favourites = np.unique(r.argmax(axis=1))
    exact = True
    if len(favourites) <= symbols:
        method, actions = "every favourite", favourites
    elif np.array_equal(r, np.eye(len(p))):
        method, actions = "likeliest states", np.argsort(-p, kind="stable")[:symbols]
    elif _is_ordered(r):
        method, actions = "intervals", _intervals(p, r, symbols)
    else:
        _, actions, exact = _choose(p, r, symbols, np.full(len(p), -np.inf), SUBSETS)
        method = "subsets" if exact else "local search"
    decoder = np.resize(actions, symbols)  # spare messages repeat earlier ones, and are never sent
    encoder = r[:, decoder].argmax(axis=1)
    return OneShot(_mean(p, r, decoder[encoder]), exact, method, encoder, decoder)


def speaking_one_shot(prior: ArrayLike, reward: ArrayLike, symbols: int, price: float) -> SpeakingOneShot:
    """Best mean reward less `price` for every message but message 0, which is silence; no noise.

    The receiver knows the code, so silence informs too. `symbols` counts silence. States that gain nothing by speaking
    are silent. Exact for as many codes as half a second allows, otherwise greedy choice and swaps.
    Raises ValueError for a negative or infinite price, less than 1 symbol, or a prior and a reward that do not fit.

    >>> code = speaking_one_shot([0.7, 0.2, 0.1], np.eye(3), symbols=3, price=0.5)
    >>> round(code.value, 9), round(code.speaking, 9)
    (0.85, 0.3)
    """
    p = distribution(prior)
    r = reward_table(reward, len(p))
    _check_symbols(symbols)
    if not 0 <= price < np.inf:
        raise ValueError(f"price must be finite and at least 0, got {price}")
    found = [_choose(p, r - price, symbols - 1, silence, SUBSETS / r.shape[1]) for silence in r.T]
    best = int(np.argmax([value for value, _, _ in found]))
    exact = all(exact for _, _, exact in found)
    decoder = np.resize(np.append(best, found[best][1]), symbols)
    cost = price * (np.arange(symbols) > 0)
    encoder = (r[:, decoder] - cost).argmax(axis=1)
    speaking = float(p[encoder > 0].sum())
    value = _mean(p, r, decoder[encoder]) - price * speaking
    return SpeakingOneShot(value, exact, "subsets" if exact else "local search", encoder, decoder, speaking)


def noisy_one_shot(prior: ArrayLike, reward: ArrayLike, W: ArrayLike) -> OneShot:
    """Best mean reward with one use of the channel `W[x, y]`, shape (messages, outputs), rows sum to 1.

    Without noise this is `one_shot`. Otherwise all encoders (with the best decoder) or all decoders (with the best
    encoder) are tried, whichever is less work; if even that is too much, both are improved in turn from many starts,
    and the result is called exact only if it meets the `leakage_bound`. Codes that differ by a renaming of messages are
    tried once if the channel cannot tell: K-ary symmetric, with or without erasures as its last outputs.
    For n uses pass the n-fold product channel. Raises ValueError for a W that is not stochastic, else as `one_shot`.

    >>> noisy_one_shot([0.25] * 4, np.eye(4), [[0.95, 0.05], [0.05, 0.95]]).value
    0.475
    """
    p = distribution(prior)
    r = reward_table(reward, len(p))
    W = stochastic(W)
    if np.isin(W, (0, 1)).all():
        return _noiseless(p, r, W.argmax(axis=1), outputs=W.shape[1])
    (inputs, outputs), (states, actions) = W.shape, r.shape
    encoders, encoder_rule = inputs**states, partial(_free, inputs)
    decoders, decoder_rule = actions**outputs, partial(_free, actions)
    if _is_symmetric(W):
        encoders, encoder_rule = _partitions(states, inputs), partial(_renamed, inputs)
        decoders = comb(actions + inputs - 1, inputs) * actions ** (outputs - inputs)
        decoder_rule = partial(_sorted, actions, inputs)

    decode, encode = partial(_decode, p, r, W), partial(_encode, p, r, W)
    width = 1 + BLOCK // (states * outputs + outputs * actions + states * inputs)
    if min(encoders * actions, decoders * inputs) * states * outputs > CODES:
        rounding = ROUNDING * np.abs(r).max()
        encoder, decoder, value = _improve(decode, encode, inputs, states, width, rounding)
        worst = r.min(axis=1)  # sure to come, so that only what exceeds it can leak
        bound = leakage_bound(p, r - worst[:, None], W) + p @ worst
        return OneShot(value, bool(value >= bound - rounding), "local search", encoder, decoder)
    if encoders * actions <= decoders * inputs:
        encoder, decoder, value = _exhaust(_words(states, encoder_rule, width), decode)
        return OneShot(value, True, "encoders", encoder, decoder)
    decoder, encoder, value = _exhaust(_words(outputs, decoder_rule, width), encode)
    return OneShot(value, True, "decoders", encoder, decoder)


def entropy_coded(prior: ArrayLike, reward: ArrayLike) -> tuple[Array, Array]:
    """Best mean reward with a message of at most so many bits of entropy: the Pareto frontier (entropies, values).

    Both of shape (n,) and rising: `values[i]` is earned by a deterministic encoder whose message has entropy `entropies[i]`,
    and by none with less. Every partition of up to 10 states is tried; more raise ValueError, as does what does not fit.

    >>> entropy_coded([0.5, 0.25, 0.25], np.eye(3))[0].round(9).tolist()
    [0.0, 0.811278124, 1.5]
    """
    p = distribution(prior)
    r = reward_table(reward, len(p))
    if len(p) > 10:
        raise ValueError(f"at most 10 states have all their partitions tried, got {len(p)}")
    symbols = np.arange(len(p))
    found = []
    for codes in _words(len(p), partial(_renamed, len(p)), width=1 + BLOCK // (len(p) * (len(p) + r.shape[1]))):
        cells = (codes[:, :, None] == symbols).swapaxes(1, 2).astype(float)  # [code, symbol, state]
        mass = cells @ p
        bits = -(mass * np.log2(mass, where=mass > 0, out=np.zeros_like(mass))).sum(axis=1)
        found.append(np.stack([bits, (cells @ (p[:, None] * r)).max(axis=2).sum(axis=1)]))
    entropies, values = np.concatenate(found, axis=1).round(12) + 0.0  # no -0
    order = np.lexsort([-values, entropies])
    values = values[order]
    better = np.append(True, values[1:] > np.maximum.accumulate(values)[:-1])
    return entropies[order][better], values[better]


def _check_symbols(symbols: int) -> None:
    if not isinstance(symbols, int | np.integer) or symbols < 1:
        raise ValueError(f"symbols must be a whole number from 1, got {symbols}")


def _mean(p: Array, r: Array, actions: Table) -> float:
    return float(p @ r[np.arange(len(p)), actions])


# Which actions to have at hand


def _is_ordered(r: Array) -> bool:
    """Whether r is a Monge array, or the negative of one (Monge 1781; Burkard, Klinz and Rudolf 1996)."""
    cross = np.diff(np.diff(r, axis=0), axis=1)
    return bool(cross.min(initial=0) >= -ROUNDING * np.ptp(r) or cross.max(initial=0) <= ROUNDING * np.ptp(r))


def _intervals(p: Array, r: Array, m: int) -> Table:
    """The m actions that serve best, one an interval of states: dynamic programming over where the last one starts."""
    states = len(p)
    total = np.vstack([np.zeros(r.shape[1]), np.cumsum(p[:, None] * r, axis=0)])
    served = np.full((states + 1, states + 1), -np.inf)  # [i, j]: what one action earns on states i to j - 1
    for i in range(states + 1):
        served[i, i:] = (total[i:] - total[i]).max(axis=1)
    earned = served[0]
    starts = []
    for _ in range(m - 1):
        split = earned[:, None] + served
        starts.append(split.argmax(axis=0))
        earned = split.max(axis=0)
    end, actions = states, []
    for start in [*starts[::-1], np.zeros(states + 1, int)]:
        actions.append(int((total[end] - total[start[end]]).argmax()))
        end = start[end]
    return np.array(actions)


def _choose(p: Array, r: Array, m: int, floor: Array, lookups: float) -> tuple[float, Table, bool]:
    """At most m actions for the largest E max(floor, max_a r); its value, the actions, and whether that is exact."""
    states, actions = r.shape
    m = min(m, actions)
    if comb(actions, m) * states * m > lookups:
        return _swap(p, r, m, floor)
    best, chosen = -np.inf, np.empty(0, int)
    for sets in _words(m, partial(_increasing, actions, m), width=1 + BLOCK // (states * m + 1)):
        values = p @ np.maximum(r[:, sets].max(axis=2, initial=-np.inf), floor[:, None])
        if values.max() > best:
            best, chosen = values.max(), sets[values.argmax()]
    return float(best), chosen, True


def _swap(p: Array, r: Array, m: int, floor: Array) -> tuple[float, Table, bool]:
    """Add the best action m times, then exchange one while that helps (Teitz and Bart 1968)."""
    chosen: list[int] = []
    for _ in range(m):
        covered = np.maximum(floor, r[:, chosen].max(axis=1, initial=-np.inf))
        chosen.append(int((p @ np.maximum(r, covered[:, None])).argmax()))
    value = p @ np.maximum(floor, r[:, chosen].max(axis=1))
    improved = True
    while improved:
        improved = False
        for k in range(m):
            rest = chosen[:k] + chosen[k + 1 :]
            covered = np.maximum(floor, r[:, rest].max(axis=1, initial=-np.inf))
            values = p @ np.maximum(r, covered[:, None])
            if values.max() > value + ROUNDING * np.abs(r).max():
                value, chosen[k], improved = values.max(), int(values.argmax()), True
    return float(value), np.array(chosen), False


# What to say over a noisy channel

Reply = Callable[[Table], tuple[Table, Array]]
"""The best other half of each of n codes, and its value: encoders [n, states] <-> decoders [n, outputs]."""


def _decode(p: Array, r: Array, W: Array, encoders: Table) -> tuple[Table, Array]:
    gain = W[encoders].swapaxes(1, 2) @ (p[:, None] * r)  # [code, output, action]
    return gain.argmax(axis=2), gain.max(axis=2).sum(axis=1)


def _encode(p: Array, r: Array, W: Array, decoders: Table) -> tuple[Table, Array]:
    gain = r[:, decoders].swapaxes(0, 1) @ W.T  # [code, state, input]
    return gain.argmax(axis=2), gain.max(axis=2) @ p


def _exhaust(blocks: Iterator[Table], reply: Reply) -> tuple[Table, Table, float]:
    best, code, answer = -np.inf, np.empty(0, int), np.empty(0, int)
    for codes in blocks:
        answers, values = reply(codes)
        if values.max() > best:
            best, code, answer = values.max(), codes[values.argmax()], answers[values.argmax()]
    return code, answer, float(best)


def _improve(decode: Reply, encode: Reply, inputs: int, states: int, width: int, rounding: float) -> tuple[Table, Table, float]:
    """Best replies in turn, as in Lloyd's (1957) quantiser, from silence, from naming the state, and at random."""
    starts = np.random.default_rng(0).integers(inputs, size=(STARTS, states))
    starts[0] = 0
    starts[1] = np.arange(states) % inputs
    found = []
    for encoders in np.array_split(starts, -(-STARTS // width)):
        decoders, values = decode(encoders)
        while True:
            encoders, _ = encode(decoders)
            decoders, improved = decode(encoders)
            if (improved <= values + rounding).all():
                break
            values = improved
        best = improved.argmax()
        found.append((encoders[best], decoders[best], float(improved[best])))
    return max(found, key=lambda code: code[2])


def _noiseless(p: Array, r: Array, heard: Table, outputs: int) -> OneShot:
    """Messages that are heard alike are one symbol."""
    symbols, message = np.unique(heard, return_index=True)
    code = one_shot(p, r, len(symbols))
    decoder = np.zeros(outputs, int)
    decoder[symbols] = code.decoder
    return replace(code, encoder=message[code.encoder], decoder=decoder)


def _is_symmetric(W: Array) -> bool:
    """Whether renaming the messages, and the first outputs with them, leaves W[x, y] as it is."""
    inputs = len(W)
    if W.shape[1] < inputs:
        return False
    other = W[0, inputs - 1]
    renamed = other + (W[0, 0] - other) * np.eye(inputs)
    return np.allclose(W[:, :inputs], renamed, 0, ROUNDING) and np.allclose(W[:, inputs:], W[0, inputs:], 0, ROUNDING)


# Enumeration, letter by letter. A rule says which letters may follow each of n prefixes: from `first`, up to `stop`.

Rule = Callable[[Table], tuple[Table, Table]]


def _words(length: int, rule: Rule, width: int) -> Iterator[Table]:
    """All words of that length, shape (n, length), in blocks that hold few more than `width`."""
    stack = [np.zeros((1, 0), int)]
    while stack:
        words = stack.pop()
        if words.shape[1] == length:
            yield words
            continue
        first, stop = rule(words)
        parent = np.repeat(np.arange(len(words)), stop - first)
        letter = np.arange(len(parent)) + np.repeat(stop - np.cumsum(stop - first), stop - first)
        words = np.column_stack([words[parent], letter])
        stack.extend(np.array_split(words, -(-len(words) // width)))


def _free(letters: int, words: Table) -> tuple[Table, Table]:
    """Any letter."""
    return np.zeros(len(words), int), np.full(len(words), letters)


def _renamed(letters: int, words: Table) -> tuple[Table, Table]:
    """A letter that occurs already, or the next new one: one word for each partition of the positions."""
    return np.zeros(len(words), int), np.minimum(words.max(axis=1, initial=-1) + 2, letters)


def _sorted(letters: int, positions: int, words: Table) -> tuple[Table, Table]:
    """Letters that never fall over the first positions, and any letter after."""
    rising = 0 < words.shape[1] < positions
    return words[:, -1] if rising else np.zeros(len(words), int), np.full(len(words), letters)


def _increasing(letters: int, length: int, words: Table) -> tuple[Table, Table]:
    """Letters that always rise, and leave room for the rest: one word for each set of `length` letters."""
    first = words[:, -1] + 1 if words.shape[1] else np.zeros(len(words), int)
    return first, np.full(len(words), letters - length + words.shape[1] + 1)


def _partitions(n: int, blocks: int) -> int:
    """Number of partitions of n things into at most that many blocks: Stirling numbers of the second kind, summed."""
    into = [1]
    for _ in range(n):
        into = [0, *[k * same + fewer for k, (fewer, same) in enumerate(pairwise([*into, 0]), start=1)]][: blocks + 1]
    return sum(into)
