"""Teams made by hand: the speaker says code[state], the listener answers reply[symbol]; and teams before any training."""

from pathlib import Path

import numpy as np
import torch

import commenv
from agents import Team
from agents.networks import Perceptron
from experiments.files import write_json
from experiments.options import chosen

ID = "messaging/referential-v0"


def table(rows: np.ndarray) -> Perceptron:
    """A network of one layer that looks up a row for each one-hot input: rows [inputs, outputs]."""
    network = Perceptron([len(rows), rows.shape[1]])
    network.layers[0].weight.data = torch.from_numpy(rows.T.astype(np.float32))
    return network


def coded(code: list[int], reply: list[int], **options: object) -> Team:
    chosen_options = chosen(ID, options)
    M, A = chosen_options.link.size, chosen_options.table.shape[1]
    answers = np.eye(A)[[*reply, 0]]  # an erasure is answered by 0
    return Team(ID, chosen_options, {"sender": table(np.eye(M)[code]), "receiver": table(answers)})


def untrained(seed: int, **options: object) -> Team:
    torch.manual_seed(seed)
    batch = commenv.make_batch(ID, 1, **options)
    sizes = {n: [s.shape[0], 16, batch.choices(n)] for n, s in batch.observation_spaces.items()}
    return Team(ID, batch.options, {name: Perceptron(size, last_scale=1) for name, size in sizes.items()})


def finished(team: Team, folder: Path, seed: int, **page: object) -> dict:
    """A folder as a finished run leaves it; returns its run.json."""
    team.save(folder)
    options = {"bits": team.options.bits, **page.pop("options", {})}
    page = {"id": ID, "options": options, "seed": seed, "learn": "differentiable", "total_steps": 4096, **page}
    page |= {"iterations": 1, "interruptions": 0, "seconds": 1.0, "games": 2048, "status": "finished"}
    write_json(folder / "run.json", page)
    return page
