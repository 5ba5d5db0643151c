"""What a user sees: results on stdout, as tables or as JSON; progress, news and refusals on stderr."""

import json
import statistics
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from experiments.files import Tell

PATIENCE = 1.0
"""Seconds of silence after which a wait is explained."""


def out() -> Console:
    return Console(file=sys.stdout, highlight=False)


def err() -> Console:
    return Console(file=sys.stderr, highlight=False)


@contextmanager
def refusals(stopped: Callable[[], str] = lambda: "Stopped.") -> Iterator[None]:
    """Bad input becomes one sentence and exit code 2; Ctrl-C one sentence and 130. Anything else is a bug, and shows itself.

    stopped: what to say after Ctrl-C. A reader that leaves early (`commenv list | head -1`) is left to click: exit code 1.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as reason:
        words = f"{reason.filename}: {reason.strerror}" if reason.filename and reason.strerror else reason
        print(f"commenv: {words}", file=sys.stderr)
        raise typer.Exit(2) from None
    except ValueError as reason:
        print(f"commenv: {reason}", file=sys.stderr)
        raise typer.Exit(2) from None
    except ImportError as reason:
        print(f"commenv: {_missing(reason)}", file=sys.stderr)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        print(stopped(), file=sys.stderr)
        raise typer.Exit(130) from None


def _missing(reason: ImportError) -> str:
    """What to do about it, in a sentence; raises it again where it is our own fault."""
    if reason.name == "agents":
        found = getattr(sys.modules.get("agents"), "__file__", None)
        return (
            f"another package called agents (openai-agents?) is found before commenv's, at {found}: keep them in two environments"
        )
    if reason.name in ("torch", "ray", "safetensors"):
        return f"this needs {reason.name}: pip install 'commenv[train]'"
    raise reason


@contextmanager
def progress(what: str) -> Iterator[tuple[Tell, Callable[[str], None]]]:
    """Progress on stderr: a Tell, and a function that says a line. A bar on a terminal; elsewhere a line every tenth."""
    console = err()
    if not console.is_terminal:
        tenths = -1

        def count(done: int, total: int, what: str) -> None:
            nonlocal tenths
            if 10 * done // total > tenths:
                tenths = 10 * done // total
                say(f"{10 * tenths:3} %  {what}")

        def say(line: str) -> None:
            print(line, file=sys.stderr, flush=True)

        yield count, say
        return
    columns = TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)

        def tell(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what)

        yield tell, bar.console.print


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Where work cannot tell how far it has come: a spinner on a terminal; elsewhere a line, if it takes long."""
    console = err()
    if console.is_terminal:
        with console.status(what):
            yield
        return
    timer = threading.Timer(PATIENCE, lambda: print(f"{what} ...", file=sys.stderr, flush=True))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def show(page: Any, as_json: bool, *tables: Table | str) -> None:
    if as_json:
        print(json.dumps(page, indent=1, allow_nan=False), flush=True)  # a broken pipe shows itself here, not at exit
        return
    for table in tables:
        out().print(table)


def table(title: str, *headings: str, left: int = 1) -> Table:
    """A table whose first columns hold words and whose others hold numbers."""
    width = min(len(title), out().width)
    made = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), min_width=width)
    for k, heading in enumerate(headings):
        made.add_column(heading, justify="left" if k < left else "right", no_wrap=k == 0 or k >= left)
    return made


def figure(value: float | None, digits: int = 4) -> str:
    """A number for a table; nothing where there is none."""
    return "" if value is None else f"{value:.{digits}f}"


def uncertain(value: float | None, error: float | None) -> str:
    """A number with its standard error, where it has one."""
    return figure(value) + (f" ± {error:.4f}" if error else "")


# -------------------------------------------------------------------------------------------------------------- the tables
def limits_table(title: str, limits: dict[str, dict[str, Any]]) -> Table:
    made = table(title, "limit", "source", "", "reward a game", left=3)
    for name, limit in limits.items():
        tight = "tight bound" if name == "ceiling" else "exact"
        made.add_row(name, limit["source"], tight if limit["exact"] else "bound", f"{limit['value']:.9g}")
    made.caption = "Silent and reachable are attained where exact; the ceiling is what no code can exceed."
    made.caption_justify = "left"
    return made


