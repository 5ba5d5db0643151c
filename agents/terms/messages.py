"""Odds of whole messages: what several terms count."""

import itertools
import math

import torch
from torch import Tensor

from agents.graph_team import GraphTeam, Step

LARGEST = 256
"""Most messages of an alphabet whose joint odds are held; of larger ones digits are counted one by one."""


@torch.no_grad()
def has_odds(team: GraphTeam) -> bool:
    """Whether messages are drawn from odds."""
    return team.bottleneck(torch.zeros(1, team.plan.width)).logp is not None


def needs_odds(name: str, team: GraphTeam, most: float = math.inf) -> int:
    """How many messages there are. ValueError where they are not drawn from odds, or are more than `most`."""
    if not has_odds(team):
        raise ValueError(
            f"{name} needs messages that are drawn from odds, which those of {team.plan.bottleneck} with {team.plan.bits} bits "
            "are not: choose gumbel_softmax, vector_quantised, dial or dimco"
        )
    count = math.prod(team.bottleneck.alphabet)
    if count > most:
        raise ValueError(f"{name} tries every message, and {count} are more than {most:g}: give fewer bits")
    return count


def every(alphabet: tuple[int, ...]) -> Tensor:
    """All messages [M, d], the last digit fastest.

    >>> every((2, 2)).tolist()
    [[0, 0], [0, 1], [1, 0], [1, 1]]
    """
    return torch.tensor(list(itertools.product(*map(range, alphabet))), dtype=torch.long)


def index(symbols: Tensor, alphabet: tuple[int, ...]) -> Tensor:
    """Place in `every` of symbols [..., d] -> [...]."""
    place = torch.zeros(symbols.shape[:-1], dtype=torch.long)
    for k, n in enumerate(alphabet):
        place = place * n + symbols[..., k]
    return place


def joint(odds: Tensor) -> Tensor:
    """Log-probabilities [..., k**d] of whole messages, in the order of `every`, of odds [..., d, k] of independent digits."""
    whole = odds[..., 0, :]
    for digit in odds.unbind(-2)[1:]:
        whole = (whole.unsqueeze(-1) + digit.unsqueeze(-2)).flatten(-2)
    return whole


def chosen(odds: Tensor, symbols: Tensor) -> Tensor:
    """Log-probability [...] of messages symbols [..., d] under odds [..., d, k]."""
    return odds.gather(-1, symbols.unsqueeze(-1)).squeeze(-1).sum(-1)


def entropy(p: Tensor) -> Tensor:
    """Bits of p [..., M] -> [...].

    >>> float(entropy(torch.tensor([0.5, 0.25, 0.25])))
    1.5
    """
    return -torch.xlogy(p, p.clamp_min(1e-30)).sum(-1) / math.log(2)


def spoken(step: Step) -> Tensor:
    """[S, R, N] 1 where somebody listens to a message."""
    return (step.links.detach().amax(-2) > 0).to(step.rates.dtype)


def marginal_entropy(odds: Tensor, weight: Tensor) -> Tensor:
    """H(M) in bits of messages with odds [..., d, k], each counted by weight [...]: that of their mean odds, a scalar.

    Above LARGEST messages it is the sum of the digits' entropies, which is no less.
    """
    d, k = odds.shape[-2:]
    each = joint(odds).unsqueeze(-2) if k**d <= LARGEST else odds  # [..., 1, M] or [..., d, k]
    share = (weight / weight.sum().clamp_min(1.0))[..., None, None]
    return entropy((each.exp() * share).flatten(0, -3).sum(0)).sum()


def mean_spoken(step: Step, value: Tensor) -> Tensor:
    """Mean of value [S, R, N] over the messages that somebody listens to; 0 where there are none."""
    sent = spoken(step)
    return (value * sent).sum() / sent.sum().clamp_min(1.0)
