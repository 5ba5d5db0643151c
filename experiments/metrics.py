"""What the messages of a trained team do: whether they tell, whether anybody listens, and what is lost without them.

The same games are played three times: as they are, with messages shuffled among games, and with none. Co-occurrence of messages
and acts is counted in the first; where every situation can be listed, signalling, listening and causal influence are exact.
The measures are those of `commenv.info.communication`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from commenv.core.batch import Batch
from commenv.core.game import Options
from commenv.games import rules
from commenv.info import communication as measures
from experiments.files import Tell, silent
from experiments.options import over

if TYPE_CHECKING:
    from agents import TalkingTeam, Team

GAMES = 4_096
"""Games that are played in each of the three ways."""
SAMPLES = 20_000
"""Pairs of a message and an act that are counted for each link."""
LINKS = 12
"""Links, or speakers, that are looked at; the first ones."""
PERMUTATIONS = 199
CELLS = 512
"""Of a table of two messages and what they are about, beyond which it is not taken apart."""
MOST = 100_000
"""Answers of a listener that exact measures may ask for."""

Figures = dict[str, float | None]


class Pairs(NamedTuple):
    """Messages and acts that belong together, and the states they came about in; shape (N,) each."""

    message: np.ndarray
    act: np.ndarray
    state: np.ndarray | None


@dataclass
class Record:
    """What was said and done in n games, a row a step: by agent or by link."""

    said: list[dict[str, np.ndarray]] = field(default_factory=list)
    """Messages [n] by speaker, -1 where it did not speak."""
    did: list[dict[str, np.ndarray]] = field(default_factory=list)
    """Acts [n] by agent, -1 where it did not act or the game was over."""
    states: list[np.ndarray] = field(default_factory=list)
    returns: np.ndarray = field(default_factory=lambda: np.zeros(0))


def communication(team: "Team | TalkingTeam", options: Options, games: int = GAMES, tell: Tell = silent) -> Figures:
    """All figures of one team, None where a measure does not apply (no such agent, numbers instead of labels, ...).

    reward, shuffled_loss, silent_loss: a game, and what it loses without what messages say, with standard errors of the paired
    differences. message_bits: entropy of a message; bits_per_decision: of all messages, for each act of those who may hear. The
    p-value of several links is Bonferroni's. redundancy, synergy: of what two who speak to one listener in the same step tell of
    the state, or where there is none of its act; broadcast: of each other.
    semantic: what messages tell where each means what its listener makes of it, as true as that is rewarded, trusted as is best.
    """
    from agents import TalkingTeam  # torch is slow to import

    talks = isinstance(team, TalkingTeam)
    play = _talk if talks else _play
    tell(0, 3, "messages as they are")
    plain = play(team, options, games, None)
    tell(1, 3, "messages shuffled among games")
    shuffled = play(team, options, games, "shuffled").returns
    tell(2, 3, "no messages")
    mute = play(team, options, games, "silent").returns
    found: Figures = {"games": games, "reward": float(plain.returns.mean())}
    for name, returns in (("shuffled", shuffled), ("silent", mute)):
        found[f"{name}_loss"] = float((plain.returns - returns).mean())
        found[f"{name}_loss_standard_error"] = float((plain.returns - returns).std() / np.sqrt(games))
    links = _links(team, options)
    entropies = [measures.entropy(measures.frequencies(said)) for said in _spoken(plain) if len(said)]
    found["message_bits"] = float(np.mean(entropies)) if entropies else None
    found["bits_per_decision"] = _per_decision(plain, {target for _, target in links})
    speakers = list(dict.fromkeys(source for source, _ in links))[:LINKS]
    found |= _together("speaker_consistency", [_paired(plain, name, name, 0) for name in speakers])
    ahead = 0 if talks else 1  # what is said within a step is acted on in it
    found |= _together("coordination", [_paired(plain, a, b, ahead) for a, b in links[:LINKS]])
    found |= _shared(plain, links, ahead)
    found |= _exact(team, options) if not talks else dict.fromkeys(EXACT)
    tell(3, 3, "messages")
    return found


# ------------------------------------------------------------------------------------------------ playing
def _play(team: "Team", options: Options, games: int, change: str | None) -> Record:
    """Play one episode of each game over its channel. Silent: every message is dropped on its way."""
    if change == "silent":
        options = over(options, {"drop": 1.0})
    batch = Batch(rules(team.id), options, games, 0)
    speakers = {} if batch.channel.floats else {name: a for a, name in enumerate(batch.possible_agents) if batch.layout.speaks(a)}
    rng = np.random.default_rng(0)

    def act(player: Any, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray, record: Record):
        actions = player.act(seen, active, fresh)
        said = {}
        for name in speakers:
            both = actions[name].ndim == 2
            message = actions[name][:, 1] if both else actions[name]
            if change == "shuffled":
                message = np.array(message)
                message[active[name]] = rng.permutation(message[active[name]])
                actions[name] = np.stack([actions[name][:, 0], message], axis=1) if both else message
            said[name] = np.where(active[name], message, -1)
        done = {
            name: np.where(active[name], chosen[:, 0] if chosen.ndim == 2 else chosen, -1)
            for name, chosen in actions.items()
            if name not in speakers or actions[name].ndim == 2
        }
        record.said.append(said)
        record.did.append(done)
        return actions

    return _games(batch, team.player(games), act)


def _talk(team: "TalkingTeam", options: Options, games: int, change: str | None) -> Record:
    """Play one episode of each game, with talk within each step. Silent: everybody always hears the first game's message."""
    import torch

    batch = Batch(rules(team.id), options, games, 0)
    generator = torch.Generator().manual_seed(0)

    def changed(module: Any, given: Any, message: Any) -> Any:
        rows = torch.randperm(games, generator=generator) if change == "shuffled" else torch.zeros(games, dtype=torch.long)
        return message._replace(symbols=message.symbols[rows], read=message.read[rows])

    steps: list[Any] = []
    hooks = [team.network.register_forward_hook(lambda module, given, step: steps.append(step))]
    if change:
        hooks.append(team.network.bottleneck.register_forward_hook(changed))

    def act(player: Any, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray, record: Record):
        actions = player.act(seen, active, fresh)
        step = steps.pop()
        listened = step.links.amax(dim=(1, 2)) > 0  # [n, N]: somebody listens
        words = step.symbols.flatten(3).transpose(1, 2).flatten(2).numpy()
        record.said.append(
            {name: np.where(listened[:, i].numpy(), _numbered(words[:, i]), -1) for i, name in enumerate(team.network.plan.names)}
        )
        present = step.present.numpy()
        record.did.append(
            {
                name: np.where(present[:, i], chosen[:, 0] if chosen.ndim == 2 else chosen, -1)
                for i, (name, chosen) in enumerate(actions.items())
            }
        )
        return actions

    try:
        return _games(batch, team.player(games), act)
    finally:
        for hook in hooks:
            hook.remove()


