"""A speaker, a listener and one message: the smallest loop in which ways to say something can be held against each other.

The referential game is played in batches through its own interface, with its own channel silent; the message passes from the
speaker's network to the listener's through a bottleneck. What each action earned in each state is counted, and the listener is
taught by that model and by what it misses of the rewards (agents/losses.py); the speaker by whatever gradient its bottleneck
lets through, or with `marginal` by the exact sum over messages. Everything but the way to speak is the same for all. Pairs of
several seeds learn side by side, each from games, noise and first weights of its own seed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from agents.bottlenecks import bottleneck
from agents.losses import Played, TeamLoss, team_loss
from agents.networks import Perceptron, sample
from agents.ppo import entropy
from agents.terms import chosen_terms
from agents.terms.contract import Scalars
from agents.terms.rates import Priced
from commenv.core.batch import Batch
from commenv.core.game import choose
from commenv.games import rules

GAME = "messaging/referential-v0"
MARGINAL = "marginal"
"""Sum over all messages: of few symbols, read one-hot."""
REVIVE = 20
"""Updates between which symbols that nobody uses stay as they are."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is trained."""

    states: int = 8
    reward: str = "identity"
    way: str = MARGINAL
    """marginal, or the name of a bottleneck."""
    bits: int = 3
    updates: int = 400
    games: int = 256
    """Games in a batch, each of which is learned from once."""
    rate: float = 5e-3
    """Of Adam; it falls to a tenth over the last half."""
    price: dict[str, Any] = field(default_factory=dict)
    """A term of agents/terms/rates.py by name, with its options: what bits cost. In units of reward."""
    usage: float = 0.3
    """Weight of the use of symbols, and of the entropies; all fade out by `until`, in units of rewards' largest spread a nat."""
    speaker_entropy: float = 0.05
    listener_entropy: float = 0.05
    until: float = 0.8


@dataclass(frozen=True)
class Found:
    """What a trained pair does when every agent takes its likeliest choice; exact sums over the states."""

    reward: float
    entropy_bits: float
    """H(M) of the message."""


class Told(NamedTuple):
    """B rounds of each of S pairs, as they would play them now."""

    action: Tensor  # [S, B, A] probabilities
    odds: Tensor  # [S, B, d, k] log-probabilities of the message's digits; d = 0 where it is not drawn from odds
    unsure: Tensor  # [S, B] entropy of the listener, nats
    loss: Tensor  # [S] the bottleneck's own


