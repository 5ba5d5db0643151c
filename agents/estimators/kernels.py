"""Estimates by kernels, with nothing to train: Cauchy-Schwarz information and diffusion spectral entropy."""

import math

import torch
from torch import Tensor

from agents.bottlenecks.cauchy_schwarz import quadratic_information, squared_distances
from agents.estimators.contract import Estimator


class CauchySchwarz(Estimator):
    """Cauchy-Schwarz quadratic mutual information (Principe 2010; Yu et al. 2024), with Gaussian kernels of standard deviation
    `kernel` on both sides; of labels, which come one-hot, a `kernel` below .3 tells them apart entirely.

    No bound of mutual information. Of Gaussians it is -log2(4 sqrt(1 - r^2) / (4 - r^2)) with r = rho / (1 + kernel^2 / 2).
    """

    name = "cauchy_schwarz"
    learns = False

    def __init__(self, x: int, y: int, width: int = 64, kernel: float = 0.4) -> None:
        super().__init__(x, y, width)
        self.kernel = kernel

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        return -self.value(x, y)

    def value(self, x: Tensor, y: Tensor) -> Tensor:
        near = ((-squared_distances(side) / (2 * self.kernel**2)).exp() for side in (x, y))
        return quadratic_information(*near)


class DiffusionSpectral(Estimator):
    """Diffusion spectral information (Liao et al. 2023): DSE(x) - sum_y p(y) DSE(x | y), of numbers x and labels y (one-hot).

    DSE(x) of a label's samples is compared with that of as many of all. It depends on the number of samples, the kernel and
    the time: compare only at equal ones.
    """

    name = "diffusion_spectral"
    learns = False

    def __init__(self, x: int, y: int, width: int = 64, kernel: float = 1.0, time: float = 1.0) -> None:
        super().__init__(x, y, width)
        self.kernel, self.time = kernel, time

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        return -self.value(x, y)

    def value(self, x: Tensor, y: Tensor) -> Tensor:
        total = x.new_zeros(())
        for column in y.T:
            own = x[column > 0]
            if len(own):
                some = x[torch.linspace(0, len(x) - 1, len(own)).round().long()]
                total = total + (self.entropy(some) - self.entropy(own)) * len(own) / len(x)
        return total

    def entropy(self, x: Tensor) -> Tensor:
        return diffusion_spectral_entropy(x, self.kernel, self.time)


def diffusion_spectral_entropy(x: Tensor, kernel: float = 10.0, time: float = 1.0) -> Tensor:
    """Entropy in bits of the spectrum, to the power `time`, of diffusion among points x [n, d]: 0 to log2 n.

    >>> round(float(diffusion_spectral_entropy(torch.arange(4.0, dtype=torch.float64)[:, None], kernel=1.0)), 9)
    1.565016847
    """
    near = (-squared_distances(x) / (2 * kernel**2)).exp()
    degree = near.sum(-1).rsqrt()
    spectrum = torch.linalg.eigvalsh(degree[:, None] * near * degree).abs().pow(time)
    p = spectrum / spectrum.sum()
    return -(p * p.clamp_min(1e-300 if p.dtype == torch.float64 else 1e-30).log()).sum() / math.log(2)