def _games(batch: Batch, player: Any, act: Any) -> Record:
    """One episode of every game; what happens in games that are over is left out."""
    n = batch.num_envs
    record, running = Record(returns=np.zeros(n)), np.ones(n, bool)
    seen, fresh = batch.reset(), np.ones(n, bool)
    has_state = "state" in (batch.state.games.dtype.names or ())
    while running.any():
        record.states.append(np.array(batch.state.games["state"]) if has_state else np.zeros(0, int))
        actions = act(player, seen, batch.active, fresh, record)
        for row in (record.said[-1], record.did[-1]):
            for values in row.values():
                values[~running] = -1
        seen, rewards, over_, cut, _ = batch.step(actions)
        record.returns[running] += np.mean(list(rewards.values()), axis=0)[running]
        fresh = np.logical_or(*(next(iter(ends.values())) for ends in (over_, cut)))
        running &= ~fresh
    return record


def _numbered(words: np.ndarray) -> np.ndarray:
    """Words [n, d] of digits as one number each, the same for the same word at every step."""
    number = np.zeros(len(words), np.int64)
    for digit in words.T:
        number = number * 1_000_003 + digit
    return np.abs(number)


# ------------------------------------------------------------------------------------------------ what goes together
def _links(team: "Team | TalkingTeam", options: Options) -> list[tuple[str, str]]:
    from agents import TalkingTeam

    if isinstance(team, TalkingTeam):
        names = team.network.plan.names
        return [(a, b) for a in names for b in names if a != b]
    batch = Batch(rules(team.id), options, 1)
    names = batch.possible_agents
    return [] if batch.channel.floats else [(names[a], names[b]) for a, b in batch.layout.links]


