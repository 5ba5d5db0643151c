"""A maximum-entropy policy for the cart of CodeCart: a soft Q-network (Haarnoja et al. 2017), trained here and shipped beside.

Sender and receiver must compute the same policy bit for bit, whatever the size of their batches, which matrix libraries do not
promise: deployed, the network is evaluated row by row by a compiled loop.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numba import njit
from safetensors.numpy import load_file
from torch import Tensor

from agents.exact.coding import CodingTeam
from agents.networks import Perceptron
from commenv.core.batch import Batch
from commenv.core.game import choose
from commenv.games import rules
from commenv.games.coding import code_cart

ID = "coding/code_cart-v0"
SHIPPED = Path(__file__).with_name("cart.safetensors")
"""Weights as `commenv study code_cart` makes them."""
SIZES = (4, 64, 64, 2)
SPREAD = (2.4, 3.0, 0.21, 3.0)
"""Of the four numbers that a network reads: they are divided by it."""
DISCOUNT, TEMPERATURE = 0.99, 1.0
"""Of training; the temperature in steps a nat."""
UNIT = 1 / (1 - DISCOUNT)
"""Steps that one unit of the network's output stands for."""
MOST = 1 + TEMPERATURE * math.log(2)
"""Reward and entropy of a step at best. The network answers by how much of it, for ever, an action falls short: numbers near 0
where the pole stands, where the values themselves would take long to grow."""
COLDEST, HOTTEST = 0.25, 4.0
"""Temperatures at which the carts of training are driven: cold ones find out where the policy drifts, hot ones how poles fall."""
CARTS, REPLAYED, MEMORY = 64, 512, 250_000


class Cart:
    """CodeCart as a carrier: its policy is that of a soft Q-network."""

    history = 1

    def __init__(self, options: code_cart.Options, weights: dict[str, np.ndarray], temperature: float) -> None:
        self.public, self.horizon = code_cart.public(options), options.horizon
        self.layers = tuple(
            np.ascontiguousarray(weights[f"layers.{k}.{kind}"], np.float64) for k in range(3) for kind in ("weight", "bias")
        )
        self.temperature = temperature / UNIT

    def clock(self, seen: np.ndarray) -> np.ndarray:
        return np.rint(seen[:, 4] * self.horizon).astype(np.int64)

    def policies(self, seen: np.ndarray) -> np.ndarray:
        found = np.empty((len(seen), 2))
        boltzmann_rows(seen[:, :4].astype(np.float64) / SPREAD, *self.layers, self.temperature, found)
        return found

    def past(self, seen: np.ndarray, before: np.ndarray, t: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.policies(before), np.ones((len(seen), 2), bool), seen[:, 5:7].argmax(axis=1)


@njit(cache=True, error_model="numpy")
def boltzmann_rows(x, W, b, V, c, U, d, temperature, policy):
    """softmax of a network's answer over the temperature; x (n, 4), policy (n, 2)."""
    first, second = np.empty(len(b)), np.empty(len(c))
    for i in range(len(x)):
        for j in range(len(b)):
            total = b[j]
            for k in range(x.shape[1]):
                total += W[j, k] * x[i, k]
            first[j] = math.tanh(total)
        for j in range(len(c)):
            total = c[j]
            for k in range(len(b)):
                total += V[j, k] * first[k]
            second[j] = math.tanh(total)
        gap = d[1] - d[0]
        for k in range(len(c)):
            gap += (U[1, k] - U[0, k]) * second[k]
        policy[i, 1] = 1.0 / (1.0 + math.exp(-gap / temperature))
        policy[i, 0] = 1.0 - policy[i, 1]


def cart_team(
    options: Any, temperature: float = TEMPERATURE, weights: dict[str, np.ndarray] | None = None, seed: int = 0, **how: Any
) -> CodingTeam:
    """The exact team of CodeCart; weights None: those shipped. temperature: in steps a nat. how: what else CodingTeam takes."""
    found = load_file(SHIPPED) if weights is None else weights
    return CodingTeam(ID, options, temperature, carrier=Cart(options, found, temperature), seed=seed, **how)


def train_cart(seed: int, updates: int = 24_000, told: Callable[[int], None] = lambda done: None) -> dict[str, np.ndarray]:
    """Soft Q-learning from replayed steps of 64 carts, 512 of them an update; a time limit is no end. Returns the weights.

    About 45 s a network.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network, target = Perceptron(SIZES), Perceptron(SIZES)
    target.load_state_dict(network.state_dict())
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda k: 1 - 0.97 * k / updates)
    batch = Batch(rules(ID), choose(rules(ID), {"messages": 2, "parts": 1}), CARTS, seed)
    spread, replay = torch.tensor(SPREAD), _Replay(MEMORY)
    heat = torch.logspace(math.log10(COLDEST), math.log10(HOTTEST), CARTS)[:, None]
    seen = torch.from_numpy(batch.reset()["receiver"][:, :4]) / spread
    for update in range(updates):
        with torch.no_grad():
            push = torch.multinomial((network(seen) * UNIT / heat).softmax(-1), 1, generator=generator)[:, 0]
        drives = torch.from_numpy(batch.active["sender"].copy())
        after, *_ = batch.step({"sender": push.numpy(), "receiver": np.zeros(CARTS, int)})
        later = torch.from_numpy(after["receiver"][:, :4]) / spread
        fallen = (later[:, 0].abs() > 1) | (later[:, 2].abs() * SPREAD[2] > code_cart.STEEPEST)
        replay.add(seen[drives], push[drives], later[drives], fallen[drives])
        seen = later
        x, a, y, over = replay.draw(REPLAYED, generator)
        with torch.no_grad():
            value = TEMPERATURE / UNIT * (target(y) * UNIT / TEMPERATURE).logsumexp(-1)
            wanted = (1 - MOST) / UNIT + DISCOUNT * torch.where(over, -MOST, value)
        loss = torch.nn.functional.smooth_l1_loss(network(x).gather(-1, a[:, None])[:, 0], wanted, beta=0.1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            for old, new in zip(target.parameters(), network.parameters(), strict=True):
                old.lerp_(new, 0.01)
        if update % 100 == 0:
            told(update)
    return {name: tensor.detach().numpy().copy() for name, tensor in network.state_dict().items()}


class _Replay:
    """The last steps that were played."""

    def __init__(self, size: int) -> None:
        self.size, self.count = size, 0
        self.columns: list[Tensor] = []

    def add(self, *columns: Tensor) -> None:
        if not self.columns:
            self.columns = [torch.zeros((self.size, *column.shape[1:]), dtype=column.dtype) for column in columns]
        where = (self.count + torch.arange(len(columns[0]))) % self.size
        for own, column in zip(self.columns, columns, strict=True):
            own[where] = column
        self.count += len(where)

    def draw(self, n: int, generator: torch.Generator) -> list[Tensor]:
        where = torch.randint(min(self.count, self.size), (n,), generator=generator)
        return [column[where] for column in self.columns]
