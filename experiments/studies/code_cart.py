"""Whether a cart can tell an image of 256 bits by how it balances its pole: soft Q-networks, coupled with the message.

Each seed trains a soft Q-network on CodeCart's dynamics; its Boltzmann policy at each temperature carries 32 parts of 256
values (Sokota et al. 2022; FIMEC). The weights of the first seed are written to cart.safetensors: those shipped in agents/exact
are a copy.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from agents.exact.cart import ID, cart_team, train_cart
from agents.exact.coding import tell as play
from commenv.core.game import choose
from commenv.games import rules
from experiments.files import Tell, write
from experiments.studies import Cell, Study, spread

GAMES = 40
TEMPERATURES = (0.25, 0.5, 1.0, 2.0)
NOISES = (0.0, 0.25)


def study(seeds: Sequence[int], folder: Path, tell: Tell) -> Study:
    networks: list[dict[str, np.ndarray]] = []
    total = len(seeds) + len(NOISES) * len(TEMPERATURES)
    for k, seed in enumerate(seeds):

        def told(update: int, k: int = k, seed: int = seed) -> None:
            tell(k, total, f"seed {seed}: update {update}")

        networks.append(train_cart(seed, told=told))
    write(folder / "cart.safetensors", lambda aside: save_file(networks[0], aside))
    rows: list[Sequence[Cell]] = []
    for noise in NOISES:
        options: Any = choose(rules(ID), {"noise": noise})
        for temperature in TEMPERATURES:
            tell(len(seeds) + len(rows), total, f"noise {noise:g}, {temperature:g}")
            found = [play(cart_team(options, temperature, network), GAMES) for network in networks]
            names = ("mdp_return", "correct", "bits_delivered")
            figures = [[float(getattr(one, name).mean()) for one in found] for name in names]
            rows.append([f"{noise:g}", f"{temperature:g}", *map(spread, figures)])
    notes = [f"Medians of {len(seeds)} networks, each over {GAMES} games, with the span of the networks; 256 bits are all of it."]
    columns_of = ["noise", "temperature", "steps of 500", "whole images named", "bits told"]
    return Study("An image through CartPole: exact agents with soft Q-networks", columns_of, rows, notes)
