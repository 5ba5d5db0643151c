"""Who can talk to whom: the links of a game's layout from a graph, and graphs that change from game to game.

A fixed topology is a tuple of links. One that is drawn anew for each game, or depends on where agents stand, is a layout in
which everybody may be linked, and a rule `route` that says which links stand now:

    layout    links(n=5)                                          every link that there may be
              Layout(..., cells=mask_cells(5))                    the game's board holds the mask
    reset     draw_mask(rng, board, 0, 5, p.probability, False)   Erdős-Rényi, from the game's own generator
    route     return linked(board, 0, 5, source, target)
    route     return within(agents[source].x, agents[source].y, agents[target].x, agents[target].y, p.range)
"""

from collections.abc import Mapping, Sequence
from typing import Any

from commenv.core.errors import bad, number, whole
from commenv.core.generator import chance, rule
from commenv.core.wiring import NAMES

Links = tuple[tuple[int, int], ...]


def links(topology: Any = "complete", n: int | None = None, *, names: Sequence[str] | None = None, **options: Any) -> Links:
    """(source, target) of every link, sorted; an edge of an undirected graph is a link both ways, and loops are left out.

    topology: a networkx graph, directed or not, whose nodes are 0..n-1 or the `names`; or a name:
    complete; ring (each with its two neighbours); star (agent 0 with all others); grid (`rows` by n / rows, neighbours);
    erdos-renyi (each edge with probability `p`; Erdős, Rényi 1959); watts-strogatz (a ring of `k` neighbours whose edges are
    rewired with probability `p`; Watts, Strogatz 1998). Random ones are drawn with `seed`, 0 by default, once.
    Raises ValueError for a graph that does not fit the agents, and for options that are missing or not meant.

    >>> links("ring", 3)
    ((0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1))
    """
    if names is not None and n is None:
        n = len(names)
    if isinstance(topology, str):
        edges = _named(topology, whole("n", n, 1), options)
        directed = False
    else:
        if options:
            raise ValueError(f"a graph needs no {sorted(options)[0]}: it says all itself")
        edges, directed, n = _graph(topology, n, names)
    both = {(a, b) for a, b in edges if a != b}
    return tuple(sorted(both if directed else both | {(b, a) for a, b in both}))


def _named(name: str, n: int, options: Mapping[str, Any]) -> list[tuple[int, int]]:
    if name not in NAMES:
        raise bad("topology", name, f"a networkx graph or one of {', '.join(NAMES)}")
    for option in options:
        if option not in NAMES[name]:
            raise ValueError(f"unknown option {option!r} of topology {name!r}; it has {', '.join(NAMES[name]) or 'none'}")
    for option in NAMES[name]:
        if option != "seed" and option not in options:
            raise ValueError(f"topology {name!r} needs {option}")
    p = number("p", options["p"], 0, 1) if "p" in options else 0.0
    seed = whole("seed", options.get("seed", 0), 0)
    match name:
        case "complete":
            return [(a, b) for a in range(n) for b in range(a)]
        case "ring":
            return [(a, (a + 1) % n) for a in range(n)]
        case "star":
            return [(0, a) for a in range(1, n)]
        case "grid":
            rows = whole("rows", options["rows"], 1, n)
            if n % rows:
                raise bad("rows", rows, f"a divisor of the number of agents, {n}")
            columns = n // rows
            across = [(a, a + 1) for a in range(n) if (a + 1) % columns]
            return across + [(a, a + columns) for a in range(n - columns)]
        case "erdos-renyi":
            import networkx

            return list(networkx.gnp_random_graph(n, p, seed=seed).edges)
        case _:
            import networkx

            k = whole("k", options["k"], 0, n - 1)
            if k % 2:
                raise bad("k", k, "even: as many neighbours on either side")
            return list(networkx.watts_strogatz_graph(n, k, p, seed=seed).edges)


def _graph(graph: Any, n: int | None, names: Sequence[str] | None) -> tuple[list[tuple[int, int]], bool, int]:
    """A networkx graph's edges between agents 0..n-1."""
    try:
        nodes, edges, directed = list(graph.nodes), list(graph.edges()), bool(graph.is_directed())
    except (AttributeError, TypeError):
        raise bad("topology", graph, f"a networkx graph or one of {', '.join(NAMES)}") from None
    n = whole("n", len(nodes) if n is None else n, 1)
    known: dict[Any, int] = {a: a for a in range(n)} | {name: a for a, name in enumerate(names or ())}
    places = [known.get(node) for node in nodes]
    if None in places or sorted(place for place in places if place is not None) != list(range(n)):
        agents = f"0..{n - 1}" + (f" or {', '.join(names)}" if names else "")
        raise ValueError(f"the graph's nodes {nodes[:9]!r} are not the agents: they must be {agents}, each once")
    return [(known[a], known[b]) for a, b in edges], directed, n


# ---------------------------------------------------------------------------------------------------------------- per game
def mask_cells(n: int) -> int:
    """Cells of the board that a mask over n agents takes."""
    return n * n


@rule
def draw_mask(rng, board, first, n, probability, directed):
    """Erdős-Rényi: draw each edge, or each direction of it, and leave the mask at board[first:first + n * n]."""
    for a in range(n):
        board[first + a * n + a] = 0
        for b in range(a):
            there = chance(rng, probability)
            back = chance(rng, probability) if directed else there
            board[first + a * n + b], board[first + b * n + a] = there, back


@rule
def linked(board, first, n, source, target):
    """Whether the mask has this link."""
    return board[first + source * n + target] != 0


@rule
def within(x, y, other_x, other_y, reach):
    """Whether two places are at most `reach` apart."""
    return (x - other_x) * (x - other_x) + (y - other_y) * (y - other_y) <= reach * reach
