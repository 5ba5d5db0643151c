"""What a team learns that speaks over the game's own channel: PPO on acts, with messages summed over exactly.

An act follows from what was said one step before. Its probability given what everybody saw,
P(a | x, x') = sum_m pi(m | x') sum_y W(y | m) rho(a | x, y), x' the sender's own part one step before and W the channel,
stands in PPO's ratio. So an act's advantage teaches the listener how to read, and the sender what to say, without the noise of
the message that happened to be drawn. Without memory a message touches nothing but that one step, so nothing is lost.

The sum is exact for each listener by itself: a sender whom several hear is taught as if each had drawn its own message.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from agents.channel_team import ChannelTeamModule
from agents.fragments import Fragment
from agents.ppo import clipped, entropy, tensor, timed_advantages


@dataclass(frozen=True)
class MarginalLoss:
    """Coefficients of what is added to PPO's loss; advantages are counted in their own spread. Entropies are in nats."""

    anneal: float = 0.8
    """Progress at which entropies and usage no longer count; until then they count ever less."""
    speaker_entropy: float = 0.03
    """Weight of H(message | seen)."""
    listener_entropy: float = 0.01
    """Weight of H(act | seen, heard)."""
    usage: float = 0.1
    """Weight of H(message): against codes in which two states share a message while another stands idle."""
    value: float = 0.5
    """Weight of the critics' loss, in units of the largest spread of returns so far."""


class Acts(NamedTuple):
    """What one agent did in R steps, as it would do it now."""

    probability: Tensor  # [R] of the act, summed over all that may have been said and delivered
    entropy: Tensor  # [R] nats, of what it does given what it heard


@torch.no_grad()
def columns(module: ChannelTeamModule, fragment: Fragment, gamma: float, lambda_: float) -> dict[str, Tensor]:
    """A row a step of a game. By agent own_ and before_ [R, own], what it saw of its own now and one step before; and of those
    who act heard_ [R, K, Y], action_, old_, advantage_, target_ [R]. follows [R]: whether the step before is in the fragment, and
    of the same game; elsewhere `before` repeats `own`, and what stands in the inbox is taken for what it is. time [R] in 0..1.
    """
    data = {name: {key: tensor(column) for key, column in mine.items()} for name, mine in fragment.agents.items()}
    over = tensor(fragment.terminated | fragment.truncated)
    own = {name: data[name]["obs"][..., : seat.own] for name, seat in module.seats.items()}
    last = {name: data[name]["last_obs"][..., : seat.own] for name, seat in module.seats.items()}
    clock = data[next(iter(data))]
    paid = {
        name: torch.stack([data[other]["rewards"] for other in module.senders[name] or [name]]).mean(0) for name in module.actors
    }
    follows = torch.cat([torch.zeros_like(over[:, :1]), ~over[:, :-1]], 1)
    found = {"follows": follows, "time": clock["time"]}
    for name, x in own.items():
        found[f"own_{name}"], found[f"before_{name}"] = x, torch.where(follows.unsqueeze(-1), x.roll(1, 1), x)
    nothing, always = torch.zeros(over.shape), torch.ones_like(over)
    for reward in paid.values():
        returns = timed_advantages(reward, nothing, always, over, nothing[:, 0], gamma, 1.0).targets
        module.reward_scale.fill_(max(float(module.reward_scale), float(returns.std())))
    for name, reward in paid.items():
        actions = data[name]["actions"]
        estimates = timed_advantages(
            reward / module.reward_scale,
            module.values(name, own, clock["time"]),
            always,
            over,
            module.values(name, last, clock["last_time"]),
            gamma,
            lambda_,
        )
        found[f"action_{name}"] = actions[..., 0] if actions.ndim == 3 else actions
        found[f"heard_{name}"] = module.policies[name].heard(data[name]["obs"])
        found[f"advantage_{name}"], found[f"target_{name}"] = estimates
    rows = {key: column.flatten(0, 1) for key, column in found.items()}
    raw = torch.stack([rows[f"advantage_{name}"] for name in paid])
    said = say(module, rows)
    for name in paid:
        rows[f"advantage_{name}"] = (rows[f"advantage_{name}"] - raw.mean()) / raw.std().clamp_min(1e-6)
        rows[f"old_{name}"] = acts(module, name, rows, said).probability
    return rows


def say(module: ChannelTeamModule, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Log-probabilities [R, M] of what each speaker said one step before."""
    return {name: module.policies[name].say(batch[f"before_{name}"]) for name, seat in module.seats.items() if seat.messages}


def acts(module: ChannelTeamModule, name: str, batch: Mapping[str, Tensor], said: Mapping[str, Tensor]) -> Acts:
    """Of one agent, given what may have been said."""
    policy, heard = module.policies[name], batch[f"heard_{name}"]
    if module.senders[name]:
        heard = torch.where(batch["follows"][:, None, None], module.delivered(name, said), heard)
    likely, answers = policy.likely(heard), policy.answers(batch[f"own_{name}"])
    action = batch[f"action_{name}"].long()[:, None, None].expand(-1, answers.shape[1], 1)
    done = answers.gather(-1, action).squeeze(-1).exp()
    return Acts((likely * done).sum(-1), (likely.detach() * entropy(answers)).sum(-1))


def loss(
    module: ChannelTeamModule, batch: Mapping[str, Tensor], clip: float, progress: float, c: MarginalLoss
) -> dict[str, Tensor]:
    """The terms whose sum is minimised: policy (clipped; Schulman et al. 2017), value, and annealed entropies and usage."""
    said, actors = say(module, batch), module.actors
    own = {name: batch[f"own_{name}"] for name in module.seats}
    policy, value, listening = [], [], []
    for name in actors:
        played, advantage = acts(module, name, batch, said), batch[f"advantage_{name}"]
        ratio = played.probability / batch[f"old_{name}"].clamp_min(1e-12)
        policy.append(clipped(ratio, advantage, clip).mean())
        value.append((module.values(name, own, batch["time"]) - batch[f"target_{name}"]).square().mean())
        listening.append(played.entropy.mean())
    speaking = torch.stack([entropy(logp).mean() for logp in said.values()]).mean()
    usage = torch.stack([entropy(logp.exp().mean(0).clamp_min(1e-12).log()) for logp in said.values()]).mean()
    warmth = max(0.0, 1 - progress / c.anneal) if c.anneal else 0.0
    warm = c.speaker_entropy * speaking + c.listener_entropy * torch.stack(listening).mean() + c.usage * usage
    return {
        "policy": torch.stack(policy).mean(),
        "value": c.value * torch.stack(value).mean(),
        "annealing": -warmth * warm,
    }
