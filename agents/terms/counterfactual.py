"""What would have been done, had an agent said something else: social influence and the empowerment of messages."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from agents.graph_team import GraphTeam, Step
from agents.terms.contract import LossTerm, Moment, RewardTerm, again
from agents.terms.messages import every, index, joint, needs_odds, spoken

MOST = 16
"""Most messages that are tried: each is a pass of the team."""


@dataclass(frozen=True, kw_only=True)
class SocialInfluence(RewardTerm):
    """Social influence (Jaques et al. 2019): a speaker is paid, in bits, sum over listeners of KL(p(a | said) || p(a)), where
    p(a) = sum over messages m of p(m) p(a | m), all else as it was.

    Of the first round of messages; the components of an action are counted one by one. Its mean over messages is
    I(message; action | state), the one-step causal influence (CIC; Lowe et al. 2019). Every message of every speaker is tried:
    N * 2**bits passes without gradients an update.
    """

    name: ClassVar[str] = "social_influence"
    weight: float = 0.1

    def extras(self, team: GraphTeam) -> nn.Module | None:
        needs_odds(self.name, team, MOST)
        return None

    def reward(self, team: GraphTeam, step: Step, noise: Tensor) -> Tensor:
        paid = []
        said = index(step.symbols[:, 0], team.bottleneck.alphabet)
        for speaker in range(team.agents):
            speakers = torch.full(step.present.shape[:1], speaker)
            logp = answers(team, step, noise, speakers)
            each = influence(joint(step.odds[:, 0, speaker]).exp(), logp)  # [M, S, N]
            mine = each.gather(0, said[:, speaker].view(1, -1, 1).expand(1, *each.shape[1:]))[0]
            mine[:, speaker] = 0.0
            paid.append((mine * step.present).sum(-1).clamp_min(0.0))
        return torch.stack(paid, -1) * spoken(step)[:, 0]  # who is not heard is paid nothing, not even rounding


@dataclass(frozen=True, kw_only=True)
class Empowerment(LossTerm):
    """Empowerment of messages (Klyubin, Polani, Nehaniv 2005): minus the capacity, in bits, of the channel from what a speaker
    says in the first round to what a listener does, summed over listeners.

    The capacity is found by `iterations` of Blahut-Arimoto and is below the true one until these converge; gradients are those
    at the input it finds. In each step one speaker is tried, in turn: 2**bits passes with gradients a minibatch.
    """

    name: ClassVar[str] = "empowerment"
    weight: float = 0.1
    iterations: int = 10

    def extras(self, team: GraphTeam) -> nn.Module | None:
        needs_odds(self.name, team, MOST)
        return None

    def loss(self, now: Moment, own: Any) -> Tensor:
        team, step = now.module.team, now.step
        speaker = torch.arange(len(step.present)) % team.agents
        logp = answers(team, step, now.batch["noise"], speaker)
        others = step.present & (torch.arange(team.agents) != speaker.unsqueeze(-1))
        counts = others & step.present.gather(1, speaker.unsqueeze(-1))
        return -(capacity(logp, self.iterations) * counts).sum() / len(counts)


def answers(team: GraphTeam, step: Step, noise: Tensor, speaker: Tensor) -> Tensor:
    """Log-probabilities [M, S, N, P, C] of all actions, had agent speaker [S] said each message in the first round, and all
    else been as it was. Listeners read what a deployed team would."""
    row, outs = torch.arange(len(speaker)), []
    for message in every(team.bottleneck.alphabet):

        def instead(k: int, read: Tensor, message: Tensor = message) -> Tensor:
            if k:
                return read
            changed = read.clone()
            changed[row, speaker] = team.bottleneck.read(message)
            return changed

        outs.append(again(team, step, noise, instead=instead).logits.log_softmax(-1))
    return torch.stack(outs)


def influence(p: Tensor, logp: Tensor) -> Tensor:
    """KL(p(a | m) || p(a)) in bits for every m, summed over components: p [S, M], logp [M, S, N, P, C] -> [M, S, N].

    >>> p, given = torch.tensor([[0.5, 0.3, 0.2]]), torch.tensor([[0.8, 0.2], [0.3, 0.7], [0.5, 0.5]])
    >>> round(float(p[0] @ influence(p, given.log().view(3, 1, 1, 1, 2))[:, 0, 0]), 6)
    0.151149
    """
    mean = (p.T[:, :, None, None, None] * logp.exp()).sum(0).clamp_min(1e-30)
    return (logp.exp() * (logp - mean.log())).sum((-2, -1)) / math.log(2)


def capacity(logp: Tensor, iterations: int) -> Tensor:
    """Bits of the channel from m to a (Blahut 1972; Arimoto 1972), components one by one: logp [M, S, N, P, C] -> [S, N]."""
    W = logp.exp()
    with torch.no_grad():
        p = torch.full(W.shape[:-1], 1 / len(W))
        for _ in range(iterations):
            p = p * ((W * (logp - _out(p, W).log())).sum(-1)).exp()
            p = p / p.sum(0)
    return (p * (W * (logp - _out(p, W).log())).sum(-1)).sum((0, -1)) / math.log(2)


def _out(p: Tensor, W: Tensor) -> Tensor:
    """Odds of what comes out, [S, N, P, C]."""
    return (p.unsqueeze(-1) * W).sum(0).clamp_min(1e-30)
