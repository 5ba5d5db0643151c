"""A trained team as it is deployed: networks on plain tensors, nothing of the trainer."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from agents.channel_team import ChannelPolicy
from agents.graph_team import GraphTeam, Plan, Talking, build
from agents.networks import Perceptron, choices, sample
from agents.split import LoneAgent
from commenv.core.batch import Batch
from commenv.core.channel import Channel
from commenv.core.game import Options, choose
from commenv.games import rules

if TYPE_CHECKING:
    from agents.codes import CodeTeam

FORMAT = 1
"""Version of the files. It changes when what is written can no longer be read by older code."""


class Player(Protocol):
    """A team at play in n games."""

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        """Actions of all agents; by agent what is seen [n, w] and who acts [n]; fresh [n]: where this is the first step."""
        ...


class Deployed:
    """What all teams share: the game they play, and their files.

    Written as `team.json` (the game, its options, the shapes) and `team.safetensors` (the weights): loading executes no code.
    """

    def __init__(self, id: str, options: Options) -> None:
        self.id, self.options = id, options

    def player(self, games: int) -> Player:
        """The team at play in so many games at once, every agent by its likeliest action."""
        raise NotImplementedError

    def page(self) -> dict[str, Any]:
        """What `team.json` says of the networks. Raises ValueError for a team that has none."""
        raise ValueError(f"{type(self).__name__} is made of its options alone: there is nothing to save")

    def tensors(self) -> dict[str, Tensor]:
        """The weights, by name."""
        return {}

    def save(self, folder: str | Path) -> None:
        """Write both files, each at once: an interrupted run leaves the old ones or the new ones."""
        folder, told = Path(folder), self.page()
        folder.mkdir(parents=True, exist_ok=True)
        save_file({key: t.detach().contiguous() for key, t in self.tensors().items()}, folder / "team.safetensors.new")
        page = {"format": FORMAT, "id": self.id, "options": plain(self.options), **told}
        (folder / "team.json.new").write_text(json.dumps(page, indent=1))
        for name in ("team.safetensors", "team.json"):
            os.replace(folder / f"{name}.new", folder / name)


class Team(Deployed):
    """One policy an agent; each reads its own observation and nothing else. Raises ValueError for policies that do not fit."""

    def __init__(self, id: str, options: Options, policies: Mapping[str, Perceptron | ChannelPolicy]) -> None:
        super().__init__(id, options)
        self.policies = dict(policies)
        spaces = Batch(rules(id), options, 1)
        if set(self.policies) != set(spaces.possible_agents):
            raise ValueError(f"policies of {sorted(self.policies)} are no team: {id} is played by {spaces.possible_agents}")
        self._choices = {name: choices(space) for name, space in spaces.action_spaces.items()}
        for name, policy in self.policies.items():
            wanted = [*(spaces.observation_spaces[name].shape or ()), sum(self._choices[name])]
            if policy.sizes[:1] + policy.sizes[-1:] != wanted:
                raise ValueError(
                    f"the policy of {name} has widths {policy.sizes}: the game wants {wanted[0]} in and {wanted[1]} out"
                )

    @torch.no_grad()
    def act(self, name: str, observation: np.ndarray, *, generator: torch.Generator | None = None) -> np.ndarray:
        """Actions [n] of one agent, or [n, 2] of one that acts and speaks; observation [n, w]. Its likeliest action, or a
        sample if a generator is given."""
        logits = self.policies[name](torch.from_numpy(np.ascontiguousarray(observation, np.float32)))
        parts = logits.split(self._choices[name], -1)
        drawn = [part.argmax(-1) if generator is None else sample(part, generator)[0] for part in parts]
        return (torch.stack(drawn, -1) if len(drawn) > 1 else drawn[0]).numpy()

    def player(self, games: int) -> Player:
        return _Alone(self)

    def page(self) -> dict[str, Any]:
        return {"policies": {name: policy.page() for name, policy in self.policies.items()}}

    def tensors(self) -> dict[str, Tensor]:
        return {f"{name}.{key}": t for name, policy in self.policies.items() for key, t in policy.state_dict().items()}

    @classmethod
    def load(cls, folder: str | Path) -> "Team":
        """Read a team of one policy an agent. Raises what `load` does, and ValueError for a team of another kind."""
        team = load(folder)
        if not isinstance(team, cls):
            raise ValueError(f"the team in {folder} talks within each step: it has no policy for one agent alone")
        return team


class _Alone:
    def __init__(self, team: Team) -> None:
        self.team = team

    def act(self, seen: Mapping[str, np.ndarray], active: Mapping[str, np.ndarray], fresh: np.ndarray) -> dict[str, np.ndarray]:
        act, n = self.team.act, len(fresh)
        idle = {name: np.zeros((n, 2) if len(parts) > 1 else n, int) for name, parts in self.team._choices.items()}
        return {name: act(name, seen[name]) if active[name].any() else idle[name] for name in self.team.policies}


class TalkingTeam(Deployed):
    """A team that talks over a graph within each step. Raises ValueError for networks that do not fit the game."""

    def __init__(self, id: str, options: Options, network: GraphTeam) -> None:
        super().__init__(id, options)
        self.network, plan = network, network.plan
        spaces = Batch(rules(id), options, 1)
        fitting = Plan.seated(spaces.observation_spaces, spaces.action_spaces)
        wanted = fitting.names, fitting.observations, fitting.choices
        if (plan.names, plan.observations, plan.choices) != wanted:
            raise ValueError(
                f"a team of {plan.names} with {plan.observations} in and {plan.choices} out does not fit {id}: {wanted}"
            )

    def player(self, games: int) -> Talking:
        return Talking(self.network, games)

    def at(self, options: Options) -> "TalkingTeam":
        """The same networks in the game with other options, as with more agents or fewer.

        Raises ValueError where they are made for those agents: minds or identities of their own, edges that were learned, or
        observations whose length changes with the number of agents.
        """
        spaces = Batch(rules(self.id), options, 1)
        seats = Plan.seated(spaces.observation_spaces, spaces.action_spaces)
        plan = replace(self.network.plan, names=seats.names, observations=seats.observations, choices=seats.choices)
        network = build(plan)
        try:
            network.load_state_dict(self.network.state_dict())
        except RuntimeError as reason:
            raise ValueError(f"this team is made for {len(self.network.plan.names)} agents: {reason}") from reason
        return TalkingTeam(self.id, options, network)

    def split(self) -> list[LoneAgent]:
        """N agents that hold their own networks only and exchange bytes."""
        return [LoneAgent.of(self.network, i) for i in range(len(self.network.plan.names))]

    def page(self) -> dict[str, Any]:
        return {"plan": self.network.plan.as_dict()}

    def tensors(self) -> dict[str, Tensor]:
        return dict(self.network.state_dict())


def load(folder: str | Path) -> "Team | TalkingTeam | CodeTeam":
    """Read a team. Raises FileNotFoundError, or ValueError for files that are damaged or do not belong together."""
    folder = Path(folder)
    for name in ("team.json", "team.safetensors"):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} holds no team: {name} is missing")
    try:
        page = json.loads((folder / "team.json").read_text())
        if page["format"] != FORMAT:
            raise ValueError(f"format {page['format']!r}; this version reads {FORMAT}")
        tensors = load_file(folder / "team.safetensors")
        options = choose(rules(page["id"]), page["options"])
        if "code" in page:
            from agents.codes import CodeTeam  # which is a team itself

            return CodeTeam(page["id"], options, tensors["code"])
        if "plan" in page:
            network = build(Plan.of(page["plan"]))
            network.load_state_dict(tensors)
            return TalkingTeam(page["id"], options, network)
        policies: dict[str, Perceptron | ChannelPolicy] = {}
        for name, shape in page["policies"].items():
            policies[name] = ChannelPolicy.of(shape) if isinstance(shape, dict) else Perceptron(shape)
            own = {k.removeprefix(f"{name}."): t for k, t in tensors.items() if k.startswith(f"{name}.")}
            policies[name].load_state_dict(own)
        return Team(page["id"], options, policies)
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError) as reason:
        raise ValueError(f"the team in {folder} cannot be read: {reason}") from reason


def plain(options: Options) -> dict[str, Any]:
    """Options as JSON holds them: `choose` gives them back."""
    values = {key: value for key, value in asdict(options).items() if key not in ("bits", "channel") and value is not None}
    values["channel"] = options.link.fields() if isinstance(options.channel, Channel) else {}
    return {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in values.items()}
