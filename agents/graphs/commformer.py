"""CommFormer (Hu, Shen, Zhang, Tao 2024): a graph of who listens to whom that is learned as an architecture is."""

import math

import torch
from torch import Tensor, nn

from agents.bottlenecks.contract import gumbel, straight_through
from agents.graphs.contract import Graph, attend, coin, highest, others
from commenv.core.errors import number, whole


class CommFormer(Graph):
    """Logits E [agents, agents], row i those of whom i listens to: of n agents present each may hear the k = max(int(n S), 1)
    others that rank highest, S being the `sparsity`; drawn by Gumbel noise in training, exact as deployed.

    `gate`: each agent decides, by one bit that it tells all, whether to receive at all (the temporal gate; Hu et al. 2024,
    extended). Attention adds an embedding of the edge to query and key, (q + r_a) (k + r_b) / sqrt(d): the authors' code scales
    by 1/sqrt(d) twice, their paper once, and so do we. The loop to itself, which theirs adds, takes its share of attention, but
    its value is left out: the team's update knows `hidden`. Theirs may also spend one of the k on the loop; ours does not.

    Training has three phases, and none changes what is deployed. For the first `warm` updates everybody hears everybody. Then E
    and all else learn in turns, as in bi-level optimisation of the first order (Liu, Simonyan, Yang 2019): every fifth epoch of
    the learner is E's alone, counted over all updates, for an update of ours has fewer than five. From the share `post_ratio` of
    the training on, E rests and the exact top k is played. `edge_rate`: learning rate of E, the whole training long, with an
    optimiser of its own; None: that of everything else. The authors' is 1e-4 beside 5e-4, over many more updates than ours.
    """

    updates: Tensor
    """How many there have been."""
    frozen: Tensor
    """Whether E rests."""

    def __init__(
        self,
        agents: int,
        width: int,
        reads: int,
        sparsity: float = 0.4,
        gate: bool = True,
        warm: int = 10,
        post_ratio: float = 0.5,
        edge_rate: float | None = None,
    ) -> None:
        super().__init__()
        if edge_rate is not None:
            self.edge_rate = number("edge_rate", edge_rate, 0.0, math.inf)
        self.sparsity, self.post_ratio = number("sparsity", sparsity, 0.0, 1.0), number("post_ratio", post_ratio, 0.0, 1.0)
        self.warm = whole("warm", warm, 0)
        self.register_buffer("updates", torch.tensor(0))
        self.register_buffer("frozen", torch.tensor(False))
        self.gathers, self.noise = width, agents + 1
        self.relation = nn.Parameter(torch.ones(agents, agents))
        self.query, self.key, self.value = nn.Linear(width, width), nn.Linear(reads, width), nn.Linear(reads, width)
        self.own_key = nn.Linear(width, width)
        self.edge = nn.Embedding(2, width)
        self.edge_parts = nn.Linear(width, 2 * width, bias=False)
        self.receive = nn.Linear(width, 1) if gate else None
        if self.receive is not None:
            self.controls, self.control_bits = 1, 1.0
            nn.init.ones_(self.receive.bias)  # most receive at first: what a message is worth must be learned before silence is

    def edge_parameters(self) -> list[nn.Parameter]:
        """E alone, what the outer level of the bi-level optimisation learns, as long as it does."""
        return [] if self.frozen else [self.relation]

    def advance(self, progress: float) -> None:
        self.updates += 1
        self.frozen |= progress >= self.post_ratio

    def control(self, hidden: Tensor, noise: Tensor | None = None) -> Tensor:
        if self.receive is None:
            return hidden[..., :0]
        return coin(self.receive(hidden), None if noise is None else noise[..., :1])

    def schedule(self, control: Tensor, present: Tensor, noise: Tensor | None = None) -> Tensor:
        n, there = present.shape[-1], others(present)
        relation = self.relation.detach() if self.frozen else self.relation
        logits = relation[:n, :n].expand_as(there)
        k = (present.sum(-1) * self.sparsity + 1e-6).long().clamp_min(1)  # 0.6 of five is three, whatever floats say
        drawn = None if noise is None or self.frozen else noise[..., 1 : n + 1]
        links = sample(logits, there > 0, k[..., None, None], drawn)
        if self.updates < self.warm and drawn is not None:
            links = straight_through(there, links)
        return links * control if self.controls else links

    def gather(self, hidden: Tensor, read: Tensor, links: Tensor, control: Tensor | None = None) -> Tensor:
        query, key = self.query(hidden), self.key(read)
        (query_off, key_off), (query_on, key_on) = (parts.chunk(2) for parts in self.edge_parts(self.edge.weight))
        own = ((query + query_on) * (self.own_key(hidden) + key_on)).sum(-1)
        # (q + r_a) (k + r_b), where r is that of no edge plus the link times what an edge adds: multiplied out, so that nothing
        # of size I x J x width is held, and the link's gradient passes through its embedding.
        query, key, query_step, key_step = query + query_off, key + key_off, query_on - query_off, key_on - key_off
        step = (query @ key_step).unsqueeze(-1) + (key @ query_step).unsqueeze(-2)
        score = query @ key.transpose(-1, -2) + links * step + links**2 * (query_step @ key_step)
        scale = math.sqrt(query.shape[-1])
        return attend(score / scale, self.value(read), links, own / scale)


def sample(logits: Tensor, allowed: Tensor, k: int | Tensor, noise: Tensor | None) -> Tensor:
    """k of those allowed without replacement, with probabilities of Plackett and Luce: [..., N] of 0 and 1.

    logits [..., N], allowed [..., N] bool, noise [..., N] in (0, 1), None for the k highest. The gradient is that of the softmax
    of the logits and their noise, temperature 1, whatever k is: the straight-through estimate has that bias.
    """
    perturbed = logits if noise is None else logits + gumbel(noise)
    perturbed = perturbed.masked_fill(~allowed, torch.finfo(logits.dtype).min)
    chosen = (highest(perturbed, k) & allowed).to(logits.dtype)
    return straight_through(chosen, perturbed.softmax(-1) * allowed)
