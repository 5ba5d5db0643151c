"""A team whose messages go through the game's own channel and are read in the next step.

A policy reads a symbol by a first layer of its own. A message that is merely joined to the input has to fight the rest of it for
the hidden units while it still means nothing; measured on the speaker and the listener, such teams stay silent.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis import InferenceOnlyAPI
from ray.rllib.core.rl_module.torch import TorchRLModule
from torch import Tensor, nn

from agents.channels import DifferentiableChannel
from commenv.core import links
from commenv.core.channel import Channel
from commenv.core.game import Options, Rules


@dataclass(frozen=True)
class Seat:
    """One agent's place in a game, as plain values: a file holds it, and it makes a policy again."""

    own: int
    """Length of the agent's own part of its observation."""
    links: int
    """Inboxes that follow it, each of `symbols` + 1 places, the last for an erasure."""
    symbols: int
    actions: int
    """Number of acts; 0 of an agent that only speaks."""
    messages: int
    """Number of messages; 0 of an agent that does not speak."""
    hidden: tuple[int, ...]
    """Widths of the hidden layers, one at least."""

    @property
    def places(self) -> int:
        """Y: what may stand in one inbox. The symbols, and last nothing; an erasure says no more than nothing."""
        return self.symbols + 1 if self.links else 1


class ChannelPolicy(nn.Module):
    """One agent: what it does follows from its own part and what it heard, what it says from its own part alone."""

    inboxes: Tensor
    """[C, K] what stands in each link's inbox, for all C that there may be; an agent without links has an empty one."""

    def __init__(self, seat: Seat) -> None:
        super().__init__()
        self.seat, Y = seat, seat.places
        K, width = max(seat.links, 1), seat.hidden[0]
        if seat.actions:
            # Alike for all symbols but for a tenth, so that what is learned of moving holds whatever is heard.
            alike = nn.init.orthogonal_(torch.empty(width, seat.own), 2**0.5)
            self.weight = nn.Parameter(alike / K + 0.1 * torch.randn(K, Y, width, seat.own))
            self.bias = nn.Parameter(torch.zeros(K, Y, width))
            self.rest = nn.Sequential(nn.Tanh(), *perceptron([*seat.hidden, seat.actions]))
        if seat.messages:
            self.voice = perceptron([seat.own, *seat.hidden, seat.messages])
        every = list(itertools.product(range(Y), repeat=K))
        self.register_buffer("inboxes", torch.tensor(every), persistent=False)

    @property
    def sizes(self) -> list[int]:
        """Widths of what goes in, of the hidden layers, and of what comes out."""
        s = self.seat
        return [s.own + s.links * (s.symbols + 1), *s.hidden, s.actions + s.messages]

    def forward(self, observation: Tensor) -> Tensor:
        """[..., own part and inboxes] -> logits [..., actions + messages]."""
        own, parts = observation[..., : self.seat.own], []
        if self.seat.actions:
            parts.append(self.rest((self.layers(own) * self.heard(observation).unsqueeze(-1)).sum((-3, -2))))
        if self.seat.messages:
            parts.append(self.voice(own))
        return torch.cat(parts, -1)

    def heard(self, observation: Tensor) -> Tensor:
        """What stands in each link's inbox, one-hot [..., K, Y]."""
        if not self.seat.links:
            return torch.ones(*observation.shape[:-1], 1, 1)
        symbols = observation[..., self.seat.own :].unflatten(-1, (self.seat.links, -1))[..., :-1]
        return torch.cat([symbols, 1 - symbols.sum(-1, keepdim=True)], -1)

    def layers(self, own: Tensor) -> Tensor:
        """The first layer of each link and symbol: own [..., own] -> [..., K, Y, width]."""
        flat = nn.functional.linear(own, self.weight.flatten(0, 2), self.bias.flatten())
        return flat.unflatten(-1, self.bias.shape)

    def answers(self, own: Tensor) -> Tensor:
        """Log-probabilities [B, C, actions] of what it does after each inbox; own [B, own]."""
        first = self.layers(own)
        return self.rest(sum(first[:, k, places] for k, places in enumerate(self.inboxes.T))).log_softmax(-1)

    def likely(self, delivered: Tensor) -> Tensor:
        """Probability [B, C] of each inbox, of what each link delivers [B, K, Y]: their noise is independent."""
        return torch.stack([delivered[:, k, places] for k, places in enumerate(self.inboxes.T)]).prod(0)

    def say(self, own: Tensor) -> Tensor:
        """Log-probabilities [B, messages]; own [B, own]."""
        return self.voice(own).log_softmax(-1)

    def page(self) -> dict[str, Any]:
        return asdict(self.seat)

    @classmethod
    def of(cls, page: Mapping[str, Any]) -> "ChannelPolicy":
        """A policy of new weights from what `page` gave. Raises TypeError or KeyError for what is none."""
        return cls(Seat(**{**page, "hidden": tuple(page["hidden"])}))


