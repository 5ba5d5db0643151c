"""What one team earns and what it says: summed over every situation where that is possible, else played and averaged.

A team is evaluated greedy: every agent takes its likeliest action. Reward is a game's, and so are bits: messages times rounds.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from commenv import info
from commenv.core import links
from commenv.core.batch import Batch
from commenv.core.channel import MAX_BITS
from commenv.core.game import Options
from commenv.core.transmission import ERASED, NOTHING
from commenv.games import rules
from experiments.files import Tell, silent
from experiments.options import over

if TYPE_CHECKING:
    from agents import Team

GAMES = 1_000_000
"""Games that are played where nothing exact is possible."""
BATCH = 16_384
LOOKUPS = 4_000_000
"""Answers of a listener, and entries of a channel's matrix, that an exact evaluation may ask for."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Figures of one team in one game."""

    reward: float
    """Mean over agents of what one earns in a game; of one agent where the game's limits speak of it (`REWARD_OF`)."""
    standard_error: float
    """Of the reward; 0 where it is exact."""
    exact: bool
    games_evaluated: int
    """Games played for these figures; 0 where they are exact."""
    capacity_bits: float
    """Bits that the channel offered."""
    payload_bits: float
    """Bits in the messages put on the air; silence is none."""
    entropy_bits: float
    """Entropy of what was sent, silence included."""
    mutual_information_bits: float | None
    """I(state; delivered message), by Miller-Madow where it is not exact; None where the game has no one state or link."""
    mutual_information_standard_error: float | None
    success: float | None = None
    """Share of games that succeeded; None where the game has no measure of it, or it was not played."""
    steps: float | None = None
    """Mean length of a game; None where it was not played."""
    figures: dict[str, float] | None = None
    """Means over games and agents of the FIGURES that a game has of its own; None where it has none, or was not played."""
    talk: dict[str, float] | None = None
    """Of teams that talk within a step, bits a step: sent, heard (once for each listener), control; entropy of a message."""


def evaluate(
    team: "Team", channel: Mapping[str, Any] | None = None, games: int | None = None, tell: Tell = silent
) -> dict[str, Any]:
    """The figures of a team beside the limits; over another channel, if one is given, of which fields not said stay.

    A team that talks within a step is held against limits of a channel of as many bits a message; of none where nobody hears.
    reward_per_bit: what it earns above silence, for each bit of entropy that it sends.
    games: play so many even where an exact evaluation is possible. Raises ValueError for a channel that does not fit.
    """
    options = over(team.options, dict(channel)) if channel else team.options
    found = enumerated(team, options) if games is None else None
    if found is None:
        found = played(team, options, games or GAMES, tell)
    from agents import TalkingTeam  # torch is slow to import

    plan = team.network.plan if isinstance(team, TalkingTeam) else None
    told = options if plan is None else options.at(0 if plan.graph == "none" else min(plan.bits, MAX_BITS))
    limits = links.limits(rules(team.id), told)
    return {
        **asdict(found),
        "silent": limits.silent.value,
        "reachable": limits.reachable.value,
        "ceiling": limits.ceiling.value,
        "efficiency": limits.efficiency(found.reward),
        "reward_per_bit": (found.reward - limits.silent.value) / found.entropy_bits if found.entropy_bits > 0 else None,
        "channel": options.link.fields(),
        "limits": limits.as_dict(),
    }


def enumerated(team: "Team", options: Options) -> Evaluation | None:
    """Exact figures: sum over situations and over what the channel may deliver; None where that is too much, or no such game.

    What a channel delivers must not depend on what was sent before: budgets, delays, bursts and links of their own are played.
    """
    module, link = rules(team.id), options.link
    situations = module.situations(options) if link.memoryless and not link.floats else None
    if situations is None:
        return None
    n, M = len(situations.own), link.size
    if max(n if situations.own.shape[1] else 1, M) * (M + 1) > LOOKUPS:
        return None
    layout = links.layout(module, options)
    names, ends = layout.names, layout.links[0]
    speaker, listener = (names[end] for end in ends)
    message = team.act(speaker, situations.seen)
    W = link.matrix[message]  # [situation, delivered]: a symbol, an erasure, or perhaps nothing
    p = situations.probability
    reward = sum(float(p * W[:, y] @ _earned(team, listener, situations, y, link.places)) for y in range(W.shape[1]))

    used = np.bincount(message, p, minlength=M)
    joint = np.zeros((int(situations.state.max()) + 1, W.shape[1]))
    np.add.at(joint, situations.state, p[:, None] * W)
    rounds = situations.rounds
    return Evaluation(
        reward=rounds * reward,
        standard_error=0.0,
        exact=True,
        games_evaluated=0,
        capacity_bits=rounds * link.capacity,
        payload_bits=rounds * float(used @ link.prices),
        entropy_bits=rounds * info.entropy(used),
        mutual_information_bits=rounds * info.mutual_information(joint),
        mutual_information_standard_error=0.0,
    )


