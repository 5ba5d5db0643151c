"""The receiver of acquisition/senders by theory, senders who tell the truth, and receivers who learn the game as they play it."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from agents.team import Deployed, Team
from commenv.core.errors import number, whole
from commenv.games.acquisition.senders import DECIDE, REPORT, Options
from commenv.solvers.senders import Array, gains, optimal

ID = "acquisition/senders-v0"
REVISIONS = 1.1
"""Factor by which the rounds grow from one solution of the program to the next."""


class Panel(Deployed):
    """Senders who report by their code, and a receiver who, where it is not committed, draws its action from the best rule.

    seed: of the receiver's draws. Raises ValueError where its channel may lose or alter what was sent: the rule is not made for
    that.
    """

    def __init__(self, options: Options, seed: int = 0) -> None:
        super().__init__(ID, options)
        if not options.delivers:
            raise ValueError(
                "the best rule is for messages that arrive as they were sent: give a channel without noise or limits"
            )
        self.rule, self.messages, self.seed = options.committed(), options.messages, seed
        self.chooses = options.commitment == "none"

    def player(self, games: int) -> "_Playing":
        return _Playing(self)


class _Playing:
    def __init__(self, panel: Panel) -> None:
        self.panel, self.rng = panel, np.random.default_rng(panel.seed)

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        panel = self.panel
        said = {
            f"sender_{i}": np.asarray(code)[seen[f"sender_{i}"][:, 2:].argmax(axis=1)] for i, code in enumerate(panel.rule.codes)
        }
        return {**said, "receiver": self._decide(seen["receiver"])}

    def _decide(self, seen: np.ndarray) -> np.ndarray:
        """Actions (n,); what it does in the first step does not count."""
        if not self.panel.chooses:
            return np.zeros(len(seen), int)
        boxes = seen[:, 2:].reshape(len(seen), len(self.panel.messages), -1).argmax(axis=2)
        heard = np.minimum(boxes, np.array(self.panel.messages) - 1)
        cumulative = self.panel.rule.policy.cumsum(axis=1)[np.ravel_multi_index(heard.T, self.panel.messages)]
        drawn = (self.rng.random(len(seen))[:, None] >= cumulative).sum(axis=1)
        return drawn.clip(max=cumulative.shape[1] - 1)


# ------------------------------------------------------------------------------------------- learned agents, in theory
def alphabets(options: Options) -> tuple[int, ...]:
    """How many messages of each sender are told apart: by a rule those of its codes, by a receiver of its own mind all."""
    return options.messages if options.commitment != "none" else (options.link.size,) * len(options.signals)


def reports(team: Team) -> list[np.ndarray]:
    """What each sender of a learned team says, greedily, for every signal; messages that are not told apart are one."""
    options = team.options
    assert isinstance(options, Options)
    found = []
    for i, (S, M) in enumerate(zip(options.signals, alphabets(options), strict=True)):
        seen = np.zeros((S, 2 + S), np.float32)
        seen[:, REPORT] = 1
        seen[np.arange(S), 2 + np.arange(S)] = 1
        found.append(team.act(f"sender_{i}", seen).clip(max=M - 1))
    return found


def decided(team: Team) -> Array:
    """pi(action | joint message) of a learned team's receiver, which is greedy, or the rule it is committed to."""
    options = team.options
    assert isinstance(options, Options)
    if options.commitment != "none":
        return options.committed().policy
    sizes, places = alphabets(options), options.link.places
    seen = np.zeros((*sizes, 2 + len(sizes) * places), np.float32)
    seen[..., DECIDE] = 1
    for said in np.ndindex(*sizes):
        seen[(*said, [2 + i * places + message for i, message in enumerate(said)])] = 1
    return np.eye(options.worth.shape[2])[team.act("receiver", seen.reshape(-1, seen.shape[-1]))]


# -------------------------------------------------------------------------------------------------- learning by playing
@dataclass(frozen=True)
class Online:
    """What T rounds came to, for a receiver whose senders tell the truth throughout."""

    regret: float
    """Sum over rounds of what the best rule under which the truth is best would have earned more. May be negative: rules that
    tempt senders earn more. So it says nothing without the violation."""
    violation: float
    """Sum over rounds of the most that any untrue message would have gained its sender."""
    explored: int = 0
    """Rounds in which actions were drawn uniformly, whatever was reported."""


