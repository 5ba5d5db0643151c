"""Teams side by side: over channels that they were not trained on, and with partners that they were not trained with."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commenv.core import links
from commenv.core.errors import whole
from commenv.core.game import choose
from commenv.games import rules
from experiments.evaluation import evaluate
from experiments.files import Tell, silent
from experiments.metrics import communication
from experiments.options import differing, over

if TYPE_CHECKING:
    from agents import Team


def teams(folder: Path) -> dict[str, Any]:
    """The teams of a folder by name: the one of a run (its folder's), or all of a frontier ("bits=2/seed=0", ...) or a recipe.

    Raises FileNotFoundError where there is none.
    """
    from agents import load

    if (folder / "team.json").is_file():
        return {folder.resolve().name: load(folder)}
    places = ("bits=*/seed=*", "seed=*")
    found = sorted(path.parent for place in places for path in folder.glob(f"{place}/team.json"))
    if not found:
        raise FileNotFoundError(f"{folder} holds no team: neither a finished run nor a frontier")
    loaded = {path.relative_to(folder).as_posix(): load(path) for path in found}
    return dict(sorted(loaded.items(), key=lambda item: (item[1].options.link.size, len(item[0]), item[0])))


def elsewhere(team: Any, changes: Mapping[str, Any]) -> Any:
    """The same team in its game with other options, of which those not said stay. Raises ValueError where it does not fit."""
    from agents.team import plain

    options = choose(rules(team.id), {**plain(team.options), **changes})
    networks = team.network if hasattr(team, "network") else team.policies
    return type(team)(team.id, options, networks)


def over_channels(
    folder: Path,
    channels: Sequence[dict[str, Any]],
    games: int | None = None,
    tell: Tell = silent,
    changes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Every team over the channel it was trained on, and over each of `channels`: a train x test matrix.

    changes: options of the game other than in training. Raises ValueError, before anything is played, for a channel or an option
    that does not fit one of the teams.
    """
    _check_games(games)
    ours = {name: elsewhere(team, changes) if changes else team for name, team in teams(folder).items()}
    for team in ours.values():
        for channel in channels:
            over(team.options, channel)
    pairs = [(name, channel) for name in ours for channel in ({}, *channels)]
    evaluations = []
    for (name, channel), told in zip(pairs, _shares(tell, len(pairs)), strict=True):
        team = ours[name]
        found = evaluate(team, channel, games, told(name))
        found["communication"] = communication(team, over(team.options, channel) if channel else team.options)
        evaluations.append({"team": name, "id": team.id, "test": channel, "trained": team.options.link.fields(), **found})
    return {"folder": str(folder), "changes": dict(changes or {}), "channels": [{}, *channels], "evaluations": evaluations}


def crossed(speaking: "Team", listening: "Team") -> "Team":
    """The speakers of one team with the listeners of another. Raises ValueError where they cannot play together."""
    from agents import Team

    if (speaking.id, speaking.options) != (listening.id, listening.options):
        theirs = [f"{team.id} {differing(team.options)}" for team in (speaking, listening)]
        raise ValueError(f"teams of different games cannot play together: {theirs[0]}, and {theirs[1]}")
    layout = links.layout(rules(speaking.id), speaking.options)
    sources, targets = ({link[end] for link in layout.links} for end in (0, 1))
    if sources & targets:
        raise ValueError("cross-play needs speakers that do not listen: here an agent does both")
    policies = {name: (speaking if i in sources else listening).policies[name] for i, name in enumerate(layout.names)}
    return Team(speaking.id, speaking.options, policies)


def cross(folder: Path, other: Path, games: int | None = None, tell: Tell = silent) -> dict[str, Any]:
    """Speakers of one folder with listeners of another, at every rate that both have: a matrix a rate.

    With the same folder twice the diagonal is self-play. Raises ValueError where no rate is common.
    """
    _check_games(games)
    ours, theirs = teams(folder), teams(other)
    sizes = [team.options.link.size for team in ours.values()]
    common = [size for size in dict.fromkeys(sizes) if any(team.options.link.size == size for team in theirs.values())]
    if not common:
        raise ValueError(f"the teams of {folder} and {other} have no rate in common")

    def of(size: int, found: dict[str, "Team"]) -> dict[str, "Team"]:
        return {name: team for name, team in found.items() if team.options.link.size == size}

    pairs = [(size, a, b, crossed(ours[a], theirs[b])) for size in common for a in of(size, ours) for b in of(size, theirs)]
    cells = []
    for (size, a, b, team), told in zip(pairs, _shares(tell, len(pairs)), strict=True):
        found = evaluate(team, None, games, told(f"{a} with {b}"))
        cells.append({"speaker": a, "listener": b, "symbols": size, **found})
    return {"speakers": str(folder), "listeners": str(other), "pairs": cells}


def _check_games(games: int | None) -> None:
    if games is not None:
        whole("games", games, 1)


def _shares(tell: Tell, parts: int) -> Iterator[Any]:
    """For each of so many parts a function that names it, and gives its own Tell; the whole counts thousandths of parts."""
    for k in range(parts):

        def told(name: str, k: int = k) -> Tell:
            tell(1000 * k, 1000 * parts, name)
            return lambda done, total, what: tell(1000 * k + 1000 * done // total, 1000 * parts, name)

        yield told