class ChannelTeamModule(TorchRLModule, InferenceOnlyAPI):
    """Policies that read and speak over the game's channel, and for training critics that see everything.

    Agents whose places in the game are alike share a policy and a critic, unless they are to be separate.
    model_config: seats, the fields of Seat by agent; senders, by agent whom it hears, in the order of its inboxes; channel, its
    fields; separate.
    """

    reward_scale: Tensor

    def setup(self) -> None:
        config = self.model_config
        self.seats = {name: Seat(**seat) for name, seat in config["seats"].items()}
        self.senders: dict[str, list[str]] = config["senders"]
        self.channel = DifferentiableChannel(Channel.of(config["channel"]))
        self.order = {name: self._order(name) for name in self.seats}
        kinds = list(dict.fromkeys(self._kind(name) for name in self.seats))
        self.kind = {name: kinds.index(self._kind(name)) for name in self.seats}
        self.minds = nn.ModuleList(ChannelPolicy(self.seats[self._first(k)]) for k in range(len(kinds)))
        self.register_buffer("reward_scale", torch.tensor(1e-4))  # largest spread of returns so far: values are counted in it
        if not self.inference_only:
            sees = sum(seat.own for seat in self.seats.values()) + 1
            hidden = [self.seats[self._first(k)].hidden for k in range(len(kinds))]
            self.critics = nn.ModuleList(perceptron([sees, *widths, 1], last=1.0) for widths in hidden)

    def _order(self, name: str) -> list[str]:
        """Everybody as one agent knows them: itself, whom it hears, the others."""
        return list(dict.fromkeys([name, *self.senders[name], *self.seats]))

    def _kind(self, name: str) -> Any:
        """Equal for those who share their networks."""
        alike = [self.seats[other] for other in self.order[name]]
        return name if self.model_config["separate"] else (*alike, len(self.senders[name]))

    def _first(self, kind: int) -> str:
        return next(name for name, k in self.kind.items() if k == kind)

    @property
    def policies(self) -> dict[str, ChannelPolicy]:
        """By agent; agents of one kind have the same one."""
        return {name: self.minds[k] for name, k in self.kind.items()}  # type: ignore[misc]

    @property
    def actors(self) -> list[str]:
        """Who does more than speak."""
        return [name for name, seat in self.seats.items() if seat.actions]

    def _forward(self, batch: Mapping[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Each agent from its own observation; the observations stand in a dictionary by agent."""
        logits = {name: self.policies[name](observation) for name, observation in batch[Columns.OBS].items()}
        return {Columns.ACTION_DIST_INPUTS: logits}

    def _forward_train(self, batch: Mapping[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {}  # the loss asks the module for what it needs

    def values(self, name: str, own: Mapping[str, Tensor], time: Tensor) -> Tensor:
        """What an agent may still expect [...], in units of `reward_scale`; own parts of everybody [..., own], time [...]."""
        everything = torch.cat([*(own[other] for other in self.order[name]), time.unsqueeze(-1)], -1)
        return self.critics[self.kind[name]](everything).squeeze(-1)

    def delivered(self, name: str, said: Mapping[str, Tensor]) -> Tensor:
        """Distribution [B, K, Y] of what an agent's links deliver; said: log-probabilities [B, M] of messages, by sender."""
        if not self.senders[name]:
            return torch.ones(len(next(iter(said.values()))), 1, 1)
        return torch.stack([self.channel.marginal(said[sender].exp()) for sender in self.senders[name]], 1)

    def get_non_inference_attributes(self) -> list[str]:
        return ["critics"]


def seats(rules: Rules, options: Options, hidden: Sequence[int], most: int) -> dict[str, Any]:
    """Who sits where, as ChannelTeamModule's model_config has it: seats, senders, channel.

    most: inboxes that may be summed over. Raises ValueError for games in which messages are not read one step later by the agents
    they were sent to, and for more inboxes.
    """
    layout, link = links.layout(rules, options), options.link
    if layout.turns or not layout.links or layout.anonymous or hasattr(rules, "route"):
        raise ValueError("a marginal team needs a game in which all act at once, and links that are the same in every step")
    DifferentiableChannel(link)  # refuses channels that remember
    found: dict[str, Any] = {}
    for i, (name, role) in enumerate(zip(layout.names, layout.roles, strict=True)):
        ears, speaks = len(layout.ears(i)), layout.speaks(i)
        only_speaks = speaks and role.actions == 1
        seat = Seat(role.observation, ears, link.size, 0 if only_speaks else role.actions, link.size * speaks, tuple(hidden))
        if seat.actions and seat.places**ears > most:
            heard = f"{ears} messages of {link.size} symbols, or nothing"
            raise ValueError(f"{name} hears {heard}: {seat.places**ears:,} inboxes, and marginal_up_to={most} are summed over")
        found[name] = asdict(seat)
    senders = {name: [layout.names[layout.links[k][0]] for k in layout.ears(i)] for i, name in enumerate(layout.names)}
    return {"seats": found, "senders": senders, "channel": link.fields()}


def perceptron(sizes: Sequence[int], last: float = 0.01) -> nn.Sequential:
    """Orthogonal layers with tanh between them (Saxe et al. 2014); `last` scales the last, which starts near zero."""
    layers: list[nn.Module] = []
    for k, (i, o) in enumerate(itertools.pairwise(sizes)):
        layer = nn.Linear(i, o)
        nn.init.orthogonal_(layer.weight, last if k == len(sizes) - 2 else 2**0.5)
        nn.init.zeros_(layer.bias)
        layers += [layer, nn.Tanh()]
    return nn.Sequential(*layers[:-1])