def full_feedback(prior: Array, kernel: Array, utilities: Array, rounds: int, seed: int, *, caution: float = 1.0) -> Online:
    """Each round the receiver learns state and signals; it knows the utilities, and not how likely signals are.

    By round t it plays the best rule of the empirical table whose temptations are at most `caution` sqrt(ln T / t), so that the
    best rule of the truth is among those it chooses from; solved anew whenever the rounds have grown by a tenth. Regret and
    violation are O(sqrt T) up to logarithms (Cacciamani, Castiglioni, Gatti 2023, Online mechanism design for information
    acquisition).
    """
    game, rng = _Truth(prior, kernel, utilities), np.random.default_rng(seed)
    counts = np.zeros_like(game.law)
    policy, regret, violation = game.uniform, 0.0, 0.0
    for played, after in _stretches(whole("rounds", rounds, 1)):
        lost, tempted = game.judge(policy)
        regret, violation = regret + (after - played) * lost, violation + (after - played) * tempted
        counts += rng.multinomial(after - played, game.law.ravel()).reshape(game.law.shape)
        table = np.einsum("ts,kat->ksa", counts / counts.sum(), game.utilities)
        policy = optimal(table, game.signals, slack=caution * math.sqrt(math.log(rounds) / after)).policy
    return Online(regret, violation)


def bandit_feedback(
    prior: Array, kernel: Array, utilities: Array, rounds: int, seed: int, *, alpha: float = 0.5, caution: float = 1.0
) -> Online:
    """Each round the receiver learns the signals and what everybody earned from the action that was taken, and no more.

    It draws actions uniformly for T^alpha rounds, which no report can sway, then plays the best rule of the estimated table whose
    temptations are at most `caution` sqrt(A ln T / T^alpha). Regret O(T^alpha) and violation O(T^(1 - alpha / 2)) up to
    logarithms, for alpha from 1/2 to 1; no learner does better in both (same source).
    """
    game, rng = _Truth(prior, kernel, utilities), np.random.default_rng(seed)
    number("alpha", alpha, 0.5, 1)
    explored = min(math.ceil(whole("rounds", rounds, 1) ** alpha), rounds)
    A = game.uniform.shape[1]
    states, signals = np.unravel_index(rng.choice(game.law.size, explored, p=game.law.ravel()), game.law.shape)
    actions = rng.integers(A, size=explored)
    earned = game.utilities[:, actions, states]  # [who, round]
    seen = np.bincount(signals * A + actions, minlength=game.uniform.size).reshape(game.uniform.shape)
    sums = np.array([np.bincount(signals * A + actions, row, minlength=game.uniform.size) for row in earned])
    means = sums.reshape(-1, *seen.shape) / np.maximum(seen, 1)
    table = means * (seen.sum(axis=1) / explored)[:, None]
    policy = optimal(table, game.signals, slack=caution * math.sqrt(A * math.log(max(rounds, 2)) / explored)).policy
    lost, tempted = game.judge(policy)
    at_first, _ = game.judge(game.uniform)
    left = rounds - explored
    return Online(explored * at_first + left * lost, left * tempted, explored)


class _Truth:
    """What is true, and what a rule is worth in it."""

    def __init__(self, prior: Array, kernel: Array, utilities: Array) -> None:
        self.utilities, self.signals = np.asarray(utilities, float), tuple(kernel.shape[1:])
        self.law = np.asarray(prior)[:, None] * kernel.reshape(len(prior), -1)
        self.table = np.einsum("ts,kat->ksa", self.law, self.utilities)
        self.best = optimal(self.table, self.signals).value
        self.uniform = np.full(self.table.shape[1:], 1 / self.table.shape[2])

    def judge(self, policy: Array) -> tuple[float, float]:
        """Regret and violation of one round."""
        tempted = gains(self.table, self.signals, policy)
        return self.best - float((self.table[0] * policy).sum()), max(float(tempted.max(initial=0.0)), 0.0)


def _stretches(rounds: int) -> Iterator[tuple[int, int]]:
    """(rounds played before, rounds played after) of stretches that grow by a tenth, and by one round at least."""
    played = 0
    while played < rounds:
        after = min(max(math.ceil(played * REVISIONS), played + 1), rounds)
        yield played, after
        played = after
