"""Teams ranked by evolution: which speakers and listeners, or which whole teams, would stay (solvers/alpha_rank.py).

rank.json       payoffs, their bounds, the masses and what they may be; the command that made it
rank.png        the response graph: an arrow from a profile to a better response, dots as large as their mass
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from commenv.core.batch import Batch
from commenv.core.errors import bad, whole
from commenv.games import rules
from commenv.solvers import alpha_rank as evolution
from commenv.solvers.response_graph import ResponseGraph, ranking_intervals, response_graph
from experiments.comparisons import crossed, teams
from experiments.evaluation import enumerated
from experiments.files import Tell, command_line, silent, versions, write, write_json
from experiments.options import differing

if TYPE_CHECKING:
    from agents.team import Deployed

MATCHES = ("partners", "rivals")
MOST_TEAMS = 24
DRAWN = 40
"""Profiles beyond which only those of most mass are drawn."""


@dataclass(frozen=True)
class Tournament:
    """What was played: two populations, their names, and what is known of their payoffs."""

    populations: tuple[str, str]
    strategies: tuple[str, ...]
    graph: ResponseGraph
    exact: bool
    """Whether payoffs are sums over every situation; then their bounds are themselves."""


def contestants(places: Sequence[str]) -> dict[str, "Deployed"]:
    """Teams by name from folders (a run, or all teams of a frontier or a recipe), and from module:callable, which makes one.

    Raises ValueError for fewer than two or more than 24, or for teams of different games.
    """
    found: dict[str, Deployed] = {}
    for place in places:
        if ":" in place and not Path(place).exists():
            found[place] = _made(place)
            continue
        for name, team in teams(Path(place)).items():
            found[f"{place}/{name}" if name in found else name] = team
    if not 2 <= len(found) <= MOST_TEAMS:
        raise ValueError(f"{len(found)} teams are not allowed: there must be from 2 to {MOST_TEAMS} to rank")
    first = next(iter(found.values()))
    for name, team in found.items():
        if (team.id, team.options) != (first.id, first.options):
            raise ValueError(
                f"{name} plays {team.id} {differing(team.options)}, the first team {first.id} {differing(first.options)}: "
                "teams are ranked in one game"
            )
    return found


def _made(place: str) -> "Deployed":
    from agents.team import Deployed

    module, _, name = place.partition(":")
    try:
        team = getattr(import_module(module), name)()
    except (ImportError, AttributeError, TypeError) as reason:
        raise ValueError(f"{place!r} makes no team: {reason}") from reason
    if not isinstance(team, Deployed):
        raise bad("a team", place, "a callable without arguments that makes one")
    return team


def tournament(
    found: dict[str, "Deployed"],
    matches: str,
    *,
    delta: float = 0.1,
    games: int = 10_000,
    scale: tuple[float, float] | None = None,
    tell: Tell = silent,
) -> Tournament:
    """Play the teams against each other.

    matches: `partners`, where speakers are one population and listeners another, who both get the game's reward; exact where the
        game can be summed over. `rivals`, where two teams play the same seeds apart and the one of the higher return has won (1;
        a draw is 1/2), in two populations of the same teams.
    games: of each team or pair, at most. scale: least and largest return of a game, which partners' payoffs need where they are
        played. Raises ValueError where that is missing, or a return lies outside.
    """
    if matches not in MATCHES:
        raise bad("matches", matches, f"one of {', '.join(MATCHES)}")
    whole("games", games, 1)
    return _partners(found, delta, games, scale, tell) if matches == "partners" else _rivals(found, delta, games, tell)


def _partners(found: dict[str, Any], delta: float, games: int, scale: tuple[float, float] | None, tell: Tell) -> Tournament:
    names = tuple(found)
    pairs = [(i, j, crossed(found[a], found[b])) for i, a in enumerate(names) for j, b in enumerate(names)]
    exact, n = [], len(names)
    for done, (_, _, team) in enumerate(pairs):
        tell(done, len(pairs), "partners")
        evaluation = enumerated(team, team.options)
        if evaluation is None:
            break
        exact.append(evaluation.reward)
    if len(exact) == len(pairs):
        payoffs = np.repeat(np.reshape(exact, (1, n, n)), 2, axis=0)
        return Tournament(("speakers", "listeners"), names, _known(payoffs), True)
    if scale is None:
        raise ValueError("these games are played, not summed over: say the least and largest return of one with --scale=LOW,HIGH")
    low, high = scale
    if not low < high:
        raise bad("scale", f"{low},{high}", "LOW,HIGH with LOW below HIGH")
    played = np.zeros((n, n, games))
    for done, (i, j, team) in enumerate(pairs):
        tell(done, len(pairs), "partners")
        played[i, j] = (returns(team, games) - low) / (high - low)
    if not ((played >= 0) & (played <= 1)).all():
        spread = low + (high - low) * np.array([played.min(), played.max()])
        raise ValueError(f"scale={low},{high} is too narrow: returns from {spread[0]:.4g} to {spread[1]:.4g} were seen")
    graph = _sampled(lambda a, b, k: (played[a, b, k],) * 2, n, delta, games)
    return Tournament(("speakers", "listeners"), names, _stretched(graph, low, high), False)


def _rivals(found: dict[str, Any], delta: float, games: int, tell: Tell) -> Tournament:
    earned = []
    for done, (name, team) in enumerate(found.items()):
        tell(done, len(found), name)
        earned.append(returns(team, games))

    def match(a: int, b: int, k: int) -> tuple[float, float]:
        won = 0.5 if a == b else 0.5 * (1 + np.sign(earned[a][k] - earned[b][k]))
        return float(won), float(1 - won)

    return Tournament(("ours", "theirs"), tuple(found), _sampled(match, len(found), delta, games), False)


def _sampled(match: Any, n: int, delta: float, games: int) -> ResponseGraph:
    """A response graph from so many games of each profile, played beforehand; none is used twice."""
    used = np.zeros((n, n), int)

    def sample(profile: tuple[int, ...], rng: np.random.Generator) -> Sequence[float]:
        used[profile] += 1
        return match(*profile, used[profile] - 1)

    return response_graph(sample, (n, n), delta=delta, max_samples=games * n * n, max_each=games, at_once=32)


def _known(payoffs: np.ndarray) -> ResponseGraph:
    sizes = payoffs.shape[1:]
    edges = [(a, b, k) for a in np.ndindex(sizes) for k, b in evolution.neighbours(a, sizes)]
    better = tuple((a, b, k) for a, b, k in edges if payoffs[(k, *b)] > payoffs[(k, *a)])
    even = tuple((a, b, k) for a, b, k in edges if a < b and payoffs[(k, *b)] == payoffs[(k, *a)])
    return ResponseGraph(payoffs, payoffs, payoffs, np.zeros(sizes, int), better, even)


def _stretched(graph: ResponseGraph, low: float, high: float) -> ResponseGraph:
    means, lows, highs = (low + (high - low) * array for array in (graph.means, graph.low, graph.high))
    return ResponseGraph(means, lows, highs, graph.counts, graph.better, graph.unresolved)


def returns(team: "Deployed", games: int) -> np.ndarray:
    """Return of a game, the mean over its agents, for seeds 0, 1, ...; shape (games,)."""
    batch = Batch(rules(team.id), team.options, games, 0, copy=False)
    names, player = batch.possible_agents, team.player(games)
    seen, fresh = batch.reset(), np.ones(games, bool)
    earned, running = np.zeros(games), np.ones(games, bool)
    while running.any():
        seen, *_, infos = batch.step(player.act(seen, batch.active, fresh))
        fresh = batch.buffers.terminated | batch.buffers.truncated
        over = running & fresh
        if over.any():
            earned[over] = np.mean([infos[name]["final_info"]["episode_return"] for name in names], axis=0)[over]
            running &= ~fresh
    return earned


def rank(found: dict[str, "Deployed"], matches: str, folder: Path, tell: Tell = silent, **options: Any) -> dict[str, Any]:
    """rank.json of these teams, written with its figure into a folder. options: of `tournament` and of `alpha_rank`."""
    chain = {key: options.pop(key) for key in ("alpha", "population", "noise") if key in options}
    played = tournament(found, matches, tell=tell, **options)
    graph = played.graph
    best = evolution.alpha_rank(list(graph.means), **chain)
    spans = np.stack([best.mass, best.mass], axis=1) if played.exact else ranking_intervals(graph, **chain)
    n = len(played.strategies)
    mass = best.mass.reshape(n, n)
    page: dict[str, Any] = {
        "command": command_line(),
        "versions": versions(),
        "matches": matches,
        "populations": list(played.populations),
        "teams": list(played.strategies),
        "alpha_rank": {key: str(value) if value == np.inf else value for key, value in chain.items()},
        "exact": played.exact,
        "games": graph.samples,
        "unresolved": len(graph.unresolved),
        "payoffs": graph.means.tolist(),
        "low": graph.low.tolist(),
        "high": graph.high.tolist(),
        "mass": mass.tolist(),
        "mass_low": spans[:, 0].reshape(n, n).tolist(),
        "mass_high": spans[:, 1].reshape(n, n).tolist(),
        "shares": {name: mass.sum(axis=1 - k).tolist() for k, name in enumerate(played.populations)},
    }
    write_json(folder / "rank.json", page)
    figure = _plot(page, graph)
    write(folder / "rank.png", lambda aside: figure.savefig(aside, format="png", dpi=160))
    return page


def _plot(page: dict[str, Any], graph: ResponseGraph) -> Any:
    """The response graph among the profiles of most mass."""
    import networkx
    from matplotlib.figure import Figure

    mass = np.array(page["mass"])
    shown = sorted(map(tuple, np.argwhere(mass >= 0).tolist()), key=lambda profile: -mass[profile])[:DRAWN]
    drawn = networkx.DiGraph([(a, b) for a, b, _ in graph.better if {a, b} <= set(shown)])
    drawn.add_nodes_from(shown)
    at = {profile: (profile[1], -profile[0]) for profile in shown}  # a matrix: rows are the first population's
    figure = Figure(figsize=(1.4 + 1.1 * mass.shape[1], 1.6 + 1.1 * mass.shape[0]), layout="constrained")
    axes = figure.subplots()
    sizes = [60 + 1400 * mass[profile] for profile in drawn]
    networkx.draw_networkx_nodes(drawn, at, ax=axes, node_size=sizes, node_color="#1f5fa8", alpha=0.85)
    networkx.draw_networkx_edges(
        drawn, at, ax=axes, node_size=sizes, edge_color="#555555", width=0.7, arrowsize=9, connectionstyle="arc3,rad=0.18"
    )
    names = page["teams"]
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axes.set_yticks(range(0, -len(names), -1), names)
    axes.tick_params(left=True, bottom=True, labelleft=True, labelbottom=True, labelsize=8)
    axes.set_ylabel(page["populations"][0])
    axes.set_xlabel(page["populations"][1])
    axes.set_title("Arrows lead to better responses; dots grow with mass", fontsize=9, loc="left")
    axes.margins(0.15)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure
