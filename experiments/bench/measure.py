"""Fair timing on a machine that others share: contenders take turns on one pinned core; CPU time; medians and their spread.

Absolute rates swing by a factor of two between runs: read the ratios, which are medians of what was timed side by side.
"""

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.table import Table

REPETITIONS = 7
LEAST = 0.002
"""Seconds that one call of a Play should take, so that reading the clock costs nothing."""

Play = Callable[[int], tuple[int, int]]
"""Plays so many rounds; returns env-steps and completed games."""
Speed = tuple[float, float]
"""Env-steps and completed games per second."""
Progress = Callable[[int, int, str], None]
"""Called with turns done, turns in all, and the name of whose turn it is."""
By = Literal["env-steps", "games"]


@dataclass(frozen=True, kw_only=True)
class Contender:
    """What is to be measured."""

    name: str
    prepare: Callable[[], Play]
    """Imports, builds and checks; not timed."""
    game: str = ""
    """Only contenders in the same game are compared."""
    batch: int = 1
    batched: bool = False
    """Whether it could be made of any batch: then it is compared only with peers of the same batch or of none."""
    by: By | None = None
    """None for ours; for a peer, what ours is compared with it by: `games` where a game takes another number of steps."""
    package: str = ""
    """Distribution that a peer comes in. If it cannot be imported, the peer's row says so and the bench goes on."""
    note: str = ""


@dataclass(frozen=True)
class Rate:
    """Median, least and most of the repetitions, per second of CPU time."""

    median: float
    min: float
    max: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """What was measured of one contender. The rates are None where a peer is not installed."""

    game: str
    name: str
    batch: int
    env_steps_per_second: Rate | None
    games_per_second: Rate | None
    ratio: dict[str, float]
    """How many times a peer's speed, by peer; empty for a peer itself."""
    by: By | None
    """For a peer: whether ratios to it are of env-steps or of completed games."""
    version: str | None
    """For a peer: version of its package."""
    note: str


