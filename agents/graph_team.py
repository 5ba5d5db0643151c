"""A team that talks over a graph within each step: everybody sees, messages go around for some rounds, then everybody acts.

Each part is a choice of its own: who hears whom (agents/graphs), what a message can say (agents/bottlenecks), what an agent
remembers (agents/memory). Nothing passes between agents but messages and what the graph broadcasts to schedule them.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from agents.bottlenecks import bottleneck
from agents.bottlenecks.contract import Bottleneck
from agents.graphs import graph
from agents.graphs.contract import Graph
from agents.memory import MEMORIES
from agents.networks import choices
from commenv.core.errors import bad, whole


@dataclass(frozen=True)
class Plan:
    """What a team is made of, as plain values: a file holds it, and it makes the team again."""

    names: tuple[str, ...]
    observations: tuple[int, ...]
    """Length of each agent's observation."""
    choices: tuple[tuple[int, ...], ...]
    """Of each agent the number of choices of each component of its action."""
    graph: str = "full"
    graph_options: dict[str, Any] | None = None
    bottleneck: str = "gumbel_softmax"
    bottleneck_options: dict[str, Any] | None = None
    bits: int = 2
    """Bits a message."""
    rounds: int = 1
    memory: str = "none"
    width: int = 64
    """Length of the hidden vector."""
    separate: bool = False
    """Whether each agent has networks of its own; graph and bottleneck, the team's conventions, are always shared."""
    identities: bool = False
    """Whether an agent is told who it is."""

    def __post_init__(self) -> None:
        """Raises ValueError for anything not allowed; graph and bottleneck look at their own when they are made."""
        whole("rounds", self.rounds, 1), whole("width", self.width, 1)
        if self.memory not in MEMORIES:
            raise bad("memory", self.memory, f"one of {', '.join(MEMORIES)}")
        for name in ("separate", "identities"):
            if not isinstance(getattr(self, name), bool):
                raise bad(name, getattr(self, name), "True or False")

    @property
    def components(self) -> tuple[int, int]:
        """(P, C): most components of an action, and most choices of one."""
        return max(map(len, self.choices)), max(map(max, self.choices))

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def seated(cls, observations: Mapping[str, Any], actions: Mapping[str, Any], **parts: Any) -> "Plan":
        """A plan for agents of these spaces, by name; parts: its other fields."""
        return cls(
            names=tuple(observations),
            observations=tuple(space.shape[0] for space in observations.values()),
            choices=tuple(tuple(choices(space)) for space in actions.values()),
            **parts,
        )

    @classmethod
    def of(cls, page: Mapping[str, Any]) -> "Plan":
        """A plan as JSON holds it. Raises TypeError or KeyError for what is none."""
        shapes = {"names": tuple(page["names"]), "observations": tuple(page["observations"])}
        return cls(**{**page, **shapes, "choices": tuple(tuple(own) for own in page["choices"])})


REFUSED = -1e9
"""Logit of a choice that an agent has not: finite, so that entropies are."""


COUNTED = 4096
"""Most symbols of a message whose frequencies are counted."""


class Step(NamedTuple):
    """What a team does in one step, of B games and N agents."""

    logits: Tensor  # [B, N, P, C] of each component of an action; REFUSED where an agent has fewer choices
    hidden: Tensor  # [B, N, width] after the last round
    state: Tensor  # [B, N, keeps] what is remembered
    symbols: Tensor  # [B, R, N, d] long: the messages
    links: Tensor  # [B, R, N, N] rows listen, columns speak
    rate: Tensor  # [B, N] bits that an agent told at most, over all rounds and listeners, as training estimates it
    loss: Tensor  # [B, N] the bottleneck's own loss
    present: Tensor  # [B, N] bool
    perceived: Tensor  # [B, N, width] before the first round
    read: Tensor  # [B, R, N, reads] what a listener reads of each message
    rates: Tensor  # [B, R, N] bits of each message, as training estimates them
    odds: Tensor  # [B, R, N, d, k] log-probabilities of its digits; d = k = 0 where messages are not drawn from odds


