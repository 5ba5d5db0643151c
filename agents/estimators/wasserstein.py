"""Wasserstein dependency: how far, in the units of x and y, joint pairs lie from independent ones."""

import torch
from torch import Tensor

from agents.estimators.contract import Estimator, perceptron

PENALTY = 10.0
"""On squared slopes above 1 (Gulrajani et al. 2017, one-sided)."""


class Wasserstein(Estimator):
    """W1(p(x, y), p(x) p(y)) = sup E f - E' f over f of slope at most 1 in the Euclidean norm (Ozair et al. 2019).

    Slopes are held down by a penalty on the way between pairs, so that the value is near the supremum and no bound. It does not
    saturate as bits do; it depends on the units of x and y. Of small tables exactly: `commenv.info.wasserstein_dependency`.
    """

    name = "wasserstein"
    unit = "distance"

    def __init__(self, x: int, y: int, width: int = 64) -> None:
        super().__init__(x, y, width)
        self.potential = perceptron(x + y, width, 1)

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        joint, other = torch.cat([x, y], -1), torch.cat([x, y.roll(1, 0)], -1)
        share = torch.rand(len(x), 1)
        between = (share * joint + (1 - share) * other).requires_grad_()
        (slope,) = torch.autograd.grad(self.potential(between).sum(), between, create_graph=True)
        excess = (slope.norm(dim=-1) - 1).clamp_min(0)
        return -self.value(x, y) + PENALTY * excess.square().mean()

    def value(self, x: Tensor, y: Tensor) -> Tensor:
        """Pairs of a batch shifted by one count as independent."""
        joint, other = torch.cat([x, y], -1), torch.cat([x, y.roll(1, 0)], -1)
        return (self.potential(joint) - self.potential(other)).mean()
