"""Graphs that nobody learns: none, or any that networkx or a name describes."""

from typing import Any

import networkx
import torch
from torch import Tensor

from agents.graphs.commnet import CommNet
from agents.graphs.contract import Graph, others
from commenv.core.topology import links


class Fixed(CommNet):
    """A given graph: an edge (i, j) of `topology` lets j hear i; an undirected one both. CommNet's mean of what is heard.

    topology: a networkx graph whose nodes are the agents 0..agents-1, or a name that `commenv.core.topology.links` knows, with
    its options. Of fewer than `agents` agents, the first ones keep their places.
    """

    adjacency: Tensor

    def __init__(self, agents: int, width: int, reads: int, topology: str | networkx.Graph, **options: Any) -> None:
        super().__init__(agents, width, reads)
        adjacency = torch.zeros(agents, agents)
        for source, target in links(topology, agents, **options):
            adjacency[target, source] = 1.0
        self.register_buffer("adjacency", adjacency, persistent=False)

    def schedule(self, control: Tensor, present: Tensor, noise: Tensor | None = None) -> Tensor:
        n = present.shape[-1]
        return others(present) * self.adjacency[:n, :n]


class Silent(Graph):
    """Nobody hears anybody."""

    def __init__(self, agents: int, width: int, reads: int) -> None:
        super().__init__()
        self.gathers = 0

    def schedule(self, control: Tensor, present: Tensor, noise: Tensor | None = None) -> Tensor:
        return torch.zeros(*present.shape, present.shape[-1])

    def gather(self, hidden: Tensor, read: Tensor, links: Tensor, control: Tensor | None = None) -> Tensor:
        return hidden[..., :0]