class Mind(nn.Module):
    """What is an agent's own: how it reads, remembers, makes up its mind after each round, and acts."""

    def __init__(self, plan: Plan, sees: int, gathers: int) -> None:
        super().__init__()
        width = plan.width
        self.encoder = nn.Sequential(nn.Linear(sees, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.memory = MEMORIES[plan.memory](width)
        self.updates = nn.ModuleList(nn.Linear(width + gathers, width) for _ in range(plan.rounds))
        self.head = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, math.prod(plan.components)))
        _begin(self.encoder[0])
        last = self.head[2]
        assert isinstance(last, nn.Linear)
        nn.init.normal_(last.weight, std=0.01)
        nn.init.zeros_(last.bias)

    def perceive(self, seen: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        return self.memory(self.encoder(seen), state)

    def listened(self, hidden: Tensor, state: Tensor) -> Tensor:
        """What is remembered, after the last round."""
        return self.memory.listen(hidden, state)

    def update(self, k: int, hidden: Tensor, gathered: Tensor) -> Tensor:
        """After round k."""
        return torch.relu(self.updates[k](torch.cat([hidden, gathered], -1)))

    def act(self, perceived: Tensor, hidden: Tensor) -> Tensor:
        return self.head(torch.cat([perceived, hidden], -1))


class GraphTeam(nn.Module):
    """The deployable team. Observations are padded to the longest, and actions to the most choices.

    An agent that sees nothing but zeros, as one without a car, is absent: it neither speaks nor hears.
    """

    refused: Tensor
    ids: Tensor

    def __init__(self, plan: Plan, graph: Graph, bottleneck: Bottleneck) -> None:
        super().__init__()
        self.plan, self.graph, self.bottleneck = plan, graph, bottleneck
        self.agents, self.longest = len(plan.names), max(plan.observations)
        sees = self.longest + (self.agents if plan.identities else 0)
        minds = [Mind(plan, sees, graph.gathers) for _ in range(self.agents if plan.separate else 1)]
        self.minds, self.keeps, self.hears = nn.ModuleList(minds), minds[0].memory.keeps, minds[0].memory.hears
        refused = torch.ones(self.agents, *plan.components, dtype=torch.bool)
        refused[..., 0] = False  # a component that an agent has not has one choice
        for i, own in enumerate(plan.choices):
            for c, n in enumerate(own):
                refused[i, c, :n] = False
        self.register_buffer("refused", refused, persistent=False)
        self.register_buffer("ids", torch.eye(self.agents), persistent=False)

    @property
    def noise(self) -> int:
        """Uniform random numbers an agent and a step in training: of each round the message's, then the graph's."""
        return self.plan.rounds * (self.bottleneck.noise + self.graph.noise)

    def beginning(self, games: int) -> Tensor:
        """What is remembered when a game begins: [games, N, keeps]."""
        return torch.zeros(games, self.agents, self.keeps)

    def forward(self, observation: Tensor, state: Tensor, noise: Tensor | None = None) -> Step:
        """observation [B, N, longest], state [B, N, keeps], noise [B, N, self.noise] or None for the team as deployed."""
        encoded, present = self.look(observation)
        perceived, state = self.recall(encoded, state)
        return self.talk(perceived, state, present, noise)

    def look(self, observation: Tensor) -> tuple[Tensor, Tensor]:
        """observation [..., N, longest] -> what each makes of it alone, [..., N, width], and who is there, [..., N] bool."""
        present = (observation != 0).any(-1)
        if self.plan.identities:
            ids = self.ids[: observation.shape[-2]].expand(*observation.shape[:-1], self.agents)
            observation = torch.cat([observation, ids * present.unsqueeze(-1)], -1)
        return self._each(lambda mind, x: mind.encoder(x), observation), present

    def recall(self, encoded: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """That [B, N, width] together with what is remembered, state [B, N, keeps]: what is perceived, and what is kept of it."""
        return self._each(lambda mind, x, s: mind.memory(x, s), encoded, state)

    def talk(
        self,
        perceived: Tensor,
        state: Tensor,
        present: Tensor,
        noise: Tensor | None = None,
        *,
        silent: bool = False,
        instead: Callable[[int, Tensor], Tensor] | None = None,
    ) -> Step:
        """The rest of a step, once everybody has looked; what a term of the loss asks again, without looking again.

        silent: nobody is heard. instead: of a round and what is read of its messages [B, N, reads], what is read in its place.
        """
        hidden, symbols, links, reads, rates, odds = perceived, [], [], [], [], []
        rate = loss = torch.zeros(present.shape)
        for k in range(self.plan.rounds):
            said, drawn = self._noise(noise, k)
            message = self.bottleneck(hidden, said)
            control = self.graph.control(hidden, drawn) * present.unsqueeze(-1)
            link = self.graph.schedule(control, present, drawn)
            link = torch.zeros_like(link) if silent else link
            read = message.read if instead is None else instead(k, message.read)
            gathered = self.graph.gather(hidden, read, link, control)
            hidden = self._each(lambda mind, h, g, k=k: mind.update(k, h, g), hidden, gathered)
            symbols.append(message.symbols)
            links.append(link)
            reads.append(read)
            rates.append(message.rate)
            odds.append(message.rate.new_zeros(*message.rate.shape, 0, 0) if message.logp is None else message.logp)
            rate, loss = rate + message.rate * link.sum(-2), loss + message.loss
        if self.hears:
            state = self._each(lambda mind, h, s: mind.listened(h, s), hidden, state)
        logits = self._each(lambda mind, p, h: mind.act(p, h), perceived, hidden).unflatten(-1, self.plan.components)
        logits = logits.masked_fill(self.refused[: logits.shape[1]], REFUSED)
        told = (torch.stack(column, 1) for column in (reads, rates, odds))
        return Step(logits, hidden, state, torch.stack(symbols, 1), torch.stack(links, 1), rate, loss, present, perceived, *told)

    def _noise(self, noise: Tensor | None, k: int) -> tuple[Tensor | None, Tensor | None]:
        if noise is None:
            return None, None
        a, b = self.bottleneck.noise, self.graph.noise
        own = noise[..., k * (a + b) : (k + 1) * (a + b)]
        return own[..., :a], own[..., a:]

    def _each(self, part: Any, *columns: Tensor) -> Any:
        """One mind for all, or each agent's own for its place."""
        if len(self.minds) == 1:
            return part(self.minds[0], *columns)
        outs = [part(mind, *(column[..., i, :] for column in columns)) for i, mind in enumerate(self.minds)]
        if isinstance(outs[0], tuple):
            return tuple(torch.stack(parts, -2) for parts in zip(*outs, strict=True))
        return torch.stack(outs, -2)


class Critic(nn.Module):
    """What each agent may still expect, in training only: from all observations and the time (central; Yu et al. 2022, MAPPO),
    or from its own observation (own; de Witt et al. 2020, IPPO); and from `unseen` numbers more that no agent sees."""

    def __init__(self, sees: int, width: int, *, central: bool, unseen: int = 0) -> None:
        super().__init__()
        self.central = central
        self.encoder = nn.Sequential(nn.Linear(sees + 1 + unseen, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        _begin(self.encoder[0])
        self.listener, self.speaker = nn.Linear(width, width), nn.Linear(width, width)
        self.head = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, observation: Tensor, time: Tensor, unseen: Tensor | None = None) -> Tensor:
        """observation [B, N, sees], time [B] in 0..1, unseen [B, w] -> values [B, N]."""
        present = (observation != 0).any(-1)
        known = time.unsqueeze(-1) if unseen is None else torch.cat([time.unsqueeze(-1), unseen], -1)
        x = self.encoder(torch.cat([observation, known.unsqueeze(1).expand(*observation.shape[:-1], -1)], -1))
        if self.central:
            links = present.unsqueeze(1) & ~torch.eye(x.shape[1], dtype=torch.bool)
            pairs = torch.relu(self.listener(x).unsqueeze(2) + self.speaker(x).unsqueeze(1))
            others = (links.to(x.dtype).unsqueeze(2) @ pairs).squeeze(2)
        else:
            others = torch.zeros_like(x)
        return self.head(torch.cat([x, others], -1)).squeeze(-1)


def _begin(layer: nn.Module) -> None:
    """Weights as large as if there were one input: observations are one-hot in most of their places."""
    assert isinstance(layer, nn.Linear)
    nn.init.normal_(layer.weight, std=0.6)
    nn.init.zeros_(layer.bias)


def build(plan: Plan) -> GraphTeam:
    """A team of new networks. Raises ValueError for parts that there are not, or that do not fit."""
    code = bottleneck(plan.bottleneck, plan.width, bits=plan.bits, **(plan.bottleneck_options or {}))
    links = graph(plan.graph, len(plan.names), plan.width, code.reads, **(plan.graph_options or {}))
    return GraphTeam(plan, links, code)


class Talk:
    """What a team said within its steps."""

    def __init__(self, team: GraphTeam) -> None:
        self.team, self.steps, self.sent, self.heard, self.controls = team, 0, 0.0, 0.0, 0.0
        self.size = math.prod(team.bottleneck.alphabet)
        self.counts = np.zeros(self.size if self.size <= COUNTED else 0)

    def add(self, step: Step) -> None:
        spoke = step.links.amax(-2) > 0  # [B, R, N]: somebody listens
        self.steps += len(step.links)
        self.sent += float(spoke.sum())
        self.heard += float(step.links.sum())
        present = step.present.sum(-1)
        self.controls += float((present * (present > 1)).sum()) * step.links.shape[1]
        if len(self.counts):
            index = torch.zeros(step.symbols.shape[:-1], dtype=torch.long)
            for k, n in enumerate(self.team.bottleneck.alphabet):
                index = index * n + step.symbols[..., k]
            self.counts += np.bincount(index[spoke].numpy().ravel(), minlength=self.size)

    def figures(self) -> dict[str, float]:
        """sent: each message once; heard: once for each listener; control: what the graph had everybody broadcast."""
        bits, steps = self.team.bottleneck.bits, max(self.steps, 1)
        figures = {
            "sent_bits_per_step": self.sent * bits / steps,
            "heard_bits_per_step": self.heard * bits / steps,
            "control_bits_per_step": self.controls * self.team.graph.control_bits / steps,
        }
        if self.counts.sum():
            frequency = self.counts[self.counts > 0] / self.counts.sum()
            figures["entropy_bits_per_sent_message"] = float(-(frequency * np.log2(frequency)).sum())
        return figures


class Talking:
    """A deployed team at play in n games: it holds what each agent remembers, and looks at nothing but observations."""

    def __init__(self, team: GraphTeam, games: int) -> None:
        self.team, self.state, self.talk = team, team.beginning(games), Talk(team)
        self.step: Step | None = None
        """The step that was played last."""

    @torch.no_grad()
    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        """Each agent's likeliest action; seen by agent [n, w], fresh [n] bool: in which games this is the first step."""
        self.state = self.state * torch.from_numpy(~fresh)[:, None, None]
        step = self.team(torch.from_numpy(padded(seen, self.team.plan.names)), self.state)
        self.step, self.state = step, step.state
        self.talk.add(step)
        return by_agent(step.logits.argmax(-1).numpy(), self.team.plan)


def padded(seen: Mapping[str, np.ndarray], names: Sequence[str]) -> np.ndarray:
    """Observations by agent [n, w] as one new array [n, N, longest]."""
    widths = [seen[name].shape[-1] for name in names]
    if len(set(widths)) == 1:
        return np.stack([seen[name] for name in names], 1)
    stacked = np.zeros((len(seen[names[0]]), len(names), max(widths)), np.float32)
    for i, (name, width) in enumerate(zip(names, widths, strict=True)):
        stacked[:, i, :width] = seen[name]
    return stacked


def by_agent(chosen: np.ndarray, plan: Plan) -> dict[str, np.ndarray]:
    """Actions as the game takes them, of chosen [n, N, P]: [n], or [n, P] where an action has several components."""
    return {
        name: chosen[:, i, : len(own)] if len(own) > 1 else chosen[:, i, 0]
        for i, (name, own) in enumerate(zip(plan.names, plan.choices, strict=True))
    }
