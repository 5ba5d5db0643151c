"""Twenty questions: K searchers ask yes-or-no questions in parallel, and tell each other the answers in b bits each.

Agents: `searcher_0`, `searcher_1`, ... (K of them), who act and speak at once. One of n hypotheses is true. A round takes two
steps. First each asks one of Q queries, or passes; at most R of them are answered, those of the searchers before others, and
each sees its own answer only. Then those who were answered may each send a message to all others. What all answers together
leave is put together without anybody's doing: the search is over as soon as some hypothesis has posterior `confidence` by all
of them. So messages do not end a search; they tell the others what is worth asking next.

observation: posterior by its own answers alone, shape (n,); 1 if it is time to tell, shape (1,); its last query, one-hot, the
last place for none, shape (Q + 1,); its last answer, one-hot of no and yes, shape (2,); then the inboxes of the others, shape
(2**bits + 1,) each.
action: [query, or Q to pass] and a message, MultiDiscrete([Q + 1, 2**bits]); without others, Discrete(Q + 1).

`queries`: `line`, the n - 1 questions whether the number is less than j = 1..n-1; `subsets`, all of the 2**(n-1) - 1 ways to
part the hypotheses; `tree`, for n = 4**m: whether a bit of the category is set, and for each of the categories whether it is
that one and a bit of the member is set; or bit masks, bit h the answer if hypothesis h is true. An answer is wrong with
probability `noise`.

Reward, the same for all: -1 a round and -`price` for each answer; -`failure` if `rounds` rounds do not end the search.
Ends then, or when the search is over. Success: 1 if the likeliest hypothesis is the true one (the lowest of equals).

Limits: reachable = ceiling: with a bit for each answer everybody knows all of them, and the dynamic program over what all answers
leave is the best team's (an upper bound where messages may be lost, and with noisy answers if there are too many beliefs: then a
bound of Fano's). silent: the best team that shares nothing, a decentralised program solved by branch and bound; where that is too
large, or answers are noisy, the value of searcher_0 asking alone. More than 1 bit buys nothing: answers have no more.

Geman, Jedynak (1996), An active testing model; Chan, Ge, Dobriban, Hassani, Vidal (2025), Conformal information pursuit.
Version history: v0 first release.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from commenv import info
from commenv.core import game as core
from commenv.core.errors import bad, number, whole
from commenv.core.game import Layout, Role
from commenv.core.generator import categorical, chance, rule
from commenv.core.limits import Limit, Limits
from commenv.games.acquisition.reliable import reliable
from commenv.solvers.apart import apart
from commenv.solvers.questions import Search, cost_bound, optimal

NONE = -1
MOST = 16
"""Hypotheses, for named queries: all subsets of 16 are 32,767."""


@dataclass(frozen=True, kw_only=True)
class Options(core.Options):
    """What a user may choose."""

    default_bits: ClassVar[int] = 1

    hypotheses: int = 9
    """Number n, 2 to 62."""
    prior: Sequence[float] | None = None
    """Distribution of the true hypothesis, length n; None: uniform."""
    queries: str | Sequence[int] = "line"
    """`line`, `subsets` (n up to 16), `tree` (n = 4, 16), or bit masks of the hypotheses, at most 4,096."""
    searchers: int = 2
    """Number K, 1 to 16."""
    answers: int | None = None
    """Number R of answers a round, 1 to K; None: K."""
    price: float = 0.0
    """Of an answer, in rounds; at least 0."""
    noise: float = 0.0
    """Probability that an answer is wrong, from 0 to below 0.5."""
    confidence: float | None = None
    """Posterior at which the search is over; None: 1 without noise, with noise 0.9."""
    rounds: int = 12
    """Rounds after which the search has failed, 1 to 1,000."""
    failure: float = 10.0
    """What that costs, at least 0."""

    def __post_init__(self) -> None:
        super().__post_init__()
        n = whole("hypotheses", self.hypotheses, 2, 62)
        if self.prior is not None:
            try:
                fits = len(info.distribution(self.prior)) == n
            except ValueError:
                fits = False
            if not fits:
                raise bad("prior", self.prior, f"the probabilities of {n} hypotheses: not negative, with sum 1")
            object.__setattr__(self, "prior", tuple(np.asarray(self.prior, float).tolist()))
        self._check_queries()
        whole("searchers", self.searchers, 1, 16)
        if self.answers is not None:
            whole("answers", self.answers, 1, self.searchers)
        number("price", self.price, 0, 1e6)
        if number("noise", self.noise, 0, 0.5) == 0.5:
            raise bad("noise", self.noise, "below 0.5")
        if self.confidence is not None:
            number("confidence", self.confidence, 0, 1)
            if self.confidence == 0 or (self.noise and self.confidence == 1):
                raise bad("confidence", self.confidence, "above 0, and below 1 where answers are noisy")
        whole("rounds", self.rounds, 1, 1000)
        number("failure", self.failure, 0, 1e6)

    def _check_queries(self) -> None:
        n = self.hypotheses
        if isinstance(self.queries, str):
            if self.queries not in ("line", "subsets", "tree"):
                raise bad("queries", self.queries, "line, subsets, tree or a list of bit masks")
            if self.queries == "subsets" and n > MOST:
                raise ValueError(f"queries='subsets' of {n} hypotheses are too many: at most {MOST}")
            if self.queries == "tree" and n not in (4, 16):
                raise ValueError(f"queries='tree' needs hypotheses=4 or 16, not {n}")
            return
        masks: list[Any] = list(self.queries) if isinstance(self.queries, Sequence) else []
        if not 1 <= len(masks) <= 4096 or not all(isinstance(m, int | np.integer) and 0 <= m < 2**n for m in masks):
            raise bad("queries", self.queries, f"line, subsets, tree or 1 to 4,096 bit masks of {n} hypotheses")
        object.__setattr__(self, "queries", tuple(map(int, masks)))

    @property
    def masks(self) -> tuple[int, ...]:
        """The queries as bit masks."""
        n = self.hypotheses
        match self.queries:
            case "line":
                return tuple(2**j - 1 for j in range(1, n))
            case "subsets":
                return tuple(range(1, 2 ** (n - 1)))
            case "tree":
                return tree(1 if n == 4 else 2)
        assert not isinstance(self.queries, str)
        return tuple(self.queries)

    @property
    def search(self) -> Search:
        """The problem of all searchers together."""
        uniform = (1 / self.hypotheses,) * self.hypotheses
        return Search(
            prior=uniform if self.prior is None else tuple(self.prior),
            queries=self.masks,
            parallel=self.answers or self.searchers,
            price=self.price,
            noise=self.noise,
            confidence=self.threshold,
        )

    @property
    def threshold(self) -> float:
        """The confidence, resolved."""
        return (0.9 if self.noise else 1.0) if self.confidence is None else self.confidence

    @property
    def playable(self) -> tuple[int, float]:
        """Rounds that there are, and what failing costs: `max_cycles` may cut a game before it fails."""
        within = self.rounds if self.max_cycles is None else -(-self.max_cycles // 2)
        return (self.rounds, self.failure) if self.rounds <= within else (within, 0.0)


def tree(m: int) -> tuple[int, ...]:
    """Queries of 2**m categories with 2**m members each: the bits of the category, then of each category those of its members."""
    size = 2**m
    whole_tree = [(c, d) for c in range(size) for d in range(size)]
    categories = [sum(1 << h for h, (c, _) in enumerate(whole_tree) if c >> bit & 1) for bit in range(m)]
    members = [
        sum(1 << h for h, (c, d) in enumerate(whole_tree) if c == own and d >> bit & 1)
        for own, bit in itertools.product(range(size), range(m))
    ]
    return (*categories, *members)


class Parameters(NamedTuple):
    prior: np.ndarray  # (n,)
    cumulative: np.ndarray  # (n,)
    truth: np.ndarray  # (Q, n) the right answers
    odds: np.ndarray  # how much less likely so many contradicting answers make a hypothesis
    answers: int
    price: float
    noise: float
    confidence: float
    rounds: int
    failure: float


class Game(core.Game):
    state: int  # the true hypothesis
    telling: int  # 1 in the second step of a round
    finished: int  # rounds
    found: int


class Agent(core.Agent):
    query: int  # Q: none
    answer: int  # 0, 1, NONE


def layout(options: Options) -> Layout:
    K, n, Q = options.searchers, options.hypotheses, len(options.masks)
    roles = tuple(Role(f"searcher_{i}", actions=Q + 1, observation=n + 1 + Q + 1 + 2) for i in range(K))
    return Layout(roles=roles, links=tuple(itertools.permutations(range(K), 2)), cells=(K + 1) * n)


def parameters(options: Options) -> Parameters:
    search = options.search
    most = options.rounds * search.parallel
    return Parameters(
        prior=search.p,
        cumulative=np.cumsum(search.p),
        truth=search.answers.astype(np.int64),
        odds=(options.noise / (1 - options.noise)) ** np.arange(most + 1.0),
        answers=search.parallel,
        price=float(options.price),  # a whole number would compile the rules anew
        noise=float(options.noise),
        confidence=options.threshold - 1e-12,
        rounds=options.rounds,
        failure=float(options.failure),
    )


@rule
def least(board, first, n):
    """Fewest contradictions of any hypothesis: with noise posteriors follow from the differences, which are safe to raise to."""
    fewest = board[first]
    for h in range(1, n):
        fewest = min(fewest, board[first + h])
    return fewest


@rule
def likeliest(p, board):
    """The hypothesis of highest posterior by all answers, and that posterior."""
    n = len(p.prior)
    fewest = 0 if p.noise == 0.0 else least(board, 0, n)
    total, best, highest = 0.0, 0, -1.0
    for h in range(n):
        weight = p.prior[h] * p.odds[board[h] - fewest]
        total += weight
        if weight > highest:
            best, highest = h, weight
    return best, highest / total


def reset(p, game, agents, board, rng):
    game.state = categorical(rng, p.cumulative)
    game.telling = game.finished = game.found = 0
    for i in range(len(agents)):
        agents[i].query, agents[i].answer = len(p.truth), NONE
    for k in range(len(board)):
        board[k] = 0


def step(p, game, agents, board, act, sent, reward, rng):
    if game.telling == 1:
        game.telling = 0
        return False
    n, answered = len(p.prior), 0
    for i in range(len(agents)):
        agents[i].query, agents[i].answer = act[i], NONE
        if act[i] < len(p.truth) and answered < p.answers:
            answer = p.truth[act[i], game.state]
            if p.noise > 0.0 and chance(rng, p.noise):
                answer = 1 - answer
            answered += 1
            agents[i].answer = answer
            for h in range(n):
                against = int(p.truth[act[i], h] != answer)
                board[h] += against
                board[(i + 1) * n + h] += against
    best, posterior = likeliest(p, board)
    over = posterior >= p.confidence
    game.finished += 1
    game.found = int(best == game.state)
    game.telling = 1
    failed = not over and game.finished == p.rounds
    for i in range(len(agents)):
        reward[i] = -1.0 - p.price * answered - (p.failure if failed else 0.0)
    return over or failed


def has_floor(p, game, agents, board, i):
    return game.telling == 1 and agents[i].answer != NONE


def observe(p, game, agents, board, i, obs):
    n, Q = len(p.prior), len(p.truth)
    for k in range(len(obs)):
        obs[k] = 0.0
    first = (i + 1) * n
    fewest = 0 if p.noise == 0.0 else least(board, first, n)
    total = 0.0
    for h in range(n):
        total += p.prior[h] * p.odds[board[first + h] - fewest]
    for h in range(n):
        obs[h] = p.prior[h] * p.odds[board[first + h] - fewest] / total
    obs[n] = game.telling
    obs[n + 1 + agents[i].query] = 1.0
    if agents[i].answer != NONE:
        obs[n + 1 + Q + 1 + agents[i].answer] = 1.0


def success(p, game, agents, board):
    return float(game.found)


def describe(options: Options, game: Any, agents: Any, board: Any) -> str:
    names = {0: "no", 1: "yes", NONE: "no answer"}
    asked = ", ".join(f"{int(a['query'])}: {names[int(a['answer'])]}" for a in agents)
    when = "to tell" if game["telling"] else "to ask"
    return f"round {game['finished']}, {when}: hypothesis {game['state']}; {asked}"


def situations(options: Options) -> None:
    return None


def limits(options: Options) -> Limits:
    silent, together = _apart(options), _together(options)
    if options.searchers > 1 and options.link.size == 1:
        return Limits(silent=silent, reachable=silent, ceiling=silent if silent.exact else together)
    bound = Limit(together.value, False, f"upper bound, as if no message were lost: {together.source}")
    reachable = together if options.searchers == 1 or reliable(options.link) else bound
    return Limits(silent=silent, reachable=reachable, ceiling=together)


def _together(options: Options) -> Limit:
    rounds, failure = options.playable
    value, exact, source = _planned(options.search, rounds, failure)
    return Limit(-value, exact, source)


def _apart(options: Options) -> Limit:
    rounds, failure = options.playable
    if options.searchers == 1:
        return _together(options)
    value, exact, source = _alone(options.search, options.searchers, rounds, failure)
    return Limit(-value, exact, source)


@lru_cache(maxsize=64)
def _planned(search: Search, rounds: int, failure: float) -> tuple[float, bool, str]:
    if _few(search, rounds):
        try:
            return optimal(search, rounds, failure).value, True, "dynamic program over what all answers leave"
        except ValueError:
            pass  # too many beliefs after all
    return min(cost_bound(search, failure), rounds + failure), False, "upper bound: what answers can tell at most (Fano 1961)"


@lru_cache(maxsize=64)
def _alone(search: Search, searchers: int, rounds: int, failure: float) -> tuple[float, bool, str]:
    try:
        return apart(search, searchers, rounds, failure).value, True, "best team that shares no answer, by branch and bound"
    except ValueError:
        value, exact, _ = _planned(replace(search, parallel=1), rounds, failure)
        if exact:
            return value, False, "searcher_0 alone, by dynamic program; a team that shares nothing may do better"
        return rounds * 1.0 + failure, False, "nobody asks"


def _few(search: Search, rounds: int) -> bool:
    """Whether a plan is worth the try: noisy beliefs multiply with every answer, and rounds with what may be asked in them."""
    kinds = 2 * len(search.queries)  # of answers; a noisy belief is how many there were of each
    beliefs = math.comb(rounds * search.parallel + kinds, kinds) if search.noise else 1
    return math.comb(len(search.queries) + search.parallel, search.parallel) <= 5000 and beliefs <= 20_000
