"""PPO's own pieces (Schulman et al. 2017), which every way to learn to talk shares."""

import numpy as np
import torch
from torch import Tensor

from agents.advantages import Advantages, generalised_advantages


def clipped(ratio: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """PPO's loss of each decision; all of one shape."""
    return -torch.min(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)


def entropy(logp: Tensor) -> Tensor:
    """Nats, over the last axis, of log-probabilities [..., n]."""
    return -(logp.exp() * logp).sum(-1)


def timed_advantages(
    rewards: Tensor, values: Tensor, active: Tensor, over: Tensor, last_values: Tensor, gamma: float, lambda_: float
) -> Advantages:
    """Generalised advantages under a critic that sees the clock: a game that is cut at its horizon is over (time awareness;
    Pardo et al. 2018). All [B, T] but last_values [B]."""
    never = torch.zeros_like(over)
    return generalised_advantages(rewards, values, active, over, never, torch.zeros_like(values), last_values, gamma, lambda_)


def tensor(array: np.ndarray) -> Tensor:
    """Without a copy where torch may write to it; what comes out of Ray's object store is read-only."""
    return torch.from_numpy(array if array.flags.writeable else array.copy())