def _spoken(record: Record) -> list[np.ndarray]:
    """What each speaker said, in all games and steps."""
    speakers = record.said[0] if record.said else {}
    columns = [np.concatenate([row[name] for row in record.said]) for name in speakers]
    return [column[column >= 0] for column in columns]


def _per_decision(record: Record, listeners: set[str]) -> float | None:
    """Bits in all that was said, at the entropy of each speaker's messages, for each act of those who may hear."""
    said = sum(len(words) * measures.entropy(measures.frequencies(words)) for words in _spoken(record) if len(words))
    acts = sum(int((row[name] >= 0).sum()) for row in record.did for name in listeners & set(row))
    return float(said / acts) if acts else None


def _paired(record: Record, speaker: str, listener: str, ahead: int) -> Pairs | None:
    """A speaker's messages and the acts of the same step, or of one ahead in the same game."""
    if speaker not in record.said[0] or listener not in record.did[0]:
        return None
    steps = len(record.said) - ahead
    if steps < 1:
        return None
    m = np.concatenate([row[speaker] for row in record.said[:steps]])
    a = np.concatenate([row[listener] for row in record.did[ahead:]])
    s = np.concatenate(record.states[:steps]) if record.states[0].size else None
    kept = np.flatnonzero((m >= 0) & (a >= 0))[:SAMPLES]
    return Pairs(m[kept], a[kept], None if s is None else s[kept]) if len(kept) else None


def _together(name: str, pairs: list[Pairs | None]) -> Figures:
    """Mean over links of I(message; act) and of I(message; act | state), and how likely chance does as much somewhere."""
    measured = [
        measures.speaker_consistency(pair.message, pair.act, pair.state, permutations=PERMUTATIONS)
        for pair in pairs
        if pair is not None
    ]
    if not measured:
        return dict.fromkeys((f"{name}_bits", f"{name}_p_value", f"{name}_given_state_bits"))
    given = [found.conditional for found in measured if found.conditional is not None]
    least = min(found.bits.p_value or 0.0 for found in measured)
    return {
        f"{name}_bits": float(np.mean([found.bits.bits for found in measured])),
        f"{name}_p_value": min(1.0, len(measured) * least),
        f"{name}_given_state_bits": float(np.mean(given)) if given else None,
    }


SHARED = ("redundancy_bits", "synergy_bits", "broadcast_bits", "o_information_bits")


def _shared(record: Record, links: list[tuple[str, str]], ahead: int) -> Figures:
    """How two speakers share what they tell: the first two of each listener, means over listeners."""
    measured = []
    for listener in list(dict.fromkeys(end for _, end in links))[:LINKS]:
        pair = [source for source, end in links if end == listener][:2]
        if len(pair) < 2 or not {*pair} <= {*record.said[0]}:
            continue
        first, second = (np.concatenate([row[name] for row in record.said]) for name in pair)
        if record.states[0].size:
            about = np.concatenate(record.states)
        elif listener in record.did[0] and len(record.did) > ahead:
            about = np.concatenate([row[listener] for row in record.did[ahead:]])
        else:
            continue
        n = len(about)
        kept = np.flatnonzero((first[:n] >= 0) & (second[:n] >= 0) & (about >= 0))[:SAMPLES]
        columns = [column[kept] for column in (first, second, about)]
        if len(kept) and np.prod([len(np.unique(column)) for column in columns]) <= CELLS:
            measured.append(measures.two_speakers(*columns))
    if not measured:
        return dict.fromkeys(SHARED)
    rows = [(found.parts.redundancy, found.parts.synergy, found.broadcast, found.o_information) for found in measured]
    return dict(zip(SHARED, np.mean(rows, axis=0).tolist(), strict=True))


