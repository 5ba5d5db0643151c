"""Terms of the loss and of the rewards by name: each may be weighed and combined with any other; weight 0 leaves one out.

>>> sorted(chosen_terms({"hinge": {"weight": 2.0, "target": 1.5}, "positive_listening": 0.1, "vib": 0}))
['hinge', 'positive_listening']
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from agents.terms.contract import LossTerm, Moment, RewardTerm, Surrogate, Term
from agents.terms.counterfactual import Empowerment, SocialInfluence
from agents.terms.eccles import PositiveListening, PositiveSignalling
from agents.terms.entropy_mechanism import ClipCov, KlCov
from agents.terms.infomax import Infomax
from agents.terms.ndq import NdqExpressive, NdqSuccinct
from agents.terms.pay import BitsPrice, MessagePolicy, Optima
from agents.terms.rates import Hinge, Lagrangian, MessageEntropy, Price, VariationalRate
from agents.terms.smoothing import EntropySmoothing, EntropyTarget
from commenv.core.errors import bad

__all__ = ["TERMS", "LossTerm", "Moment", "RewardTerm", "Surrogate", "Term", "chosen_terms"]

TERMS: dict[str, type[Term]] = {
    kind.name: kind
    for kind in (
        Price,
        Hinge,
        Lagrangian,
        MessageEntropy,
        VariationalRate,
        PositiveSignalling,
        PositiveListening,
        SocialInfluence,
        Empowerment,
        Infomax,
        NdqExpressive,
        NdqSuccinct,
        ClipCov,
        KlCov,
        EntropySmoothing,
        EntropyTarget,
        BitsPrice,
        Optima,
        MessagePolicy,
    )
}
"""Every term by its name."""


def chosen_terms(terms: Mapping[str, Any]) -> dict[str, Term]:
    """Those of a weight above 0; of each the weight, or its options, weight among them: {"hinge": {"target": 1.5}, "vib": 0.1}.

    ValueError in one sentence for a name, an option or a value that there is not, and for two policy losses at once.
    """
    made = {}
    for name, options in terms.items():
        if name not in TERMS:
            raise ValueError(f"term {name!r} is unknown: {', '.join(TERMS)} are there")
        given = dict(options) if isinstance(options, Mapping) else {"weight": options}
        allowed = [field.name for field in fields(TERMS[name])]
        if unknown := [option for option in given if option not in allowed]:
            raise ValueError(f"{name} has no option {unknown[0]!r}: {', '.join(allowed)} can be chosen")
        term = TERMS[name](**given)
        if term.weight:
            made[name] = term
    surrogates = [name for name, term in made.items() if isinstance(term, Surrogate)]
    if len(surrogates) > 1:
        raise bad("terms", surrogates, "one policy loss at most")
    return made
