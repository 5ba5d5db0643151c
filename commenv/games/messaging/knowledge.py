"""Knowledge: an informant knows a partner's type and has b bits to say what of it matters; an ego then plays with the partner.

Agents: `informant`, who sees the type and sends one message, and `ego`, who plays H steps with a partner that is no agent: it
acts by the policy of its type. In state s the ego picks a, the partner b; both agents earn R[s, a, b], and the next state is
drawn from P[s, a, b]. What was said stays in the ego's inbox for the whole game. The ego sees neither the partner's acts nor
rewards; where states tell something of the type it may learn from them too.

| | informant | ego |
|---|---|---|
| observation | type, one-hot, shape (T,) | state and step of play, one-hot, (S + H,), then the inbox, (2**bits + 1,) |
| action | message, Discrete(2**bits) | a, Discrete(A) |

Instances: `two_stage` (take `safe` at once, or go on and earn 1 for doing what the partner does: 1 with a probability of 0, .2,
.45, .5, .55, .8 or 1, which is its type, else 0), `driving` (earn 1 for the partner's side of the road, less .1 for each degree
of its accelerating; six types, three on each side, which is all there is to know), or tables of your own.

Reward: R, the same for both, summed over the steps of play. Ends after H of them; the informant's step is one more.
Success: 1 if the ego took an action, in every step, that would be optimal with this type known.

Limits, in reward a game. silent and reachable: the best menu of 1, or of 2**bits, policies on clock and state, all menus tried;
through a noisy channel the best code into them. Exact where states tell nothing of the type; elsewhere an ego with a memory may
earn more. ceiling: the reward-rate function at the channel's capacity over those policies where states tell nothing, else the
value of the type known. `commenv.solvers.knowledge` says which types are alike, and how many blocks of them suffice.

Lauffer, Shah, Carroll, Dennis, Russell (2023), Who needs to know? Minimal knowledge for optimal coordination.
Version history: v0 first release.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np

from commenv import info
from commenv.core import game as core
from commenv.core.errors import number, whole, word
from commenv.core.game import Layout, Role
from commenv.core.generator import categorical, rule
from commenv.core.limits import Limit, Limits
from commenv.core.situations import Situations
from commenv.solvers.knowledge import KnowledgeGame, menus, policy_values

INFORMANT, EGO = 0, 1

Table = Sequence[Any]


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 1

    instance: str = "two_stage"
    """`two_stage`, `driving`, or `tables`: then reward, transition and types are yours."""
    safe: float = 0.5
    """What a two-stage game pays to an ego that does not go on, 0 to 1."""
    reward: Table | None = None
    """R[s, a, b], shape (S, A, B)."""
    transition: Table | None = None
    """P[s, a, b, s'], shape (S, A, B, S)."""
    types: Table | None = None
    """Policies of the partner's types, [type, t, s, b], shape (T, H, S, B)."""
    prior: Sequence[float] | None = None
    """Distribution of the type, length T; None: uniform."""
    start: int = 0
    """State at the beginning, of your own tables."""

    def __post_init__(self) -> None:
        super().__post_init__()
        number("safe", self.safe, 0, 1)
        tables = (self.reward, self.transition, self.types)
        word("instance", self.instance, ("two_stage", "driving", "tables"))
        if whole("start", self.start, 0) and self.instance != "tables":
            raise ValueError(
                f"start={self.start} is a state of your own tables: instance={self.instance!r} has its own beginning"
            )
        if (self.instance == "tables") != all(table is not None for table in tables) or (
            self.instance != "tables" and any(table is not None for table in tables)
        ):
            raise ValueError("instance='tables' and the tables reward, transition and types belong together: give all or none")
        assert self.tables.sizes  # made here, so that tables that do not fit are refused here

    @cached_property
    def tables(self) -> KnowledgeGame:
        """The game's tables."""
        if self.instance == "driving":
            return _driving(self.prior)
        if self.instance == "two_stage":
            return _two_stage(self.safe, self.prior)
        assert self.reward is not None
        assert self.transition is not None
        assert self.types is not None
        return KnowledgeGame(self.reward, self.transition, self.types, self.prior, self.start)


def _driving(prior: Sequence[float] | None) -> KnowledgeGame:
    side, accelerating = np.arange(6) // 3, np.arange(6) % 3
    reward = (side == np.arange(2)[:, None]) - 0.1 * accelerating
    return KnowledgeGame(reward[None], np.ones((1, 2, 6, 1)), np.eye(6)[:, None, None], prior)


def _two_stage(safe: float, prior: Sequence[float] | None) -> KnowledgeGame:
    first, second, over = range(3)
    reward, transition = np.zeros((3, 2, 2)), np.zeros((3, 2, 2, 3))
    reward[first, 0], reward[second] = safe, np.eye(2)
    transition[first, 1, :, second] = 1
    transition[first, 0, :, over] = transition[second, :, :, over] = transition[over, :, :, over] = 1
    once = np.array([0, 0.2, 0.45, 0.5, 0.55, 0.8, 1])
    policy = np.stack([1 - once, once], axis=1)
    return KnowledgeGame(reward, transition, np.broadcast_to(policy[:, None, None], (7, 2, 3, 2)), prior)


class Parameters(NamedTuple):
    prior: np.ndarray  # cumulative, (T,)
    reward: np.ndarray  # (S, A, B)
    transition: np.ndarray  # cumulative, (S, A, B, S)
    types: np.ndarray  # cumulative, (T, H, S, B)
    optimal: np.ndarray  # 1 where an action is, (T, H, S, A)
    start: int


class Game(core.Game):
    state: int  # the type: what messages are about
    place: int
    erred: int


class Agent(core.Agent):
    pass


def layout(options: Options) -> Layout:
    T, H, S, A, _ = options.tables.sizes
    roles = (Role("informant", actions=1, observation=T), Role("ego", actions=A, observation=S + H))
    return Layout(roles=roles, links=((INFORMANT, EGO),), turns=True, holds=True)


def parameters(options: Options) -> Parameters:
    game = options.tables
    summed = [np.cumsum(np.asarray(table), axis=-1) for table in (game.prior, game.transition, game.types)]
    return Parameters(
        prior=summed[0],
        reward=np.ascontiguousarray(np.asarray(game.reward)),
        transition=np.ascontiguousarray(summed[1]),
        types=np.ascontiguousarray(summed[2]),
        optimal=game.optimal[1].astype(np.int64),
        start=game.start,
    )


def reset(p, game, agents, board, rng):
    game.turn = INFORMANT
    game.state = categorical(rng, p.prior)
    game.place = p.start
    game.erred = 0


@rule
def played(game):
    """Steps of play that are over; the informant's is none."""
    return game.t - 1


def step(p, game, agents, board, act, sent, reward, rng):
    if game.turn == INFORMANT:
        game.turn = EGO
        return False
    t, s, a = played(game), game.place, act[EGO]
    if p.optimal[game.state, t, s, a] == 0:
        game.erred = 1
    b = categorical(rng, p.types[game.state, t, s])
    reward[INFORMANT] = reward[EGO] = p.reward[s, a, b]
    game.place = categorical(rng, p.transition[s, a, b])
    return t + 1 == p.types.shape[1]


def observe(p, game, agents, board, i, obs):
    for k in range(len(obs)):
        obs[k] = 0.0
    if i == INFORMANT:
        obs[game.state] = 1.0
        return
    obs[game.place] = 1.0
    t = max(played(game), 0)  # before the informant has spoken, what comes first
    if t < p.types.shape[1]:
        obs[p.transition.shape[0] + t] = 1.0


def success(p, game, agents, board):
    return 1.0 - game.erred


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    who = "informant" if game["turn"] == INFORMANT else "ego"
    return f"step {game['t']}: type {game['state']}, state {game['place']}, {who} to move"


def situations(options: Options) -> Situations | None:
    game = options.tables
    T, H, S, A, _ = game.sizes
    if H > 1 or (options.max_cycles is not None and options.max_cycles < 2):
        return None
    seen = np.zeros((T, S + H), np.float32)
    seen[:, [game.start, S]] = 1.0
    alone = [np.full((1, S), a) for a in range(A)]
    return Situations(np.asarray(game.prior), np.arange(T), np.eye(T, dtype=np.float32), seen, policy_values(game, alone), 1)


# ---------------------------------------------------------------------------------------------------------------- limits
def limits(options: Options) -> Limits:
    game, channel = options.tables, options.link
    H = game.sizes[1]
    prior = np.asarray(game.prior)
    known = float(prior @ game.known)
    if options.max_cycles is not None and options.max_cycles < H + 1:
        cut = Limit(known, False, "upper bound: the type known, and the game not cut short")
        return Limits(silent=cut, reachable=cut, ceiling=cut)
    found, tells = menus(game), game.reveals
    learns = "; an ego with a memory may learn from states" if tells else ""
    silence = found.best(game, 1)
    silent = Limit(silence.value, not tells, f"best policy on clock and state{learns}")
    if tells:
        ceiling = Limit(known, False, "the type known")
    else:
        bound = info.rate_reward(prior, found.values, channel.capacity)
        ceiling = Limit(min(bound.upper, known), bound.gap < 1e-9, "reward-rate function at capacity, dual bound (Blahut 1972)")
    if not channel.memoryless or channel.floats:
        return Limits(
            silent=silent, reachable=Limit(ceiling.value, False, "the ceiling: not all codes can be tried"), ceiling=ceiling
        )
    noiseless = channel.capacity == np.log2(channel.size)
    code = found.best(game, channel.size) if noiseless else info.noisy_one_shot(prior, found.values, channel.matrix)
    reachable = Limit(code.value, code.exact and not tells, f"best menu of {channel.size} policies, by {code.method}{learns}")
    return Limits(silent=silent, reachable=reachable, ceiling=ceiling)
