"""CommNet (Sukhbaatar, Szlam, Fergus 2016): everybody hears everybody, on average."""

from torch import Tensor, nn

from agents.graphs.contract import Graph, mean, others


class CommNet(Graph):
    """The mean, over those that are heard, of a linear map of what is read; for any number of agents."""

    def __init__(self, agents: int, width: int, reads: int) -> None:
        super().__init__()
        self.gathers = width
        self.value = nn.Linear(reads, width)

    def schedule(self, control: Tensor, present: Tensor, noise: Tensor | None = None) -> Tensor:
        return others(present)

    def gather(self, hidden: Tensor, read: Tensor, links: Tensor, control: Tensor | None = None) -> Tensor:
        return mean(self.value(read), links)
