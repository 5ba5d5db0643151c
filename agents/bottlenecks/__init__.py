"""Bottlenecks by name: ways to say something in a given number of bits.

>>> bottleneck("finite_scalar", 64, bits=5, levels=[4, 8]).alphabet
(4, 8)
"""

import inspect
from typing import Any

from agents.bottlenecks.cauchy_schwarz import CauchySchwarz
from agents.bottlenecks.continuous import Continuous
from agents.bottlenecks.contract import Bottleneck, Message, at_least
from agents.bottlenecks.dial import Dial
from agents.bottlenecks.dimco import Dimco
from agents.bottlenecks.entropy_bounded import EntropyBounded
from agents.bottlenecks.finite_scalar import FiniteScalar
from agents.bottlenecks.gaussian import Gaussian
from agents.bottlenecks.gumbel_softmax import GumbelSoftmax
from agents.bottlenecks.silent import Silent
from agents.bottlenecks.vector_quantised import VectorQuantised

__all__ = [
    "BOTTLENECKS",
    "Bottleneck",
    "CauchySchwarz",
    "Continuous",
    "Dial",
    "Dimco",
    "EntropyBounded",
    "FiniteScalar",
    "Gaussian",
    "GumbelSoftmax",
    "Message",
    "Silent",
    "VectorQuantised",
    "bottleneck",
]

BOTTLENECKS: dict[str, type[Bottleneck]] = {
    "continuous": Continuous,
    "dial": Dial,
    "gumbel_softmax": GumbelSoftmax,
    "vector_quantised": VectorQuantised,
    "finite_scalar": FiniteScalar,
    "gaussian": Gaussian,
    "dimco": Dimco,
    "cauchy_schwarz": CauchySchwarz,
    "entropy_bounded": EntropyBounded,
}
"""Every bottleneck by its name."""


def bottleneck(name: str, width: int, *, bits: int, **options: Any) -> Bottleneck:
    """The bottleneck of that name for hidden vectors of length `width`, whose message has exactly `bits` bits.

    options: those of its class's `of`. 0 bits are silence, whatever the name.
    ValueError in one sentence for a name, an option or a number of bits that there is not.
    """
    if name not in BOTTLENECKS:
        raise ValueError(f"bottleneck {name!r} is unknown: {', '.join(BOTTLENECKS)} are there")
    make = BOTTLENECKS[name].of
    allowed = list(inspect.signature(make).parameters)[2:]
    for option in options:
        if option not in allowed:
            raise ValueError(f"{name} has no option {option!r}: {', '.join(allowed) or 'none'} can be chosen")
    at_least("width", width, 1)
    return make(width, bits, **options) if at_least(f"bits of {name}", bits, 0) else Silent(width)
