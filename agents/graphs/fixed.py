"""Graphs that nobody learns: none, full, or any of networkx."""

import networkx
import torch
from torch import Tensor, nn

from agents.graphs.contract import Graph, mean, others


class Full(Graph):
    """Everybody hears everybody. CommNet's mean (Sukhbaatar, Szlam, Fergus 2016) of a linear map of what is heard."""

    def __init__(self, agents: int, width: int, reads: int) -> None:
        super().__init__()
        self.gathers = width
        self.value = nn.Linear(reads, width)

    def schedule(self, control: Tensor, present: Tensor, noise: Tensor | None = None) -> Tensor:
        return others(present)

    def gather(self, hidden: Tensor, read: Tensor, links: Tensor) -> Tensor:
        return mean(self.value(read), links)


class Fixed(Full):
    """A given graph: an edge (i, j) of `topology` lets j hear i; an undirected one both."""

    adjacency: Tensor

    def __init__(self, agents: int, width: int, reads: int, topology: networkx.Graph) -> None:
        super().__init__(agents, width, reads)
        if sorted(topology.nodes) != list(range(agents)):
            raise ValueError(f"topology={topology} is not allowed: its nodes must be the agents 0..{agents - 1}")
        adjacency = torch.zeros(agents, agents)
        for i, j in topology.edges:
            adjacency[j, i] = 1.0
            if not topology.is_directed():
                adjacency[i, j] = 1.0
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

    def gather(self, hidden: Tensor, read: Tensor, links: Tensor) -> Tensor:
        return hidden[..., :0]
