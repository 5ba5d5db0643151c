"""commenv audit: a game by its id, or anybody's ParallelEnv as module:callable, and a table of what goes around the channel."""

from importlib import import_module
from typing import Any

from rich.table import Table

import commenv
from commenv.interfaces.audit import Audit, Finding, audit
from commenv.interfaces.metered import KNOWN, Metered
from commenv.interfaces.parallel import SimultaneousEnv


def audit_of(what: str, *, strict: bool = False, seeds: int = 4, steps: int = 12, **options: Any) -> Audit:
    """Audit a game by its id, or what a callable makes; options go to whichever makes it.

    What has no channel yet is put in `metered`, which takes over the communication of environments that it knows.
    Raises ValueError for an unknown id, or a callable that cannot be found or makes no ParallelEnv.
    """

    def make() -> Any:
        if ":" not in what:
            return commenv.make(what, **options)
        env = _callable(what)(**options)
        if isinstance(env, Metered | SimultaneousEnv):
            return env
        return commenv.metered(env, takes_over=getattr(env, "metadata", {}).get("name") in KNOWN)

    return audit(make, seeds=seeds, steps=steps, strict=strict)


def table(what: str, result: Audit) -> Table:
    """What was found, the gravest first; rewards last."""
    sees = f"acts show in {', '.join(sorted(result.seen))}" if result.seen else "nobody sees another act"
    verdict = "leaks" if result.leaks else "no leak"
    state = "" if result.exchanged else "; private state cannot be exchanged, what is shared was measured"
    shown = Table(title=f"{what}: {verdict}; {sees}{state}; {result.replays} games played", title_justify="left")
    for column in ("", "of", "what", "reaches", "in its", "places"):
        shown.add_column(column)
    shown.add_column("bits", justify="right")
    leaks = set(result.leaks)
    for finding in sorted((*result.findings, *result.rewards), key=lambda f: (f not in leaks, f.where == "reward", -f.bits)):
        mark = "LEAK" if finding in leaks else "paid" if finding.where == "reward" else "seen"
        row = mark, finding.source, finding.cause, finding.target, finding.where, _places(finding), f"{finding.bits:.3f}"
        shown.add_row(*row, style="red" if mark == "LEAK" else None)
    return shown


def _places(finding: Finding) -> str:
    shown = ", ".join(map(str, finding.places[:8]))
    return f"{shown}, ... ({len(finding.places)})" if len(finding.places) > 8 else shown


def _callable(what: str) -> Any:
    module, _, name = what.partition(":")
    try:
        made = getattr(import_module(module), name)
    except (ImportError, AttributeError) as reason:
        raise ValueError(f"{what!r} cannot be found: {reason}") from reason
    if not callable(made):
        raise ValueError(f"{what!r} is no callable that makes an environment")
    return made