# ------------------------------------------------------------------------------------------------ exact, of situations
EXACT = (
    "signalling_bits",
    "signalling_per_bit",
    "noise_bits",
    "listening_distance",
    "causal_influence_bits",
    "topographic_similarity",
    "semantic_bits",
)


def _exact(team: "Team", options: Options) -> Figures:
    """Of one message and one answer, summed over all situations: what the policies are, not what was seen of them."""
    from commenv.core import links

    module, link = rules(team.id), options.link
    situations = module.situations(options) if link.memoryless and not link.floats else None
    if situations is None or len(situations.own) * link.size > MOST:
        return dict.fromkeys(EXACT)
    layout = links.layout(module, options)
    speaker, listener = (layout.names[end] for end in layout.links[0])
    message = team.act(speaker, situations.seen)
    n, M, p = len(message), link.size, situations.probability
    actions = situations.reward.shape[1]
    answers = np.empty((n, link.matrix.shape[1]), int)  # to each symbol, an erasure, or perhaps nothing
    inbox = np.zeros((n, link.places), np.float32)
    for y in range(answers.shape[1]):
        inbox[:] = 0
        inbox[:, y : y + 1] = 1
        answers[:, y] = team.act(listener, np.concatenate([situations.own, inbox], axis=1))
    inbox[:] = 0
    unheard = np.eye(actions)[team.act(listener, np.concatenate([situations.own, inbox], axis=1))]
    policy = np.einsum("my,nya->nma", link.matrix, np.eye(actions)[answers])  # what a message that is sent makes of the act
    states = int(situations.state.max()) + 1
    joint = np.zeros((states, M))
    np.add.at(joint, (situations.state, message), p)
    seen = joint.sum(axis=1)
    said = joint[seen > 0] / seen[seen > 0, None]
    told = measures.positive_signalling(said, seen[seen > 0])
    truth = np.zeros((states, M))
    np.add.at(truth, situations.state, p[:, None] * np.einsum("nma,na->nm", policy, _share(situations.reward)))
    truth = truth[seen > 0] / seen[seen > 0, None]
    used = joint.sum(axis=0)
    likely = np.broadcast_to(used, (n, M))  # a greedy speaker has but one message in each situation: it is set to all of them
    words = np.array([link.word(m) for m in range(M)], dtype=object) if link.length else np.arange(M)[:, None]
    which = np.unique(situations.seen, axis=0, return_index=True)[1][: measures.PAIRS]
    similarity = measures.topographic_similarity(
        situations.seen[which], [tuple(words[m]) for m in message[which]], "edit" if link.length else "hamming"
    )
    return {
        "signalling_bits": told.information,
        "signalling_per_bit": told.per_bit,
        "noise_bits": told.noise,
        "listening_distance": measures.positive_listening(policy, likely, unheard, p).distance,
        "causal_influence_bits": measures.causal_influence(likely, policy, p),
        "topographic_similarity": None if np.isnan(similarity) else similarity,
        "semantic_bits": measures.semantic_information(seen[seen > 0], said, truth.clip(0, 1), trust=None),
    }


def _share(reward: np.ndarray) -> np.ndarray:
    """Rewards as shares of the span from the least to the most; all 1 where they are alike."""
    span = np.ptp(reward)
    return (reward - reward.min()) / span if span else np.ones_like(reward)
