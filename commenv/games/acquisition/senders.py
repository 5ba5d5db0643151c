"""Senders: informed experts, who care about what is done, report to a receiver who is committed to how it will decide.

Agents: `sender_0` to `sender_{n-1}` (two of them by default: `sender_0`, `sender_1`), and the `receiver`. A game has two steps.
report: every sender, who has seen a signal of the state, sends the receiver one message. decide: an action is taken, and
everybody earns what it is worth to them in the state; nobody is paid. By default the receiver is committed to a rule pi(action |
messages), which is public, and the action is drawn from it: then it has nothing to choose, and what it announced is as good as
law.

| | sender i | receiver |
|---|---|---|
| observation | phase (2,), signal (S_i,), one-hot | phase (2,), inbox, (2**bits + 1,) for each sender |
| action | message, Discrete(2**bits), in the first step | Discrete(1); without commitment an action, Discrete(A) |

The rule reads what was sent, so a committed receiver needs a channel that delivers everything at once and unchanged. It is made
for senders who report their signal; where messages are fewer than signals, for those who report by the code it goes with
(`Options.committed().codes`). Messages beyond the last of a code are read as that one.

Instance: by default two experts of opposed `bias`, whose signals of a fair bit are right with probability `accuracy`; actions are
the two bits and a safe one. The receiver earns 1, -1 and .3. In the two states sender_0 earns (bias, 0) of action 0, (1, 1 +
bias) of action 1; sender_1 earns (1 + bias, 1) and (0, bias); both .5 of the safe action. Any other: `prior`, `kernel`,
`utilities`.

Reward: `utilities[k, action, state]`, k = 0 the receiver, then the senders. Interests differ, so limits and evaluations speak of
the receiver's reward alone. Ends after two steps.

Limits, of the receiver's reward. silent: max_a E u(a). reachable: the best rule under which telling the truth is best for every
sender, a linear program (Cacciamani, Castiglioni, Gatti 2023, Online mechanism design for information acquisition); no commitment
reaches more (revelation principle, Myerson 1982), and without commitment it is an upper bound. With fewer messages than signals:
the best rule over all pure codes, exact for one sender; mixed codes of several might reach more. ceiling: a receiver who sees all
signals. `margin` and a rule of one's own do not lower the limits.

Version history: v0 first release.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from commenv.core import game as core
from commenv.core.errors import bad, number
from commenv.core.game import Layout, Role
from commenv.core.generator import categorical
from commenv.core.limits import Limit, Limits
from commenv.core.tables import frozen
from commenv.solvers import senders as theory

REPORT, DECIDE = range(2)
REWARD_OF = "receiver"
TABLES = ("prior", "kernel", "utilities")


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 1

    accuracy: float = 0.8
    """Of both experts' signals, 1/2 to 1."""
    bias: float = 1.0
    """How much more each expert earns by its favourite action in the other state, at least 0. With 0 nothing can be learned from
    them, with 2 everything."""
    commitment: str | Sequence[Sequence[float]] = "optimal"
    """`optimal`: the best rule; `none`: the receiver acts for itself; or a rule of one's own, pi(action | joint message), shape
    (|M|, A), |M| the product over senders of min(2**bits, S_i), the last sender's message varying fastest."""
    margin: float = 0.0
    """Reward by which the optimal rule makes any untrue message worse, for a sender who has seen its signal."""
    prior: Sequence[float] | None = None
    """Of T states. Given with the two that follow, or not at all."""
    kernel: Any = None
    """P(signals | state), nested lists of shape (T, S_0, .., S_{n-1})."""
    utilities: Sequence[Sequence[Sequence[float]]] | None = None
    """Of the receiver, then of each sender: every action in every state, shape (1 + n, A, T)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        number("accuracy", self.accuracy, 0.5, 1)
        for name in ("bias", "margin"):
            number(name, getattr(self, name), 0, float("inf"))
        given = [name for name in TABLES if getattr(self, name) is not None]
        if given and len(given) < len(TABLES):
            raise ValueError(f"{', '.join(given)} alone make no instance: give {', '.join(TABLES)}, or none of them")
        if given and (self.accuracy, self.bias) != (Options.accuracy, Options.bias):
            raise ValueError("accuracy and bias are of the two experts: leave them out where you give tables")
        for name in given:
            object.__setattr__(self, name, frozen(name, getattr(self, name)))
        table, messages = self.worth, self.messages
        if isinstance(self.commitment, str):
            if self.commitment not in ("optimal", "none"):
                raise bad("commitment", self.commitment, "optimal, none, or a table of probabilities")
        else:
            policy = np.array(frozen("commitment", self.commitment), float)
            wanted = int(np.prod(messages)), table.shape[2]
            if policy.shape != wanted or policy.min() < 0 or abs(policy.sum(axis=1) - 1).max() > 1e-9:
                raise bad("commitment", self.commitment, f"optimal, none, or probabilities of actions, shape {wanted}")
            object.__setattr__(self, "commitment", frozen("commitment", policy))
        if self.commitment != "none" and not self.delivers:
            raise ValueError(
                "a committed receiver decides by what was sent: give a channel without noise, delay, contention or budget, "
                "or commitment='none'"
            )

    @property
    def tables(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Prior (T,), kernel (T, S_0, .., S_{n-1}), utilities (1 + n, A, T)."""
        if self.prior is None:
            return theory.two_experts(self.accuracy, self.bias)
        return np.array(self.prior, float), np.array(self.kernel, float), np.array(self.utilities, float)

    @property
    def worth(self) -> np.ndarray:
        """E utility by who, joint signal and action, shape (1 + n, |S|, A)."""
        return theory.worth(*self.tables)

    @property
    def signals(self) -> tuple[int, ...]:
        """How many each sender may see."""
        return self.tables[1].shape[1:]

    @property
    def messages(self) -> tuple[int, ...]:
        """How many messages of each sender a rule tells apart."""
        return tuple(min(S, self.link.size) for S in self.signals)

    @property
    def delivers(self) -> bool:
        """Whether the receiver hears at once what was sent, whatever it is."""
        channel = self.link
        noises = channel.error, channel.erasure, channel.flip, channel.fade, channel.drop, channel.bursts, channel.delays[1]
        others = channel.limited, channel.winners, channel.rates, channel.corrupt, channel.topology, channel.floats
        return not any(noises) and not any(others)

    def committed(self) -> theory.Rule:
        """The rule that the receiver is committed to, or the best one. Raises ValueError where none has the margin."""
        prior, kernel, _ = self.tables
        seen = np.tensordot(prior, kernel, 1)  # P(signals)
        own = [np.moveaxis(seen, i, 0).reshape(S, -1).sum(axis=1) for i, S in enumerate(self.signals)]
        if isinstance(self.commitment, str):
            return theory.best_code(self.worth, self.signals, self.link.size, margin=self.margin, mass=own)[0]
        policy = np.array(self.commitment, float)
        codes = tuple(tuple(min(s, M - 1) for s in range(S)) for S, M in zip(self.signals, self.messages, strict=True))
        return theory.Rule(policy, codes, float(theory.earns(self.worth, self.signals, policy, self.messages, codes)[0]))


