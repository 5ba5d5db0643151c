"""Exact agents of Markov coding games: a maximum-entropy policy of the process, coupled step by step with what is believed.

The marginal policy is that of soft values at a temperature and knows no message. At each step everybody who watches couples it
with the belief about the message; the sender acts by its message's row of the coupling, the receiver in the end names the
likeliest. Sokota et al. (2022), MEME; messages in parts: FIMEC; with a rate, signals of limited entropy in between: Ebrahimi,
Chen, Khisti (2024), MEC-B. A team plays through the interfaces that learned teams play through, each agent from its own
observations alone.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numba import njit

from agents.exact import belief
from agents.team import Deployed
from commenv import info
from commenv.core.batch import Batch
from commenv.core.errors import bad, number, whole
from commenv.core.generator import RULES, episode_key, mix, seek, uniform
from commenv.games import rules
from commenv.games.coding import tabular
from commenv.games.coding.message import PER_STEP, TOTAL, UNLIMITED
from commenv.games.coding.message import Options as CodingOptions
from commenv.solvers.soft_value import soft_q, soft_values

METHODS = {"paper": belief.PAPER, "smallest": belief.SMALLEST, "uniform": belief.UNIFORM, "best": belief.BEST}
"""How a belief is compressed to a rate: see commenv.info.entropy_bounded_partition."""


class Carrier(Protocol):
    """The process that carries the message, and its marginal policy, as who watches knows them."""

    public: int
    """Length of what everybody sees."""
    history: int
    """Transitions that an observation holds."""

    def clock(self, seen: np.ndarray) -> np.ndarray:
        """Steps done, of observations (n, public)."""
        ...

    def policies(self, seen: np.ndarray) -> np.ndarray:
        """The marginal policy of the next action, (n, A)."""
        ...

    def past(self, seen: np.ndarray, before: np.ndarray, t: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of step t, which is over: its policy (n, A), what was available (n, A), and the executed action (n,). before: what was
        seen last. Rows that have not come so far hold anything."""
        ...


