"""Exact agents of the four games earn what the solvers say: |mean - solver| < 4 standard errors on 20,000 games."""

import numpy as np
import pytest

import commenv
from agents.exact.bandit import BestScout
from agents.exact.purchase import Buyer, deterministic, optimal, randomised
from agents.exact.sharing import Sharing
from agents.exact.treasure import BestSeeker
from commenv.core.game import choose
from commenv.games import rules
from commenv.solvers.purchase import randomised_days, season_costs
from experiments.evaluation import played

GAMES = 20_000
BANDIT, TREASURE = "acquisition/bandit-v0", "acquisition/treasure-v0"
PURCHASE, LINEAR = "acquisition/purchase-v0", "acquisition/linear_bandit-v0"


def team(id, make, **options):
    return make(choose(rules(id), options))


def earns(team, value):
    found = played(team, team.options, GAMES)
    assert abs(found.reward - value) < 4 * found.standard_error + 1e-12


@pytest.mark.parametrize(
    "options",
    [
        {"bits": 0},
        {"bits": 1},
        {"bits": 2, "cashing": True},
        {"bits": 1, "channel": {"error": 0.1, "erasure": 0.2, "drop": 0.1}},
        {"arms": 3, "pulls": 4, "stake": 3, "priors": [[1, 3], [2, 2], [0.5, 0.5]], "bits": 1},
        {"arms": 2, "pulls": 10, "stake": 0},
    ],
    ids=str,
)
def test_the_best_scout(options):
    limit = commenv.limits(BANDIT, **options).reachable
    assert limit.exact
    earns(team(BANDIT, BestScout, **options), limit.value)


@pytest.mark.parametrize(
    "options", [{"bits": 0}, {"bits": 1}, {"bits": 3}, {"bits": 1, "answers": 3}, {"bits": 2, "answers": 2, "doors": 13}], ids=str
)
def test_the_best_seeker(options):
    limit = commenv.limits(TREASURE, **options).reachable
    assert limit.exact
    earns(team(TREASURE, BestSeeker, **options), limit.value)


@pytest.mark.parametrize("bits", [0, 1, 2, 3])
def test_the_best_buyer(bits):
    limit = commenv.limits(PURCHASE, bits=bits).reachable
    assert limit.exact
    earns(team(PURCHASE, optimal, bits=bits), limit.value)


def test_competitive_buyers_pay_what_theory_says():
    buyer = randomised(choose(rules(PURCHASE), {"buy": 6.0}), seed=3)
    season = buyer.options.lengths
    costs = season_costs(1.0, 6.0, len(season)) @ season
    earns(buyer, -float(randomised_days(6) @ costs[:6]))
    steady = deterministic(buyer.options)
    earns(steady, -float(costs[5]))
    hindsight = float(season @ np.minimum(np.arange(1, len(season) + 1), 6))
    assert costs[5] <= (2 - 1 / 6) * hindsight
    assert randomised_days(6) @ costs[:6] <= 1.582 * hindsight


@pytest.mark.parametrize("options", [{"bits": 0}, {"bits": 1}, {"bits": 3, "gap": 2.0, "noise": 1.5}], ids=str)
def test_sharing(options):
    limit = commenv.limits(LINEAR, **options).reachable
    assert limit.exact
    earns(team(LINEAR, Sharing, **options), limit.value)


def test_sharing_among_many_lies_between_silence_and_the_ceiling():
    options = {"agents": 4, "rounds": 4, "bits": 3}
    limits = commenv.limits(LINEAR, **options)
    found = played(team(LINEAR, Sharing, **options), choose(rules(LINEAR), options), GAMES)
    assert limits.silent.value < found.reward < limits.ceiling.value + 4 * found.standard_error
    assert limits.efficiency(found.reward) > 0.9


@pytest.mark.parametrize(
    ("id", "make", "options"),
    [
        (BANDIT, BestScout, {"channel": {"delay": (0, 1)}}),
        (TREASURE, BestSeeker, {"channel": {"erasure": 0.1}}),
        (PURCHASE, optimal, {"channel": {"error": 0.1}}),
        (LINEAR, Sharing, {"dimension": 3}),
        (LINEAR, Sharing, {"channel": {"error": 0.1}}),
    ],
)
def test_what_they_cannot_play_is_refused(id, make, options):
    with pytest.raises(ValueError, match=r"known for|noiseless"):
        team(id, make, **options)


def test_a_price_that_is_no_number_of_days_has_no_randomised_buyer():
    with pytest.raises(ValueError, match=r"buy=6\.5"):
        randomised(choose(rules(PURCHASE), {"buy": 6.5}))
    assert isinstance(randomised(choose(rules(PURCHASE), {"buy": 6.0})), Buyer)
