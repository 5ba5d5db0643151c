"""What every graph is: who listens to whom in one round of messages, and what a listener makes of all it hears."""

import torch
from torch import Tensor, nn


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
    noise: int = 0
    """Uniform random numbers an agent that drawing the links takes in training."""

    def control(self, hidden: Tensor, noise: Tensor | None = None) -> Tensor:
        """hidden [..., I, width] -> what each of I agents tells all others, [..., I, controls], by itself alone."""
        return hidden[..., :0]

    def schedule(self, control: Tensor, present: Tensor, noise: Tensor | None = None) -> Tensor:
        """Who listens to whom: [..., N, N] of 0 and 1, through which gradients may pass straight.

        control [..., N, controls]; present [..., N] bool: who is there; noise [..., N, self.noise], None as deployed. Nobody
        listens to himself or to who is absent. The same at every agent: it follows from what all have been told.
        """
        raise NotImplementedError

    def gather(self, hidden: Tensor, read: Tensor, links: Tensor) -> Tensor:
        """What I listeners make of the messages of J speakers: hidden [..., I, width], read [..., J, reads], links [..., I, J]
        -> [..., I, gathers]. Zeros where nobody is heard."""
        raise NotImplementedError

    def loss(self) -> Tensor:
        """The graph's own loss (sparsity, ...), a scalar in units of the policy loss."""
        return torch.zeros(())


def others(present: Tensor) -> Tensor:
    """Everybody who is there listens to everybody else who is: present [..., N] bool -> [..., N, N] of 0 and 1."""
    both = present.unsqueeze(-1) & present.unsqueeze(-2)
    return (both & ~torch.eye(present.shape[-1], dtype=torch.bool)).to(torch.get_default_dtype())


def mean(read: Tensor, links: Tensor) -> Tensor:
    """Mean over those that are heard: read [..., J, D], links [..., I, J] -> [..., I, D]."""
    return links @ read / links.sum(-1, keepdim=True).clamp_min(1.0)
