"""What F1 do sensors' bits buy a centre, by information filling, by the best code found, and at most?

Scenes of messaging/perception: the default, a row of cells that are seen from further away, and one in which sensors and centre
see the same. Figures are sums over all maps and readings: exact for the codes named, which are the best found.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from commenv.games.messaging.perception import Options
from experiments.files import Tell, silent
from experiments.studies import Study

SCENES: dict[str, dict[str, Any]] = {
    "2 x 3, default": {},
    "1 x 6, seen further": {"rows": 1, "columns": 6, "noise": (0.05, 0.1, 0.25)},
    "2 x 2, all seen by all": {"columns": 2, "noise": (0.2, 0.25)},
}
BITS = (0, 1, 2, 3, 4)


def study(seeds: Sequence[int], folder: Path, tell: Tell = silent) -> Study:
    rows = []
    for k, (name, options) in enumerate(SCENES.items()):
        scene = Options(**options).scene
        for j, bits in enumerate(BITS):
            tell(k * len(BITS) + j, len(SCENES) * len(BITS), f"{name}, {bits} bits")
            W = np.eye(2**bits)
            filling, best = scene.filling(W).value, scene.best_code(W).value
            room = best - scene.silent
            share = None if room < 1e-12 else round((filling - scene.silent) / room, 4)
            rows.append([name, bits, *(round(v, 6) for v in (scene.silent, filling, best, scene.all_told)), share])
    columns = ["scene", "bits a sensor", "silent", "information filling", "best code found", "all readings", "filling's share"]
    notes = [
        "Mean F1 of the best maps; two sensors, density .3. Filling's share is of what the best code found gains over silence. "
        "Nothing is learned or drawn: seeds change nothing.",
    ]
    return Study("F1 of detection against bits", columns, rows, notes)
