"""Mutual information learned by gradient: bounds and estimates that need no histogram. In bits, unless they say otherwise.

    from agents.estimators import ESTIMATORS, fit
    found = fit("infonce", x, y)         # x, y: numbers [N] or [N, d], or labels [N]; a part is held out for the value
    found.bits, found.standard_error, found.bound

| name | what it is | source |
|---|---|---|
| nwj | lower bound | Nguyen, Wainwright, Jordan (2010) |
| mine | no bound on finite batches: too high | Donsker, Varadhan (1983); Belghazi et al. (2018) |
| infonce | lower bound, at most log2 of the batch | van den Oord et al. (2018) |
| js | lower bound, trained as a discriminator | Hjelm et al. (2019); Poole et al. (2019) |
| smile | no bound, low variance | Song, Ermon (2020) |
| club | upper bound if the learned density is true | Cheng et al. (2020) |
| barber_agakov | lower bound, given the entropy of x | Barber, Agakov (2003) |
| vib | upper bound if the learned density is true | Alemi et al. (2017) |
| wasserstein | a distance, no bits | Ozair et al. (2019) |
| cauchy_schwarz | another divergence from independence, no bound | Yu et al. (2024) |
| diffusion_spectral | of numbers x and labels y, at equal sample sizes | Liao et al. (2023) |

No lower bound from N samples that holds whatever the distribution exceeds about log2 N (McAllester, Stratos 2020). Of messages
with few symbols count instead (`commenv.info.estimate_mutual_information`); of numbers report infonce as a floor and vib as a
ceiling.
`self_consistency` tells what to believe of any estimator; `commenv study estimators` is a table of all of them.
"""

from agents.estimators.bounds import NWJ, InfoNCE, JensenShannon, Mine, Smile
from agents.estimators.consistency import Check, self_consistency
from agents.estimators.contract import Estimator
from agents.estimators.densities import BarberAgakov, Club, VariationalRate
from agents.estimators.kernels import CauchySchwarz, DiffusionSpectral
from agents.estimators.training import ESTIMATORS, Found, fit
from agents.estimators.wasserstein import Wasserstein

__all__ = [
    "ESTIMATORS",
    "NWJ",
    "BarberAgakov",
    "CauchySchwarz",
    "Check",
    "Club",
    "DiffusionSpectral",
    "Estimator",
    "Found",
    "InfoNCE",
    "JensenShannon",
    "Mine",
    "Smile",
    "VariationalRate",
    "Wasserstein",
    "fit",
    "self_consistency",
]
