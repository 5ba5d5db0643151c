"""Who talks to whom, by name: graphs that are given, that are learned, or that form as agents play. One file a paper."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import networkx

from agents.graphs.commformer import CommFormer
from agents.graphs.commnet import CommNet
from agents.graphs.contract import Graph
from agents.graphs.fixed import Fixed, Silent
from agents.graphs.ic3net import IC3Net
from agents.graphs.magic import MAGIC
from agents.graphs.relation import Relation
from agents.graphs.schednet import SchedNet
from agents.graphs.selforg import SelfOrg
from agents.graphs.tarmac import TarMAC
from commenv.core.errors import bad, whole
from commenv.core.topology import NAMES

GRAPHS: Mapping[str, Callable[..., Graph]] = MappingProxyType(
    {
        "none": Silent,
        "full": CommNet,
        "commnet": CommNet,
        "tarmac": TarMAC,
        "ic3net": IC3Net,
        "schednet": SchedNet,
        "magic": MAGIC,
        "commformer": CommFormer,
        "selforg": SelfOrg,
        "relation": Relation,
        **{name: partial(Fixed, topology=name) for name in NAMES},
    }
)
"""By name; those of commenv.core.topology (ring, star, grid, ...) are fixed."""


def graph(spec: str | networkx.Graph, agents: int, width: int, reads: int, **options: Any) -> Graph:
    """A graph over at most `agents` agents, of hidden vectors of length `width` and messages read as vectors of length `reads`.

    spec: one of GRAPHS, with its options, or a networkx graph whose nodes are 0..agents-1. Raises ValueError for others.

    >>> graph("tarmac", 3, 16, 4, heads=2).gathers
    16
    """
    whole("agents", agents, 1), whole("width", width, 1), whole("reads", reads, 1)
    if isinstance(spec, networkx.Graph):
        return Fixed(agents, width, reads, spec, **options)
    if not isinstance(spec, str) or spec not in GRAPHS:
        raise bad("graph", spec, f"a networkx graph or one of {', '.join(GRAPHS)}")
    make = GRAPHS[spec]
    known = NAMES[spec] if spec in NAMES else tuple(inspect.signature(make).parameters)[3:]
    for option in options:
        if option not in known:
            raise ValueError(f"unknown option {option!r} of graph {spec!r}; it has {', '.join(known) or 'none'}")
    return make(agents, width, reads, **options)


__all__ = ["GRAPHS", "Graph", "graph"]