def run_table(page: dict[str, Any]) -> Table:
    made = table(f"{page['id']}, seed {page['seed']}: {page['status']}", "", "", left=1)
    for key in ("learn", "total_steps", "iterations", "games", "seconds", "interruptions"):
        made.add_row(key.replace("_", " "), str(page[key]))
    return made


def repeats_table(title: str, page: dict[str, Any]) -> Table:
    """A row a seed, and their median. What teams say over a graph passes no channel of the game, and is told a step."""
    said = [point["talk"]["sent_bits"] if point.get("talk") else None for point in page["points"]]
    talks = bool(said) and None not in said
    bits = said if talks else [point["entropy_bits"] for point in page["points"]]
    middle = {name: spread["median"] if isinstance(spread, dict) else None for name, spread in page["summary"].items()}
    middle["bits"] = statistics.median(said) if talks else middle["entropy_bits"]
    headings = ("reach-\nable", "effi-\nciency", "suc-\ncess", "steps", "bits a\nstep" if talks else "bits\nsent", "sec-\nonds")
    made = table(title, "seed", "reward", "silent", *headings)
    for point, sent in zip(page["points"], bits, strict=True):
        made.add_row(
            str(point["seed"]),
            uncertain(point["reward"], point["standard_error"]),
            *(figure(point[key], 3) for key in ("silent", "reachable")),
            *(figure(point.get(key), 3) for key in ("efficiency", "success")),
            *(figure(value, 2) for value in (point.get("steps"), sent)),
            figure(point["seconds"], 0),
        )
    made.add_row(
        "median",
        figure(middle["reward"]),
        *("", ""),
        *(figure(middle.get(key), 3) for key in ("efficiency", "success")),
        *(figure(middle.get(key), 2) for key in ("steps", "bits")),
        figure(middle["seconds"], 0),
    )
    return made


def frontier_tables(title: str, rows: Sequence[dict[str, Any]], checks: Sequence[dict[str, Any]]) -> list[Table | str]:
    headings = (
        "bits",
        "seeds",
        "reward",
        "worst",
        "best\nteam",
        "best\ncode",
        "effi-\nciency",
        "\nworst",
        "bits\nsent",
        "bits\ntold",
    )
    made = table(title, *headings, left=0)
    for row in rows:
        rewards = [figure(row[key]) for key in ("reward", "worst", "reachable", "ceiling")]
        shares = [figure(row[key], 3) for key in ("efficiency", "worst_efficiency")]
        bits = [figure(row[key], 3) for key in ("entropy_bits", "mutual_information_bits")]
        made.add_row(str(row["bits"]), str(row["seeds"]), *rewards, *shares, *bits)
    made.caption = (
        "Medians over seeds, a game. Best team: reachable; best code: ceiling; efficiency: from silence (0) to reachable (1).\n"
        "Bits sent: entropy, silence included; bits told: mutual information of state and delivered message."
    )
    made.caption_justify = "left"
    passed = sum(check["passed"] for check in checks)
    if not checks:
        return [made]
    verdict = "passed" if passed == len(checks) else "FAILED"
    return [made, f"check that {checks[0]['check']}: {verdict} ({passed} of {len(checks)} seeds)"]


def rank_tables(page: dict[str, Any]) -> list[Table | str]:
    """A row a team: its share in each population; then the profiles of most mass."""
    populations, names = page["populations"], page["teams"]
    shares = table(f"Shares of the time, {page['matches']}", "team", *(f"as {name}" for name in populations))
    for k in sorted(range(len(names)), key=lambda k: -sum(page["shares"][name][k] for name in populations)):
        shares.add_row(names[k], *(figure(page["shares"][name][k]) for name in populations))
    profiles = table("Profiles of most mass", *populations, "payoff", "mass", "from", "to", left=2)
    found = sorted(((page["mass"][a][b], a, b) for a in range(len(names)) for b in range(len(names))), reverse=True)
    for mass, a, b in found[:10]:
        bounds = (figure(page[key][a][b]) for key in ("mass_low", "mass_high"))
        profiles.add_row(names[a], names[b], figure(page["payoffs"][0][a][b]), figure(mass), *bounds)
    known = "payoffs are exact" if page["exact"] else f"{page['games']:,} games, {page['unresolved']} comparisons not sure"
    return [shares, profiles, known]


