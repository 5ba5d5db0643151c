"""What a team says while it plays: how many bits on which link, what each symbol is about, and one episode to look at.

Teams over a game's own channel and teams that talk over a graph are watched alike. What is counted is what is delivered.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from commenv import info
from commenv.core.batch import Batch
from commenv.core.game import Agent, Game
from commenv.core.transmission import ERASED, NOTHING
from commenv.games import rules
from experiments.files import Tell, silent

if TYPE_CHECKING:
    from agents import TalkingTeam, Team

GAMES = 256
"""Games that are watched side by side; each plays to its end at least once."""
STATES = 64
"""Most states, and most symbols, that a table of meanings has."""
GAIN = 0.05
"""Bits that a second field must add to what a table is about."""
FRAMES = 12, 80
"""Steps of the episode that is shown: of short games several, of long ones no more."""


@dataclass(frozen=True)
class Meaning:
    """Symbols against states. A row and a column for each that occurred."""

    speaker: str
    """Whose messages these are; `everybody` where all share their networks."""
    round: int
    """Of messages within a step, from 1."""
    about: tuple[str, ...]
    """Fields of the game, or of the speaker in it: those of which the messages tell most."""
    states: list[tuple[int, ...]]
    symbols: list[int]
    """Of a message of several digits the number they make, the first digit the highest."""
    counts: np.ndarray
    """[states, symbols] how often."""
    bits: float
    """I(state; symbol), by Miller-Madow."""


@dataclass(frozen=True)
class Frame:
    """One step of game 0 as a picture shows it: what has been said, and then what they do."""

    delivered: list[tuple[str, str, str]]
    """(speaker, listener, what)."""
    active: list[str]
    lines: list[str]


@dataclass(frozen=True)
class Watched:
    names: list[str]
    links: list[tuple[str, str]]
    """All over which something was delivered, or could be."""
    bits: np.ndarray
    """[N, N] bits a game from speaker (row) to listener (column)."""
    control_bits: float
    """Bits a game that a graph had everybody broadcast to be scheduled."""
    games: int
    """Games that were finished."""
    meanings: list[Meaning]
    frames: list[Frame]
    notes: list[str]
    """What could not be shown, and why."""

    def as_dict(self) -> dict[str, Any]:
        """All but the frames, as JSON holds it."""
        edges = [
            {"from": self.names[i], "to": self.names[j], "bits_per_game": float(self.bits[i, j])}
            for i, j in zip(*np.nonzero(self.bits), strict=True)
        ]
        meanings = [
            {
                **{"speaker": m.speaker, "round": m.round, "about": list(m.about), "information_bits": m.bits},
                **{"states": [list(state) for state in m.states], "symbols": m.symbols, "counts": m.counts.tolist()},
            }
            for m in self.meanings
        ]
        talk = {"games": self.games, "edges": edges, "control_bits_per_game": self.control_bits}
        return {**talk, "meanings": meanings, "notes": self.notes}


@dataclass(frozen=True)
class _Said:
    """What was said in one step of B games, in one round."""

    symbols: np.ndarray
    """[B, N, N] what each listener (last axis) got of each speaker; -1: nothing, -2: an erasure."""
    words: Callable[[int, int, int], str]
    """How the message of a game, a speaker and a listener is written."""


def watch(team: "Team | TalkingTeam", tell: Tell = silent, seed: int = 0) -> Watched:
    """Play `GAMES` games side by side until each has ended once, every agent by its likeliest action."""
    from agents import TalkingTeam  # torch is slow to import

    batch = Batch(rules(team.id), team.options, GAMES, seed, copy=False)
    names, player = batch.possible_agents, team.player(GAMES)
    ears = _Graph(player, names) if isinstance(team, TalkingTeam) else _Channel(batch)
    fields, counts, frames = _Fields(batch), dict[tuple[int, int], list[np.ndarray]](), list[Frame]()
    seen, fresh, ended, showing = batch.reset(), np.ones(GAMES, bool), np.zeros(GAMES, int), True
    while not ended.all() or showing:
        now, active = fields.now(), [name for name in names if batch.active[name][0]]
        position, early = batch.describe(), ears.early()
        actions = player.act(seen, batch.active, fresh)
        seen, rewards, *_ = batch.step(actions)
        fresh = batch.buffers.terminated | batch.buffers.truncated
        said = ears.said()
        for round, told in enumerate(said):
            for i in range(len(names)):
                got = told.symbols[:, i] >= 0
                rows = np.flatnonzero(got.any(1) & (~fresh | ears.within))  # nobody hears what ends a game
                symbol = told.symbols[rows, i, got[rows].argmax(1)]  # as the first who heard it did
                counts.setdefault((i, round), []).append(np.column_stack([now[i][rows], symbol]))
        if showing:
            delivered = ears.written(said if ears.within else early, 0)
            acts = ", ".join(f"{name} {np.asarray(actions[name][0]).tolist()}" for name in active)
            earned = np.mean([rewards[name][0] for name in names])
            frames.append(Frame(delivered, active, [position, f"acts: {acts}; earned {earned:.3g} each"]))
            showing = len(frames) < FRAMES[1] and not (fresh[0] and len(frames) >= FRAMES[0])
        ended += fresh
        tell(int((ended > 0).sum()), GAMES, "watching")
    bits, control = ears.bits()
    notes = list(ears.notes)
    pooled = ears.pooled(counts)
    meanings = [found for who, round, rows in pooled if (found := meaning(who, round + 1, fields.names, rows)) is not None]
    if pooled and not meanings:
        notes.append(f"no table of meanings: more than {STATES} symbols, or than {STATES} states to hold them against")
    total = int(ended.sum())
    return Watched(names, ears.links, bits / total, control / total, total, meanings, frames, notes)


def meaning(speaker: str, round: int, names: list[str], rows: np.ndarray) -> Meaning | None:
    """The table of those fields, one or two, of which the symbols tell most; None where there are too many of either.

    rows [n, fields + 1]: the values of the named fields, and last the symbol. Of a pair, a second field must add `GAIN` bits.
    """
    symbols, column = np.unique(rows[:, -1], return_inverse=True)
    if not len(rows) or len(symbols) > STATES:
        return None
    best: Meaning | None = None
    for size in (1, 2):
        floor = best.bits + GAIN if best else -np.inf
        for about in combinations(range(len(names)), size):
            states, row = np.unique(rows[:, about], axis=0, return_inverse=True)
            if len(states) > STATES:
                continue
            counts = np.zeros((len(states), len(symbols)), int)
            np.add.at(counts, (row.ravel(), column.ravel()), 1)
            bits = max(0.0, float(info.estimate_mutual_information(counts).bits))
            if bits > max(floor, best.bits if best else -np.inf):
                chosen = tuple(names[k] for k in about)
                best = Meaning(speaker, round, chosen, [tuple(s) for s in states.tolist()], symbols.tolist(), counts, bits)
    return best


class _Fields:
    """The whole numbers of a game and of an agent in it, the engine's own aside: what a message may be about."""

    def __init__(self, batch: Batch) -> None:
        self.games, self.agents = batch.state.games, batch.state.agents
        self.of_game, self.of_agent = _own(self.games, Game), _own(self.agents, Agent)
        self.names = [f"game.{name}" for name in self.of_game] + [f"agent.{name}" for name in self.of_agent]

    def now(self) -> np.ndarray:
        """[N, B, fields]"""
        N, (B,) = self.agents.shape[1], self.games.shape
        found = [np.broadcast_to(self.games[name], (N, B)) for name in self.of_game]
        found += [self.agents[name].T for name in self.of_agent]
        return np.stack([np.array(column) for column in found], -1) if found else np.zeros((N, B, 0), np.int64)


