"""Which of a game's links a channel leaves: what a user says of it, kept in plain immutable form.

topology.py makes links of it when a game is made; it needs the compiler, which `import commenv` must not load.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from commenv.core.errors import bad, number, plain, whole

NAMES = {
    "complete": (),
    "ring": (),
    "star": (),
    "grid": ("rows",),
    "erdos-renyi": ("p", "seed"),
    "watts-strogatz": ("k", "p", "seed"),
}
"""Topologies known by name, and what else each needs."""
_ALLOWED = (
    f"one of {', '.join(NAMES)}, a mapping of a name and its options, a networkx graph, or pairs (source, target) of agents"
)


@dataclass(frozen=True, kw_only=True)
class Topology:
    """A topology by name with its options, or as pairs; see `Channel.topology`."""

    name: str | None = None
    rows: int | None = None
    k: int | None = None
    p: float | None = None
    seed: int | None = None
    each_game: bool = False
    """Whether an erdos-renyi is drawn anew in each episode."""
    directed: bool = False
    """Whether the two directions of an edge are drawn each by itself."""
    pairs: tuple[tuple[str | int, str | int], ...] | None = None

    @classmethod
    def of(cls, given: Any) -> "Topology":
        """Raises ValueError for what is no topology."""
        if isinstance(given, Topology):
            return given
        if isinstance(given, str):
            given = {"name": given}
        return cls._named(given) if isinstance(given, Mapping) else cls(pairs=_pairs(given))

    @classmethod
    def _named(cls, given: Mapping[str, Any]) -> "Topology":
        options = {key: plain(value) for key, value in given.items() if key != "name"}
        name = given.get("name")
        if not isinstance(name, str) or name not in NAMES:
            raise bad("topology", name if name is not None else dict(given), _ALLOWED)
        each_game = options.get("each_game", False)
        known = (*NAMES[name], *(("each_game", "directed") if name == "erdos-renyi" else ()))
        for option, value in options.items():
            if option not in known:
                raise ValueError(f"unknown option {option!r} of topology {name!r}; it has {', '.join(known) or 'none'}")
            if option in ("each_game", "directed"):
                if not isinstance(value, bool):
                    raise bad(option, value, "True or False")
                continue
            number("p", value, 0, 1) if option == "p" else whole(option, value, 0)
        if missing := [option for option in NAMES[name] if option != "seed" and option not in options]:
            raise ValueError(f"topology {name!r} needs {missing[0]}")
        if each_game and "seed" in options:
            raise ValueError(f"seed={options['seed']!r} is not allowed with each_game: each game draws from its own seed")
        if options.get("directed") and not each_game:
            raise ValueError("directed=True needs each_game=True: only links drawn in each game have directions of their own")
        return cls(name=name, **options)

    @property
    def options(self) -> dict[str, Any]:
        """What the name needs, as given."""
        return {key: getattr(self, key) for key in ("rows", "k", "p", "seed") if getattr(self, key) is not None}

    @property
    def fields(self) -> Any:
        """As `of` takes it, for files: a name, a mapping, or pairs."""
        if self.pairs is not None:
            return self.pairs
        given = {key: value for key, value in asdict(self).items() if value is not None and value is not False}
        return given if len(given) > 1 else self.name


def _pairs(given: Any) -> tuple[tuple[str | int, str | int], ...]:
    """The links of a graph, or those given, sorted: an undirected edge is a link both ways."""
    edges = given.to_directed().edges() if hasattr(given, "to_directed") else given
    try:
        pairs = {(plain(source), plain(target)) for source, target in edges}
    except (TypeError, ValueError):
        raise bad("topology", given, _ALLOWED) from None
    for pair in pairs:
        if not all(isinstance(end, str | int) and not isinstance(end, bool) for end in pair):
            raise bad("topology", pair, "pairs (source, target) of agents, by name or number")
    return tuple(sorted(pairs, key=lambda pair: [(isinstance(end, str), end) for end in pair]))
