"""Biases for emergent communication (Eccles et al. 2019): positive signalling and positive listening."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from agents.graph_team import GraphTeam
from agents.terms.contract import LossTerm, Moment
from agents.terms.messages import LARGEST, entropy, joint, needs_odds, spoken


@dataclass(frozen=True, kw_only=True)
class PositiveSignalling(LossTerm):
    """- (spread * H(mean message of an agent) - mean (H(message | seen) - target)^2), entropies in bits (nats in the paper).

    The mean is each agent's own: messages that only name their speaker signal nothing.
    """

    name: ClassVar[str] = "positive_signalling"
    weight: float = 0.1
    spread: float = 1.0
    """Weight of the entropy of the mean message, the paper's lambda."""
    target: float = 0.5
    """Bits of a message, given what was seen."""

    def extras(self, team: GraphTeam) -> nn.Module | None:
        needs_odds(self.name, team, LARGEST)
        return None

    def loss(self, now: Moment, own: Any) -> Tensor:
        return signalling(joint(now.step.odds).exp(), spoken(now.step), self.spread, self.target)


def signalling(p: Tensor, sent: Tensor, spread: float, target: float) -> Tensor:
    """The loss of messages with probabilities p [S, R, N, M], where sent [S, R, N] is 1."""
    weight = sent.unsqueeze(-1)
    each = weight.sum((0, 1))  # [N, 1] messages of an agent
    mean = (p * weight).sum((0, 1)) / each.clamp_min(1.0)
    agents = (each > 0).sum().clamp_min(1)
    off = ((entropy(p) - target).square() * sent).sum() / sent.sum().clamp_min(1.0)
    return off - spread * entropy(mean).sum() / agents


@dataclass(frozen=True, kw_only=True)
class PositiveListening(LossTerm):
    """- mean over decisions of |pi(. | seen, heard) - pi(. | seen)|_1, at most 2 for each component of an action.

    pi(. | seen) is the same team when nobody is heard, held fixed. It costs one more pass, without gradients.
    """

    name: ClassVar[str] = "positive_listening"
    weight: float = 0.1

    def loss(self, now: Moment, own: Any) -> Tensor:
        with torch.no_grad():
            alone = now.again(silent=True).logits.log_softmax(-1)
        return -now.mean(difference(now.logp, alone))


def difference(logp: Tensor, other: Tensor) -> Tensor:
    """|p - q|_1, log-probabilities [S, N, P, C] -> [S, N], summed over components."""
    return (logp.exp() - other.exp()).abs().sum((-2, -1))
