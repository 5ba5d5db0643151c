"""Experiments: K experimenters choose designs in parallel to learn one parameter, and share their results in b bits.

Agents: `experimenter_0`, `experimenter_1`, ... (K of them), who act and speak at once. A parameter is drawn. A round takes
two steps: each makes an experiment of one of D designs and sees its own result, one of M levels; then each may send a message
to all others. All results together are what the team knows in the end, whether they were told or not: messages tell the
others where to look next.

observation: posterior by its own results alone, shape (n,); 1 if it is time to tell, and the share of the rounds that is over,
shape (2,); its last design, one-hot, shape (D,), and result, one-hot, shape (M,); then the inboxes of the others, shape
(2**bits + 1,) each.
action: [design, message], MultiDiscrete([D, 2**bits]); without others, Discrete(D).

`model="location"`: a source stands at one of n places on a line from -3 to 3, with prior as N(0, 1); a design is a place on it;
the result is ln(0.1 + 1 / (0.1 + distance**2)) and normal noise, read off an instrument of M marks, the quantiles of all results.
`model="discounting"`: somebody with hyperbolic discount rate k and choice noise alpha, on a grid of n = points**2 pairs, chooses
between `now` and `later` in so many days, a design (now, later, days); M = 2.

Reward, the same for all: what each round tells of the parameter, the fall of its entropy given all results, in nats; on average
I(parameter; results) (Lindley 1956). Ends after `rounds` rounds.

Limits, in nats. reachable: for two experimenters and two rounds the best pair, exactly, at every number of messages; for one
round, or one experimenter, what needs no message; else, if every level has a message of its own, the dynamic program over all
results. silent: the same without messages; ceiling: all results known to all. Where that is too much: silent, the greedy
designs of one round, which all may repeat; reachable and ceiling, the entropy of the prior. Messages that may be lost make
reachable an upper bound; a channel that carries R messages a round is `channel.winners=R`.

Foster, Ivanova, Malik, Rainforth (2021), Deep adaptive design; Gandhi et al. (2025), BoxingGym.
Version history: v0 first release.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from commenv.core import game as core
from commenv.core.errors import bad, number, whole, word
from commenv.core.game import Layout, Role
from commenv.core.generator import categorical, rule
from commenv.core.limits import Limit, Limits
from commenv.games.acquisition.reliable import reliable
from commenv.solvers import experiments as theory

LOCATIONS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
OFFERS = ((10, 20, 1), (10, 20, 36), (10, 20, 70), (10, 20, 150), (50, 60, 30), (100, 101, 1))
DESIGNED = 1_000_000
"""Beliefs times sets of designs beyond which no dynamic program is made."""
FUNCTIONS = 20_000
"""From results to designs, beyond which no best pair is looked for."""


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 1

    model: str = "location"
    """`location` or `discounting`."""
    designs: Sequence[Any] | None = None
    """Places; or (now, later, days), all above 0. None: -3, -2, ..., 3; or six offers."""
    points: int | None = None
    """Places of the source, 2 to 200; or values of each of k and alpha, 2 to 16. None: 25; or 8."""
    levels: int | None = None
    """Number M of levels of a result, 2 to 16; discounting has 2. None: 4; or 2."""
    noise: float = 0.5
    """Standard deviation of the result's noise, in nats of intensity, 0.01 to 100; location only."""
    experimenters: int = 2
    """Number K, 1 to 8."""
    rounds: int = 2
    """Rounds of experiments, 1 to 100."""

    def __post_init__(self) -> None:
        super().__post_init__()
        word("model", self.model, ("location", "discounting"))
        located = self.model == "location"
        if self.points is not None:
            whole("points", self.points, 2, 200 if located else 16)
        if self.levels is not None:
            whole("levels", self.levels, 2, 16 if located else 2)
        number("noise", self.noise, 0.01, 100)
        whole("experimenters", self.experimenters, 1, 8)
        whole("rounds", self.rounds, 1, 100)
        if self.designs is not None:
            chosen = list(self.designs) if isinstance(self.designs, Sequence) and not isinstance(self.designs, str) else []
            if not 1 <= len(chosen) <= 256:
                raise bad("designs", self.designs, "1 to 256 designs")
            object.__setattr__(self, "designs", tuple(self._design(one) for one in chosen))

    def _design(self, one: Any) -> Any:
        if self.model == "location":
            return number("a design", one, -100, 100)
        if not isinstance(one, Sequence) or len(one) != 3:
            raise bad("a design", one, "(now, later, days)")
        return tuple(number("of a design each", value, 1e-6, 1e9) for value in one)

    @property
    def chosen(self) -> tuple[Any, ...]:
        """The designs."""
        return tuple(self.designs or (LOCATIONS if self.model == "location" else OFFERS))

    @property
    def problem(self) -> tuple[np.ndarray, np.ndarray]:
        """Prior (n,) and likelihood [D, n, M]."""
        if self.model == "location":
            theta = np.linspace(-3, 3, self.points or 25)
            prior = np.exp(-0.5 * theta**2)
            means = np.array([theory.location_mean(theta, place) for place in self.chosen])
            return prior / prior.sum(), theory.marked(means, self.noise, self.levels or 4)
        k, alpha = theory.discounting_grid(self.points or 8)
        chances = np.array([theory.prefers_delayed(k, alpha, *offer) for offer in self.chosen])
        return np.full(len(k), 1 / len(k)), np.stack([1 - chances, chances], -1)

    @property
    def playable(self) -> int:
        """Rounds that there are: `max_cycles` may cut a game."""
        return self.rounds if self.max_cycles is None else min(self.rounds, -(-self.max_cycles // 2))


class Parameters(NamedTuple):
    prior: np.ndarray  # (n,)
    cumulative: np.ndarray  # (n,)
    likelihood: np.ndarray  # (D, n, M)
    results: np.ndarray  # (D, n, M) cumulative
    rounds: int


class Game(core.Game):
    state: int  # the parameter's number
    telling: int  # 1 in the second step of a round
    finished: int  # rounds
    uncertain: float  # entropy given all results, nats


class Agent(core.Agent):
    pass


def layout(options: Options) -> Layout:
    D, n, M = options.problem[1].shape
    K = options.experimenters
    roles = tuple(Role(f"experimenter_{i}", actions=D, observation=n + 2 + D + M) for i in range(K))
    # The board: design and result of each experimenter, round after round.
    return Layout(roles=roles, links=tuple(itertools.permutations(range(K), 2)), cells=2 * K * options.rounds)


def parameters(options: Options) -> Parameters:
    prior, likelihood = options.problem
    return Parameters(prior, np.cumsum(prior), likelihood, np.cumsum(likelihood, -1), options.rounds)


@rule
def weight(p, board, theta, first, last, stride):
    """Prior times likelihood of a parameter, by the experiments first, first + stride, ... before last."""
    w = p.prior[theta]
    for e in range(first, last, stride):
        w *= p.likelihood[board[2 * e], theta, board[2 * e + 1]]
    return w


@rule
def uncertainty(p, board, experiments):
    """Entropy of the parameter given so many experiments, in nats."""
    total, mean = 0.0, 0.0
    for theta in range(len(p.prior)):
        w = weight(p, board, theta, 0, experiments, 1)
        if w > 0.0:
            total += w
            mean += w * math.log(w)
    return math.log(total) - mean / total


def reset(p, game, agents, board, rng):
    game.state = categorical(rng, p.cumulative)
    game.telling = game.finished = 0
    for k in range(len(board)):
        board[k] = 0
    game.uncertain = uncertainty(p, board, 0)


def step(p, game, agents, board, act, sent, reward, rng):
    if game.telling == 1:
        game.telling = 0
        return False
    K = len(agents)
    for i in range(K):
        place = 2 * (game.finished * K + i)
        board[place] = act[i]
        board[place + 1] = categorical(rng, p.results[act[i], game.state])
    game.finished += 1
    game.telling = 1
    left = uncertainty(p, board, game.finished * K)
    for i in range(K):
        reward[i] = game.uncertain - left
    game.uncertain = left
    return game.finished == p.rounds


def has_floor(p, game, agents, board, i):
    return game.telling == 1


def observe(p, game, agents, board, i, obs):
    n, D, K = len(p.prior), len(p.likelihood), len(agents)
    for k in range(n, len(obs)):
        obs[k] = 0.0
    total = 0.0
    for theta in range(n):
        w = weight(p, board, theta, i, game.finished * K, K)
        obs[theta] = w
        total += w
    for theta in range(n):
        obs[theta] /= total
    obs[n], obs[n + 1] = game.telling, game.finished / p.rounds
    if game.finished > 0:
        place = 2 * ((game.finished - 1) * K + i)
        obs[n + 2 + board[place]] = 1.0
        obs[n + 2 + D + board[place + 1]] = 1.0


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    made = [f"{board[2 * e]}: {board[2 * e + 1]}" for e in range(int(game["finished"]) * len(agents))]
    return f"round {game['finished']}: parameter {game['state']}, design: result {', '.join(made) or 'none'}"


def situations(options: Options) -> None:
    return None


def limits(options: Options) -> Limits:
    link, T, K = options.link, options.playable, options.experimenters
    game = options.model, options.chosen, options.points, options.levels, options.noise
    M = options.problem[1].shape[-1]
    known = _all_known(game, K, T)
    if K == 1 or T == 1:
        return Limits(silent=known, reachable=known, ceiling=known)
    paired = K == 2 and T == 2 and len(options.chosen) ** M <= FUNCTIONS
    silent = _paired(game, 1) if paired else _greedy(game, K)
    if link.size == 1:
        return Limits(silent=silent, reachable=silent, ceiling=silent if silent.exact else known)
    if not reliable(link):
        reachable = Limit(known.value, False, f"upper bound, as if no message were lost: {known.source}")
    elif link.size >= M:
        reachable = known
    elif paired:
        reachable = _paired(game, link.size)
    else:
        reachable = Limit(known.value, False, f"upper bound, as if each level had a message: {known.source}")
    return Limits(silent=silent, reachable=reachable, ceiling=known)


def _problem(game: tuple) -> tuple[np.ndarray, np.ndarray]:
    model, designs, points, levels, noise = game
    return Options(model=model, designs=designs, points=points, levels=levels, noise=noise).problem


@lru_cache(maxsize=64)
def _all_known(game: tuple, K: int, T: int) -> Limit:
    prior, likelihood = _problem(game)
    D, _, M = likelihood.shape
    sets = math.comb(D + K - 1, K)
    if sets * (sets * M**K) ** (T - 1) > DESIGNED or M**K > 4096:
        return Limit(float(theory.entropy(prior)), False, "upper bound: entropy of the prior")
    return Limit(theory.adaptive_gain(prior, likelihood, K, T), True, "dynamic program over all results")


@lru_cache(maxsize=64)
def _paired(game: tuple, messages: int) -> Limit:
    return Limit(theory.best_pair(*_problem(game), messages).value, True, "best pair, by all codes and all second designs")


@lru_cache(maxsize=64)
def _greedy(game: tuple, K: int) -> Limit:
    prior, likelihood = _problem(game)
    if likelihood.shape[-1] ** K > 65536:
        return Limit(0.0, False, "nothing is learned")
    value, _ = theory.greedy_designs(prior, likelihood, K)
    return Limit(value, False, "attained: greedy designs in the first round, whatever comes then")
