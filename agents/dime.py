"""DIME: what a feature tells of a label, learned from samples by two networks (Gadgil, Covert, Lee 2024).

A predictor f(x_S) of the label is fitted by cross-entropy on features bought so far, a value network v_i(x_S) by squared error on
how much less the predictor loses once it sees feature i: at the optimum f is the posterior and v_i = I(y; x_i | x_S). The policy
buys the feature of largest v_i, by its cost. It needs samples only, where the exact greedy policy needs the joint distribution.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from agents.networks import Perceptron
from commenv.solvers.feature_selection import UNKNOWN, Selection, State


@dataclass(frozen=True)
class Schedule:
    """How long both networks learn, and from what."""

    steps: int = 400
    """Updates; each follows a batch of samples from no feature to all of them."""
    batch: int = 256
    explore: float = 0.5
    """Share of features that are bought at random at first; it falls to a tenth of that."""
    lr: float = 3e-3


class Dime(nn.Module):
    """Predictor and value network over partly known features."""

    def __init__(self, labels: int, values: Sequence[int], hidden: int = 64) -> None:
        super().__init__()
        self.labels, self.values = labels, tuple(values)
        width = sum(self.values) + len(self.values)
        self.predictor = Perceptron([width, hidden, hidden, labels])
        self.worth = Perceptron([width, hidden, hidden, len(self.values)])

    def encode(self, x: Tensor, known: Tensor) -> Tensor:
        """x [B, d] values, known [B, d] bool -> [B, sum of values + d]: each known value one-hot, and which are known."""
        parts = [nn.functional.one_hot(x[:, i], n) * known[:, i : i + 1] for i, n in enumerate(self.values)]
        return torch.cat([*parts, known], 1).float()

    def forward(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        """-> (log-probabilities of the label [B, C], v [B, d] in nats, which is between 0 and the label's entropy)."""
        logp = self.predictor(seen).log_softmax(-1)
        uncertain = -(logp.exp() * logp).sum(-1, keepdim=True).detach()
        return logp, uncertain * torch.sigmoid(self.worth(seen))


def train(problem: Selection, seed: int, schedule: Schedule | None = None) -> Dime:
    """Both networks, from samples of the joint."""
    c, joint = schedule or Schedule(), problem.joint
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    costs = torch.tensor(problem.costs, dtype=torch.float32)
    network = Dime(joint.shape[0], joint.shape[1:])
    optimiser = torch.optim.Adam(network.parameters(), lr=c.lr)
    d, cumulative = len(costs), joint.ravel().cumsum()
    for step in range(c.steps):
        for group in optimiser.param_groups:
            group["lr"] = c.lr * (1 - step / c.steps)
        explore = c.explore * (1 - 0.9 * step / c.steps)
        cells = np.searchsorted(cumulative, rng.random(c.batch) * cumulative[-1], side="right").clip(max=joint.size - 1)
        y, *features = (torch.from_numpy(part) for part in np.unravel_index(cells, joint.shape))
        x, known = torch.stack(features, 1), torch.zeros(c.batch, d, dtype=torch.bool)
        logp, v = network(network.encode(x, known))
        loss = -logp.gather(1, y[:, None]).mean()
        for _ in range(d):
            lost = -logp.gather(1, y[:, None]).squeeze(1)
            score = (v.detach() / costs).masked_fill(known, -torch.inf)
            random = torch.from_numpy(rng.random((c.batch, d)).astype(np.float32)).masked_fill(known, -1.0)
            chosen = torch.where(torch.from_numpy(rng.random(c.batch) < explore), random.argmax(1), score.argmax(1))
            known = known.scatter(1, chosen[:, None], True)
            worth = v.gather(1, chosen[:, None]).squeeze(1)
            logp, v = network(network.encode(x, known))
            now = -logp.gather(1, y[:, None]).squeeze(1)
            loss = loss + now.mean() + (worth - (lost - now).detach()).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network


class LearnedPolicy:
    """DIME's networks as a policy of `feature_selection.follow` and of the exact hub. ratio: whether v_i is divided by the cost.

    least: it ends when no feature is worth so many bits, a unit of cost if `ratio`; unsure: when the predicted label's entropy
    is at most so many bits.
    """

    def __init__(self, network: Dime, problem: Selection, *, ratio: bool = True, least: float = 0.0, unsure: float = 0.0) -> None:
        self.network, self.problem, self.ratio, self.least, self.unsure = network, problem, ratio, least, unsure

    @torch.no_grad()
    def ask(self, state: State) -> tuple[np.ndarray, np.ndarray]:
        """(log-probabilities of the label, v) in a state, in nats."""
        x = torch.tensor([[max(value, 0) for value in state]])
        known = torch.tensor([[value != UNKNOWN for value in state]])
        logp, v = self.network(self.network.encode(x, known))
        return logp[0].double().numpy(), v[0].double().numpy()

    def __call__(self, state: State) -> int | None:
        payable = self.problem.payable(state)
        logp, v = self.ask(state)
        if not payable or (self.unsure and -(np.exp(logp) @ logp) / np.log(2) <= self.unsure):
            return None
        tells = [v[i] / np.log(2) / (self.problem.costs[i] if self.ratio else 1.0) for i in payable]
        return payable[int(np.argmax(tells))] if not self.least or max(tells) >= self.least else None

    def name(self, state: State) -> int:
        """The label that the predictor finds likeliest."""
        return int(self.ask(state)[0].argmax())
