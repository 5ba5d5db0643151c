"""Agents and the server of acquisition/linear_bandit who play phased elimination through the game's own channel."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from agents.team import Deployed
from commenv.core.channel import Channel
from commenv.core.errors import bad
from commenv.games.acquisition.linear_bandit import Options
from commenv.solvers.linear_bandit import quantise


class Elimination(Deployed):
    """Phased elimination (Salgia, Zhao 2023), as `phased_elimination` plays it, one number of `bits` bits a message.

    In phase l each of the arms left is pulled the same number of times, one arm after the other. As arms are e_1..e_d, what an
    agent knows of an arm is final with the arm's last pull: it is sent in the very round, and the server answers with the mean.
    Arms that have left still count as numbers, 0, sent in rounds that are free: so each phase sends d numbers an agent up and d
    down. Nobody speaks in other rounds; when, all know beforehand. A phase that the horizon cuts is pulled in turn, and says
    nothing.

    seed: of the quantisers. Raises ValueError for a game without a server, with max_cycles or a gap above 1, for a channel that
    is not floats=1, silence=True and noiseless, and where a phase could have fewer rounds than the d numbers it has to send.
    """

    def __init__(self, options: Options, seed: int = 0) -> None:
        super().__init__("acquisition/linear_bandit-v0", options)
        if not options.server:
            raise bad("server", options.server, "True: estimates are averaged by a server")
        if options.link != Channel(bits=options.link.bits, floats=1, silence=True):
            raise bad("channel", options.link, "noiseless, with floats=1, bits and silence=True")
        if options.max_cycles is not None:
            raise bad("max_cycles", options.max_cycles, "None: agents count on all rounds")
        if options.gap > 1:
            raise bad("gap", options.gap, "at most 1: the range of what is sent counts on it")
        self.seed, d = seed, options.dimension
        phases = [np.zeros(d + 1, int)]
        while (phases[-1] * np.arange(d + 1))[1:].min() < options.rounds:  # in the last of them nobody comes to the end
            phases.append(np.array([0, *(self._pulls(len(phases), k) for k in range(1, d + 1))]))
        self.pulls = np.array(phases)
        """Of each arm by an agent in phase l with k arms left, shape (phases + 1, d + 1); row and column 0 are not used."""
        rounds = self.pulls * np.arange(d + 1)
        short = np.argwhere(rounds[2:, 1:] < min(d, options.rounds))  # in the first phase all d arms are left
        if len(short):
            phase, arms = short[0] + (2, 1)
            raise ValueError(
                f"phase {phase} with {arms} arms left takes {rounds[phase, arms]} rounds: too few to send {d} numbers"
            )

    def _pulls(self, phase: int, arms: int) -> int:
        o: Options = self.options  # type: ignore[assignment]
        confidence = math.log(2 * o.dimension * phase * (phase + 1) * o.agents * o.rounds)
        total = math.ceil(2 * o.dimension / arms * o.noise**2 * 4.0**phase * confidence)
        return math.ceil(total / o.agents)

    def player(self, games: int) -> "_Team":
        return _Team(self, games)


class _Team:
    """A team at play. Phase, round and the arms left are the same for all, as all know what the server has told."""

    def __init__(self, team: Elimination, games: int) -> None:
        o: Options = team.options  # type: ignore[assignment]
        self.options, self.pulls, self.levels = o, team.pulls, 2 ** int(o.link.bits or 0)
        self.rng = np.random.default_rng(team.seed)
        self.phase, self.begun, self.place = (np.zeros(games, int) for _ in range(3))
        self.left, self.told = np.ones((games, o.dimension), bool), np.zeros((games, o.dimension))
        self.sums = np.zeros((games, o.agents, o.dimension))

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, Any]:
        M, d = self.options.agents, self.options.dimension
        views = np.stack([seen[f"agent_{i}"] for i in range(M)], axis=1)  # [game, agent, w]
        pulling, answering = views[:, 0, 3 * d + 2] > 0, seen["server"][:, 1] > 0
        self.phase[fresh], self.begun[fresh], self.place[fresh], self.left[fresh], self.sums[fresh] = 1, 0, 0, True, 0.0
        self._hear(pulling & ~fresh, views[:, 0, 3 * d + 3])
        arm, coordinate = self._plan()
        games = np.arange(len(arm))
        reporting = ~pulling & ~answering
        self.sums[games, :, arm] += np.where(reporting[:, None], views[:, :, 2 * d + 1], 0.0)
        known = self.sums[games, :, coordinate] / self._each[:, None]  # of arms that have left 0
        up = self._said(known, reporting & (coordinate >= 0))
        down = self._said(self._read(seen["server"][:, 2::2]).mean(axis=1, keepdims=True), answering & (coordinate >= 0))
        return {**{f"agent_{i}": (arm, up[:, i]) for i in range(M)}, "server": down[:, 0]}

    def _hear(self, games: np.ndarray, heard: np.ndarray) -> None:
        """A round is over: what the server told in it, and, at the end of a phase, which arms are left."""
        _, coordinate = self._plan()
        told = np.flatnonzero(games & (coordinate >= 0))
        self.told[told, coordinate[told]] = self._read(heard[:, None])[told, 0]
        self.place[games] += 1
        done = games & (self.place == self._each * self.left.sum(axis=1))
        shown = np.where(self.left[done], self.told[done], -np.inf)
        self.left[done] &= shown >= shown.max(axis=1, keepdims=True) - 2 * 2.0 ** -self.phase[done, None]
        self.phase[done], self.begun[done] = self.phase[done] + 1, self.begun[done] + self.place[done]
        self.place[done], self.sums[done] = 0, 0.0

    def _plan(self) -> tuple[np.ndarray, np.ndarray]:
        """Of this round the arm, shape (n,), and which number is sent, -1 for none."""
        games, k = np.arange(len(self.left)), self.left.sum(axis=1)
        order = np.argsort(~self.left, axis=1, kind="stable")  # those left, then the others
        finishes = self._each * k < self.options.rounds - self.begun
        last = (self.place + 1) % self._each == 0
        free = k + self.place - self.place // self._each  # rounds before that were no arm's last, after the arms left
        block = np.minimum(self.place // self._each, k - 1)
        arm = order[games, np.where(finishes, block, self.place % k)]
        other = np.where(free < self.options.dimension, order[games, np.minimum(free, self.options.dimension - 1)], -1)
        return arm, np.where(finishes, np.where(last, arm, other), -1)

    @property
    def _each(self) -> np.ndarray:
        """Pulls of each arm in the phase of each game."""
        return self.pulls[self.phase, self.left.sum(axis=1)]

    @property
    def _radius(self) -> np.ndarray:
        """Of the numbers that are sent: a mean of so many pulls lies within, but for 6 standard deviations."""
        return (1 + 6 * self.options.noise / np.sqrt(self._each))[:, None]

    def _said(self, values: np.ndarray, speaks: np.ndarray) -> np.ndarray:
        """Actions [n, m, 2]: numbers [n, m], quantised at random without bias, of games that speak."""
        step = np.rint((quantise(values / self._radius, 1.0, self.options.link.bits, self.rng) + 1) / 2 * (self.levels - 1))
        says = np.where(speaks, 1.0, -1.0)[:, None]
        return np.stack([((2 * step + 1) / self.levels - 1) * (says > 0), np.broadcast_to(says, step.shape)], axis=2)

    def _read(self, heard: np.ndarray) -> np.ndarray:
        """The numbers [n, m] that levels stand for."""
        step = np.rint(((heard.astype(float) + 1) * self.levels - 1) / 2)
        return (2 * step / (self.levels - 1) - 1) * self._radius