class Tabular:
    """A finite process, with the policy of soft values: of all steps where rewards are not discounted, else stationary."""

    def __init__(self, options: tabular.Options, temperature: float, terminal_bonus: bool = False) -> None:
        mdp = options.noisy
        self.states, actions, _ = mdp.transition.shape
        self.horizon, self.history, self.available = options.horizon, options.history, mdp.available
        self.public = tabular.public(options, self.states, actions)
        self.width = self.states + actions
        if options.discount < 1:
            rounds = PUBLISHED if terminal_bonus else None
            self.table = soft_q(mdp, temperature, options.discount, rounds, terminal_bonus).policy[None]
        else:
            self.table = soft_values(mdp, temperature, options.horizon).policy

    def clock(self, seen: np.ndarray) -> np.ndarray:
        return np.rint(seen[:, self.states] * self.horizon).astype(np.int64)

    def policies(self, seen: np.ndarray) -> np.ndarray:
        return self._at(self.clock(seen), seen[:, : self.states].argmax(axis=1))

    def past(self, seen: np.ndarray, before: np.ndarray, t: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        slot = seen[:, self.states + 1 + (t % self.history) * self.width :][:, : self.width]
        place = slot[:, : self.states].argmax(axis=1)
        return self._at(np.full(len(seen), t), place), self.available[place], slot[:, self.states :].argmax(axis=1)

    def _at(self, t: np.ndarray, place: np.ndarray) -> np.ndarray:
        return self.table[np.minimum(t, len(self.table) - 1), place]


PUBLISHED = 100
"""Iterations of soft Q-learning in the published code of Ebrahimi, Chen, Khisti (2024)."""


class Watcher:
    """What one agent believes of the message in n games, from what it sees of them."""

    def __init__(self, team: "CodingTeam", games: int) -> None:
        self.team, self.carrier = team, team.carrier
        self.beliefs = np.tile(team.prior, (games, team.options.parts, 1))
        self.fixed = np.tile(team.fixed, (games, 1))
        self.done = np.zeros(games, np.int64)
        self.before = np.zeros((games, self.carrier.public), np.float32)

    def watch(self, seen: np.ndarray, fresh: np.ndarray) -> None:
        """Take in what is public, seen (n, w), of whatever happened since last."""
        public = seen[:, : self.carrier.public].copy()  # whoever shows it may write over it, and `before` is needed later
        self.beliefs[fresh], self.done[fresh] = self.team.prior, 0
        clock = self.carrier.clock(public)
        behind = self.done < clock
        for t in range(int(self.done[behind].min()), int(clock.max())) if behind.any() else ():
            moved = (self.done <= t) & (t < clock)
            if moved.any():
                if (clock[moved] - t).max() > self.carrier.history:
                    raise ValueError(f"step {t} was not watched: observations hold no more than {self.carrier.history} steps")
                policies, available, executed = self.carrier.past(public, self.before, t)
                belief.watch_all(
                    *(self.beliefs, self.fixed, policies, self.team.rate, self.team.method),
                    *(self.team.options.noise, available, executed, moved),
                )
        self.done, self.before = clock, public


class Coders:
    """The team at play in n games. What it draws follows from its seed, the game's number and its episode and step alone."""

    def __init__(self, team: "CodingTeam", games: int) -> None:
        self.team, self.n = team, games
        self.watchers = {name: Watcher(team, games) for name in team.names}
        self.episode = np.full(games, -1, np.int64)
        self.heard = np.zeros(games, np.int64)

    @property
    def receiver(self) -> Watcher:
        """What the receiver believes."""
        return self.watchers["receiver"]

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        self.episode += fresh
        for name, watcher in self.watchers.items():
            watcher.watch(seen[name], fresh)
        found = {
            "sender": self._send(seen["sender"], active["sender"]),
            "receiver": self._name(seen["receiver"], active["receiver"]),
        }
        if "source" in seen:
            found["source"] = self._signal("source", seen["source"], active["source"])
        return found

    def _signal(self, name: str, seen: np.ndarray, acts: np.ndarray) -> np.ndarray:
        """The signals of whoever sees the message."""
        team, watcher = self.team, self.watchers[name]
        shown = seen[:, team.carrier.public :].reshape(self.n, team.options.parts, team.options.messages)
        signals = np.zeros(self.n, np.int64)
        belief.signal_all(watcher.beliefs, watcher.fixed, team.rate, team.method, shown.argmax(axis=2), acts, signals)
        return signals

    def _send(self, seen: np.ndarray, acts: np.ndarray) -> np.ndarray:
        team, watcher, actions = self.team, self.watchers["sender"], np.zeros(self.n, np.int64)
        if team.options.limit == UNLIMITED:
            signals = self._signal("sender", seen, acts)
        else:
            inbox = seen[:, team.carrier.public :]
            self.heard = signals = np.where(inbox.any(axis=1), inbox.argmax(axis=1), self.heard)
        draws = np.empty(self.n)
        draw_all(np.uint64(team.seed), self.episode, watcher.done, draws)
        policies = team.carrier.policies(watcher.before)
        belief.act_all(watcher.beliefs, watcher.fixed, policies, team.rate, team.method, signals, acts, draws, actions)
        return actions

    def _name(self, seen: np.ndarray, acts: np.ndarray) -> np.ndarray:
        parts, named = self.team.options.parts, np.zeros(self.n, np.int64)
        public = seen[:, : self.team.carrier.public]
        which = public[:, -parts:].argmax(axis=1) if parts > 1 else named.copy()
        belief.name_all(self.receiver.beliefs, which, acts, named)
        return named


@njit(cache=True, error_model="numpy")
def draw_all(seed, episodes, clocks, draws):
    """A uniform number for each game, of its own stream: the games' rules draw from keys that are mixed once less."""
    rng = np.zeros(1, np.uint64)
    for i in range(len(draws)):
        seek(rng, episode_key(mix(seed + np.uint64(i)), episodes[i]), clocks[i], RULES)
        draws[i] = uniform(rng)


class CodingTeam(Deployed):
    """A maximum-entropy sender whose actions tell the message, perhaps its source, and the receiver that knows how.

    temperature: of the marginal policy, in reward a nat; 0: uniform over the best actions. rate: most entropy of the signal
    between the message and the action, in bits, each step or once as the game's rate_limit says; None: the message itself.
    method: how beliefs are compressed to it, of METHODS. terminal_bonus: soft Q-learning exactly as published with MEC-B.
    carrier: the process with its policy, where it is not a finite one. Raises ValueError for a game that is no coding game, and
    what does not fit.
    """

    options: Any
    """Those of a coding game."""

    def __init__(
        self,
        id: str,
        options: Any,
        temperature: float = 0.0,
        *,
        rate: float | None = None,
        method: str = "paper",
        terminal_bonus: bool = False,
        carrier: Carrier | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(id, options)
        if not isinstance(options, CodingOptions):
            raise ValueError(f"{id} is no Markov coding game: an exact coding team cannot play it")
        number("temperature", temperature, 0, math.inf)
        if method not in METHODS:
            raise bad("method", method, f"one of {', '.join(METHODS)}")
        self.seed = whole("seed", seed, 0, 2**63 - 1)
        self.prior = options.probabilities
        self.rate = math.inf if rate is None else number("rate", rate, 0, math.inf)
        self.method = belief.WHOLE if rate is None else METHODS[method]
        if carrier is None:
            if not isinstance(options, tabular.Options):
                raise ValueError(f"{id} has no finite process: give a carrier with its policy")
            carrier = Tabular(options, temperature, terminal_bonus)
        self.carrier: Carrier = carrier
        self.names = ("sender", "receiver") if options.limit == UNLIMITED else ("sender", "receiver", "source")
        self.fixed = np.zeros(0, np.int64)
        if options.limit == TOTAL:
            if options.parts > 1:
                raise bad("parts", options.parts, "1 where the source speaks but once")
            self.fixed = np.zeros(options.messages, np.int64)
            belief.compress(self.prior, self.rate, self.method, self.fixed)
        if options.limit:
            self._check_link()

    def _check_link(self) -> None:
        link = self.options.link
        signals = self.options.messages if self.options.limit == PER_STEP else int(self.fixed.max()) + 1
        perfect = link.memoryless and not link.floats and np.array_equal(link.matrix[:, : link.size], np.eye(link.size))
        if not perfect or link.size < signals:
            raise ValueError(f"the source needs a channel of {signals} symbols without noise, budget or delay, not {link!r}")

    def player(self, games: int) -> Coders:
        return Coders(self, games)


@dataclass(frozen=True)
class Told:
    """What came of games of an exact team; arrays over games."""

    mdp_return: np.ndarray
    correct: np.ndarray
    """Whether the message was named rightly."""
    certainty: np.ndarray
    """Belief in what was named: its mean is the accuracy, with less noise."""
    bits_delivered: np.ndarray
    """log2 of the receiver's last belief in the message over its prior: its mean is I(message; trajectory)."""
    steps: np.ndarray


def tell(team: CodingTeam, games: int, seed: int = 0) -> Told:
    """Play the first game of each of `games` seeds from `seed` on."""
    batch = Batch(rules(team.id), team.options, games, seed, copy=False)
    player, parts = team.player(games), team.options.parts
    seen, fresh = batch.reset(), np.ones(games, bool)
    running = fresh.copy()
    found = {name: np.zeros(games) for name in ("mdp_return", "correct", "certainty", "bits_delivered", "steps")}
    while running.any():
        actions = player.act(seen, batch.active, fresh)
        names = running & batch.active["receiver"]
        if names.any():
            beliefs, message = player.receiver.beliefs[names], batch.state.board[names, :parts]
            true = np.take_along_axis(beliefs, message[:, :, None], axis=2)[:, :, 0]
            found["certainty"][names] = beliefs.max(axis=2).prod(axis=1)
            with np.errstate(divide="ignore"):
                found["bits_delivered"][names] = np.log2(true / team.prior[message]).sum(axis=1)
            found["steps"][names] = player.receiver.done[names]
        seen, _, terminated, truncated, infos = batch.step(actions)
        fresh = (terminated["receiver"] | truncated["receiver"]).copy()
        ended = running & fresh
        if ended.any():
            last = infos["receiver"]["final_info"]
            found["mdp_return"][ended], found["correct"][ended] = last["mdp_return"][ended], last["decode_correct"][ended]
            running &= ~ended
    return Told(**found)


def every_way(team: CodingTeam) -> tuple[float, float]:
    """Accuracy, and I(message; way) in bits, exactly: summed over all ways through a process whose actions have one outcome each.

    Raises ValueError for another process, for actuator noise, and for a rate limit in the game itself.
    """
    options, carrier = team.options, team.carrier
    if not isinstance(carrier, Tabular) or options.noise or options.limit:
        raise ValueError(f"every way is summed over in finite processes without noise and sources, not in {team.id} as it is")
    mdp, steps = options.mdp, options.horizon
    if mdp.transition.max(axis=2).min() < 1 or mdp.start.max() < 1:
        raise ValueError(f"every way is summed over where an action has one outcome: those of {team.id} have several")
    successor, accuracy, bits = mdp.transition.argmax(axis=2), 0.0, 0.0
    stack = [(0, int(mdp.start.argmax()), 1.0, np.tile(team.prior, (options.parts, 1)))]
    while stack:
        t, place, probability, beliefs = stack.pop()
        if t == steps or mdp.terminal[place]:
            accuracy += probability * float(beliefs.max(axis=1).prod())
            bits += probability * sum(info.entropy(team.prior) - info.entropy(b) for b in beliefs)
            continue
        policy = carrier.table[min(t, len(carrier.table) - 1), place][None]
        for a in np.flatnonzero(policy[0]):
            after = beliefs[None].copy()
            belief.watch_all(
                *(after, team.fixed[None], policy, team.rate, team.method, 0.0, mdp.available[place][None]),
                *(np.array([a]), np.array([True])),
            )
            stack.append((t + 1, successor[place, a], probability * policy[0, a], after[0]))
    return accuracy, bits
