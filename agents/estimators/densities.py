"""Estimates by a learned density of one side given the other."""

import math

import torch
from torch import Tensor, nn

from agents.estimators.contract import NAT, Estimator, perceptron


class Density(nn.Module):
    """Normal density of independent components of y given x, or of labels (one-hot y)."""

    def __init__(self, x: int, y: int, width: int, labels: bool) -> None:
        super().__init__()
        self.labels, self.size = labels, y
        self.net = perceptron(x, width, y if labels else 2 * y)

    def parameters_of(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the standard deviation, [B, y] each."""
        mean, log_std = self.net(x).chunk(2, -1)
        return mean, log_std.clamp(-7, 4)

    def log(self, x: Tensor, y: Tensor) -> Tensor:
        """ln q(y | x) of all pairs, x [B, dx], y [C, dy] -> [B, C]."""
        if self.labels:
            return self.net(x).log_softmax(-1) @ y.T
        mean, log_std = (part.unsqueeze(1) for part in self.parameters_of(x))
        z = (y - mean) * (-log_std).exp()
        return -(z.square() / 2 + log_std + math.log(2 * math.pi) / 2).sum(-1)


def gaussian_rate(mean: Tensor, log_std: Tensor, center: Tensor, log_width: Tensor) -> Tensor:
    """KL in nats of normal densities of independent components: [..., d], from one of `center` and `log_width` [d] -> [...]."""
    ratio = (2 * (log_std - log_width)).exp()
    shift = ((mean - center) * (-log_width).exp()).square()
    return ((ratio + shift - 1) / 2 - (log_std - log_width)).sum(-1)


class Club(Estimator):
    """CLUB (Cheng et al. 2020): E ln q(y | x) of joint pairs less that of all; an upper bound only if q is true, and a loose one.

    Of Gaussians it is rho^2 / (1 - rho^2) nats for each component.
    """

    name = "club"
    bound = "upper"

    def __init__(self, x: int, y: int, width: int = 64, labels: bool = False) -> None:
        super().__init__(x, y, width)
        self.density = Density(x, y, width, labels)

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        return -self.density.log(x, y).diagonal().mean()

    def value(self, x: Tensor, y: Tensor) -> Tensor:
        log_q = self.density.log(x, y)
        return (log_q.diagonal().mean() - log_q.mean()) * NAT


class BarberAgakov(Estimator):
    """H(X) + E log2 q(x | y) (Barber, Agakov 2003): a lower bound where `entropy`, H(X) in bits, is known.

    In games it is. Of messages it bounds by how well the receiver decodes.
    """

    name = "barber_agakov"
    bound = "lower"

    def __init__(self, x: int, y: int, width: int = 64, labels: bool = False, entropy: float = 0.0) -> None:
        super().__init__(x, y, width)
        self.density, self.entropy = Density(y, x, width, labels), entropy

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        return -self.density.log(y, x).diagonal().mean()

    def value(self, x: Tensor, y: Tensor) -> Tensor:
        return self.entropy + self.density.log(y, x).diagonal().mean() * NAT


class VariationalRate(Estimator):
    """Rate of the variational information bottleneck (Alemi et al. 2017): E KL(q(y | x) || r(y)), r learned.

    An upper bound if q is the true density of y given x, as it is of a stochastic encoder.
    """

    name = "vib"
    bound = "upper"

    def __init__(self, x: int, y: int, width: int = 64, labels: bool = False) -> None:
        super().__init__(x, y, width)
        self.density = Density(x, y, width, labels)
        self.center, self.spread = nn.Parameter(torch.zeros(y)), nn.Parameter(torch.zeros(y))

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        fit = -self.density.log(x, y).diagonal().mean()
        if self.density.labels:
            return fit - (y @ self.center.log_softmax(-1)).mean()
        return fit + ((y - self.center).square() * (-2 * self.spread).exp() / 2 + self.spread).sum(-1).mean()

    def value(self, x: Tensor, y: Tensor) -> Tensor:
        if self.density.labels:
            log_q = self.density.net(x).log_softmax(-1)
            return (log_q.exp() * (log_q - self.center.log_softmax(-1))).sum(-1).mean() * NAT
        return gaussian_rate(*self.density.parameters_of(x), self.center, self.spread).mean() * NAT
