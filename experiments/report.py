"""One page of everything that was measured: experiments/results/README.md, made from the files that stand beside it.

Each folder holds a frontier.json, a results.json (a recipe over seeds) or a study.json, and each of those says which command
made it.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from experiments.files import read_json, write
from experiments.frontier import PAGE, summary
from experiments.studies import STUDY

RESULTS = Path(__file__).parent / "results"
HEAD = """# What has been measured

Made by `commenv report` from the files in these folders; each says which command made it, and holds every seed. Efficiency is
(reward - silent) / (reachable - silent); in brackets stands the worst seed. Rewards are sums over every situation of the game, or
means over games played where those are too many. What fell short is here as well.
"""


def page(results: Path = RESULTS) -> str:
    """The page in Markdown. Raises ValueError for a file that is damaged."""
    parts = [HEAD, *_frontiers(results), *_recipes(results), *_studies(results)]
    return "\n".join(parts).rstrip() + "\n"


def report(results: Path = RESULTS) -> Path:
    """Write the page into the folder of the results."""
    path = results / "README.md"
    write(path, page(results))
    return path


def _read(results: Path, name: str, kinds: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(results.glob(f"*/{name}")):
        yield path.parent.name, read_json(path, kinds) or {}


def _frontiers(results: Path) -> Iterator[str]:
    rows = []
    for name, found in _read(results, "frontier.json", {**PAGE, "points": list}):
        for row in summary(found):
            share = None if row["efficiency"] is None else f"{row['efficiency']:.3f} ({row['worst_efficiency']:.3f})"
            figures = [f"{row[key]:.4f}" for key in ("reward", "silent", "reachable", "ceiling")]
            rows.append([f"[{name}]({name})", found["id"], row["bits"], row["seeds"], *figures, share])
    if rows:
        yield "## Frontiers: reward at every rate\n"
        yield from table(["results", "game", "bits", "seeds", "reward", "silent", "reachable", "ceiling", "efficiency"], rows)


def _recipes(results: Path) -> Iterator[str]:
    rows = []
    for name, found in _read(results, "results.json", {"recipe": dict, "summary": dict}):
        said = found["summary"]
        spans = [said.get(key) for key in ("reward", "efficiency", "success", "steps")]
        cells = [None if span is None else f"{span['median']:.3f} ({span['least']:.3f} to {span['most']:.3f})" for span in spans]
        rows.append([f"[{name}]({name})", found["recipe"]["id"], said["seeds"], *cells])
    if rows:
        yield "## Recipes: median (least to most) of the seeds\n"
        yield from table(["results", "game", "seeds", "reward", "efficiency", "success", "steps"], rows)


def _studies(results: Path) -> Iterator[str]:
    for name, found in _read(results, "study.json", STUDY):
        yield f"## {found['title']}\n"
        yield f"[{name}]({name}), seeds {', '.join(map(str, found['seeds']))}: `{found['command']}`\n"
        yield from table(found["columns"], found["rows"])
        yield from (f"{note}\n" for note in found["notes"])
        yield from (f"![{found['title']}]({name}/{drawn.name})\n" for drawn in sorted((results / name).glob("*.png")))


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    """Lines of a Markdown table, and an empty one."""
    for cells in (columns, ["---"] * len(columns), *rows):
        yield "| " + " | ".join(_cell(cell) for cell in cells) + " |"
    yield ""


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "\\|")
