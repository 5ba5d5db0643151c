"""Nearly decomposable Q-functions (NDQ; Wang et al. 2020): messages that tell what listeners need, and little else.

The paper's loss of communication is expressive + .001 * succinct, of Gaussian messages to each listener and Q-functions. Here
messages are the bottleneck's and broadcast, and the action that they should tell is the likeliest of the listener's policy.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from agents.graph_team import GraphTeam
from agents.terms.contract import LossTerm, Moment
from agents.terms.messages import has_odds, mean_spoken
from agents.terms.rates import Prior, divergence


@dataclass(frozen=True, kw_only=True)
class NdqExpressive(LossTerm):
    """- E log2 q(a* | what the listener saw, what it hears in the first round), of those who hear anybody; a* its likeliest
    action, q a decoder that learns along. Gradients reach the messages, and nothing else of the team."""

    name: ClassVar[str] = "ndq_expressive"

    def extras(self, team: GraphTeam) -> nn.Module | None:
        return ActionDecoder(team)

    def loss(self, now: Moment, own: Any) -> Tensor:
        links = now.step.links[:, 0].detach()
        heard = (links @ now.step.read[:, 0]) / links.sum(-1, keepdim=True).clamp_min(1.0)
        logits = own(now.step.perceived.detach(), heard).masked_fill(now.module.team.refused, -1e9)
        best = now.logp.detach().argmax(-1, keepdim=True)
        surprise = -logits.log_softmax(-1).gather(-1, best).squeeze(-1).sum(-1) / math.log(2)
        listens = links.amax(-1)  # [S, N]
        return (surprise * listens).sum() / listens.sum().clamp_min(1.0)


@dataclass(frozen=True, kw_only=True)
class NdqSuccinct(LossTerm):
    """KL(q(m | h) || r) + surprise * E[- log2 r(m)], in bits, of a prior r that learns along; where messages are not drawn from
    odds the KL is the bottleneck's own rate, and there is no second part."""

    name: ClassVar[str] = "ndq_succinct"
    weight: float = 1e-3
    surprise: float = 1e-3
    """Weight of the second part; the paper has 1e-6 beside a weight of 1e-3 of the first."""

    def extras(self, team: GraphTeam) -> nn.Module | None:
        return Prior(team) if has_odds(team) else None

    def loss(self, now: Moment, own: Any) -> Tensor:
        if own is None:
            return mean_spoken(now.step, now.step.rates)
        odds, prior = now.step.odds, own()
        crossed = -(odds.exp() * prior).sum((-2, -1)) / math.log(2)
        return mean_spoken(now.step, divergence(odds, prior) + self.surprise * crossed)


class ActionDecoder(nn.Module):
    """Perceived [..., width] and heard [..., reads] -> logits [..., P, C]."""

    def __init__(self, team: GraphTeam) -> None:
        super().__init__()
        self.components = team.plan.components
        width = team.plan.width
        self.layers = nn.Sequential(
            nn.Linear(width + team.bottleneck.reads, width), nn.ReLU(), nn.Linear(width, math.prod(self.components))
        )

    def forward(self, perceived: Tensor, heard: Tensor) -> Tensor:
        return self.layers(torch.cat([perceived, heard], -1)).unflatten(-1, self.components)
