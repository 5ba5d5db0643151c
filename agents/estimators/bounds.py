"""Bounds by a critic that scores pairs: what is drawn together against what is not.

Functions of scores f [B, B], joint pairs on the diagonal, in nats; and the estimators that train a critic for them.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import softplus

from agents.estimators.contract import NAT, Critic, Estimator, log_mean_exp_off

MEMORY = 0.99
"""Of MINE's running mean of exp f."""
CLIP = 5.0
"""Of SMILE's scores, nats: larger varies more and is less biased."""


def nwj(f: Tensor) -> Tensor:
    """1 + E (f - 1) - E' exp(f - 1), E over joint pairs and E' over others; tight at f = 1 + ln of the density ratio."""
    return f.diagonal().mean() - (log_mean_exp_off(f) - 1).exp()


def donsker_varadhan(f: Tensor) -> Tensor:
    """E f - ln E' exp f."""
    return f.diagonal().mean() - log_mean_exp_off(f)


def infonce(f: Tensor) -> Tensor:
    """E [f - ln of the row's mean of exp f], at most ln B."""
    return (f.diagonal() - f.logsumexp(1)).mean() + math.log(len(f))


def smile(f: Tensor, clip: float = CLIP) -> Tensor:
    """Donsker and Varadhan's with scores clipped to +-clip where pairs are not joint."""
    return f.diagonal().mean() - log_mean_exp_off(f.clamp(-clip, clip))


def discrimination(f: Tensor) -> Tensor:
    """Mean logarithmic loss of telling joint pairs (diagonal) from others; least at f = ln of the density ratio."""
    B = len(f)
    others = softplus(f).sum() - softplus(f.diagonal()).sum()
    return softplus(-f.diagonal()).mean() + others / (B * (B - 1))


class Scored(Estimator):
    """What has a critic."""

    def __init__(self, x: int, y: int, width: int = 64) -> None:
        super().__init__(x, y, width)
        self.critic = Critic(x, y, width)


class NWJ(Scored):
    """Nguyen, Wainwright, Jordan (2010): a lower bound whose variance grows like exp of the information."""

    name = "nwj"
    bound = "lower"

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        return -nwj(self.critic(x, y))

    def value(self, x: Tensor, y: Tensor) -> Tensor:
        return nwj(self.critic(x, y)) * NAT


class Mine(Scored):
    """MINE (Belghazi et al. 2018): Donsker and Varadhan's formula, with a running mean under the logarithm of the gradient."""

    name = "mine"
    running: Tensor

    def __init__(self, x: int, y: int, width: int = 64) -> None:
        super().__init__(x, y, width)
        self.register_buffer("running", torch.tensor(math.nan))  # logarithm of the mean

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        f = self.critic(x, y)
        now = log_mean_exp_off(f)
        with torch.no_grad():
            before = now if self.running.isnan() else self.running
            self.running.copy_(torch.logaddexp(before + math.log(MEMORY), now + math.log1p(-MEMORY)))
        return (now - self.running).exp() - f.diagonal().mean()

    def value(self, x: Tensor, y: Tensor) -> Tensor:
        return donsker_varadhan(self.critic(x, y)) * NAT


class InfoNCE(Scored):
    """Contrastive predictive coding (van den Oord et al. 2018): a lower bound that cannot exceed log2 of the batch."""

    name = "infonce"
    bound = "lower"

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        return -infonce(self.critic(x, y))

    def value(self, x: Tensor, y: Tensor) -> Tensor:
        return infonce(self.critic(x, y)) * NAT


class JensenShannon(Scored):
    """Trained to discriminate (Hjelm et al. 2019), valued by nwj, so that it is a lower bound (Poole et al. 2019)."""

    name = "js"
    bound = "lower"

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        return discrimination(self.critic(x, y))

    def value(self, x: Tensor, y: Tensor) -> Tensor:
        return nwj(self.critic(x, y) + 1) * NAT


class Smile(Scored):
    """SMILE (Song, Ermon 2020): trained to discriminate; clipping holds the variance down, and is no bound."""

    name = "smile"

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        return discrimination(self.critic(x, y))

    def value(self, x: Tensor, y: Tensor) -> Tensor:
        return smile(self.critic(x, y)) * NAT
