"""Referential game: a sender names one of K states to a receiver over a channel of b bits a message.

Agents: `sender`, `receiver`, who move in turn. A round takes two steps: the sender sees the state and sends one message; the
receiver sees what the channel delivered and names an action. Both get `reward[state, action]`. A game has `rounds` rounds with
independent states; rewards add.

With `candidates=C` it is the game with hidden distractors: C of the K states are drawn without replacement, one of them is the
target. The sender sees the target only, the receiver sees the candidates and picks one; reward 1 for the target.

| | sender | receiver |
|---|---|---|
| observation | state, one-hot, shape (K,) | any candidates, one-hot each, shape (C * K,), then the inbox, shape (2**bits + 1,) |
| action | message, Discrete(2**bits) | action, Discrete(A), or the place of a candidate, Discrete(C) |

The inbox is the delivered symbol, one-hot with a last place for an erasure; zeros before the receiver's turn. With other channels
messages are words or floats, and may be late or lost: see Channel.

Rewards: `identity` 1 for the state's own name; `ordered` 1 - |state - action| / (K - 1); or any table, shape (K, A).
Ends after the last round; `max_cycles` may truncate it.

Limits, in reward a game. silent: max_a E r(S, a), a round. reachable: the best choice of 2**bits actions (facility location;
Kariv, Hakimi 1979), through a noisy channel the best encoder with its best receiver; with candidates equal cells (success is
concave in the size of a cell); under a budget a dynamic program over the bucket, with all codes where messages differ in price.
A message that is late is worth nothing: the receiver acts in the step after it was sent. Where the best team is not known, the
limit's source says what stands in its place, a team that attains it or a bound. ceiling: reward-rate function at the channel's
capacity, or at what the budget buys (most entropy at that mean cost), dual bound (Shannon 1959, Blahut 1972); with candidates
that of C alternatives, for what the receiver sees is its side information. States of different rounds are independent and each
is named before the next is drawn, so no code over rounds helps.

Lewis (1969), Convention; with candidates: Lazaridou, Peysakhovich, Baroni (2017).
Version history: v0 first release.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Any, ClassVar, NamedTuple

import numpy as np

from commenv import info
from commenv.core import game as core
from commenv.core import noise
from commenv.core.channel import Channel
from commenv.core.errors import bad, whole
from commenv.core.game import Layout, Role
from commenv.core.generator import categorical, integer, rule
from commenv.core.limits import Limit, Limits
from commenv.core.links import Line, lines
from commenv.core.situations import MOST, Situations

SENDER, RECEIVER = 0, 1

BUCKETS = 100_000
"""States of the bucket, over all rounds, beyond which no limit under a budget is computed."""
MANY = 6
"""Actions, and kinds of messages by price, beyond which not all codes are tried: they are 7**6 = 117,649."""
MANY = 6
"""Actions, and kinds of messages by price, beyond which not all codes are tried: they are 7**6 = 117,649."""


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 2

    states: int = 8
    """Number of states K, 2 to 4,096."""
    prior: Sequence[float] | None = None
    """Distribution of the state, length K; None: uniform. With candidates it must be None."""
    reward: str | Sequence[Sequence[float]] = "identity"
    """`identity`, `ordered`, or a table of finite numbers, shape (K, A). With candidates it must be `identity`."""
    rounds: int = 1
    """Independent states named in one game, at least 1."""
    candidates: int | None = None
    """Number C of candidates that the receiver sees, 2 to K; None: it sees none."""

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("states", self.states, 2, 4096)
        whole("rounds", self.rounds, 1, 10**6)
        if self.prior is not None:
            try:
                fits = len(info.distribution(self.prior)) == self.states
            except ValueError:
                fits = False
            if not fits:
                raise bad("prior", self.prior, f"the probabilities of {self.states} states: not negative, with sum 1")
            object.__setattr__(self, "prior", tuple(np.asarray(self.prior, float).tolist()))  # a copy: nobody changes it later
        table = self.table
        if table.ndim != 2 or len(table) != self.states or table.shape[1] < 1 or not np.isfinite(table).all():
            raise bad("reward", self.reward, f"'identity', 'ordered' or a table of finite numbers with {self.states} rows")
        if not isinstance(self.reward, str):
            object.__setattr__(self, "reward", tuple(map(tuple, table.tolist())))
        if self.candidates is not None:
            whole("candidates", self.candidates, 2, self.states)
            if self.prior is not None or not isinstance(self.reward, str) or self.reward != "identity":
                raise ValueError(
                    "candidates are drawn uniformly and picked by identity: leave prior and reward at their defaults"
                )

    @property
    def probabilities(self) -> np.ndarray:
        """Prior of the state, shape (K,)."""
        uniform = np.full(self.states, 1 / self.states)
        return uniform if self.prior is None else info.distribution(self.prior)

    @property
    def table(self) -> np.ndarray:
        """Reward, shape (K, A)."""
        states = np.arange(self.states)
        if isinstance(self.reward, str):
            match self.reward:
                case "identity":
                    return np.eye(self.states)
                case "ordered":
                    return 1 - np.abs(states[:, None] - states) / (self.states - 1)
                case _:
                    raise bad("reward", self.reward, "'identity', 'ordered' or a table")
        try:
            return np.array(self.reward, float)
        except (TypeError, ValueError, OverflowError):
            raise bad("reward", self.reward, "'identity', 'ordered' or a table of numbers") from None


class Parameters(NamedTuple):
    prior: np.ndarray  # cumulative, (K,)
    reward: np.ndarray  # (K, A)
    rounds: int
    candidates: int  # 0: none


class Game(core.Game):
    state: int
    place: int  # of the target among the candidates
    finished: int  # rounds


class Agent(core.Agent):
    pass


def layout(options: Options) -> Layout:
    seen, C = options.states, options.candidates or 0
    sender = Role("sender", actions=1, observation=seen)
    receiver = Role("receiver", actions=C or options.table.shape[1], observation=C * seen)
    return Layout(roles=(sender, receiver), links=((SENDER, RECEIVER),), turns=True, cells=C)


def parameters(options: Options) -> Parameters:
    prior = np.cumsum(options.probabilities)
    return Parameters(prior, np.ascontiguousarray(options.table), options.rounds, options.candidates or 0)


def reset(p, game, agents, board, rng):
    game.finished = 0
    begin_round(p, game, board, rng)


@rule
def begin_round(p, game, board, rng):
    game.turn = SENDER
    if p.candidates == 0:
        game.state = categorical(rng, p.prior)
        return
    K = len(p.prior)
    for c in range(p.candidates):  # a uniform set without rejection: Floyd's sampling (Bentley, Floyd 1987)
        last = K - p.candidates + c
        drawn = integer(rng, last + 1)
        for before in range(c):
            if board[before] == drawn:
                drawn = last
        board[c] = drawn
    game.place = integer(rng, p.candidates)
    game.state = board[game.place]


def step(p, game, agents, board, act, sent, reward, rng):
    if game.turn == SENDER:
        game.turn = RECEIVER
        return False
    named = act[RECEIVER]
    earned = (1.0 if named == game.place else 0.0) if p.candidates > 0 else p.reward[game.state, named]
    reward[SENDER] = reward[RECEIVER] = earned
    game.finished += 1
    if game.finished == p.rounds:
        return True
    begin_round(p, game, board, rng)
    return False


def observe(p, game, agents, board, i, obs):
    for k in range(len(obs)):
        obs[k] = 0.0
    if i == SENDER:
        obs[game.state] = 1.0
    else:
        for c in range(p.candidates):
            obs[c * len(p.prior) + board[c]] = 1.0


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    turn = "sender" if game["turn"] == SENDER else "receiver"
    among = f" among {board.tolist()}" if options.candidates else ""
    return f"round {game['finished'] + 1} of {options.rounds}: state {game['state']}{among}, {turn} to move"


# ------------------------------------------------------------------------------------------------------------ situations
def situations(options: Options) -> Situations | None:
    K, C, rounds = options.states, options.candidates or 0, _rounds(options)
    cut_within = options.max_cycles is not None and options.max_cycles < 2 * options.rounds and options.max_cycles % 2
    if cut_within or max(K, C * (K - C + 1) ** C) > MOST:  # of boards there are (K - C + 1)**C
        return None
    one_hot = np.eye(K, dtype=np.float32)
    if C == 0:
        nothing = np.zeros((K, 0), np.float32)
        return Situations(options.probabilities, np.arange(K), one_hot, nothing, options.table, rounds)
    boards, probability = _boards(K, C)
    n, places = len(boards), np.tile(np.arange(C), len(boards))
    own = np.repeat(one_hot[boards].reshape(n, C * K), C, axis=0)
    state = boards.ravel()
    return Situations(np.repeat(probability / C, C), state, one_hot[state], own, np.eye(C)[places], rounds)


def _boards(K: int, C: int) -> tuple[np.ndarray, np.ndarray]:
    """All boards (n, C) that Floyd's sampling makes of K states, and how likely each is: as sets alike, in order not."""
    boards, probability = np.zeros((1, 0), int), np.ones(1)
    for last in range(K - C, K):
        known = (boards[:, :, None] == np.arange(last + 1)).any(axis=1)
        ways = np.where(known, 0, 1)
        ways[:, last] += known.sum(axis=1)  # what was drawn before becomes the last one
        board, drawn = np.nonzero(ways)
        boards = np.column_stack([boards[board], drawn])
        probability = probability[board] * ways[board, drawn] / (last + 1)
    return boards, probability