def study_table(page: dict[str, Any]) -> Table:
    """What a study found; columns of words stand to the left."""
    words = [all(isinstance(cell, str) for cell in column) for column in zip(*page["rows"], strict=True)]
    left = words.index(False) if False in words else len(page["columns"])
    made = table(page["title"], *page["columns"], left=left)
    for column, cells in zip(made.columns[:left], zip(*page["rows"], strict=True), strict=False):
        column.min_width = max(len(word) for cell in cells for word in cell.split())
    for row in page["rows"]:
        made.add_row(*(f"{cell:.4g}" if isinstance(cell, float) else "" if cell is None else str(cell) for cell in row))
    return made


def evaluation_tables(page: dict[str, Any]) -> list[Table | str]:
    """One team over its own channel in full; several, or other channels, as a train x test matrix."""
    found = page["evaluations"]
    if len(found) == 1:
        return [_one(found[0]), communication_table(found[0]["communication"])]
    names = [_channel(channel) or "as trained" for channel in page["channels"]]
    made = table(f"{found[0]['id']}: reward a game (efficiency) over", "team", *names)
    for name in dict.fromkeys(cell["team"] for cell in found):
        made.add_row(name, *(_cell(cell) for cell in found if cell["team"] == name))
    return [made]


def _one(found: dict[str, Any]) -> Table:
    how = "exact" if found["exact"] else f"{found['games_evaluated']:,} games"
    made = table(f"{found['id']} ({how})", "a game", "")
    made.add_row("reward", uncertain(found["reward"], found["standard_error"]))
    for key in (
        "silent",
        "reachable",
        "ceiling",
        "efficiency",
        "capacity_bits",
        "payload_bits",
        "entropy_bits",
        "reward_per_bit",
    ):
        made.add_row(key.replace("_", " "), figure(found[key]))
    told = found["mutual_information_bits"], found["mutual_information_standard_error"]
    made.add_row("I(state; delivered) bits", uncertain(*told))
    for key in ("success", "steps"):
        if found[key] is not None:
            made.add_row(key, figure(found[key]))
    for key, value in (found["figures"] or {}).items():
        made.add_row(key.replace("_", " "), figure(value))
    for key, value in (found["talk"] or {}).items():
        made.add_row(f"{key.replace('_', ' ')} (a step)" if "message" not in key else key.replace("_", " "), figure(value))
    return made


def communication_table(found: dict[str, float | None]) -> Table:
    """What messages do; what does not apply is left out."""
    made = table(f"what messages do ({found['games']:,} games, played three times)", "", "")
    told = [key for key in found if key != "games" and not key.endswith("_standard_error") and found[key] is not None]
    for key in told:
        made.add_row(key.replace("_", " "), uncertain(found[key], found.get(f"{key}_standard_error")))
    return made


def _cell(found: dict[str, Any]) -> str:
    share = "" if found["efficiency"] is None else f" ({found['efficiency']:.3f})"
    return uncertain(found["reward"], found["standard_error"]) + share


def _channel(fields: dict[str, Any]) -> str:
    return ",".join(f"{key}={value}" for key, value in fields.items())


def cross_tables(page: dict[str, Any]) -> list[Table | str]:
    made: list[Table | str] = []
    for symbols in dict.fromkeys(pair["symbols"] for pair in page["pairs"]):
        pairs = [pair for pair in page["pairs"] if pair["symbols"] == symbols]
        listeners = list(dict.fromkeys(pair["listener"] for pair in pairs))
        head = f"{symbols} symbols: reward a game of speakers (rows) with listeners (columns)"
        matrix = table(head, "", *listeners)
        for speaker in dict.fromkeys(pair["speaker"] for pair in pairs):
            row = [pair for pair in pairs if pair["speaker"] == speaker]
            matrix.add_row(speaker, *(uncertain(pair["reward"], pair["standard_error"]) for pair in row))
        made.append(matrix)
    return made
