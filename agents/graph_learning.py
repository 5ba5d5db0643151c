"""How a team that talks over a graph learns: PPO on every agent's own decisions, with messages that let gradients through."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from agents.fragments import Fragment
from agents.graph_team import GraphTeam, Step
from agents.ppo import clipped, entropy, tensor, timed_advantages
from agents.terms.contract import LossTerm, Moment, RewardTerm, Surrogate, Term
from agents.terms.messages import chosen
from commenv.core.errors import bad, number

NONE: Mapping[str, Term] = {}
"""No terms: plain PPO."""

CHUNK = 8192
"""Rows for which values are computed at once."""


@dataclass(frozen=True)
class GraphLoss:
    """Coefficients of what is added to PPO's loss, and how rewards are counted. With every weight at 0 it is plain PPO."""

    reward_scale: float = 1.0
    """Rewards are multiplied by it."""
    shared: float = 0.0
    """Share of the team's mean reward in what each agent is paid, 0 to 1."""
    ends_below: float = -math.inf
    """An agent's return ends with a reward below this, as with a crash: what comes after is not its doing."""
    value: float = 0.25
    """Weight of the critic's loss, in units of the advantages' variance."""
    bottleneck: float = 1.0
    """Weight of the bottleneck's own loss."""
    graph: float = 1.0
    """Weight of the graph's own loss."""


def columns(
    module: Any, fragment: Fragment, gamma: float, lambda_: float, c: GraphLoss, chosen_terms: Mapping[str, Term] = NONE
) -> dict[str, Tensor]:
    """A row a game, of T steps: what `loss` reads. Advantages are normalised over all decisions of who is there."""
    (own,) = fragment.agents.values()
    data = {key: tensor(column) for key, column in own.items()}
    B, T, N = data["rewards"].shape
    present = (data["obs"] != 0).any(-1)
    present_last = (data["last_obs"] != 0).any(-1)
    over = tensor(fragment.terminated | fragment.truncated).unsqueeze(-1)  # [B, T, 1]
    gone = ~torch.cat([present[:, 1:], present_last.unsqueeze(1)], 1)
    if not data["active"].all():  # a game of turns: who sees nothing waits for its turn, and what it said may yet be paid
        gone = torch.zeros_like(gone)
    rewards = data["rewards"] * c.reward_scale
    team = rewards.sum(-1, keepdim=True) / present.sum(-1, keepdim=True).clamp_min(1)  # of those who are there
    rewards = (1 - c.shared) * rewards + c.shared * team
    asked = _asked(module.team, data, chosen_terms)
    for name in chosen_terms:
        rewards = rewards + asked.get(f"{name}_reward", 0.0)
    terminated = over | gone | (data["rewards"] < c.ends_below)
    acts = present & data["active"]
    unseen = data.get("unseen")
    everywhere = None if unseen is None else unseen.flatten(0, 1)
    values = _values(module, data["obs"].flatten(0, 1), data["time"].flatten(), everywhere).view(B, T, N)
    last = _values(module, data["last_obs"], data["last_time"], data.get("last_unseen"))

    def rows(x: Tensor) -> Tensor:
        return x.transpose(1, 2).reshape(B * N, T)

    estimates = timed_advantages(rows(rewards), rows(values), rows(acts), rows(terminated), last.reshape(B * N), gamma, lambda_)
    advantages, targets = (x.view(B, N, T).transpose(1, 2) for x in estimates)
    mean, spread = advantages[acts].mean(), advantages[acts].std().clamp_min(1e-4)
    return {
        **{key: data[key] for key in ("obs", "actions", "logp", "noise", "state", "fresh", "time")},
        "acts": acts,
        "advantages": (advantages - mean) / spread,
        "targets": targets,
        "spread": spread.expand(B),
        **({} if unseen is None else {"unseen": unseen}),
        **asked,
    }


@torch.no_grad()
def _asked(team: GraphTeam, data: Mapping[str, Tensor], terms: Mapping[str, Term]) -> dict[str, Tensor]:
    """Columns that terms ask for, from one pass of the team as it played: <name>_reward [B, T, N] that each pays, symbols
    [B, T, R, N, d], message_logp [B, T, R, N]."""
    if not any(term.played for term in terms.values()):
        return {}
    step, found, shape = unroll(team, data), dict[str, Tensor](), data["rewards"].shape
    for name, term in terms.items():
        if isinstance(term, RewardTerm):
            found[f"{name}_reward"] = term.weight * term.reward(team, step, data["noise"].flatten(0, 1)).view(shape)
        elif term.played:
            found["symbols"] = step.symbols.unflatten(0, shape[:2])
            found["message_logp"] = chosen(step.odds, step.symbols).unflatten(0, shape[:2])
    return found