class Parameters(NamedTuple):
    prior: np.ndarray  # cumulative, (T,)
    seen: np.ndarray  # [state] cumulative over joint signals
    signals: np.ndarray  # of each sender, how many
    messages: np.ndarray  # likewise
    committed: int
    policy: np.ndarray  # [joint message] cumulative over actions
    utility: np.ndarray  # [who, action, state]


class Game(core.Game):
    state: int


class Agent(core.Agent):
    signal: int
    report: int


def layout(options: Options) -> Layout:
    n, actions = len(options.signals), options.worth.shape[2]
    senders = [Role(f"sender_{i}", actions=1, observation=2 + S) for i, S in enumerate(options.signals)]
    receiver = Role("receiver", actions=actions if options.commitment == "none" else 1, observation=2)
    return Layout(roles=(*senders, receiver), links=tuple((i, n) for i in range(n)))


def parameters(options: Options) -> Parameters:
    prior, kernel, utilities = options.tables
    return Parameters(
        prior=np.cumsum(prior),
        seen=np.ascontiguousarray(kernel.reshape(len(prior), -1).cumsum(axis=1)),
        signals=np.array(options.signals, np.int64),
        messages=np.array(options.messages, np.int64),
        committed=int(options.commitment != "none"),
        policy=np.ascontiguousarray(options.committed().policy.cumsum(axis=1)),
        utility=np.ascontiguousarray(utilities),
    )


def reset(p, game, agents, board, rng):
    game.state = categorical(rng, p.prior)
    joint = categorical(rng, p.seen[game.state])
    for k in range(len(p.signals)):
        i = len(p.signals) - 1 - k
        agents[i].signal, agents[i].report = joint % p.signals[i], 0
        joint = joint // p.signals[i]


def step(p, game, agents, board, act, sent, reward, rng):
    n = len(p.signals)
    if game.t == REPORT:
        for i in range(n):
            agents[i].report = max(min(sent[i], p.messages[i] - 1), 0)
        return False
    joint = 0
    for i in range(n):
        joint = joint * p.messages[i] + agents[i].report
    action = categorical(rng, p.policy[joint]) if p.committed != 0 else act[n]
    for i in range(n):
        reward[i] = p.utility[1 + i, action, game.state]
    reward[n] = p.utility[0, action, game.state]
    return True


def has_floor(p, game, agents, board, i):
    return game.t == REPORT


def observe(p, game, agents, board, i, obs):
    for k in range(len(obs)):
        obs[k] = 0.0
    if game.t <= DECIDE:
        obs[game.t] = 1.0
    if i < len(p.signals):
        obs[2 + agents[i].signal] = 1.0


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    return f"state {game['state']}: signals {agents['signal'][: len(options.signals)].tolist()}"


def situations(options: Options) -> None:
    return None


def limits(options: Options) -> Limits:
    if options.max_cycles is not None and options.max_cycles <= DECIDE:
        nothing = Limit(0.0, True, "the game is cut before it is decided")
        return Limits(nothing, nothing, nothing)
    table = options.worth
    silent = Limit(theory.without(table), True, "max_a E u(a)")
    ceiling = Limit(theory.informed(table), False, "a receiver who sees all signals")
    rule, best = theory.best_code(table, options.signals, options.link.size)
    exact, source = best, "best rule under which the truth is best (linear program)"
    if not best:
        source = f"lower bound, the best pure code: {source}"
    if options.commitment == "none" and rule.value > silent.value:
        exact, source = False, f"of a receiver who could commit: {source}"
    return Limits(silent, Limit(max(rule.value, silent.value), exact, source), ceiling)
