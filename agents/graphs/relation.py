"""Relation network (Santoro et al. 2017) over what is heard: each message is held against what the listener itself knows."""

import torch
from torch import Tensor, nn

from agents.graphs.contract import Graph, others


class Relation(Graph):
    """Everybody hears everybody; a listener adds up relu(q(own) + m(message)) over all it hears.

    A sum, not a mean or an attention: "somebody is where I want to go" does not fade when more agents speak.
    """

    def __init__(self, agents: int, width: int, reads: int) -> None:
        super().__init__()
        self.gathers = width
        self.own, self.heard = nn.Linear(width, width), nn.Linear(reads, width)

    def schedule(self, control: Tensor, present: Tensor, noise: Tensor | None = None) -> Tensor:
        return others(present)

    def gather(self, hidden: Tensor, read: Tensor, links: Tensor, control: Tensor | None = None) -> Tensor:
        pairs = torch.relu(self.own(hidden).unsqueeze(-2) + self.heard(read).unsqueeze(-3))
        return 0.5 * (links.unsqueeze(-2) @ pairs).squeeze(-2)
