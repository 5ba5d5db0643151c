"""Prices on bits: linear, a quadratic hinge above a target, and a Lagrangian.

For identity rewards and a uniform prior the frontier of reward against rate is convex: a linear price selects all bits or
none, whatever it is, and nothing between (tests/agents/test_terms.py finds every code by brute force). A target selects
any point. At uniform use of symbols the gradient of H(M) is 0, so that a start at full rate is a trap: begin at silence.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from agents.bottlenecks.contract import Bottleneck
from agents.graph_team import GraphTeam, Step
from agents.terms.contract import LossTerm, Moment, Scalars
from agents.terms.messages import marginal_entropy, mean_spoken, needs_odds, spoken


@dataclass(frozen=True, kw_only=True)
class Priced(LossTerm):
    """A price on the rate of messages, in bits a message that somebody listens to."""

    over: str = "marginal"
    """Which rate: marginal, H(M) of the minibatch, what an ideal code of the messages takes; or bottleneck, the mean of what
    the bottleneck itself estimates (mutual information, KL from a prior, ...: see each)."""
    units: str = "reward"
    """reward: the weight is in rewards (as scaled) a bit, divided by the largest spread of advantages met so far, for a price
    over a spread that shrinks as the team learns would grow without end; loss: the weight is that of the normalised loss."""
    silence: float = 0.0
    """Added to the odds' logit of the first symbol when training begins, so that the team starts near silence; 3 is usual."""

    choices: ClassVar[dict[str, tuple[str, ...]]] = {"over": ("marginal", "bottleneck"), "units": ("reward", "loss")}

    def extras(self, team: GraphTeam) -> nn.Module | None:
        if self.over == "marginal":
            needs_odds(self.name, team)
        if self.silence:
            begin_silent(team.bottleneck, self.silence)
        return Scalars(rate=0.0, scale=0.0)

    def loss(self, now: Moment, own: Any) -> Tensor:
        rate = rate_of(now.step, self.over)
        with torch.no_grad():
            own.rate.copy_(rate)
            own.scale.copy_(torch.maximum(own.scale, now.spread))
        return self.price(rate, own) / (own.scale.clone() if self.units == "reward" else 1.0)

    def price(self, rate: Tensor, own: Any) -> Tensor:
        """Of a rate in bits, before the weight."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Price(Priced):
    """A linear price: weight * rate. It collapses the channel or does nothing: here to be compared with."""

    name: ClassVar[str] = "price"

    def price(self, rate: Tensor, own: Any) -> Tensor:
        return rate


@dataclass(frozen=True, kw_only=True)
class Hinge(Priced):
    """A target by a quadratic hinge, weight / 2 * max(0, rate - target)^2.

    The rate settles above the target by about what a bit earns there over the weight: of 8 equally likely states, of which each
    that is named earns 1, a bit earns .3 to .5, and with a weight of 2 the best code may be up to .33 bits too long.
    """

    name: ClassVar[str] = "hinge"
    weight: float = 2.0
    target: float = 1.0
    """Bits a message."""

    def price(self, rate: Tensor, own: Any) -> Tensor:
        return (rate - self.target).clamp_min(0.0).square() / 2


@dataclass(frozen=True, kw_only=True)
class Lagrangian(Priced):
    """A target by dual ascent: multiplier * (rate - target), and after each update
    multiplier <- max(0, multiplier + step * (mean rate of its minibatches - target)).

    Several learners would each ascend by the rates of their own minibatches.
    """

    name: ClassVar[str] = "lagrangian"
    target: float = 1.0
    """Bits a message."""
    step: float = 0.01
    """Of the multiplier, a bit too much and an update; .001 to .01 is usual."""
    multiplier: float = 0.0
    """When training begins."""

    def extras(self, team: GraphTeam) -> nn.Module | None:
        super().extras(team)
        return Scalars(rate=0.0, scale=0.0, multiplier=self.multiplier, _total=0.0, _count=0.0)

    def price(self, rate: Tensor, own: Any) -> Tensor:
        own._total += rate.detach()
        own._count += 1
        return own.multiplier.clone() * (rate - self.target)

    def after_update(self, own: Any) -> None:
        if own._count > 0:
            own.multiplier.add_(self.step * (own._total / own._count - self.target)).clamp_min_(0.0)
        own._total.zero_()
        own._count.zero_()


@dataclass(frozen=True, kw_only=True)
class MessageEntropy(LossTerm):
    """A bonus on the use of symbols: - H(M) in bits. Unlike one on mutual information, it commits to no partition of what is
    seen; it fades linearly to 0 at progress `until`."""

    name: ClassVar[str] = "message_entropy"
    until: float = 0.8
    """0 to 1 of the training."""
    least: ClassVar[dict[str, float]] = {"until": 1e-12}

    def extras(self, team: GraphTeam) -> nn.Module | None:
        needs_odds(self.name, team)
        return None

    def loss(self, now: Moment, own: Any) -> Tensor:
        return -max(0.0, 1 - now.progress / self.until) * rate_of(now.step, "marginal")


@dataclass(frozen=True, kw_only=True)
class VariationalRate(LossTerm):
    """Variational information bottleneck (Alemi et al. 2017): mean over messages of KL(q(m | h) || r(m)) in bits, which is no
    less than the mutual information of message and hidden vector."""

    name: ClassVar[str] = "vib"
    prior: str = "learned"
    """r: learned with the rest; uniform; or own, the bottleneck's estimate (Gaussian: its prior; others: the batch's mean)."""
    choices: ClassVar[dict[str, tuple[str, ...]]] = {"prior": ("learned", "uniform", "own")}

    def extras(self, team: GraphTeam) -> nn.Module | None:
        if self.prior == "own":
            return None
        needs_odds(self.name, team)
        return Prior(team) if self.prior == "learned" else None

    def loss(self, now: Moment, own: Any) -> Tensor:
        if self.prior == "own":
            return mean_spoken(now.step, now.step.rates)
        odds = now.step.odds
        prior = own() if own is not None else torch.full(odds.shape[-2:], -math.log(odds.shape[-1]))
        return mean_spoken(now.step, divergence(odds, prior))


class Prior(nn.Module):
    """r(m), learned: independent digits."""

    def __init__(self, team: GraphTeam) -> None:
        super().__init__()
        alphabet = team.bottleneck.alphabet
        self.logits = nn.Parameter(torch.zeros(len(alphabet), alphabet[0]))

    def forward(self) -> Tensor:
        """Log-probabilities [d, k]."""
        return self.logits.log_softmax(-1)


def divergence(odds: Tensor, prior: Tensor) -> Tensor:
    """KL(q || r) in bits of independent digits: odds [..., d, k], prior [d, k], both log-probabilities -> [...].

    >>> round(float(divergence(torch.tensor([[0.7, 0.2, 0.1]]).log(), torch.full((1, 3), 1 / 3).log())), 6)
    0.428183
    """
    return (odds.exp() * (odds - prior)).sum((-2, -1)) / math.log(2)


def rate_of(step: Step, over: str) -> Tensor:
    """Bits a message that somebody listens to, a scalar: its marginal entropy, or the mean of the bottleneck's estimates."""
    return marginal_entropy(step.odds, spoken(step)) if over == "marginal" else mean_spoken(step, step.rates)


@torch.no_grad()
def begin_silent(bottleneck: Bottleneck, by: float) -> None:
    """Make the first symbol, of every digit, likelier by a logit. ValueError for a bottleneck that has no logits."""
    logits = getattr(bottleneck, "logits", None)
    if not isinstance(logits, nn.Linear):
        raise ValueError(f"silence={by} needs logits to begin with, as gumbel_softmax and dimco have")
    logits.bias[:: bottleneck.alphabet[0]] += by
