"""Hiring: a principal pays agents to look and to tell it what they saw, neither of which it can check.

Agents: `agent_0` to `agent_{n-1}` (two of them by default: `agent_0`, `agent_1`), and the `principal`. A game has three steps, in
each of which everybody acts at once. effort: every agent, told an effort by the principal, makes one, at a cost, and sees a
signal of the state. report: it sends one message to the principal. settle: the principal decides, the state is revealed, the
agents are paid. The principal is committed: whom it tells what, with what probability, and what it pays for which reports in
which state, is fixed before the game (`mechanism`), and payments are settled by what was sent. Its decision is its own.

| | agent i | principal |
|---|---|---|
| observation | phase (3,), plan it is told (P_i,), effort it made (B_i,), what it saw (S_i,) | phase (3,), all plans, inbox |
| action | [effort, message], MultiDiscrete([B_i, 2**bits]), each in its phase | decision, Discrete(A), when settling |

All of an observation is one-hot; what is not known yet is zeros. The principal's inbox has (2**bits + 1,) for each agent.
An agent that has but one effort acts by its message alone.

A plan is an effort and a code: which message to send for which signal. Where there is a message for every signal there is one
code, message s for signal s, and P_i = B_i. With fewer bits a code merges signals, and the principal tells the agent which: P_i
is B_i times the number of partitions of S_i signals into 2**bits cells, the code varying faster. Messages beyond the last that a
code uses are read as that one.

Instance: by default the common source, in which only correlated efforts are optimal: two agents, a fair bit, effort 0 free and
blind (it shows 0), effort 1 at `cost` showing one and the same copy of the bit to all who look, wrong with probability `noise`.
Any other: `prior`, `costs`, `kernel`, `utility`, all four.

Reward: an agent's payment, from 0 to `cap`, less the cost of its effort; the principal's `utility[decision, state]` less all
payments. Interests differ, so limits and evaluations speak of the principal's reward alone. Ends after three steps.

Limits, of the principal's reward. silent: it decides alone. reachable: the best mechanism under the cap with so many messages,
efforts correlated, if agents obey where nothing is better: a linear program (Cacciamani, Castiglioni, Gatti 2023), exact also
with fewer messages than signals, as the code is then part of what is told (revelation principle, Myerson 1982). A channel that
loses, alters or delays reports, or may refuse them, leaves it an upper bound. ceiling: the same messages, efforts seen by all,
each paid its cost. `margin` and a `mechanism` of less do not lower the limits: they are of the principal's doing. An obedient
team need not be the only equilibrium: of the common source the agents' own favourite is that nobody looks and all report the
same.

Cacciamani, Castiglioni, Gatti (2023), Online information acquisition: hiring multiple agents.
Version history: v0 first release.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from commenv.core import game as core
from commenv.core.errors import bad, number
from commenv.core.game import Layout, Role
from commenv.core.generator import categorical, rule
from commenv.core.limits import Limit, Limits
from commenv.core.tables import frozen
from commenv.solvers import hiring as theory
from commenv.solvers import hiring_program as programs

EFFORT, REPORT, SETTLE = range(3)
REWARD_OF = "principal"
MECHANISMS = {
    "correlated": programs.optimal,
    "independent": programs.independent,
    "deterministic": programs.deterministic,
}
"""Best mechanisms by name: efforts drawn together, each by itself (a local search), and always the same."""
TABLES = ("prior", "costs", "kernel", "utility")


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 1

    noise: float = 0.2
    """Of the common source, 0 to 1/2."""
    cost: float = 0.05
    """Of looking at it, at least 0."""
    cap: float = 1.0
    """The most that an agent is paid in a game, above 0."""
    margin: float = 0.0
    """Reward by which the mechanism makes any other effort and any untrue report worse than obedience. At 0 agents are often
    indifferent."""
    mechanism: str | Mapping[str, Any] = "correlated"
    """`correlated`, `independent` or `deterministic`: the best of its kind. Or one's own: `probability` of every profile of
    plans, shape (|P|,), and `payments`, shape (n, |P|, joint messages, T); joint numbers count the last agent fastest."""
    prior: Sequence[float] | None = None
    """Of T states. Given with the three that follow, or not at all."""
    costs: Sequence[Sequence[float]] | None = None
    """Of each agent's efforts, at least 0."""
    kernel: Any = None
    """P(signals | efforts, state), nested lists of shape (B_0, .., B_{n-1}, T, S_0, .., S_{n-1})."""
    utility: Sequence[Sequence[float]] | None = None
    """Of each decision in each state, shape (A, T)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        number("noise", self.noise, 0, 0.5)
        for name in ("cost", "margin"):
            number(name, getattr(self, name), 0, float("inf"))
        if number("cap", self.cap, 0, float("inf")) == 0:
            raise bad("cap", self.cap, "above 0")
        given = [name for name in TABLES if getattr(self, name) is not None]
        if given and len(given) < len(TABLES):
            raise ValueError(f"{', '.join(given)} alone make no instance: give {', '.join(TABLES)}, or none of them")
        if given and (self.noise, self.cost) != (Options.noise, Options.cost):
            raise ValueError("noise and cost are of the common source: leave them out where you give tables")
        for name in given:
            rows = getattr(self, name)
            agents_differ = name == "costs" and isinstance(rows, Sequence) and not isinstance(rows, str)
            kept = tuple(frozen(name, row) for row in rows) if agents_differ else frozen(name, rows)
            object.__setattr__(self, name, kept)
        instance, _ = self.plans()
        if isinstance(self.mechanism, str):
            if self.mechanism not in MECHANISMS:
                raise bad(
                    "mechanism", self.mechanism, f"one of {', '.join(MECHANISMS)}, or a mapping of probability and payments"
                )
            return
        object.__setattr__(self, "mechanism", _own_mechanism(self.mechanism, instance, self.cap))

    @property
    def instance(self) -> theory.Instance:
        """What principal and agents face."""
        if self.prior is None:
            return theory.common_source(self.noise, self.cost)
        assert self.costs is not None
        assert self.utility is not None
        return theory.Instance.of(self.prior, self.costs, self.kernel, self.utility)

    def plans(self) -> tuple[theory.Instance, theory.Plans]:
        """The instance as it is with so many messages, in which efforts are plans; and what each plan is."""
        return theory.coarse(self.instance, self.link.size)

    def committed(self) -> theory.Mechanism:
        """The mechanism that the principal is committed to. Raises ValueError where none has the margin."""
        instance, _ = self.plans()
        if isinstance(self.mechanism, str):
            return MECHANISMS[self.mechanism](instance, self.cap, margin=self.margin)
        tables = np.array(self.mechanism["probability"], float), np.array(self.mechanism["payments"], float)
        return theory.Mechanism(*tables, instance.decisions)


def _own_mechanism(given: Any, instance: theory.Instance, cap: float) -> dict[str, tuple]:
    if not isinstance(given, Mapping) or set(given) != {"probability", "payments"}:
        raise bad("mechanism", given, f"one of {', '.join(MECHANISMS)}, or a mapping of probability and payments")
    tables = {name: np.array(frozen(name, given[name]), float) for name in ("probability", "payments")}
    B, T, S = instance.law.shape
    mu, payments = tables["probability"], tables["payments"]
    if mu.shape != (B,) or mu.min() < 0 or abs(mu.sum() - 1) > 1e-9:
        raise bad("probability", given["probability"], f"the probabilities of {B} profiles of plans")
    if payments.shape != (len(instance.costs), B, S, T) or not (payments >= 0).all() or not (payments <= cap).all():
        wanted = f"of shape {(len(instance.costs), B, S, T)}, from 0 to the cap"
        raise ValueError(f"payments of shape {payments.shape} are not allowed: they must be {wanted} {cap:g}")
    return {name: frozen(name, table) for name, table in tables.items()}


class Parameters(NamedTuple):
    prior: np.ndarray  # cumulative, (T,)
    probability: np.ndarray  # cumulative, of profiles of plans
    plan: np.ndarray  # [agent, profile of plans] the plan it tells
    plans: np.ndarray  # of each agent, how many
    efforts: np.ndarray  # likewise
    signals: np.ndarray
    messages: np.ndarray  # that its codes use
    cost: np.ndarray  # [agent, effort]
    seen: np.ndarray  # [profile of efforts * T + state] cumulative over joint signals
    payments: np.ndarray  # [agent, profile of plans, joint messages, state]
    utility: np.ndarray  # [decision, state]


class Game(core.Game):
    state: int
    profile: int


class Agent(core.Agent):
    effort: int  # -1 before it made one
    signal: int
    report: int


def layout(options: Options) -> Layout:
    instance, (_, plans) = options.instance, options.plans()
    sizes = zip(plans.sizes, instance.efforts, instance.signals, strict=True)
    agents = [Role(f"agent_{i}", actions=B, observation=3 + P + B + S) for i, (P, B, S) in enumerate(sizes)]
    principal = Role("principal", actions=len(instance.utility), observation=3 + sum(plans.sizes))
    n = len(agents)
    return Layout(roles=(*agents, principal), links=tuple((i, n) for i in range(n)))


def parameters(options: Options) -> Parameters:
    base, (instance, plans), mechanism = options.instance, options.plans(), options.committed()
    cost = np.zeros((len(base.costs), max(base.efforts)))
    for i, own in enumerate(base.costs):
        cost[i, : len(own)] = own
    rows = base.kernel.reshape(-1, int(np.prod(base.signals)))
    return Parameters(
        prior=np.cumsum(base.prior),
        probability=np.cumsum(mechanism.probability),
        plan=np.ascontiguousarray(theory.digits(instance.efforts), np.int64),
        plans=np.array(plans.sizes, np.int64),
        efforts=np.array(base.efforts, np.int64),
        signals=np.array(base.signals, np.int64),
        messages=np.array(instance.signals, np.int64),
        cost=cost,
        seen=np.ascontiguousarray(rows.cumsum(axis=1)),
        payments=np.ascontiguousarray(mechanism.payments, np.float64),
        utility=np.ascontiguousarray(base.utility),
    )


def reset(p, game, agents, board, rng):
    game.state = categorical(rng, p.prior)
    game.profile = categorical(rng, p.probability)
    for i in range(len(p.plans)):
        agents[i].effort, agents[i].signal, agents[i].report = -1, 0, 0


@rule
def look(p, game, agents, rng):
    """All signals together, by everybody's effort and the state."""
    row = 0
    for i in range(len(p.efforts)):
        row = row * p.efforts[i] + agents[i].effort
    joint = categorical(rng, p.seen[row * len(p.prior) + game.state])
    for k in range(len(p.signals)):
        i = len(p.signals) - 1 - k
        agents[i].signal = joint % p.signals[i]
        joint = joint // p.signals[i]


