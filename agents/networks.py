"""The networks agents are made of, small enough to be written to a file of plain tensors."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from gymnasium.spaces import Discrete, MultiDiscrete, Space
from torch import Tensor, nn


class Perceptron(nn.Module):
    """Multilayer perceptron with tanh between its layers; the last layer starts near zero, so that every answer is likely.

    sizes: width of the input, of each hidden layer, and of the output.
    """

    def __init__(self, sizes: Sequence[int], *, last_scale: float = 0.1) -> None:
        super().__init__()
        self.sizes = list(sizes)
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in pairwise(sizes))
        for k, layer in enumerate(self.layers):
            assert isinstance(layer, nn.Linear)
            scale = last_scale if k == len(self.layers) - 1 else 1.0
            # Fan-in for what is dense; one-hot inputs have one active column, whose weight is the whole signal.
            nn.init.normal_(layer.weight, std=scale * (1.0 if k == 0 else layer.in_features**-0.5))
            nn.init.zeros_(layer.bias)

    def page(self) -> list[int]:
        """What a file says of it."""
        return self.sizes

    def forward(self, x: Tensor) -> Tensor:
        """[..., sizes[0]] -> [..., sizes[-1]]"""
        for layer in self.layers[:-1]:
            x = torch.tanh(layer(x))
        return self.layers[-1](x)


def choices(space: Space) -> list[int]:
    """Number of choices of each component of an action. Raises ValueError for actions that are not discrete."""
    if isinstance(space, MultiDiscrete):
        return [int(n) for n in space.nvec]
    if isinstance(space, Discrete):
        return [int(space.n)]
    raise ValueError(f"agents choose among discrete actions and messages: {space} is neither")


def sample(logits: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """Draw from a categorical distribution: index [...] (long) and its log-probability [...] (nats), of logits [..., n]."""
    logp = torch.log_softmax(logits, -1)
    cumulative = logp.exp().cumsum(-1)
    u = torch.rand(logits.shape[:-1], generator=generator) * cumulative[..., -1]
    index = (u.unsqueeze(-1) >= cumulative).sum(-1).clamp(max=logits.shape[-1] - 1)
    return index, logp.gather(-1, index.unsqueeze(-1)).squeeze(-1)
