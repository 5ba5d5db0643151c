"""SelfOrg (Tastan, Horváth, Nandakumar 2026): agents near one another talk, and who contributes more is heard by who does less.

Nothing is trained. Each round every agent tells an embedding of what it holds; its contribution is approximately its Shapley
value in the team's mean, and the graph follows from that and from similarities: a directed acyclic one, the same at everybody.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import normalize

from agents.graphs.contract import Graph, highest, mean, others
from commenv.core.errors import bad, number, whole

DIGITS = 6
"""Decimals that are compared. Equals stay equal however a processor rounds, so that everybody finds the same graph; of equal
contributions (always those of two agents), the first is the higher."""


class SelfOrg(Graph):
    """Each agent hears the at most `k` others whose embeddings are most similar to its own, by cosines of `similarity` at least;
    then cycles are broken. Messages weigh by their speakers' contributions, where these are above zero.

    The embedding is a fixed projection of the hidden vector to `floats` floats with orthonormal rows (the paper's is MiniLM of a
    text). The paper's agents answer one after another along the graph; here a round is a step along every edge at once.
    """

    embedding: Tensor

    def __init__(
        self, agents: int, width: int, reads: int, k: int = 2, similarity: float = 0.5, floats: int | None = None
    ) -> None:
        super().__init__()
        self.k, self.similarity = whole("k", k, 1), number("similarity", similarity, -1.0, 1.0)
        self.controls = min(8, width) if floats is None else whole("floats", floats, 1, width)
        self.control_bits, self.gathers = 32.0 * self.controls, reads
        directions = torch.randn(width, self.controls, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        self.register_buffer("embedding", torch.linalg.qr(directions)[0].to(torch.get_default_dtype()))

    @torch.no_grad()
    def control(self, hidden: Tensor, noise: Tensor | None = None) -> Tensor:
        return normalize(hidden @ self.embedding, dim=-1)

    @torch.no_grad()
    def schedule(self, control: Tensor, present: Tensor, noise: Tensor | None = None) -> Tensor:
        embedded = normalize(control.double(), dim=-1) * present.unsqueeze(-1)
        cosine = (embedded @ embedded.transpose(-1, -2)).round(decimals=DIGITS)
        near = (others(present) > 0) & (cosine >= round(self.similarity, DIGITS))
        near &= highest(cosine.masked_fill(~near, -torch.inf), self.k)
        return acyclic(near, contributions(embedded)).to(torch.get_default_dtype())

    def gather(self, hidden: Tensor, read: Tensor, links: Tensor, control: Tensor | None = None) -> Tensor:
        """Without `control`, or where no contribution is above zero, all that are heard weigh the same."""
        if control is None:
            return mean(read, links)
        worth = contributions(control).clamp_min(0.0).to(read.dtype).unsqueeze(-2) * links
        total = worth.sum(-1, keepdim=True)
        return torch.where(total > 0, worth @ read / torch.where(total > 0, total, 1.0), mean(read, links))


def contributions(embedded: Tensor) -> Tensor:
    """psi [..., N] (float64): cosine of each embedding, made a unit vector, and the mean of all.

    embedded [..., N, D], zeros for who is absent.
    """
    unit = normalize(embedded.double(), dim=-1)
    return (unit * normalize(unit.sum(-2, keepdim=True), dim=-1)).sum(-1)


def acyclic(links: Tensor, contribution: Tensor) -> Tensor:
    """Break cycles: as long as there is one, the edge in a cycle whose speaker contributes least goes.

    links [..., N, N] bool, rows listen; contribution [..., N] -> [..., N, N] bool. What one speaker says in cycles goes
    altogether, for the others of its edges still close one: so the rule's outcome is found agent by agent. In order of
    contribution, u loses its word to x before it if x reaches u through nobody after u; with Floyd's and Warshall's (1962)
    reachability, which adds agents in that order, that is known when it is needed.
    """
    order = contribution.round(decimals=DIGITS).argsort(dim=-1, descending=True, stable=True)
    reach = _arranged(links, order).transpose(-1, -2).clone()  # [..., speaker, listener]
    kept = reach.clone()
    for u in range(links.shape[-1]):
        kept[..., u, :u] &= ~reach[..., :u, u]
        reach |= reach[..., :, u : u + 1] & reach[..., u : u + 1, :]
    return _arranged(kept.transpose(-1, -2), order.argsort(-1))


def _arranged(links: Tensor, order: Tensor) -> Tensor:
    """Both agents of each link [..., N, N] renamed: the new i-th is the old order[..., i]-th."""
    return links.take_along_dim(order.unsqueeze(-1), -2).take_along_dim(order.unsqueeze(-2), -1)


def topological_order(links: Tensor, contribution: Tensor) -> Tensor:
    """Agents [..., N] (long) so that each comes after all it hears, and of several the one that contributes most comes first.

    links [..., N, N] of an acyclic graph, contribution [..., N].
    """
    waits, score, order = links > 0, contribution.round(decimals=DIGITS), []
    done = torch.zeros_like(score, dtype=torch.bool)
    for _ in range(links.shape[-1]):
        blocked = done | (waits & ~done.unsqueeze(-2)).any(-1)
        order.append(score.masked_fill(blocked, -torch.inf).argmax(-1, keepdim=True))
        done = done.scatter(-1, order[-1], True)
    return torch.cat(order, -1)


def exact_shapley(embedded: Tensor) -> Tensor:
    """Shapley (1953) values [..., N] of the game v(S) = cos(mean of S, mean of all) and v of nobody = 0.

    embedded [..., N, D], N <= 16: there are 2**N coalitions. `contributions` rank much as these do, but need not sum to v(all).
    """
    n = embedded.shape[-2]
    if n > 16:
        raise bad("N", n, "at most 16 agents: exact Shapley values take 2**N coalitions")
    number_of, coalition = torch.arange(n), torch.arange(2**n)
    member = (coalition.unsqueeze(-1) >> number_of) & 1  # [2**n, n]
    total = normalize(member.double() @ normalize(embedded.double(), dim=-1), dim=-1)  # a mean points where its sum does
    worth = (total * total[..., -1:, :]).sum(-1)
    without = [coalition[member[:, agent] == 0] for agent in range(n)]
    weight = torch.tensor([1 / (n * math.comb(n - 1, size)) for size in range(n)], dtype=torch.float64)
    gains = [
        (weight[member[rest].sum(-1)] * (worth[..., rest | (1 << agent)] - worth[..., rest])).sum(-1)
        for agent, rest in enumerate(without)
    ]
    return torch.stack(gains, -1)