def _own(records: np.ndarray, engine: type) -> list[str]:
    names = records.dtype.names or ()
    return [name for name in names if name not in engine.__annotations__ and records.dtype[name].kind == "i"]


class _Channel:
    """Ears on the game's own links: what stands in an inbox was sent one step before."""

    within = False
    """Whether messages are heard in the step in which they are sent."""

    def __init__(self, batch: Batch) -> None:
        self.batch, self.names, layout = batch, batch.possible_agents, batch.layout
        self.ends = list(layout.links)
        self.links = [(self.names[i], self.names[j]) for i, j in self.ends]
        late = not batch.channel.memoryless
        self.notes = ["no table of meanings: this channel delivers what was sent before, or not"] if late else []
        self.tabled = bool(self.ends) and not late and not batch.channel.floats
        if not self.ends:
            self.notes = ["this game has no links: nobody says anything"]

    def early(self) -> list[_Said]:
        return self.said()

    def said(self) -> list[_Said]:
        n, N = self.batch.num_envs, len(self.names)
        found = np.full((n, N, N), -1)
        heard = self.batch.state.heard
        for k, (i, j) in enumerate(self.ends):
            found[:, i, j] = np.where(heard[:, k] == NOTHING, -1, np.where(heard[:, k] == ERASED, -2, heard[:, k]))
        silence = self.batch.channel.silence

        def words(game: int, i: int, j: int) -> str:
            symbol = int(found[game, i, j])
            return "erased" if symbol == -2 else "silence" if silence and symbol == 0 else str(symbol)

        return [_Said(found, words)]

    def written(self, said: list[_Said], game: int) -> list[tuple[str, str, str]]:
        return _written(self.names, said, game)

    def bits(self) -> tuple[np.ndarray, float]:
        found = np.zeros((len(self.names), len(self.names)))
        for (source, target), link in self.batch.meter.links.items():
            found[self.names.index(source), self.names.index(target)] += link.payload_bits
        return found, 0.0

    def pooled(self, counts: dict[tuple[int, int], list[np.ndarray]]) -> list[tuple[str, int, np.ndarray]]:
        if not self.tabled:
            return []
        speakers = sorted({i for i, _ in self.ends})
        return [(self.names[i], 0, np.concatenate(counts[i, 0])) for i in speakers]