@rule
def settle(p, game, agents, decision, reward):
    n, joint = len(p.plans), 0
    for i in range(n):
        joint = joint * p.messages[i] + agents[i].report
    reward[n] = p.utility[decision, game.state]
    for i in range(n):
        paid = p.payments[i, game.profile, joint, game.state]
        reward[i] += paid
        reward[n] -= paid


def step(p, game, agents, board, act, sent, reward, rng):
    n = len(p.plans)
    if game.t == EFFORT:
        for i in range(n):
            agents[i].effort = act[i]
            reward[i] = -p.cost[i, act[i]]
        look(p, game, agents, rng)
    elif game.t == REPORT:
        for i in range(n):  # nothing, where a topology left an agent without a link, is message 0
            agents[i].report = max(min(sent[i], p.messages[i] - 1), 0)
    else:
        settle(p, game, agents, act[n], reward)
        return True
    return False


def has_floor(p, game, agents, board, i):
    return game.t == REPORT


def observe(p, game, agents, board, i, obs):
    for k in range(len(obs)):
        obs[k] = 0.0
    if game.t <= SETTLE:
        obs[game.t] = 1.0
    n, place = len(p.plans), 3
    if i == n:
        for j in range(n):
            obs[place + p.plan[j, game.profile]] = 1.0
            place += p.plans[j]
        return
    obs[place + p.plan[i, game.profile]] = 1.0
    if agents[i].effort >= 0:
        place += p.plans[i]
        obs[place + agents[i].effort] = 1.0
        obs[place + p.efforts[i] + agents[i].signal] = 1.0


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    _, plans = options.plans()
    told = np.unravel_index(int(game["profile"]), plans.sizes)
    asked = [int(plans.effort[i][plan]) for i, plan in enumerate(told)]
    made, saw = agents["effort"][: len(asked)].tolist(), agents["signal"][: len(asked)].tolist()
    return f"state {game['state']}: told efforts {asked}, made {made}, saw {saw}" if made[0] >= 0 else f"told efforts {asked}"


def situations(options: Options) -> None:
    return None


def limits(options: Options) -> Limits:
    if options.max_cycles is not None and options.max_cycles <= SETTLE:
        nothing = Limit(0.0, True, "the game is cut before it is settled")
        return Limits(nothing, nothing, nothing)
    instance, _ = options.plans()
    silent = Limit(instance.alone, True, "max_a E u(a, state), nobody paid")
    seen = Limit(max(instance.first_best, silent.value), False, "efforts and signals seen by all, costs paid; the same messages")
    channel = options.link
    if channel.delays[0]:
        late = Limit(silent.value, True, "reports come after the decision")
        return Limits(silent, late, seen)
    value = max(programs.optimal(instance, options.cap).earns(instance), silent.value)
    noises = channel.error, channel.erasure, channel.flip, channel.fade, channel.drop, channel.bursts, channel.delays[1]
    others = channel.limited, channel.winners, channel.rates, channel.corrupt, channel.drawn, channel.floats
    source = "best incentive-compatible mechanism (linear program)"
    if any(noises) or any(others):
        return Limits(silent, Limit(value, False, f"upper bound, as if every report arrived: {source}"), seen)
    return Limits(silent, Limit(value, True, source), seen)
