"""No message at all: what 0 bits are."""

import torch
from torch import Tensor

from agents.bottlenecks.contract import Bottleneck, Message, none


class Silent(Bottleneck):
    """Says nothing: no symbols, no bits, no noise. A listener reads a single 0, so that networks behind it need no exception."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.alphabet, self.reads, self.noise = (), 1, 0

    def forward(self, hidden: Tensor, noise: Tensor | None = None) -> Message:
        """hidden [..., width] -> symbols [..., 0], read as [..., 1]."""
        symbols = torch.zeros(*hidden.shape[:-1], 0, dtype=torch.long)
        return Message(symbols, self.read(symbols), none(hidden), none(hidden))

    def read(self, symbols: Tensor) -> Tensor:
        """symbols [..., 0] -> a zero, [..., 1]."""
        return torch.zeros(*symbols.shape[:-1], 1)
