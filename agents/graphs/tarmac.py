"""TarMAC (Das et al. 2019): everybody may hear everybody, and each listener attends to what concerns it."""

import math

import torch
from torch import Tensor, nn

from agents.graphs.contract import Graph, attend, others
from commenv.core.errors import bad


class TarMAC(Graph):
    """Soft attention of `heads` heads: a query of the listener's own, keys and values of what it read.

    In the paper a message carries a key and a value in floats; here both are the listener's reading of the symbols it received,
    so that nothing but them goes over the wire. And the paper's listener attends to itself as well: a learned null entry stands
    for that, which lets it attend to nobody. The paper's rounds of messages are the team's.
    """

    def __init__(self, agents: int, width: int, reads: int, heads: int = 1) -> None:
        super().__init__()
        if heads < 1 or width % heads:
            raise bad("heads", heads, f"a divisor of width={width}")
        self.gathers, self.heads = width, heads
        self.query, self.key, self.value = nn.Linear(width, width), nn.Linear(reads, width), nn.Linear(reads, width)
        self.null = nn.Parameter(torch.zeros(heads, 1, width // heads))

    def schedule(self, control: Tensor, present: Tensor, noise: Tensor | None = None) -> Tensor:
        return others(present)

    def gather(self, hidden: Tensor, read: Tensor, links: Tensor, control: Tensor | None = None) -> Tensor:
        query, key, value = self._split(self.query(hidden)), self._split(self.key(read)), self._split(self.value(read))
        query = query / math.sqrt(query.shape[-1])
        heard = attend(query @ key.transpose(-1, -2), value, links.unsqueeze(-3), (query * self.null).sum(-1))
        return heard.transpose(-2, -3).flatten(-2)

    def _split(self, x: Tensor) -> Tensor:
        """[..., N, width] -> [..., heads, N, width / heads]"""
        return x.unflatten(-1, (self.heads, -1)).transpose(-2, -3)
