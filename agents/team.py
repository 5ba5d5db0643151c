"""A trained team as it is deployed: one policy an agent, nothing of the trainer."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from agents.networks import Perceptron, choices, sample
from commenv.core.batch import Batch
from commenv.core.channel import Channel
from commenv.core.game import Options, choose
from commenv.games import rules

FORMAT = 1
"""Version of the files. It changes when what is written can no longer be read by older code."""


class Team:
    """One policy an agent; each reads its own observation and nothing else. Raises ValueError for policies that do not fit.

    Written as `team.json` (the game, its options, the shapes) and `team.safetensors` (the weights): loading executes no code.
    """

    def __init__(self, id: str, options: Options, policies: Mapping[str, Perceptron]) -> None:
        self.id, self.options, self.policies = id, options, dict(policies)
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

    def save(self, folder: str | Path) -> None:
        """Write both files, each at once: an interrupted run leaves the old ones or the new ones."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        shapes = {name: policy.sizes for name, policy in self.policies.items()}
        tensors = {
            f"{name}.{key}": tensor.contiguous()
            for name, policy in self.policies.items()
            for key, tensor in policy.state_dict().items()
        }
        save_file(tensors, folder / "team.safetensors.new")
        page = {"format": FORMAT, "id": self.id, "options": plain(self.options), "policies": shapes}
        (folder / "team.json.new").write_text(json.dumps(page, indent=1))
        for name in ("team.safetensors", "team.json"):
            os.replace(folder / f"{name}.new", folder / name)

    @classmethod
    def load(cls, folder: str | Path) -> "Team":
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
            policies = {}
            for name, sizes in page["policies"].items():
                policy = Perceptron(sizes)
                own = {k.removeprefix(f"{name}."): t for k, t in tensors.items() if k.startswith(f"{name}.")}
                policy.load_state_dict(own)
                policies[name] = policy
            return cls(page["id"], choose(rules(page["id"]), page["options"]), policies)
        except (ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError) as reason:
            raise ValueError(f"the team in {folder} cannot be read: {reason}") from reason


def plain(options: Options) -> dict[str, Any]:
    """Options as JSON holds them: `choose` gives them back."""
    values = {key: value for key, value in asdict(options).items() if key not in ("bits", "channel") and value is not None}
    values["channel"] = options.link.fields() if isinstance(options.channel, Channel) else {}
    return {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in values.items()}
