"""What every graph is: who listens to whom in one round of messages, and what a listener makes of all it hears."""

import torch
from torch import Tensor, nn

from agents.bottlenecks.contract import straight_through


class Graph(nn.Module):
    """Rows listen, columns speak. Each subclass sets these in __init__(agents, width, reads, ...): `agents` N at most, `width`
    of the hidden vector, `reads` length of what is read of one message.

    What an agent needs to know of others to schedule, it must be told: `control` is that vector, broadcast by every agent to
    every other before the messages, and its bits count as theirs do.
    """

    gathers: int
    """Length of what `gather` gives."""
    controls: int = 0
    """Length of the control vector of an agent; 0: none is sent."""
    control_bits: float = 0.0
    """Bits of a control vector on the wire: 32 a float, or fewer where it says less."""
    edge_rate: float | None = None
    """Learning rate of `edge_parameters`; None: that of everything else."""
    noise: int = 0
    """Uniform random numbers an agent that drawing the links takes in training. `control` and `schedule` are given the same ones
    and each uses a part of its own."""

    def control(self, hidden: Tensor, noise: Tensor | None = None) -> Tensor:
        """hidden [..., I, width] -> what each of I agents tells all others, [..., I, controls], by itself alone.

        noise [..., I, self.noise] in (0, 1), None as deployed.
        """
        return hidden[..., :0]

    def schedule(self, control: Tensor, present: Tensor, noise: Tensor | None = None) -> Tensor:
        """Who listens to whom: [..., N, N] of 0 and 1, through which gradients may pass straight.

        control [..., N, controls]; present [..., N] bool: who is there; noise [..., N, self.noise], None as deployed. Nobody
        listens to himself or to who is absent. The same at every agent: it follows from what all have been told.
        """
        raise NotImplementedError

    def gather(self, hidden: Tensor, read: Tensor, links: Tensor, control: Tensor | None = None) -> Tensor:
        """What I listeners make of the messages of J speakers: hidden [..., I, width], read [..., J, reads], links [..., I, J]
        -> [..., I, gathers]. Zeros where nobody is heard.

        control [..., J, controls] is what all have told before, zeros for who is absent; only some graphs weigh by it.
        """
        raise NotImplementedError

    def edge_parameters(self) -> list[nn.Parameter]:
        """What decides who hears whom, where that is learned in turns with everything else; empty: all learn at once."""
        return []

    def advance(self, progress: float) -> None:
        """Told after each update of the learner, with how much of the training is over, 0 to 1. What it changes is in buffers:
        runners and files hold them."""

    def loss(self) -> Tensor:
        """The graph's own loss (sparsity, ...), a scalar in units of the policy loss."""
        return torch.zeros(())


def others(present: Tensor) -> Tensor:
    """Everybody who is there listens to everybody else who is: present [..., N] bool -> [..., N, N] of 0 and 1."""
    both = present.unsqueeze(-1) & present.unsqueeze(-2)
    return (both & ~torch.eye(present.shape[-1], dtype=torch.bool)).to(torch.get_default_dtype())


def highest(score: Tensor, k: int | Tensor) -> Tensor:
    """The k highest along the last axis: score [..., N], k a number or [..., 1] -> [..., N] bool. Of equals, the first."""
    rank = score.argsort(dim=-1, descending=True, stable=True).argsort(-1)
    return rank < k


def coin(logit: Tensor, noise: Tensor | None) -> Tensor:
    """Straight-through Bernoulli (Bengio, Léonard, Courville 2013): 1 with probability sigmoid(logit), whose gradient it has.

    logit [...] and noise [...] in (0, 1); None, as deployed: the likelier of both, silence where they are equal.
    """
    probability = logit.sigmoid()
    return straight_through((probability > (0.5 if noise is None else noise)).to(logit.dtype), probability)


def mean(read: Tensor, links: Tensor) -> Tensor:
    """Mean over those that are heard: read [..., J, D], links [..., I, J] -> [..., I, D]; zeros where nobody is."""
    # The mean of one does not change with its weight: that speaker's link would never learn whether it is worth having.
    only = (links > 0) & (links.sum(-1, keepdim=True) == 1)
    return links @ read / torch.where(only, links.detach(), links).sum(-1, keepdim=True).clamp_min(1.0)


def attend(score: Tensor, value: Tensor, links: Tensor, rest: Tensor) -> Tensor:
    """Softmax attention over those that are heard and one entry more, whose value is zero: nobody need be listened to.

    score [..., I, J], value [..., J, D], links [..., I, J], rest [..., I] the score of that entry -> [..., I, D]. Links that
    are 0 get a gradient as well: what would have been gained by hearing them.
    """
    top = torch.maximum(rest, score.masked_fill(links == 0, -torch.inf).amax(-1)).detach().unsqueeze(-1)
    # Who is not heard may score higher than all who are; capped, for infinity times zero is not zero.
    mass = (score - top).clamp(max=0.0).exp() * links
    return mass @ value / (mass.sum(-1, keepdim=True) + (rest.unsqueeze(-1) - top).exp())
