"""What messages do: whether they say something, whether anybody listens, and what a bit of them is worth. In bits.

Of policies, exact: `positive_signalling`, `positive_listening`, `causal_influence`. Of samples: `speaker_consistency`,
`instantaneous_coordination`, `two_speakers`, `topographic_similarity`. Of meanings: `semantic_information`.

What is only seen together proves no use: where a state moves message and act alike they agree though nobody listens. So
co-occurrence comes with the chance of seeing as much without any (`p_value`) and with what is left at equal states
(`conditional`), and causal influence sets messages itself. And before anybody claims communication, play with messages
shuffled among games, and with none: what is then lost is what they are worth (`commenv evaluate`).
Lowe, Foerster, Boureau, Pineau, Dauphin (2019), On the pitfalls of measuring emergent communication.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from commenv.info.distributions import Array, distribution, frequencies, numbers, stochastic
from commenv.info.estimates import Estimate, Method, estimate_mutual_information
from commenv.info.measures import conditional_mutual_information, entropy, mutual_information, o_information
from commenv.info.partial_information import PartialInformation, partial_information

PAIRS = 5_000
"""Meanings beyond which all pairs of them are too many."""


@dataclass(frozen=True)
class Signalling:
    """What a speaker tells of what it sees. It signals positively if `information` is above 0."""

    information: float
    """I(M; O), at least 0."""
    message_entropy: float
    """H(M): bits a message takes at best, silence counted as one."""
    noise: float
    """H(M | O): bits of a message that tell nothing of what was seen."""

    @property
    def per_bit(self) -> float:
        """I(M; O) / H(M), from 0 to 1: bits told for each bit sent; 0 where messages never differ."""
        return self.information / self.message_entropy if self.message_entropy > 0 else 0.0


@dataclass(frozen=True)
class Listening:
    """How far messages move a listener, beside a message that stands for none. It listens positively if either is above 0."""

    distance: float
    """E sum_a |pi(a | o, m) - pi(a | o, null)|, from 0 to 2."""
    divergence: float
    """E D(pi(. | o, m) || pi(. | o, null)); infinite where the null message excludes an act."""


@dataclass(frozen=True)
class Cooccurrence:
    """How messages and acts occur together; see the module for what that does not prove."""

    bits: Estimate
    """I(message; act), with its standard error and, by permutations, its p-value."""
    conditional: float | None
    """I(message; act | state), the mean over states of the estimate in each; None without states."""


@dataclass(frozen=True)
class TwoSpeakers:
    """What two messages tell of one target, estimated by frequencies."""

    parts: PartialInformation
    """Redundancy, unique information and synergy (BROJA)."""
    o_information: float
    """Of both messages and the target: above 0 redundant, below 0 synergetic."""
    broadcast: float
    """I(message 1; message 2): what both say, whatever it is about."""


def positive_signalling(policy: ArrayLike, prior: ArrayLike) -> Signalling:
    """What messages tell of observations: `policy[o, m]` the speaker's, `prior[o]`. Lowe et al. (2019).

    >>> told = positive_signalling([[1, 0], [1, 0], [0, 1], [0, 1]], [0.25] * 4)
    >>> told.information, told.per_bit
    (1.0, 1.0)
    """
    W, p = stochastic(policy), distribution(prior)
    joint = _weighted("policy", W, p)
    messages = entropy(joint.sum(axis=0))
    information = min(mutual_information(joint), messages)
    return Signalling(information, messages, max(0.0, messages - information))


def positive_listening(policy: ArrayLike, messages: ArrayLike, null: ArrayLike, prior: ArrayLike | None = None) -> Listening:
    """How messages move the acts of a listener: `policy[o, m, a]`, `messages[o, m]` how likely each is where o is seen.

    null: what the listener does without a message, shape (o, a); or the number of the message that stands for none.
    prior: of o; None: all alike. Lowe et al. (2019).

    >>> positive_listening([[[1, 0], [0, 1]]], [[0.5, 0.5]], null=0).distance
    1.0
    """
    acts = _conditional_policy(policy)
    W, p = _situations(messages, acts, prior)
    if np.ndim(null) == 0:
        m = np.asarray(null)
        if m.dtype.kind not in "iu" or not 0 <= m < acts.shape[1]:
            raise ValueError(f"null must be a message from 0 to {acts.shape[1] - 1} or a policy, got {null!r}")
        silent = acts[:, int(m)]
    else:
        silent = stochastic(null)
        if silent.shape != (len(acts), acts.shape[2]):
            raise ValueError(f"null must have shape {(len(acts), acts.shape[2])}, got {silent.shape}")
    weight = p[:, None] * W
    distance = float((weight * np.abs(acts - silent[:, None]).sum(axis=2)).sum())
    sent = weight > 0
    return Listening(distance, float(weight[sent] @ _divergence(acts, silent[:, None])[sent]))


def causal_influence(speaker: ArrayLike, listener: ArrayLike, prior: ArrayLike | None = None) -> float:
    """Causal influence of communication, one step: E I(M; A) where messages are set, in bits, at least 0. Lowe et al. (2019).

    In situation i the speaker would say m with `speaker[i, m]` and the listener, told m, would do a with `listener[i, m, a]`:
    p(a) = sum_m p(m) p(a | m). prior: of situations; None: all alike. It is the mean social influence of Jaques et al. (2019).

    >>> round(causal_influence([[0.5, 0.3, 0.2]], [[[0.8, 0.2], [0.3, 0.7], [0.5, 0.5]]]), 9)
    0.151149152
    """
    weight, apart = _influences(speaker, listener, prior)
    return float((weight * apart).sum())


def influence(speaker: ArrayLike, listener: ArrayLike) -> Array:
    """D(p(a | m) || p(a)) of every situation and message, shape (i, m): what m did to the act. Jaques et al. (2019).

    >>> influence([[0.5, 0.3, 0.2]], [[[0.8, 0.2], [0.3, 0.7], [0.5, 0.5]]]).round(9)[0, 1]
    0.247485973
    """
    return _influences(speaker, listener, None)[1]


def speaker_consistency(
    messages: ArrayLike,
    actions: ArrayLike,
    states: ArrayLike | None = None,
    *,
    method: Method = "miller-madow",
    permutations: int = 200,
    seed: int = 0,
) -> Cooccurrence:
    """I(message; own act of the same step) from samples of shape (N,). Jaques et al. (2019), Lowe et al. (2019).

    states: labels of shape (N,) at which what is left is `conditional`. Its bias is that of a table for each state.
    Raises ValueError for shapes that do not fit.
    """
    return _cooccurrence(np.asarray(messages), np.asarray(actions), states, method, permutations, seed)


def instantaneous_coordination(
    messages: ArrayLike,
    actions: ArrayLike,
    states: ArrayLike | None = None,
    *,
    method: Method = "miller-madow",
    permutations: int = 200,
    seed: int = 0,
) -> Cooccurrence:
    """I(message; another's act one step later) from samples of shape (games, steps). Jaques et al. (2019).

    A game's last message and first act pair with nothing. states: as `messages`, those in which a message was sent.
    Raises ValueError for shapes that do not fit, or games of one step.
    """
    m, a = np.asarray(messages), np.asarray(actions)
    if m.ndim != 2 or m.shape != a.shape or m.shape[1] < 2:
        raise ValueError(f"messages and actions must have shape (games, steps), steps at least 2, got {m.shape} and {a.shape}")
    when = None if states is None else np.asarray(states)
    if when is not None and when.shape != m.shape:
        raise ValueError(f"states must have shape {m.shape}, got {when.shape}")
    shifted = None if when is None else when[:, :-1].ravel()
    return _cooccurrence(m[:, :-1].ravel(), a[:, 1:].ravel(), shifted, method, permutations, seed)


def two_speakers(first: ArrayLike, second: ArrayLike, target: ArrayLike) -> TwoSpeakers:
    """How two messages share what they tell of a target (the best act, say), from samples of labels of shape (N,).

    By frequencies, uncorrected: all parts are too large where cells hold few samples.
    """
    joint = frequencies(first, second, target)
    return TwoSpeakers(partial_information(joint), o_information(joint), mutual_information(joint.sum(axis=2)))


def topographic_similarity(meanings: ArrayLike, messages: Sequence, distance: str = "hamming") -> float:
    """Spearman's correlation between distances of meanings and of their messages, over all pairs. Brighton, Kirby (2006).

    meanings: attributes, shape (n, d), compared by Hamming distance. messages: shape (n, l) of symbols, or n sequences for
    distance="edit" (Levenshtein), which may differ in length. From -1 to 1; NaN where either knows one distance only.
    Raises ValueError for shapes that do not fit, or more than 5,000 meanings.

    >>> meanings = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> round(topographic_similarity(meanings, ["aa", "ab", "ba", "bb"], "edit"), 9)
    1.0
    """
    from scipy.stats import rankdata

    given = np.asarray(meanings)
    if given.ndim == 1:
        given = given[:, None]
    n = len(given)
    if given.ndim != 2 or len(messages) != n:
        raise ValueError(
            f"meanings must have shape (n, d) with a message each, got shape {given.shape} and {len(messages)} messages"
        )
    if n > PAIRS:
        raise ValueError(f"at most {PAIRS:,} meanings are compared pair by pair, got {n:,}: take a sample")
    i, j = np.triu_indices(n, 1)
    if distance == "hamming":
        said = np.asarray([list(message) if isinstance(message, str) else message for message in messages])
        said = said[:, None] if said.ndim == 1 else said
        apart = (said[i] != said[j]).sum(axis=1)
    elif distance == "edit":
        apart = np.array([_edits(messages[a], messages[b]) for a, b in zip(i.tolist(), j.tolist(), strict=True)])
    else:
        raise ValueError(f"distance must be 'hamming' or 'edit', got {distance!r}")
    far = (given[i] != given[j]).sum(axis=1)
    if len(np.unique(far)) < 2 or len(np.unique(apart)) < 2:
        return float("nan")
    return float(np.corrcoef(rankdata(far), rankdata(apart))[0, 1])


def semantic_information(prior: ArrayLike, messages: ArrayLike, truth: ArrayLike, trust: float | None = 1.0) -> float:
    """Lu's semantic mutual information of messages with what they are taken to mean, in bits; below 0 where they mislead.

    sum_{x, m} P(x) P(m | x) log2 [T(m, x) / sum_x P(x) T(m, x)], with `prior[x]`, `messages[x, m]` and the truth function
    `truth[x, m]` from 0 to 1: how true m is of x. Minus infinity where a message is sent that is false. At most I(X; M), which
    it is where truth is proportional to P(m | x) for each m. trust: how far messages are believed, 0 to 1: truth counts as
    1 - trust + trust * T, Lu's degree of confirmation; None: that which tells most, so that it is at least 0. Lu (2025), A
    semantic generalization of Shannon's information theory.

    >>> semantic_information([0.25] * 4, [[1, 0], [1, 0], [0, 1], [0, 1]], [[1, 0], [1, 0], [0, 1], [0, 1]])
    1.0
    """
    p, W = distribution(prior), stochastic(messages)
    T = numbers("truth", truth)
    if W.shape[0] != len(p) or T.shape != W.shape:
        raise ValueError(f"messages and truth must have shape ({len(p)}, messages), got {W.shape} and {T.shape}")
    if not ((T >= 0) & (T <= 1)).all():
        raise ValueError(f"truth must be from 0 to 1, got {T[~((T >= 0) & (T <= 1))][0]}")
    joint = p[:, None] * W
    sent = joint > 0

    def told(trust: float) -> float:
        believed = 1 - trust + trust * T
        if not believed[sent].all():
            return float("-inf")
        logical = np.broadcast_to(p @ believed, T.shape)
        return float(joint[sent] @ np.log2(believed[sent] / logical[sent]))

    if trust is not None:
        if not 0 <= trust <= 1:
            raise ValueError(f"trust must be from 0 to 1, got {trust}")
        return told(trust)
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(lambda trust: -told(trust), bounds=(0, 1), method="bounded", options={"xatol": 1e-9})
    return max(0.0, -float(found.fun), told(1.0))


def _cooccurrence(m: NDArray, a: NDArray, states: ArrayLike | None, method: Method, permutations: int, seed: int) -> Cooccurrence:
    found = estimate_mutual_information(m, a, method, permutations=permutations, seed=seed)
    if states is None:
        return Cooccurrence(found, None)
    s = np.asarray(states)
    if s.shape != m.shape:
        raise ValueError(f"states must have shape {m.shape}, got {s.shape}")
    _, which, times = np.unique(s, return_inverse=True, return_counts=True)
    if method == "plug-in":
        return Cooccurrence(found, conditional_mutual_information(frequencies(m, a, which)))
    within = [estimate_mutual_information(m[which == k], a[which == k], method).bits for k in range(len(times))]
    return Cooccurrence(found, float(times @ within / len(m)))


def _influences(speaker: ArrayLike, listener: ArrayLike, prior: ArrayLike | None) -> tuple[Array, Array]:
    """Weight of each situation and message, and the divergence that the message makes there."""
    acts = _conditional_policy(listener)
    W, p = _situations(speaker, acts, prior)
    mean = np.einsum("im,ima->ia", W, acts)
    apart = _divergence(acts, mean[:, None])
    return p[:, None] * W, np.where(W > 0, apart, 0.0)


def _divergence(p: Array, q: Array) -> Array:
    """D(p || q) along the last axis."""
    q = np.broadcast_to(q, p.shape)
    with np.errstate(divide="ignore"):
        return np.where(p > 0, p * (np.log2(np.where(p > 0, p, 1)) - np.log2(np.where(p > 0, q, 1))), 0.0).sum(axis=-1)


def _conditional_policy(policy: ArrayLike) -> Array:
    acts = numbers("policy", policy)
    if acts.ndim != 3:
        raise ValueError(f"a listener's policy must have shape (situations, messages, actions), got shape {acts.shape}")
    return stochastic(acts.reshape(-1, acts.shape[2])).reshape(acts.shape)


def _situations(messages: ArrayLike, acts: Array, prior: ArrayLike | None) -> tuple[Array, Array]:
    W = stochastic(messages)
    if W.shape != acts.shape[:2]:
        raise ValueError(f"the speaker's policy must have shape {acts.shape[:2]}, got {W.shape}")
    p = np.full(len(W), 1 / len(W)) if prior is None else distribution(prior)
    _weighted("the speaker's policy", W, p)
    return W, p


def _weighted(name: str, W: Array, p: Array) -> Array:
    if len(W) != len(p):
        raise ValueError(f"{name} must have a row for each of {len(p)} situations, got {len(W)}")
    return p[:, None] * W


def _edits(first: Sequence, second: Sequence) -> int:
    """Levenshtein's (1966) distance."""
    before = list(range(len(second) + 1))
    for i, a in enumerate(first, start=1):
        now = [i]
        for j, b in enumerate(second, start=1):
            now.append(min(before[j] + 1, now[-1] + 1, before[j - 1] + (a != b)))
        before = now
    return before[-1]
