"""Steering: a planner chooses how well each agent of a row sees, at a cost, and so steers what they learn from each other.

Agents: `planner`; the agents who are steered play by themselves, unless `crowd="learned"`: then `agent` is whoever acts now.
The state is bad (0) or good (1). Each round the planner chooses the precision of one agent's signal. The agent sees the public
belief, that precision and its signal, and names a state: a Bayesian follows the signal where it outweighs the belief, else it
joins the herd. Everybody sees what it did, and the belief moves as if it was Bayesian.

| | planner | agent |
|---|---|---|
| observation | belief in good, log-odds over 8, which is likelier, (4,) | belief, precision announced, signal, one-hot, (4,) |
| action | level of the precision, Discrete(levels); with `lying` also that announced, squared | 0 or 1, Discrete(2) |

Nobody sends messages; acts are seen. After every agent the game goes on with probability `discount`, so that what is earned in a
game is on the mean what is earned discounted.

Reward: an altruistic planner loses `error_cost` when an agent errs, a biased one earns `preference` when it names good; both pay
for precision away from the baseline. An agent loses `error_cost` when it errs. Ends by chance. Success: share of agents right.

Not all crowds are Bayesian: `weighting` distorts the belief as people do (Prelec 1998), `inertia` is the probability that an
agent does what the one before it did. Nor all planners transparent: without `public` agents take every signal for one of the
baseline's precision, with `lying` they believe what the planner announces, and of `draws` signals it shows a good one if there
is any.

Limits, in reward a game, of a transparent planner of Bayesians; for others they say that they are none of theirs. silent: the
baseline throughout, no control. reachable: the planner's optimum, exact where precisions are evenly spaced in log-likelihood
ratio (`spacing="lattice"`), else value iteration on a grid of beliefs. ceiling: nobody errs, or all name good, at no cost.
`commenv.solvers.steering` has policies, regimes and more.

Arghal, He, Saeedi Bidokhti, Sarkar (2025), Steering the herd. Costs, ranges and horizon are ours.
Version history: v0 first release.
"""

import math
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np

from commenv.core import game as core
from commenv.core.errors import bad, number, whole, word
from commenv.core.game import Layout, Role
from commenv.core.generator import chance, rule
from commenv.core.limits import Limit, Limits
from commenv.solvers.steering import EDGE, Planner, Steering, grid, lattice