class _Graph:
    """Ears on the messages of a team that talks over a graph."""

    within = True

    def __init__(self, player: Any, names: list[str]) -> None:
        self.player, self.names, self.team = player, names, player.team
        self.alphabet = self.team.bottleneck.alphabet
        self.size = int(np.prod([float(n) for n in self.alphabet]))
        self.heard = np.zeros((len(names), len(names)))
        self.notes = [] if self.size <= 2**31 else ["no table of meanings: these messages are real numbers"]

    @property
    def links(self) -> list[tuple[str, str]]:
        return [(self.names[i], self.names[j]) for i, j in zip(*np.nonzero(self.heard), strict=True)]

    def early(self) -> list[_Said]:
        return []

    def said(self) -> list[_Said]:
        step, found = self.player.step, []
        links = step.links.numpy() > 0  # [B, R, listener, speaker]
        self.heard += links.sum((0, 1)).T
        digits, read = step.symbols.numpy(), step.read.numpy()
        for k in range(links.shape[1]):
            index = np.zeros(digits.shape[0:1] + digits.shape[2:3], np.int64)
            for d, n in enumerate(self.alphabet if self.size <= 2**31 else ()):
                index = index * n + digits[:, k, :, d]
            symbols = np.where(links[:, k].swapaxes(-1, -2), index[:, :, None], -1)

            def words(game: int, i: int, j: int, k: int = k, index: np.ndarray = index) -> str:
                return str(index[game, i]) if self.size <= STATES else " ".join(f"{x:.1f}" for x in read[game, k, i])

            found.append(_Said(symbols, words))
        return found

    def written(self, said: list[_Said], game: int) -> list[tuple[str, str, str]]:
        return _written(self.names, said, game)

    def bits(self) -> tuple[np.ndarray, float]:
        team, talk = self.team, self.player.talk
        return self.heard * team.bottleneck.bits, talk.controls * team.graph.control_bits

    def pooled(self, counts: dict[tuple[int, int], list[np.ndarray]]) -> list[tuple[str, int, np.ndarray]]:
        """Of agents that share their networks all together, for they speak one language."""
        if self.size > 2**31 or not self.alphabet:
            return []
        N, rounds = len(self.names), self.team.plan.rounds
        alike = len(self.team.minds) == 1
        groups = [("everybody", range(N))] if alike else [(name, [i]) for i, name in enumerate(self.names)]
        rows = [
            (who, k, np.concatenate([part for i in group for part in counts[i, k]]))
            for k in range(rounds)
            for who, group in groups
        ]
        return [(who, k, found) for who, k, found in rows if len(found)]


def _written(names: list[str], said: list[_Said], game: int) -> list[tuple[str, str, str]]:
    """What was delivered in one game; of several rounds, one after the other."""
    told: dict[tuple[int, int], list[str]] = {}
    for one in said:
        for i, j in zip(*np.nonzero(one.symbols[game] != -1), strict=True):
            told.setdefault((int(i), int(j)), []).append(one.words(game, int(i), int(j)))
    return [(names[i], names[j], ", ".join(words)) for (i, j), words in sorted(told.items())]
