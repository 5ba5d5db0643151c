"""Questions that are neither a frontier nor a recipe: each a module here, asked by `commenv study NAME`.

A module defines study(seeds, folder, tell) -> Study; the first line of its docstring says what it asks. It may keep in the folder
what it has finished, so that a study that was stopped goes on, and draw figures there.
study.json in the folder holds the table, with the command and the commit that made it.
"""

import pkgutil
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from commenv.core.errors import bad
from experiments.files import Kinds, Tell, command_line, not_a_file, silent, versions, write_json
from experiments.repeats import commit

Cell = str | int | float | None
STUDY: Kinds = {"title": str, "columns": list, "rows": list, "notes": list, "command": str, "seeds": list}
"""What is read of study.json."""


@dataclass(frozen=True)
class Study:
    """What a study found. Raises ValueError for a row that does not fit the columns."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()
    """What a reader must know to read the table, and what fell short: sentences."""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row of {len(row)} cells does not fit the {len(self.columns)} columns of {self.title!r}")


FRONTIERS = {"coding/code_maze-v0": "code_maze"}
"""Games whose frontier is that of exact agents, over other things than bits a message: `commenv frontier` asks their study."""


def names() -> list[str]:
    """Every study: the modules of this folder."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def asks(name: str) -> str:
    """The first line of a study's docstring."""
    return (import_module(f"{__name__}.{name}").__doc__ or "").partition("\n")[0]


def run(name: str, seeds: Sequence[int], folder: Path, tell: Tell = silent) -> dict[str, Any]:
    """Ask a study and write its study.json. Raises ValueError for a name that is none."""
    if name not in names():
        raise bad("study", name, f"one of {', '.join(names())}")
    not_a_file(folder)
    begun = time.monotonic()
    found = import_module(f"{__name__}.{name}").study(list(seeds), folder, tell)
    page = {
        "study": name,
        "command": command_line(),
        "commit": commit(),
        "versions": versions(),
        "seeds": list(seeds),
        "seconds": round(time.monotonic() - begun, 1),
        "title": found.title,
        "columns": list(found.columns),
        "rows": [list(row) for row in found.rows],
        "notes": list(found.notes),
    }
    write_json(folder / "study.json", page)
    return page


def spread(values: Sequence[float], digits: int = 3) -> str:
    """Median over seeds and, where there are several, the span from least to most.

    >>> spread([.5, .75, .625]), spread([1]), spread([-1e-9])
    ('0.625 (0.500-0.750)', '1.000', '0.000')
    """
    middle, least, most = (
        f"{round(value, digits) + 0.0:.{digits}f}"  # a hair below zero is no -0.000
        for value in (statistics.median(values), min(values), max(values))
    )
    return middle if len(values) == 1 else f"{middle} ({least}-{most})"
