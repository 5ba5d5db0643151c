"""Codes for games of turns in which every act but one only speaks, learned off-policy: from games that were played at random.

In the switch riddle nothing that is done before somebody ends the game changes who comes next. So games played at random say all
there is to know: who moves when, and what ending the game earned. A population of codes learns from them. Each is a table: what
a mover does and says, given the step, whether it has moved before, and what stands in its inbox. Its value over the games that
were seen is summed exactly over all messages, and so is the value of each entry, given all others; entries move towards a
softmax of their values (Kakade 2001; Politex, Abbasi-Yadkori et al. 2019), and the code that earned most is deployed.

Codes begin far from silence, each as another random convention. From near silence every code ends in what silence earns, for
a message that nobody means is not read, and one that nobody reads is not meant.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from agents.team import Deployed
from commenv.core import links
from commenv.core.batch import Batch
from commenv.core.errors import bad, whole
from commenv.core.game import Options, choose
from commenv.games import rules

WAIT, END = 0, 1
"""Acts: all of the games that are learned here have these two."""


@dataclass(frozen=True, kw_only=True)
class Learning:
    """How a population learns. Raises ValueError for a population that is none."""

    members: int = 64
    """Codes that learn side by side."""
    updates: int = 300
    games: int = 65_536
    """Games played at random."""
    step: float = 0.05
    """Share of the way to the softmax of its values that an entry moves in an update."""
    temperatures: tuple[float, float] = (0.03, 0.003)
    """Of the softmax, in reward: until two thirds of the updates, and at the end."""
    spread: float = 3.0
    """Standard deviation of the logits that a code begins with."""

    def __post_init__(self) -> None:
        for name in ("members", "updates", "games"):
            whole(name, getattr(self, name), 1)


class Experience(NamedTuple):
    """What random games said. K kinds of games that differ in what matters, of T steps each."""

    before: Tensor  # [K, T] long: whether the mover has moved before
    worth: Tensor  # [K, T] mean reward when the game was ended after as many had moved as had
    share: Tensor  # [K] of the games, sums to 1
    matrix: Tensor  # [M, Y] of the channel; the last of Y places is an inbox with nothing in it
    games: int
    steps: int


class Learned(NamedTuple):
    """A population after learning."""

    codes: Tensor  # [P, T, 2, Y] long: a message, or M to end the game; by step, whether one has moved before, and the inbox
    values: Tensor  # [P] mean reward over the games that were seen


def check(id: str, options: Options) -> None:
    """Raises ValueError for a game in which more happens than that movers speak, and one ends it."""
    layout, link = links.layout(rules(id), options), options.link
    if not (layout.turns and layout.anonymous) or {role.actions for role in layout.roles} != {2}:
        raise ValueError(f"{id} is no game of turns with two acts in which a mover hears the one before: codes learn no other")
    if link.limited or link.floats or not link.memoryless:
        raise ValueError("codes speak over channels without budgets, floats, delays and bursts")


def explore(id: str, options: Options, games: int, seed: int) -> Experience:
    """Play games in which messages are drawn at random and somebody acts at a random step, or nobody does.

    Raises ValueError for games in which an act does not end the game, or something else does.
    """
    check(id, options)
    random, batch = np.random.default_rng(seed), Batch(rules(id), options, games, seed)
    names, M = batch.possible_agents, options.link.size
    horizon = _horizon(batch)
    ending = random.integers(0, horizon + 1, games)
    batch.reset()
    moved, alive = np.zeros((games, len(names)), bool), np.ones(games, bool)
    before, count = np.zeros((games, horizon), np.int64), np.zeros((games, horizon), np.int64)
    earned, ends = np.zeros(games), np.full(games, horizon)
    for t in range(horizon):
        turn = np.stack([batch.active[name] for name in names], 1)
        before[:, t] = (moved & turn).any(1)
        moved |= turn
        count[:, t] = moved.sum(1)
        acts = np.where(ending == t, END, WAIT)
        said = random.integers(0, M, games)
        _, rewards, terminated, truncated, _ = batch.step({name: np.stack([acts, said], 1) if M > 1 else acts for name in names})
        over = (terminated[names[0]] | truncated[names[0]]) & alive
        if not np.array_equal(over, alive & ((acts == END) | (t == horizon - 1))):
            raise ValueError(f"in {id} a game ends otherwise than by the act that ends it: codes learn no such game")
        earned[over], ends[over] = np.mean([rewards[name] for name in names], 0)[over], t
        alive &= ~over
    told = ending < horizon
    worth = _means(count[np.arange(games), ends][told], earned[told], len(names) + 1)
    late = ending >= horizon - 1  # games that were seen to their end
    kinds, counts = np.unique(np.hstack([before[late], count[late]]), axis=0, return_counts=True)
    matrix = torch.from_numpy(options.link.matrix).float()
    if matrix.shape[1] == M + 1:
        matrix = torch.cat([matrix, torch.zeros(M, 1)], 1)
    return Experience(
        torch.from_numpy(kinds[:, :horizon]),
        torch.from_numpy(worth[kinds[:, horizon:]]).float(),
        torch.from_numpy(counts / counts.sum()).float(),
        matrix,
        games,
        int((ends + 1).clip(max=horizon).sum()),
    )


def learn(experience: Experience, learning: Learning, seed: int) -> Learned:
    """Soft policy iteration of a population on what was seen."""
    generator = torch.Generator().manual_seed(seed)
    T, (M, Y) = experience.before.shape[1], experience.matrix.shape
    logits = learning.spread * torch.randn(learning.members, T, 2, Y, M + 1, generator=generator)
    warm, cold = learning.temperatures
    for k in range(learning.updates):
        cooling = max(0.0, 3 * k / learning.updates - 2)
        temperature = warm * (cold / warm) ** cooling
        entries, seen = worths(logits.softmax(-1), experience)
        step = learning.step * (seen > 0).unsqueeze(-1)
        logits = logits + step * (entries / temperature - logits)
    codes = logits.argmax(-1)
    return Learned(codes, value(torch.nn.functional.one_hot(codes, M + 1).float(), experience)[0])


def value(code: Tensor, e: Experience) -> tuple[Tensor, list[Tensor]]:
    """Mean reward [P] of stochastic codes [P, T, 2, Y, M + 1], summed over all that is said and delivered; and of each step the
    probabilities [P, K, Y] that the game goes on with what stands in the inbox."""
    P, (K, T), (M, Y) = len(code), e.before.shape, e.matrix.shape
    inbox = torch.zeros(P, K, Y)
    inbox[..., -1] = 1.0
    earned, on_air = torch.zeros(P), []
    for t in range(T):
        does = code[:, t].index_select(1, e.before[:, t])  # [P, K, Y, M + 1]
        on_air.append(inbox)
        ending = (inbox * does[..., M]).sum(-1)
        earned = earned + ending @ (e.share * e.worth[:, t])
        inbox = (inbox.unsqueeze(-1) * does[..., :M]).sum(2) @ e.matrix
    return earned, on_air


def worths(code: Tensor, e: Experience) -> tuple[Tensor, Tensor]:
    """What each entry of a code earns where it is asked for, all others as they are: [P, T, 2, Y, M + 1], and how often it is
    asked for [P, T, 2, Y]. The value is linear in each entry, for nobody is asked twice in a step: a derivative says it all."""
    code = code.detach().requires_grad_(True)
    with torch.enable_grad():
        earned, on_air = value(code, e)
        (slopes,) = torch.autograd.grad(earned.sum(), code)
    moved = torch.nn.functional.one_hot(e.before, 2).float() * e.share[:, None, None]  # [K, T, 2]
    asked = torch.stack([moved[:, t].T @ inbox.detach() for t, inbox in enumerate(on_air)], 1)
    return slopes / asked.clamp_min(1e-6).unsqueeze(-1), asked


def _means(place: np.ndarray, x: np.ndarray, places: int) -> np.ndarray:
    """Mean of x at each place, 0 where there is none."""
    return np.bincount(place, x, places) / np.bincount(place, minlength=places).clip(1)


def _horizon(batch: Batch) -> int:
    """Steps of a game in which nobody acts."""
    if batch.options.max_cycles is None:
        raise bad("max_cycles", None, "a number of steps, for games that codes learn end")
    return int(batch.options.max_cycles)


class CodeTeam(Deployed):
    """A code as it is deployed: every agent counts the steps, knows whether it has moved, and reads its own inbox.

    code [T, 2, Y] long, as in Learned. Raises ValueError for one that does not fit the game.
    """

    def __init__(self, id: str, options: Options, code: Tensor) -> None:
        super().__init__(id, options)
        check(id, options)
        self.code = code
        size = options.link.size
        if code.shape[1:] != (2, size + 2) or not 0 <= int(code.min()) <= int(code.max()) <= size:
            raise ValueError(f"a code of shape {tuple(code.shape)} does not fit a channel of {size} symbols")

    def player(self, games: int) -> "Decoding":
        return Decoding(self.code.numpy(), self.options.link.size)

    def page(self) -> dict[str, Any]:
        return {"code": self.code.tolist()}

    def tensors(self) -> dict[str, Tensor]:
        return {"code": self.code}


class Decoding:
    """A code at play."""

    def __init__(self, code: np.ndarray, symbols: int) -> None:
        self.code, self.symbols, self.t = code, symbols, np.zeros(0, int)
        self.moved: dict[str, np.ndarray] = {}

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        """Actions of all agents, each from its own observation."""
        if len(self.t) != len(fresh):
            self.t, self.moved = np.zeros(len(fresh), int), {name: np.zeros(len(fresh), bool) for name in seen}
        self.t = np.where(fresh, 0, self.t)
        actions = {}
        for name, observation in seen.items():
            moved = self.moved[name] & ~fresh
            inbox = observation[:, -(self.symbols + 1) :]
            heard = np.where(inbox.any(1), inbox.argmax(1), self.symbols + 1)
            chosen = self.code[np.minimum(self.t, len(self.code) - 1), moved.astype(int), heard]
            act = np.where(chosen == self.symbols, END, WAIT)
            actions[name] = np.stack([act, chosen % self.symbols], 1) if self.symbols > 1 else act
            self.moved[name] = moved | active[name]
        self.t = self.t + 1
        return actions


def train(id: str, options: Mapping[str, Any], learning: Learning, seed: int) -> tuple[CodeTeam, Experience, Learned]:
    """Explore, learn, and deploy the code of the population that earned most in the games that were seen."""
    chosen = choose(rules(id), options)
    experience = explore(id, chosen, learning.games, seed)
    learned = learn(experience, learning, seed)
    return CodeTeam(id, chosen, learned.codes[int(learned.values.argmax())]), experience, learned


__all__ = ["CodeTeam", "Experience", "Learned", "Learning", "explore", "learn", "train", "value", "worths"]
