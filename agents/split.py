"""The wire test: a team that was trained as one becomes N agents that hold their own networks and exchange bytes alone.

A step of every agent: `see` its observation; then, a round at a time, `control` (what the graph has everybody broadcast),
`told` the controls of the others, `say` a message, `hear` those that were sent to it; then `act`. Who is absent says nothing.
That somebody is there at all, `present`, is known and not paid for, as it is in the games: a car that puts nothing on the air.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from agents.graph_team import GraphTeam, Mind, Plan, build
from agents.wire import Packed, pack, unpack


class LoneAgent:
    """One agent of a team. It holds one mind, its own, and the team's conventions: the bottleneck and the graph.

    Raises ValueError for bytes that are no message of its team.
    """

    def __init__(self, plan: Plan, index: int, tensors: Mapping[str, Tensor]) -> None:
        """tensors: those of a team whose one mind is this agent's."""
        self.plan, self.index = plan, index
        alone = build(replace(plan, separate=False))
        alone.load_state_dict(dict(tensors))
        self._networks, self._mind = alone, cast(Mind, alone.minds[0])
        self._graph, self._bottleneck = alone.graph, alone.bottleneck
        self._refused, self._longest, self._agents = alone.refused[index], alone.longest, alone.agents
        self._state = torch.zeros(alone.keeps)
        graph = self._graph
        whole = graph.control_bits == graph.controls
        self._control_alphabet = (2,) * graph.controls if whole else (2**32,) * graph.controls

    @classmethod
    def of(cls, team: GraphTeam, index: int) -> "LoneAgent":
        """One agent of this team, with copies of what it needs and no more."""
        own = f"minds.{index if len(team.minds) > 1 else 0}."
        tensors = {
            key.replace(own, "minds.0.", 1): t.clone()
            for key, t in team.state_dict().items()
            if key.startswith(own) or not key.startswith("minds.")
        }
        return cls(team.plan, index, tensors)

    def save(self, path: str | Path) -> None:
        """Write one file of safetensors, at once; its plan and index stand in the file's metadata. Loading executes no code."""
        path, page = Path(path), {"index": self.index, "plan": self.plan.as_dict()}
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(path.name + ".new")
        save_file({key: t.contiguous() for key, t in self._networks.state_dict().items()}, aside, {"agent": json.dumps(page)})
        os.replace(aside, path)

    @classmethod
    def load(cls, path: str | Path) -> "LoneAgent":
        """Read what `save` wrote. Raises FileNotFoundError, or ValueError for a file that is damaged or something else."""
        if not Path(path).is_file():
            raise FileNotFoundError(f"{path} holds no agent: there is no such file")
        try:
            with safe_open(path, framework="pt") as file:
                page = json.loads((file.metadata() or {})["agent"])
                return cls(Plan.of(page["plan"]), page["index"], {key: file.get_tensor(key) for key in file.keys()})  # noqa: SIM118
        except (ValueError, KeyError, TypeError, IndexError, RuntimeError, SafetensorError) as reason:
            raise ValueError(f"the agent in {path} cannot be read: {reason}") from reason

    @property
    def name(self) -> str:
        return self.plan.names[self.index]

    @torch.no_grad()
    def see(self, observation: np.ndarray, fresh: bool) -> None:
        """Begin a step with the own observation [w]; fresh: whether it is the first of a game."""
        seen = torch.zeros(self._longest)
        seen[: len(observation)] = torch.from_numpy(np.asarray(observation, np.float32))
        self.present = bool((seen != 0).any())
        if self.plan.identities:
            own = torch.zeros(self._agents)
            own[self.index] = float(self.present)
            seen = torch.cat([seen, own])
        state = torch.zeros_like(self._state) if fresh else self._state
        self._perceived, self._state = self._mind.perceive(seen, state)
        self._hidden, self._round = self._perceived, 0

    @torch.no_grad()
    def control(self) -> Packed | None:
        """What the graph has this agent broadcast before the messages of a round; None: nothing, or nobody is there to hear."""
        self._control = self._graph.control(self._hidden.unsqueeze(0))[0]
        if not self.present or not self._graph.controls:
            return None
        return pack(self._digits(self._control).unsqueeze(0).numpy(), self._control_alphabet)

    @torch.no_grad()
    def told(self, controls: Mapping[int, bytes], present: Mapping[int, bool]) -> None:
        """The controls of the others, by index, and who of them is there."""
        own = [self._control if i == self.index else torch.zeros_like(self._control) for i in range(self._agents)]
        for i, payload in controls.items():
            own[i] = self._numbers(torch.from_numpy(unpack(payload, self._control_alphabet, 1)[0]))
        there = torch.tensor([self.present if i == self.index else bool(present[i]) for i in range(self._agents)])
        self._controls = torch.stack(own)
        self._links = self._graph.schedule(self._controls, there)

    @property
    def listeners(self) -> list[int]:
        """To whom this agent's message goes."""
        return self._links[:, self.index].nonzero().flatten().tolist()

    @property
    def speakers(self) -> list[int]:
        """Whose messages come to this agent."""
        return self._links[self.index].nonzero().flatten().tolist()

    @torch.no_grad()
    def say(self) -> Packed | None:
        """The message of this round; None if nobody listens."""
        if not self.listeners:
            return None
        return pack(self._bottleneck(self._hidden).symbols.unsqueeze(0).numpy(), self._bottleneck.alphabet)

    @torch.no_grad()
    def hear(self, messages: Mapping[int, bytes]) -> None:
        """The messages of this round, by index of the speaker, and what this agent makes of them."""
        if sorted(messages) != self.speakers:
            raise ValueError(f"{self.name} heard agents {sorted(messages)}, but its links are from {self.speakers}")
        read = torch.zeros(self._agents, self._bottleneck.reads)
        for i, payload in messages.items():
            read[i] = self._bottleneck.read(torch.from_numpy(unpack(payload, self._bottleneck.alphabet, 1)[0]))
        own = self._links[self.index].unsqueeze(0)
        gathered = self._graph.gather(self._hidden.unsqueeze(0), read, own, self._controls)[0]
        self._hidden = self._mind.update(self._round, self._hidden, gathered)
        self._round += 1
        if self._round == self.plan.rounds:
            self._state = self._mind.listened(self._hidden, self._state)

    @torch.no_grad()
    def act(self) -> tuple[int, ...]:
        """Its likeliest action, a number for each component."""
        logits = self._mind.act(self._perceived, self._hidden).unflatten(-1, self.plan.components)
        chosen = logits.masked_fill(self._refused, -torch.inf).argmax(-1).tolist()
        return tuple(chosen[: len(self.plan.choices[self.index])])

    def _digits(self, control: Tensor) -> Tensor:
        if self._control_alphabet[0] == 2:
            return control.long()
        return control.float().view(torch.int32).long() & 0xFFFFFFFF

    def _numbers(self, digits: Tensor) -> Tensor:
        if self._control_alphabet[0] == 2:
            return digits.to(torch.get_default_dtype())
        return (digits - ((digits >> 31) << 32)).to(torch.int32).view(torch.float32)
