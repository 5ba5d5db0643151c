"""A differentiable copy of the game's channel: what trains through it is what will be played through it.

`delivered` follows commenv/core/transmission.py draw by draw: the same noise delivers the same symbol (a test says so).
"""

import torch
from torch import Tensor, nn

from commenv.core.channel import Channel

LARGEST = 1024
"""Symbols of a channel whose transition matrix is held."""


class DifferentiableChannel(nn.Module):
    """Carries one-hot messages, or distributions over messages, and lets gradients through.

    Outputs are one-hot over the M symbols and, last, the erasure: as an inbox shows them.
    """

    matrix: Tensor
    """W [M, M + 1], for alphabets up to LARGEST; larger ones have an empty one."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        if channel.limited:
            raise ValueError("a channel with a budget is not differentiable: what it delivers depends on what was sent before")
        if not channel.memoryless:
            raise ValueError(
                "a channel with bursts, delay, contention or links of their own is not differentiable: it is not memoryless"
            )
        if channel.flip or channel.fade or channel.drop:
            raise ValueError("flip, fade and drop are not differentiable here: error and erasure are")
        self.wire = channel.wire
        W = torch.from_numpy(channel.matrix).float() if channel.size <= LARGEST else torch.zeros(0, 0)
        self.register_buffer("matrix", W, persistent=False)

    @property
    def places(self) -> int:
        """Length of an inbox: a place for every symbol, and the last for an erasure."""
        return self.wire.symbols + 1

    def marginal(self, message: Tensor) -> Tensor:
        """Distribution of messages [..., M] -> distribution of what is delivered [..., M + 1]."""
        return message @ self.matrix

    def delivered(self, message: Tensor, noise: Tensor) -> Tensor:
        """One-hot messages [..., M] and noise [...] uniform on [0, 1) -> what that noise delivers of them, [..., M + 1].

        For each noise the channel is a fixed map of symbols, so a relaxed message passes through it linearly.
        """
        arrives = self._map(torch.arange(self.wire.symbols), noise.unsqueeze(-1))  # [..., M]: where each symbol would go
        nowhere = torch.zeros(*message.shape[:-1], self.places, dtype=message.dtype)
        return nowhere.scatter_add(-1, arrives.expand(message.shape), message)

    def _map(self, message: Tensor, noise: Tensor) -> Tensor:
        """Index of what is delivered; the erasure is M."""
        wire, air = self.wire, self.wire.symbols - self.wire.silence
        v = (noise - wire.erasure) / (1.0 - wire.erasure) if wire.erasure < 1 else torch.ones_like(noise)
        arrives = message.expand(torch.broadcast_shapes(message.shape, noise.shape))
        if air >= 2 and wire.error > 0:
            other = (v / wire.error * (air - 1)).long().clamp(max=air - 2)
            wrong = wire.silence + (message - wire.silence + 1 + other) % air
            arrives = torch.where(v < wire.error, wrong, arrives)
        arrives = torch.where(noise < wire.erasure, torch.full_like(arrives, wire.symbols), arrives)
        return torch.where(message == 0, message, arrives) if wire.silence else arrives
