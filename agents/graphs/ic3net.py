"""IC3Net (Singh, Jain, Sukhbaatar 2019): each agent decides whether to speak; who does is heard by all."""

from torch import Tensor, nn

from agents.graphs.commnet import CommNet
from agents.graphs.contract import coin, others


class IC3Net(CommNet):
    """A hard gate an agent, of its own hidden vector; its one bit tells the others whether a message follows.

    The paper learns the gate by policy gradients and divides what is heard by all others; here its gradient passes straight, and
    the mean is over those that speak, so that a message weighs the same whoever else is silent or absent.
    """

    controls, control_bits, noise = 1, 1.0, 1

    def __init__(self, agents: int, width: int, reads: int) -> None:
        super().__init__(agents, width, reads)
        self.gate = nn.Linear(width, 1)
        nn.init.ones_(self.gate.bias)  # most speak at first: what a message is worth must be learned before silence is

    def control(self, hidden: Tensor, noise: Tensor | None = None) -> Tensor:
        return coin(self.gate(hidden), noise)

    def schedule(self, control: Tensor, present: Tensor, noise: Tensor | None = None) -> Tensor:
        return others(present) * control.transpose(-1, -2)
