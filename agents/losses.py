"""How a team learns what to say: gradients through the channel, and what keeps it out of codes that name too few states.

Learning to signal has a known trap, partial pooling: two states share a message while another message stands idle, and no
small change helps. Three things work against it. The exact marginal: nothing is sampled that can be summed. Annealing: the
entropies of speaker and listener and the use of all messages are rewarded at first, and ever less (deterministic annealing;
Rose 1998). Exchanges: the one change of the code that the learned reward model finds better beyond doubt is taught to both
(the swaps of k-medoids; Kaufman, Rousseeuw 1987).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from agents.channels import DifferentiableChannel
from agents.modules import TeamModule
from agents.ppo import clipped, entropy


@dataclass(frozen=True)
class TeamLoss:
    """Coefficients, in units of the largest spread of rewards seen; `progress` runs from 0 to 1 over the total steps."""

    anneal: float = 0.5
    """Progress at which entropies and usage no longer count."""
    speaker_entropy: float = 0.2
    """Weight of H(message | seen), in nats."""
    listener_entropy: float = 0.2
    """Weight of H(action | heard), in nats."""
    usage: float = 1.0
    """Weight of H(message), in nats."""
    exchange: float = 0.3
    """Weight of the log-likelihood of an exchange; 0 turns exchanges off."""
    exchange_from: float = 0.2
    exchange_until: float = 0.9
    """Progress between which exchanges are looked for."""
    exchange_errors: float = 4.5
    """Standard errors by which an exchange must be better; there are many candidates."""
    exchange_margin: float = 0.01
    """Gain that it must bring at least."""
    exchange_settled: float = 0.1
    """An exchange waits until the team earns as much as its own greedy code, but for this."""


class Played(NamedTuple):
    """B rounds as the team would play them."""

    message: Tensor  # [B, M] log-probabilities of the speaker's messages
    action: Tensor  # [B, A] probabilities of the listener's actions, as far as gradients are to know
    entropy: Tensor  # [B] of the listener's answer to what is delivered, nats


def marginal(module: TeamModule, seen: Tensor, own: Tensor) -> Played:
    """Sum over all messages and all that may be delivered: P(a | s) = sum_m pi(m | s) sum_y W(y | m) rho(a | y)."""
    message, answers = module.say(seen), module.answers(own)
    delivered = message.exp() @ module.matrix
    if len(answers) == 1:
        action, unsure = delivered @ answers[0].exp(), delivered.detach() @ entropy(answers[0])
    else:
        action = (delivered.unsqueeze(-1) * answers.exp()).sum(-2)
        unsure = (delivered.detach() * entropy(answers)).sum(-1)
    return Played(message, action, unsure)


def straight_through(
    module: TeamModule,
    seen: Tensor,
    own: Tensor,
    sent: Tensor,
    noise: Tensor,
    generator: torch.Generator,
    temperature: float = 1.0,
) -> Played:
    """Straight-through Gumbel-softmax (Jang et al. 2017, Maddison et al. 2017) of the message that was sent, through the
    channel with the noise that it met: forwards exactly what was played, backwards the relaxed message."""
    message = module.say(seen)
    hard = one_hot(sent, message.shape[-1]).to(message.dtype)
    soft = ((message + gumbel_given(message.detach(), sent, generator)) / temperature).softmax(-1)
    delivered = module.channel.delivered(hard + soft - soft.detach(), noise)
    answer = module.listen(own, delivered)
    return Played(message, answer.exp(), entropy(answer))


def gumbel_given(logp: Tensor, chosen: Tensor, generator: torch.Generator) -> Tensor:
    """Gumbel noise [B, M] under which `chosen` [B] is the argmax of logp + noise (Maddison, Tarlow, Minka 2014)."""
    exponential = -torch.rand(logp.shape, generator=generator).clamp_min(1e-20).log()
    top = -(-torch.rand(chosen.shape, generator=generator).clamp_min(1e-20).log()).log().unsqueeze(-1)  # the maximum
    below = -torch.logaddexp(exponential.log() - logp, -top)  # Gumbels truncated at it
    return torch.where(one_hot(chosen, logp.shape[-1]).bool(), top, below) - logp


def noise_given(channel: DifferentiableChannel, sent: Tensor, delivered: Tensor, generator: torch.Generator) -> Tensor:
    """Noise [B], uniform on [0, 1) given that the channel made `delivered` (M: an erasure) of `sent`."""
    wire, u = channel.wire, torch.rand(sent.shape, generator=generator, dtype=torch.float64)
    air = wire.symbols - wire.silence
    error = wire.error if air >= 2 else 0.0
    shift = (delivered - sent - 1) % max(air, 1)
    v = torch.where(delivered == sent, error + (1 - error) * u, error * (shift + u) / max(air - 1, 1))
    noise = torch.where(delivered == wire.symbols, wire.erasure * u, wire.erasure + (1 - wire.erasure) * v)
    return torch.where(sent == 0, u, noise) if wire.silence else noise  # silence meets no noise: any is as likely


def team_loss(
    played: Played, worth: Tensor, batch: Mapping[str, Tensor], scale: Tensor, progress: float, clip: float, c: TeamLoss
) -> dict[str, Tensor]:
    """The terms of the loss, in units of `scale`; their sum is what is minimised.

    model: all actions, valued by the reward model. residual: what the model misses of the reward that was earned, by clipped
    importance ratio (PPO; Schulman et al. 2017), so that together they are the policy gradient with the model as a control
    variate. regression: the reward model. annealing: entropies and usage.
    batch: actions [B], rewards [B], old [B] the probability of the action when it was played.
    """
    known = worth.detach()
    earned, action = batch["rewards"], batch["actions"].long().unsqueeze(-1)
    ratio = played.action.gather(-1, action).squeeze(-1) / batch["old"].clamp_min(1e-12)
    missed = (earned - known.gather(-1, action).squeeze(-1)) / scale
    warmth = max(0.0, 1 - progress / c.anneal) if c.anneal else 0.0
    warm = (
        c.speaker_entropy * entropy(played.message).mean()
        + c.listener_entropy * played.entropy.mean()
        + c.usage * entropy(played.message.exp().mean(0).clamp_min(1e-12).log())
    )
    return {
        "model": -((played.action * (known - known.mean(-1, keepdim=True))).sum(-1) / scale).mean(),
        "residual": clipped(ratio, missed, clip).mean(),
        "regression": (worth.gather(-1, action).squeeze(-1) - earned).square().mean(),
        "annealing": -warmth * warm,
    }


def exchange_loss(module: TeamModule, message: Tensor, own: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
    """Cross-entropy of the exchange that `find_exchange` put into the batch; 0 where it found none."""
    target, symbol, reply = (batch[key].long() for key in ("exchange_message", "exchange_symbol", "exchange_reply"))
    said = message.gather(-1, target.unsqueeze(-1)).squeeze(-1).mean()
    inbox = one_hot(symbol, module.channel.places).to(own.dtype)
    answered = module.listen(own, inbox).gather(-1, reply.unsqueeze(-1)).squeeze(-1)
    concerned = (target == symbol).float() if module.own else torch.ones_like(answered)  # games in which it is to be heard
    answer = (concerned * answered).sum() / concerned.sum().clamp_min(1)
    return -(said + answer) * batch["exchange_found"][0]


@torch.no_grad()
def find_exchange(module: TeamModule, seen: Tensor, own: Tensor, scale: Tensor, c: TeamLoss) -> dict[str, Tensor]:
    """The best single change "symbol y is answered by j" of the greedy code, judged on these games by the reward model.

    Candidates j are all actions; where the listener sees something of its own, its best replies to what the speaker saw in
    16 of the games. The speaker replies at its best, in the mean over what the listener may know. An exchange counts only if its
    gain, game by game, is beyond `exchange_errors` standard errors and the margin, so that ties and noise start nothing, and only
    once the last one has settled. Columns [B] for `exchange_loss`.
    """
    W, worth, B = module.matrix, module.worth(seen, own), len(seen)
    M, Y = W.shape
    code = worth.gather(-1, module.answers(own).argmax(-1).expand(B, Y))  # [B, Y] what the greedy answer to y earns
    replies = _candidates(module, seen, own, worth.shape[-1])  # [B, C]
    given = _given(module, seen)
    expected, offered = given(code), given(worth.gather(-1, replies))
    now = expected @ W.T  # [B, M]
    best = now.max(-1, keepdim=True).values
    noiseless = M == Y and torch.equal(W, torch.eye(M))
    found: tuple[Tensor, int, int] | None = None
    for y in range(Y):
        if noiseless:  # only message y changes its worth
            others = torch.cat([now[:, :y], now[:, y + 1 :], torch.full((B, 1), -torch.inf)], -1).max(-1, keepdim=True).values
            new = torch.maximum(others, offered)
        else:
            gain = offered - expected[:, y : y + 1]  # [B, C]
            new = torch.stack([now[:, m : m + 1] + W[m, y] * gain for m in range(M)]).max(0).values
        paired = new - best
        surely = paired.mean(0) - c.exchange_errors * paired.std(0) / math.sqrt(B)
        if found is None or surely.max() > found[0]:
            found = surely.max(), y, int(surely.argmax())
    assert found is not None
    low, y, j = found
    target = (now + (offered[:, j : j + 1] - expected[:, y : y + 1]) * W[:, y]).argmax(-1)
    earns = (marginal(module, seen, own).action * worth).sum(-1).mean()
    settled = earns > best.mean() - c.exchange_settled * scale
    accepted = float(settled and low > c.exchange_margin * scale)
    return {
        "exchange_found": torch.full((B,), accepted),
        "exchange_symbol": torch.full((B,), y),
        "exchange_message": target,
        "exchange_reply": replies[:, j],
    }


def _given(module: TeamModule, seen: Tensor) -> Callable[[Tensor], Tensor]:
    """The mean of values [B, ...] over the games in which the speaker saw the same: it has to choose without what the listener
    knows. A speaker that is credited with knowing it needs no further message, and no exchange is ever found."""
    if not module.own:
        return lambda values: values
    kinds, kind, games = torch.unique(seen, dim=0, return_inverse=True, return_counts=True)

    def mean(values: Tensor) -> Tensor:
        sums = values.new_zeros(len(kinds), values.shape[1]).index_add_(0, kind, values)
        return (sums / games.unsqueeze(-1))[kind]

    return mean


def _candidates(module: TeamModule, seen: Tensor, own: Tensor, actions: int) -> Tensor:
    if not module.own:
        return torch.arange(actions).expand(len(seen), actions)
    tried = seen[:16]
    crossed = module.worth(tried.unsqueeze(0).expand(len(seen), -1, -1), own.unsqueeze(1).expand(-1, len(tried), -1))
    return crossed.argmax(-1)
