"""Infomax: messages from which a decoder tells what their speaker saw (Barber, Agakov 2003)."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from agents.graph_team import GraphTeam
from agents.terms.contract import LossTerm, Moment
from agents.terms.messages import mean_spoken, spoken


@dataclass(frozen=True, kw_only=True)
class Infomax(LossTerm):
    """Minus H(X) + E log2 q(x | message), in bits; q is a decoder that learns along. No more than I(X; message).

    With `places` (start, stop), X is the place of the largest entry of that part of the speaker's observation: one-hot parts
    are told exactly. Without, X is in turn every entry, as far as it is between 0 and 1, and the informations add up, which
    counts what several entries tell several times: then it is no bound of what the message tells of the whole observation.
    H(X) is that of the minibatch.
    """

    name: ClassVar[str] = "infomax"
    weight: float = 0.1
    places: tuple[int, int] | None = None

    def extras(self, team: GraphTeam) -> nn.Module | None:
        outs = team.longest
        if self.places is not None:
            start, stop = self.places
            if not 0 <= start < stop <= team.longest:
                raise ValueError(f"places={self.places} of infomax must be a start and a stop within {team.longest} entries")
            outs = stop - start
        return Decoder(team.bottleneck.reads, team.plan.width, outs)

    def loss(self, now: Moment, own: Any) -> Tensor:
        # Observations are the team's, padded to the longest, so that places are the same for all of its agents.
        seen = now.batch["obs"].unsqueeze(1).expand(-1, now.step.read.shape[1], -1, -1)
        decoded = own(now.step.read)
        if self.places is None:
            x = seen.clamp(0.0, 1.0)
            return -mean_spoken(now.step, told(decoded, x, spoken(now.step)).sum(-1))
        x = seen[..., slice(*self.places)].argmax(-1)
        nats = -decoded.log_softmax(-1).gather(-1, x.unsqueeze(-1)).squeeze(-1)
        count = torch.stack([mean_spoken(now.step, (x == k).to(nats.dtype)) for k in range(decoded.shape[-1])])
        return -barber_agakov(count, mean_spoken(now.step, nats))


def barber_agakov(frequency: Tensor, surprise: Tensor) -> Tensor:
    """H(X) + E log2 q(x | z): frequency [K] of X, surprise the mean of - ln q(x | z); the lower bound of I(X; Z), in bits.

    >>> p = torch.tensor([[0.4, 0.1], [0.1, 0.4]])  # the true posterior makes it tight
    >>> round(float(barber_agakov(p.sum(1), -(p * (p / p.sum(0)).log()).sum())), 6)
    0.278072
    """
    return (-torch.xlogy(frequency, frequency.clamp_min(1e-30)).sum() - surprise) / math.log(2)


def told(decoded: Tensor, x: Tensor, sent: Tensor) -> Tensor:
    """Bits that logits tell of each entry x between 0 and 1, over its mean where sent [S, R, N] is 1; all [S, R, N, K]."""
    sent = sent.unsqueeze(-1)
    mean = ((x * sent).sum((0, 1, 2)) / sent.sum().clamp_min(1.0)).clamp(1e-6, 1 - 1e-6)
    before = -(x * mean.log() + (1 - x) * (1 - mean).log())
    return (before - binary_cross_entropy_with_logits(decoded, x, reduction="none")) / math.log(2)


class Decoder(nn.Sequential):
    """What is read of a message [..., reads] -> logits [..., outs]."""

    def __init__(self, reads: int, width: int, outs: int) -> None:
        super().__init__(nn.Linear(reads, width), nn.ReLU(), nn.Linear(width, outs))
