"""Advantages of agents that do not act at every step."""

from typing import NamedTuple

import torch
from torch import Tensor


class Advantages(NamedTuple):
    advantages: Tensor  # [B, T], 0 where the agent was idle
    targets: Tensor  # [B, T] for the value function


def generalised_advantages(
    rewards: Tensor,
    values: Tensor,
    active: Tensor,
    terminated: Tensor,
    truncated: Tensor,
    final_values: Tensor,
    last_values: Tensor,
    gamma: float,
    lambda_: float,
) -> Advantages:
    """Generalised advantage estimates over an agent's own decisions (Schulman et al. 2016).

    All [B, T] but last_values [B]. Games follow one another in a row: a game ends where `terminated` or `truncated`, and
    `final_values` hold the value of the last observation there. What is earned while an agent is idle belongs to its last
    decision; discounting counts decisions, not steps. After termination nothing is worth anything; after truncation, and at
    the end of a row, the value of what is seen there stands for the rest.
    """
    B, T = rewards.shape
    advantages, targets = torch.zeros_like(rewards), torch.zeros_like(rewards)
    earned, following, carried = torch.zeros(B), last_values, torch.zeros(B)
    for t in reversed(range(T)):
        over = terminated[:, t] | truncated[:, t]
        end_value = torch.where(terminated[:, t], torch.zeros(B), final_values[:, t])
        earned = torch.where(over, torch.zeros(B), earned) + rewards[:, t]
        following, carried = torch.where(over, end_value, following), torch.where(over, torch.zeros(B), carried)
        acts = active[:, t]
        surprise = earned + gamma * following - values[:, t]
        estimate = surprise + gamma * lambda_ * carried
        advantages[:, t] = torch.where(acts, estimate, torch.zeros(B))
        targets[:, t] = torch.where(acts, estimate + values[:, t], torch.zeros(B))
        earned = torch.where(acts, torch.zeros(B), earned)
        following, carried = torch.where(acts, values[:, t], following), torch.where(acts, estimate, carried)
    return Advantages(advantages, targets)