def unroll(team: GraphTeam, batch: Mapping[str, Tensor]) -> Step:
    """The steps of [b, T] again, as they were played, now with gradients: everything of Step with leading axis b * T."""
    noise = batch["noise"] if batch["noise"].shape[-1] else None
    encoded, present = team.look(batch["obs"])
    state = batch["state"]
    steps: list[Step] = []
    alone: list[tuple[Tensor, Tensor]] = []
    for t in range(batch["fresh"].shape[1]):
        before, state = team.recall(encoded[:, t], state * (~batch["fresh"][:, t])[:, None, None])
        if team.hears:
            steps.append(team.talk(before, state, present[:, t], None if noise is None else noise[:, t]))
            state = steps[-1].state
        else:
            alone.append((before, state))
    if team.hears:
        return Step(*(torch.stack(parts, 1).flatten(0, 1) for parts in zip(*steps, strict=True)))
    # What was heard is not remembered: all steps talk at once.
    perceived, states = (torch.stack(column, 1).flatten(0, 1) for column in zip(*alone, strict=True))
    return team.talk(perceived, states, present.flatten(0, 1), None if noise is None else noise.flatten(0, 1))


def loss(
    module: Any,
    batch: Mapping[str, Tensor],
    clip: float,
    entropy_weight: float,
    progress: float,
    c: GraphLoss,
    chosen_terms: Mapping[str, Term] = NONE,
) -> dict[str, Tensor]:
    """The terms whose sum is minimised: policy (clipped; Schulman et al. 2017), value, entropy, and what the team's parts and
    the terms that were chosen ask."""
    step = unroll(module.team, batch)
    module.spoken = step.perceived[step.present].detach()
    flat = {key: column.flatten(0, 1) for key, column in batch.items() if key not in ("state", "spread")}
    acting = flat["acts"].to(flat["logp"].dtype)
    logp = step.logits.log_softmax(-1)
    ratio = (logp.gather(-1, flat["actions"].long().unsqueeze(-1)).squeeze(-1).sum(-1) - flat["logp"]).exp()
    now = Moment(module, flat, step, logp, ratio, acting, progress, batch["spread"][0], clip)
    values = module.critic(flat["obs"], flat["time"], flat.get("unseen"))
    policy = clipped(ratio, flat["advantages"], clip)
    extras = dict(module.extras.items()) if chosen_terms else {}
    for name, term in chosen_terms.items():
        if isinstance(term, Surrogate):
            policy = (1 - term.weight) * policy + term.weight * term.policy(now, extras.get(name))
    terms = {
        "policy": now.mean(policy),
        "value": c.value * now.mean((values - flat["targets"]).square()) / batch["spread"][0].square(),
        "entropy": -entropy_weight * now.mean(entropy(logp).sum(-1)),
    }
    if c.bottleneck:
        terms["bottleneck"] = c.bottleneck * (step.loss * step.present).sum() / step.present.sum().clamp_min(1)
    if c.graph:
        terms["graph"] = c.graph * module.team.graph.loss()
    for name, term in chosen_terms.items():
        if isinstance(term, LossTerm):
            terms[name] = term.weight * term.loss(now, extras.get(name))
    return terms


def check(name: str, value: Any) -> float:
    """A coefficient of GraphLoss. Raises ValueError for one that is not allowed."""
    if name == "ends_below":  # a reward: of any sign, and -inf for none
        if isinstance(value, bool) or not isinstance(value, int | float) or not value < math.inf:
            raise bad(name, value, "a number below infinity")
        return float(value)
    return number(name, value, 0, 1 if name == "shared" else math.inf)


@torch.no_grad()
def _values(module: Any, observation: Tensor, time: Tensor, unseen: Tensor | None) -> Tensor:
    columns = [observation, time] if unseen is None else [observation, time, unseen]
    return torch.cat([module.critic(*part) for part in zip(*(column.split(CHUNK) for column in columns), strict=True)])
