"""What every estimator is: a loss to train by, and a value for pairs that it was not trained on."""

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

NAT = 1 / math.log(2)
"""Bits in a nat."""


class Estimator(nn.Module):
    """Mutual information of x and y, learned from batches of pairs."""

    name: ClassVar[str]
    bound: ClassVar[str] = ""
    """lower, upper, or nothing: how the value of unseen pairs stands to the truth, in expectation."""
    unit: ClassVar[str] = "bits"
    learns: ClassVar[bool] = True
    """Whether there is anything to train."""

    def __init__(self, x: int, y: int, width: int = 64) -> None:
        """x, y: lengths of the vectors; labels come one-hot. width: of hidden layers."""
        super().__init__()
        self.sizes = x, y, width

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """To be minimised; x [B, dx], y [B, dy], drawn jointly."""
        raise NotImplementedError

    def value(self, x: Tensor, y: Tensor) -> Tensor:
        """The estimate from one batch of pairs, in the estimator's unit."""
        raise NotImplementedError


def perceptron(inputs: int, width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, outputs))


class Critic(nn.Module):
    """Scores of all pairs of a batch, separable: x [B, dx], y [B, dy] -> [B, B], joint pairs on the diagonal.

    An inner product of two embeddings, and a term of each side, so that a batch of B costs 2 B evaluations.
    """

    def __init__(self, x: int, y: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.x, self.y = perceptron(x, width, width + 1), perceptron(y, width, width + 1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        a, b = self.x(x), self.y(y)
        product = a[:, :-1] @ b[:, :-1].T / math.sqrt(self.width)
        return product + a[:, -1:] + b[:, -1]


def log_mean_exp_off(scores: Tensor) -> Tensor:
    """Logarithm of the mean of exp over the pairs off the diagonal, scores [B, B], B at least 2."""
    B = len(scores)
    eye = torch.eye(B, dtype=torch.bool)
    return scores.masked_fill(eye, -math.inf).flatten().logsumexp(0) - math.log(B * (B - 1))
