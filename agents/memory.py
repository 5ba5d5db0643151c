"""What an agent remembers: nothing, what it saw (by a gated recurrent unit, or attention over its last steps), or heard too."""

import math

import torch
from torch import Tensor, nn


class Memory(nn.Module):
    """x [..., width] and what was kept, state [..., keeps] (zeros when a game begins) -> [..., width] and what to keep."""

    keeps: int
    hears: bool = False
    """Whether what is kept depends on what is heard."""

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        raise NotImplementedError

    def listen(self, hidden: Tensor, state: Tensor) -> Tensor:
        """What to keep once all rounds of messages are over: hidden [..., width] and state [..., keeps] -> [..., keeps]."""
        return state


class Forgetful(Memory):
    """None: what is seen now is all."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.keeps = 0

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        return x, state


class GatedRecurrentUnit(Memory):
    """GRU (Cho et al. 2014)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.keeps = width
        self.cell = nn.GRUCell(width, width)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        kept = self.cell(x.reshape(-1, x.shape[-1]), state.reshape(-1, state.shape[-1])).view(x.shape)
        return kept, kept


class OwnPast(Memory):
    """Attention (Vaswani et al. 2017) over what the agent itself saw in its last `steps` steps, now included.

    The state holds that many vectors, newest first, each with a place that is 1 once it has been written.
    """

    def __init__(self, width: int, steps: int = 8) -> None:
        super().__init__()
        self.width, self.steps, self.keeps = width, steps, steps * (width + 1)
        self.query, self.key, self.value = nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, width)
        self.age = nn.Parameter(torch.zeros(steps, width))
        nn.init.normal_(self.age, std=0.1)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        past = state.view(*state.shape[:-1], self.steps, self.width + 1)
        written = torch.cat([x, torch.ones_like(x[..., :1])], -1).unsqueeze(-2)
        past = torch.cat([written, past[..., :-1, :]], -2)
        seen, there = past[..., : self.width] + self.age, past[..., self.width]
        score = (self.key(seen) @ self.query(x).unsqueeze(-1)).squeeze(-1) / math.sqrt(self.width)
        weight = score.masked_fill(there == 0, -torch.inf).softmax(-1)
        return x + (weight.unsqueeze(-1) * self.value(seen)).sum(-2), past.flatten(-2)


class Heard(Memory):
    """GRU over what was seen and heard, as the recurrent unit of IC3Net (Singh, Jain, Sukhbaatar 2019) is.

    A message of earlier steps then need not be said again, and who searches knows where others have been. What it remembers an
    agent sees together with what is new before it speaks; what it makes of both and of the messages is what it will remember.
    """

    hears = True

    def __init__(self, width: int) -> None:
        super().__init__()
        self.keeps = width
        self.recall = nn.Linear(2 * width, width)
        self.cell = nn.GRUCell(width, width)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        return torch.relu(self.recall(torch.cat([x, state], -1))), state

    def listen(self, hidden: Tensor, state: Tensor) -> Tensor:
        kept = self.cell(hidden.reshape(-1, hidden.shape[-1]), state.reshape(-1, state.shape[-1]))
        return kept.view(state.shape)


MEMORIES = {"none": Forgetful, "gru": GatedRecurrentUnit, "attention": OwnPast, "heard": Heard}
"""By name."""