# ---------------------------------------------------------------------------------------------------------------- limits
def _rounds(options: Options) -> int:
    """Rounds that are played to their end."""
    return options.rounds if options.max_cycles is None else min(options.rounds, options.max_cycles // 2)


@dataclass(frozen=True)
class _Round:
    """The best code of one round when each message on the air costs `price`: its reward, and how often it speaks."""

    value: float
    speaking: float
    exact: bool
    source: str


def limits(options: Options) -> Limits:
    rounds = _rounds(options)
    prior, reward = options.probabilities, options.table
    if options.candidates:
        prior, reward = np.full(options.candidates, 1 / options.candidates), np.eye(options.candidates)
    channel, line = options.link, _in_time(options)
    bits = line.capacity
    if channel.limited and rounds and not channel.floats:
        bits = min(bits, info.information_at_cost(_prices(channel), _allowance(channel, rounds)))
    bound = info.rate_reward(prior, reward, bits)
    loose = channel.limited or channel.bursts or channel.floats or (_noisy(line) and channel.size > noise.MOST)
    tight = bound.gap < 1e-9 and not loose
    ceiling = Limit(rounds * bound.upper, tight, "reward-rate function at capacity, dual bound (Blahut 1972)")
    silent = Limit(rounds * float((prior @ reward).max()), True, "max_a E r(S, a), each round")
    return Limits(silent=silent, reachable=_reachable(options, line, rounds, silent, ceiling), ceiling=ceiling)


def _in_time(options: Options) -> Line:
    """The link as far as the receiver hears it before it acts: what comes later tells of a round that is over.

    The sender is the only one to speak, so contention never bites.
    """
    channel = options.link
    soonest, latest = channel.delays
    on_time = 0.0 if soonest else 1 / (1 + latest)
    (line,) = lines(channel, layout(options))
    drop = 1 - (1 - channel.drop) * on_time if latest else channel.drop
    return Line(replace(channel, delay=0, queue=None, drop=drop), line.bits, line.corruption)


def _prices(channel: Channel) -> np.ndarray:
    """What messages cost at least: silence may come cheaper to a sender who has no more."""
    prices = channel.prices
    prices[0] = 0.0
    return prices


def _allowance(channel: Channel, rounds: int) -> float:
    """Bits that a budget leaves for a round, on average: what is in the bucket at first, and two steps' refill a round."""
    wire = channel.wire
    granted = math.inf if channel.refill is None else wire.burst + (2 * rounds - 2) * wire.refill
    return min(wire.cap, granted) / rounds


def _reachable(options: Options, line: Line, rounds: int, silent: Limit, ceiling: Limit) -> Limit:
    channel = options.link
    soonest, latest = channel.delays
    if soonest:
        return Limit(silent.value, True, f"messages are {soonest} steps late or more, and the receiver acts after one")
    if channel.gaussian or (_noisy(line) and channel.size > noise.MOST):
        return Limit(ceiling.value, False, "the ceiling: too many messages to try all codes")
    if latest > 1 and rounds > 1:  # one round's late message may be taken for the next one's
        told = _round(options, line, 0.0)
        value = rounds * told.value if told.exact and not channel.bursts else math.inf
        return Limit(min(value, ceiling.value), False, "upper bound: a receiver who is told which messages are late")
    if not channel.limited:
        best = _round(options, line, 0.0)
        exact, source = best.exact, best.source
        if channel.bursts and rounds > 1:  # rewards tell of the state of the noise, which helps in later rounds
            exact, source = False, f"code for the mean of the noise's states: {source}"
        return Limit(rounds * best.value, exact, source)
    return _budgeted(options, line, rounds, ceiling)


Bucket = tuple[float, float]
"""Tokens, and bits spent, before a round."""


def _budgeted(options: Options, line: Line, rounds: int, ceiling: Limit) -> Limit:
    """Dynamic program over what is left in the bucket and of the cap, which both agents know if silence is not confused."""
    channel, wire = options.link, options.link.wire
    if channel.floats:
        return Limit(ceiling.value, False, "the ceiling: too many messages to try all codes")
    prices = np.unique(channel.prices[1:])
    simple = len(prices) <= 1 and not channel.silence_price
    noisy = _noisy(line)
    if noisy and (not simple or line.matrix[1:, 0].any() or line.matrix[0, 1:].any()):
        return Limit(ceiling.value, False, "the ceiling: who hears silence does not know what is left of the budget")
    if not simple and (options.candidates or len(options.table.T) > MANY or len(prices) > MANY):
        return Limit(ceiling.value, False, "the ceiling: too many codes of different prices to try")
    kinds = np.unique(channel.prices[1:], return_counts=True)
    code = cache(lambda price: _round(options, line, price))

    def hush(bucket: Bucket) -> float:
        return max(min(wire.silence_price, bucket[0], wire.cap - bucket[1]), 0.0)

    def affords(bucket: Bucket, price: float) -> bool:
        return price <= bucket[0] + 1e-9 and bucket[1] + price <= wire.cap + 1e-9

    def after(bucket: Bucket, price: float) -> Bucket:
        tokens = min(max(bucket[0] - price, 0.0) + wire.refill, wire.burst)  # the sender's step, then the receiver's
        return round(min(tokens + wire.refill, wire.burst), 9), round(bucket[1] + price, 9)

    layers: list[set[Bucket]] = [{(round(wire.burst, 9), 0.0)}]
    for _ in range(rounds):
        paid = [(bucket, price) for bucket in layers[-1] for price in prices if affords(bucket, price)]
        layers.append({after(bucket, hush(bucket)) for bucket in layers[-1]} | {after(*one) for one in paid})
        if sum(map(len, layers)) > BUCKETS:
            reason = f"pass through more than {BUCKETS:,} states of the bucket"
            raise ValueError(f"rounds={rounds} under this budget {reason}: that is too many")
    worth, exact, source = dict.fromkeys(layers[-1], 0.0), True, "nobody can afford a message"
    for layer in reversed(layers[:-1]):
        now = {}
        for bucket in layer:
            saved = worth[after(bucket, hush(bucket))]
            if not simple:
                offers = [(1, saved)]
                offers += [
                    (int(n), worth[after(bucket, price)]) for price, n in zip(*kinds, strict=True) if affords(bucket, price)
                ]
                now[bucket], source = _priced_code(options.probabilities, options.table, offers), "all codes"
            elif not affords(bucket, wire.price):
                now[bucket] = code(math.inf).value + saved
            else:
                lost = saved - worth[after(bucket, wire.price)]
                best = code(round(lost, 12))
                now[bucket] = best.value - best.speaking * lost + saved
                exact, source = exact and best.exact, best.source
        worth = now
    (total,) = worth.values()
    return Limit(total, exact, f"dynamic program over the bucket; {source}")


def _priced_code(prior: np.ndarray, reward: np.ndarray, offers: list[tuple[int, float]]) -> float:
    """max E [reward + worth of the message] over all codes, given (how many messages, what one is worth) of each kind.

    An action that several messages name would be named by the one worth most, so a code is a kind for each action, or none.
    """
    K, A = reward.shape
    kinds = np.array(list(product(range(len(offers) + 1), repeat=A)), dtype=np.int8)  # the last: not named
    fits = (kinds < len(offers)).any(axis=1)
    for kind, (messages, _) in enumerate(offers):
        fits &= (kinds == kind).sum(axis=1) <= messages
    worth = np.array([worth for _, worth in offers] + [-np.inf])[kinds[fits]]
    total = np.zeros(len(worth))
    for s in range(K):
        total += prior[s] * (reward[s] + worth).max(axis=1)
    return float(total.max())


def _noisy(line: Line) -> bool:
    """Whether anything but the message that was sent may be heard."""
    channel = line.channel
    noises = (channel.error, channel.erasure, channel.flip, channel.fade, channel.drop, channel.bursts, line.cut, line.corruption)
    return any(noises) and channel.size > 1


def _round(options: Options, line: Line, price: float) -> _Round:
    return _pick_candidate(options, line, price) if options.candidates else _name_state(options, line, price)


def _name_state(options: Options, line: Line, price: float) -> _Round:
    prior, reward, channel = options.probabilities, options.table, options.link
    noisy = _noisy(line)
    if math.isinf(price):
        return _Round(float((prior @ reward).max()), 0.0, True, "max_a E r(S, a)")
    if price > 0:
        paid = info.speaking_one_shot(prior, reward, channel.size, price)
        W = line.matrix if noisy else np.eye(channel.size)
        heard = np.einsum("s,sy,sa->ya", prior, W[np.asarray(paid.encoder)], reward)
        method = "best noiseless code, played through the noise" if noisy else paid.method
        return _Round(float(heard.max(axis=1).sum()), float(paid.speaking), paid.exact and not noisy, method)
    code = (
        info.noisy_one_shot(prior, reward, line.matrix) if noisy else info.one_shot(prior, reward, min(channel.size, len(prior)))
    )
    return _Round(code.value, 1.0, code.exact, code.method)


def _pick_candidate(options: Options, line: Line, price: float) -> _Round:
    """Cells of equal size; where speaking costs, every size of the silent cell is tried."""
    K, C, channel = options.states, options.candidates or 0, options.link
    if math.isinf(price):
        return _Round(1 / C, 0.0, True, "1 / C")
    alike = not (line.channel.flip or line.channel.fade or line.cut or line.corruption)  # no symbol differs from another
    alike = alike and not (channel.silence and _noisy(line))
    W = line.matrix if _noisy(line) else np.eye(min(channel.size, K))
    if price <= 0:
        cells = _balanced(K, len(W))
        return _Round(_cell_success(cells, C, W), 1.0, alike, "equal cells (success is concave in a cell's size)")
    W = line.matrix if _noisy(line) else np.eye(channel.size)
    tried = []
    for silent in range(K + 1 if channel.size > 1 else 1):
        cells = np.append(silent, _balanced(K - silent, channel.size - 1)) if channel.size > 1 else np.array([K])
        tried.append((_cell_success(cells, C, W), float(1 - cells[0] / K)))
    value, speaking = max(tried, key=lambda pair: pair[0] - price * pair[1])
    return _Round(value, speaking, alike, "equal cells and the best silent one")


def _balanced(states: int, cells: int) -> np.ndarray:
    """Sizes of cells as equal as can be."""
    return states // cells + (np.arange(cells) < states % cells)


def _cell_success(cells: np.ndarray, C: int, W: np.ndarray) -> float:
    """P(the target is picked) when messages name its cell: (1/C) sum_y E max over candidates of W(y | cell).

    The candidate of highest likelihood is in one of the best cells exactly when not all candidates are outside of them.
    """
    K, total = int(cells.sum()), 0.0
    for y in range(W.shape[1]):
        order = np.argsort(-W[:, y], kind="stable")
        outside = K - np.concatenate([[0], np.cumsum(cells[order])])
        missed = np.array([math.comb(int(m), C) / math.comb(K, C) for m in outside])
        total += float(W[order, y] @ (missed[:-1] - missed[1:]))
    return total / C
