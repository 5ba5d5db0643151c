"""Who needs to know: what of a partner's type matters for how to play with it, and what b bits of that are worth.

A common-payoff game of H steps: the ego picks a in state s, its partner of type theta picks b from a policy that is known, both
earn R[s, a, b], and the next state is drawn from P[s, a, b]. Lauffer, Shah, Carroll, Dennis, Russell (2023), Who needs to know?
Minimal knowledge for optimal coordination.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from commenv import info
from commenv.core.errors import bad, whole

Array = np.ndarray

TIE = 1e-9
"""Reward by which an action may fall short and still be optimal."""
POSSIBLE = 1e-12
"""Probability below which a state is not reached."""
MOST_TYPES = 12
"""Types beyond which no minimal cover is searched: it looks at all their subsets."""
MOST_POLICIES = 2**16
"""Policies of the ego beyond which they are not all tried."""


@dataclass(frozen=True)
class KnowledgeGame:
    """The tables of a game, validated. Raises ValueError for tables that do not fit together."""

    reward: ArrayLike
    """R[s, a, b], shape (S, A, B)."""
    transition: ArrayLike
    """P[s, a, b, s'], shape (S, A, B, S), last axis sums to 1."""
    types: ArrayLike
    """Policy of each type of partner, [theta, t, s, b], shape (T, H, S, B), last axis sums to 1."""
    prior: ArrayLike | None = None
    """Distribution of the type, shape (T,); None: uniform."""
    start: int = 0
    """State at the beginning."""

    def __post_init__(self) -> None:
        tables = {"reward": 3, "transition": 4, "types": 4}
        for name, axes in tables.items():
            try:
                table = np.array(getattr(self, name), float)
            except (TypeError, ValueError, OverflowError):
                raise bad(name, getattr(self, name), f"a table of numbers with {axes} axes") from None
            if table.ndim != axes or not table.size or not np.isfinite(table).all():
                raise ValueError(f"{name} of shape {table.shape} is not allowed: it must be {axes} axes of finite numbers")
            if axes == 4 and ((table < 0).any() or not np.allclose(table.sum(axis=-1), 1, atol=1e-9)):
                raise ValueError(f"{name} must be distributions: not negative, its last axis with sum 1")
            object.__setattr__(self, name, table)
        S, A, B = np.shape(self.reward)
        if np.shape(self.transition) != (S, A, B, S) or np.shape(self.types)[2:] != (S, B):
            shapes = np.shape(self.reward), np.shape(self.transition), np.shape(self.types)
            raise ValueError(f"tables of shapes {shapes} do not fit: they must be (S, A, B), (S, A, B, S) and (T, H, S, B)")
        T = len(np.asarray(self.types))
        prior = np.full(T, 1 / T) if self.prior is None else info.distribution(self.prior)
        if len(prior) != T:
            raise bad("prior", self.prior, f"the probabilities of {T} types")
        object.__setattr__(self, "prior", prior)
        whole("start", self.start, 0, S - 1)

    @property
    def sizes(self) -> tuple[int, int, int, int, int]:
        """T types, H steps, S states, A actions of the ego, B of its partner."""
        T, H, S, B = np.shape(self.types)
        return T, H, S, np.shape(self.reward)[1], B

    @cached_property
    def _met(self) -> tuple[Array, Array]:
        """Of each type: mean reward [T, H, S, A] and next state [T, H, S, A, S] of what the ego does."""
        R, P, types = np.asarray(self.reward), np.asarray(self.transition), np.asarray(self.types)
        return np.einsum("kHsb,sab->kHsa", types, R), np.einsum("kHsb,sabz->kHsaz", types, P)

    @cached_property
    def optimal(self) -> tuple[Array, Array]:
        """Best value V[theta, t, s] with each type known, shape (T, H + 1, S); and which actions attain it, (T, H, S, A)."""
        reward, move = self._met
        T, H, S, A, _ = self.sizes
        V, best = np.zeros((T, H + 1, S)), np.zeros((T, H, S, A), bool)
        for t in reversed(range(H)):
            Q = reward[:, t] + np.einsum("ksaz,kz->ksa", move[:, t], V[:, t + 1])
            V[:, t] = Q.max(axis=-1)
            best[:, t] = V[:, t, :, None] - Q <= TIE
        return V, best

    @property
    def known(self) -> Array:
        """Value of each type when it is known, shape (T,)."""
        return self.optimal[0][:, 0, self.start]

    @cached_property
    def reveals(self) -> bool:
        """Whether what happens may tell the ego its partner's type: in one step, or where types move it alike, it does not."""
        _, move = self._met
        H = self.sizes[1]
        return H > 1 and not np.allclose(move[:, : H - 1], move[:1, : H - 1], atol=POSSIBLE)


def strategic_classes(game: KnowledgeGame) -> list[int]:
    """Which types call for the same play: the class of each, from 0 in the order of the types.

    Two types are equivalent in state s at t if the same actions are optimal, and after each of those they are equivalent in every
    state that may follow. ceil(log2 of how many) bits about the type suffice for optimal play.
    """
    _, best = game.optimal
    _, move = game._met
    T, H, S, _, _ = game.sizes
    ids: dict[Any, int] = {}
    after = np.zeros((T, S), int)
    for t in reversed(range(H)):
        now = np.zeros((T, S), int)
        for k, s in product(range(T), range(S)):
            actions = np.flatnonzero(best[k, t, s])
            follow = tuple(
                tuple((int(z), int(after[k, z])) for z in np.flatnonzero(move[k, t, s, a] > POSSIBLE)) for a in actions
            )
            now[k, s] = ids.setdefault((t, tuple(actions.tolist()), follow), len(ids) + 1)
        after = now
    order: dict[int, int] = {}
    return [order.setdefault(int(one), len(order)) for one in after[:, game.start]]


def share_a_policy(game: KnowledgeGame, block: Sequence[int]) -> bool:
    """Whether one policy on clock and state is optimal with every type of a block."""
    _, best = game.optimal
    _, move = game._met
    H = game.sizes[1]
    failed: set[tuple[int, Any]] = set()

    def goes_on(t: int, reached: dict[int, frozenset[int]]) -> bool:
        """reached: which types may be met in each state at t."""
        key = (t, frozenset(reached.items()))
        if t == H:
            return True
        if key in failed:
            return False
        common = [np.flatnonzero(best[sorted(types), t, s].all(axis=0)) for s, types in reached.items()]
        for actions in product(*common):
            following: dict[int, frozenset[int]] = {}
            for (s, types), a in zip(reached.items(), actions, strict=True):
                for k in types:
                    for z in np.flatnonzero(move[k, t, s, a] > POSSIBLE):
                        following[int(z)] = following.get(int(z), frozenset()) | {k}
            if goes_on(t + 1, following):
                return True
        failed.add(key)
        return False

    return goes_on(0, {game.start: frozenset(block)})


def minimal_cover(game: KnowledgeGame) -> list[list[int]]:
    """The fewest blocks of types such that one policy is optimal with all of a block; log2 of how many bits suffice.

    Fewer than the classes where a type is indifferent. Exact, over all subsets of at most 12 types; raises ValueError for more.
    """
    T = game.sizes[0]
    if T > MOST_TYPES:
        raise ValueError(f"{T} types are too many for a minimal cover: at most {MOST_TYPES}")
    fits = [mask > 0 and share_a_policy(game, _members(mask)) for mask in range(2**T)]
    least, last = [0] + [T + 1] * (2**T - 1), [0] * 2**T
    for mask in range(1, 2**T):
        low = mask & -mask
        block = mask
        while block:  # subsets of what is left that hold its first type
            if block & low and fits[block] and least[mask ^ block] + 1 < least[mask]:
                least[mask], last[mask] = least[mask ^ block] + 1, block
            block = (block - 1) & mask
    blocks, left = [], 2**T - 1
    while left:
        blocks.append(_members(last[left]))
        left ^= last[left]
    return sorted(blocks)


def _members(mask: int) -> list[int]:
    return [k for k in range(mask.bit_length()) if mask >> k & 1]


def policies(game: KnowledgeGame) -> Iterator[Array]:
    """Every policy on clock and state that differs where play may come: tables (H, S) of actions, 0 elsewhere.

    Raises ValueError where there are more than 65,536.
    """
    places = reachable_places(game)
    _, H, S, A, _ = game.sizes
    if A ** len(places) > MOST_POLICIES:
        raise ValueError(f"{A}**{len(places)} policies are too many to try: at most {MOST_POLICIES}")
    for actions in product(range(A), repeat=len(places)):
        table = np.zeros((H, S), int)
        for (t, s), a in zip(places, actions, strict=True):
            table[t, s] = a
        yield table


def reachable_places(game: KnowledgeGame) -> list[tuple[int, int]]:
    """(t, s) to which play may come, with any type and whatever the ego does."""
    _, move = game._met
    _, H, _, _, _ = game.sizes
    found, here = [], {game.start}
    for t in range(H):
        found += [(t, s) for s in sorted(here)]
        here = {int(z) for s in here for z in np.flatnonzero((move[:, t, s] > POSSIBLE).any(axis=(0, 1)))}
    return found


def policy_values(game: KnowledgeGame, tables: Sequence[Array]) -> Array:
    """Value of each policy with each type, shape (T, policies)."""
    reward, move = game._met
    T, H, S, _, _ = game.sizes
    chosen = np.asarray(tables)
    V = np.zeros((T, len(chosen), S))
    states = np.arange(S)
    for t in reversed(range(H)):
        a = chosen[:, t]  # (policies, S)
        V = reward[:, t][:, states, a] + np.einsum("kpsz,kpz->kps", move[:, t][:, states, a], V)
    return V[:, :, game.start]


@dataclass(frozen=True)
class Menus:
    """Policies that no type plays alike, and what each earns: whoever is told log2 k bits of the type chooses among k of them."""

    tables: list[Array]
    """Policies, (H, S) actions each."""
    values: Array
    """Shape (T, policies)."""

    def best(self, game: KnowledgeGame, k: int) -> info.OneShot:
        """max over menus of k policies of the mean over types of the best one; its decoder names the policies."""
        return info.one_shot(np.asarray(game.prior), self.values, whole("k", k, 1))


def menus(game: KnowledgeGame) -> Menus:
    """All policies on clock and state; of those that earn the same with every type, the first. Raises as `policies` does."""
    tables = list(policies(game))
    values = policy_values(game, tables)
    _, first = np.unique(values.round(12), axis=1, return_index=True)
    first = np.sort(first)
    return Menus([tables[j] for j in first], values[:, first])