PLANNER, AGENT = 0, 1
NOBODY = -1


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose; the first ten are those of `commenv.solvers.steering.Planner`."""

    default_bits: ClassVar[int] = 0

    planner: str = "altruistic"
    """`altruistic` or `biased`."""
    cost_shape: str = "quadratic"
    """Of a precision's cost in its distance from the baseline: `quadratic` or `linear`."""
    cost_weight: float = 0.5
    """Weight of that cost, at least 0."""
    baseline: float = 0.6
    """Precision that costs nothing, 1/2 to 1."""
    min_precision: float = 0.5
    """Least precision, 1/2 to 1."""
    max_precision: float = 0.8350515463917526
    """Largest precision, 1/2 to 1; with a lattice below 1. The default is four times the log-likelihood ratio of .6."""
    discount: float = 0.9
    """Probability that the game goes on after an agent has acted; 0 to .9999."""
    error_cost: float = 1.0
    """What an error costs an agent, and an altruist."""
    preference: float = 1.0
    """What a biased planner earns by a choice of good."""
    tie: str = "signal"
    """Where a signal just outweighs the belief: agents follow the `signal`, or do not, as suits the `planner`."""
    levels: int = 5
    """Precisions there are, from the least to the largest, 1 to 1,001."""
    spacing: str = "lattice"
    """Of precisions: even in log-likelihood ratio, `lattice`, or in precision, `even`."""
    prior: float = 0.5
    """Belief in good at the beginning, between 0 and 1."""
    crowd: str = "scripted"
    """`scripted`: agents act by rule; `learned`: the agent is a player."""
    weighting: float = 1.0
    """Of a scripted crowd, exponent of Prelec's weighting exp(-(-ln b)^weighting) of its belief, .1 to 3; 1: as it is."""
    inertia: float = 0.0
    """Of a scripted crowd, probability to do as the one before, 0 to 1."""
    public: bool = True
    """Whether agents know the precision that was chosen."""
    lying: bool = False
    """Whether the planner may announce another precision than it chose."""
    draws: int = 1
    """Signals drawn, of which a good one is shown if there is any; 1 to 100."""

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("levels", self.levels, 1, 1001)
        whole("draws", self.draws, 1, 100)
        number("weighting", self.weighting, 0.1, 3)
        number("inertia", self.inertia, 0, 1)
        number("discount", self.discount, 0, 0.9999)
        if not 0 < number("prior", self.prior, 0, 1) < 1:
            raise bad("prior", self.prior, "between 0 and 1")
        for name, allowed in {"spacing": ("lattice", "even"), "crowd": ("scripted", "learned")}.items():
            word(name, getattr(self, name), allowed)
        for name in ("public", "lying"):
            if not isinstance(getattr(self, name), bool):
                raise bad(name, getattr(self, name), "True or False")
        if self.lying and not self.public:
            raise ValueError("lying=True needs public=True: what is not announced is no lie")
        plan = self.plan
        if self.spacing == "lattice" and plan.max_precision == 1:
            raise bad("max_precision", self.max_precision, "below 1 on a lattice: its log-likelihood ratio is finite")

    @property
    def plan(self) -> Planner:
        """What the planner wants, as the solvers take it."""
        return Planner(**{field.name: getattr(self, field.name) for field in fields(Planner)})

    @property
    def precisions(self) -> np.ndarray:
        """Precision of each level, ascending, shape (levels,)."""
        if self.spacing == "even":
            return np.linspace(self.min_precision, self.max_precision, self.levels)
        low, high = (math.log(q / (1 - q)) for q in (self.min_precision, self.max_precision))
        return 1 / (1 + np.exp(-np.linspace(low, high, self.levels)))

    def solve(self, control: bool = True) -> tuple[Steering, bool]:
        """The planner's optimum from every belief, or what comes of the baseline without control; and whether it is exact."""
        plan, precisions = self.plan, self.precisions
        known = control or np.abs(precisions - self.baseline).min() < EDGE
        if not control:
            plan = replace(plan, min_precision=self.baseline, max_precision=self.baseline)
            precisions = np.array([self.baseline])
        if self.spacing == "lattice" and self.min_precision == 0.5 and self.levels > 1 and self.prior == 0.5 and known:
            step = math.log(self.max_precision / (1 - self.max_precision)) / (self.levels - 1)
            return lattice(plan, step=step, levels=self.levels - 1), True
        return grid(plan, precisions=precisions), False


class Parameters(NamedTuple):
    precision: np.ndarray  # (levels,)
    cost: np.ndarray  # (levels,)
    baseline: float
    prior: float
    discount: float
    error_cost: float
    preference: float
    weighting: float
    inertia: float
    biased: int
    strict: int  # ties suit the planner
    learned: int
    public: int
    lying: int
    draws: int


class Game(core.Game):
    truth: int
    belief: float
    announced: float
    signal: int
    last: int
    acted: int
    right: int


class Agent(core.Agent):
    pass


def layout(options: Options) -> Layout:
    choices = options.levels**2 if options.lying else options.levels
    planner, agent = Role("planner", actions=choices, observation=4, low=-1.0), Role("agent", actions=2, observation=4)
    if options.crowd == "learned":
        return Layout(roles=(planner, agent), links=(), turns=True)
    return Layout(roles=(planner,), links=())


def parameters(options: Options) -> Parameters:
    precisions = options.precisions
    return Parameters(
        precision=precisions,
        cost=np.asarray(options.plan.cost(precisions)),
        baseline=options.baseline,
        prior=options.prior,
        discount=options.discount,
        error_cost=options.error_cost,
        preference=options.preference,
        weighting=options.weighting,
        inertia=options.inertia,
        biased=int(options.planner == "biased"),
        strict=int(options.tie == "planner"),
        learned=int(options.crowd == "learned"),
        public=int(options.public),
        lying=int(options.lying),
        draws=options.draws,
    )


def reset(p, game, agents, board, rng):
    game.truth = int(chance(rng, p.prior))
    game.belief = p.prior
    game.announced, game.signal, game.last = p.baseline, 0, NOBODY
    game.acted, game.right = 0, 0
    if p.learned != 0:
        game.turn = PLANNER


@rule
def informs(p, belief, precision):
    """Whether a Bayesian of this belief follows a signal of this precision."""
    need = max(belief, 1.0 - belief)
    return precision > need + EDGE if p.strict != 0 else precision >= need - EDGE