class Pair(nn.Module):
    """A speaker and a listener over K states."""

    def __init__(self, setting: Setting, actions: int) -> None:
        super().__init__()
        K, symbols = setting.states, 2**setting.bits
        self.sums = setting.way == MARGINAL
        self.speaker = Perceptron([K, 64, symbols if self.sums else 64])
        self.bottleneck = None if self.sums else bottleneck(setting.way, 64, bits=setting.bits)
        self.listener = Perceptron([symbols if self.bottleneck is None else self.bottleneck.reads, 64, actions])
        self.symbols = symbols

    def forward(self, seen: Tensor, noise: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One round of B games: seen [B, K], noise [B, z], or None as deployed: the fields of Told, without S."""
        said = self.speaker(seen)
        if self.bottleneck is None:
            odds, answer = said.log_softmax(-1), self.listener(torch.eye(self.symbols)).log_softmax(-1)
            return odds.exp() @ answer.exp(), odds.unsqueeze(-2), odds.exp().detach() @ entropy(answer), torch.zeros(())
        message = self.bottleneck(said, noise)
        answer = self.listener(message.read).log_softmax(-1)
        odds = torch.zeros(len(seen), 0, 1) if message.logp is None else message.logp
        return answer.exp(), odds, entropy(answer), message.loss.mean()

    @torch.no_grad()
    def deployed(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Of each state the action that is taken [K], and the symbols that are sent [K, d]."""
        said = self.speaker(states)
        symbols = said.argmax(-1, keepdim=True) if self.bottleneck is None else self.bottleneck(said).symbols
        read = one_hot(symbols[:, 0], self.symbols).float() if self.bottleneck is None else self.bottleneck.read(symbols)
        return self.listener(read).argmax(-1), symbols


class Pairs:
    """Pairs of S seeds. Where a bottleneck can be mapped over seeds they are computed at once, else one after the other."""

    def __init__(self, setting: Setting, actions: int, seeds: Sequence[int], silence: float) -> None:
        self.pairs = []
        for seed in seeds:
            torch.manual_seed(seed)
            pair = Pair(setting, actions)
            with torch.no_grad():
                pair.speaker.layers[-1].bias[0] += silence  # type: ignore[operator, index]
            self.pairs.append(pair)
        self.weights, self.buffers = torch.func.stack_module_state(self.pairs)  # type: ignore[arg-type]
        for pair in self.pairs[1:]:
            pair.requires_grad_(False)
        self.mapped = setting.way not in ("dial", "dimco", "continuous")  # torch cannot map what these do

    def play(self, seen: Tensor, noise: Tensor) -> Told:
        """seen [S, B, K], noise [S, B, z]."""
        if self.mapped:
            return Told(*torch.vmap(self._one)(self.weights, self.buffers, seen, noise))
        outs = [self._one(*self._of(s), seen[s], noise[s]) for s in range(len(seen))]
        return Told(*(torch.stack(parts) for parts in zip(*outs, strict=True)))

    def _one(self, weights: Any, buffers: Any, seen: Tensor, noise: Tensor) -> Any:
        return torch.func.functional_call(self.pairs[0], (weights, buffers), (seen, noise))

    def _of(self, s: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        return {key: w[s] for key, w in self.weights.items()}, {key: b[s] for key, b in self.buffers.items()}

    @torch.no_grad()
    def each(self) -> list[Pair]:
        """The pairs as they are now, as copies."""
        for s, pair in enumerate(self.pairs):
            for key, weight in pair.named_parameters():
                weight.data.copy_(self.weights[key][s])
        return self.pairs

    @torch.no_grad()
    def revive(self, states: Tensor) -> None:
        """Bring symbols that nobody uses back into use."""
        for s, pair in enumerate(self.each()):
            if pair.bottleneck is not None and pair.bottleneck.revive(pair.speaker(states)):
                for key, weight in pair.named_parameters():
                    self.weights[key][s] = weight


def train(setting: Setting, seeds: Sequence[int]) -> list[Found]:
    """Train pairs of these seeds side by side."""
    options = choose(rules(GAME), {"states": setting.states, "reward": setting.reward, "bits": 0})
    batches = [Batch(rules(GAME), options, setting.games, seed) for seed in seeds]
    actions, S = batches[0].action_spaces["receiver"].n, len(seeds)  # type: ignore[attr-defined]
    price, kept = _price(setting, S)
    pairs = Pairs(setting, actions, seeds, 0.0 if price is None else price.silence)
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    optimiser = torch.optim.Adam(pairs.weights.values(), lr=setting.rate, eps=1e-6)
    width = 0 if pairs.pairs[0].bottleneck is None else pairs.pairs[0].bottleneck.noise
    states, idle, plain = torch.eye(setting.states), [0] * setting.games, TeamLoss(anneal=0.0)
    counts, total = torch.zeros(S, setting.states, actions), torch.zeros(S, setting.states, actions)
    scale, place = torch.full((S, 1), 0.05), torch.arange(S).unsqueeze(-1)
    seen = torch.stack([torch.from_numpy(batch.reset()["sender"].copy()) for batch in batches])
    for update in range(setting.updates):
        progress = update / setting.updates
        for group in optimiser.param_groups:
            group["lr"] = setting.rate * (1 - 0.9 * max(0.0, 2 * progress - 1))
        noise = torch.stack([torch.rand(setting.games, width, generator=g) for g in generators])
        state = seen.argmax(-1)
        if pairs.pairs[0].sums:  # alike in all games of a state
            told = Told(*(x[place, state] if x.dim() > 1 else x for x in pairs.play(states.expand(S, -1, -1), noise)))
        else:
            told = pairs.play(seen, noise)
        odds = told.action.detach().clamp_min(1e-12).log()
        acted = torch.stack([sample(own, g)[0] for own, g in zip(odds, generators, strict=True)])
        seen, earned = _step(batches, acted, idle)
        counts.index_put_((place.expand_as(state), state, acted), torch.ones(state.shape), accumulate=True)
        total.index_put_((place.expand_as(state), state, acted), earned, accumulate=True)
        scale = torch.maximum(scale, earned.std(-1, keepdim=True))
        worth = (total / counts.clamp_min(1.0))[place, state]
        old = told.action.detach().gather(-1, acted.unsqueeze(-1)).squeeze(-1)
        columns = {"actions": acted, "rewards": earned, "old": old}
        terms = team_loss(Played(torch.zeros(1, 1), told.action, told.unsure), worth, columns, scale, progress, 0.2, plain)
        warmth = max(0.0, 1 - progress / setting.until)
        loss = S * (terms["model"] + terms["residual"]) - warmth * _warm(told, setting) + told.loss.sum()
        if price is not None:
            rate = entropy(told.odds[:, :, 0].exp().mean(1).clamp_min(1e-12).log()) / math.log(2)
            loss = loss + sum(price.weight * price.price(r, own) / float(s) for r, own, s in zip(rate, kept, scale, strict=True))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        for own in kept if price is not None else ():
            price.after_update(own)  # type: ignore[union-attr]
        if update % REVIVE == 0:
            pairs.revive(states)
    return [_found(pair, setting, states) for pair in pairs.each()]


def _step(batches: Sequence[Batch], acted: Tensor, idle: list[int]) -> tuple[Tensor, Tensor]:
    """Both steps of a round: what senders see next [S, B, K], and rewards [S, B]."""
    seen, earned = [], []
    for batch, own in zip(batches, acted, strict=True):
        batch.step({"sender": idle, "receiver": idle})
        observations, rewards, *_ = batch.step({"sender": idle, "receiver": own.numpy()})
        seen.append(torch.from_numpy(observations["sender"].copy()))
        earned.append(torch.from_numpy(rewards["receiver"]).float())
    return torch.stack(seen), torch.stack(earned)


def _warm(told: Told, setting: Setting) -> Tensor:
    """Entropies of speaker and listener and the use of symbols, digit by digit, in nats; summed over seeds."""
    warm = setting.listener_entropy * told.unsure.mean(1).sum()
    if told.odds.shape[2]:
        usage = entropy(told.odds.exp().mean(1).clamp_min(1e-12).log()).sum()
        warm = warm + setting.speaker_entropy * entropy(told.odds).sum(-1).mean(1).sum() + setting.usage * usage
    return warm


def _price(setting: Setting, seeds: int) -> tuple[Priced | None, list[Scalars]]:
    if not setting.price:
        return None, []
    (term,) = chosen_terms(setting.price).values()
    if not isinstance(term, Priced):
        raise ValueError(f"{term.name} is no price on bits")
    return term, [Scalars(multiplier=getattr(term, "multiplier", 0.0), _total=0.0, _count=0.0) for _ in range(seeds)]


def _found(pair: Pair, setting: Setting, states: Tensor) -> Found:
    actions, symbols = pair.deployed(states)
    table = choose(rules(GAME), {"states": setting.states, "reward": setting.reward}).table  # type: ignore[attr-defined]
    reward = float(table[range(setting.states), actions.numpy()].mean())
    counts = symbols.unique(dim=0, return_counts=True)[1].double()
    share = counts / counts.sum()
    return Found(reward, float(-(share * share.log2()).sum()))