def _earned(team: "Team", listener: str, situations: Any, y: int, places: int) -> np.ndarray:
    """Reward [n] of the listener's answers to the delivered symbol y; it is asked once where it sees nothing else."""
    own = situations.own if situations.own.shape[1] else situations.own[:1]
    inbox = np.zeros((len(own), places), np.float32)
    inbox[:, y : y + 1] = 1  # nothing, which has no place, leaves it empty
    action = team.act(listener, np.concatenate([own, inbox], axis=1))
    return np.take_along_axis(situations.reward, np.broadcast_to(action, len(situations.reward))[:, None], axis=1)[:, 0]


def played(team: "Team", options: Options, games: int, tell: Tell = silent, seed: int = 0) -> Evaluation:
    """Figures from at least so many games, the same number of every seed from `seed` on, so that short games count no more."""
    n = min(games, BATCH)
    each = -(-games // n)
    batch = Batch(rules(team.id), options, n, seed, copy=False)
    names = batch.possible_agents
    earners = [batch.rules.REWARD_OF] if hasattr(batch.rules, "REWARD_OF") else names
    heard = _Heard(batch)
    played, total, squares, successes, steps = np.zeros(n, int), 0.0, 0.0, 0.0, 0
    figures = dict.fromkeys(batch.figures, 0.0)
    ends = np.bincount([source for source, _ in batch.layout.links], minlength=len(names))  # links that begin at each agent
    spoken, counted, uses = np.zeros(n), 0.0, 0.0  # turns to speak: of running games, of games that count, of all
    seen, fresh, player = batch.reset(), np.ones(n, bool), team.player(n)
    while played.min() < each:
        actions = player.act(seen, batch.active, fresh)
        heard.before()
        turns = ends @ batch.buffers.active
        spoken, uses = spoken + turns, uses + float(turns.sum())
        seen, *_, infos = batch.step(actions)
        fresh = batch.buffers.terminated | batch.buffers.truncated
        heard.after()
        if "final_info" in infos[names[0]]:
            ended = infos[names[0]]["_final_info"] & (played < each)
            returns = np.mean([infos[name]["final_info"]["episode_return"][ended] for name in earners], axis=0)
            total, squares = total + float(returns.sum()), squares + float(returns @ returns)
            if "success" in infos[names[0]]["final_info"]:
                successes += float(infos[names[0]]["final_info"]["success"][ended].sum())
            for figure in figures:
                figures[figure] += float(np.mean([infos[name]["final_info"][figure][ended] for name in names], axis=0).sum())
            steps += int(infos[names[0]]["final_info"]["episode_length"][ended].sum())
            counted += float(spoken[ended].sum())
            spoken[infos[names[0]]["_final_info"]] = 0.0
            played += infos[names[0]]["_final_info"]
            tell(int(np.minimum(played, each).sum()), n * each, "playing")
    N = n * each
    share = counted / uses / N if uses else 0.0  # the meter has seen games that do not count as well, some of them unfinished
    information = heard.information()
    talk = getattr(player, "talk", None)
    meter = batch.meter.total if batch.layout.links else None
    per_game = meter.offered * share if meter else 0.0
    return Evaluation(
        reward=total / N,
        standard_error=float(np.sqrt(max(squares / N - (total / N) ** 2, 0.0) / N)),
        exact=False,
        games_evaluated=N,
        capacity_bits=meter.capacity_bits * share if meter else 0.0,
        payload_bits=meter.payload_bits * share if meter else 0.0,
        entropy_bits=per_game * meter.entropy if meter else 0.0,
        mutual_information_bits=per_game * information.bits if information else None,
        mutual_information_standard_error=per_game * information.standard_error if information else None,
        success=successes / N if batch.measures_success else None,
        steps=steps / N,
        figures={figure: value / N for figure, value in figures.items()} or None,
        talk={key.removesuffix("_per_step"): value for key, value in talk.figures().items()} if talk else None,
    )


class _Heard:
    """Counts of (state, what was delivered) in games of one link whose Game has a `state`: a symbol, an erasure or nothing."""

    def __init__(self, batch: Batch) -> None:
        self.games, self.heard, self.buffers = batch.state.games, batch.state.heard, batch.buffers
        self.places, self.counts = batch.channel.size + 2, np.zeros(0, int)
        one_link = len(batch.layout.links) == 1 and not batch.channel.floats
        self.applies = one_link and "state" in (batch.state.games.dtype.names or ())
        self.speaker = batch.layout.links[0][0] if one_link else 0

    def before(self) -> None:
        if self.applies:
            self.state, self.speaks = np.array(self.games["state"]), self.buffers.active[self.speaker].copy()

    def after(self) -> None:
        if not self.applies:
            return
        y = self.heard[:, 0]
        said = self.speaks & ~(self.buffers.terminated | self.buffers.truncated)  # nobody hears what ends a game
        column = np.where(y == NOTHING, self.places - 1, np.where(y == ERASED, self.places - 2, y))
        cell = self.state[said] * self.places + column[said]
        counts = np.bincount(cell, minlength=len(self.counts))
        counts[: len(self.counts)] += self.counts
        self.counts = counts

    def information(self) -> info.Estimate | None:
        if not self.counts.any():
            return None
        counts = np.pad(self.counts, (0, -len(self.counts) % self.places))
        return info.estimate_mutual_information(counts.reshape(-1, self.places))
