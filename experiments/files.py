"""What is written to disk: each file at once, so that an interrupted run leaves the old one or the new one."""

import json
import os
import platform
import shlex
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import UnionType
from typing import Any

Tell = Callable[[int, int, str], None]
"""Told how far work has come: done, total, and what is being done."""


def silent(done: int, total: int, what: str) -> None:
    """A Tell for those who do not listen."""


def write(path: Path, content: str | Callable[[Path], Any]) -> None:
    """Write text, or let a function write a file, aside; then put it in its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".new")
    if callable(content):
        content(aside)
    else:
        aside.write_text(content)
    os.replace(aside, path)


def write_json(path: Path, page: Any) -> None:
    write(path, json.dumps(page, indent=1, allow_nan=False) + "\n")


Kinds = Mapping[str, type | UnionType]
"""What a page must hold, and of which type."""


def read_json(path: Path, kinds: Kinds | None = None) -> dict[str, Any] | None:
    """A page that was written, or None where there is none. Raises ValueError for one that is damaged, or not of these kinds."""
    if not path.is_file():
        return None
    try:
        page = json.loads(path.read_text())
    except ValueError as reason:
        raise ValueError(f"{path} is damaged: {reason}") from reason
    if not isinstance(page, dict):
        raise ValueError(f"{path} is damaged: it holds no object")
    for name, kind in (kinds or {}).items():
        if name not in page:
            raise ValueError(f"{path} is damaged: it has no {name!r}")
        if not isinstance(page[name], kind):
            raise ValueError(f"{path} is damaged: {name}={page[name]!r}")
    return page


def not_a_file(folder: Path) -> None:
    """Raises NotADirectoryError where a file stands in the way of a folder."""
    for part in (folder, *folder.parents):
        if part.exists() and not part.is_dir():
            raise NotADirectoryError(f"{part} is a file: choose another --out")


def versions() -> dict[str, str | None]:
    """Of Python and of what results depend on."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in ("commenv", "numpy", "numba", "torch", "ray"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def command_line() -> str:
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
