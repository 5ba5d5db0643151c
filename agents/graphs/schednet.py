"""SchedNet (Kim et al. 2019): agents tell how much they have to say, and the k with most get the medium."""

import torch
from torch import Tensor, nn

from agents.bottlenecks.contract import gumbel, straight_through
from agents.graphs.commnet import CommNet
from agents.graphs.contract import highest, others
from commenv.core.errors import whole


class SchedNet(CommNet):
    """Each agent broadcasts a weight, one float; the `k` highest of those present are heard by all others.

    In training each adds Gumbel noise to its own weight: the k highest are then a draw without replacement in proportion to
    exp(weight), the paper's Softmax(k) (Kool, van Hoof, Welling 2019); deployed it is the paper's Top(k). The paper's weights
    learn through a critic of their own; here gradients pass straight to the softmax of the weights. Its listeners read the k
    messages side by side; here their mean, which does not depend on who sits where.
    """

    controls, control_bits, noise = 1, 32.0, 1

    def __init__(self, agents: int, width: int, reads: int, k: int = 1) -> None:
        super().__init__(agents, width, reads)
        self.k = whole("k", k, 1, agents)
        self.weight = nn.Linear(width, 1, bias=False)  # only differences of weights matter

    def control(self, hidden: Tensor, noise: Tensor | None = None) -> Tensor:
        weight = self.weight(hidden)
        return weight if noise is None else weight + gumbel(noise)

    def schedule(self, control: Tensor, present: Tensor, noise: Tensor | None = None) -> Tensor:
        weight = control.squeeze(-1).masked_fill(~present, torch.finfo(control.dtype).min)
        speaks = straight_through(highest(weight, self.k).to(weight.dtype), weight.softmax(-1))
        return others(present) * speaks.unsqueeze(-2)