@dataclass(frozen=True, kw_only=True)
class BenchResult:
    """What a bench found; `as_dict` is for files, `table` for a terminal."""

    bench: str
    rows: list[Row]
    seconds: float
    """CPU time a contender had, warm-up aside."""
    repetitions: int
    """Turns that every contender had; fewer than planned where the run was interrupted."""
    interrupted: bool
    machine: dict[str, str] = field(default_factory=lambda: {"python": platform.python_version(), "processor": processor()})

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def table(self) -> "Table":
        from rich import box
        from rich.table import Table
        from rich.text import Text

        peers = {row.name: row.by for row in self.rows if row.by and row.env_steps_per_second}
        title = f"{self.bench}: one thread, {self.repetitions} turns, {self.seconds:g} s each in all"
        notes = {f"{row.name}: {row.note}" for row in self.rows if row.note}
        caption = Text("\n".join(sorted(notes)))
        table = Table(title=title, caption=caption, caption_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("", no_wrap=True)
        for heading in ("batch", "env-\nsteps/s", "±", "games/s"):
            table.add_column(heading, justify="right", no_wrap=True)
        for peer, by in peers.items():
            heading = "\n".join([*peer.split(), f"({by.removeprefix('env-') if by else ''})"])
            table.add_column(heading, justify="right", no_wrap=True)
        game = ""
        for row in self.rows:
            if row.game != game:
                game = row.game
                table.add_section()
                table.add_row(Text(game.removesuffix("-v0").split("/")[-1], style="bold"))
            cells = [row.name, f"{row.batch:,}"]
            if (steps := row.env_steps_per_second) and (games := row.games_per_second):
                spread = (steps.max - steps.min) / steps.median / 2
                cells += [short(steps.median), f"{spread:.0%}", short(games.median)]
                cells += [times(row.ratio[peer]) if peer in row.ratio else "" for peer in peers]
            else:
                cells += ["absent"]
            table.add_row(*cells)
        return table


def measure(
    bench: str,
    contenders: Sequence[Contender],
    seconds: float,
    progress: Progress | None = None,
    *,
    repetitions: int = REPETITIONS,
) -> BenchResult:
    """Let the contenders take turns, `repetitions` each, until each has had `seconds` of CPU time.

    Raises ValueError unless `seconds` is positive. Ctrl-C ends the run and keeps the repetitions that all have finished.
    """
    if not seconds > 0:
        raise ValueError(f"seconds={seconds!r} is not allowed: it must be positive")
    tell = progress or (lambda done, total, name: None)
    absent: dict[str, str] = {}
    ready: list[tuple[str, Play, int]] = []
    finished: list[dict[str, Speed]] = []  # one entry a repetition, whole or not at all: ratios pair what was timed side by side
    interrupted = False
    done, total = 0, len(contenders) * (repetitions + 1)
    with one_core():
        for contender in contenders:
            tell(done, total, contender.name)
            done += 1
            try:
                play = contender.prepare()
            except ImportError as error:
                if not contender.package:
                    raise
                absent[label(contender)] = f"not installed: pip install {contender.package} ({error})"
                total -= repetitions
                continue
            ready.append((label(contender), play, warm(play, seconds / 10)))
        try:
            for _ in range(repetitions):
                turns = {}
                for key, play, rounds in ready:
                    tell(done, total, key)
                    done += 1
                    turns[key] = turn(play, rounds, seconds / repetitions)
                finished.append(turns)
        except KeyboardInterrupt:
            if not finished:
                raise
            interrupted = True
    tell(total, total, bench)
    speeds = {key: [turns[key] for turns in finished] for key, _, _ in ready}
    rows = [row(contender, contenders, speeds, absent) for contender in contenders]
    return BenchResult(bench=bench, rows=rows, seconds=seconds, repetitions=len(finished), interrupted=interrupted)


def measure_by_game(
    bench: str,
    contenders: Sequence[Contender],
    seconds: float,
    progress: Progress | None = None,
    *,
    repetitions: int = REPETITIONS,
) -> BenchResult:
    """`measure`, one game after the other: contenders in the same game take turns, and its memory is given back after it."""
    games = list(dict.fromkeys(contender.game for contender in contenders))
    found: list[BenchResult] = []
    before, total = 0, len(contenders) * (repetitions + 1)
    for game in games:
        own = [contender for contender in contenders if contender.game == game]

        def tell(done: int, _: int, name: str, before: int = before, game: str = game) -> None:
            if progress:
                progress(before + done, total, f"{game} {name}")

        try:
            found.append(measure(bench, own, seconds, tell, repetitions=repetitions))
        except KeyboardInterrupt:
            if not found:
                raise
            found[-1] = replace(found[-1], interrupted=True)
        if found[-1].interrupted:
            break
        before += len(own) * (repetitions + 1)
    if progress:
        progress(total, total, bench)
    rows = [row for result in found for row in result.rows]
    least = min(result.repetitions for result in found)
    return BenchResult(bench=bench, rows=rows, seconds=seconds, repetitions=least, interrupted=found[-1].interrupted)


def choose(game: str | None, games: Iterable[str]) -> list[str]:
    """One game, or all. Raises ValueError for one that is not there."""
    known = list(games)
    if game is not None and game not in known:
        raise ValueError(f"game={game!r} is not allowed: it must be one of {', '.join(known)}")
    return known if game is None else [game]


def warm(play: Play, seconds: float) -> int:
    """Play for so long; returns how many rounds a call should play to take LEAST seconds."""
    rounds, begin = 1, time.process_time()
    while True:
        start = time.process_time()
        play(rounds)
        now = time.process_time()
        if now - start < LEAST:
            rounds *= 2
        elif now - begin >= seconds:
            return rounds


def turn(play: Play, rounds: int, seconds: float) -> Speed:
    """Env-steps and games per second of CPU time, which, unlike the wall clock, leaves out what neighbours take."""
    steps = games = 0
    begin = now = time.process_time()
    while now - begin < seconds:
        more_steps, more_games = play(rounds)
        steps, games = steps + more_steps, games + more_games
        now = time.process_time()
    return steps / (now - begin), games / (now - begin)


def row(
    contender: Contender,
    contenders: Sequence[Contender],
    speeds: dict[str, list[Speed]],
    absent: dict[str, str],
) -> Row:
    ours = speeds.get(label(contender))
    ratio = {}
    for peer in contenders:
        theirs = speeds.get(label(peer))
        alike = contender.game == peer.game and (not peer.batched or contender.batch == peer.batch)
        fair = peer.by and not contender.by and alike
        if fair and theirs and ours:
            column = 0 if peer.by == "env-steps" else 1
            ratio[peer.name] = statistics.median(a[column] / b[column] for a, b in zip(ours, theirs, strict=True))
    return Row(
        game=contender.game,
        name=contender.name,
        batch=contender.batch,
        env_steps_per_second=rate([steps for steps, _ in ours]) if ours else None,
        games_per_second=rate([games for _, games in ours]) if ours else None,
        ratio=ratio,
        by=contender.by,
        version=installed(contender.package),
        note=absent.get(label(contender), contender.note),
    )


def rate(values: Sequence[float]) -> Rate:
    return Rate(statistics.median(values), min(values), max(values))


def label(contender: Contender) -> str:
    return f"{contender.name} x {contender.batch:,}" if contender.batched or not contender.by else contender.name


def installed(package: str) -> str | None:
    try:
        return version(package) if package else None
    except PackageNotFoundError:
        return None


def short(value: float) -> str:
    """Three digits and a unit: 12.3 M."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g}"


def times(ratio: float) -> str:
    """Three digits and a cross: 12.3x."""
    return f"{ratio:,.0f}x" if ratio >= 100 else f"{ratio:.3g}x"


def processor() -> str:
    """The processor's name, as well as the system tells it."""
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


@contextmanager
def one_core() -> Iterator[None]:
    """Hold this thread to one core where the system can, and give it back what it had."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
