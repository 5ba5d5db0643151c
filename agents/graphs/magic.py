"""MAGIC (Niu, Paleja, Gombolay 2021): a scheduler that all run alike decides, pair by pair, who listens to whom."""

import torch
from torch import Tensor, nn
from torch.nn.functional import elu, leaky_relu

from agents.graphs.contract import Graph, attend, coin, others
from commenv.core.errors import whole

SLOPE = 0.2
"""Of the leaky rectifier in graph attention, below zero (Veličković et al. 2018)."""


class MAGIC(Graph):
    """Each agent broadcasts `floats` floats. A graph attention encoder (Veličković et al. 2018) over all of them and a
    perceptron over each pair give the odds of each link, drawn in training; messages are gathered by graph attention too.

    The paper draws links by Gumbel-softmax, whose gradient depends on the draw; here it is that of the link's probability. And it
    schedules by the messages themselves; here what is scheduled by is told, and counted, on its own.
    """

    def __init__(self, agents: int, width: int, reads: int, floats: int = 8) -> None:
        super().__init__()
        self.controls = whole("floats", floats, 1)
        self.control_bits, self.noise, self.gathers = 32.0 * floats, agents, width
        self.tell = nn.Linear(width, floats)
        self.encode, self.encode_score = nn.Linear(floats, width), nn.Linear(width, 2, bias=False)
        self.listener, self.speaker, self.pair = nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, 1)
        nn.init.ones_(self.pair.bias)  # most links stand at first: what a message is worth must be learned before silence is
        self.own, self.value = nn.Linear(width, width), nn.Linear(reads, width)
        self.own_score, self.value_score = nn.Linear(width, 2, bias=False), nn.Linear(width, 1, bias=False)

    def control(self, hidden: Tensor, noise: Tensor | None = None) -> Tensor:
        return self.tell(hidden)

    def schedule(self, control: Tensor, present: Tensor, noise: Tensor | None = None) -> Tensor:
        told = self.encode(control)
        left, right = self.encode_score(told).unbind(-1)
        score = leaky_relu(left.unsqueeze(-1) + right.unsqueeze(-2), SLOPE)
        attention = score.masked_fill(~present.unsqueeze(-2), torch.finfo(score.dtype).min).softmax(-1)
        known = elu(attention @ told)
        both = torch.relu(self.listener(known).unsqueeze(-2) + self.speaker(known).unsqueeze(-3))
        chosen = coin(self.pair(both).squeeze(-1), None if noise is None else noise[..., : present.shape[-1]])
        return others(present) * chosen

    def gather(self, hidden: Tensor, read: Tensor, links: Tensor, control: Tensor | None = None) -> Tensor:
        own, value = self.own(hidden), self.value(read)
        left, self_right = self.own_score(own).unbind(-1)
        score = leaky_relu(left.unsqueeze(-1) + self.value_score(value).transpose(-1, -2), SLOPE)
        # The loop to itself takes its share of attention, but its value is left out: the team's update knows `hidden`.
        return attend(score, value, links, leaky_relu(left + self_right, SLOPE))