@rule
def herds(belief, signal):
    """What a Bayesian does whose signal does not outweigh its belief."""
    if abs(belief - 0.5) <= EDGE:
        return signal
    return int(belief > 0.5)


@rule
def weighted(p, belief):
    """The belief as a crowd takes it."""
    if p.weighting == 1.0 or belief <= 0.0 or belief >= 1.0:
        return belief
    return math.exp(-((-math.log(belief)) ** p.weighting))


@rule
def learn(p, game, act):
    """Public belief after an act, if it was a Bayesian's."""
    q, b = game.announced, game.belief
    if informs(p, b, q):
        good = b * q + (1.0 - b) * (1.0 - q)
        if act == 1:
            game.belief = b * q / good if good > 0.0 else b
        else:
            game.belief = b * (1.0 - q) / (1.0 - good) if good < 1.0 else b


def step(p, game, agents, board, act, sent, reward, rng):
    if p.learned == 0 or game.turn == PLANNER:
        chosen = act[PLANNER]
        level, told = chosen, chosen
        if p.lying != 0:
            level, told = chosen // len(p.precision), chosen % len(p.precision)
        game.announced = p.precision[told] if p.public != 0 else p.baseline
        game.signal = 0
        for _ in range(p.draws):
            if chance(rng, p.precision[level]) == (game.truth == 1):
                game.signal = 1
        reward[PLANNER] -= p.cost[level]
        if p.learned != 0:
            game.turn = AGENT
            return False
        belief = weighted(p, game.belief)
        named = game.signal if informs(p, belief, game.announced) else herds(belief, game.signal)
        if p.inertia > 0.0 and chance(rng, p.inertia) and game.last != NOBODY:
            named = game.last
    else:
        named = act[AGENT]
        game.turn = PLANNER
    wrong = named != game.truth
    if p.learned != 0 and wrong:
        reward[AGENT] -= p.error_cost
    if p.biased != 0:
        reward[PLANNER] += p.preference * named
    elif wrong:
        reward[PLANNER] -= p.error_cost
    game.acted += 1
    game.right += 1 - int(wrong)
    game.last = named
    learn(p, game, named)
    return not chance(rng, p.discount)


def observe(p, game, agents, board, i, obs):
    obs[0] = game.belief
    if i == PLANNER:
        b = min(max(game.belief, 1e-9), 1.0 - 1e-9)
        obs[1] = min(max(math.log(b / (1.0 - b)) / 8.0, -1.0), 1.0)
        obs[2] = 1.0 if b > 0.5 + EDGE else 0.0
        obs[3] = 1.0 if b < 0.5 - EDGE else 0.0
        return
    obs[1] = game.announced
    obs[2], obs[3] = 0.0, 0.0
    if game.turn == AGENT:
        obs[2 + game.signal] = 1.0


def success(p, game, agents, board):
    return game.right / game.acted if game.acted > 0 else 0.0


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    return f"agent {game['acted']}: state {game['truth']}, belief {float(game['belief']):.3f}, {game['right']} right so far"


def situations(options: Options) -> None:
    return None


# ---------------------------------------------------------------------------------------------------------------- limits
def limits(options: Options) -> Limits:
    found, exact = options.solve()
    d = options.discount
    free, known = options.solve(control=False)
    usual = options.crowd == "scripted" and options.weighting == 1 and options.inertia == 0
    usual = usual and options.public and not options.lying and options.draws == 1 and options.max_cycles is None
    whose = "" if usual else "; of a transparent planner of Bayesians, for as long as chance lets it: not this one's"
    best = float(np.interp(options.prior, found.beliefs, found.value))
    uncontrolled = float(np.interp(options.prior, free.beliefs, free.value))
    top = 0.0 if options.planner == "altruistic" else options.preference / (1 - d)
    lattices, grids = "value iteration on the lattice of beliefs", "value iteration on a grid of 1,001 beliefs"
    if options.crowd == "learned":
        whose += "; the planner's alone, not the mean over it and the agent"
    return Limits(
        silent=Limit(min(uncontrolled, best), known and usual, f"the baseline throughout: {lattices if known else grids}{whose}"),
        reachable=Limit(best, exact and usual, (lattices if exact else grids) + whose),
        ceiling=Limit(top, False, f"upper bound: no agent errs, or all name good, at no cost{whose}"),
    )
